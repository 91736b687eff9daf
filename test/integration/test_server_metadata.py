"""Copies of Clerk's authorization-server metadata at this origin."""

import concurrent.futures
import json
import time
import urllib.request

import pytest

from answers import assert_unavailable
from confs import host, instance, introspection, location
from discovery import (DOCUMENT, OPENID, SERVER, assert_cors,
                       assert_no_cors, assert_not_allowed, assert_preflight,
                       preflight)
from httpd import free_port

LOUD = r"\[auth_clerk:error\]"
FULL = "AH00484"    # every worker is busy
WARN = r"\[auth_clerk:warn\]"
ENDPOINTS = {SERVER: "authorization_server", OPENID: "openid_configuration"}
PATHS = [SERVER, f"{SERVER}/mcp", OPENID, f"{OPENID}/mcp"]
RESOURCE = "ClerkResource https://mcp.example.com/mcp"
TIMEOUT = 0.5
OLD = 3 * 86400     # no copy is that new


@pytest.fixture
def clerk(own_clerk):
    """A stand-in of this file's own, whose settings tests change."""
    own_clerk.clear()
    own_clerk.restore_settings()
    own_clerk.reset()
    yield own_clerk
    own_clerk.clear()
    own_clerk.resume()


def conf(clerk):
    off = "ClerkAuthorizationServerMetadata Off"
    return "\n".join([
        introspection(clerk), f"ClerkTimeout {TIMEOUT}",
        host("localhost", location("/mcp", RESOURCE)),
        host("off.example", location("/mcp", RESOURCE, off)),
        host("offouter.example", off, location("/mcp", RESOURCE)),
        host("onagain.example", off, location(
            "/mcp", RESOURCE, "ClerkAuthorizationServerMetadata On")),
        host("none.example", location("/mcp")),
        host("site.example", 'DocumentRoot "${ROOT}/docs/site"',
             location("/mcp", RESOURCE, off)),
        host("root.example", location(
            "/mcp", "ClerkResource https://mcp.example.com/")),
        host("slash.example", location(
            "/mcp", "ClerkResource https://mcp.example.com/mcp/")),
        host("both.example", *[location(
            f"/{name}", f"ClerkResource https://mcp.example.com/{name}")
            for name in "ab"]),
        host("two.example", location(
            "/a", "ClerkResource https://mcp.example.com/a"), location(
                "/b", "ClerkResource https://mcp.example.com/b", off)),
    ])


def documents(server):
    for name in (SERVER, OPENID):
        server.write(f"docs/site{name}", "the site's own\n")


@pytest.fixture
def fresh(serve_once, clerk, clock):
    """A server that has no copy yet, and whose clock may be moved."""
    def start(**options):
        return serve_once(conf(clerk), prepare=documents, env=clock.env,
                          **options)
    return start


def original(clerk, path):
    """What Clerk says, byte for byte."""
    for prefix in ENDPOINTS:
        if path.startswith(prefix):
            with urllib.request.urlopen(clerk.url + prefix) as answer:
                return answer.read()
    raise AssertionError(path)


def assert_copy(answer, body):
    assert answer.status == 200, answer
    assert answer.one("Content-Type") == "application/json", answer
    assert answer.body == body, answer
    assert answer.all("Location") == [] == answer.all("WWW-Authenticate")
    assert answer.all("Set-Cookie") == [], answer


def soon(look, patience=5):
    """Look until it is so; what a copy's refresh needs."""
    until = time.monotonic() + patience
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def document(clerk, **others):
    """Metadata in bytes that no program would write twice."""
    text = json.dumps({"issuer": clerk.issuer, "registration_endpoint":
                       clerk.url + "/oauth/register", **others},
                      ensure_ascii=False, indent=3, sort_keys=True)
    return (" " + text.replace(":", "  :") + "\r\n").encode()


# The copy.

