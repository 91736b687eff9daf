"""The right answers: which members they have, and of which type."""

import re
import time

import pytest

OAT_ID = re.compile(r"oat_[0-9a-f]{32}\Z")


def test_token_info_of_an_opaque_token(call, standin):
    token = standin.mint(scopes=["openid", "profile"], subject="user_2abc",
                         issued_at=1785000000)
    answer = call.token_info(token)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == {"active": True, "client_id": standin.client_id,
                           "iat": 1785000000, "scope": "openid profile",
                           "sub": "user_2abc"}


def test_token_info_tells_the_organization_by_scope(call, standin):
    scopes = ["profile", "user:org:read"]
    token = standin.mint(scopes=scopes, org_id="org_2abc")
    assert call.token_info(token).json["org_id"] == "org_2abc"
    token = standin.mint(scopes=["profile"], org_id="org_2abc")
    assert "org_id" not in call.token_info(token).json


def test_token_info_knows_refresh_tokens_and_jwts(call, standin):
    assert call.token_info(standin.mint("refresh_token")).json["active"]
    answer = call.token_info(standin.mint_jwt(scopes=["email"])).json
    assert answer["active"] is True
    assert answer["scope"] == "email"
    expired = standin.mint_jwt(expires_in=-1)
    assert call.token_info(expired).json == {"active": False}


@pytest.mark.parametrize("make", [
    lambda s: "oat_unknown",
    lambda s: s.mint(expires_in=-1),
    lambda s: s.mint("session_token"),
    lambda s: s.mint("api_key"),
    lambda s: s.mint_jwt(key="other"),
    lambda s: s.mint_jwt(alg="none"),
])
def test_token_info_inactive(call, standin, make):
    answer = call.token_info(make(standin))
    assert (answer.status, answer.json) == (200, {"active": False})


def test_token_info_after_revocation(call, standin):
    token = standin.mint()
    assert call.token_info(token).json["active"] is True
    standin.revoke(token)
    assert call.token_info(token).json == {"active": False}


def test_token_info_checks_the_scope_asked_for(call, standin):
    token = standin.mint(scopes=["profile", "email"])
    assert call.token_info(token, scope="email").json["active"] is True
    assert call.token_info(token, scope="openid").json["active"] is False


def test_oauth_verify(call, standin):
    token = standin.mint(scopes=["mcp:read"], aud=["https://a.example"])
    answer = call.verify("oauth_verify", token)
    assert answer.status == 200
    json = answer.json
    assert OAT_ID.match(json["id"])
    assert json["object"] == "clerk_idp_oauth_access_token"
    assert json["client_id"] == standin.client_id
    assert json["subject"] == standin.user_id
    assert json["scopes"] == ["mcp:read"]
    assert json["aud"] == ["https://a.example"]
    assert (json["revoked"], json["revocation_reason"],
            json["expired"]) == (False, None, False)
    assert json["expiration"] / 1000 == pytest.approx(
        time.time() + 86400, abs=5)
    assert json["created_at"] == json["updated_at"]
    assert "aud" not in call.verify("oauth_verify", standin.mint()).json


def test_oauth_verify_in_seconds(call, standin):
    token = standin.mint()
    standin.configure(oauth_time_unit="s")
    try:
        expiration = call.verify("oauth_verify", token).json["expiration"]
    finally:
        standin.configure(oauth_time_unit="ms")
    assert expiration == pytest.approx(time.time() + 86400, abs=5)


def test_oauth_verify_of_jwts(call, standin):
    token = standin.mint_jwt(aud="https://a.example", scopes=["email"])
    answer = call.verify("oauth_verify", token)
    assert answer.status == 200
    assert answer.json["scopes"] == ["email"]
    assert answer.json["aud"] == ["https://a.example"]
    expired = call.verify("oauth_verify", standin.mint_jwt(expires_in=-1))
    assert (expired.status, expired.json) == (200, {"active": False})
    forged = call.verify("oauth_verify", standin.mint_jwt(key="other"))
    assert (forged.status, forged.code) == (404, "resource_not_found")


