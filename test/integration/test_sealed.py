"""A cache outside this machine's memory: every record is sealed with
ClerkCacheSecret, and whatever does not open is a miss."""

import time

import pytest

from answers import assert_invalid_token
from confs import introspection, location
from outside import Redis

SECRETS_INSIDE = ["user_sealedsealedsealed", "sealed:scope", "sealed@example"]


def sealed_token(clerk):
    return clerk.mint(subject="user_sealedsealedsealed",
                      scopes=["sealed:scope", "email"],
                      user={"email": "sealed@example"})


def sealed_conf(clerk, cache):
    return (f"{introspection(clerk)}ClerkUserInfo On\nClerkSOCache {cache}\n"
            "ClerkCacheSecret file:${ROOT}/secrets/cache\n" + location("/x"))


def write_secret(server):
    server.write("secrets/cache", "theCacheSecretItself99\n", 0o600)


@pytest.fixture
def redis():
    server = Redis()
    yield server
    server.close()


@pytest.fixture
def sealed(serve_once, clerk, redis, secret):
    secret("theCacheSecretItself99")
    return serve_once(sealed_conf(clerk, f"redis:127.0.0.1:{redis.port}"),
                      prepare=write_secret, modules=["socache_redis"])


def calls(clerk):
    return clerk.calls("token_info")


def test_redis_holds_nothing_in_clear(sealed, clerk, redis):
    token = sealed_token(clerk)
    first = sealed.get("/x/env", token=token).env()
    again = sealed.get("/x/env", token=token).env()
    assert first["CLERK_EMAIL"] == again["CLERK_EMAIL"] == "sealed@example"
    assert calls(clerk) == 1
    stored = redis.records()
    assert len(stored) == 1
    whole = b"".join(k + v for k, v in stored.items())
    for text in [*SECRETS_INSIDE, token, token[4:], "sealed"]:
        assert text.encode() not in whole, text


@pytest.mark.parametrize("where", [0, 1, 12, 20, -17, -1])
def test_a_tampered_record_is_a_miss(sealed, clerk, redis, where):
    sealed.expect_log(r"\[auth_clerk:(warn|error)\]", optional=True)
    token = sealed_token(clerk)
    assert sealed.get("/x/page", token=token).status == 200
    [(key, value)] = redis.records().items()
    changed = bytearray(value)
    changed[where] ^= 1
    redis.command("SET", key, bytes(changed))
    assert sealed.get("/x/page", token=token).status == 200
    assert calls(clerk) == 2


@pytest.mark.parametrize("value", [b"", b"x", b"\0" * 12, b"\0" * 28,
                                   b"\xff" * 300, b"{}" * 40000])
def test_a_foreign_record_is_a_miss(sealed, clerk, redis, value):
    sealed.expect_log(r"\[(auth_clerk|socache_redis):(warn|error)\]",
                      optional=True)
    token = sealed_token(clerk)
    assert sealed.get("/x/page", token=token).status == 200
    [key] = redis.records()
    redis.command("SET", key, value)
    assert sealed.get("/x/page", token=token).status == 200
    assert calls(clerk) == 2


def test_a_shortened_record_is_a_miss(sealed, clerk, redis):
    sealed.expect_log(r"\[auth_clerk:(warn|error)\]", optional=True)
    token = sealed_token(clerk)
    for shorter in (1, 16, 40):
        assert sealed.get("/x/page", token=token).status == 200
        [(key, value)] = redis.records().items()
        redis.command("SET", key, value[:-shorter])
    assert sealed.get("/x/page", token=token).status == 200
    assert calls(clerk) == 4


def test_a_record_does_not_open_under_another_key(sealed, clerk, redis):
    sealed.expect_log(r"\[auth_clerk:(warn|error)\]", optional=True)
    good, dead = clerk.mint(), clerk.mint()
    clerk.revoke(dead)
    assert sealed.get("/x/page", token=good).status == 200
    [(good_key, good_record)] = redis.records().items()
    assert_invalid_token(sealed.get("/x/page", token=dead))
    [dead_key] = set(redis.records()) - {good_key}
    redis.command("SET", dead_key, good_record)
    assert_invalid_token(sealed.get("/x/page", token=dead))
    assert calls(clerk) == 3


