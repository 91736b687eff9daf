"""What the operator reads: one line per refusal, one a second per failure of
Clerk's, details at debug, and no token or secret at any level."""

import hashlib
import re
import time

import pytest

from confs import credentials, location

LOUD = r"\[auth_clerk:error\]"
REFUSAL = r"reason=[a-z][a-z_]*"


def conf(clerk):
    return "\n".join([
        credentials(clerk), "ClerkVerifier introspection",
        "ClerkTimeout 0.5",
        location("/x", "ClerkAudience any"),
        location("/info", "ClerkAudience any", "ClerkUserInfo On"),
        location("/off", "ClerkAudience any", "ClerkCacheTTL 0",
                 "ClerkNegativeCacheTTL 0"),
        location("/aud", "ClerkAudience https://elsewhere.example"),
        location("/scope", "ClerkAudience any",
                 require="clerk-scope mcp:read"),
        location("/user", "ClerkAudience any",
                 require="clerk-user user_nobody"),
        location("/name", "ClerkAudience any", "ClerkRemoteUser username"),
        location("/backend", "ClerkVerifier backend"),
        location("/wrong", "ClerkVerifier backend",
                 "ClerkSecretKey sk_test_logWrongSecretKey"),
        location("/quiet", "LogLevel auth_clerk:info"),
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


def fingerprint(token):
    return hashlib.sha256(token.encode()).hexdigest()[:8]


def ours(lines):
    return [line for line in lines if "[auth_clerk:" in line]


def refusals(httpd, at_least=1):
    lines = httpd.logged(at_least, level="info", matching="reason=")
    time.sleep(0.05)
    return ours(httpd.logged(level="info", matching="reason=")) or lines


@pytest.fixture
def dead(clerk):
    token = clerk.mint()
    clerk.revoke(token)
    return token


def tokens(clerk, dead):
    """Name -> (path, token, status, kind in the log)."""
    return {
        "dead": ("/x", dead, 401, "oauth_token"),
        "no scope": ("/scope", clerk.mint(), 403, "oauth_token"),
        "another user": ("/user", clerk.mint(), 403, "oauth_token"),
        "no name": ("/name", clerk.mint(), 403, "oauth_token"),
        "elsewhere": ("/aud", clerk.mint(), 401, "oauth_token"),
        "an API key": ("/x", clerk.mint("api_key"), 401, "api_key"),
        "a machine": ("/x", clerk.mint("m2m_token"), 401, "m2m_token"),
        "expired": ("/x", clerk.mint(introspection={"exp": 1000}), 401,
                    "oauth_token"),
        "not yet": ("/x", clerk.mint(introspection={"nbf": 4102444800}), 401,
                    "oauth_token"),
    }


NAMES = ["dead", "no scope", "another user", "no name", "elsewhere",
         "an API key", "a machine", "expired", "not yet"]


@pytest.mark.parametrize("name", NAMES)
def test_one_line_for_a_refusal(httpd, clerk, dead, name):
    path, token, status, kind = tokens(clerk, dead)[name]
    assert httpd.get(f"{path}/page", token=token).status == status
    [line] = refusals(httpd)
    assert re.search(REFUSAL, line), line
    assert fingerprint(token) in line, line
    assert kind in line, line
    assert hashlib.sha256(token.encode()).hexdigest()[:9] not in line


def test_the_same_line_from_the_cache(httpd, clerk, dead):
    reasons = set()
    for count in (1, 2):
        assert httpd.get("/x/page", token=dead).status == 401
        lines = refusals(httpd, count)
        assert len(lines) == count
        reasons.add(re.search(REFUSAL, lines[-1])[0])
    assert len(reasons) == 1


def test_reasons_tell_refusals_apart(httpd, clerk, dead):
    reasons = {}
    for name, (path, token, status, _) in tokens(clerk, dead).items():
        before = httpd.error_log.position
        assert httpd.get(f"{path}/page", token=token).status == status
        [line] = httpd.logged(1, since=before, level="info",
                              matching="reason=")
        reasons[name] = re.search(REFUSAL, line)[0]
    assert reasons["expired"] == "reason=token_expired"
    assert len({reasons[n] for n in (
        "dead", "no scope", "another user", "no name", "elsewhere",
        "an API key", "expired", "not yet")}) == 8, reasons


@pytest.mark.parametrize("field", [None, "Basic dTpw", "Bearer", "Bearer a b",
                                   "Bearer %n%s%s%x"])
def test_one_line_without_a_token(httpd, field):
    fields = [] if field is None else [f"Authorization: {field}"]
    assert httpd.raw("GET /x/page HTTP/1.1",
                     *fields).status in (400, 401)
    [line] = refusals(httpd)
    assert re.search(REFUSAL, line), line
    assert "%n" not in line and "dTpw" not in line


def test_a_jwt_is_told_as_such(httpd, clerk):
    token = clerk.mint_jwt(key="other")
    assert httpd.get("/x/page", token=token).status == 401
    [line] = refusals(httpd)
    assert "token=oauth_token" in line and fingerprint(token) in line
    for part in token.split("."):
        assert part not in httpd.error_log.text()


def test_a_granted_request_says_nothing_at_info(httpd, clerk):
    assert httpd.get("/x/page", token=clerk.mint()).status == 200
    time.sleep(0.05)
    assert ours(httpd.logged(level="info")) == []


# Clerk's failures.

FAILURES = {
    "status": {"code": 500}, "hang": {}, "close": {}, "garbage": {},
    "html": {"code": 502}, "redirect": {"to": "https://elsewhere.example"},
    "oversize": {"bytes": 300 * 1024},
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_of_clerks_is_an_error(httpd, clerk, kind):
    time.sleep(1.1)
    httpd.expect_log(LOUD)
    clerk.fault("token_info", kind, **FAILURES[kind])
    token = clerk.mint()
    assert httpd.get("/x/page", token=token).status == 503
    [line] = ours(httpd.logged(1, level="error"))
    assert "token_info" in line, line
    [refusal] = refusals(httpd)
    assert fingerprint(token) in refusal


def trace_id(body="0123456789abcdef0123456789abcdef"):
    return {"errors": [{"message": "m", "long_message": "l",
                        "code": "internal_clerk_error"}],
            "clerk_trace_id": body}


def test_clerks_trace_id_is_named(httpd, clerk):
    time.sleep(1.1)
    httpd.expect_log(LOUD + ".*0123456789abcdef0123456789abcdef")
    clerk.answer("token_info", 500, trace_id())
    assert httpd.get("/x/page", token=clerk.mint()).status == 503


def test_cloudflares_ray_stands_in_for_it(httpd, clerk):
    time.sleep(1.1)
    httpd.expect_log(LOUD + ".*8f0a1b2c3d4e5f60-FRA")
    clerk.fault("token_info", "html", code=502)
    assert httpd.get("/x/page", token=clerk.mint()).status == 503


@pytest.mark.parametrize("hostile", ["a\r\n[fake:error] line", "%s%n", "x" *
                                     100000, "\x1b[31mred"])
def test_a_hostile_trace_id(httpd, clerk, hostile):
    time.sleep(1.1)
    httpd.expect_log(LOUD)
    clerk.answer("token_info", 500, trace_id(hostile))
    assert httpd.get("/x/page", token=clerk.mint()).status == 503
    text = "\n".join(httpd.logged(1, level="error"))
    assert "\n[fake:error]" not in text and "\x1b" not in text
    assert len(text) < 2000


def test_at_most_one_line_a_second(httpd, clerk):
    httpd.expect_log(LOUD)
    clerk.fault("token_info", "status", code=500)
    time.sleep(1.1)
    began = time.monotonic()
    for _ in range(20):
        assert httpd.get("/off/page", token=clerk.mint()).status == 503
    elapsed = time.monotonic() - began
    lines = ours(httpd.logged(1, level="error"))
    assert 1 <= len(lines) <= 2 + int(elapsed)
    assert len(refusals(httpd, 20)) == 20
    time.sleep(1.1)
    assert httpd.get("/off/page", token=clerk.mint()).status == 503
    assert len(ours(httpd.logged(len(lines) + 1, level="error"))) == (
        len(lines) + 1)


def test_kinds_do_not_silence_each_other(httpd, clerk):
    time.sleep(1.1)
    # what failed before this test is forgiven
    assert httpd.get("/off/page", token=clerk.mint()).status == 200
    httpd.expect_log(LOUD)
    for kind in ("status", "redirect", "garbage"):
        clerk.clear()
        clerk.fault("token_info", kind)
        assert httpd.get("/off/page", token=clerk.mint()).status == 503
    assert len(ours(httpd.logged(3, level="error"))) == 3


def test_our_own_fault_says_what_to_fix(httpd, clerk, secret):
    secret("sk_test_logWrongSecretKey")
    time.sleep(1.1)
    httpd.expect_log(LOUD + ".*ClerkSecretKey")
    assert httpd.get("/wrong/page", token=clerk.mint()).status == 500


def test_a_failure_of_user_info_is_told(httpd, clerk):
    time.sleep(1.1)
    httpd.expect_log(LOUD + ".*userinfo")
    clerk.fault("userinfo", "status", code=500)
    assert httpd.get("/info/page", token=clerk.mint()).status == 200


# Details.

def test_debug_tells_the_story(httpd, clerk):
    token = clerk.mint()
    assert httpd.get("/x/page", token=token).status == 200
    first = "\n".join(ours(httpd.logged(1, level="debug")))
    assert "/x" in first
    assert "introspection" in first or "token_info" in first
    assert "miss" in first
    assert re.search(r"\d+(\.\d+)? ?(ms|us|s)\b", first), first
    assert fingerprint(token) in first
    before = httpd.error_log.position
    assert httpd.get("/x/page", token=token).status == 200
    second = "\n".join(ours(httpd.logged(1, since=before, level="debug")))
    assert "hit" in second and "miss" not in second


def test_debug_names_the_other_verifier(httpd, clerk):
    assert httpd.get("/backend/page", token=clerk.mint()).status == 200
    text = "\n".join(ours(httpd.logged(1, level="debug")))
    assert "backend" in text


def test_a_location_may_be_quiet(httpd, clerk):
    assert httpd.get("/quiet/page", token=clerk.mint()).status == 200
    time.sleep(0.05)
    assert ours(httpd.logged()) == []


def test_nothing_secret_at_trace8(httpd, clerk, dead, secret):
    """Whatever a client sends as a credential is not repeated either."""
    junk = [secret(text) for text in (
        "oat_junkjunkjunkjunkjunk0001", "eyJhbGciOiJub25lIn0.e30.c2ln",
        "ak_junkjunkjunkjunkjunk0002", "dXNlcjpwYXNzd29yZDEyMw==",
        "garbage-token-0003")]
    for text in junk:
        for scheme in ("Bearer", "Basic", "Other"):
            headers = [("Authorization", f"{scheme} {text}")]
            for path in ("/x", "/scope", "/backend", "/info"):
                assert httpd.get(f"{path}/page",
                                 headers=headers).status == 401
    text = httpd.error_log.text()
    assert "auth_clerk:trace" in text or "auth_clerk:debug" in text
    assert "Authorization:" not in text
