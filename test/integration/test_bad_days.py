"""Clerk fails, hangs, or says that it is too much: how often it is asked
then, what clients are told, and how soon all is well again."""

import threading
import time

import pytest

from answers import assert_invalid_token, assert_unavailable
from confs import introspection, location, quoted

LOUD = r"\[auth_clerk:error\]"


def conf(clerk, *lines):
    other = clerk.application()
    return "\n".join([
        introspection(clerk), "ClerkAudience any", "ClerkTimeout 0.3", *lines,
        location("/a"),
        location("/other", f"ClerkClientID {other['client_id']}",
                 f"ClerkClientSecret {quoted(other['client_secret'])}"),
        location("/stale", "ClerkStaleIfError 100", "ClerkCacheTTL 1"),
        location("/stale0", "ClerkStaleIfError 100", "ClerkCacheTTL 1",
                 "ClerkNegativeCacheTTL 0"),
        location("/briefly", "ClerkStaleIfError 2", "ClerkCacheTTL 1")])


@pytest.fixture
def httpd(serve_once, clerk):
    server = serve_once(conf(clerk), children=2, threads=16)
    server.expect_log(LOUD, optional=True)
    return server


def ask(server, clerk, path="/a/page"):
    """With a new token: (answer, seconds)."""
    token = clerk.mint()
    began = time.monotonic()
    answer = server.get(path, token=token)
    return answer, time.monotonic() - began


def fail(server, clerk, times=5):
    for _ in range(times):
        assert_unavailable(ask(server, clerk)[0])


FAILURES = {"hang": {}, "reset": {}, "garbage_http": {},
            "status": {"code": 500}, "html": {"code": 502}, "redirect": {
                "to": "https://elsewhere.example/", "code": 302}}


