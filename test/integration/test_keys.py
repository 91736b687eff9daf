"""The instance's keys: fetched once, kept, renewed, rotated, and never
fetched at all where ClerkJWTKey gives one."""

import threading
import time

import pytest

from answers import assert_invalid_token, assert_unavailable
from confs import instance, location
from tokens import signed

LOUD = r"\[auth_clerk:error\]"
KEYS = "/.well-known/jwks.json"


@pytest.fixture
def start(serve_once, keys, clock):
    """A server of its own, cold, with a clock that can be moved."""
    def begin(*lines, **options):
        text = "\n".join([instance(keys), location("/x", *lines),
                          location("/y", *lines, "ClerkAcceptsToken any")])
        return serve_once(text, env=clock.env, **options)
    return begin


def together(count, act):
    """Do it in so many threads at once; returns what they returned."""
    results, barrier = [], threading.Barrier(count)

    def run():
        barrier.wait()
        results.append(act())
    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == count
    return results


def status(server, clerk, path="/x", **how):
    return server.get(f"{path}/page", token=clerk.mint_jwt(**how)).status


# How often.

@pytest.mark.parametrize("delay", [0, 0.3])
def test_one_fetch_for_a_server_that_starts_with_many_children(start, keys,
                                                               delay):
    server = start(children=4, threads=8)
    if delay:
        keys.fault("jwks", "delay", seconds=delay)
    tokens = iter([keys.mint_jwt() for _ in range(24)])
    lock = threading.Lock()

    def act():
        with lock:
            token = next(tokens)
        return server.get("/x/page", token=token).status
    assert together(24, act) == [200] * 24
    assert len(server.served_by("/x/page", 24)) > 1
    assert keys.calls("jwks") == keys.calls() == 1


def test_what_is_fetched(start, keys):
    server = start()
    assert server.get("/x/page", token=keys.mint_jwt(), headers=[
        ("Origin", "https://evil.example"), ("Cookie", "a=b")]).status == 200
    [sent] = keys.requests()
    assert (sent["method"], sent["target"]) == ("GET", KEYS)
    names = {name.lower() for name, _ in sent["headers"]}
    assert not names & {"authorization", "cookie", "origin", "referer"}


def test_nothing_is_asked_for_what_is_cached(start, keys):
    server = start()
    token = keys.mint_jwt()
    assert server.get("/x/page", token=token).status == 200
    keys.pause_listening()
    try:
        for _ in range(5):
            assert server.get("/x/page", token=token).status == 200
    finally:
        keys.resume()
    assert keys.calls() == 1


def test_four_minutes_fresh(start, keys, clock):
    """And renewed in the background then; see test_renewal.py."""
    server = start()
    for minutes, calls in ((0, 1), (3.9, 1), (0.2, 2), (3.9, 2), (0.2, 3)):
        clock.forward(60 * minutes)
        assert status(server, keys, expires_in=9999) == 200
        deadline = time.monotonic() + 5
        while keys.calls("jwks") < calls and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert keys.calls("jwks") == calls


# Unknown kids and rotation.

def test_an_unknown_kid_asks_again_every_thirty_seconds(start, keys, clock):
    server = start(children=2)
    assert status(server, keys) == 200
    for calls in (2, 3):
        clock.forward(31)
        for n in range(12):
            answer = server.get("/x/page", token=keys.mint_jwt(
                header={"kid": f"ins_{n}"}, expires_in=9999))
            assert_invalid_token(answer)
        assert keys.calls("jwks") == calls


def test_unknown_kids_at_once_are_one_flight(start, keys, clock):
    server = start(children=4)
    assert status(server, keys) == 200
    clock.forward(31)
    keys.fault("jwks", "delay", seconds=0.2)
    token = keys.mint_jwt(header={"kid": "ins_x"}, expires_in=9999)
    assert together(16, lambda: server.get(
        "/x/page", token=token).status) == [401] * 16
    assert keys.calls("jwks") == 2


