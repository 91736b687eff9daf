"""A shmcb is divided: by size, and into what is good and what is refused."""

import collections
import contextlib
import os
import pathlib
import re
import time

import pytest

from confs import introspection, location

MIB = 1024 * 1024


def test_refusals_push_out_nobody(serve_once, clerk):
    """However many tokens somebody makes up, those that Clerk has verified
    stay. More of both than a child has near, or all could lie there."""
    server = serve_once(
        introspection(clerk) + f"ClerkSOCache shmcb:run/c({MIB // 2})\n"
        "ClerkRateLimit 1000000/1\nClerkNegativeCacheTTL 600\n"
        "ClerkCacheTTL 600\n" + location("/x"), mpm="prefork", children=1)
    tokens = [clerk.mint() for _ in range(600)]
    with contextlib.closing(server.connect()) as connection:
        def ask(token, status):
            connection.send("GET", "/x/page", token=token)
            assert connection.receive().status == status

        for token in tokens:
            ask(token, 200)
        assert clerk.calls() == 600
        for number in range(3000):
            ask(f"oat_madeUp{number:030}", 401)
        assert clerk.calls() == 3600
        for token in tokens:
            ask(token, 200)
        # The last of them are remembered, too.
        for number in range(2900, 3000):
            ask(f"oat_madeUp{number:030}", 401)
    assert clerk.calls() == 3600


def test_a_dead_token_takes_the_place_of_the_good_one(serve_once, clerk):
    """Nor does it come back when other refusals push its own out."""
    server = serve_once(
        introspection(clerk) + f"ClerkSOCache shmcb:run/c({MIB // 8})\n"
        "ClerkRateLimit 1000000/1\nClerkNegativeCacheTTL 600\n"
        "ClerkCacheTTL 600\n" + location("/x")
        + location("/now", "ClerkCacheTTL 0"), mpm="prefork", children=1)
    token = clerk.mint()
    assert server.get("/x/page", token=token).status == 200
    clerk.revoke(token)
    assert server.get("/now/page", token=token).status == 401
    for number in range(1000):
        assert server.get("/x/page",
                          token=f"oat_other{number:030}").status == 401
    calls = clerk.calls()
    assert server.get("/x/page", token=token).status == 401
    assert clerk.calls() == calls


@pytest.mark.parametrize("size, shards", [
    (6 * MIB - 1, 2), (6 * MIB, 3), (20 * MIB, 5), (1000 * MIB, 17),
    (MIB // 8, 2), (MIB // 8 - 1, 1), (8192, 1)])
def test_a_cache_is_several(serve_once, clerk, size, shards):
    server = serve_once(
        introspection(clerk) + f"ClerkSOCache shmcb:run/c({size})\n"
        + location("/x"))
    made = server.error_log.lines(matching="AH00830")
    assert len(made) == shards
    token = clerk.mint()
    assert {server.get("/x/page", token=token).status
            for _ in range(2)} == {200}
    assert clerk.calls() == 1


@pytest.mark.parametrize("mutex", ["", "Mutex flock:${ROOT}/run auth-clerk"])
def test_all_of_a_large_cache_is_everybodys(serve_once, clerk, mutex):
    """No token is lost between the parts, for any child, old or new."""
    server = serve_once(
        mutex + "\n" + introspection(clerk)
        + f"ClerkSOCache shmcb:${{ROOT}}/run/c({20 * MIB})\n"
        + location("/x"), mpm="prefork", children=3)
    tokens = [clerk.mint(subject=f"user_{number}") for number in range(60)]
    for token in tokens:
        assert server.get("/x/page", token=token).status == 200
    assert clerk.calls() == len(tokens)
    for _ in range(3):
        for number, token in enumerate(tokens):
            env = server.get("/x/env", token=token).env()
            assert env["REMOTE_USER"] == f"user_{number}"
    assert clerk.calls() == len(tokens)
    if mutex:
        files = sorted(path.name for path in (server.root / "run").iterdir()
                       if path.name.startswith("auth-clerk"))
        assert len(files) == 5, files


def test_an_older_refusal_does_not_come_back(serve_once, clerk):
    """When what was found good since then is forgotten."""
    server = serve_once(
        introspection(clerk) + "ClerkAudience any\nClerkCacheTTL 1\n"
        + location("/long", "ClerkNegativeCacheTTL 600")
        + location("/none", "ClerkNegativeCacheTTL 0"))
    clerk.configure(introspection="own")
    token = clerk.mint(client_id="somebodyElses")
    assert server.get("/long/page", token=token).status == 401
    clerk.configure(introspection="all")
    assert server.get("/long/page", token=token).status == 401
    assert server.get("/none/page", token=token).status == 200
    time.sleep(3.5)
    assert server.get("/long/page", token=token).status == 200


def links(pid):
    """How often each file is open in a process."""
    counted = collections.Counter()
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a connection's, closed
            counted[os.readlink(fd)] += 1
    return counted


def test_each_child_opens_each_mutex(serve_once, clerk):
    """Locks of flock(2) belong to who opened the file, so that children that
    have it from their parent do not exclude one another."""
    server = serve_once(
        "Mutex flock:${ROOT}/run auth-clerk\n" + introspection(clerk)
        + f"ClerkSOCache shmcb:run/c({20 * MIB})\n" + location("/x"),
        mpm="prefork", children=2)
    assert server.get("/x/page", token=clerk.mint()).status == 200
    (child,) = server.served_by("/x/page", 1)
    names = [name for name in links(server.process.pid)
             if "/auth-clerk" in name]
    assert len(names) == 5
    for name in names:
        assert links(child)[name] > links(server.process.pid)[name]


def touched(pid):
    """KiB of each part of the cache that a process has touched."""
    parts, part = {}, None
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) \S+s \S+ \S+ \S+ *"
                        r"/dev/zero", line)
        if head:
            size = int(head[2], 16) - int(head[1], 16)
            part = head[1] if size > 4 * MIB else None
        elif part and line.startswith("Rss:"):
            parts[part] = int(line.split()[1])
            part = None
    return parts


def test_each_part_is_used(serve_once, clerk):
    server = serve_once(
        introspection(clerk) + f"ClerkSOCache shmcb:run/c({20 * MIB})\n"
        + location("/x"), mpm="prefork", children=1)
    assert server.get("/x/page", token=clerk.mint()).status == 200
    (child,) = server.served_by("/x/page", 1)
    before = touched(child)
    assert len(before) == 4
    for _ in range(60):
        assert server.get("/x/page", token=clerk.mint()).status == 200
    after = touched(child)
    assert all(after[part] > before[part] for part in before), (before, after)
