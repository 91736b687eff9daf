"""Error documents in sections of the module's own: the answer is to what was
asked for, also where the document is refused."""

import pytest

from answers import assert_challenge
from confs import introspection, location

METADATA = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
USER = "user_2errordocuments"
LOG = r"reason="


def conf(clerk):
    documents = "\n    ".join(f"ErrorDocument {status} /site/page"
                              for status in (400, 401, 403, 404, 503))
    resource = ("ClerkResource https://mcp.example.com/mcp",
                "ClerkCORS https://app.example.com")
    return "\n".join([
        introspection(clerk), "ClerkAudience any",
        location("/site", 'AuthName "Site"', require="clerk-scope site"),
        location("/mcp", *resource, documents, require="clerk-scope tools"),
        location("/users", documents, require="clerk-user nobody"),
        f'<Location "/open">\n    {documents}\n</Location>\n'
        '<Location "/chained">\n    ErrorDocument 404 /moved\n</Location>\n'
        '<Location "/moved">\n    RewriteEngine On\n'
        '    RewriteRule ".*" "/site/page"\n</Location>\n'])


@pytest.fixture
def httpd(serve_once, clerk):
    return serve_once(conf(clerk), modules=["rewrite"])


def refusals(httpd):
    return httpd.logged(level="info", module="auth_clerk", matching=LOG)


@pytest.mark.parametrize("field,status,error,scope", [
    (None, 401, None, "tools"), ("Bearer a b", 400, "invalid_request", None),
    ("Bearer x", 401, "invalid_token", "tools")])
def test_the_challenge_is_of_what_was_asked_for(httpd, field, status, error,
                                                scope):
    fields = [] if field is None else [f"Authorization: {field}"]
    answer = httpd.raw("GET /mcp/page HTTP/1.1", *fields)
    assert answer.status == status, answer
    assert_challenge(answer, error, scope, metadata=METADATA)
    assert answer.one("Cache-Control") == "no-store"
    assert len(refusals(httpd)) == 1


def test_insufficient_scope(httpd, clerk):
    answer = httpd.get("/mcp/page", token=clerk.mint(scopes=["x"]))
    assert answer.status == 403, answer
    assert_challenge(answer, "insufficient_scope", "tools", metadata=METADATA)
    [line] = refusals(httpd)
    assert "reason=insufficient_scope" in line


def test_who_may_see_the_document_sees_it(httpd, clerk):
    answer = httpd.get("/mcp/page", token=clerk.mint(scopes=["site"]))
    assert answer.status == 403, answer
    assert_challenge(answer, "insufficient_scope", "tools", metadata=METADATA)
    assert answer.text == httpd.get(
        "/site/page", token=clerk.mint(scopes=["site"])).text
    assert len(refusals(httpd)) == 1


def test_a_plain_403_stays_plain(httpd, clerk):
    answer = httpd.get("/users/page", token=clerk.mint(subject=USER))
    assert answer.status == 403, answer
    assert answer.all("WWW-Authenticate") == []
    [line] = refusals(httpd)
    assert "reason=access_denied" in line


def test_another_origin_gets_a_plain_403(httpd, clerk):
    for token in (None, clerk.mint(scopes=["tools"])):
        answer = httpd.get("/mcp/page", token=token, headers=[
            ("Origin", "https://evil.example")])
        assert answer.status == 403, answer
        assert answer.all("WWW-Authenticate") == []
    assert ["reason=origin_refused" in line
            for line in refusals(httpd)] == [True, True]


def test_a_page_that_is_not_there(httpd, clerk):
    """The 404 of an open section, whose document is for nobody here."""
    for token in (None, "x", clerk.mint(scopes=["x"])):
        answer = httpd.get("/open/nothing", token=token)
        assert answer.status == 404, answer
        assert answer.all("WWW-Authenticate") == []
        assert answer.all("Cache-Control") == []
    assert refusals(httpd) == []
    answer = httpd.get("/open/nothing", token=clerk.mint(scopes=["site"]))
    assert answer.status == 404 and "<html>" not in answer.text.lower()


def test_a_document_that_is_somewhere_else(httpd, clerk):
    """An error document is one after further internal redirects, too."""
    for token in (None, clerk.mint(scopes=["x"])):
        answer = httpd.get("/chained/nothing", token=token)
        assert answer.status == 404, answer
        assert answer.all("WWW-Authenticate") == []
        assert answer.all("Cache-Control") == []
    assert refusals(httpd) == []
    shown = httpd.get("/chained/nothing", token=clerk.mint(scopes=["site"]))
    assert shown.text == httpd.get(
        "/site/page", token=clerk.mint(scopes=["site"])).text


def test_while_clerk_is_away(httpd, clerk):
    httpd.expect_log(r"\[auth_clerk:error\]")
    clerk.fault("token_info", "status", code=500)
    answer = httpd.get("/mcp/page", token=clerk.mint())
    assert answer.status == 503, answer
    assert answer.one("Retry-After") and not answer.all("WWW-Authenticate")
    assert len(refusals(httpd)) == 1