@pytest.mark.parametrize("kind, endpoint", [
    ("oauth_token", "oauth_verify"), ("m2m_token", "m2m_verify"),
    ("api_key", "api_key_verify")])
def test_dead_tokens(call, standin, kind, endpoint):
    revoked, expired = standin.mint(kind), standin.mint(kind, expires_in=-1)
    assert call.verify(endpoint, revoked).status == 200
    standin.revoke(revoked, "Revoked by user")
    for token in (revoked, expired):
        assert call.verify(endpoint, token).status == 404
    standin.configure(dead_tokens="flags")
    try:
        answer = call.verify(endpoint, revoked).json
        assert answer["revoked"] is True
        assert answer["revocation_reason"] == "Revoked by user"
        assert call.verify(endpoint, expired).json["expired"] is True
    finally:
        standin.configure(dead_tokens="not_found")


def test_members_by_hand(call, standin):
    token = standin.mint(revoked=True, expiration=None,
                         members={"subject": 7})
    answer = call.verify("oauth_verify", token)
    assert answer.status == 200
    assert answer.json["revoked"] is True
    assert answer.json["expiration"] is None
    assert answer.json["subject"] == 7
    assert call.token_info(token).json == {"active": False}


def test_m2m_verify(call, standin):
    token = standin.mint("m2m_token", claims={"env": "prod"})
    answer = call.verify("m2m_verify", token).json
    assert answer["object"] == "machine_to_machine_token"
    assert re.match(r"mt_[0-9a-f]{32}\Z", answer["id"])
    assert answer["subject"] == standin.sender_id
    assert answer["scopes"] == [standin.machine_id]
    assert answer["claims"] == {"env": "prod"}
    assert answer["expiration"] / 1000 == pytest.approx(
        time.time() + 3600, abs=5)


def test_m2m_verify_scopes_the_machine_secret(call, standin):
    machine = standin.machine(name="Other")
    token = standin.mint("m2m_token", scopes=[machine["id"]])
    mine, others = standin.machine_secret_key, machine["secret_key"]
    assert call.verify("m2m_verify", token, others).status == 200
    assert call.verify("m2m_verify", token, mine).status == 404
    assert call.verify("m2m_verify", token).status == 200
    jwt = standin.mint_jwt("m2m_token")
    assert call.verify("m2m_verify", jwt, mine).status == 200
    assert call.verify("m2m_verify", jwt, others).status == 404


def test_api_key_verify(call, standin):
    token = standin.mint("api_key", subject="org_2abc", scopes=["read:data"])
    answer = call.verify("api_key_verify", token).json
    assert answer["object"] == answer["type"] == "api_key"
    assert re.match(r"ak_[0-9a-f]{32}\Z", answer["id"])
    assert answer["subject"] == "org_2abc"
    assert answer["created_by"] is None
    assert answer["expiration"] is None
    assert answer["scopes"] == ["read:data"]


def test_userinfo_by_scope(call, standin):
    both = call.userinfo(standin.mint(scopes=["profile", "email"])).json
    assert both["object"] == "oauth_user_info"
    assert both["sub"] == both["user_id"] == standin.user_id
    assert both["email"] == "jane@example.com"
    assert both["email_verified"] is True
    assert both["given_name"] == "Jane"
    assert "private_metadata" not in both
    profile = call.userinfo(standin.mint(scopes=["profile"])).json
    assert "email" not in profile


def test_userinfo_of_a_given_user(call, standin):
    token = standin.mint(subject="user_2x", user={"email": "x@example.com"})
    assert call.userinfo(token).json["email"] == "x@example.com"
    standin.user("user_2x", name="X", sub="user_2other")
    answer = call.userinfo(standin.mint_jwt(subject="user_2x")).json
    assert (answer["name"], answer["sub"]) == ("X", "user_2other")
    standin.user("user_2x", forbidden=True)
    answer = call.userinfo(token)
    assert answer.status == 403
    assert answer.code == "oauth_fetch_user_forbidden_error"


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "Bearer oat_unknown"},
    {"Authorization": "Basic eDp5"}])
