"""Machine-to-machine tokens and API keys: by the Backend API, and M2M JWTs by
signature; what they cost, and what goes wrong with them."""

import json
import time

import pytest

from answers import (assert_forbidden, assert_invalid_token,
                     assert_misconfigured, assert_unavailable)
from confs import instance, location, quoted

LOUD = r"\[auth_clerk:error\]"
WRONG_MACHINE, WRONG_KEY = "ak_wrongMachineSecret4711", "sk_test_wrongKey4711"


def conf(clerk):
    key = f"ClerkSecretKey {quoted(clerk.secret_key)}"
    machine = f"ClerkMachineSecretKey {quoted(clerk.machine_secret_key)}"
    m2m, api = "ClerkAcceptsToken m2m_token", "ClerkAcceptsToken api_key"
    return "\n".join([
        instance(clerk),
        location("/machine", m2m, machine),
        location("/key", m2m, key),
        location("/both", m2m, machine, key),
        location("/none", m2m),
        location("/api", api, key),
        location("/oauth", key, machine),
        location("/session", "ClerkAcceptsToken session_token", key, machine),
        location("/any", "ClerkAcceptsToken any", key, machine),
        location("/anynone", "ClerkAcceptsToken any"),
        location("/wrongmachine", m2m,
                 f"ClerkMachineSecretKey {WRONG_MACHINE}"),
        location("/wrongkey", "ClerkAcceptsToken m2m_token api_key",
                 f"ClerkSecretKey {WRONG_KEY}"),
        location("/email", "ClerkAcceptsToken any", key, machine,
                 "ClerkRemoteUser email"),
        location("/export", "ClerkAcceptsToken any", key, machine,
                 "ClerkExportClaim env", "ClerkExportClaim scopes ASKED"),
        location("/nocache", "ClerkAcceptsToken any", key, machine,
                 "ClerkCacheTTL 0", "ClerkNegativeCacheTTL 0"),
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


@pytest.fixture(autouse=True)
def features(standin, secret):
    secret(WRONG_MACHINE)
    secret(WRONG_KEY)
    yield
    standin.configure(api_keys=True)


def sent(request, name):
    return [v for k, v in request["headers"] if k.lower() == name]


def env_of(httpd, path, token):
    env = httpd.get(f"{path}/env", token=token).env()
    return {k: v for k, v in env.items()
            if k.startswith("CLERK_") or k == "REMOTE_USER"}


# M2M tokens.

def test_the_machine_secret_asks(httpd, clerk):
    token = clerk.mint("m2m_token", id="mt_" + "a" * 32, expires_in=600,
                       scopes=[clerk.machine_id, "mch_2"])
    before = int(time.time())
    env = env_of(httpd, "/machine", token)
    assert before + 599 <= int(env.pop("CLERK_EXPIRES")) <= before + 610
    assert env == {
        "REMOTE_USER": clerk.sender_id, "CLERK_TOKEN_TYPE": "m2m_token",
        "CLERK_SUBJECT": clerk.sender_id, "CLERK_MACHINE_ID": clerk.sender_id,
        "CLERK_TOKEN_ID": "mt_" + "a" * 32,
        "CLERK_SCOPES": f"{clerk.machine_id} mch_2"}
    [call] = clerk.requests()
    assert (call["method"], call["target"]) == ("POST",
                                                "/v1/m2m_tokens/verify")
    assert json.loads(call["body"]) == {"token": token}
    assert sent(call, "authorization") == [
        f"Bearer {clerk.machine_secret_key}"]
    assert sent(call, "clerk-api-version") == ["2026-05-12"]


@pytest.mark.parametrize("path,machine,elsewhere", [
    ("/machine", True, 401), ("/key", False, 200), ("/both", True, 401),
    ("/none", None, 401)])
def test_whose_secret_asks(httpd, clerk, path, machine, elsewhere):
    """With the machine's, Clerk checks that the token is meant for it."""
    for scopes, wanted in (([clerk.machine_id], 200),
                           (["mch_another"], elsewhere)):
        token = clerk.mint("m2m_token", scopes=scopes)
        clerk.reset()
        found = httpd.get(f"{path}/page", token=token).status
        assert found == (401 if machine is None else wanted)
        bearers = [sent(r, "authorization")[0] for r in clerk.requests()]
        assert bearers == ([] if machine is None else [
            "Bearer " + (clerk.machine_secret_key if machine
                         else clerk.secret_key)])


def test_what_one_secret_found_does_not_count_for_the_other(httpd, clerk):
    token = clerk.mint("m2m_token", scopes=["mch_another"])
    for _ in range(2):
        assert [httpd.get(f"{p}/page", token=token).status
                for p in ("/key", "/machine", "/both")] == [200, 401, 401]


def test_an_m2m_jwt_needs_no_secret(httpd, clerk):
    token = clerk.mint("m2m_jwt", subject="mch_1", id="mt_1")
    for path in ("/none", "/machine", "/key", "/any", "/anynone"):
        env = env_of(httpd, path, token)
        assert env.pop("CLERK_EXPIRES")
        # its scopes are its sender's own words, and no scopes
        assert env == {
            "REMOTE_USER": "mch_1", "CLERK_TOKEN_TYPE": "m2m_token",
            "CLERK_SUBJECT": "mch_1", "CLERK_MACHINE_ID": "mch_1",
            "CLERK_TOKEN_ID": "mt_1"}
    assert clerk.calls() == clerk.calls("jwks")


def test_custom_claims_of_a_machine(httpd, clerk):
    mine = {"env": "prod", "sub": "mch_9", "client_id": "c", "org_id": "o",
            "azp": "a", "act": {"sub": "user_admin"}, "sid": "s"}
    opaque = clerk.mint("m2m_token", claims=mine)
    signed = clerk.mint_jwt("m2m_token", claims={
        k: v for k, v in mine.items() if k != "sub"})
    for token in (opaque, signed):
        env = env_of(httpd, "/export", token)
        assert env["CLERK_ENV"] == "prod"
        assert env["CLERK_SUBJECT"] == clerk.sender_id
        for name in ("CLIENT_ID", "ORG_ID", "AUTHORIZED_PARTY", "ACTOR",
                     "SESSION_ID", "USER_ID"):
            assert f"CLERK_{name}" not in env, name


@pytest.mark.parametrize("kind", ["m2m_token", "m2m_jwt", "api_key"])
def test_nobody_writes_a_profile_of_his_own(httpd, clerk, kind):
    """What a token's sender wrote into it is told as a user's nowhere."""
    own = {name: "ceo@example.com" for name in (
        "email", "email_verified", "name", "given_name", "family_name",
        "username", "picture")}
    env = env_of(httpd, "/any", clerk.mint(kind, claims=own))
    assert "ceo@example.com" not in env.values(), env


@pytest.mark.parametrize("kind", ["m2m_token", "m2m_jwt", "api_key"])
def test_without_the_claim_that_names_the_user(httpd, clerk, kind):
    assert_forbidden(httpd.get("/email/page", token=clerk.mint(kind)))


# API keys.

def test_a_users_key(httpd, clerk):
    token = clerk.mint("api_key", id="ak_" + "a" * 32, subject="user_1",
                       scopes=["read:data", "write:data"])
    assert env_of(httpd, "/api", token) == {
        "REMOTE_USER": "user_1", "CLERK_TOKEN_TYPE": "api_key",
        "CLERK_SUBJECT": "user_1", "CLERK_USER_ID": "user_1",
        "CLERK_TOKEN_ID": "ak_" + "a" * 32,
        "CLERK_SCOPES": "read:data write:data"}
    [call] = clerk.requests()
    assert (call["method"], call["target"]) == ("POST", "/v1/api_keys/verify")
    assert json.loads(call["body"]) == {"secret": token}
    assert sent(call, "authorization") == [f"Bearer {clerk.secret_key}"]


def test_an_organizations_key(httpd, clerk):
    env = env_of(httpd, "/api", clerk.mint("api_key", subject="org_1",
                                           expires_in=600))
    assert env["REMOTE_USER"] == env["CLERK_SUBJECT"] == "org_1"
    assert env["CLERK_ORG_ID"] == "org_1" and env["CLERK_EXPIRES"]
    assert "CLERK_USER_ID" not in env


@pytest.mark.parametrize("subject", ["mch_1", "USER_1", "x", "client_1"])
def test_a_key_of_anybody_else(httpd, clerk, subject):
    token = clerk.mint("api_key", subject=subject)
    for _ in range(2):
        assert_invalid_token(httpd.get("/api/page", token=token))
    assert clerk.calls("api_key_verify") == 1   # it is remembered


def test_a_key_with_b64token_letters(httpd, clerk):
    for tail in ("a/b+c~d.e-f_g==", "x.y.z"):
        token = clerk.mint("api_key", token=f"ak_{time.time_ns()}{tail}")
        assert httpd.get("/api/page", token=token).status == 200


# What is not accepted costs nothing.

KINDS = ["oauth_token", "oauth_jwt", "session_token", "m2m_token", "m2m_jwt",
         "api_key", "refresh_token"]
TAKEN = {"/machine": {"m2m_token", "m2m_jwt"}, "/api": {"api_key"},
         "/none": {"m2m_jwt"}, "/oauth": {"oauth_token", "oauth_jwt"},
         "/session": {"session_token"},
         "/anynone": {"oauth_jwt", "session_token", "m2m_jwt"},
         "/any": set(KINDS) - {"refresh_token"}}


@pytest.mark.parametrize("path", TAKEN)
def test_only_what_is_accepted_costs_a_call(httpd, clerk, path):
    for kind in KINDS:
        token = clerk.mint(kind)
        clerk.reset()
        answer = httpd.get(f"{path}/page", token=token)
        asked = clerk.calls() - clerk.calls("jwks")
        if kind in TAKEN[path]:
            assert answer.status == 200, (kind, answer)
            assert asked == (0 if kind.endswith("jwt")
                             or kind == "session_token" else 1)
        else:
            assert_invalid_token(answer)
            assert asked == 0, kind


# What Clerk says of them.

ENDPOINTS = {"m2m_token": "m2m_verify", "api_key": "api_key_verify"}
NOW = int(time.time())
MEMBERS = [
    ({}, 200), ({"revoked": True}, 401), ({"expired": True}, 401),
    ({"revoked": None}, 503), ({"expired": "false"}, 503),
    ({"expiration": (NOW - 600) * 1000}, 401), ({"expiration": NOW - 60}, 401),
    ({"expiration": (NOW + 600) * 1000}, 200), ({"expiration": -1}, 503),
    ({"expiration": "never"}, 503), ({"subject": 7}, 503),
    ({"subject": None}, 503), ({"id": None}, 503), ({"object": "x"}, 503),
    ({"object": "clerk_idp_oauth_access_token"}, 503),
    ({"scopes": 7}, 503), ({"scopes": [7]}, 503), ({"active": False}, 401),
    ({"new": {"a": []}}, 200), ({"claims": "x"}, 200), ({"claims": []}, 200),
    ({"cnf": {"jkt": "x"}}, 401),
]


@pytest.mark.parametrize("kind", ENDPOINTS)
@pytest.mark.parametrize("members,status", MEMBERS)
def test_what_an_answer_means(httpd, clerk, kind, members, status):
    token = clerk.mint(kind)
    clerk.patch(ENDPOINTS[kind], **members)
    if status == 503:
        httpd.expect_log(LOUD, optional=True)
    answer = httpd.get("/any/page", token=token)
    assert answer.status == status, answer
    if status == 503:
        assert_unavailable(answer)
        clerk.clear()
        assert httpd.get("/any/page", token=token).status == 200


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_dead_ones(httpd, clerk, secret, kind):
    revoked, expired = clerk.mint(kind), clerk.mint(kind, expires_in=-60)
    clerk.revoke(revoked)
    unknown = secret(("mt_" if kind == "m2m_token" else "ak_") + "5" * 48)
    for manner in ("not_found", "flags"):
        clerk.configure(dead_tokens=manner)
        for token in (revoked, expired, unknown):
            assert_invalid_token(httpd.get("/nocache/page", token=token))


@pytest.mark.parametrize("kind", ENDPOINTS)
@pytest.mark.parametrize("fault", ["reset", "garbage", "html", "status",
                                   "truncated", "redirect"])
def test_an_outage(httpd, clerk, kind, fault):
    httpd.expect_log(LOUD, optional=True)
    token = clerk.mint(kind)
    clerk.fault(ENDPOINTS[kind], fault)
    assert_unavailable(httpd.get("/any/page", token=token))
    clerk.clear()
    assert httpd.get("/any/page", token=token).status == 200


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_asked_once(httpd, clerk, kind):
    token = clerk.mint(kind)
    for _ in range(3):
        assert httpd.get("/any/page", token=token).status == 200
    assert clerk.calls() == clerk.calls(ENDPOINTS[kind]) == 1


# Our own fault.

def told_to_check(httpd, *words):
    lines = httpd.logged(1, level="error", module="auth_clerk")
    assert lines and all(w in lines[-1] for w in words), lines


@pytest.mark.parametrize("path,kind,directive,not_named", [
    ("/wrongmachine", "m2m_token", "ClerkMachineSecretKey", None),
    ("/wrongkey", "m2m_token", "ClerkSecretKey", None),
    ("/wrongkey", "api_key", "ClerkSecretKey", "ClerkMachineSecretKey")])
def test_credentials_refused(httpd, clerk, path, kind, directive, not_named):
    time.sleep(1)   # one line a second of each kind
    httpd.expect_log(LOUD)
    token = clerk.mint(kind)
    for _ in range(2):
        assert_misconfigured(httpd.get(f"{path}/page", token=token))
    assert clerk.calls() == 2   # never taken for a bad token
    told_to_check(httpd, directive)
    assert not not_named or not httpd.logged(matching=not_named)


def test_api_keys_not_enabled(httpd, clerk):
    time.sleep(1)
    httpd.expect_log(LOUD)
    token = clerk.mint("api_key")
    clerk.configure(api_keys=False)
    assert_misconfigured(httpd.get("/api/page", token=token))
    told_to_check(httpd, "API keys")
    clerk.configure(api_keys=True)
    assert httpd.get("/api/page", token=token).status == 200
