"""What is sent wrongly is refused, with Clerk's own errors."""

import base64
import json
import socket

import pytest

from caller import FORM, VERIFY

GETS = ["/.well-known/jwks.json", "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server", "/v1/jwks"]
POSTS = ["/oauth/token_info", "/oauth/token", "/oauth/token/revoke",
         "/oauth/register", *(path for path, _ in VERIFY.values())]


@pytest.mark.parametrize("method, path", [
    *(("POST", path) for path in GETS), *(("GET", path) for path in POSTS),
    ("DELETE", "/oauth/userinfo"), ("PUT", "/oauth/authorize")])
def test_method(call, method, path):
    answer = call(method, path)
    assert answer.status == 405
    assert answer.headers["Allow"]


def test_content_type_of_forms(call):
    for path in ("/oauth/token_info", "/oauth/token/revoke"):
        answer = call("POST", path, "token=x", {
            "Content-Type": "application/json",
            "Authorization": call.basic()})
        assert (answer.status, answer.code) == (
            415, "unsupported_content_type")


@pytest.mark.parametrize("endpoint", VERIFY)
def test_content_type_of_json(call, standin, endpoint):
    answer = call("POST", VERIFY[endpoint][0], "{}", {
        "Content-Type": FORM,
        "Authorization": "Bearer " + standin.secret_key})
    assert (answer.status, answer.code) == (415, "unsupported_content_type")


@pytest.mark.parametrize("body", [
    "", "token_type_hint=access_token", "token=", "token=a&token=b",
    "token=a&colour=red", "token=a&token_type_hint=id_token", "token",
    "token=%ff"])
def test_token_info_fields(call, body):
    answer = call("POST", "/oauth/token_info", body, {
        "Content-Type": FORM, "Authorization": call.basic()})
    assert answer.status == 400
    assert answer.code in ("invalid_request", "unsupported_token_type")


@pytest.mark.parametrize("endpoint", VERIFY)
@pytest.mark.parametrize("body", ["", "[]", "{", "{}", '{"other":"x"}',
                                  '{"%s":7}', '{"%s":"no such form"}'])
def test_verify_body(call, standin, endpoint, body):
    path, name = VERIFY[endpoint]
    body = body % name if "%s" in body else body
    answer = call("POST", path, body, {
        "Content-Type": "application/json",
        "Authorization": "Bearer " + standin.secret_key})
    assert (answer.status, answer.code) == (400, "bad_request")
    assert set(answer.json) == {"errors"}


@pytest.mark.parametrize("endpoint, status", [
    ("oauth_verify", 200), ("m2m_verify", 400), ("api_key_verify", 400)])
def test_closed_request_objects(call, standin, endpoint, status):
    kind = {"oauth_verify": "oauth_token", "m2m_verify": "m2m_token",
            "api_key_verify": "api_key"}[endpoint]
    path, name = VERIFY[endpoint]
    answer = call("POST", path, json.dumps(
        {name: standin.mint(kind), "extra": 1}), {
            "Content-Type": "application/json",
            "Authorization": "Bearer " + standin.secret_key})
    assert answer.status == status


def test_deprecated_alias(call, standin):
    answer = call("POST", VERIFY["oauth_verify"][0],
                  json.dumps({"secret": standin.mint()}), {
                      "Content-Type": "application/json",
                      "Authorization": "Bearer " + standin.secret_key})
    assert answer.status == 200


