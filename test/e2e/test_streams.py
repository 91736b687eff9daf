"""What passes the proxy, and what does not, with the module in front."""

import http.server
import json
import threading
import time
import urllib.parse

import pytest

import client as http_client
import fronts
from httpd import eventually
from parties import ClientError

JSON = ("Content-Type", "application/json")
BOTH = ("Accept", "application/json, text/event-stream")
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize",
         "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                    "clientInfo": {"name": "raw", "version": "1"}}}


@pytest.fixture(scope="module")
def front(serve, standin, mcp_url):
    return serve(fronts.smallest(standin, mcp_url), modules=fronts.MODULES,
                 threads=fronts.THREADS)


@pytest.fixture
def token(clerk):
    return clerk.mint(scopes=["profile"])


# Streams.

def open_stream(port, method, token, body=None, *headers):
    """A response whose body is still to be read."""
    connection = http_client.Connection(port)
    connection.send(method, "/mcp", [JSON, BOTH, *headers], token=token,
                    body=body)
    return connection, connection.http.getresponse()


def modern(name, **arguments):
    """A call of the protocol without sessions: header fields and body."""
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "raw",
                                                   "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
            "progressToken": "p"}
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call",
            "params": {"name": name, "arguments": arguments, "_meta": meta}}
    return [("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"), ("Mcp-Name", name)], body


def test_events_come_as_they_are_sent(front, token):
    headers, body = modern("count", to=4, every=400)
    connection, response = open_stream(front.port, "POST", token,
                                       json.dumps(body).encode(), *headers)
    assert response.status == 200
    assert response.getheader("Content-Type") == "text/event-stream"
    times = [time.monotonic()
             for line in response if line.startswith(b"data: {")]
    connection.close()
    assert len(times) == 5  # four steps and the answer
    assert times[3] - times[0] > 0.9, times


class Silent(http.server.BaseHTTPRequestHandler):
    """It begins an answer, and then has nothing to say."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.server.may_end.wait(10)

    def log_message(self, *_args):
        pass


@pytest.fixture
def silent():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    server.may_end = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.may_end.set()
    server.shutdown()
    server.server_close()


def test_the_head_of_a_silent_stream_comes_at_once(serve_once, clerk, token,
                                                   silent):
    """A client waits for the status."""
    backend = f"http://127.0.0.1:{silent.server_address[1]}/"
    front = serve_once(fronts.smallest(clerk, backend),
                       modules=fronts.MODULES)
    began = time.monotonic()
    connection, response = open_stream(front.port, "GET", token)
    assert response.status == 200 and time.monotonic() - began < 5
    assert response.getheader("Content-Type") == "text/event-stream"
    silent.may_end.set()
    assert response.read() == b""
    connection.close()


@pytest.mark.parametrize("kind, options", [
    ("v1", {}), ("v2", {"negotiation": "legacy"})], ids=["v1", "v2-legacy"])
def test_a_cancellation_reaches_the_server(front, clerk, mcp_client, kind,
                                           options):
    """Here it is a message of its own."""
    client = mcp_client(kind, front.url + "/mcp", **options)
    client.connect()
    label = f"{kind} {clerk.port}"
    client.start("long", "wait", milliseconds=15000, label=label)
    with pytest.raises(ClientError):
        client.finish("long", "cancel")
    assert eventually(
        lambda: [known for known in client.call("cancelled")
                 if known == label], 1) == [label]


@pytest.mark.parametrize("tool, args", [
    ("count", {"to": 100, "every": 200}), ("wait", {"milliseconds": 20000})])
def test_hanging_up_cancels(front, mcp_client, mcp_server, tool, args):
    """Without sessions it is the end of the connection. httpd sees that when
    it has something to send: the next event, or the server's keep-alive."""
    client = mcp_client("v2", front.url + "/mcp")
    assert client.connect()["version"] == "2026-07-28"
    client.start("long", tool, label=f"{tool} {front.port}", **args)
    time.sleep(0.7)
    mcp_server.clear()
    with pytest.raises(ClientError):
        client.finish("long", "cancel")
    [cut] = eventually(lambda: [
        seen for seen in mcp_server.seen(method="POST", whole=False)
        if "mcp-name" in seen["headers"]], 1)
    assert cut["headers"]["mcp-name"] == tool
    assert cut["milliseconds"] < 10000
    assert f"{tool} {front.port}" in client.call("cancelled")


