"""The challenge of a location with ClerkResource, to the byte."""

import pytest

from answers import (assert_forbidden, assert_granted_cleanly,
                     assert_insufficient_scope, assert_unavailable, challenge)
from confs import introspection, location
from discovery import well_known

RESOURCE = "https://mcp.example.com/mcp"
METADATA = well_known(RESOURCE)
USER = "user_2challengechallenge"
LOUD = r"\[auth_clerk:error\]"
WHERE = f'resource_metadata="{METADATA}"'
SCOPE = 'scope="mcp:read mcp:write"'
NO_TOKEN = f'Bearer {WHERE}, {SCOPE}, realm="Clerk"'
NEEDS = "clerk-scope mcp:read mcp:write"

# location -> its Require lines; each needs what the name says
COMPOUND = {
    "and": ["<RequireAll>", f"Require {NEEDS}", f"Require clerk-user {USER}",
            "</RequireAll>"],
    "andnot": ["<RequireAll>", f"Require {NEEDS}",
               f"Require not clerk-user {USER}", "</RequireAll>"],
    "notscope": ["<RequireAll>", "Require valid-user",
                 "Require not clerk-scope mcp:banned", "</RequireAll>"],
    "none": ["<RequireAll>", f"Require {NEEDS}", "<RequireNone>",
             "Require clerk-scope mcp:banned", "</RequireNone>",
             "</RequireAll>"],
    "or": ["<RequireAny>", "Require clerk-scope mcp:read",
           "Require clerk-scope mcp:write", "</RequireAny>"],
    "oruser": ["<RequireAny>", f"Require {NEEDS}",
               f"Require clerk-user {USER}", "</RequireAny>"],
    "orand": ["<RequireAny>", f"Require clerk-user {USER}", "<RequireAll>",
              f"Require {NEEDS}", "Require clerk-client nobody",
              "</RequireAll>", "</RequireAny>"],
    "anddenied": ["<RequireAll>", f"Require {NEEDS}", "Require all denied",
                  "</RequireAll>"],
}


def conf(clerk, backend_url):
    resource = f"ClerkResource {RESOURCE}"
    # one document for all of them
    shared = [resource, "ClerkResourceScopes mcp:read mcp:write"]
    proxied = f"ProxyPass {backend_url}/app"
    parts = [
        introspection(clerk), "ClerkTimeout 0.5",
        location("/mcp", *shared, require=NEEDS),
        location("/proxied", *shared, proxied, require=NEEDS),
        location("/plain", *shared),
        location("/off", *shared, proxied, "ClerkCORS Off", require=NEEDS),
        location("/named", *shared, r'AuthName "say \"hi\", please"',
                 require=NEEDS),
        location("/words", *shared, 'ErrorDocument 401 "our own words"',
                 'ErrorDocument 403 "our own words"',
                 'ErrorDocument 400 "our own words"', require=NEEDS),
        location("/page", *shared, "ErrorDocument 401 /alive",
                 "ErrorDocument 403 /alive", require=NEEDS),
        location("/external", *shared, "ErrorDocument 404 /nowhere",
                 require=NEEDS),
    ]
    parts += [location(f"/{name}", *shared, *lines, require=None)
              for name, lines in COMPOUND.items()]
    return "\n".join(parts)


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    return serve(conf(standin, backend_url), modules=["proxy", "proxy_http"],
                 frame="UseCanonicalName Off")


def text(answer):
    return answer.one("WWW-Authenticate")


# The text.

def test_without_a_token(httpd, backend):
    for path in ("/mcp/page", "/proxied/page", "/words/page", "/page/x",
                 "/external/page", "/off/page"):
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
            answer = httpd.request(method, path)
            assert answer.status == 401, answer
            assert text(answer) == NO_TOKEN, (path, method)
    assert text(httpd.get("/plain/page")) == f'Bearer {WHERE}, realm="Clerk"'
    assert backend.requests == []


def test_the_realm(httpd):
    expected = NO_TOKEN.replace('"Clerk"', r'"say \"hi\", please"')
    assert text(httpd.get("/named/page")) == expected


@pytest.mark.parametrize("path", ["/mcp/page", "/proxied/page", "/words/x",
                                  "/page/x", "/off/x"])
def test_a_token_that_is_not_good(httpd, clerk, backend, path):
    dead = clerk.mint()
    clerk.revoke(dead)
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        answer = httpd.request(method, path, token=dead)
        assert answer.status == 401, answer
        said = challenge(answer)["error_description"]
        assert text(answer) == (
            f'Bearer error="invalid_token", {WHERE}, {SCOPE}, '
            f'error_description="{said}", realm="Clerk"')
    assert backend.requests == []


@pytest.mark.parametrize("path", ["/mcp/page", "/proxied/page", "/words/x",
                                  "/page/x", "/off/x"])
def test_a_scope_that_lacks(httpd, clerk, backend, path):
    token = clerk.mint(scopes=["mcp:read"])
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        answer = httpd.request(method, path, token=token)
        assert answer.status == 403, answer
        said = challenge(answer)["error_description"]
        assert text(answer) == (
            f'Bearer error="insufficient_scope", {WHERE}, {SCOPE}, '
            f'error_description="{said}", realm="Clerk"')
    assert backend.requests == []


@pytest.mark.parametrize("path", ["/mcp/page", "/words/page"])
def test_a_field_that_is_malformed(httpd, path):
    answer = httpd.raw(f"GET {path} HTTP/1.1", "Authorization: Bearer a b")
    assert answer.status == 400, answer
    found = challenge(answer)
    assert found["error"] == "invalid_request"
    assert found.get("resource_metadata") in (None, METADATA)
    assert "scope" not in found and found["error_description"]


