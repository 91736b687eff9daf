"""The table of answers: what a refused client is told, to the byte."""

import pytest

from answers import (assert_body, assert_challenge, assert_granted_cleanly,
                     assert_insufficient_scope, assert_invalid_request,
                     assert_invalid_token, assert_unauthorized, challenge)
from confs import introspection, location
from httpd import PAGE

DOCUMENT = "our own words\n"


def conf(clerk):
    return "\n".join([
        introspection(clerk),
        location("/plain"),
        location("/scoped", require="clerk-scope profile mcp:read"),
        location("/twolines", "Require clerk-scope profile",
                 "Require clerk-scope mcp:read", require=None),
        location("/all", "<RequireAll>", "Require clerk-scope profile",
                 "Require clerk-scope mcp:read", "</RequireAll>",
                 require=None),
        location("/named", r'AuthName "say \"hi\", please"'),
        location("/worded", 'ErrorDocument 401 "our own words"',
                 'ErrorDocument 403 "our own words"',
                 require="clerk-scope mcp:read"),
        location("/paged", "ErrorDocument 401 /alive",
                 "ErrorDocument 400 /alive"),
        location("/otherwise", 'ErrorDocument 404 "not here"'),
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin), frame="LimitRequestFieldSize 20000")


def without_token(httpd, path, method="GET"):
    return httpd.request(method, path)


def test_a_good_token_is_let_in_and_nothing_of_a_refusal_shows(httpd, clerk):
    page = httpd.get("/plain/page", token=clerk.mint())
    assert_granted_cleanly(page)
    assert page.text == PAGE


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_compared_without_case(httpd, clerk, scheme):
    field = f"{scheme} {clerk.mint()}"
    page = httpd.get("/plain/page", headers=[("Authorization", field)])
    assert page.status == 200, page


@pytest.mark.parametrize("form", ["GET {} HTTP/1.0", "GET {} HTTP/1.1",
                                  "GET http://localhost{} HTTP/1.1"])
def test_every_form_of_request_is_served(httpd, clerk, form):
    line = form.format("/plain/page")
    assert_unauthorized(httpd.raw(line))
    page = httpd.raw(line, f"Authorization: Bearer {clerk.mint()}")
    assert page.status == 200 and page.text == PAGE


# Table row: no token, an empty Authorization, or another scheme.

NO_TOKEN = [
    None, "", " ", "Basic dTpw", "Digest username=\"x\"", "Token abc",
    "Bearerabc", "BearerX abc", "Bear er", "oat_0123456789abcdef",
    ", Bearer abc", "Basic dTpw, Bearer abc", "=", ";", "\"Bearer abc\"",
]


@pytest.mark.parametrize("field", NO_TOKEN)
def test_without_a_token(httpd, clerk, field):
    fields = [] if field is None else [f"Authorization: {field}"]
    assert_unauthorized(httpd.raw("GET /plain/page HTTP/1.1", *fields))
    assert clerk.calls() == 0


def test_a_good_token_behind_another_scheme_is_no_token(httpd, clerk):
    answer = httpd.raw("GET /plain/page HTTP/1.1",
                       "Authorization: Basic dTpw",
                       f"Authorization: Bearer {clerk.mint()}")
    assert_unauthorized(answer)


@pytest.mark.parametrize("path,headers", [
    ("/plain/page?access_token={}", []),
    ("/plain/page?token={}", []),
    ("/plain/page", [("Cookie", "__session={}")]),
    ("/plain/page", [("Cookie", ";")]),
    ("/plain/page", [("X-Authorization", "Bearer {}")]),
    ("/plain/page", [("Proxy-Authorization", "Bearer {}")])])
def test_a_token_is_looked_for_nowhere_else(httpd, clerk, path, headers):
    token = clerk.mint()
    headers = [(name, value.format(token)) for name, value in headers]
    assert_unauthorized(httpd.get(path.format(token), headers=headers))
    assert clerk.calls() == 0


def test_a_token_in_a_form_body_is_no_token(httpd, clerk):
    body = f"access_token={clerk.mint()}".encode()
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    assert_unauthorized(httpd.request("POST", "/plain/page", body=body,
                                      headers=headers))


# Table row: malformed Authorization.

MALFORMED = [
    "Bearer", "bearer", "Bearer ;", "Bearer =", "Bearer a=b",
    "Bearer a b", "Bearer a,b", "Bearer a, Bearer b", "Bearer a;x=y",
    "Bearer \"a\"", "Bearer oat_%n%s%s", "Bearer a\tb", "Bearer a\xe9",
    "Bearer a:b", "Bearer <a>", "Bearer a\\b", "Bearer token=\"a\"",
    "Bearer " + "a" * 9000, "Bearer oat_" + "0" * 9000, "Bearer ,",
    "Bearer a ,", "Bearer a, Basic dTpw",
]