def test_verbatim_and_cached(fresh, clerk):
    server = fresh()
    bodies = {path: original(clerk, path) for path in PATHS}
    assert bodies[SERVER] != bodies[OPENID]
    clerk.reset()
    for _ in range(5):
        for path in PATHS:
            assert_copy(server.get(path), bodies[path])
            assert_copy(server.get(path + "?x=y"), bodies[path])
            assert_copy(server.get(path + "/"), bodies[path])
    assert clerk.calls("authorization_server") == 1
    assert clerk.calls("openid_configuration") == 1
    assert clerk.calls() == 2


def test_bytes_are_not_touched(fresh, clerk):
    server = fresh()
    body = document(clerk, name="Größe <&> \u2028")
    for endpoint in ENDPOINTS.values():
        clerk.answer(endpoint, 200, body, "application/json; charset=utf-8")
    for path in PATHS:
        assert_copy(server.get(path), body)


def test_what_a_client_sends_does_not_reach_clerk(fresh, clerk):
    server = fresh()
    token = clerk.mint()
    fields = [("Cookie", "__session=x"), ("Origin", "https://app.example"),
              ("X-Forwarded-Host", "evil.example"), ("X-Evil", "evil")]
    assert server.get(SERVER + "?evil=1", headers=fields,
                      token=token).status == 200
    request, = clerk.requests("authorization_server")
    assert request["method"] == "GET" and request["target"] == SERVER
    said = str(request["headers"]).lower()
    assert "evil" not in said and "cookie" not in said
    assert "authorization" not in said and token not in said


@pytest.mark.parametrize("path", PATHS)
def test_methods(fresh, clerk, path):
    server = fresh()
    body = original(clerk, path)
    get, head = server.get(path), server.request("HEAD", path)
    assert_copy(get, body)
    assert head.status == 200 and head.body == b""
    assert head.one("Content-Type") == "application/json"
    for method in ("POST", "PUT", "DELETE"):
        assert_not_allowed(server.request(method, path, body=b"payload"))
    answer = server.request("OPTIONS", path, headers=preflight(
        "GET", "mcp-protocol-version"))
    assert_preflight(answer, "GET", ["mcp-protocol-version"])
    for origin in ([], [("Origin", "https://app.example")]):
        assert_cors(server.get(path, headers=origin))


@pytest.mark.parametrize("name,there,missing", [
    ("localhost", PATHS, [f"{SERVER}/other", f"{OPENID}/mcp/x",
                          f"{SERVER}mcp", f"{SERVER}/MCP"]),
    ("off.example", [], PATHS), ("none.example", [], PATHS),
    ("offouter.example", [], PATHS), ("onagain.example", PATHS, []),
    ("root.example", [SERVER, OPENID], [f"{SERVER}/mcp"]),
    ("slash.example", [*PATHS, f"{SERVER}/mcp/"], [f"{SERVER}/x"]),
    # one Clerk behind several resources: the host's is that one
    ("both.example", [SERVER, OPENID, f"{SERVER}/a", f"{OPENID}/b"],
     [f"{SERVER}/mcp"]),
    ("two.example", [f"{SERVER}/a", f"{OPENID}/a"],
     [f"{SERVER}/b", f"{OPENID}/b"])])
def test_where_it_is(fresh, clerk, name, there, missing):
    server = fresh()
    for path in there:
        answer = server.get(path, headers=[("Host", name)])
        assert_copy(answer, original(clerk, path))
    for path in missing:
        answer = server.get(path, headers=[("Host", name)])
        assert answer.status == 404, answer
    answer = server.get(DOCUMENT, headers=[("Host", name)])
    several = name in ("none.example", "both.example", "two.example")
    assert answer.status == (404 if several else 200)


OFF = "ClerkAuthorizationServerMetadata Off"
CLOSED = "ClerkCORS Off"
ALIKE = {"metadata": ([OFF], []), "cors": ([CLOSED], []),
         "both": ([OFF, CLOSED], []), "each": ([OFF], [CLOSED]),
         "neither": ([OFF, CLOSED], [OFF, CLOSED])}


