"""The authorization server: a client's whole way to its tokens."""

import base64
import hashlib
import json
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(
    hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
CALLBACK = "http://127.0.0.1:5555/callback"
RESOURCE = "https://mcp.example.com/mcp"


def register(call, **wish):
    return call("POST", "/oauth/register", json.dumps(
        {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
         **wish}), {"Content-Type": "application/json"})


def authorize(call, client_id, drop=(), **wish):
    """What the redirection of an authorization request says."""
    query = {"response_type": "code", "client_id": client_id,
             "redirect_uri": CALLBACK, "state": "state-1234",
             "code_challenge": CHALLENGE, "code_challenge_method": "S256",
             **wish}
    query = {name: v for name, v in query.items() if name not in drop}
    answer = call("GET", "/oauth/authorize?" + urlencode(query, doseq=True))
    if answer.status != 302:
        return answer
    location = answer.headers["Location"]
    assert location.startswith(CALLBACK + "?")
    return {k: v[0] for k, v in parse_qs(urlsplit(location).query).items()}


def exchange(call, client_id, code, **wish):
    return call.form("/oauth/token", {
        "grant_type": "authorization_code", "client_id": client_id,
        "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
        **wish})


def refresh(call, client_id, token, **wish):
    return call.form("/oauth/token", {
        "grant_type": "refresh_token", "client_id": client_id,
        "refresh_token": token, **wish})


def test_registration(call):
    answer = register(call, client_name="Test",
                      token_endpoint_auth_method="client_secret_basic")
    assert answer.status == 201
    assert answer.json["client_secret_expires_at"] == 0
    assert len(answer.json["client_secret"]) >= 32
    assert answer.json["scope"] == "profile email"
    public = register(call).json
    assert "client_secret" not in public


@pytest.mark.parametrize("wish, error", [
    ({"redirect_uris": []}, "invalid_redirect_uri"),
    ({"redirect_uris": ["relative"]}, "invalid_redirect_uri"),
    ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
    ({"token_endpoint_auth_method": "private_key_jwt"},
     "invalid_client_metadata"),
    ({"scope": "no:such"}, "invalid_client_metadata")])
def test_wrong_registration(call, wish, error):
    answer = register(call, **wish)
    assert (answer.status, answer.code) == (400, error)


def test_the_whole_way_with_an_opaque_token(call, standin):
    client = register(call, scope="openid profile offline_access").json
    code = authorize(call, client["client_id"], resource=RESOURCE,
                     scope="openid profile offline_access")
    assert code["state"] == "state-1234"
    answer = exchange(call, client["client_id"], code["code"],
                      resource=RESOURCE)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = answer.json
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 86400
    assert tokens["scope"] == "openid profile offline_access"
    assert tokens["access_token"].startswith("oat_")
    assert tokens["id_token"].count(".") == 2
    verified = call.verify("oauth_verify", tokens["access_token"]).json
    assert verified["aud"] == [RESOURCE]
    assert verified["client_id"] == client["client_id"]
    again = refresh(call, client["client_id"], tokens["refresh_token"]).json
    assert again["access_token"] != tokens["access_token"]
    verified = call.verify("oauth_verify", again["access_token"]).json
    assert verified["aud"] == [RESOURCE]
    old = refresh(call, client["client_id"], tokens["refresh_token"])
    assert (old.status, old.code) == (400, "invalid_grant")
    known = standin.secrets
    assert all(tokens[n] in known for n in (
        "access_token", "refresh_token", "id_token"))


def test_jwt_access_tokens(call, standin):
    standin.configure(jwt_access_tokens=True)
    try:
        client = register(call).json
        code = authorize(call, client["client_id"])["code"]
        token = exchange(call, client["client_id"], code).json["access_token"]
    finally:
        standin.configure(jwt_access_tokens=False)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["client_id"] == client["client_id"]
    assert claims["scope"] == "profile email"
    assert "aud" not in claims
    answer = call.form("/oauth/token/revoke", {"token": token}, call.basic())
    assert (answer.status, answer.code) == (400, "unsupported_token_type")


@pytest.mark.parametrize("jwt", [False, True])
def test_the_lifetime_of_access_tokens(call, standin, jwt):
    standin.configure(jwt_access_tokens=jwt, access_token_lifetime=1)
    try:
        client = register(call, scope="profile offline_access").json
        code = authorize(call, client["client_id"],
                         scope="profile offline_access")["code"]
        tokens = exchange(call, client["client_id"], code).json
    finally:
        standin.restore_settings()
    assert tokens["expires_in"] == 1
    assert call.token_info(tokens["access_token"]).json["active"] is True
    time.sleep(1.1)
    assert call.token_info(tokens["access_token"]).json["active"] is False
    again = refresh(call, client["client_id"], tokens["refresh_token"])
    assert again.json["expires_in"] == 86400


def shared(answer):
    """With whom a browser shares it."""
    return answer.headers.get_all("Access-Control-Allow-Origin")


def test_a_client_in_a_browser(call, standin):
    own = {"Origin": "https://app.example.com"}
    ask = {**own, "Access-Control-Request-Method": "POST",
           "Access-Control-Request-Headers": "content-type"}
    for path in ("/oauth/register", "/oauth/token"):
        answer = call("OPTIONS", path, headers=ask)
        assert answer.status == 204
        assert shared(answer) == ["*"]
        assert answer.headers["Access-Control-Allow-Methods"] == "POST"
        assert answer.headers["Access-Control-Allow-Headers"] == "content-type"
        refused = call("POST", path, "{", {
            **own, "Content-Type": "application/json"})
        assert refused.status >= 400
        assert shared(refused) == ["*"]
    document = call("GET", "/.well-known/oauth-authorization-server",
                    headers=own)
    assert shared(document) == ["*"]
    # where a user's browser goes itself, nothing is shared
    assert call("OPTIONS", "/oauth/authorize", headers=ask).status == 405


def test_what_a_client_sent_is_told_by_name(call, standin):
    client = register(call, scope="profile").json["client_id"]
    code = authorize(call, client, scope="profile",
                     resource=[RESOURCE, RESOURCE + "2"])["code"]
    exchange(call, client, code, resource=RESOURCE)
    [registered] = standin.parameters("register")
    assert registered["redirect_uris"] == [CALLBACK]
    assert registered["scope"] == "profile"
    [asked] = standin.parameters("authorize")
    assert asked["resource"] == [RESOURCE, RESOURCE + "2"]
    assert asked["code_challenge_method"] == "S256"
    [exchanged] = standin.parameters("token")
    assert exchanged["grant_type"] == "authorization_code"
    assert exchanged["resource"] == RESOURCE


def test_confidential_client_with_basic(call, standin):
    app = standin.application(redirect_uris=[CALLBACK], scopes=["email"])
    code = authorize(call, app["client_id"], scope="email",
                     drop=("code_challenge", "code_challenge_method"))["code"]
    fields = {"grant_type": "authorization_code", "code": code,
              "redirect_uri": CALLBACK}
    right = call.basic(app["client_id"], app["client_secret"])
    assert call.form("/oauth/token", fields,
                     call.basic(app["client_id"], "no")).status == 401
    assert call.form("/oauth/token", {**fields, "client_secret": "x"},
                     right).code == "invalid_request"
    assert call.form("/oauth/token", fields, right).status == 200


@pytest.mark.parametrize("wish, error", [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"drop": ("code_challenge",)}, "invalid_request"),
    ({"scope": "private_metadata"}, "invalid_scope"),
    ({"resource": "relative"}, "invalid_target"),
    ({"resource": RESOURCE + "#x"}, "invalid_target"),
    ({"prompt": "sing"}, "invalid_request")])