@pytest.mark.parametrize("endpoint", VERIFY)
def test_secret_key(call, standin, endpoint):
    for wrong in ("sk_test_wrong", standin.client_secret):
        answer = call.verify(endpoint, "x", wrong)
        assert (answer.status, answer.code) == (401, "clerk_key_invalid")
    answer = call("POST", VERIFY[endpoint][0], "{}",
                  {"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (401, "clerk_key_invalid")


def test_machine_secret_is_for_m2m_alone(call, standin):
    machine = standin.machine_secret_key
    assert call.verify("oauth_verify", standin.mint(), machine).status == 401
    key = standin.mint("api_key")
    assert call.verify("api_key_verify", key, machine).status == 401


def test_api_keys_switched_off(call, standin):
    key = standin.mint("api_key")
    standin.configure(api_keys=False)
    try:
        answer = call.verify("api_key_verify", key)
    finally:
        standin.configure(api_keys=True)
    assert (answer.status, answer.code) == (422, "api_keys_not_enabled")


def raw_basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_basic_is_form_decoded(call, standin):
    odd = standin.application(client_id="https://c.example/a b",
                              client_secret="p+lus%per:cent")
    token = standin.mint()
    right = call.basic(odd["client_id"], odd["client_secret"])
    assert call.form("/oauth/token_info", {"token": token},
                     right).json["active"] is True
    raw = raw_basic(odd["client_id"] + ":" + odd["client_secret"])
    assert call.form("/oauth/token_info", {"token": token}, raw).status == 401


def test_client_authentication(call, standin):
    public = standin.application(public=True)
    token = standin.mint()
    for wrong in (None, "Basic", "Basic ???", raw_basic("no colon"),
                  raw_basic("a:b:c"), raw_basic("a:%zz"),
                  "Bearer " + standin.secret_key,
                  call.basic(secret="wrong"), call.basic(client_id="wrong"),
                  call.basic(public["client_id"], "None")):
        answer = call.form("/oauth/token_info", {"token": token}, wrong)
        assert (answer.status, answer.code) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    answer = call.form("/oauth/token_info", {
        "token": token, "client_id": standin.client_id,
        "client_secret": standin.client_secret})
    assert answer.status == 401


def test_introspection_of_foreign_tokens(call, standin):
    other = standin.application()
    token = standin.mint(client_id=other["client_id"])
    assert call.token_info(token).json["active"] is True
    standin.configure(introspection="own")
    try:
        assert call.token_info(token).json == {"active": False}
        assert call.token_info(standin.mint()).json["active"] is True
    finally:
        standin.configure(introspection="all")


def test_legacy_provider(call, standin):
    standin.configure(legacy_provider=True)
    try:
        answer = call.token_info(standin.mint())
    finally:
        standin.configure(legacy_provider=False)
    assert answer.status == 422
    assert "errors" in answer.json


def test_api_version(call):
    path = "/.well-known/jwks.json"
    version = ("Clerk-API-Version", "2026-05-12")
    query = path + "?__clerk_api_version=2026-05-12"
    assert call("GET", path, headers=[version]).status == 200
    assert call("GET", query).status == 200
    for target, headers in ((query, [version]), (path, [version, version]),
                            (path, [("Clerk-API-Version", "2020-01-01")])):
        answer = call("GET", target, headers=headers)
        assert (answer.status, answer.code) == (400, "api_version_invalid")


def test_origin_and_authorization(call, standin):
    bearer = ("Authorization", "Bearer " + standin.mint())
    origin = ("Origin", "https://app.example.com")
    answer = call("GET", "/oauth/userinfo", headers=[bearer, origin])
    assert (answer.status, answer.code) == (
        400, "origin_authorization_headers_conflict")
    assert call("GET", "/.well-known/jwks.json",
                headers=[origin]).status == 200


def test_two_authorizations(call, standin):
    for path, value in (("/oauth/userinfo", "Bearer " + standin.mint()),
                        ("/v1/jwks", "Bearer " + standin.secret_key)):
        answer = call("GET", path, headers=[("Authorization", value)] * 2)
        assert (answer.status, answer.code) == (
            400, "multiple_authorization_header_values_forbidden")


def test_unknown_paths_are_not_clerk_shaped(call):
    answer = call("GET", "/v2/jwks")
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("request_bytes", [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nBad : b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
])
def test_malformed_http(standin, request_bytes):
    with socket.create_connection(("127.0.0.1", standin.port)) as sock:
        sock.sendall(request_bytes)
        assert sock.recv(4096).startswith(b"HTTP/1.1 400 ")
    assert standin.calls("malformed") == 1


def test_chunked_request(standin):
    body = json.dumps({"secret": standin.mint("api_key")})
    with socket.create_connection(("127.0.0.1", standin.port)) as sock:
        sock.sendall(
            f"POST /v1/api_keys/verify HTTP/1.1\r\nHost: a\r\n"
            f"Authorization: Bearer {standin.secret_key}\r\n"
            f"Content-Type: application/json\r\nTransfer-Encoding: chunked"
            f"\r\n\r\n{len(body):x}\r\n{body}\r\n0\r\n\r\n".encode())
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("make", [
    lambda s: s.mint_jwt("m2m_token", claims={"exp": "soon", "iat": "now"}),
    lambda s: s.mint_jwt("m2m_token", claims={"sub": 7}),
    lambda s: s.mint_jwt("m2m_token", claims_text="[" * 5000)])
def test_odd_m2m_jwts(call, standin, make):
    answer = call.verify("m2m_verify", make(standin))
    assert (answer.status, answer.code) == (404, "resource_not_found")


@pytest.mark.parametrize("claims", [
    {"scp": 7}, {"scp": [1, "a"]}, {"scope": None}, {"iat": "now"}])
def test_odd_oauth_jwts(call, standin, claims):
    token = standin.mint_jwt(claims=claims)
    assert call.verify("oauth_verify", token).status == 200
    assert call.token_info(token).status == 200
    assert call.userinfo(token).status == 200


def test_deep_json(call, standin):
    answer = call("POST", "/v1/api_keys/verify", "[" * 100000, {
        "Content-Type": "application/json",
        "Authorization": "Bearer " + standin.secret_key})
    assert (answer.status, answer.code) == (400, "bad_request")