def test_a_rotation_with_overlap_loses_no_request(start, keys, clock):
    """Nor in the children that take over an older copy."""
    server = start(children=4)
    assert status(server, keys) == 200
    clock.forward(31)
    keys.rotate_keys()
    keys.fault("jwks", "delay", seconds=0.2)
    for key in ("current", "previous"):
        token = keys.mint_jwt(key=key, expires_in=9999)
        assert together(16, lambda: server.get(
            "/y/page", token=token).status) == [200] * 16
    assert keys.calls("jwks") == 2


def test_a_key_that_has_left_the_set(start, keys, clock):
    server = start("ClerkCacheTTL 0")
    token = keys.mint_jwt()
    assert server.get("/x/page", token=token).status == 200
    keys.rotate_keys(overlap=False)
    clock.forward(31)
    assert status(server, keys) == 200
    assert_invalid_token(server.get("/x/page", token=token))


def test_what_a_lost_key_proved_ends_after_five_minutes(start, keys, clock):
    server = start()
    token = keys.mint_jwt(expires_in=9999)
    assert server.get("/x/page", token=token).status == 200
    keys.rotate_keys(overlap=False)
    clock.forward(31)
    assert status(server, keys) == 200
    clock.forward(270)
    assert_invalid_token(server.get("/x/page", token=token))


def test_what_is_cached_ends_with_the_token(start, keys, clock):
    server = start()
    token = keys.mint_jwt(expires_in=100)
    for forward, wanted in ((0, 200), (90, 200), (11, 200), (8, 401)):
        clock.forward(forward)
        assert server.get("/x/page", token=token).status == wanted


# Clerk away.

AWAY = ["refused", "hang", "status", "garbage", "html", "truncated",
        "redirect", "no keys", "an array", "keys an object", "1 MiB"]


def go_away(clerk, manner):
    bodies = {"no keys": {}, "an array": [], "keys an object": {"keys": {}}}
    if manner == "refused":
        clerk.pause_listening()
    elif manner in bodies:
        clerk.answer("jwks", 200, bodies[manner])
    elif manner == "1 MiB":
        clerk.fault("jwks", "oversize", bytes=2 << 20)
    else:
        clerk.fault("jwks", manner)


def come_back(clerk):
    clerk.clear()
    clerk.resume()


@pytest.mark.parametrize("manner", AWAY)
def test_away_from_the_start(start, keys, manner):
    """503, never 401; and within a second of its return all is well."""
    server = start("ClerkTimeout 0.3")
    server.expect_log(LOUD)
    go_away(keys, manner)
    try:
        for _ in range(2):
            assert_unavailable(server.get("/x/page", token=keys.mint_jwt()))
            forged = keys.mint_jwt(header={"kid": "ins_x"})
            assert_unavailable(server.get("/x/page", token=forged))
    finally:
        come_back(keys)
    time.sleep(0.6)
    assert status(server, keys) == 200


@pytest.mark.parametrize("manner", AWAY)
def test_the_last_good_set_is_kept(start, keys, clock, manner):
    server = start("ClerkTimeout 0.3", "ClerkCacheTTL 0")
    assert status(server, keys) == 200
    go_away(keys, manner)
    server.expect_log(LOUD)
    try:
        for _ in range(3):
            clock.forward(600)
            assert status(server, keys, expires_in=9999) == 200
            kid = keys.jwks()["keys"][0]["kid"]
            forged = keys.mint_jwt(key="other", header={"kid": kid},
                                   expires_in=9999)
            assert_invalid_token(server.get("/x/page", token=forged))
            # whether this key is a new one cannot be known now
            new = keys.mint_jwt(header={"kid": "ins_x"}, expires_in=9999)
            assert_unavailable(server.get("/x/page", token=new))
    finally:
        come_back(keys)
    clock.forward(31)
    keys.rotate_keys(overlap=False)
    assert status(server, keys, expires_in=9999) == 200


