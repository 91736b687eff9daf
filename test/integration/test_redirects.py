"""A request that goes on as its subrequest: DirectoryIndex and MultiViews
judge a file by itself, and then serve it under the request's own headers."""

import json

import pytest

from answers import (assert_insufficient_scope, assert_invalid_request,
                     assert_invalid_token, assert_unauthorized,
                     assert_unavailable)
from backend import header, identity
from confs import introspection

USER = "user_2redirectredirectredirect"
FORGED = "forged-by-the-client"
FORGERY = [(name, FORGED) for name in (
    "X-Clerk-User-Id", "X_Clerk_User_Id", "X-CLERK-SUBJECT", "X-Clerk-Email",
    "X_Clerk-Org-Id", "X-Clerk-Extra")]
LOUD = r"\[auth_clerk:error\]"

INNER = """\
    <Files "{file}">
        AuthType Clerk
        ClerkPass both
        ClerkRemoteUser sub
        Require {require}
        {more}
    </Files>
"""


def directory(name, *lines, file="index.cgi", require="valid-user", more=""):
    """A directory with one file in it that is Clerk's."""
    body = "\n".join(f"    {line}" for line in lines)
    return (f'<Directory "${{ROOT}}/docs/{name}">\n{body}\n'
            "    CGIPassAuth On\n    Options +ExecCGI +MultiViews\n"
            "    AddHandler cgi-script .cgi\n    AddType text/html .cgi\n"
            + INNER.format(file=file, require=require, more=more)
            + "</Directory>\n")


ONE = "DirectoryIndex index.cgi"
LATER = "DirectoryIndex a.html b.html index.cgi"
FIRST = "DirectoryIndex index.cgi a.html b.html c.html d.html"
# httpd uses a subrequest's memory again once it has looked at the next name
FAR = "DirectoryIndex index.cgi " + " ".join(
    f"no{n}/" + f"{chr(97 + n) * 200}/" * (3 * n + 1) for n in range(6))
OTHER = ["AuthType Clerk", "ClerkPass none", "ClerkRemoteUser client_id",
         "Require valid-user"]
HEADERS = ["AuthType Clerk", "ClerkPass headers",
           "ClerkRemoteUser client_id", "Require valid-user"]

# name -> what is asked for; all of them end at a program of Clerk's
PROGRAMS = {"plain": "/plain/", "other": "/other/", "headers": "/headers/",
            "later": "/later/", "first": "/first/",
            "otherlater": "/otherlater/", "deep": "/deep/",
            "views": "/views/thing", "otherviews": "/otherviews/thing",
            "languages": "/languages/thing"}


def conf(clerk, backend_url):
    proxy = f'SetHandler "proxy:{backend_url}"'
    scope = {"require": "clerk-scope mcp:read"}
    languages = ["AddLanguage de .de", "AddLanguage en .en",
                 "AddLanguage fr .fr"]
    return "\n".join([
        introspection(clerk), "ClerkAudience any", "ClerkTimeout 1",
        directory("plain", ONE), directory("other", ONE, *OTHER),
        directory("headers", ONE, *HEADERS),
        directory("later", LATER), directory("first", FIRST),
        directory("otherlater", LATER, *OTHER),
        # every index page is Clerk's, each in a section of its own
        directory("deep", LATER, file="*.html", require="clerk-scope no")
        .replace("</Directory>", INNER.format(
            file="index.cgi", require="valid-user", more="")
            + "</Directory>"),
        directory("views", file="thing*"),
        directory("otherviews", *OTHER, file="thing*"),
        directory("languages", *languages, file="thing*"),
        directory("scope", ONE, **scope), directory("scopelater", LATER,
                                                    **scope),
        directory("scopefirst", FIRST, **scope),
        directory("scopefar", FAR, **scope), directory("far", FAR),
        directory("otherfar", FAR, *OTHER),
        directory("proxied", ONE, more=proxy),
        directory("proxiedother", ONE, *OTHER, more=proxy),
        directory("proxiedlater", LATER, more=proxy),
        directory("untold", ONE, "AuthType Clerk", "ClerkPass both",
                  "ClerkExportClaim iat", "Require valid-user")
        .replace("        ClerkPass both\n        ClerkRemoteUser",
                 "        ClerkPass none\n        ClerkRemoteUser"),
        directory("token", ONE, *OTHER, more="ClerkPassToken On"),
        directory("outward", ONE, *HEADERS).replace(
            "AuthType Clerk\n        ClerkPass both",
            "AuthType None\n        ClerkPass both").replace(
                "Require valid-user\n        \n", "Require all granted\n"),
    ])


def documents(server):
    program = (server.root / "cgi/env").read_text()
    for name in ("plain", "other", "headers", "later", "first", "otherlater",
                 "deep", "scope", "scopelater", "scopefirst", "scopefar",
                 "far", "otherfar", "untold", "token", "proxied",
                 "proxiedother", "proxiedlater", "outward"):
        server.program(f"docs/{name}/index.cgi", program)
    for name in ("views", "otherviews"):
        server.program(f"docs/{name}/thing.cgi", program)
    for language in ("de", "en", "fr"):
        server.program(f"docs/languages/thing.cgi.{language}",
                       program.replace("exec env", f"LANGUAGE={language} "
                                       "exec env"))


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    return serve(conf(standin, backend_url), prepare=documents,
                 modules=["proxy", "proxy_http", "negotiation"])


