"""An MCP server behind mod_proxy: streams are passed as they come, answers as
they are, and what identifies a client's session reaches it."""

import socket
import time

import pytest

from answers import assert_unauthorized
from backend import header, identity
from client import PATIENCE
from confs import introspection, location
from discovery import assert_cors, well_known
from streaming import Application, parsed, rpc, wish

RESOURCE = "https://mcp.example.com/mcp"
USER = "user_2streamstreamstream"
PROMPT = 2      # seconds; the application holds its second event far longer


@pytest.fixture(scope="module")
def application():
    played = Application()
    yield played
    played.close()


@pytest.fixture
def app(application):
    application.end_streams()
    application.clear()
    yield application
    application.end_streams()


@pytest.fixture(scope="module")
def clock(clocks):
    return clocks()


def conf(clerk, url):
    def at(name, *lines):
        return location(f"/{name}", f"ClerkResource {RESOURCE}",
                        "ClerkPass headers", f"ProxyPass {url}/{name}",
                        *lines)
    return "\n".join([
        introspection(clerk), at("mcp"), at("off", "ClerkCORS Off"),
        at("list", "ClerkCORS https://app.example"),
        at("info", "ClerkUserInfo On")])


@pytest.fixture(scope="module", params=["event", "worker", "prefork"])
def httpd(request, serve, standin, application, clock):
    # a process for each stream that a test holds at a time
    children = 5 if request.param == "prefork" else 1
    return serve(conf(standin, application.url), mpm=request.param,
                 env=clock.env, children=children,
                 modules=["proxy", "proxy_http"])


class Reader:
    """A request whose answer is read while it comes."""

    def __init__(self, httpd, method, path, *fields, body=b""):
        self.sock = socket.create_connection(("127.0.0.1", httpd.port),
                                             PATIENCE)
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost",
                 f"Content-Length: {len(body)}", *fields]
        self.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.data = b""

    def until(self, text, patience):
        """Read until that has come; how long it took."""
        began = time.monotonic()
        self.sock.settimeout(patience)
        while text not in self.data:
            piece = self.sock.recv(65536)
            assert piece, f"it ended without {text}: {self.data}"
            self.data += piece
        return time.monotonic() - began

    def close(self):
        self.sock.close()


def fields(token, *more):
    return [f"Authorization: Bearer {token}",
            "Accept: application/json, text/event-stream", *more]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["mcp", "off", "list", "info"])
def test_an_event_is_passed_when_it_is_there(httpd, clerk, app, method, path):
    body = rpc("tools/call", name="slow") if method == "POST" else b""
    reader = Reader(httpd, method, f"/{path}/stream", *fields(clerk.mint()),
                    body=body)
    assert reader.until(b"data: first\n\n", PROMPT) < PROMPT
    head = reader.data.partition(b"\r\n\r\n")[0].decode().lower()
    assert head.startswith("http/1.1 200"), head
    assert "content-type: text/event-stream" in head
    assert "mcp-session-id: session-1" in head
    assert "content-length" not in head
    allowed = head.count("access-control-allow-origin: *")
    assert allowed == (1 if path in ("mcp", "info") else 0), head
    for n in (1, 2, 3):
        time.sleep(0.05)
        assert f"id: {n}\n".encode() not in reader.data
        app.go.release()
        reader.until(f"id: {n}\ndata: more\n\n".encode(), PROMPT)
    app.end_streams()
    reader.until(b"0\r\n\r\n", PROMPT)
    reader.close()


def test_the_events_are_whole(httpd, clerk, app):
    app.go.release(50)
    reader = Reader(httpd, "GET", "/mcp/stream", "Connection: close",
                    *fields(clerk.mint()))
    reader.until(b"id: 50\ndata: more", PATIENCE)
    reader.close()
    body = b"".join(line for line in reader.data.splitlines(True)
                    if line.startswith((b"id", b"data")) or line == b"\n")
    assert [e["id"] for e in parsed(body)] == [str(n) for n in range(51)]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_a_stream_outlives_its_token(httpd, clerk, app, clock, method, kind):
    # the server's clock is ahead by what earlier tests moved it
    lifetime = clock.offset + 60
    token = (clerk.mint(expires_in=lifetime, client_id=clerk.client_id)
             if kind == "opaque"
             else clerk.mint_jwt(expires_in=lifetime))
    reader = Reader(httpd, method, "/mcp/stream", *fields(token))
    reader.until(b"data: first\n\n", PROMPT)
    if kind == "opaque":
        clerk.revoke(token)
    clock.forward(600)
    app.go.release()
    reader.until(b"id: 1\ndata: more\n\n", PROMPT)
    assert httpd.get("/mcp/x", token=token).status == 401
    app.go.release()
    reader.until(b"id: 2\ndata: more\n\n", PROMPT)
    reader.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_that_goes_away(httpd, clerk, app, method):
    app.comments.set()
    reader = Reader(httpd, method, "/mcp/stream", *fields(clerk.mint()))
    reader.until(b"data: first\n\n", PROMPT)
    assert not app.gone.is_set()
    reader.close()
    assert app.gone.wait(5), "the application goes on for nobody"


