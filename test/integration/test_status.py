"""clerk-status: what the module has done so far, in numbers."""

import time

import pytest

from confs import introspection, location
from httpd import eventually

LOUD = r"\[auth_clerk:error\]"
STATUS = ('<Location "/status">\n    SetHandler clerk-status\n'
          "    Require all granted\n</Location>\n")


def conf(clerk, *lines):
    return "\n".join([introspection(clerk), "ClerkAudience any", *lines,
                      location("/a"),
                      location("/zero", "ClerkCacheTTL 0",
                               "ClerkNegativeCacheTTL 0"),
                      location("/stale", "ClerkCacheTTL 1",
                               "ClerkStaleIfError 60"),
                      location("/closed", "SetHandler clerk-status"),
                      STATUS])


@pytest.fixture
def httpd(serve_once, clerk):
    return serve_once(conf(clerk), children=2, threads=8)


def numbers(server):
    answer = server.get("/status")
    assert answer.status == 200, answer
    return answer.json()


def test_how_it_is_answered(httpd):
    answer = httpd.get("/status")
    assert answer.one("Content-Type") == "application/json"
    assert answer.one("Cache-Control") == "no-store"
    assert set(answer.json()) == {"total", "processes", "breaker"}
    head = httpd.raw("HEAD /status HTTP/1.1")
    assert (head.status, head.body) == (200, b"")
    post = httpd.request("POST", "/status", body=b"x")
    assert post.status == 405
    assert "GET" in post.one("Allow")


def test_it_is_as_public_as_its_location(httpd, clerk):
    assert httpd.get("/closed").status == 401
    assert "total" in httpd.get("/closed", token=clerk.mint()).json()


def test_everything_is_counted(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    good, dead = clerk.mint(), clerk.mint()
    clerk.revoke(dead)
    for _ in range(3):
        assert httpd.get("/a/page", token=good).status == 200
        assert httpd.get("/a/page", token=dead).status == 401
    assert httpd.get("/zero/page", token=good).status == 200
    assert httpd.get("/a/page", token="x").status == 401
    total = numbers(httpd)["total"]
    near = total["cache"].pop("near_hits")
    assert 0 <= near <= 4
    assert total["cache"] == {"unused": 2, "hits": 4, "misses": 2, "stale": 0}
    assert total["verifications"] == {"ok": 4, "token_inactive": 3,
                                      "kind_unknown": 1}
    assert total["calls"]["token_info"] == {"answered": 3, "failed": 0,
                                            "held": 0}
    assert total["call_microseconds"] == pytest.approx(
        total["call_seconds"]["token_info"]["sum"] * 1e6)
    assert total["call_microseconds"] > 0
    assert total["pending"] == 0


def test_failures_are_counted(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    assert numbers(httpd)["breaker"]["state"] == "closed"
    old = clerk.mint()
    assert httpd.get("/stale/page", token=old).status == 200
    time.sleep(1.1)
    clerk.fault("token_info", "status", code=500)
    for _ in range(7):
        assert httpd.get("/a/page", token=clerk.mint()).status == 503
    assert httpd.get("/stale/page", token=old).status == 200
    seen = numbers(httpd)
    assert seen["total"]["calls"]["token_info"] == {
        "answered": 1, "failed": 5, "held": 3}
    spans = seen["total"]["call_seconds"]["token_info"]
    assert sum(spans.values()) - spans["sum"] == pytest.approx(6)
    assert seen["total"]["cache"]["stale"] == 1
    assert seen["total"]["verifications"]["clerk_server_error"] == 5
    assert seen["total"]["verifications"]["circuit_open"] == 2
    assert seen["breaker"] == {"state": "open", "open": 1, "lanes": 1}


def test_refreshes_are_counted(serve_once, clerk):
    server = serve_once(conf(clerk, "ClerkCacheTTL 2"))
    token = clerk.mint()
    assert server.get("/a/page", token=token).status == 200
    time.sleep(1.2)
    assert server.get("/a/page", token=token).status == 200
    time.sleep(0.3)
    assert numbers(server)["total"]["refreshes"] == {
        "good": 1, "dead": 0, "failed": 0}


def test_processes_add_up(serve_once, clerk):
    server = serve_once(conf(clerk), mpm="prefork", children=4)
    token = clerk.mint()
    for _ in range(40):
        assert server.get("/a/page", token=token).status == 200
    # they start one after the other
    eventually(lambda: numbers(server)["processes"], 4)
    seen = numbers(server)
    assert len(seen["processes"]) >= 4
    assert len({each["pid"] for each in seen["processes"]}) == len(
        seen["processes"])
    assert sum(each["verifications"]["ok"] for each in seen["processes"]) == \
        seen["total"]["verifications"]["ok"] == 40
    assert {each["max_pending"] for each in seen["processes"]} == {1}


def test_numbers_outlive_their_process(serve_once, clerk):
    """Here each child serves 5 requests and is replaced by another one."""
    server = serve_once(conf(clerk, "MaxConnectionsPerChild 5"),
                        mpm="prefork", children=2)
    token = clerk.mint()
    for _ in range(40):
        assert server.get("/a/page", token=token).status == 200
    assert numbers(server)["total"]["verifications"]["ok"] == 40


def test_a_server_without_clerk_has_none(serve_once):
    server = serve_once(STATUS)
    assert numbers(server) == {}
