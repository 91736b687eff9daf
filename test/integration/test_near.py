"""The near cache of each child: it spares the shared one, and believes
nothing that the shared one would not."""

import re
import time

import pytest

from confs import credentials, introspection, location
from outside import Redis

NEAR = r"cache near hit: oauth_token"


def nears(server, at_least=0):
    return server.logged(at_least, module="auth_clerk", matching=NEAR)


def uses(server, at_least=0):
    """Which cache each request was answered from, in their order."""
    lines = server.logged(at_least, module="auth_clerk",
                          matching=r"cache [a-z ]+: oauth_token")
    return [re.search(r"cache ([a-z ]+): ", line)[1] for line in lines]


def conf(clerk):
    return "\n".join([
        credentials(clerk), "ClerkVerifier introspection",
        "ClerkAudience any", "SetEnvIf X-Evil . CLERK_SUBJECT=evil",
        location("/x"), location("/twin"),
        location("/short", "ClerkCacheTTL 2", "ClerkNegativeCacheTTL 1"),
        location("/off", "ClerkCacheTTL 0"),
        location("/scope", require="clerk-scope mcp:read"),
        location("/user", "ClerkRemoteUser client_id"),
        location("/nouser", "ClerkRemoteUser username"),
        location("/none", "ClerkPass none"),
        location("/export", "ClerkExportClaim client_id APP",
                 "ClerkExportClaim scope SUBJECT"),
        location("/inner", "ClerkExportClaim client_id OUTER"),
        location("/inner/deep", "ClerkExportClaim client_id DEEP"),
        location("/backend", "ClerkVerifier backend"),
        'ScriptAliasMatch "^/inner/deep/env$" "${ROOT}/cgi/env"',
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


@pytest.fixture
def status(httpd):
    return lambda path, token: httpd.get(f"/{path}/page", token=token).status


def ours(env):
    return {name: value for name, value in env.items()
            if name.startswith("CLERK_") or name == "REMOTE_USER"}


def test_the_third_request_is_answered_near(httpd, status, clerk):
    token = clerk.mint()
    for _ in range(5):
        assert status("x", token) == 200
    assert uses(httpd, 5) == ["miss", "hit"] + ["near hit"] * 3
    assert clerk.calls() == 1


def test_another_token_is_another_one(httpd, status, clerk):
    token = clerk.mint()
    for _ in range(3):
        assert status("x", token) == 200
    for other in (token[:-1], token + "0", token[:-1] + "~"):
        assert status("x", other) == 401
    assert len(nears(httpd)) == 1


PATHS = ["x", "user", "none", "export", "backend", "inner", "inner/deep"]


def test_each_section_tells_its_own(httpd, clerk):
    """One token in all of them, and each of them as when it was first asked,
    by whatever cache."""
    token = clerk.mint(subject="user_near", scopes=["a", "b"])
    first = {path: ours(httpd.get(f"/{path}/env", token=token).env())
             for path in PATHS}
    for _ in range(4):
        for path in PATHS:
            env = ours(httpd.get(f"/{path}/env", token=token).env())
            assert env == first[path]
    assert len(nears(httpd)) >= 3 * len(PATHS)
    assert first["x"]["REMOTE_USER"] == "user_near"
    assert first["user"]["REMOTE_USER"] == clerk.client_id
    assert set(first["none"]) == {"REMOTE_USER"}
    assert first["x"]["CLERK_SUBJECT"] == "user_near"
    assert first["export"]["CLERK_SUBJECT"] == "a b"
    assert first["export"]["CLERK_APP"] == clerk.client_id
    assert "CLERK_APP" not in first["x"]
    assert "CLERK_OUTER" in first["inner"]
    assert "CLERK_DEEP" not in first["inner"]
    assert {"CLERK_OUTER", "CLERK_DEEP"} <= set(first["inner/deep"])


def test_what_was_in_the_environment_is_replaced(httpd, clerk):
    token = clerk.mint(subject="user_near")
    for _ in range(4):
        env = httpd.get("/x/env", token=token, headers=[("X-Evil", "1")])
        names = [record.split("=")[0] for record in env.text.split("\0")]
        assert names.count("CLERK_SUBJECT") == 1
        assert env.env()["CLERK_SUBJECT"] == "user_near"
    assert nears(httpd)


@pytest.mark.parametrize("path", ["scope", "nouser"])
def test_a_refusal_stays_one(httpd, status, clerk, path):
    token = clerk.mint(scopes=["profile"])
    for _ in range(4):
        assert status("x", token) == 200
        assert status(path, token) == 403
    assert clerk.calls() == 1


def test_the_ttl_is_kept(httpd, status, clerk):
    token = clerk.mint()
    began = time.monotonic()
    for _ in range(3):
        assert status("short", token) == 200
    assert len(nears(httpd, 1)) == 1
    clerk.revoke(token)
    answers = []
    while time.monotonic() < began + 3:
        asked = time.monotonic() - began
        code = status("short", token)
        answers.append((asked, time.monotonic() - began, code))
        time.sleep(0.02)
    codes = [code for _, _, code in answers]
    assert codes == sorted(codes)
    # A token in use is asked about again a second before its time.
    assert all(code == 200 for _, at, code in answers if at < 0.9)
    assert all(code == 401 for at, _, code in answers if at > 2.1)


def test_one_sections_patience_is_not_anothers(httpd, status, clerk):
    token = clerk.mint()
    for path in ("x", "short") * 3:
        assert status(path, token) == 200
    assert len(nears(httpd, 2)) >= 2
    time.sleep(2.1)
    assert status("x", token) == 200
    assert clerk.calls() == 1
    assert status("short", token) == 200
    assert clerk.calls() == 2


def test_a_ttl_of_zero_asks_each_time(status, clerk):
    token = clerk.mint()
    for _ in range(3):
        assert status("x", token) == 200
    assert clerk.calls() == 1
    for expected in (2, 3, 4):
        assert status("off", token) == 200
        assert clerk.calls() == expected


def test_an_htaccess_file_has_nothing_near(serve_once, clerk):
    """Its plan is gone with the request."""
    server = serve_once(
        introspection(clerk) + '<Directory "${ROOT}/docs/own">\n'
        "    AllowOverride AuthConfig\n    Options +FollowSymLinks\n"
        "</Directory>\n" + location("/x"),
        prepare=lambda s: (
            s.write("docs/own/.htaccess",
                    "AuthType Clerk\nRequire valid-user\n"),
            s.write("docs/own/it.txt", "its own\n")))
    token = clerk.mint()
    for _ in range(4):
        assert server.get("/own/it.txt", token=token).text == "its own\n"
    assert uses(server, 4) == ["miss"] + ["hit"] * 3


# What one child learns, all of them know.

LEARNING = location("/x") + location("/check", "ClerkCacheTTL 0")


def pids(server, matching):
    return {re.search(r"\[pid (\d+)", line)[1]
            for line in server.logged(matching=matching)}


def ask_many(server, token, until):
    """Requests over many connections at once; their statuses."""
    server.expect_log("AH00161|AH00286|AH00484|AH10159|AH00287",
                      optional=True)
    statuses = set()
    for _ in range(100):
        connections = [server.connect() for _ in range(8)]
        for connection in connections:
            connection.send("GET", "/x/page", token=token)
        statuses |= {c.receive().status for c in connections}
        for connection in connections:
            connection.close()
        if until():
            break
    return statuses


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_the_dead_are_dead_everywhere(serve_once, clerk, mpm):
    """Each of four children has it near, and one learns that it is dead."""
    server = serve_once(introspection(clerk) + LEARNING, mpm=mpm, children=4,
                        threads=2)
    token = clerk.mint()
    assert ask_many(server, token,
                    lambda: len(pids(server, NEAR)) >= 4) == {200}
    clerk.revoke(token)
    assert server.get("/x/page", token=token).status == 200
    # Whoever asks Clerk learns it, for everybody.
    assert server.get("/check/page", token=token).status == 401
    refused = "section /x, .* cache hit: oauth_token .* is token_inactive"
    assert ask_many(server, token,
                    lambda: len(pids(server, refused)) >= 4) == {401}
    assert len(pids(server, refused)) >= 4


def test_machines_learn_within_a_second(serve_once, clerk, secret):
    secret("nearCacheSecret77")
    redis = Redis()
    try:
        one, two = (serve_once(
            f"{introspection(clerk)}ClerkCacheSecret nearCacheSecret77\n"
            f"ClerkSOCache redis:127.0.0.1:{redis.port}\n" + LEARNING,
            modules=["socache_redis"]) for _ in range(2))
        token = clerk.mint()
        for _ in range(3):
            assert one.get("/x/page", token=token).status == 200
        assert nears(one, 1)
        clerk.revoke(token)
        assert two.get("/check/page", token=token).status == 401
        time.sleep(1.05)
        assert one.get("/x/page", token=token).status == 401
    finally:
        redis.close()


def test_a_new_generation_begins_anew(serve_once, clerk):
    server = serve_once(introspection(clerk)
                        + location("/x", "ClerkExportClaim client_id OLD"))
    token = clerk.mint()
    for _ in range(3):
        assert "CLERK_OLD" in server.get("/x/env", token=token).env()
    assert nears(server, 1)
    server.write_conf(introspection(clerk)
                      + location("/x", "ClerkExportClaim client_id NEW"))
    server.reload()
    for _ in range(4):
        env = server.get("/x/env", token=token).env()
        assert "CLERK_NEW" in env and "CLERK_OLD" not in env
    clerk.revoke(token)
    assert server.get("/x/page", token=token).status == 200


def test_the_start_says_how_many_it_holds(serve_once, clerk):
    for line, number in (("", "12892"), ("ClerkSOCache shmcb:c", "1611"),
                         ("ClerkSOCache shmcb:c(16266667)", "50000")):
        server = serve_once(introspection(clerk) + line + "\n"
                            + location("/x"))
        said = server.error_log.lines(matching=r"holds about \d+ typical")
        assert said and all(number in text for text in said)