def assert_told(env, clerk, token):
    """All that the inner section says, and nothing that the client does."""
    assert FORGED not in str(env) and token not in str(env), env
    assert "HTTP_AUTHORIZATION" not in env, env
    assert (env.get("REMOTE_USER"), env.get("AUTH_TYPE")) == (USER, "Clerk")
    for name, value in (("USER_ID", USER), ("SUBJECT", USER),
                        ("CLIENT_ID", clerk.client_id),
                        ("TOKEN_TYPE", "oauth_token"),
                        ("SCOPES", "profile")):
        assert env.get(f"CLERK_{name}") == value, (name, env)
        assert env.get(f"HTTP_X_CLERK_{name}") == value, (name, env)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_told_who_it_is(httpd, clerk, name):
    token = clerk.mint(subject=USER, scopes=["profile"])
    for _ in range(3):
        answer = httpd.get(PROGRAMS[name], headers=FORGERY, token=token)
        assert_told(answer.env(), clerk, token)
        assert answer.all("WWW-Authenticate") == [], answer
    assert clerk.calls("token_info") == 1


@pytest.mark.parametrize("language", ["de", "en", "fr"])
def test_whichever_variant_is_chosen(httpd, clerk, language):
    """Every variant is judged, and one of them is served."""
    token = clerk.mint(subject=USER, scopes=["profile"])
    answer = httpd.get("/languages/thing", token=token,
                       headers=[*FORGERY, ("Accept-Language", language)])
    env = answer.env()
    assert env["LANGUAGE"] == language
    assert_told(env, clerk, token)


@pytest.mark.parametrize("name", PROGRAMS)
def test_nobody_is_asked_for_a_token(httpd, clerk, name):
    for _ in range(3):
        assert_unauthorized(httpd.get(PROGRAMS[name], headers=FORGERY))


FAULTS = {"later": "/scopelater/", "first": "/scopefirst/", "one": "/scope/",
          "far": "/scopefar/"}


@pytest.mark.parametrize("name", FAULTS)
def test_every_refusal_in_its_own_words(httpd, clerk, name):
    path, scope = FAULTS[name], "mcp:read"
    dead = clerk.mint()
    clerk.revoke(dead)
    for _ in range(2):
        assert_unauthorized(httpd.get(path), scope=scope)
        assert_invalid_token(httpd.get(path, token=dead), scope=scope)
        assert_insufficient_scope(httpd.get(
            path, token=clerk.mint(scopes=["other"])), scope)
        assert_invalid_request(httpd.get(path, token="a b"))
    good = clerk.mint(subject=USER, scopes=["mcp:read"])
    assert httpd.get(path, token=good).env()["REMOTE_USER"] == USER


@pytest.mark.parametrize("path", ["/plain/", "/other/", "/later/", "/first/",
                                  "/otherlater/", "/far/", "/otherfar/"])
def test_an_outage_says_when_to_come_again(httpd, clerk, path):
    httpd.expect_log(LOUD, optional=True)
    # so that there are never too many failures in a row
    assert httpd.get(path, token=clerk.mint(subject=USER)).status == 200
    clerk.fault("token_info", "status", code=503, retry_after=7)
    answer = httpd.get(path, token=clerk.mint())
    assert_unavailable(answer)
    assert answer.one("Retry-After") == "7"


@pytest.mark.parametrize("name", ["proxied", "proxiedother", "proxiedlater"])
def test_a_handler_that_proxies(httpd, clerk, backend, name):
    token = clerk.mint(subject=USER)
    for connection in ("keep-alive", "x;X-Clerk-User-Id"):
        backend.clear()
        answer = httpd.get(f"/{name}/", token=token, headers=[
            *FORGERY, ("Connection", connection)])
        assert answer.status == 200, answer
        [seen] = backend.requests
        assert FORGED not in json.dumps(seen)
        assert header(seen, "X-Clerk-User-Id") == [USER]
        assert header(seen, "Authorization") == []
    backend.clear()
    assert_unauthorized(httpd.get(f"/{name}/"))
    assert backend.requests == []


def test_from_a_section_of_clerks_to_one_that_is_not(httpd, clerk):
    """What the request's own section has taken off stays off."""
    token = clerk.mint(subject=USER)
    answer = httpd.get("/outward/", headers=FORGERY, token=token)
    assert FORGED not in answer.text and token not in answer.text
    assert_unauthorized(httpd.get("/outward/"))


@pytest.mark.parametrize("path", ["/untold/", "/untold/index.cgi"])
def test_what_the_outer_section_tells_is_taken_back(httpd, clerk, path):
    """As with the file itself, the section that it stands in decides."""
    env = httpd.get(path, token=clerk.mint(subject=USER)).env()
    assert env["REMOTE_USER"] == USER
    assert not [name for name in env if "CLERK_" in name], env


@pytest.mark.parametrize("path", ["/token/", "/token/index.cgi"])
def test_a_token_that_the_inner_section_passes(httpd, clerk, path):
    token = clerk.mint(subject=USER)
    env = httpd.get(path, token=token).env()
    assert env.get("HTTP_AUTHORIZATION") == f"Bearer {token}"


def test_a_proxied_identity_is_whole(httpd, clerk, backend):
    token = clerk.mint(subject=USER, scopes=["profile"])
    assert httpd.get("/proxied/", token=token).status == 200
    told = identity(backend.requests[0])
    assert told["X-Clerk-Scopes"] == "profile"
    assert told["X-Clerk-Client-Id"] == clerk.client_id