@pytest.mark.parametrize("field", MALFORMED, ids=lambda f: repr(f[:24]))
def test_a_malformed_field(httpd, clerk, field):
    answer = httpd.raw("GET /plain/page HTTP/1.1", f"Authorization: {field}")
    assert_invalid_request(answer)
    assert clerk.calls() == 0


@pytest.mark.parametrize("fields", [
    ("Bearer {a}", "Bearer {b}"), ("Bearer {a}", "Bearer {a}"),
    ("Bearer {a}", "Basic dTpw"), ("Bearer {a}", ""),
    ("bearer {a}", "bearer {b}")])
def test_several_fields(httpd, clerk, fields):
    tokens = {"a": clerk.mint(), "b": clerk.mint()}
    lines = [f"Authorization: {field.format(**tokens)}" for field in fields]
    assert_invalid_request(httpd.raw("GET /plain/page HTTP/1.1", *lines))
    assert clerk.calls() == 0


def test_an_empty_field_before_a_good_one_does_not_let_in(httpd, clerk):
    answer = httpd.raw("GET /plain/page HTTP/1.1", "Authorization:",
                       f"Authorization: Bearer {clerk.mint()}")
    assert answer.status in (400, 401), answer
    assert PAGE not in answer.text


def test_a_long_token_under_the_limit_is_read(httpd, clerk):
    token = "oat_" + "a" * 8000
    assert_invalid_token(httpd.get("/plain/page", token=token))
    assert clerk.calls("token_info") == 1


def test_no_body_of_a_refused_request_is_waited_for(httpd, clerk):
    answer = httpd.raw("POST /plain/page HTTP/1.1", "Content-Length: 0")
    assert_unauthorized(answer)


# Table row: a token that is not good here.

KINDS = [("mt_", "machine"), ("ak_", "key"), ("clk_refresh_", "refresh"),
         ("OAT_", "upper case"), ("oat", "no underscore"), ("x", "unknown")]


@pytest.mark.parametrize("prefix", [k[0] for k in KINDS],
                         ids=[k[1] for k in KINDS])
def test_other_kinds_are_refused_without_a_call(httpd, clerk, prefix):
    token = prefix + "0123456789abcdef" * 2
    assert_invalid_token(httpd.get("/plain/page", token=token))
    assert clerk.calls() == 0


@pytest.mark.parametrize("kind", ["m2m_token", "api_key", "refresh_token",
                                  "session_token", "id_token", "m2m_jwt",
                                  "template_jwt", "handshake"])
def test_clerks_other_tokens_are_refused_without_a_call(httpd, clerk, kind):
    assert_invalid_token(httpd.get("/plain/page", token=clerk.mint(kind)))
    assert clerk.calls() == 0


def test_an_unknown_and_a_revoked_token(httpd, clerk, secret):
    unknown = secret("oat_" + "7" * 48)
    assert_invalid_token(httpd.get("/plain/page", token=unknown))
    revoked = clerk.mint()
    clerk.revoke(revoked)
    assert_invalid_token(httpd.get("/plain/page", token=revoked))


# Table row: a clerk-scope lacks.

@pytest.mark.parametrize("path", ["/scoped", "/twolines", "/all"])
def test_a_scope_lacks(httpd, clerk, path):
    token = clerk.mint(scopes=["profile"])
    answer = httpd.get(f"{path}/page", token=token)
    needed = "profile mcp:read"
    if path == "/twolines":  # either line would do: RequireAny
        assert answer.status == 200, answer
        token = clerk.mint(scopes=["email"])
        answer = httpd.get(f"{path}/page", token=token)
    assert_insufficient_scope(answer, needed)
    found = challenge(answer)
    assert "profile" not in found["error_description"]


def test_every_scope_is_there(httpd, clerk):
    token = clerk.mint(scopes=["mcp:read", "email", "profile"])
    assert_granted_cleanly(httpd.get("/scoped/page", token=token))


@pytest.mark.parametrize("path", ["/scoped", "/twolines", "/all"])
def test_the_challenge_names_the_scopes(httpd, path):
    answer = httpd.get(f"{path}/page")
    assert_unauthorized(answer, scope="profile mcp:read")
    assert challenge(answer)["scope"] == "profile mcp:read"


# What holds for all rows.

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_refused_alike(httpd, method):
    answer = without_token(httpd, "/plain/page", method)
    assert answer.status == 401
    assert_challenge(answer)
    assert answer.all("WWW-Authenticate") == httpd.get(
        "/plain/page").all("WWW-Authenticate")
    if method != "HEAD":
        assert_body(answer)


