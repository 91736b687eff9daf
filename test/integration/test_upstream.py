"""How Clerk is called: connections, deadlines, proxy, trust."""

import os
import pathlib
import time

import pytest

from answers import assert_unavailable
from confs import credentials, instance, introspection, location
from outside import ForwardProxy, SilentPort

LOUD = r"\[auth_clerk:error\]"
OTHER = {"client_id": "upstreamOtherOne", "client_secret": "upstream0Secret1"}


def conf(clerk, proxy, silent):
    clerk.application(**OTHER)
    return "\n".join([
        credentials(clerk), "ClerkAudience any", "ClerkCacheTTL 0",
        "ClerkVerifier introspection",
        location("/x"),
        location("/same"),
        location("/other", f"ClerkClientID {OTHER['client_id']}",
                 f"ClerkClientSecret {OTHER['client_secret']}"),
        location("/backend", "ClerkVerifier backend"),
        location("/info", "ClerkUserInfo On"),
        location("/short", "ClerkTimeout 0.4"),
        location("/shortinfo", "ClerkTimeout 0.4", "ClerkUserInfo On"),
        location("/connect", f"ClerkFrontendAPI http://127.0.0.1:{silent}",
                 "ClerkConnectTimeout 1", "ClerkTimeout 8"),
        location("/neverthere", "ClerkFrontendAPI http://127.0.0.1:1"),
        location("/proxy", f"ClerkProxy {proxy}"),
        location("/backendproxy", f"ClerkProxy {proxy}",
                 "ClerkVerifier backend"),
        location("/noproxy", "ClerkProxy http://127.0.0.1:1"),
    ])


@pytest.fixture(scope="module")
def proxy():
    server = ForwardProxy()
    yield server
    server.close()


@pytest.fixture(scope="module")
def silent():
    port = SilentPort()
    yield port.port
    port.close()


@pytest.fixture(scope="module")
def httpd(serve, standin, proxy, silent):
    return serve(conf(standin, proxy.url, silent))


def timed(httpd, path, token):
    began = time.monotonic()
    answer = httpd.get(f"{path}/page", token=token)
    return answer, time.monotonic() - began


def connections(requests):
    """Connection number -> the credentials that were sent over it."""
    found = {}
    for request in requests:
        sent = [v for k, v in request["headers"]
                if k.lower() == "authorization"]
        found.setdefault(request["connection"], set()).update(sent)
    return found


# Connections.

def test_a_connection_is_kept(httpd, clerk):
    for _ in range(10):
        for path in ("/x", "/same"):
            assert httpd.get(f"{path}/page", token=clerk.mint()).status == 200
    assert clerk.calls() == 20
    assert clerk.connections() == 1


@pytest.mark.parametrize("path, type_", [
    ("/x", "application/x-www-form-urlencoded"),
    ("/proxy", "application/x-www-form-urlencoded"),
    ("/backend", "application/json"),
])
def test_every_call_says_the_same_of_itself(httpd, clerk, path, type_):
    """With a connection that is new, kept, and kept after a failed call."""
    tokens = [clerk.mint() for _ in range(4)]
    for turn, token in enumerate(tokens):
        if turn == 2:
            endpoint = "token_info" if path != "/backend" else "oauth_verify"
            httpd.expect_log(LOUD, optional=True)
            # The proxy of these tests makes whole what is truncated.
            fault = "garbage" if path == "/proxy" else "truncated"
            clerk.fault(endpoint, fault, times=1)
            assert_unavailable(httpd.get(f"{path}/page", token=clerk.mint()))
        assert httpd.get(f"{path}/page", token=token).status == 200
    requests = clerk.requests()
    assert len(requests) == 5
    for request in requests:
        sent = {}
        for name, value in request["headers"]:
            sent.setdefault(name.lower(), []).append(value)
        assert sent["content-type"] == [type_]
        assert len(sent["user-agent"]) == 1
        assert sent["user-agent"][0].startswith("mod_auth_clerk/")
        assert len(sent["authorization"]) == 1
    bodies = {str(request["body"]) for request in requests}
    assert len(bodies) == 5