# The same for every request.

VARIED = [
    [], ["X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http"],
    ["Forwarded: host=evil.example"], ["Origin: https://evil.example"],
    ["Accept: text/event-stream", "User-Agent: \"'<script>"],
    ["Authorization: Basic ZXZpbDpldmls"], ["Authorization:"],
    ["Cookie: __session=evil"], ["Mcp-Session-Id: evil"],
    ["MCP-Protocol-Version: 2025-11-25"],
]
TARGETS = ["/mcp/page", "/mcp", "/mcp/", "/mcp/%22evil%22", "/mcp/page?evil=1",
           "/mcp/../mcp/page", "http://evil.example/mcp/page",
           "https://evil.example:1/mcp/page", "/mcp//page"]


def test_nothing_of_the_request_is_in_it(httpd):
    seen = set()
    for fields in VARIED:
        for target in TARGETS:
            for name in ("localhost", "evil.example", "evil.example:99"):
                answer = httpd.raw(f"GET {target} HTTP/1.1", *fields,
                                   host=name)
                assert answer.status == 401, answer
                seen.add((text(answer), answer.body))
    assert len(seen) == 1, seen
    assert seen.pop()[0] == NO_TOKEN


def test_nothing_of_the_token_is_in_it(httpd, clerk, secret):
    seen = set()
    for n in range(10):
        unknown = secret(f"oat_{n}" + "evil" * 8)
        answer = httpd.get("/mcp/page", token=unknown)
        seen.add((answer.status, text(answer), answer.body))
    assert len(seen) == 1, seen
    seen = {text(httpd.get("/mcp/page", token=clerk.mint(
        scopes=scopes, subject=f"user_{n}")))
        for n, scopes in enumerate((["evil"], ["mcp:read"], ["mcp:write"],
                                    ["mcp:readmcp:write"], ["x", "y"]))}
    assert len(seen) == 1 and "evil" not in str(seen), seen


def test_it_is_no_part_of_what_is_granted(httpd, clerk):
    good = clerk.mint(scopes=["mcp:read", "mcp:write"])
    assert_granted_cleanly(httpd.get("/mcp/page", token=good))


def test_an_error_document_has_the_same_challenge(httpd, clerk):
    answer = httpd.get("/page/x")
    assert answer.text == "alive\n" and text(answer) == NO_TOKEN
    answer = httpd.get("/words/x")
    assert answer.text == "our own words" and text(answer) == NO_TOKEN
    few = clerk.mint(scopes=["mcp:read"])
    for path, body in (("/page/x", "alive\n"), ("/words/x", "our own words")):
        answer = httpd.get(path, token=few)
        assert answer.status == 403 and answer.text == body, answer
        assert challenge(answer)["error"] == "insufficient_scope"
        assert challenge(answer)["resource_metadata"] == METADATA


# What another scope would mend, and what not.

BOTH = ["mcp:read", "mcp:write"]
MENDED, REFUSED, GRANTED = "mended", "refused", "granted"


@pytest.mark.parametrize("name,subject,scopes,outcome", [
    ("and", USER, BOTH, GRANTED),
    ("and", USER, ["mcp:read"], MENDED),
    ("and", "user_other", ["mcp:read"], REFUSED),
    ("and", "user_other", BOTH, REFUSED),
    ("andnot", "user_other", BOTH, GRANTED),
    ("andnot", "user_other", [], MENDED),
    ("andnot", USER, [], REFUSED),
    ("andnot", USER, BOTH, REFUSED),
    ("notscope", USER, ["profile"], GRANTED),
    ("notscope", USER, ["mcp:banned"], REFUSED),
    ("none", USER, BOTH, GRANTED),
    ("none", USER, ["mcp:read"], MENDED),
    ("none", USER, [*BOTH, "mcp:banned"], REFUSED),
    ("none", USER, ["mcp:read", "mcp:banned"], REFUSED),
    ("or", USER, ["mcp:write"], GRANTED),
    ("or", USER, ["profile"], MENDED),
    ("oruser", USER, [], GRANTED),
    ("oruser", "user_other", ["mcp:read"], MENDED),
    ("orand", USER, [], GRANTED),
    ("orand", "user_other", ["mcp:read"], REFUSED),
    ("orand", "user_other", BOTH, REFUSED)])
def test_insufficient_or_forbidden(httpd, clerk, name, subject, scopes,
                                   outcome):
    httpd.expect_log("AH01630", optional=True)
    answer = httpd.get(f"/{name}/page", token=clerk.mint(
        subject=subject, scopes=scopes))
    if outcome == GRANTED:
        assert_granted_cleanly(answer)
    elif outcome == REFUSED:
        assert_forbidden(answer)
    else:
        assert_insufficient_scope(answer, " ".join(BOTH), metadata=METADATA)


def test_what_nobody_is_granted(httpd, clerk):
    """httpd refuses that itself, before it asks who it is."""
    httpd.expect_log("AH01630", optional=True)
    for token in (None, clerk.mint(), clerk.mint(scopes=BOTH, subject=USER)):
        answer = httpd.get("/anddenied/page", token=token)
        assert answer.status == 403 and text(answer) is None, answer


def test_an_outage_has_no_challenge(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    clerk.fault("token_info", "status", code=500)
    assert_unavailable(httpd.get("/mcp/page", token=clerk.mint()))
