"""ClerkVerifier introspection: POST /oauth/token_info and what its answers
mean (wire contract 1.1; D5, D13, D14)."""

import base64
import time
from urllib.parse import parse_qsl, unquote_plus

import pytest

from answers import assert_invalid_token, assert_unavailable
from confs import instance, introspection, location

ODD_CLIENT = {"client_id": "https://client.example/a%20+b:c",
              "client_secret": "p%w+ d:&=\"\\é~!*'()"}

LOUD = r"\[auth_clerk:error\]"


def conf(clerk):
    odd = clerk.application(**ODD_CLIENT)
    return "\n".join([
        introspection(clerk),
        location("/x"),
        location("/odd", f'ClerkClientID "{odd["client_id"]}"',
                 'ClerkClientSecret "file:${ROOT}/secrets/odd"',
                 "ClerkAudience any"),
        location("/auto", "ClerkVerifier auto"),
        location("/both", f"ClerkSecretKey {clerk.secret_key}",
                 "ClerkVerifier auto"),
        location("/any", "ClerkAudience any"),
        location("/aud", "ClerkAudience https://api.example.com/mcp other"),
        location("/slash", "ClerkAudience https://api.example.com/mcp/"),
        location("/ifpresent", "ClerkAudience if-present "
                               "https://api.example.com/mcp"),
        location("/strict", "ClerkLeeway 0"),
        location("/jwks", "ClerkVerifier jwks"),
        location("/kinds", "ClerkAcceptsToken any"),
        f'<Location "/nocredentials">\n{instance(clerk)}</Location>\n',
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin), prepare=lambda server: server.write(
        "secrets/odd", ODD_CLIENT["client_secret"] + "\n", 0o600))


def fields(request, name):
    return [v for k, v in request["headers"] if k.lower() == name]


def test_what_is_sent(httpd, clerk):
    token = clerk.mint()
    headers = [("Origin", "https://evil.example"), ("Cookie", "a=b"),
               ("User-Agent", "visitor/1"), ("X-Forwarded-For", "9.9.9.9"),
               ("Accept-Language", "tlh"), ("X-Own", "forwarded?"),
               ("Traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-00")]
    page = httpd.get("/x/page?query=forwarded?", token=token, headers=headers)
    assert page.status == 200, page
    [sent] = clerk.requests()
    assert (sent["method"], sent["target"]) == ("POST", "/oauth/token_info")
    assert fields(sent, "content-type") == [
        "application/x-www-form-urlencoded"]
    form = parse_qsl(sent["body"], strict_parsing=True)
    assert sorted(form) == [("token", token),
                            ("token_type_hint", "access_token")]
    [credentials] = fields(sent, "authorization")
    pair = f"{clerk.client_id}:{clerk.client_secret}"
    assert credentials == "Basic " + base64.b64encode(pair.encode()).decode()
    assert "application/json" in ",".join(fields(sent, "accept"))
    for name in ("origin", "cookie", "x-forwarded-for", "accept-language",
                 "x-own", "traceparent", "referer"):
        assert fields(sent, name) == [], name
    assert "visitor" not in str(sent["headers"])
    assert "expect" not in [k.lower() for k, _ in sent["headers"]]


def test_a_token_with_every_character_is_sent_escaped(httpd, clerk):
    token = clerk.mint(token="oat_a-b.c_d~e+f/g" + "0" * 20 + "==")
    assert httpd.get("/x/page", token=token).status == 200
    [sent] = clerk.requests()
    assert ("token", token) in parse_qsl(sent["body"])


def test_credentials_are_form_encoded_first(httpd, clerk, secret):
    secret(ODD_CLIENT["client_secret"])
    assert httpd.get("/odd/page", token=clerk.mint()).status == 200
    [sent] = clerk.requests()
    [credentials] = fields(sent, "authorization")
    name, _, password = base64.b64decode(
        credentials.removeprefix("Basic ")).decode("ascii").partition(":")
    assert unquote_plus(name) == ODD_CLIENT["client_id"]
    assert unquote_plus(password) == ODD_CLIENT["client_secret"]
    assert not set(name + password) & set(" :&=\"\\é")


def test_auto_introspects_where_there_is_a_client_secret(httpd, clerk):
    for path in ("/auto", "/both"):
        assert httpd.get(f"{path}/page", token=clerk.mint()).status == 200
    assert clerk.calls("token_info") == clerk.calls() == 2


def test_jwks_verifies_no_opaque_token(httpd, clerk):
    assert_invalid_token(httpd.get("/jwks/page", token=clerk.mint()))
    assert clerk.calls() == 0