@pytest.mark.parametrize("path", [SERVER, OPENID])
def test_one_resource_in_two_sections(serve_once, clerk, path):
    """What one of them gives the other does not take away, whichever comes
    first; and one of two resources may be without."""
    hosts = {}
    for name, pair in ALIKE.items():
        for order in (1, -1):
            hosts[f"{name}{order}.example"] = [
                location(f"/{n}", RESOURCE, *lines)
                for n, lines in zip("ab", pair[::order])]
    for order in (1, -1):
        hosts[f"two{order}.example"] = [
            location(f"/{n}", f"ClerkResource https://mcp.example.com/{n}",
                     *lines) for n, lines in zip("ab", [[OFF], []][::order])]
    server = serve_once("\n".join([instance(clerk), host("localhost")] + [
        host(name, *parts) for name, parts in hosts.items()]))
    for name in hosts:
        closed = name.startswith("neither")
        answer = server.get(path, headers=[("Host", name)])
        if closed:
            assert answer.status == 404, answer
        else:
            assert_copy(answer, original(clerk, path))
            assert_cors(answer)
        if not name.startswith("two"):
            answer = server.get(f"{DOCUMENT}/mcp", headers=[("Host", name)])
            assert answer.status == 200, answer
            assert_no_cors(answer) if closed else assert_cors(answer)


def test_off_leaves_the_sites_own(fresh, clerk):
    server = fresh()
    for path in (SERVER, OPENID):
        answer = server.get(path, headers=[("Host", "site.example")])
        assert answer.text == "the site's own\n", answer
    assert clerk.calls() == 0


def test_two_instances_on_one_host(serve_once, clerk, standin):
    server = serve_once(host(
        "localhost",
        location("/a", *instance(clerk).splitlines(),
                 "ClerkResource https://mcp.example.com/a"),
        location("/b", *instance(standin).splitlines(),
                 "ClerkResource https://mcp.example.com/b")))
    for _ in range(2):
        for name, played in (("a", clerk), ("b", standin)):
            for prefix in ENDPOINTS:
                assert_copy(server.get(f"{prefix}/{name}"),
                            original(played, prefix))
                assert server.get(prefix).status == 404, "whose would it be"


# Its age.

@pytest.mark.parametrize("path", [SERVER, OPENID])
def test_refreshed_when_it_is_old(fresh, clerk, clock, path):
    server = fresh()
    assert_copy(server.get(path), original(clerk, path))
    changed = document(clerk, changed=True)
    clerk.answer(ENDPOINTS[path], 200, changed)
    clock.forward(OLD)
    assert soon(lambda: server.get(path).body == changed)
    assert_copy(server.get(path), changed)


AWAY = {
    "500": {"kind": "status", "code": 500},
    "429": {"kind": "status", "code": 429, "retry_after": 2},
    "404": {"kind": "html", "code": 404},
    "403": {"kind": "status", "code": 403},
    "html": {"kind": "html", "code": 200}, "hang": {}, "reset": {},
    "close": {}, "truncated": {}, "garbage": {}, "garbage_http": {},
    "slow_body": {}, "endless": {}, "gzip_bomb": {},
    "oversize": {"bytes": 1200 * 1024},
    "redirect": {"to": "https://elsewhere.example/", "code": 302},
    "short": {"kind": "wrong_content_length", "difference": 50},
}
NONSENSE = ["", "[]", "null", "\"x\"", "{}", "{\"issuer\":", "<html></html>",
            "{\"issuer\": 7}"]