@pytest.mark.parametrize("kind, options", [
    ("v1", {}), ("v2", {"negotiation": "legacy"})], ids=["v1", "v2-legacy"])
def test_a_stream_is_taken_up_again(front, clerk, mcp_client, mcp_server,
                                    kind, options):
    """The server ends it before its answer; the client comes back for that,
    and says with Last-Event-ID where it was."""
    client = mcp_client(kind, front.url + "/mcp", **options)
    client.connect()
    mcp_server.clear()
    assert client.call("interrupt", after=500) == {"interrupted": True}
    client.order("close")
    [again] = eventually(lambda: [
        seen for seen in mcp_server.seen(method="GET")
        if "last-event-id" in seen["headers"]], 1)
    assert again["headers"]["mcp-session-id"]
    assert again["headers"]["x-clerk-user-id"] == clerk.user_id


# Answers that are not for the module to change.

def initialized(place, token=None):
    """A new session, at the server itself or through httpd."""
    answer = send(place, "POST", [JSON, BOTH], HELLO, token)
    assert answer.status == 200, answer
    return answer.one("Mcp-Session-Id")


def send(place, method, headers=(), body=None, token=None):
    """One request to /mcp, at a port or at a server."""
    connection = http_client.Connection(getattr(place, "port", place))
    try:
        data = body if isinstance(body, bytes) else (
            None if body is None else json.dumps(body).encode())
        return connection.request(method, "/mcp", headers=headers, body=data,
                                  token=token)
    finally:
        connection.close()


NOTE = {"jsonrpc": "2.0", "method": "notifications/initialized"}
CASES = {
    "202": ("POST", [JSON, BOTH], NOTE, 202),
    "DELETE": ("DELETE", [], None, 200),
    "404": ("POST", [JSON, BOTH, ("Mcp-Session-Id", "gone")], NOTE, 404),
    "405": ("PUT", [JSON], b"{}", 405),
    "406": ("GET", [("Accept", "text/html")], None, 406),
    "400": ("POST", [JSON, BOTH], b"{", 400),
    "415": ("POST", [("Content-Type", "text/plain"), BOTH], NOTE, 415),
}


@pytest.mark.parametrize("case", CASES)
def test_answers_pass_unchanged(front, token, mcp_server, case):
    method, headers, body, status = CASES[case]
    alike = []
    for place, own in ((urllib.parse.urlsplit(mcp_server.url).port, None),
                       (front, token)):
        fields = headers
        if not any(name == "Mcp-Session-Id" for name, _ in headers):
            fields = [*headers, ("Mcp-Session-Id", initialized(place, own))]
        answer = send(place, method, fields, body, own)
        alike.append((answer.status, answer.body, answer.one("Content-Type"),
                      answer.one("Allow"), answer.one("WWW-Authenticate")))
    direct, through = alike
    assert direct == through
    assert through[0] == status


def test_a_deleted_session_is_gone(front, clerk, mcp_client, mcp_server):
    client = mcp_client("v1", front.url + "/mcp")
    session = client.connect()["session"]
    client.order("terminate")
    assert [status for status, in client.told("status", method="DELETE")] \
        == [200]
    answer = send(front, "POST", [JSON, BOTH, ("Mcp-Session-Id", session)],
                  NOTE, client.token(clerk))
    assert answer.status == 404


# Header fields.

@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_which_fields_arrive(front, token, mcp_server, method):
    sent = {"Mcp-Session-Id": "gone", "MCP-Protocol-Version": "2025-11-25",
            "Mcp-Method": "tools/call", "Mcp-Name": "=?base64?w6k=?=",
            "Mcp-Param-Region": "eu", "Last-Event-ID": "17"}
    forged = {"X-Clerk-User-Id": "user_2forged", "x-clerk-anything": "1",
              "X_Clerk_Subject": "user_2forged"}
    answer = send(front, method, [JSON, BOTH, *sent.items(),
                                  *forged.items()],
                  NOTE if method == "POST" else None, token)
    assert answer.status == 404
    [seen] = eventually(mcp_server.seen, 1)
    arrived = seen["headers"]
    assert seen["method"] == method
    assert {name: arrived.get(name.lower()) for name in sent} == sent
    assert "authorization" not in arrived
    assert "user_2forged" not in arrived.values()
    assert not {"x-clerk-anything", "x_clerk_subject"} & set(arrived)
