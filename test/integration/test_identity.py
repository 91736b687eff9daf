"""What the application is told of a verified token: CLERK_* for programs,
X-Clerk-* for what stands behind mod_proxy."""

import time

import pytest

from answers import (assert_forbidden, assert_invalid_token,
                     assert_unavailable)
from backend import header, identity
from confs import credentials, location

LOUD = r"\[auth_clerk:(error|warn)\]"
USER = "user_2identityidentityidentit"
CLIENT = "https://client.example.com/oauth/client-metadata.json"


def conf(clerk, backend_url):
    proxied = f"ProxyPass {backend_url}"
    both = ["ClerkVerifier introspection", "ClerkUserInfo On"]
    claims = ["ClerkExportClaim iat", "ClerkExportClaim org_name ORGANISATION",
              "ClerkExportClaim picture face", "ClerkExportClaim nothing",
              "ClerkExportClaim public_metadata META"]
    return "\n".join([
        credentials(clerk), "ClerkAudience any",
        "ClerkVerifier introspection",
        location("/x"),
        location("/backend", "ClerkVerifier backend"),
        location("/none", "ClerkPass none"),
        location("/headers", "ClerkPass headers"),
        location("/both", "ClerkPass both"),
        location("/info", "ClerkUserInfo On"),
        location("/infonocache", "ClerkUserInfo On", "ClerkCacheTTL 0"),
        location("/token", "ClerkPassToken On"),
        location("/p", "ClerkPass headers", proxied),
        location("/pboth", "ClerkPass both", proxied),
        location("/penv", "ClerkPass env", proxied),
        location("/pnone", "ClerkPass none", proxied),
        location("/ptoken", "ClerkPass headers", "ClerkPassToken On",
                 proxied),
        location("/pinfo", "ClerkPass headers", *both, proxied),
        location("/pclaims", "ClerkPass headers", *both, *claims, proxied),
        location("/claims", *both, *claims),
        location("/email", *both, "ClerkRemoteUser email"),
        location("/username", *both, "ClerkRemoteUser username"),
        location("/client", "ClerkRemoteUser client_id"),
        location("/org", "ClerkRemoteUser org_id"),
        location("/custom", *both, "ClerkRemoteUser picture"),
        location("/open", f"ProxyPass {backend_url}", "<RequireAny>",
                 "Require all granted", "Require valid-user",
                 "</RequireAny>", require=None),
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    return serve(conf(standin, backend_url),
                 modules=["proxy", "proxy_http"])


def clerks(env):
    return {k: v for k, v in env.items()
            if k.startswith("CLERK_") or k.startswith("HTTP_X_CLERK")}


def test_introspection_tells_a_program(httpd, clerk):
    token = clerk.mint(subject=USER, client_id=CLIENT,
                       scopes=["profile", "user:org:read"], org_id="org_1")
    env = httpd.get("/x/env", token=token).env()
    assert env["REMOTE_USER"] == USER
    assert env["AUTH_TYPE"] == "Clerk"
    assert clerks(env) == {
        "CLERK_TOKEN_TYPE": "oauth_token", "CLERK_SUBJECT": USER,
        "CLERK_USER_ID": USER, "CLERK_CLIENT_ID": CLIENT,
        "CLERK_SCOPES": "profile user:org:read", "CLERK_ORG_ID": "org_1"}


def test_the_backend_api_tells_a_program(httpd, clerk):
    now = int(time.time())
    token = clerk.mint(subject=USER, scopes=["profile"], expires_in=600,
                       id="oat_" + "a" * 32)
    env = httpd.get("/backend/env", token=token).env()
    expires = int(env.pop("CLERK_EXPIRES"))
    assert now + 599 <= expires <= now + 610
    assert clerks(env) == {
        "CLERK_TOKEN_TYPE": "oauth_token", "CLERK_SUBJECT": USER,
        "CLERK_USER_ID": USER, "CLERK_CLIENT_ID": clerk.client_id,
        "CLERK_SCOPES": "profile", "CLERK_TOKEN_ID": "oat_" + "a" * 32}


def test_an_actor_is_named(httpd, clerk):
    token = clerk.mint(act={"sub": "user_admin", "iss": "x"})
    env = httpd.get("/backend/env", token=token).env()
    assert env["CLERK_ACTOR"] == "user_admin"


def test_a_subject_that_is_no_user(httpd, clerk):
    env = httpd.get("/x/env", token=clerk.mint(subject="mch_1")).env()
    assert env["CLERK_SUBJECT"] == env["REMOTE_USER"] == "mch_1"
    assert "CLERK_USER_ID" not in env


@pytest.mark.parametrize("missing,variable", [
    ("client_id", "CLERK_CLIENT_ID"), ("scope", "CLERK_SCOPES"),
    ("iat", "CLERK_IAT")])
def test_what_is_absent_sets_nothing(httpd, clerk, missing, variable):
    clerk.patch("token_info", **{missing: None})
    env = httpd.get("/claims/env", token=clerk.mint()).env()
    assert variable not in env


def test_the_cache_tells_the_same(httpd, clerk):
    token = clerk.mint(subject=USER, scopes=["profile", "email"],
                       user={"email": "a@b.example", "name": "A B"})
    paths = ["/info/env", "/backend/env", "/claims/env"]
    for path in paths:
        first, second = (clerks(httpd.get(path, token=token).env())
                         for _ in range(2))
        assert first == second and first["CLERK_SUBJECT"] == USER


def test_of_several_values_none_is_told(httpd, clerk):
    clerk.patch("token_info", org_slug=["one", "two"], org_role=["admin"])
    token = clerk.mint()
    for _ in range(3):
        env = httpd.get("/x/env", token=token).env()
        assert "CLERK_ORG_SLUG" not in env
        # That is Clerk's word in sessions only.
        assert "CLERK_ORG_ROLE" not in env


# ClerkPass and ClerkPassToken.

def test_pass_none(httpd, clerk):
    env = httpd.get("/none/env", token=clerk.mint(subject=USER)).env()
    assert clerks(env) == {}
    assert (env["REMOTE_USER"], env["AUTH_TYPE"]) == (USER, "Clerk")


def test_pass_headers_and_both_to_a_program(httpd, clerk):
    token = clerk.mint(subject=USER)
    env = httpd.get("/headers/env", token=token).env()
    assert env["HTTP_X_CLERK_SUBJECT"] == USER
    assert not [k for k in env if k.startswith("CLERK_")]
    env = httpd.get("/both/env", token=token).env()
    assert env["HTTP_X_CLERK_SUBJECT"] == env["CLERK_SUBJECT"] == USER


EXPECTED = {"X-Clerk-Token-Type": "oauth_token", "X-Clerk-Subject": USER,
            "X-Clerk-User-Id": USER, "X-Clerk-Client-Id": CLIENT,
            "X-Clerk-Scopes": "profile email"}


@pytest.mark.parametrize("path,told", [
    ("/p", EXPECTED), ("/pboth", EXPECTED), ("/penv", {}), ("/pnone", {})])
def test_what_a_proxied_application_is_told(httpd, clerk, backend, path,
                                            told):
    token = clerk.mint(subject=USER, client_id=CLIENT)
    assert httpd.get(f"{path}/thing?q=1", token=token).status == 200
    [seen] = backend.requests
    assert identity(seen) == told
    assert header(seen, "Authorization") == []
    assert token not in str(seen)
    assert seen["path"] == "/thing?q=1"


def test_the_body_of_a_request_is_passed_on(httpd, clerk, backend):
    body = b"x" * 50000
    answer = httpd.request("POST", "/p/thing", token=clerk.mint(), body=body)
    assert answer.status == 200
    assert backend.requests[0]["body"] == body.decode()


def test_the_token_is_passed_on_request(httpd, clerk, backend):
    token = clerk.mint()
    assert httpd.get("/ptoken/thing", token=token).status == 200
    assert header(backend.requests[0], "Authorization") == [f"Bearer {token}"]


def test_no_program_sees_the_token(httpd, clerk):
    token = clerk.mint()
    for path in ("/x", "/both", "/token"):
        answer = httpd.get(f"{path}/env", token=token)
        assert answer.status == 200
        if path != "/token":
            assert token.encode() not in answer.body


def test_no_application_gets_a_token_that_was_not_needed(httpd, clerk,
                                                         backend):
    token = clerk.mint()
    assert httpd.get("/open/thing", token=token).status == 200
    assert token not in str(backend.requests)


# ClerkUserInfo.

PROFILE = {"email": "ada@example.com", "email_verified": True,
           "name": "Ada Lovelace", "given_name": "Ada",
           "family_name": "Lovelace", "username": "ada",
           "picture": "https://img.clerk.com/ada"}


def test_user_info_fills_the_profile(httpd, clerk):
    token = clerk.mint(subject=USER, user=PROFILE)
    env = httpd.get("/info/env", token=token).env()
    assert {k: env.get(k) for k in (
        "CLERK_EMAIL", "CLERK_NAME", "CLERK_GIVEN_NAME", "CLERK_FAMILY_NAME",
        "CLERK_USERNAME", "CLERK_PICTURE", "CLERK_EMAIL_VERIFIED")} == {
        "CLERK_EMAIL": "ada@example.com", "CLERK_NAME": "Ada Lovelace",
        "CLERK_GIVEN_NAME": "Ada", "CLERK_FAMILY_NAME": "Lovelace",
        "CLERK_USERNAME": "ada", "CLERK_EMAIL_VERIFIED": "true",
        "CLERK_PICTURE": "https://img.clerk.com/ada"}
    [sent] = clerk.requests("userinfo")
    assert [v for k, v in sent["headers"] if k.lower() == "authorization"] == [
        f"Bearer {token}"]
    assert "origin" not in [k.lower() for k, _ in sent["headers"]]


def test_user_info_as_headers(httpd, clerk, backend):
    token = clerk.mint(subject=USER, user=PROFILE)
    assert httpd.get("/pinfo/thing", token=token).status == 200
    told = identity(backend.requests[0])
    assert told["X-Clerk-Email"] == "ada@example.com"
    assert told["X-Clerk-Given-Name"] == "Ada"
    assert told["X-Clerk-Email-Verified"] == "true"


def test_user_info_is_asked_once(httpd, clerk):
    token = clerk.mint()
    for _ in range(3):
        assert httpd.get("/info/page", token=token).status == 200
    assert (clerk.calls("token_info"), clerk.calls("userinfo")) == (1, 1)


def test_user_info_is_not_asked_of_a_dead_token(httpd, clerk):
    token = clerk.mint()
    clerk.revoke(token)
    assert_invalid_token(httpd.get("/info/page", token=token))
    assert clerk.calls("userinfo") == 0


@pytest.mark.parametrize("kind,params", [
    ("status", {"code": 500}), ("status", {"code": 401}),
    ("status", {"code": 403}), ("status", {"code": 429}),
    ("html", {"code": 502}), ("garbage", {}), ("close", {}),
    ("oversize", {"bytes": 300 * 1024}), ("redirect", {"to": "https://x/"})])
def test_its_failure_never_refuses_the_request(httpd, clerk, kind, params):
    httpd.expect_log(LOUD, optional=True)
    clerk.fault("userinfo", kind, **params)
    env = httpd.get("/info/env", token=clerk.mint()).env()
    assert env["CLERK_SUBJECT"] == clerk.user_id
    assert "CLERK_EMAIL" not in env


@pytest.mark.parametrize("profile", [
    {"sub": "user_somebody_else"}, {"sub": ""}, {"sub": 7}])
def test_somebody_elses_profile_is_discarded(httpd, clerk, profile):
    httpd.expect_log(LOUD, optional=True)
    subject = "user_2discarded" + str(len(str(profile)))
    token = clerk.mint(subject=subject, user={**PROFILE, **profile})
    env = httpd.get("/info/env", token=token).env()
    assert env["CLERK_SUBJECT"] == env["REMOTE_USER"] == subject
    assert not {"CLERK_EMAIL", "CLERK_NAME", "CLERK_USERNAME"} & set(env)


def test_the_subject_may_come_from_user_info(httpd, clerk):
    clerk.patch("token_info", sub=None)
    token = clerk.mint(subject=USER, user=PROFILE)
    env = httpd.get("/info/env", token=token).env()
    assert env["REMOTE_USER"] == env["CLERK_SUBJECT"] == USER
    token = clerk.mint(subject=USER)
    assert_invalid_token(httpd.get("/x/page", token=token))


def test_no_subject_and_no_user_info(httpd, clerk):
    """Whose token it is remains unknown; nobody is let in."""
    httpd.expect_log(LOUD, optional=True)
    clerk.patch("token_info", sub=None)
    clerk.fault("userinfo", "status", code=500)
    answer = httpd.get("/info/page", token=clerk.mint())
    assert answer.status in (401, 503), answer


# ClerkRemoteUser.

@pytest.mark.parametrize("path,expected", [
    ("/email", "ada@example.com"), ("/username", "ada"), ("/client", CLIENT),
    ("/org", "org_7"), ("/custom", "https://img.clerk.com/ada"),
    ("/x", USER)])
def test_remote_user(httpd, clerk, path, expected):
    token = clerk.mint(subject=USER, user=PROFILE, client_id=CLIENT,
                       org_id="org_7",
                       scopes=["profile", "email", "user:org:read"])
    assert httpd.get(f"{path}/env", token=token).env()[
        "REMOTE_USER"] == expected


@pytest.mark.parametrize("path", ["/email", "/custom"])
@pytest.mark.parametrize("kind,params", [
    ("status", {"code": 500}), ("status", {"code": 429}),
    ("html", {"code": 502}), ("garbage", {})])
def test_a_user_whom_nobody_knows_just_now(serve_once, clerk, backend_url,
                                           path, kind, params):
    """Without the profile that says who it is: Clerk's fault and not the
    client's."""
    httpd = serve_once(conf(clerk, backend_url),
                       modules=["proxy", "proxy_http"])
    httpd.expect_log(LOUD, optional=True)
    clerk.fault("userinfo", kind, **params)
    token = clerk.mint(subject=USER, user=PROFILE)
    for count in (1, 2):
        assert_unavailable(httpd.get(f"{path}/page", token=token))
        lines = httpd.logged(count, level="info", matching="reason=")
        assert "reason=clerk_profile_unknown" in lines[-1], lines
    assert httpd.get("/info/page", token=token).status == 200
    assert clerk.calls("userinfo") == 1


def test_a_profile_that_clerk_does_not_give(httpd, clerk):
    """That is its answer: this token does not say who the user is."""
    clerk.fault("userinfo", "status", code=403)
    token = clerk.mint(subject=USER, user=PROFILE)
    assert_forbidden(httpd.get("/email/page", token=token))


@pytest.mark.parametrize("path", ["/email", "/org", "/custom"])
def test_a_token_that_lacks_it_is_refused(httpd, clerk, path):
    token = clerk.mint(subject="user_2nobodynobody", scopes=["x"])
    assert_forbidden(httpd.get(f"{path}/env", token=token))
    [line] = httpd.logged(1, level="info", matching="reason=")
    claim = {"/email": "email", "/org": "org_id", "/custom": "picture"}[path]
    assert "reason=remote_user_missing" in line and claim in line


# ClerkExportClaim.

def test_exported_claims(httpd, clerk, backend):
    iat = int(time.time()) - 30
    token = clerk.mint(subject=USER, issued_at=iat, user={
        **PROFILE, "org_name": "Acme"},
        scopes=["profile", "email", "user:org:read"], org_id="org_7")
    env = httpd.get("/claims/env", token=token).env()
    assert env["CLERK_IAT"] == str(iat)
    assert env["CLERK_ORGANISATION"] == "Acme"
    assert env["CLERK_FACE"] == "https://img.clerk.com/ada"
    assert "CLERK_NOTHING" not in env
    assert httpd.get("/pclaims/thing", token=token).status == 200
    told = {k.lower(): v for k, v in identity(backend.requests[0]).items()}
    assert told["x-clerk-iat"] == str(iat)
    assert told["x-clerk-organisation"] == "Acme"
    assert told["x-clerk-face"] == "https://img.clerk.com/ada"
    assert "x-clerk-nothing" not in told


# Control characters and other odd values.

HOSTILE = {"name": "Ada\r\nX-Evil: yes\r\n\r\n<html>", "given_name": "A\td\0a",
           "family_name": "\x7fLove\x1blace", "username": "\n",
           "picture": "\x01", "email": "ada@example.com\r\nX-Clerk-Org-Id: 1"}


@pytest.mark.parametrize("path", ["/info", "/pinfo"])
def test_control_characters_never_arrive(httpd, clerk, backend, path):
    httpd.expect_log(LOUD, optional=True)
    profile = {k: v.replace("\0", "") for k, v in HOSTILE.items()}
    token = clerk.mint(subject="user_2hostile", user=profile)
    if path == "/info":
        told = clerks(httpd.get("/info/env", token=token).env())
        assert told["CLERK_NAME"] == "AdaX-Evil: yes<html>"
        assert told["CLERK_FAMILY_NAME"] == "Lovelace"
        assert "CLERK_ORG_ID" not in told
    else:
        assert httpd.get("/pinfo/thing", token=token).status == 200
        [seen] = backend.requests
        told = dict(seen["headers"])
        assert told["X-Clerk-Name"] == "AdaX-Evil: yes<html>"
        assert "X-Evil" not in told and "X-Clerk-Org-Id" not in told
    for value in told.values():
        assert not [c for c in value if ord(c) < 32 or ord(c) == 127], told


def test_a_nul_never_arrives(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    token = clerk.mint(subject="user_2nul", user={"email": "a\0b@c.example"})
    answer = httpd.get("/info/env", token=token)
    assert answer.status == 200, answer
    assert "a\0b" not in answer.text
    assert answer.env().get("CLERK_EMAIL") in (None, "ab@c.example")


def test_letters_of_the_world(httpd, clerk):
    token = clerk.mint(subject="user_2world", user={"name": "Åda 日本"})
    env = httpd.get("/info/env", token=token).env()
    assert env["CLERK_NAME"] == "Åda 日本"


@pytest.mark.parametrize("subject", ["user_%n%s%s", "user_$(id)", "../../x",
                                     "user_\"'\\", "user_<script>"])
def test_odd_subjects_are_passed_literally(httpd, clerk, subject):
    env = httpd.get("/x/env", token=clerk.mint(subject=subject)).env()
    assert env["REMOTE_USER"] == env["CLERK_SUBJECT"] == subject


def test_a_subject_with_control_characters(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    answer = httpd.get("/x/env", token=clerk.mint(subject="user_1\r\nX: y"))
    if answer.status == 200:
        assert "\n" not in answer.env()["REMOTE_USER"]
        assert "\r" not in answer.env()["REMOTE_USER"]
    else:
        assert answer.status in (401, 403, 503), answer


@pytest.mark.parametrize("value", [["a", "b"], {"a": 1}, 7, True, None])
def test_profile_members_of_other_types_do_no_harm(httpd, clerk, value):
    httpd.expect_log(LOUD, optional=True)
    token = clerk.mint(subject="user_2types", scopes=["profile", "email"])
    clerk.patch("userinfo", name=value, email=value)
    answer = httpd.get("/info/env", token=token)
    assert answer.status == 200, answer
    assert answer.env()["REMOTE_USER"] == "user_2types"
