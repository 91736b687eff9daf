"""Inner sections against outer ones: what is written inside holds, also when
it is the default; what is not written there is inherited."""

import pytest

from answers import assert_invalid_token
from confs import introspection, location

# outer line, inner line that writes the default
PAIRS = {
    "pass": ("ClerkPass none", "ClerkPass env"),
    "remoteuser": ("ClerkRemoteUser client_id", "ClerkRemoteUser sub"),
    "audience": ("ClerkAudience https://other.example", "ClerkAudience any"),
    "verifier": ("ClerkVerifier backend", "ClerkVerifier auto"),
    "ttl": ("ClerkCacheTTL 0", "ClerkCacheTTL 60"),
    "negative": ("ClerkNegativeCacheTTL 0", "ClerkNegativeCacheTTL 10"),
    "leeway": ("ClerkLeeway 300", "ClerkLeeway 5"),
    "userinfo": ("ClerkUserInfo On", "ClerkUserInfo Off"),
    "accepts": ("ClerkAcceptsToken session_token",
                "ClerkAcceptsToken oauth_token"),
    "timeout": ("ClerkTimeout 0.3", "ClerkTimeout 5"),
}


def conf(clerk):
    parts = [introspection(clerk), f"ClerkSecretKey {clerk.secret_key}\n"]
    for name, (outer, inner) in PAIRS.items():
        parts.append(location(f"/{name}", outer))
        parts.append(f'<Location "/{name}/inner">\n    {inner}\n</Location>\n')
        parts.append(f'ScriptAlias "/{name}/inner/env" "${{ROOT}}/cgi/env"\n')
        parts.append(f'Alias "/{name}/inherit/page" '
                     '"${ROOT}/docs/page.txt"\n')
        parts.append(f'<Location "/{name}/inherit">\n    SetEnv X 1\n'
                     '</Location>\n')
    return "".join(parts)


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


@pytest.fixture
def outer(httpd):
    return lambda name, token: httpd.get(f"/{name}/env", token=token)


@pytest.fixture
def inner(httpd):
    return lambda name, token: httpd.get(f"/{name}/inner/env", token=token)


def test_pass(clerk, outer, inner):
    token = clerk.mint()
    assert "CLERK_SUBJECT" not in outer("pass", token).env()
    assert inner("pass", token).env()["CLERK_SUBJECT"] == clerk.user_id


def test_remote_user(clerk, outer, inner):
    token = clerk.mint()
    assert outer("remoteuser", token).env()["REMOTE_USER"] == clerk.client_id
    assert inner("remoteuser", token).env()["REMOTE_USER"] == clerk.user_id


def test_audience(httpd, clerk, outer, inner):
    token = clerk.mint()
    assert_invalid_token(outer("audience", token))
    assert inner("audience", token).status == 200
    assert_invalid_token(httpd.get("/audience/inherit/page", token=token))


def test_verifier(clerk, outer, inner):
    assert outer("verifier", clerk.mint()).status == 200
    assert (clerk.calls("oauth_verify"), clerk.calls("token_info")) == (1, 0)
    assert inner("verifier", clerk.mint()).status == 200
    assert (clerk.calls("oauth_verify"), clerk.calls("token_info")) == (1, 1)


def test_cache_ttl(clerk, outer, inner):
    token = clerk.mint()
    for expected in (1, 2):
        assert outer("ttl", token).status == 200
        assert clerk.calls("token_info") == expected
    token = clerk.mint()
    for _ in range(2):
        assert inner("ttl", token).status == 200
        assert clerk.calls("token_info") == 3


def test_negative_cache_ttl(clerk, outer, inner):
    token = clerk.mint()
    clerk.revoke(token)
    for expected in (1, 2, 3):
        assert_invalid_token(outer("negative", token))
        assert clerk.calls("token_info") == expected
    for _ in range(2):
        assert_invalid_token(inner("negative", token))
        assert clerk.calls("token_info") == 4


def test_leeway(clerk, outer, inner):
    soon = clerk.mint(introspection={"iat": 4102444800})
    assert_invalid_token(outer("leeway", soon))
    import time
    late = clerk.mint(introspection={"exp": int(time.time()) - 60})
    assert outer("leeway", late).status == 200
    assert_invalid_token(inner("leeway", late))


def test_user_info(clerk, outer, inner):
    token = clerk.mint()
    assert outer("userinfo", token).env()["CLERK_EMAIL"] == "jane@example.com"
    calls = clerk.calls("userinfo")
    assert calls == 1
    assert "CLERK_EMAIL" not in inner("userinfo", token).env()
    assert clerk.calls("userinfo") == calls


def test_accepted_kinds(clerk, outer, inner):
    token = clerk.mint()
    assert_invalid_token(outer("accepts", token))
    assert clerk.calls() == 0
    assert inner("accepts", token).status == 200


def test_timeout(httpd, clerk, outer, inner):
    httpd.expect_log(r"\[auth_clerk:error\]")
    clerk.fault("token_info", "delay", seconds=1)
    token = clerk.mint()
    assert outer("timeout", token).status == 503
    assert inner("timeout", token).status == 200
