"""On every denial the body is the error page alone, and the application
behind has seen nothing."""

import pytest

from answers import assert_body
from client import exchange
from confs import introspection, location
from httpd import PAGE

MARK = "the protected"
LOUD = r"\[auth_clerk:error\]"


def conf(clerk, backend_url):
    proxied = [f"ProxyPass {backend_url}/app"]
    scope = "clerk-scope profile"
    return "\n".join([
        introspection(clerk), "ClerkTimeout 0.3",
        location("/static", require=scope),
        location("/proxied", *proxied, require=scope),
        location("/wrong", "ClerkClientSecret wrongClientSecret4711",
                 *proxied, require=scope),
        location("/wrongstatic", "ClerkClientSecret wrongClientSecret4711",
                 require=scope),
        location("/named", "ClerkRemoteUser username", *proxied,
                 require=scope),
        location("/namedstatic", "ClerkRemoteUser username", require=scope),
        'AliasMatch "^/[^/]+/dir/$" "${ROOT}/docs/"',
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    return serve(conf(standin, backend_url),
                 modules=["proxy", "proxy_http"])


def denials(clerk):
    """Name -> (locations, Authorization fields, fault, status)."""
    revoked = clerk.mint()
    clerk.revoke(revoked)
    both = ("static", "proxied")
    return {
        "no token": (both, [], None, 401),
        "another scheme": (both, ["Basic dTpw"], None, 401),
        "malformed": (both, ["Bearer a b"], None, 400),
        "two": (both, [f"Bearer {clerk.mint()}"] * 2, None, 400),
        "revoked": (both, [f"Bearer {revoked}"], None, 401),
        "another kind": (both, [f"Bearer {clerk.mint('api_key')}"], None,
                         401),
        "a JWT": (both, [f"Bearer {clerk.mint_jwt(key='other')}"], None, 401),
        "no scope": (both, [f"Bearer {clerk.mint(scopes=['email'])}"], None,
                     403),
        "no name": (("named", "namedstatic"), [f"Bearer {clerk.mint()}"],
                    None, 403),
        "an outage": (both, [f"Bearer {clerk.mint()}"], "status", 503),
        "a hang": (both, [f"Bearer {clerk.mint()}"], "hang", 503),
        "nonsense": (both, [f"Bearer {clerk.mint()}"], "garbage", 503),
        "our fault": (("wrong", "wrongstatic"), [f"Bearer {clerk.mint()}"],
                      None, 500),
    }


NAMES = ["no token", "another scheme", "malformed", "two", "revoked",
         "another kind", "a JWT", "no scope", "no name", "an outage",
         "a hang", "nonsense", "our fault"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
def test_nothing_protected_is_shown(httpd, clerk, backend, secret, name,
                                    method):
    secret("wrongClientSecret4711")
    paths, credentials, fault, status = denials(clerk)[name]
    if status >= 500:
        httpd.expect_log(LOUD, optional=True)
    if fault:
        clerk.fault("token_info", fault)
    fields = [f"Authorization: {c}" for c in credentials]
    body = b"payload" if method in ("POST", "PUT") else b""
    if body:
        fields.append(f"Content-Length: {len(body)}")
    for path in paths:
        answer = httpd.raw(f"{method} /{path}/page HTTP/1.1", *fields,
                           body=body)
        assert answer.status == status, answer
        assert MARK not in answer.text and "payload" not in answer.text
        if status != 500:
            assert_body(answer)
        assert int(answer.one("Content-Length") or len(answer.body)) == len(
            answer.body)
    assert backend.requests == []


@pytest.mark.parametrize("fields", [
    ["Upgrade: websocket", "Connection: Upgrade"],
    ["Expect: 100-continue", "Content-Length: 0"],
    ["Range: bytes=0-5"], ["If-None-Match: *"],
    ["If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"],
    ["X-HTTP-Method-Override: OPTIONS"], ["X-Original-URL: /alive"],
    ["Transfer-Encoding: chunked"]])
@pytest.mark.parametrize("path", ["static", "proxied"])
def test_no_header_opens_it(httpd, backend, fields, path):
    body = b"0\r\n\r\n" if "chunked" in fields[0] else b""
    answer = httpd.raw(f"GET /{path}/page HTTP/1.1", *fields, body=body)
    assert answer.status == 401, answer
    assert MARK not in answer.text
    assert backend.requests == []


def test_a_directory_is_not_shown_either(httpd, clerk):
    answer = httpd.get("/static/dir/")
    assert answer.status == 401, answer
    assert "alive" not in answer.text


def test_a_second_request_on_the_connection_is_judged_anew(httpd, clerk,
                                                           backend):
    connection = httpd.connect()
    token = clerk.mint()
    assert connection.request("GET", "/proxied/page",
                              token=token).status == 200
    assert connection.request("GET", "/proxied/page").status == 401
    assert connection.request("GET", "/static/page", token=token).text == PAGE
    assert connection.request("GET", "/static/page").status == 401
    connection.close()
    assert len(backend.requests) == 1


def test_nothing_for_the_oldest_of_clients(httpd):
    """HTTP/0.9 has no status; its answer must still be the refusal."""
    received = exchange(httpd.port, b"GET /static/page\r\n\r\n")
    assert MARK.encode() not in received
    assert b"unauthorized" in received or b"400 Bad Request" in received


def test_trace_reaches_no_application(httpd, backend):
    """A TRACE of httpd's own pages is answered before there is a section."""
    answer = httpd.request("TRACE", "/proxied/page")
    assert answer.status in (401, 403, 405), answer
    assert backend.requests == []