@pytest.mark.parametrize("name", AWAY)
def test_clerk_away(fresh, clerk, clock, name):
    """No copy: 503, and over at once when Clerk is back. A copy: it stays,
    however old it gets."""
    server = fresh()
    server.expect_log(LOUD, optional=True)
    bodies = {path: original(clerk, path) for path in PATHS}
    fault = {"kind": name, **AWAY[name]}
    clerk.fault("*", **fault)
    for path in PATHS:
        began = time.monotonic()
        assert_unavailable(server.get(path))
        assert time.monotonic() - began < 4 * TIMEOUT
    clerk.clear()
    clock.forward(60)
    for path in PATHS:
        assert soon(lambda p=path: server.get(p).status == 200), path
        assert_copy(server.get(path), bodies[path])
    clerk.fault("*", **fault)
    for _ in range(2):
        clock.forward(OLD)
        for path in PATHS:
            began = time.monotonic()
            assert_copy(server.get(path), bodies[path])
            assert time.monotonic() - began < 4 * TIMEOUT
            assert_copy(server.get(path), bodies[path])


@pytest.mark.parametrize("body", NONSENSE)
def test_nonsense_replaces_no_copy(fresh, clerk, clock, body):
    server = fresh()
    server.expect_log(LOUD, optional=True)
    bodies = {path: original(clerk, path) for path in PATHS}
    for endpoint in ENDPOINTS.values():
        clerk.answer(endpoint, 200, body)
    for path in PATHS:
        assert_unavailable(server.get(path))
    clerk.clear()
    clock.forward(60)
    for path in PATHS:
        assert soon(lambda p=path: server.get(p).status == 200), path
    for endpoint in ENDPOINTS.values():
        clerk.answer(endpoint, 200, body)
    clock.forward(OLD)
    for path in PATHS:
        for _ in range(2):
            assert_copy(server.get(path), bodies[path])


def test_refused_connections(fresh, clerk):
    server = fresh()
    server.expect_log(LOUD, optional=True)
    clerk.pause_listening()
    for path in PATHS:
        for method in ("GET", "HEAD"):
            answer = server.request(method, path)
            assert answer.status == 503, answer
            assert int(answer.one("Retry-After")) >= 1
            assert_cors(answer)
        assert_not_allowed(server.request("POST", path))
    # the document needs no Clerk
    assert server.get(DOCUMENT).status == 200


def test_a_large_copy_under_the_limit(fresh, clerk):
    server = fresh()
    clerk.fault("authorization_server", "oversize", bytes=900 * 1024)
    answer = server.get(SERVER)
    assert answer.status == 200 and len(answer.body) == 900 * 1024
    assert answer.json()["issuer"] == clerk.issuer


def test_a_nobody_where_clerk_should_be(serve_once):
    server = serve_once(f"ClerkFrontendAPI http://127.0.0.1:{free_port()}\n"
                        f"ClerkTimeout {TIMEOUT}\n"
                        + location("/mcp", RESOURCE))
    server.expect_log(LOUD)
    for path in PATHS:
        assert_unavailable(server.get(path))


def test_a_hanging_clerk_and_an_old_copy(fresh, clerk, clock):
    """The copy is there; at most one request at a time waits for a newer."""
    server = fresh(threads=8)
    server.expect_log(LOUD, optional=True)
    server.expect_log(FULL, optional=True)
    bodies = {path: original(clerk, path) for path in PATHS}
    for path in PATHS:
        assert_copy(server.get(path), bodies[path])
    clerk.fault("*", "hang")
    clock.forward(OLD)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(server.get, PATHS[n % 4]) for n in range(40)]
        for n, answer in enumerate(asked):
            assert_copy(answer.result(), bodies[PATHS[n % 4]])
    assert time.monotonic() - began < 4 * TIMEOUT