def test_many_streams_at_a_time(httpd, clerk, app):
    token = clerk.mint()
    readers = [Reader(httpd, "GET", "/mcp/stream", *fields(token))
               for _ in range(3)]
    for reader in readers:
        reader.until(b"data: first\n\n", PROMPT)
    assert httpd.get("/mcp/x", token=token).status == 200
    app.end_streams()
    for reader in readers:
        reader.close()


# What the application sees.

SESSION = [("Mcp-Session-Id", "session-1"), ("Last-Event-ID", "17"),
           ("MCP-Protocol-Version", "2025-11-25"),
           ("Mcp-Method", "tools/call"), ("Mcp-Name", "delete"),
           ("Accept", "application/json, text/event-stream"),
           ("Content-Type", "application/json")]
FORGED = [("X-Clerk-User-Id", "forged"), ("X_Clerk_User_Id", "forged"),
          ("x-clerk-scopes", "forged"), ("X-Clerk-Extra", "forged")]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_reaches_it(httpd, clerk, app, method):
    token = clerk.mint(subject=USER)
    body = rpc("tools/call", name="delete") if method == "POST" else None
    headers = [h for h in SESSION if body or h[0] != "Content-Type"]
    answer = httpd.request(method, "/mcp/x?a=b", token=token, body=body,
                           headers=headers + FORGED)
    assert answer.status == 200, answer
    request, = app.requests
    assert request["method"] == method
    assert request["body"] == (body or b"").decode()
    for name, value in headers:
        assert header(request, name) == [value], name
    told = identity(request)
    assert told["X-Clerk-User-Id"] == USER
    assert "forged" not in str(request) and token not in str(request)
    assert header(request, "Authorization") == []


def test_a_token_anywhere_does_not_pass_a_refusal(httpd, clerk, app):
    dead = clerk.mint()
    clerk.revoke(dead)
    for token in (None, dead):
        for method, path in (("GET", "stream"), ("POST", "stream"),
                             ("DELETE", "x")):
            answer = httpd.request(method, f"/mcp/{path}", token=token,
                                   headers=SESSION)
            assert answer.status == 401, answer
    assert app.requests == []
    assert_unauthorized(httpd.get("/mcp/stream"),
                        metadata=well_known(RESOURCE))


# What it answers.

ANSWERS = [
    ("POST", 200, [("Content-Type", "application/json"),
                   ("Mcp-Session-Id", "s")], '{"jsonrpc":"2.0"}'),
    ("POST", 202, [], ""), ("DELETE", 200, [], ""), ("DELETE", 204, [], ""),
    ("DELETE", 405, [("Allow", "GET, POST")], "not here"),
    ("GET", 405, [("Allow", "POST, DELETE")], '{"error":"no stream"}'),
    ("GET", 404, [("Content-Type", "application/json")],
     '{"error":"session not found"}'),
    ("POST", 404, [], "gone"), ("POST", 400, [("X-Own", "1")], '{"code":-3}'),
    ("POST", 401, [("WWW-Authenticate", 'Basic realm="own"')], "own"),
    ("POST", 401, [("WWW-Authenticate", 'Bearer error="own"')], "own"),
    ("POST", 403, [("WWW-Authenticate", 'Bearer error="own"')], "own"),
    ("POST", 403, [], "own"), ("GET", 406, [], ""), ("POST", 415, [], "x"),
    ("POST", 500, [("Content-Type", "text/plain")], "own fault"),
    ("POST", 503, [("Retry-After", "7")], "own pause"),
    ("GET", 200, [("Cache-Control", "private, max-age=5"),
                  ("ETag", '"1"')], "cached"),
]


@pytest.mark.parametrize("method,status,headers,body", ANSWERS)
@pytest.mark.parametrize("path", ["mcp", "off"])
def test_its_answers_are_its_own(httpd, clerk, app, path, method, status,
                                 headers, body):
    answer = httpd.request(
        method, f"/{path}/x{wish(status, *headers, body=body)}",
        token=clerk.mint(),
        body=rpc("ping") if method == "POST" else None)
    assert len(app.requests) == 1
    assert answer.status == status and answer.text == body, answer
    for name in ("WWW-Authenticate", "Cache-Control", "Retry-After", "Allow",
                 "Mcp-Session-Id", "X-Own", "ETag"):
        assert answer.all(name) == [v for k, v in headers if k == name], name
    if path == "mcp":
        assert_cors(answer)