@pytest.mark.parametrize("kind", FAILURES)
def test_after_five_failures_nobody_asks(httpd, clerk, kind):
    clerk.fault("token_info", kind, **FAILURES[kind])
    fail(httpd, clerk)
    # curl tries a connection that died before the first byte once more
    asked = clerk.calls()
    began = time.monotonic()
    taken = []
    while time.monotonic() < began + 0.5:
        answer, seconds = ask(httpd, clerk)
        taken.append(seconds)
        assert_unavailable(answer)
        assert answer.one("Retry-After") == "1"
    assert clerk.calls() == asked
    assert sorted(taken)[len(taken) // 2] < 0.01, taken
    assert httpd.logged(1, matching="reason=circuit_open")


def test_one_probe_and_all_is_well(httpd, clerk):
    clerk.fault("token_info", "status", code=500)
    fail(httpd, clerk)
    asked = clerk.calls()
    began = time.monotonic()
    while time.monotonic() < began + 2.5:
        assert_unavailable(ask(httpd, clerk)[0])
        time.sleep(0.01)
    assert 2 <= clerk.calls() - asked <= 3
    clerk.clear()
    recovered = time.monotonic()
    while ask(httpd, clerk)[0].status != 200:
        time.sleep(0.02)
    assert time.monotonic() - recovered < 1.1
    for _ in range(10):
        assert ask(httpd, clerk)[0].status == 200
    opened = httpd.logged(1, matching=r"auth_clerk:notice.*is not asked")
    closed = httpd.logged(1, matching=r"auth_clerk:notice.*is back")
    assert (len(opened), len(closed)) == (1, 1)


def test_a_hanging_clerk_that_comes_back(httpd, clerk):
    clerk.fault("token_info", "hang")
    workers = [threading.Thread(target=fail, args=(httpd, clerk, 3))
               for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    clerk.clear()
    recovered = time.monotonic()
    while ask(httpd, clerk)[0].status != 200:
        time.sleep(0.02)
    assert time.monotonic() - recovered < 1.1


def test_other_credentials_are_another_matter(httpd, clerk):
    clerk.fault("token_info", "status", code=500)
    fail(httpd, clerk)
    clerk.clear()
    assert_unavailable(ask(httpd, clerk)[0])
    assert ask(httpd, clerk, "/other/page")[0].status == 200


def test_what_is_cached_does_not_notice(httpd, clerk):
    good, dead = clerk.mint(), clerk.mint()
    clerk.revoke(dead)
    assert httpd.get("/a/page", token=good).status == 200
    assert_invalid_token(httpd.get("/a/page", token=dead))
    clerk.fault("token_info", "status", code=500)
    fail(httpd, clerk, 7)
    for _ in range(5):
        assert httpd.get("/a/page", token=good).status == 200
        assert_invalid_token(httpd.get("/a/page", token=dead))


def test_refused_tokens_and_credentials_are_no_outage(httpd, clerk):
    clerk.fault("token_info", "status", code=401)
    for _ in range(8):
        assert ask(httpd, clerk)[0].status == 500
    clerk.clear()
    for _ in range(8):
        token = clerk.mint()
        clerk.revoke(token)
        assert_invalid_token(httpd.get("/a/page", token=token))
    clerk.answer("token_info", 200, {})
    for _ in range(8):
        assert_unavailable(ask(httpd, clerk)[0])
    clerk.clear()
    assert ask(httpd, clerk)[0].status == 200


def test_too_many_calls_is_obeyed_to_the_second(httpd, clerk):
    clerk.fault("token_info", "status", times=1, code=429, retry_after=3)
    answer, _ = ask(httpd, clerk)
    told = time.monotonic()
    assert_unavailable(answer)
    assert answer.one("Retry-After") == "3"
    asked = clerk.calls()
    while time.monotonic() < told + 2.8:
        answer, seconds = ask(httpd, clerk)
        left = told + 3 - time.monotonic()
        assert_unavailable(answer)
        assert left - 0.2 <= int(answer.one("Retry-After")) < left + 1.3
        time.sleep(0.05)
    assert clerk.calls() == asked
    time.sleep(max(0, told + 3.02 - time.monotonic()))
    assert ask(httpd, clerk)[0].status == 200


def test_a_date_will_do(httpd, clerk):
    when = time.strftime("%a, %d %b %Y %H:%M:%S GMT",
                         time.gmtime(time.time() + 60))
    clerk.answer("token_info", 429, {}, headers={"Retry-After": when})
    answer, _ = ask(httpd, clerk)
    assert 57 <= int(answer.one("Retry-After")) <= 60
    clerk.clear()
    assert_unavailable(ask(httpd, clerk)[0])
    assert clerk.calls() == 1


# ClerkRateLimit

def test_the_limit_holds_over_all_processes(serve_once, clerk):
    server = serve_once(conf(clerk, "ClerkRateLimit 20/10", "ClerkTimeout 5"),
                        children=4,
                        threads=8)
    good = clerk.mint()
    assert server.get("/a/page", token=good).status == 200
    answers, lock = [], threading.Lock()

    def flood():
        for _ in range(40):
            answer = server.get("/a/page", token=token_of_nobody())
            with lock:
                answers.append(answer)
    began = time.monotonic()
    workers = [threading.Thread(target=flood) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    allowed = 20 + 2 * (time.monotonic() - began)
    assert 20 <= clerk.calls() <= allowed + 1
    assert sum(a.status == 401 for a in answers) == clerk.calls() - 1
    for answer in answers:
        if answer.status != 401:
            assert_unavailable(answer)
            assert answer.one("Retry-After") == "1"
    assert server.get("/a/page", token=good).status == 200
    assert server.logged(1, matching="notice.*ClerkRateLimit")


def token_of_nobody():
    import secrets
    return "oat_" + secrets.token_hex(16)


def test_the_wait_is_told(serve_once, clerk):
    server = serve_once(conf(clerk, "ClerkRateLimit 1/20"))
    assert ask(server, clerk)[0].status == 200
    answer, seconds = ask(server, clerk)
    assert_unavailable(answer)
    assert 18 <= int(answer.one("Retry-After")) <= 20 and seconds < 0.2
    assert clerk.calls() == 1


def test_junk_does_not_push_out_who_is_known(serve_once, clerk):
    """A cache for some 500 tokens, 200 that are good, and 5000 that are
    not: the good ones are found, and none of them is asked about again."""
    server = serve_once(conf(
        clerk, "ClerkSOCache shmcb:${ROOT}/run/junk(262144)",
        "ClerkRateLimit 220/10"), children=2, threads=16)
    tokens = [clerk.mint() for _ in range(200)]
    connection = server.connect()
    for token in tokens:
        assert connection.request("GET", "/a/page",
                                  token=token).status == 200
    clerk.reset()

    def flood():
        mine = server.connect()
        for _ in range(1000):
            answer = mine.request("GET", "/a/page", token=token_of_nobody())
            assert answer.status in (401, 503)
        mine.close()
    workers = [threading.Thread(target=flood) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # It may have been idle for too long.
    connection.close()
    connection = server.connect()
    asked = clerk.calls()
    for token in tokens:
        assert connection.request("GET", "/a/page",
                                  token=token).status == 200
    connection.close()
    assert clerk.calls() == asked


def test_impossible_tokens_cost_no_call(httpd, clerk):
    for token in ("x", "oat", "a.b.c", "ey.ey.ey", "x" * 500):
        assert_invalid_token(httpd.get("/a/page", token=token))
    assert clerk.calls() == 0


# ClerkStaleIfError

AWAY = {"hang": {}, "reset": {}, "status": {"code": 500},
        "rate": {"kind": "status", "code": 429, "retry_after": 30}}


@pytest.mark.parametrize("manner", AWAY)
def test_who_was_good_is_let_in_during_an_outage(httpd, clerk, manner):
    token = clerk.mint()
    assert httpd.get("/stale/page", token=token).status == 200
    time.sleep(1.1)
    clerk.fault("token_info", **{"kind": manner, **AWAY[manner]})
    for _ in range(8):
        assert httpd.get("/stale/page", token=token).status == 200
    # nobody else is
    assert_unavailable(ask(httpd, clerk, "/stale/page")[0])


def test_not_longer_than_was_said(httpd, clerk):
    token = clerk.mint()
    assert httpd.get("/briefly/page", token=token).status == 200
    clerk.fault("token_info", "status", code=500)
    time.sleep(1.1)
    assert httpd.get("/briefly/page", token=token).status == 200
    time.sleep(2)
    assert_unavailable(httpd.get("/briefly/page", token=token))


@pytest.mark.parametrize("path", ["/stale/page", "/stale0/page"])
def test_never_once_it_has_been_refused(httpd, clerk, path):
    token = clerk.mint()
    assert httpd.get(path, token=token).status == 200
    time.sleep(1.1)
    clerk.revoke(token)
    assert_invalid_token(httpd.get(path, token=token))
    clerk.fault("token_info", "status", code=500)
    answer = httpd.get(path, token=token)
    assert answer.status == (401 if path == "/stale/page" else 503), answer


def test_never_past_its_own_end(serve_once, clerk):
    server = serve_once(conf(clerk).replace(
        "ClerkVerifier introspection",
        f"ClerkVerifier backend\nClerkSecretKey {clerk.secret_key}"))
    server.expect_log(LOUD, optional=True)
    token = clerk.mint(expires_in=3)
    assert server.get("/stale/page", token=token).status == 200
    clerk.fault("*", "status", code=500)
    time.sleep(1.1)
    assert server.get("/stale/page", token=token).status == 200
    time.sleep(2.2)
    assert_unavailable(server.get("/stale/page", token=token))