def test_userinfo_without_a_living_token(call, headers):
    answer = call("GET", "/oauth/userinfo", headers=headers)
    assert (answer.status, answer.code) == (401, "oauth_fetch_user_error")


def test_discovery(call, standin):
    server = call("GET", "/.well-known/oauth-authorization-server").json
    openid = call("GET", "/.well-known/openid-configuration").json
    assert server["issuer"] == openid["issuer"] == standin.issuer
    assert "introspection_endpoint" not in server
    assert server["registration_endpoint"].endswith("/oauth/register")
    assert server["client_id_metadata_document_supported"] is True
    assert openid["introspection_endpoint"] == (
        standin.url + "/oauth/token_info")
    assert openid["userinfo_endpoint"] == standin.url + "/oauth/userinfo"
    for name in ("registration_endpoint",
                 "client_id_metadata_document_supported"):
        assert name not in openid
    for metadata in (server, openid):
        assert metadata["code_challenge_methods_supported"] == ["S256"]
        assert metadata["jwks_uri"] == (
            standin.url + "/.well-known/jwks.json")


@pytest.mark.parametrize("name", [
    "oauth-authorization-server", "openid-configuration", "jwks.json"])
def test_documents_answer_head(call, name):
    whole = call("GET", "/.well-known/" + name)
    head = call("HEAD", "/.well-known/" + name)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.body))


def test_discovery_without_registration(call, standin):
    standin.configure(dcr=False, cimd=False)
    try:
        server = call("GET", "/.well-known/oauth-authorization-server").json
        answer = call("POST", "/oauth/register", "{}",
                      {"Content-Type": "application/json"})
    finally:
        standin.configure(dcr=True, cimd=True)
    assert "registration_endpoint" not in server
    assert "client_id_metadata_document_supported" not in server
    assert answer.status == 422


def test_key_sets(call, standin):
    keys = call("GET", "/.well-known/jwks.json").json["keys"]
    assert set(keys[0]) == {"kid", "alg", "use", "kty", "n", "e"}
    assert keys[0]["kid"].startswith("ins_")
    same = call("GET", "/v1/jwks", headers={
        "Authorization": "Bearer " + standin.secret_key}).json["keys"]
    assert same == keys == standin.jwks()["keys"]
    assert standin.pem().startswith("-----BEGIN PUBLIC KEY-----")


def test_rotation(call, standin):
    old = standin.jwks()["keys"][0]["kid"]
    token = standin.mint_jwt()
    kid = standin.rotate_keys()
    assert [k["kid"] for k in standin.jwks()["keys"]][:2] == [kid, old]
    assert call.verify("oauth_verify", token).status == 200
    standin.rotate_keys(overlap=False)
    assert len(standin.jwks()["keys"]) == 1
    assert call.verify("oauth_verify", token).status == 404


def test_both_prefixes(call, standin):
    headers = {"Content-Type": "application/json",
               "Authorization": "Bearer " + standin.secret_key}
    for prefix in ("", "/v1"):
        answer = call("POST", prefix + "/api_keys/verify",
                      '{"secret":"%s"}' % standin.mint("api_key"), headers)
        assert answer.status == 200
    assert call("GET", "/jwks", headers=headers).status == 404
    assert standin.calls("api_key_verify") == 2
    assert standin.calls("unknown") == 1


def test_path_prefix(call, standin):
    standin.configure(path_prefix="/proxy")
    try:
        inside = call("GET", "/proxy/.well-known/jwks.json").status
        outside = call("GET", "/.well-known/jwks.json").status
    finally:
        standin.configure(path_prefix="")
    assert (inside, outside) == (200, 404)


def test_application_settings(call, standin):
    path = "/v1/instance/oauth_application_settings"
    headers = {"Authorization": "Bearer " + standin.secret_key,
               "Content-Type": "application/json"}
    assert call("GET", path, headers=headers).json[
        "oauth_jwt_access_tokens"] is False
    answer = call("PATCH", path, '{"oauth_jwt_access_tokens":true}', headers)
    standin.configure(jwt_access_tokens=False)
    assert answer.json["oauth_jwt_access_tokens"] is True
