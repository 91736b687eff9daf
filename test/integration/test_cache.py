"""What is believed without asking again, for how long, and by whom."""

import threading
import time

import pytest

from confs import backend, credentials, introspection, location, quoted

OTHER = {"client_id": "cacheOtherClient1", "client_secret": "cacheOther0Secret"}


def conf(clerk):
    clerk.application(**OTHER)
    localhost = clerk.url.replace("127.0.0.1", "localhost")
    return "\n".join([
        credentials(clerk), "ClerkVerifier introspection",
        "ClerkAudience any",
        location("/x"), location("/same"),
        location("/short", "ClerkCacheTTL 1", "ClerkNegativeCacheTTL 1"),
        location("/off", "ClerkCacheTTL 0"),
        location("/negoff", "ClerkNegativeCacheTTL 0"),
        location("/alloff", "ClerkCacheTTL 0", "ClerkNegativeCacheTTL 0"),
        location("/backend", "ClerkVerifier backend"),
        location("/backendshort", "ClerkVerifier backend",
                 "ClerkCacheTTL 1"),
        location("/url", f"ClerkFrontendAPI {localhost}"),
        location("/bapiurl", "ClerkVerifier backend",
                 f"ClerkBackendAPI {localhost}/v1"),
        location("/client", f"ClerkClientID {OTHER['client_id']}",
                 f"ClerkClientSecret {OTHER['client_secret']}"),
        location("/wrong", "ClerkClientSecret cacheWrongSecret77"),
        location("/wrongkey", "ClerkVerifier backend",
                 "ClerkSecretKey sk_test_cacheWrongKey88"),
        location("/info", "ClerkUserInfo On"),
        location("/aud", "ClerkAudience https://api.example.com/mcp"),
        location("/kinds", "ClerkAcceptsToken session_token"),
        location("/scope", require="clerk-scope mcp:read"),
        location("/strict", "ClerkLeeway 0", "ClerkVerifier backend"),
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


@pytest.fixture
def status(httpd):
    return lambda path, token: httpd.get(f"/{path}/page", token=token).status


def test_a_hit_costs_no_call(status, clerk):
    token = clerk.mint()
    for path in ("x", "x", "same", "scope", "x"):
        assert status(path, token) == (403 if path == "scope" else 200)
    assert clerk.calls() == 1


def test_every_token_is_its_own(status, clerk):
    good, dead = clerk.mint(), clerk.mint()
    clerk.revoke(dead)
    for _ in range(3):
        assert status("x", good) == 200
        assert status("x", dead) == 401
        assert status("x", good[:-1]) == 401
        assert status("x", good + "0") == 401
    assert clerk.calls() == 4


def test_a_revoked_token_is_believed_for_the_ttl_alone(status, clerk):
    token = clerk.mint()
    assert status("short", token) == 200
    clerk.revoke(token)
    assert status("short", token) == 200
    time.sleep(1.1)
    assert status("short", token) == 401


def test_the_ttl_runs_out(status, clerk):
    token = clerk.mint()
    for expected in (1, 2):
        for _ in range(3):
            assert status("short", token) == 200
            assert clerk.calls() == expected
        time.sleep(1.1)


def test_a_ttl_of_zero_asks_each_time(status, clerk):
    token = clerk.mint()
    for expected in (1, 2, 3):
        assert status("off", token) == 200
        assert clerk.calls() == expected


def test_an_inner_shorter_ttl_binds_its_own_location(status, clerk):
    token = clerk.mint()
    assert status("x", token) == 200
    assert status("short", token) == 200
    assert clerk.calls() == 1
    time.sleep(1.1)
    assert status("x", token) == 200
    assert clerk.calls() == 1
    assert status("short", token) == 200
    assert clerk.calls() == 2
    assert status("off", token) == 200
    assert clerk.calls() == 3


def test_a_dead_token_costs_one_call_per_negative_ttl(status, clerk):
    token = clerk.mint()
    clerk.revoke(token)
    for expected in (1, 2):
        for _ in range(3):
            assert status("short", token) == 401
            assert clerk.calls() == expected
        time.sleep(1.1)


def test_a_negative_ttl_of_zero(status, clerk):
    token = clerk.mint()
    clerk.revoke(token)
    for expected in (1, 2, 3):
        assert status("negoff", token) == 401
        assert clerk.calls() == expected
    good = clerk.mint()
    for _ in range(2):
        assert status("negoff", good) == 200
    assert clerk.calls() == 4


def test_both_off(status, clerk):
    good, dead = clerk.mint(), clerk.mint()
    clerk.revoke(dead)
    for _ in range(2):
        assert status("alloff", good) == 200
        assert status("alloff", dead) == 401
    assert clerk.calls() == 4


def test_negative_caching_of_the_backend_api(status, clerk):
    token = clerk.mint()
    clerk.revoke(token)
    for _ in range(3):
        assert status("backend", token) == 401
    assert clerk.calls("oauth_verify") == 1


@pytest.mark.parametrize("path", ["backend", "strict"])
def test_never_past_the_tokens_own_expiry(status, clerk, path):
    """The leeway of five seconds does not stretch the cache."""
    token = clerk.mint(expires_in=2)
    assert status(path, token) == 200
    assert status(path, token) == 200
    assert clerk.calls() == 1
    time.sleep(2.2)
    assert status(path, token) == 401
    if path == "backend":
        assert clerk.calls() == 2


def test_introspection_is_never_believed_past_a_day(status, clerk):
    """token_info names no expiry; a token of Clerk's lives one day."""
    token = clerk.mint(issued_at=int(time.time()) - 86400 + 1)
    assert status("x", token) == 200
    time.sleep(1.2)
    assert status("x", token) == 200
    assert clerk.calls() == 2


# Two configurations that could decide differently never meet.

PAIRS = [
    ("x", 200, "url", 200), ("x", 200, "client", 200),
    ("x", 200, "wrong", 500), ("client", 200, "wrong", 500),
    ("x", 200, "backend", 200), ("backend", 200, "bapiurl", 200),
    ("backend", 200, "wrongkey", 500), ("x", 200, "info", 200),
    ("info", 200, "x", 200), ("url", 200, "x", 200),
]


@pytest.mark.parametrize("first,told,second,then", PAIRS)
def test_configurations_never_meet(httpd, status, clerk, secret, first, told,
                                   second, then):
    secret("cacheWrongSecret77")
    secret("sk_test_cacheWrongKey88")
    httpd.expect_log(r"\[auth_clerk:error\]", optional=True)
    token = clerk.mint()
    assert status(first, token) == told
    calls = clerk.calls("token_info") + clerk.calls("oauth_verify")
    assert calls == 1
    assert status(second, token) == then
    calls = clerk.calls("token_info") + clerk.calls("oauth_verify")
    assert calls == 2


def test_a_refusal_there_is_none_here(status, clerk):
    clerk.configure(introspection="own")
    token = clerk.mint()
    assert status("client", token) == 401
    assert status("x", token) == 200
    assert status("client", token) == 401
    assert clerk.calls() == 2


@pytest.mark.parametrize("path,expected", [("aud", 401), ("kinds", 401),
                                           ("scope", 403)])
def test_the_policy_runs_on_every_hit(status, clerk, path, expected):
    token = clerk.mint()
    for _ in range(2):
        assert status("x", token) == 200
        assert status(path, token) == expected
    assert clerk.calls() == 1


def test_a_refusal_by_policy_is_not_remembered(status, clerk):
    token = clerk.mint()
    assert status("aud", token) == 401
    assert status("x", token) == 200
    assert clerk.calls() == 1


# One cache for all children, under every MPM.

def ask_everyone(server, path, token, wanted):
    """Requests over many connections at once, until so many children have
    served; returns (statuses, pids). Who accepts is the system's choice, and a
    child that does not run for a while is not chosen."""
    server.expect_log("AH00161|AH00286|AH00484|AH10159|AH00287",
                      optional=True)
    statuses, pids = [], set()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        connections = [server.connect() for _ in range(wanted)]
        for connection in connections:
            connection.send("GET", path, token=token)
        statuses += [c.receive().status for c in connections]
        for connection in connections:
            connection.close()
        pids = server.served_by(path, len(statuses))
        if len(pids) >= wanted:
            break
    return statuses, pids


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
@pytest.mark.parametrize("line", ["", "ClerkSOCache shmcb",
                                  "ClerkSOCache shmcb:${ROOT}/run/c(512000)"])
def test_four_children_and_one_call(serve_once, clerk, mpm, line):
    server = serve_once(introspection(clerk) + line + "\n" + location("/x")
                        + location("/good") + location("/dead"),
                        mpm=mpm, children=4, threads=2)
    good, dead = clerk.mint(), clerk.mint()
    clerk.revoke(dead)
    assert server.get("/x/page", token=good).status == 200
    assert server.get("/x/page", token=dead).status == 401
    for path, token, status in (("/good/page", good, 200),
                                ("/dead/page", dead, 401)):
        statuses, pids = ask_everyone(server, path, token, 4)
        assert len(pids) >= 4 and set(statuses) == {status}
    assert clerk.calls() == 2


def test_many_threads_and_many_tokens(serve_once, clerk):
    """No result is another token's, whoever asks at the same time."""
    server = serve_once(introspection(clerk) + location("/x"), children=2,
                        threads=16)
    tokens = {clerk.mint(subject=f"user_{n}"): f"user_{n}" for n in range(40)}
    wrong = []

    def ask(mine):
        for token in mine:
            env = server.get("/x/env", token=token).env()
            if env["REMOTE_USER"] != tokens[token]:
                wrong.append((env["REMOTE_USER"], tokens[token]))

    order = list(tokens)
    threads = [threading.Thread(target=ask, args=(order[n:] + order[:n],))
               for n in range(0, 40, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    calls = clerk.calls()
    for token in tokens:
        assert server.get("/x/page", token=token).status == 200
    assert clerk.calls() == calls


def test_virtual_hosts_share_the_cache_but_not_their_results(serve_once,
                                                             clerk):
    other = clerk.application()
    hosts = "".join(
        f'<VirtualHost *>\n    ServerName {name}\n    {lines}\n'
        "</VirtualHost>\n" for name, lines in (
            ("one", ""), ("two", ""), ("three",
             f"ClerkClientID {other['client_id']}\n"
             f"ClerkClientSecret {quoted(other['client_secret'])}")))
    server = serve_once(introspection(clerk) + "ClerkAudience any\n" + hosts
                        + location("/x"))

    def get(host, token):
        return server.raw(f"GET http://{host}/x/page HTTP/1.1",
                          f"Authorization: Bearer {token}").status

    clerk.configure(introspection="own")
    token = clerk.mint()
    assert [get(h, token) for h in ("one", "two", "one")] == [200] * 3
    assert clerk.calls() == 1
    assert get("three", token) == 401
    assert clerk.calls() == 2


def test_the_backend_verifier_uses_the_same_cache(serve_once, clerk):
    server = serve_once(backend(clerk) + location("/x"))
    token = clerk.mint()
    for _ in range(3):
        assert server.get("/x/page", token=token).status == 200
    assert clerk.calls("oauth_verify") == clerk.calls() == 1