def test_wrong_authorization_requests(call, wish, error):
    client = register(call).json
    answer = authorize(call, client["client_id"], **wish)
    assert answer["error"] == error
    assert answer["state"] == "state-1234"


def test_authorization_errors_that_do_not_redirect(call):
    client = register(call).json
    other = "https://elsewhere.example.com/callback"
    answer = authorize(call, client["client_id"], redirect_uri=other)
    assert answer.status == 400
    assert authorize(call, "unknown").status == 401


def test_nobody_signed_in_and_consent_denied(call, standin):
    client = register(call).json
    try:
        standin.configure(signed_in_user=None)
        assert authorize(call, client["client_id"])[
            "error"] == "login_required"
        standin.configure(signed_in_user=standin.user_id, consent="deny")
        assert authorize(call, client["client_id"])[
            "error"] == "access_denied"
    finally:
        standin.configure(signed_in_user=standin.user_id, consent="allow")


def test_issuer_in_the_authorization_response(call, standin):
    client = register(call).json
    standin.configure(authorization_response_iss=True)
    try:
        answer = authorize(call, client["client_id"])
    finally:
        standin.configure(authorization_response_iss=False)
    assert answer["iss"] == standin.issuer


def test_form_post(call):
    client = register(call).json
    answer = authorize(call, client["client_id"], response_mode="form_post")
    assert answer.status == 200
    assert b'name="code"' in answer.body
    assert CALLBACK.encode() in answer.body


@pytest.mark.parametrize("wish, error", [
    ({"code_verifier": "w" * 43}, "invalid_grant"),
    ({"redirect_uri": CALLBACK + "2"}, "invalid_grant"),
    ({"code": "clk_code_unknown"}, "invalid_grant"),
    ({"resource": "https://other.example.com"}, "invalid_target"),
    ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ({"client_id": "unknown"}, "invalid_client")])
def test_wrong_exchanges(call, wish, error):
    client = register(call).json["client_id"]
    code = authorize(call, client, resource=RESOURCE)["code"]
    wish = {"code": code, **wish}
    answer = exchange(call, wish.pop("client_id", client), **wish)
    assert answer.code == error
    assert answer.status in (400, 401)


def test_a_code_used_twice_revokes_its_tokens(call):
    client = register(call).json["client_id"]
    code = authorize(call, client)["code"]
    token = exchange(call, client, code).json["access_token"]
    assert call.token_info(token).json["active"] is True
    assert exchange(call, client, code).code == "invalid_grant"
    assert call.token_info(token).json["active"] is False


def test_revocation_by_the_client(call, standin):
    token = standin.mint()
    other = standin.application()
    foreign = standin.mint(client_id=other["client_id"])
    answer = call.form("/oauth/token/revoke", {"token": token}, call.basic())
    assert (answer.status, answer.body) == (200, b"")
    assert call.token_info(token).json["active"] is False
    assert call.form("/oauth/token/revoke", {"token": foreign},
                     call.basic()).status == 400
    assert call.token_info(foreign).json["active"] is True
    assert call.form("/oauth/token/revoke", {"token": "unknown"},
                     call.basic()).status == 200


def test_revocation_by_the_backend(call, standin):
    app = standin.application()
    token = standin.mint(client_id=app["client_id"])
    path = f"/v1/oauth_applications/{app['id']}/revoke_token"
    headers = {"Authorization": "Bearer " + standin.secret_key,
               "Content-Type": "application/json"}
    body = json.dumps({"token": token})
    wrong = path.replace(app["id"], "oa_unknown")
    assert call("POST", wrong, body, headers).status == 404
    assert call("POST", path, body, headers).status == 204
    assert call.token_info(token).json["active"] is False
    assert standin.calls("bapi_revoke") == 2