def test_what_one_child_got_the_others_have(fresh, clerk):
    """And what it was warned of they are not."""
    clerk.configure(dcr=False, cimd=False)
    server = fresh(mpm="prefork", children=4)
    server.expect_log(WARN)
    connections = [server.connect() for _ in range(4)]
    for connection in connections:
        assert connection.request("GET", "/alive").status == 200
    body = original(clerk, SERVER)
    assert_copy(connections[0].request("GET", SERVER), body)
    clerk.fault("*", "status", code=500)
    for connection in connections:
        assert_copy(connection.request("GET", SERVER), body)
        connection.close()
    assert len(server.logged(1, level="warn", module="auth_clerk")) == 1
    assert len(server.served_by(SERVER, 5)) == 4


def test_a_failing_clerk_is_not_asked_by_everybody(fresh, clerk):
    server = fresh()
    server.expect_log(LOUD)
    clerk.fault("*", "status", code=500)
    for _ in range(100):
        assert server.get(SERVER).status == 503
    assert clerk.calls() <= 10


@pytest.mark.parametrize("path", PATHS)
def test_head_and_preflight_come_first(fresh, clerk, path):
    server = fresh()
    answer = server.request("OPTIONS", path, headers=preflight("GET"))
    assert_preflight(answer, "GET")
    assert clerk.calls() == 0
    head = server.request("HEAD", path)
    assert head.status == 200, head
    assert int(head.one("Content-Length")) == len(original(clerk, path))


# The warning.

@pytest.mark.parametrize("settings,patch,warned", [
    ({"dcr": False, "cimd": False}, {}, True),
    ({"dcr": True, "cimd": False}, {}, False),
    ({"dcr": False, "cimd": True}, {}, False),
    ({"dcr": True, "cimd": True}, {}, False),
    ({"dcr": False, "cimd": False},
     {"client_id_metadata_document_supported": False}, True),
    ({"dcr": False, "cimd": False},
     {"client_id_metadata_document_supported": "true"}, True)])
def test_the_warning(fresh, clerk, clock, settings, patch, warned):
    server = fresh()
    clerk.configure(**settings)
    if patch:
        clerk.patch("authorization_server", **patch)
    server.expect_log(WARN, optional=not warned)
    for _ in range(3):
        for path in PATHS:
            assert server.get(path).status == 200
        server.get("/mcp/page")
    lines = server.logged(1 if warned else 0, level="warn",
                          module="auth_clerk")
    assert len(lines) == (1 if warned else 0), lines
    if warned:
        assert clerk.issuer in lines[0] or clerk.url in lines[0], lines
        clock.forward(OLD)
        server.get(SERVER)
        time.sleep(0.3)
        assert len(server.logged(1, level="warn",
                                 module="auth_clerk")) == 1


def test_no_warning_about_the_other_document(fresh, clerk):
    """OpenID's says neither, and is not what the warning is about."""
    server = fresh()
    assert b"registration" not in original(clerk, OPENID)
    for _ in range(2):
        assert server.get(OPENID).status == 200
    assert server.logged(level="warn") == []


def test_no_warning_without_a_resource(serve_once, clerk):
    clerk.configure(dcr=False, cimd=False)
    server = serve_once(introspection(clerk) + location("/x"))
    assert server.get("/x/page", token=clerk.mint()).status == 200
    assert server.get("/x/page", token=clerk.mint_jwt()).status in (200, 401)
    assert server.logged(level="warn") == []


def test_a_hanging_clerk_holds_few_workers(serve_once, clerk):
    """Anybody may ask for a copy; asking costs the others nothing."""
    server = serve_once(conf(clerk).replace(f"ClerkTimeout {TIMEOUT}",
                                            "ClerkTimeout 3"), threads=8)
    server.expect_log(LOUD, optional=True)
    clerk.fault("*", "hang")
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(server.get, PATHS[n % 4]) for n in range(40)]
        time.sleep(0.2)
        began = time.monotonic()
        assert server.get("/alive").status == 200
        assert server.get(DOCUMENT).status == 200
        assert time.monotonic() - began < 1.5
        assert {a.result().status for a in asked} == {503}
    assert clerk.calls() <= 4
