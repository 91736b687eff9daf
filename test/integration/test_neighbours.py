"""Beside other modules of httpd: mod_cache, mod_headers, mod_rewrite,
mod_access_compat, CGIPassAuth, ErrorDocument loops, HTTP/2, keep-alive."""

import httpx
import pytest

from answers import (assert_body, assert_challenge, assert_granted_cleanly,
                     assert_insufficient_scope, assert_unauthorized,
                     challenge)
from confs import introspection, location
from httpd import PAGE

USER = "user_2neighbourneighbour"


def conf(clerk, backend_url):
    proxy = f"ProxyPass {backend_url}"
    return "\n".join([
        introspection(clerk), "ClerkAudience any",
        location("/x"),
        location("/scope", require="clerk-scope mcp:read"),
        location("/cgipass", "CGIPassAuth On"),
        location("/cgitoken", "CGIPassAuth On", "ClerkPassToken On"),
        location("/requestheader", proxy,
                 'RequestHeader set X-User "%{CLERK_SUBJECT}e"',
                 'RequestHeader set X-Who "expr=%{REMOTE_USER}"'),
        location("/header", 'Header set X-Subject "%{CLERK_SUBJECT}e"'),
        location("/always", 'Header always set X-Frame-Options DENY',
                 'Header onsuccess set Cache-Control "max-age=60"'),
        location("/anyopen", "Satisfy Any", "Order deny,allow",
                 "Allow from 127.0.0.1"),
        location("/anyclosed", "Satisfy Any", "Order deny,allow",
                 "Deny from all", require="clerk-scope mcp:read"),
        location("/all", "Satisfy All", "Order deny,allow",
                 "Allow from 127.0.0.1"),
        location("/loop", "ErrorDocument 401 /loop/page",
                 "ErrorDocument 403 /loop/page",
                 require="clerk-scope mcp:read"),
        location("/gone", "ErrorDocument 401 /nowhere/at/all"),
        location("/errors", "ErrorDocument 401 /scope/page"),
        f'<Location "/rewritten">\n    AuthType Clerk\n'
        "    Require valid-user\n    RewriteEngine On\n"
        '    RewriteCond "%{ENV:CLERK_SUBJECT}" "=user_2neighbourneighbour"\n'
        '    RewriteRule "page" "-" [E=KNOWN:yes]\n'
        '    Header set X-Known "%{KNOWN}e"\n</Location>\n',
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    return serve(conf(standin, backend_url),
                 frame="Protocols h2c http/1.1\nH2Direct on",
                 modules=["proxy", "proxy_http", "headers", "rewrite",
                          "access_compat", "http2"])


# mod_headers and mod_rewrite read what is set here.

def test_other_modules_read_the_identity(httpd, clerk, backend):
    token = clerk.mint(subject=USER)
    assert httpd.get("/requestheader/thing", token=token).status == 200
    seen = dict(backend.requests[0]["headers"])
    assert seen["X-User"] == seen["X-Who"] == USER
    answer = httpd.get("/header/page", token=token)
    assert answer.one("X-Subject") == USER
    assert httpd.get("/rewritten/page", token=token).one("X-Known") == "yes"
    other = httpd.get("/rewritten/page", token=clerk.mint())
    assert other.one("X-Known") != "yes"


def test_headers_of_the_administrator_stay(httpd, clerk):
    answer = httpd.get("/always/page")
    assert_unauthorized(answer)
    assert answer.one("X-Frame-Options") == "DENY"
    answer = httpd.get("/always/page", token=clerk.mint())
    assert answer.one("Cache-Control") == "max-age=60"


def test_cgi_pass_auth(httpd, clerk):
    token = clerk.mint()
    env = httpd.get("/cgitoken/env", token=token).env()
    assert env["HTTP_AUTHORIZATION"] == f"Bearer {token}"
    env = httpd.get("/cgipass/env", token=token).env()
    assert "HTTP_AUTHORIZATION" not in env
    assert token not in str(env)


# mod_access_compat.

def test_satisfy(httpd, clerk):
    httpd.expect_log("AH01797: client denied by server configuration")
    assert_granted_cleanly(httpd.get("/anyopen/page"))
    assert_unauthorized(httpd.get("/all/page"))
    assert_granted_cleanly(httpd.get("/all/page", token=clerk.mint()))
    answer = httpd.get("/anyclosed/page")
    assert_unauthorized(answer, scope="mcp:read")
    good = clerk.mint(scopes=["mcp:read"])
    assert_granted_cleanly(httpd.get("/anyclosed/page", token=good))
    assert_insufficient_scope(httpd.get("/anyclosed/page",
                                        token=clerk.mint()), "mcp:read")


# ErrorDocument.

def test_an_error_document_that_is_not_there(httpd):
    answer = httpd.get("/gone/page")
    assert answer.status == 401, answer
    assert_challenge(answer)
    assert PAGE not in answer.text


def test_an_error_document_that_is_protected_itself(httpd):
    answer = httpd.get("/errors/page")
    assert answer.status == 401, answer
    assert challenge(answer)["realm"] == "Clerk"
    assert PAGE not in answer.text


def test_an_error_document_inside_its_own_section_ends(httpd, clerk):
    """httpd shows it: an internal redirect within one section is judged
    once, and the administrator chose the page."""
    answer = httpd.get("/loop/page")
    assert answer.status == 401, answer
    assert_challenge(answer, scope="mcp:read")
    answer = httpd.get("/loop/page", token=clerk.mint())
    assert answer.status == 403, answer
    assert_challenge(answer, "insufficient_scope", "mcp:read")


# HTTP/2 and keep-alive.

def test_refusals_over_http2(httpd, clerk):
    from client import Response
    poor = clerk.mint(scopes=["x"])
    with httpx.Client(http1=False, http2=True, timeout=20) as client:
        for headers, status, error in (
                ({}, 401, None),
                ({"authorization": "Bearer a b"}, 400, "invalid_request"),
                ({"authorization": "Bearer oat_bad"}, 401, "invalid_token"),
                ({"authorization": f"Bearer {poor}"}, 403,
                 "insufficient_scope")):
            for method in ("GET", "HEAD", "POST"):
                raw = client.request(method, httpd.url + "/scope/page",
                                     headers=headers)
                answer = Response(raw.status_code, raw.headers.multi_items(),
                                  raw.content)
                assert answer.status == status, answer
                scope = None if status == 400 else "mcp:read"
                assert_challenge(answer, error, scope)
                if method != "HEAD":
                    assert_body(answer)


@pytest.mark.parametrize("length", [0, 10, 100000])
def test_a_connection_goes_on_after_a_refused_body(httpd, clerk, length):
    connection = httpd.connect()
    token = clerk.mint()
    for _ in range(3):
        refused = connection.request("POST", "/x/page", body=b"x" * length)
        assert_unauthorized(refused)
        if (refused.one("Connection") or "").lower() == "close":
            connection.close()
        answer = connection.request("GET", "/x/page", token=token)
        assert answer.text == PAGE
    connection.close()


# mod_cache.

def cache_conf(clerk, backend_url, quick):
    return "\n".join([
        introspection(clerk), "ClerkAudience any", location("/x"),
        location("/p", "ClerkPass headers", f"ProxyPass {backend_url}"),
        location("/kept", "ClerkPassToken On"),
        'CacheRoot "${ROOT}/run/cache"', "CacheEnable disk /",
        f"CacheQuickHandler {quick}", "CacheDefaultExpire 3600",
        "CacheIgnoreNoLastMod On", "CacheHeader On"])


def cache_root(server):
    (server.root / "run/cache").mkdir()
    (server.root / "run/cache").chmod(0o777)


@pytest.mark.parametrize("quick", ["On", "Off"])
def test_mod_cache_keeps_nothing_of_one_user_for_another(
        serve_once, clerk, backend_url, quick):
    """httpd keeps no answer to a request with Authorization (RFC 9111
    section 3.5); taking the token off must not change that."""
    server = serve_once(cache_conf(clerk, backend_url, quick),
                        prepare=cache_root,
                        modules=["cache", "cache_disk", "proxy",
                                 "proxy_http"])
    assert server.get("/alive").status == 200
    assert any((server.root / "run/cache").rglob("*.data"))
    for path in ("/x/env", "/p/thing", "/kept/env", "/x/page"):
        for subject in ("user_first", "user_second"):
            answer = server.get(path, token=clerk.mint(subject=subject))
            assert answer.status == 200, answer
            if path != "/x/page":
                assert subject in answer.text, (path, answer)
        assert server.get(path).status == 401