def test_each_record_has_a_fresh_nonce(sealed, clerk, redis):
    token = sealed_token(clerk)
    seen = set()
    for _ in range(3):
        assert sealed.get("/x/page", token=token).status == 200
        [(key, value)] = redis.records().items()
        seen.add(value[:12])
        redis.command("DEL", key)
    assert len(seen) == 3


def test_an_old_record_put_back_is_not_believed_longer(serve_once, clerk,
                                                       redis):
    conf = sealed_conf(clerk, f"redis:127.0.0.1:{redis.port}")
    server = serve_once(conf + "ClerkCacheTTL 2\n", prepare=write_secret,
                        modules=["socache_redis"])
    token = clerk.mint()
    assert server.get("/x/page", token=token).status == 200
    [(key, value)] = redis.records().items()
    clerk.revoke(token)
    time.sleep(2.2)
    redis.command("SET", key, value)
    assert_invalid_token(server.get("/x/page", token=token))


def test_a_ttl_of_a_second_is_kept_and_says_nothing(serve_once, clerk, redis):
    conf = sealed_conf(clerk, f"redis:127.0.0.1:{redis.port}")
    server = serve_once(conf + "ClerkCacheTTL 1\nClerkNegativeCacheTTL 1\n",
                        prepare=write_secret, modules=["socache_redis"])
    token, dead = clerk.mint(), clerk.mint()
    clerk.revoke(dead)
    for _ in range(2):
        assert server.get("/x/page", token=token).status == 200
        assert_invalid_token(server.get("/x/page", token=dead))
    assert calls(clerk) == 2


def test_without_redis_every_request_is_verified(sealed, clerk, redis):
    sealed.expect_log(r"\[(auth_clerk|socache_redis):(warn|error|crit)\]",
                      optional=True)
    token = clerk.mint()
    assert sealed.get("/x/page", token=token).status == 200
    redis.close()
    for _ in range(2):
        assert sealed.get("/x/page", token=token).status == 200
    assert calls(clerk) == 3


def test_two_servers_with_one_secret_share(serve_once, clerk, redis):
    conf = sealed_conf(clerk, f"redis:127.0.0.1:{redis.port}")
    one, two = (serve_once(conf, prepare=write_secret,
                           modules=["socache_redis"]) for _ in range(2))
    token = clerk.mint()
    assert one.get("/x/page", token=token).status == 200
    assert two.get("/x/page", token=token).status == 200
    assert calls(clerk) == 1


def test_two_servers_with_two_secrets_do_not(serve_once, clerk, redis):
    conf = sealed_conf(clerk, f"redis:127.0.0.1:{redis.port}")
    one = serve_once(conf, prepare=write_secret, modules=["socache_redis"])
    two = serve_once(conf, modules=["socache_redis"],
                     prepare=lambda server: server.write(
                         "secrets/cache", "anotherSecret000000\n", 0o600))
    for server in (one, two):
        server.expect_log(r"\[auth_clerk:(warn|error)\]", optional=True)
    token = clerk.mint()
    assert one.get("/x/page", token=token).status == 200
    assert two.get("/x/page", token=token).status == 200
    assert calls(clerk) == 2


def test_a_dbm_file_holds_nothing_in_clear(serve_once, clerk, secret):
    secret("theCacheSecretItself99")
    server = serve_once(sealed_conf(clerk, "dbm:${ROOT}/run/cache"),
                        prepare=write_secret, modules=["socache_dbm"],
                        children=2, threads=4)
    token = sealed_token(clerk)
    for _ in range(6):
        assert server.get("/x/page", token=token).status == 200
    assert calls(clerk) == 1
    files = list((server.root / "run").glob("cache*"))
    whole = b"".join(f.read_bytes() for f in files)
    assert whole.strip(b"\0"), files
    for text in [*SECRETS_INSIDE, token, token[4:]]:
        assert text.encode() not in whole, text