@pytest.mark.parametrize("kind", ["refresh_token", "m2m_token", "api_key"])
def test_only_access_tokens_are_introspected(httpd, clerk, kind):
    for path in ("/x", "/kinds"):
        answer = httpd.get(f"{path}/page", token=clerk.mint(kind))
        assert_invalid_token(answer)
    assert clerk.calls("token_info") == 0


@pytest.mark.parametrize("path", ["/x", "/kinds"])
@pytest.mark.parametrize("changes", [{}, {"key": "other"}, {"alg": "none"}])
def test_a_jwt_is_sent_like_any_other(httpd, clerk, path, changes):
    """Clerk, not this server, looks at its signature; what has none does not
    even have the three parts of a JWT."""
    token = clerk.mint_jwt("oauth_token", **changes)
    answer = httpd.get(f"{path}/page", token=token)
    assert clerk.calls("jwks") == 0
    assert clerk.calls() == (0 if "alg" in changes else 1)
    if not changes:
        assert answer.status == 200, answer
        return
    assert_invalid_token(answer)
    [line] = httpd.logged(1, level="info", matching="reason=")
    assert ("reason=kind_unknown" if "alg" in changes else
            "reason=token_inactive") in line


# What the answer says of the token.

NOW = int(time.time())
MINUTE = 60

# members put over a good answer, and the status that follows
ANSWERS = {
    "as it is": ({}, 200),
    "inactive": ({"active": False}, 401),
    "inactive and more": ({"active": False, "sub": 7}, 401),
    "active null": ({"active": None}, 503),
    "active a string": ({"active": "true"}, 503),
    "active a number": ({"active": 1}, 503),
    "active an array": ({"active": [True]}, 503),
    "active an object": ({"active": {}}, 503),
    "no subject": ({"sub": None}, 401),
    "an empty subject": ({"sub": ""}, 401),
    "a number as subject": ({"sub": 7}, 503),
    "an array as subject": ({"sub": ["user_1"]}, 503),
    "an object as subject": ({"sub": {"id": "user_1"}}, 503),
    "true as subject": ({"sub": True}, 503),
    "no issue time": ({"iat": None}, 200),
    "a string as issue time": ({"iat": str(NOW)}, 503),
    "an object as issue time": ({"iat": {}}, 503),
    "issued in an hour": ({"iat": NOW + 60 * MINUTE}, 401),
    "issued days ago": ({"iat": NOW - 5 * 86400}, 200),
    "no scope": ({"scope": None}, 200),
    "a scope array": ({"scope": ["profile", "email"]}, 200),
    "a number as scope": ({"scope": 7}, 503),
    "a number among scopes": ({"scope": ["profile", 7]}, 503),
    "a number as client": ({"client_id": 7}, 503),
    "an array as client": ({"client_id": ["x"]}, 503),
    "proof of possession": ({"cnf": {"jkt": "x"}}, 401),
    "unknown members": ({"new": {"deep": [1, None]}, "token_type": 7}, 200),
    "expires later": ({"exp": NOW + 60 * MINUTE}, 200),
    "expiry null": ({"exp": None}, 200),
    "expired": ({"exp": NOW - MINUTE}, 401),
    "expired in 1970": ({"exp": 0}, 401),
    "expiry a string": ({"exp": str(NOW + MINUTE)}, 503),
    "expiry a boolean": ({"exp": True}, 503),
    "expiry before 1970": ({"exp": -1}, 503),
    "expiry too large": ({"exp": 9223372036854775807}, 503),
    "expiry far too large": ({"exp": 10 ** 30}, 503),
    "expiry a huge fraction": ({"exp": 1e300}, 503),
    "not before later": ({"nbf": NOW + 60 * MINUTE}, 401),
    "not before a string": ({"nbf": "soon"}, 503),
    "an audience elsewhere": ({"aud": "https://elsewhere.example"}, 401),
    "a number as audience": ({"aud": 7}, 401),
    "a number among audiences": ({"aud": ["a", 7]}, 401),
    "an object as audience": ({"aud": {}}, 401),
    "an empty audience": ({"aud": ""}, 401),
    "no audience in the array": ({"aud": []}, 401),
}


def good(clerk):
    return {"active": True, "client_id": clerk.client_id, "iat": NOW,
            "scope": "openid profile email", "sub": clerk.user_id}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_an_answer_means(httpd, clerk, name):
    members, status = ANSWERS[name]
    clerk.answer("token_info", 200, {**good(clerk), **members})
    token = clerk.mint()
    if status == 503:
        httpd.expect_log(LOUD, optional=True)
    answer = httpd.get("/x/page", token=token)
    assert answer.status == status, answer
    if status == 401:
        assert_invalid_token(answer)
    if status == 503:
        assert_unavailable(answer)


