"""What is in use is asked about again before anybody has to wait for it."""

import statistics
import threading
import time

import pytest

from answers import assert_invalid_token
from confs import introspection, location

LOUD = r"\[auth_clerk:error\]"


def conf(clerk, ttl=2):
    return "\n".join([introspection(clerk), "ClerkAudience any",
                      f"ClerkCacheTTL {ttl}", location("/a"),
                      location("/info", "ClerkUserInfo On")])


def use(server, token, seconds, path="/a/page"):
    """Ask again and again for so long: how long each answer took."""
    connection = server.connect()
    taken = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        answer = connection.request("GET", path, token=token)
        taken.append(time.monotonic() - began)
        assert answer.status == 200, answer
        time.sleep(0.002)
    connection.close()
    return taken


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_nobody_waits_at_the_turn(serve_once, clerk, mpm):
    """Ten TTLs, Clerk takes 200 ms, several children: one call each."""
    children, threads = {"event": (2, 16), "prefork": (4, 1)}[mpm]
    server = serve_once(conf(clerk, 1), mpm=mpm, children=children,
                        threads=threads)
    clerk.fault("token_info", "delay", seconds=0.2)
    token = clerk.mint()
    assert server.get("/a/page", token=token).status == 200
    began = time.monotonic()
    taken = []

    def worker():
        taken.extend(use(server, token, 10))
    workers = [threading.Thread(target=worker) for _ in range(3)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert statistics.quantiles(taken, n=1000)[998] < 0.1
    assert max(taken) < 0.2, sorted(taken)[-5:]
    spent = time.monotonic() - began
    # half of the TTL and 200 ms later it is fresh again
    assert spent - 1 <= clerk.calls() <= spent / 0.7 + 2


def test_what_nobody_uses_is_left_alone(serve_once, clerk):
    server = serve_once(conf(clerk, 1))
    tokens = [clerk.mint() for _ in range(5)]
    for token in tokens:
        assert server.get("/a/page", token=token).status == 200
    time.sleep(1.5)
    assert clerk.calls() == 5


def test_once_for_all_processes(serve_once, clerk):
    server = serve_once(conf(clerk, 4), mpm="prefork", children=6)
    token = clerk.mint()
    assert server.get("/a/page", token=token).status == 200
    clerk.fault("token_info", "delay", seconds=0.5)
    time.sleep(3.1)
    workers = [threading.Thread(target=use, args=(server, token, 0.4))
               for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    time.sleep(0.5)
    assert clerk.calls() == 2
    assert len(server.served_by("/a/page", len(
        server.logged(0, matching="cache hit")) + 1)) > 1


def test_a_revoked_one_is_dead_before_its_time(serve_once, clerk):
    server = serve_once(conf(clerk, 8), children=4, threads=4)
    token = clerk.mint()
    assert server.get("/a/page", token=token).status == 200
    clerk.revoke(token)
    time.sleep(6.1)
    # this one is let in, and has it asked about
    assert server.get("/a/page", token=token).status == 200
    deadline = time.monotonic() + 1
    while clerk.calls() < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    for _ in range(20):
        assert_invalid_token(server.get("/a/page", token=token))
    assert clerk.calls() == 2


def test_a_failure_changes_nothing(serve_once, clerk):
    server = serve_once(conf(clerk, 4))
    server.expect_log(LOUD)
    token = clerk.mint()
    assert server.get("/a/page", token=token).status == 200
    clerk.fault("token_info", "status", code=500)
    time.sleep(3.05)
    use(server, token, 0.8)
    assert 2 <= clerk.calls() <= 3      # and it is not tried all the time
    time.sleep(0.3)
    assert server.get("/a/page", token=token).status == 503
    clerk.clear()
    assert server.get("/a/page", token=token).status == 200


def test_the_profile_is_fetched_again_too(serve_once, clerk):
    server = serve_once(conf(clerk, 4))
    token = clerk.mint(subject="user_2again", user={"email": "a@b.example"})
    assert server.get("/info/env", token=token).env()[
        "CLERK_EMAIL"] == "a@b.example"
    clerk.user("user_2again", email="c@d.example")
    time.sleep(3.05)
    assert server.get("/info/env", token=token).status == 200
    time.sleep(0.3)
    assert server.get("/info/env", token=token).env()[
        "CLERK_EMAIL"] == "c@d.example"
    assert (clerk.calls("token_info"), clerk.calls("userinfo")) == (2, 2)


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_restarts_and_the_end_meanwhile(serve_once, clerk, mpm):
    """With calls under way in the background, and requests that wait."""
    threads = 1 if mpm == "prefork" else 8
    server = serve_once(conf(clerk, 1), mpm=mpm,
                        children=4 if mpm == "prefork" else 2,
                        threads=threads)
    token = clerk.mint()
    assert server.get("/a/page", token=token).status == 200
    clerk.fault("token_info", "delay", seconds=1.5)
    for _ in range(2):
        time.sleep(0.6)
        for _ in range(3):
            server.get("/a/page", token=token)
        late = clerk.mint()
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(
            server.get("/a/page", token=late).status))
        waiting.start()
        time.sleep(0.1)
        server.reload()
        waiting.join()
        assert answers == [200]
        assert server.get("/a/page", token=token).status == 200
    time.sleep(0.6)
    server.get("/a/page", token=token)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 5
