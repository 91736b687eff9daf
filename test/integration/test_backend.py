"""ClerkVerifier backend: the Backend API's verify endpoint and what its
answers mean (wire contract 1.5; D1 to D5)."""

import json
import time

import pytest

from answers import (assert_invalid_token, assert_misconfigured,
                     assert_unavailable)
from confs import backend, instance, location

LOUD = r"\[auth_clerk:error\]"
VERIFY = "/oauth_applications/access_tokens/verify"


def conf(clerk):
    return "\n".join([
        backend(clerk),
        location("/x"),
        location("/auto", "ClerkVerifier auto"),
        location("/bare", f"ClerkBackendAPI {clerk.url}"),
        location("/trailing", f"ClerkBackendAPI {clerk.bapi_url}/"),
        location("/client", f"ClerkClientID {clerk.client_id}"),
        location("/aud", "ClerkAudience https://api.example.com/mcp"),
        location("/strict", "ClerkLeeway 0"),
        f'<Location "/other">\n{instance(clerk)}</Location>\n',
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


def fields(request, name):
    return [v for k, v in request["headers"] if k.lower() == name]


def test_what_is_sent(httpd, clerk):
    token = clerk.mint()
    headers = [("Origin", "https://evil.example"), ("Cookie", "a=b"),
               ("User-Agent", "visitor/1"), ("X-Own", "forwarded?"),
               ("Clerk-API-Version", "1999-01-01")]
    assert httpd.get("/x/page", token=token, headers=headers).status == 200
    [sent] = clerk.requests()
    assert (sent["method"], sent["target"]) == ("POST", "/v1" + VERIFY)
    assert fields(sent, "content-type") == ["application/json"]
    assert json.loads(sent["body"]) == {"access_token": token}
    assert fields(sent, "authorization") == [f"Bearer {clerk.secret_key}"]
    assert fields(sent, "clerk-api-version") == ["2026-05-12"]
    for name in ("origin", "cookie", "x-own", "referer", "expect"):
        assert fields(sent, name) == [], name
    assert "visitor" not in str(sent["headers"])


@pytest.mark.parametrize("path,target", [
    ("/bare", VERIFY), ("/trailing", "/v1" + VERIFY)])
def test_the_base_url_is_taken_as_it_is(httpd, clerk, path, target):
    assert httpd.get(f"{path}/page", token=clerk.mint()).status == 200
    assert clerk.requests()[0]["target"] == target


def test_auto_asks_the_backend_without_a_client_secret(httpd, clerk):
    assert httpd.get("/auto/page", token=clerk.mint()).status == 200
    assert clerk.calls("oauth_verify") == clerk.calls() == 1


@pytest.mark.parametrize("unit", ["ms", "s"])
def test_seconds_and_milliseconds(httpd, clerk, unit):
    clerk.configure(oauth_time_unit=unit)
    before = int(time.time())
    token = clerk.mint(expires_in=1000)
    expires = int(httpd.get("/x/env", token=token).env()["CLERK_EXPIRES"])
    assert before + 1000 <= expires <= before + 1010


@pytest.mark.parametrize("manner", ["not_found", "flags"])
@pytest.mark.parametrize("death", ["revoked", "expired"])
def test_dead_tokens(httpd, clerk, manner, death):
    clerk.configure(dead_tokens=manner)
    token = clerk.mint(expires_in=-600 if death == "expired" else 600)
    if death == "revoked":
        clerk.revoke(token)
    assert_invalid_token(httpd.get("/x/page", token=token))


def test_an_unknown_token(httpd, clerk, secret):
    token = secret("oat_" + "5" * 48)
    assert_invalid_token(httpd.get("/x/page", token=token))
    assert clerk.calls("oauth_verify") == 1


# Members put over a good answer, and the status that follows. None stands
# for JSON null; ABSENT takes the member away.

NOW = int(time.time())
ABSENT = object()

ANSWERS = {
    "as it is": ({}, 200),
    "active too": ({"active": True}, 200),
    "not active": ({"active": False}, 401),
    "active a string": ({"active": "true"}, 503),
    "active null": ({"active": None}, 503),
    "revoked": ({"revoked": True}, 401),
    "revoked absent": ({"revoked": ABSENT}, 503),
    "revoked null": ({"revoked": None}, 503),
    "revoked a string": ({"revoked": "false"}, 503),
    "revoked a number": ({"revoked": 0}, 503),
    "expired": ({"expired": True}, 401),
    "expired absent": ({"expired": ABSENT}, 503),
    "expired null": ({"expired": None}, 503),
    "expired a string": ({"expired": "false"}, 503),
    "expiration null": ({"expiration": None}, 200),
    "expiration absent": ({"expiration": ABSENT}, 503),
    "expiration a string": ({"expiration": str(NOW + 600)}, 503),
    "expiration past, in ms": ({"expiration": (NOW - 600) * 1000}, 401),
    "expiration past, in s": ({"expiration": NOW - 600}, 401),
    "expiration later, in s": ({"expiration": NOW + 600}, 200),
    "expiration a fraction": ({"expiration": (NOW + 600) * 1000 + .5}, 200),
    "expiration negative": ({"expiration": -1}, 503),
    "expiration absurd": ({"expiration": 9223372036854775807}, 503),
    "expiration more absurd": ({"expiration": 1e300}, 503),
    "expiration a boolean": ({"expiration": False}, 503),
    "subject a number": ({"subject": 7}, 503),
    "subject an object": ({"subject": {}}, 503),
    "subject empty": ({"subject": ""}, 401),
    "id a number": ({"id": 7}, 503),
    "id absent": ({"id": ABSENT}, 503),
    "client a number": ({"client_id": 7}, 503),
    "scopes absent": ({"scopes": ABSENT}, 503),
    "scopes empty": ({"scopes": []}, 200),
    "scopes with a number": ({"scopes": ["profile", 7]}, 503),
    "scopes an object": ({"scopes": {}}, 503),
    "another object": ({"object": "api_key"}, 503),
    "audience elsewhere": ({"aud": ["https://elsewhere.example"]}, 200),
    "audience malformed": ({"aud": [7]}, 401),
    "proof of possession": ({"cnf": {"jkt": "x"}}, 401),
    "an actor": ({"act": {"sub": "user_admin"}}, 200),
    "new members": ({"new": [{"x": None}]}, 200),
}


def good(clerk, **changes):
    now = int(time.time())
    answer = {"object": "clerk_idp_oauth_access_token", "id": "oat_" + "0" * 32,
              "client_id": clerk.client_id, "subject": clerk.user_id,
              "scopes": ["profile", "email"], "revoked": False,
              "revocation_reason": None, "expired": False,
              "expiration": (now + 600) * 1000, "created_at": now * 1000,
              "updated_at": now * 1000, **changes}
    return {k: v for k, v in answer.items() if v is not ABSENT}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_an_answer_means(httpd, clerk, name):
    members, status = ANSWERS[name]
    clerk.answer("oauth_verify", 200, good(clerk, **members))
    if status == 503:
        httpd.expect_log(LOUD, optional=True)
    answer = httpd.get("/x/page", token=clerk.mint())
    assert answer.status == status, answer
    if status == 401:
        assert_invalid_token(answer)
    if status == 503:
        assert_unavailable(answer)


@pytest.mark.parametrize("changes", [{"subject": ABSENT}, {"subject": None}])
def test_an_answer_about_nobody(httpd, clerk, changes):
    """Which of the two rules holds here, the contract leaves open; that
    nobody is let in, it does not."""
    httpd.expect_log(LOUD, optional=True)
    clerk.answer("oauth_verify", 200, good(clerk, **changes))
    answer = httpd.get("/x/page", token=clerk.mint())
    assert answer.status in (401, 503), answer


def test_the_other_half_of_the_union(httpd, clerk):
    clerk.answer("oauth_verify", 200, {"active": False})
    assert_invalid_token(httpd.get("/x/page", token=clerk.mint()))


def test_the_half_without_the_rest_is_no_answer(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    clerk.answer("oauth_verify", 200, {"active": True})
    assert_unavailable(httpd.get("/x/page", token=clerk.mint()))


@pytest.mark.parametrize("path,audience,client,status", [
    ("/x", None, "somebody", 200), ("/x", ["anything"], "somebody", 200),
    ("/client", None, "own", 200), ("/client", None, "somebody", 401),
    ("/client", ["elsewhere"], "own", 401),
    ("/aud", ["https://api.example.com/mcp"], "somebody", 200),
    ("/aud", ["x", "https://api.example.com/mcp/"], "somebody", 200),
    ("/aud", ["https://api.example.com"], "somebody", 401),
    ("/aud", [], "somebody", 401), ("/aud", None, "somebody", 401)])
def test_the_audience(httpd, clerk, path, audience, client, status):
    client = clerk.client_id if client == "own" else client
    token = clerk.mint(aud=audience, client_id=client)
    answer = httpd.get(f"{path}/page", token=token)
    assert answer.status == status, answer


def test_a_token_about_to_expire_has_the_leeway(httpd, clerk):
    past = (int(time.time()) - 2) * 1000
    clerk.answer("oauth_verify", 200, good(clerk, expiration=past))
    token = clerk.mint()
    assert_invalid_token(httpd.get("/strict/page", token=token))
    assert httpd.get("/x/page", token=token).status == 200


# D3: statuses other than 200.

def errors(code, message="m"):
    return {"errors": [{"message": message, "long_message": message,
                        "code": code}]}


ABOUT_THE_TOKEN = [
    (404, errors("resource_not_found")), (404, errors("whatever")),
    (400, errors("bad_request"))]


@pytest.mark.parametrize("status,body", ABOUT_THE_TOKEN)
def test_an_error_about_the_token(httpd, clerk, status, body):
    clerk.answer("oauth_verify", status, body)
    assert_invalid_token(httpd.get("/x/page", token=clerk.mint()))


OURS = [
    (401, errors("clerk_key_invalid")), (403, errors("quota_exceeded")),
    (422, errors("feature_not_enabled")), (400, errors("api_version_invalid")),
    (404, {}), (404, {"errors": []}), (404, {"error": "not here"})]


@pytest.mark.parametrize("status,body", OURS)
def test_an_error_about_us(httpd, clerk, status, body):
    """Never 401, never 2xx, and never remembered as a refusal."""
    httpd.expect_log(LOUD, optional=True)
    clerk.answer("oauth_verify", status, body)
    token = clerk.mint()
    answer = httpd.get("/x/page", token=token)
    if answer.status == 503 and status not in (401, 403, 422):
        assert_unavailable(answer)
    else:
        assert_misconfigured(answer)
    clerk.clear()
    assert httpd.get("/x/page", token=token).status == 200


@pytest.mark.parametrize("status", [201, 204, 206, 301, 302, 307, 304, 402,
                                    405, 408, 418, 429, 500, 502, 503, 504,
                                    520])
@pytest.mark.parametrize("body", ["good", "dead"])
def test_no_other_status_says_anything(httpd, clerk, status, body):
    httpd.expect_log(LOUD, optional=True)
    clerk.answer("oauth_verify", status, good(clerk, revoked=body == "dead"))
    token = clerk.mint()
    answer = httpd.get("/x/page", token=token)
    if status in (402, 405, 418) and answer.status == 500:
        assert_misconfigured(answer)
    else:
        assert_unavailable(answer)
    clerk.clear()
    assert httpd.get("/x/page", token=token).status == 200