def test_a_hanging_clerk_holds_up_one_request_alone(start, keys, clock):
    """While the set is renewed, everybody else goes on with the old one."""
    server = start("ClerkTimeout 1.5", "ClerkCacheTTL 0")
    assert status(server, keys) == 200
    clock.forward(600)
    keys.fault("jwks", "hang")
    server.expect_log(LOUD)

    def act():
        begin = time.monotonic()
        assert status(server, keys, expires_in=9999) == 200
        return time.monotonic() - begin
    took = sorted(together(6, act))
    assert took[-2] < 1, took


def test_an_empty_set_is_a_set(start, keys):
    server = start()
    keys.answer("jwks", 200, {"keys": []})
    assert_invalid_token(server.get("/x/page", token=keys.mint_jwt()))


# Members of the set.

def rsa(clerk, **changes):
    member = {**clerk.jwks()["keys"][0], **changes}
    return {k: v for k, v in member.items() if v is not None}


NO_KEYS = {
    "oct": ({"kty": "oct", "n": None, "e": None, "k": "AAAA"}, "kty"),
    "EC": ({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, "kty"),
    "OKP": ({"kty": "OKP", "crv": "Ed25519", "x": "AA"}, "kty"),
    "rsa": ({"kty": "rsa"}, "kty"),
    "private": ({"d": "AQAB"}, "private"),
    "for encryption": ({"use": "enc"}, "use"),
    "only to sign": ({"key_ops": ["sign"]}, "key_ops"),
    "HS256": ({"alg": "HS256"}, "alg"),
    "PS256": ({"alg": "PS256"}, "alg"),
    "no kid": ({"kid": None}, "kid"),
    "kid a number": ({"kid": 7}, "kid"),
    "no n": ({"n": None}, "RSA key"),
    "n of 1024 bits": ({"n": "_" * 171}, "RSA key"),
    "n not base64url": ({"n": "+/=="}, "RSA key"),
    "e of 1": ({"e": "AQ"}, "RSA key"),
}


@pytest.mark.parametrize("name", NO_KEYS)
def test_a_member_that_is_no_key_is_passed_over(start, keys, name):
    changes, word = NO_KEYS[name]
    member = rsa(keys, **changes)
    keys.configure(extra_jwks=[{**member, "kid": "odd"}
                               if isinstance(member.get("kid"), str)
                               else member])
    server = start()
    assert status(server, keys) == 200
    lines = server.logged(1, level="debug", matching="key set: ")
    assert any(word in line for line in lines), lines
    odd = keys.mint_jwt(header={"kid": "odd"})
    assert_invalid_token(server.get("/x/page", token=odd))


@pytest.mark.parametrize("name", ["oct", "private", "HS256"])
def test_a_member_that_is_no_key_is_all_there_is(start, keys, name):
    keys.answer("jwks", 200, {"keys": [rsa(keys, **NO_KEYS[name][0])]})
    server = start()
    for how in ({}, {"key": "pem"}, {"key": "none"}):
        answer = server.get("/x/page", token=keys.mint_jwt(**how))
        assert_invalid_token(answer)


@pytest.mark.parametrize("changes", [
    {"use": None}, {"alg": None}, {"key_ops": ["verify"]}, {"x5c": ["AA"]}])
def test_a_member_may_say_less_or_more(start, keys, changes):
    keys.answer("jwks", 200, {"keys": [rsa(keys, **changes)]})
    assert status(start(), keys) == 200


def test_a_key_without_alg_verifies_all_three(start, keys):
    keys.configure(jwks_without_alg=True)
    server = start()
    for alg, wanted in (("RS256", 200), ("RS384", 200), ("RS512", 200),
                        ("PS256", 401)):
        assert status(server, keys, alg=alg) == wanted, alg


def test_a_key_with_another_alg(start, keys):
    keys.answer("jwks", 200, {"keys": [rsa(keys, alg="RS512")]})
    server = start()
    assert status(server, keys, alg="RS512") == 200
    assert status(server, keys) == 401


# ClerkJWTKey.

def spki(clerk):
    return "".join(clerk.pem().split("\n")[1:-2])


FORMS = {
    "file": lambda pem, body: pem,
    "without armour": lambda pem, body: body + "\n",
    "one line with armour": lambda pem, body: pem.replace("\n", " "),
    "DOS": lambda pem, body: pem.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_key_of_ones_own_needs_no_network(start, keys, form):
    text = FORMS[form](keys.pem(), spki(keys))
    server = start("ClerkJWTKey file:${ROOT}/secrets/jwt_key",
                   prepare=lambda s: s.write("secrets/jwt_key", text))
    keys.pause_listening()
    try:
        cases = [({}, 200), ({"header": {"kid": None}}, 200),
                 ({"header": {"kid": "ins_other"}}, 200),
                 ({"key": "other"}, 401), ({"key": "pem"}, 401),
                 ({"key": "none"}, 401), ({"alg": "RS512"}, (200, 401)),
                 ({"header": {"crit": []}}, 401)]
        for how, wanted in cases:
            found = status(server, keys, **how)
            assert found == wanted or found in (
                wanted if isinstance(wanted, tuple) else ()), how
        for kind in ("session_token", "m2m_token"):
            assert status(server, keys, "/y", kind=kind) == 200
    finally:
        keys.resume()
    assert keys.calls() == 0


def test_a_key_in_the_configuration_itself(start, keys):
    server = start(f"ClerkJWTKey {spki(keys)}")
    assert status(server, keys) == 200 and keys.calls() == 0


def test_two_keys_do_not_meet_in_the_cache(serve_once, keys):
    """Nor does what one of them proved count where another is in force."""
    first = keys.pem()
    token = keys.mint_jwt()
    keys.rotate_keys(overlap=False)
    server = serve_once("\n".join([
        instance(keys),
        location("/old", "ClerkJWTKey file:${ROOT}/secrets/old"),
        location("/new", "ClerkJWTKey file:${ROOT}/secrets/new"),
        location("/set")]), prepare=lambda s: [
            s.write("secrets/old", first), s.write("secrets/new", keys.pem())])
    for _ in range(2):
        assert [server.get(f"/{p}/page", token=token).status
                for p in ("old", "new", "set")] == [200, 401, 401]


BAD = ["nonsense", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
       "sk_test_0123456789abcdefghij", ""]


@pytest.mark.parametrize("text", BAD)
def test_a_key_that_is_none_stops_the_start(serve_once, keys, text):
    server = serve_once(instance(keys) + location(
        "/x", "ClerkJWTKey file:${ROOT}/secrets/jwt_key"), start=False)
    server.write("secrets/jwt_key", text)
    code, said = server.configtest()
    assert code != 0 and "ClerkJWTKey" in said, said
    assert not text or text.split("\n")[0] not in said


def test_a_private_key_is_not_a_public_one(serve_once, keys, secret):
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import rsa as r
    pem = r.generate_private_key(65537, 2048).private_bytes(
        s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode()
    server = serve_once(instance(keys) + location(
        "/x", "ClerkJWTKey file:${ROOT}/secrets/jwt_key"), start=False)
    server.write("secrets/jwt_key", pem)
    code, said = server.configtest()
    assert code != 0 and "ClerkJWTKey" in said, said
    assert secret(pem.split("\n")[3]) not in said


# Two instances.

def test_keys_of_another_instance_prove_nothing_here(serve_once, keys,
                                                     standin):
    """Even under the same kid and the same issuer."""
    server = serve_once("\n".join([
        location("/a", *instance(keys).split("\n"),
                 f"ClerkIssuer {keys.issuer} {standin.issuer}"),
        location("/b", *instance(standin).split("\n"),
                 f"ClerkIssuer {keys.issuer} {standin.issuer}")]))
    kid = keys.jwks()["keys"][0]["kid"]
    for _ in range(2):
        for path, own, other in (("/a", keys, standin),
                                 ("/b", standin, keys)):
            assert status(server, own, path) == 200
            for header in ({}, {"kid": kid}):
                forged = signed(other, "oauth_token", header=header,
                                claims={"iss": own.issuer})
                assert_invalid_token(server.get(f"{path}/page",
                                                token=forged))