def test_two_sets_of_credentials_never_share_one(httpd, clerk):
    for _ in range(5):
        for path in ("/x", "/other", "/backend", "/info"):
            assert httpd.get(f"{path}/page", token=clerk.mint()).status == 200
    by_connection = connections(
        [r for r in clerk.requests() if r["endpoint"] != "userinfo"])
    assert [len(sent) for sent in by_connection.values()] == (
        [1] * len(by_connection))
    assert len({s for sent in by_connection.values() for s in sent}) == 3
    assert clerk.connections() <= 5


def test_a_users_token_and_our_secret_never_share_one(httpd, clerk):
    for _ in range(3):
        assert httpd.get("/info/page", token=clerk.mint()).status == 200
    ours = {r["connection"] for r in clerk.requests("token_info")}
    theirs = {r["connection"] for r in clerk.requests("userinfo")}
    assert ours and theirs and not ours & theirs


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_died_meanwhile_is_replaced(httpd, clerk, reset):
    assert httpd.get("/x/page", token=clerk.mint()).status == 200
    clerk.drop_connections(reset=reset)
    assert httpd.get("/x/page", token=clerk.mint()).status == 200


def test_connections_that_clerk_closes_each_time(httpd, clerk):
    clerk.configure(keep_alive=0)
    for _ in range(4):
        assert httpd.get("/x/page", token=clerk.mint()).status == 200