@pytest.mark.parametrize("audience,status", [
    ({"aud": 7}, 401), ({"aud": ["a", None]}, 401), ({"aud": "x"}, 200),
    ({"aud": []}, 200), ({}, 200)])
def test_any_audience_is_still_one(httpd, clerk, audience, status):
    token = clerk.mint(introspection=audience, client_id="somebody")
    assert httpd.get("/any/page", token=token).status == status


MCP = "https://api.example.com/mcp"
AUDIENCES = [
    ("/x", None, "own", 200), ("/x", None, "somebody", 401),
    ("/x", MCP, "own", 401),
    ("/aud", MCP, "somebody", 200), ("/aud", [MCP, "z"], "somebody", 200),
    ("/aud", "other", "somebody", 200), ("/aud", MCP + "/", "x", 200),
    ("/aud", MCP + "//", "x", 401), ("/aud", "https://api.example.com", "x",
                                     401),
    ("/aud", "https://api.example.com/mcp2", "x", 401),
    ("/aud", MCP.upper(), "x", 401), ("/aud", "", "other", 401),
    ("/aud", "/", "x", 401), ("/aud", [], "other", 401),
    ("/aud", None, "other", 200), ("/aud", None, "somebody", 401),
    ("/aud", "Other", "x", 401), ("/aud", " other", "x", 401),
    ("/slash", MCP, "x", 200), ("/slash", MCP + "/", "x", 200),
    ("/ifpresent", None, "somebody", 200), ("/ifpresent", MCP, "x", 200),
    ("/ifpresent", "elsewhere", "x", 401), ("/ifpresent", [], "x", 401),
    ("/ifpresent", "", "x", 401),
]


@pytest.mark.parametrize("path,audience,client,status", AUDIENCES)
def test_the_audience(httpd, clerk, path, audience, client, status):
    client = clerk.client_id if client == "own" else client
    members = {} if audience is None else {"aud": audience}
    token = clerk.mint(introspection=members, client_id=client)
    answer = httpd.get(f"{path}/page", token=token)
    assert answer.status == status, answer
    if status == 401:
        assert_invalid_token(answer)


def test_the_leeway(httpd, clerk):
    soon = int(time.time()) + 3
    token = clerk.mint(introspection={"nbf": soon, "iat": soon})
    assert_invalid_token(httpd.get("/strict/page", token=token))
    assert httpd.get("/x/page", token=token).status == 200


@pytest.mark.parametrize("scope", ["a  b", " a b ", "a b a"])
def test_scopes_are_split_at_spaces(httpd, clerk, scope):
    token = clerk.mint(introspection={"scope": scope})
    scopes = httpd.get("/x/env", token=token).env()["CLERK_SCOPES"]
    assert sorted(set(scopes.split(" "))) == ["a", "b"]


@pytest.mark.parametrize("body", [
    "[]", "{}", "null", "7", '"active"', "", " ", "{", '{"active":true',
    '{"active":true} x', '{"active":true}{}', "{'active':true}",
    '{"active":true,}', '{"active":"true","sub":"user_1"}',
    '{"active":TRUE,"sub":"user_1"}', '[{"active":true,"sub":"user_1"}]',
    '{"Active":true,"sub":"user_1"}', '{"active\\u0000":true,"sub":"u"}',
    '{"active":true,"sub":"user_1\\u0000x"}', "active=true",
    '{"active":true,"sub":"user_\xff"}'.encode("latin-1"),
    b'{"active":true,"sub":"user_1"}\0{}', b"\xef\xbb\xbf{}",
    '{"x":' * 200 + "1" + "}" * 200], ids=lambda body: repr(body[:40]))
def test_a_body_that_is_no_answer(httpd, clerk, body):
    httpd.expect_log(LOUD, optional=True)
    clerk.answer("token_info", 200, body)
    token = clerk.mint()
    assert_unavailable(httpd.get("/x/page", token=token))
    clerk.clear()
    assert httpd.get("/x/page", token=token).status == 200


def test_many_scopes_and_deep_members_do_no_harm(httpd, clerk):
    scopes = [f"scope:{n}" for n in range(10000)]
    token = clerk.mint(introspection={"scope": " ".join(scopes)})
    httpd.expect_log(r"\[auth_clerk:(warn|error)\]", optional=True)
    assert httpd.get("/x/page", token=token).status in (200, 503)
    assert httpd.get("/x/page", token=clerk.mint()).status == 200