@pytest.mark.parametrize("field,status", [
    (None, 401), ("Bearer", 400), ("Bearer x", 401)])
def test_head_answers_as_get(httpd, field, status):
    fields = [] if field is None else [f"Authorization: {field}"]
    get = httpd.raw("GET /plain/page HTTP/1.1", *fields)
    head = httpd.raw("HEAD /plain/page HTTP/1.1", *fields)
    assert get.status == head.status == status
    assert head.body == b"" and get.body != b""

    def told(answer):
        return {name: answer.all(name) for name in
                ("WWW-Authenticate", "Cache-Control", "Content-Type")}
    assert told(head) == told(get)


def test_head_with_a_scope_lacking(httpd, clerk):
    field = f"Authorization: Bearer {clerk.mint(scopes=['email'])}"
    head = httpd.raw("HEAD /scoped/page HTTP/1.1", field)
    assert head.status == 403 and head.body == b""
    assert_challenge(head, "insufficient_scope", "profile mcp:read")


def test_challenges_of_a_kind_are_byte_identical(httpd, clerk):
    def told(path, *fields):
        answer = httpd.raw(f"GET {path} HTTP/1.1", *fields)
        return answer.status, answer.one("WWW-Authenticate"), answer.body

    def lacking():
        return f"Authorization: Bearer {clerk.mint(scopes=['email'])}"

    assert len({told("/plain/page", *fields) for fields in [
        (), ("Authorization:",), ("Authorization: Basic dTpw",),
        ("X-Forwarded-Host: evil.example", "X-Forwarded-Proto: gopher"),
        ("Origin: https://evil.example", "User-Agent: other")]}) == 1
    assert len({told(f"/plain/page?{n}", "Authorization: Bearer "
                     f"oat_{n:048x}") for n in range(3)}) == 1
    assert len({told("/plain/page", f"Authorization: Bearer {junk}")
                for junk in ("a b", "\"", "a, b")}) == 1
    assert len({told("/scoped/page", lacking()) for _ in range(3)}) == 1


def test_a_hostile_host_changes_nothing(httpd):
    usual = httpd.get("/scoped/page")
    hostile = httpd.raw("GET http://evil.example/scoped/page HTTP/1.1",
                        "X-Forwarded-Host: evil.example")
    assert hostile.status == 401
    assert (hostile.one("WWW-Authenticate")
            == usual.one("WWW-Authenticate"))
    assert b"evil" not in hostile.body


def test_the_realm_is_escaped(httpd):
    answer = httpd.get("/named/page")
    assert_unauthorized(answer, realm='say "hi", please')
    assert r'realm="say \"hi\", please"' in answer.one("WWW-Authenticate")


# ErrorDocument.

def test_an_error_document_of_text_replaces_the_body(httpd, clerk):
    answer = httpd.get("/worded/page")
    assert answer.status == 401
    assert_challenge(answer, scope="mcp:read")
    assert answer.text.strip() == "our own words"
    answer = httpd.get("/worded/page", token=clerk.mint(scopes=["email"]))
    assert answer.status == 403
    assert_challenge(answer, "insufficient_scope", "mcp:read")
    assert answer.text.strip() == "our own words"


@pytest.mark.parametrize("field,status,error", [
    (None, 401, None), ("Bearer a b", 400, "invalid_request"),
    ("Bearer x", 401, "invalid_token")])
def test_an_error_document_of_this_server(httpd, field, status, error):
    fields = [] if field is None else [f"Authorization: {field}"]
    answer = httpd.raw("GET /paged/page HTTP/1.1", *fields)
    assert answer.status == status
    assert_challenge(answer, error)
    assert answer.text == "alive\n"


def test_an_error_document_for_another_status_changes_nothing(httpd):
    assert_unauthorized(httpd.get("/otherwise/page"))


def test_a_missing_page_is_httpds_own_404(httpd, clerk):
    answer = httpd.get("/plain/nothing", token=clerk.mint())
    assert answer.status == 404
    assert answer.all("WWW-Authenticate") == []
    assert "<html>" in answer.text.lower()


@pytest.mark.parametrize("path", [
    "/plain//page", "/plain/./page", "/alive/../plain/page",
    "/plain/page?x=/.well-known/oauth-protected-resource",
    "/%70lain/page", "/plain/page;x", "/alive/%2e%2e/plain/page"])
def test_no_spelling_of_the_path_opens_it(httpd, path):
    answer = httpd.raw(f"GET {path} HTTP/1.1")
    assert answer.status in (401, 404), answer
    assert PAGE not in answer.text