def test_a_call_is_not_repeated(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    assert httpd.get("/x/page", token=clerk.mint()).status == 200
    clerk.reset()
    clerk.fault("token_info", "status", code=500)
    assert_unavailable(httpd.get("/x/page", token=clerk.mint()))
    assert clerk.calls() == 1


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_failed_calls_leave_nothing_open(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    assert httpd.get("/x/page", token=clerk.mint()).status == 200
    [pid] = httpd.served_by("/x/page", 1)
    before = open_files(pid)
    for kind in ("reset", "close", "truncated", "garbage_http", "status"):
        clerk.clear()
        clerk.fault("token_info", kind)
        for _ in range(4):
            assert_unavailable(httpd.get("/x/page", token=clerk.mint()))
        time.sleep(1)   # after so many failures nobody asks for a while
    clerk.clear()
    assert httpd.get("/x/page", token=clerk.mint()).status == 200
    assert open_files(pid) < before + 10


# Deadlines.

@pytest.mark.parametrize("kind,params", [
    ("hang", {}), ("endless", {}), ("slow_headers", {}), ("slow_body", {}),
    ("delay", {"seconds": 3})])
def test_the_whole_call_has_a_deadline(httpd, clerk, kind, params):
    httpd.expect_log(LOUD, optional=True)
    assert httpd.get("/x/page", token=clerk.mint()).status == 200
    clerk.fault("token_info", kind, **params)
    answer, elapsed = timed(httpd, "/short", clerk.mint())
    assert_unavailable(answer)
    assert 0.3 < elapsed < 1.4


def test_a_slow_answer_within_the_deadline_is_taken(httpd, clerk):
    clerk.fault("token_info", "delay", seconds=0.7)
    answer, elapsed = timed(httpd, "/x", clerk.mint())
    assert answer.status == 200 and elapsed > 0.6


def test_user_info_has_a_deadline_too(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    clerk.fault("userinfo", "hang")
    answer, elapsed = timed(httpd, "/shortinfo", clerk.mint())
    assert answer.status == 200
    assert elapsed < 1.5


def test_connecting_has_a_deadline_of_its_own(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    answer, elapsed = timed(httpd, "/connect", clerk.mint())
    assert_unavailable(answer)
    assert 0.8 < elapsed < 3


def test_a_refused_connection_is_told_at_once(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    answer, elapsed = timed(httpd, "/neverthere", clerk.mint())
    assert_unavailable(answer)
    assert elapsed < 1


# The proxy.

@pytest.mark.parametrize("path", ["/proxy", "/backendproxy"])
def test_the_proxy_is_used(httpd, clerk, proxy, path):
    del proxy.seen[:]
    assert httpd.get(f"{path}/page", token=clerk.mint()).status == 200
    assert len(proxy.seen) == 1
    assert clerk.url in proxy.seen[0][1] or proxy.seen[0][0] == "CONNECT"
    assert clerk.calls() == 1


def test_no_other_location_uses_it(httpd, clerk, proxy):
    del proxy.seen[:]
    assert httpd.get("/x/page", token=clerk.mint()).status == 200
    assert proxy.seen == []


def test_a_proxy_that_is_away_is_an_outage(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    assert_unavailable(httpd.get("/noproxy/page", token=clerk.mint()))
    assert clerk.calls() == 0


# TLS. Every listener belongs to the same stand-in.

CERTIFICATES = ("good", "expired", "self_signed", "wrong_host")


@pytest.fixture(scope="module")
def listeners(standin):
    return {name: standin.listen(name) for name in CERTIFICATES}


def tls_conf(clerk, listeners, proxy):
    anchors = "${ROOT}/conf/anchors.pem"
    parts = [introspection(clerk),
             f"ClerkSecretKey {clerk.secret_key}\nClerkAudience any\n"]
    for name, listener in listeners.items():
        bases = [f"ClerkFrontendAPI {listener['url']}",
                 f"ClerkBackendAPI {listener['url']}/v1"]
        parts += [
            location(f"/{name}", *bases, f"ClerkCAFile {anchors}"),
            location(f"/{name}-system", *bases),
            location(f"/{name}-backend", *bases, f"ClerkCAFile {anchors}",
                     "ClerkVerifier backend"),
            location(f"/{name}-proxy", *bases, f"ClerkCAFile {anchors}",
                     f"ClerkProxy {proxy.url}")]
    return "".join(parts)


@pytest.fixture(scope="module")
def tls(serve, standin, listeners, proxy):
    def prepare(server):
        anchors = pathlib.Path(listeners["good"]["ca_file"])
        # readable for whoever starts httpd, not for its children
        server.write("conf/anchors.pem", anchors.read_text(), 0o600)

    return serve(tls_conf(standin, listeners, proxy), prepare=prepare)


@pytest.mark.parametrize("path", ["/good", "/good-backend", "/good-proxy"])
def test_a_certificate_that_is_trusted(tls, clerk, proxy, path):
    del proxy.seen[:]
    for _ in range(2):
        answer = tls.get(f"{path}/page", token=clerk.mint())
        assert answer.status == 200, answer
    assert clerk.calls() == 2
    assert [m for m, _ in proxy.seen] == (
        ["CONNECT"] if path == "/good-proxy" else [])


UNTRUSTED = [f"/{name}{kind}" for name in CERTIFICATES[1:]
             for kind in ("", "-system", "-backend", "-proxy")]


@pytest.mark.parametrize("path", ["/good-system", *UNTRUSTED])
def test_a_certificate_that_is_not(tls, clerk, path):
    tls.expect_log(LOUD, optional=True)
    assert_unavailable(tls.get(f"{path}/page", token=clerk.mint()))
    assert clerk.calls() == 0


def test_the_environments_proxy_is_not_ours(serve_once, clerk, proxy):
    del proxy.seen[:]
    server = serve_once(introspection(clerk) + location("/x"), env={
        name: proxy.url for name in ("http_proxy", "https_proxy",
                                     "ALL_PROXY", "all_proxy")})
    assert server.get("/x/page", token=clerk.mint()).status == 200
    assert proxy.seen == []


def test_a_base_url_with_a_path(serve_once, clerk):
    clerk.fault("unknown", "status", code=503, times=1)
    conf = introspection(clerk) + f"ClerkFrontendAPI {clerk.url}/__clerk/\n"
    server = serve_once(conf + location("/x"))
    server.expect_log(LOUD, optional=True)
    assert_unavailable(server.get("/x/page", token=clerk.mint()))
    [sent] = clerk.requests("unknown")
    assert sent["target"] == "/__clerk/oauth/token_info"


def test_instance_is_enough_for_a_location(serve_once, clerk):
    """Everything may stand in the location alone."""
    lines = (instance(clerk) + f"ClerkSecretKey {clerk.secret_key}"
             ).splitlines()
    server = serve_once(location("/x", *lines))
    assert server.get("/x/page", token=clerk.mint()).status == 200
