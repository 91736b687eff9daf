"""Documents for discovery are reachable whatever else is configured for the
site, and being reachable opens nothing else."""

import pytest

from confs import host, introspection, location
from discovery import (DOCUMENT, OPENID, SERVER, assert_document,
                       assert_not_allowed, assert_preflight, preflight)
from httpd import PAGE

MODULES = ["proxy", "proxy_http", "rewrite", "auth_basic", "authn_file",
           "access_compat", "negotiation", "autoindex", "dav", "dav_fs",
           "cache", "cache_disk", "vhost_alias", "status", "actions",
           "auth_form", "session", "session_cookie", "request"]
LOUD = r"AH0(1630|1797|1276|0124)|\[auth_clerk:error\]|AH10244"


def inside(opening, *lines):
    return [opening, *lines, "</" + opening[1:].split()[0] + ">"]


def rewrite(*lines):
    return ["RewriteEngine On", *lines]


ROOT = '<Location "/">'
DOCS = '<Directory "${ROOT}/docs">'
BASIC = ["AuthType Basic", 'AuthName "stock"',
         'AuthUserFile "${ROOT}/secrets/users"', "Require valid-user"]

# What stands in the way, by the virtual host in which it does.
SITES = {
    "plain": [],
    "clerk": inside(ROOT, "AuthType Clerk", "Require valid-user"),
    "clerkscope": inside(ROOT, "AuthType Clerk", "Require clerk-scope no"),
    "basic": inside(ROOT, *BASIC),
    "denied": inside(ROOT, "Require all denied"),
    "address": inside(ROOT, "Require ip 192.0.2.1"),
    "denyfrom": inside(ROOT, "Order allow,deny", "Deny from all"),
    "directory": inside(DOCS, "Require all denied"),
    "dotdenied": inside('<LocationMatch "/\\.">', "Require all denied"),
    "dotdirectory": inside('<DirectoryMatch "/\\.">', "Require all denied"),
    "exactly": inside('<LocationMatch "^/\\.well-known/">', *BASIC),
    "ifdenied": inside('<If "true">', "Require all denied"),
    "limited": inside(ROOT, *inside("<LimitExcept POST>",
                                    "Require all denied")),
    "dotforbidden": rewrite('RewriteRule "/\\." "-" [F]'),
    "forbidden": rewrite("RewriteRule ^ - [F]"),
    "gone": rewrite("RewriteRule ^ - [G,L]"),
    "maintenance": rewrite("RewriteRule ^ - [R=503,L]"),
    "https": rewrite("RewriteCond %{HTTPS} off",
                     "RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} "
                     "[R=301,L]"),
    "front": rewrite("RewriteRule ^ /alive [PT]"),
    "frontfile": rewrite("RewriteRule ^ ${ROOT}/docs/page.txt [L]"),
    "rewriteproxy": rewrite("RewriteRule ^/(.*) ${BACKEND}/$1 [P]"),
    "perdirforbidden": inside(ROOT, *rewrite("RewriteRule ^ - [F]")),
    "perdirredirect": inside(ROOT, *rewrite(
        "RewriteRule ^ https://elsewhere.example/ [R,L]")),
    "perdirfront": inside(DOCS, *rewrite(
        "RewriteCond %{REQUEST_FILENAME} !-f", "RewriteRule ^ /page.txt")),
    "redirect": ['Redirect permanent "/" "https://elsewhere.example/"'],
    "redirectinside": inside(ROOT, 'Redirect 302 '
                             '"https://elsewhere.example/"'),
    "redirectgone": ['RedirectMatch gone "^/"'],
    "dotmissing": ['RedirectMatch 404 "/\\."'],
    "alias": ['Alias "/" "${ROOT}/docs/"'],
    "aliasknown": ['Alias "/.well-known" "${ROOT}/docs/known"'],
    "program": ['ScriptAliasMatch "^/" "${ROOT}/cgi/env"'],
    "proxy": ['ProxyPass "/" "${BACKEND}/"'],
    "proxyinside": inside(ROOT, "ProxyPass ${BACKEND}/"),
    "proxymatch": ['ProxyPassMatch "^/(.*)$" "${BACKEND}/$1"'],
    "proxyhandler": inside(ROOT, 'SetHandler "proxy:${BACKEND}"'),
    "proxyclerk": inside(ROOT, "AuthType Clerk", "Require valid-user",
                         "ProxyPass ${BACKEND}/"),
    "fallback": ["FallbackResource /page.txt", "DirectoryIndex page.txt"],
    "fallbackinside": inside(DOCS, "FallbackResource /page.txt"),
    "handler": inside(ROOT, "SetHandler default-handler"),
    "cgihandler": inside(ROOT, "SetHandler cgi-script", "Options +ExecCGI"),
    "files": ['DocumentRoot "${ROOT}/docs/site"'],
    "noroot": ['DocumentRoot "${ROOT}/docs/nowhere"'],
    "views": inside(DOCS, "Options +MultiViews +Indexes"),
    "dav": inside(ROOT, "Dav On"),
    "cache": ['CacheRoot "${ROOT}/cache"', 'CacheEnable disk "/"',
              'ProxyPass "/" "${BACKEND}/"'],
    "manyhosts": ['VirtualDocumentRoot "${ROOT}/docs/%0"'],
    "status": inside(ROOT, "SetHandler server-status"),
    "action": inside(ROOT, "SetHandler own", 'Action own "/x/env" virtual'),
    "form": inside(ROOT, "AuthType form", "AuthName stock",
                   "AuthFormProvider file", "Session On",
                   'AuthUserFile "${ROOT}/secrets/users"',
                   "SessionCookieName session path=/", "Require valid-user",
                   "AuthFormLoginRequiredLocation https://e.example/login"),
    "words": ["ErrorDocument 404 /page.txt", "ErrorDocument 401 /page.txt",
              "ErrorDocument 403 /page.txt", *inside(ROOT, *BASIC)],
}
# Those where nothing but the documents may be had without a token.
CLOSED = ["clerk", "clerkscope", "basic", "denied", "address", "denyfrom",
          "forbidden", "perdirforbidden", "proxyclerk", "words", "ifdenied"]


def of(name):
    return f"https://{name}.example/mcp"


def conf(clerk, backend_url):
    parts = [f"Define BACKEND {backend_url}", introspection(clerk),
             host("localhost")]
    for name, lines in SITES.items():
        parts.append(host(f"{name}.example", *lines, location(
            "/mcp", f"ClerkResource {of(name)}")))
    parts.append(host("own.example", location(
        "/", "ClerkResource https://own.example/",
        require="clerk-scope mcp:read")))
    return "\n".join(parts)


def documents(server):
    (server.root / "cache").mkdir()
    (server.root / "cache").chmod(0o777)
    server.write("secrets/users", "jane:{SHA}notThisOne\n")
    for place in ("known", "site/.well-known"):
        folder = f"docs/{place}/oauth-protected-resource"
        server.write(f"{folder}/mcp", "a file of the site\n")
        server.write(f"{folder}/index.html", "its index\n")
        server.write(f"{folder}/secret.txt", PAGE)
    server.write("docs/.well-known/oauth-protected-resource/secret.txt",
                 PAGE)


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    return serve(conf(standin, backend_url), modules=MODULES,
                 prepare=documents)


@pytest.fixture
def ask(httpd):
    """Ask a site, by whatever method and with whatever fields."""
    httpd.expect_log(LOUD, optional=True)

    def request(name, line, *fields, **kwargs):
        return httpd.raw(f"{line} HTTP/1.1", *fields,
                         host=f"{name}.example", **kwargs)
    return request


@pytest.mark.parametrize("name", SITES)
def test_the_document_is_there(ask, clerk, backend, name):
    for path in (f"{DOCUMENT}/mcp", DOCUMENT, f"{DOCUMENT}/mcp/?x=y"):
        answer = ask(name, f"GET {path}")
        assert_document(answer, of(name), [clerk.issuer])
        head = ask(name, f"HEAD {path}")
        assert head.status == 200 and head.body == b"", head
    assert backend.requests == [] and clerk.calls() == 0


@pytest.mark.parametrize("name", SITES)
def test_the_copies_are_there(ask, clerk, backend, name):
    for prefix in (SERVER, OPENID):
        for path in (prefix, f"{prefix}/mcp"):
            answer = ask(name, f"GET {path}")
            assert answer.status == 200, answer
            assert answer.one("Content-Type") == "application/json"
            assert answer.json()["issuer"] == clerk.issuer
    assert backend.requests == []


@pytest.mark.parametrize("name", SITES)
def test_other_methods_go_nowhere_else(ask, backend, name):
    for path in (f"{DOCUMENT}/mcp", DOCUMENT, SERVER):
        for method in ("POST", "PUT", "DELETE"):
            assert_not_allowed(ask(name, f"{method} {path}"))
            assert_not_allowed(ask(name, f"{method} {path}",
                                   "Content-Length: 7", body=b"payload"))
        fields = [f"{k}: {v}" for k, v in preflight("GET")]
        assert_preflight(ask(name, f"OPTIONS {path}", *fields), "GET")
    assert backend.requests == []


CREDENTIALS = [
    ["Authorization: Bearer {good}"], ["Authorization: Bearer {dead}"],
    ["Authorization: Bearer a b"], ["Authorization: Bearer"],
    ["Authorization: Basic amFuZTp3cm9uZw=="], ["Authorization:"],
    ["Authorization: Bearer {good}", "Authorization: Basic dTpw"],
    ["Cookie: __session={good}"], ["Authorization: Bearer " + "x" * 7000],
]


@pytest.mark.parametrize("name", ["plain", "clerk", "basic", "denied",
                                  "proxyclerk", "words"])
@pytest.mark.parametrize("fields", CREDENTIALS, ids=lambda f: f[0][:24])
def test_whatever_credentials_are_sent(ask, clerk, backend, name, fields):
    dead = clerk.mint()
    clerk.revoke(dead)
    clerk.fault("token_info", "status", code=500)
    lines = [f.format(good=clerk.mint(), dead=dead) for f in fields]
    for path in (f"{DOCUMENT}/mcp", DOCUMENT):
        assert_document(ask(name, f"GET {path}", *lines), of(name),
                        [clerk.issuer])
    assert clerk.calls("token_info") == 0 and backend.requests == []


def test_a_resource_that_is_the_whole_site(ask, clerk):
    answer = ask("own", f"GET {DOCUMENT}")
    assert_document(answer, "https://own.example/", [clerk.issuer],
                    scopes_supported=["mcp:read"])
    assert ask("own", "GET /mcp/page").status == 401
    assert ask("own", f"GET {DOCUMENT}/mcp").status == 401


TRICKS = [
    "/mcp/page", f"/mcp/page?{DOCUMENT}", f"/mcp/page?x={DOCUMENT}/mcp",
    f"/mcp/page;{DOCUMENT}/mcp", f"/mcp/page%23{DOCUMENT}/mcp",
    f"/mcp/page%3f{DOCUMENT}", f"/mcp/page{DOCUMENT}/mcp",
    f"{DOCUMENT}/../../mcp/page", f"{DOCUMENT}/mcp/../../../mcp/page",
    f"{DOCUMENT}/%2e%2e/%2e%2e/mcp/page", f"{DOCUMENT}/mcp/%2e%2e/secret.txt",
    f"{DOCUMENT}/..%2f..%2fmcp/page", f"{DOCUMENT}%2f..%2f..%2fmcp/page",
    f"{DOCUMENT}/mcp%2f..%2f..%2f..%2fmcp%2fpage",
    f"{DOCUMENT}/./secret.txt", f"{DOCUMENT}//secret.txt",
    f"{DOCUMENT}/secret.txt", f"{DOCUMENT}/secret.txt/", f"{DOCUMENT}/mcp/x",
    f"/{DOCUMENT}/secret.txt", f"/./{DOCUMENT}/secret.txt",
    f"/mcp/..{DOCUMENT}/secret.txt", f"{DOCUMENT}/mcp/../secret.txt",
    f"{DOCUMENT}/mcp;/../secret.txt", f"{DOCUMENT}/mcp/;/secret.txt",
    "/.well-known/secret.txt", f"{SERVER}/../oauth-protected-resource/"
    "secret.txt", f"{OPENID}/../../mcp/page", "/page.txt", "/alive",
    f"{DOCUMENT}/mcp%00", f"{DOCUMENT}\\..\\..\\mcp\\page",
    f"{DOCUMENT}/mcp/..;/..;/..;/mcp/page", "//mcp/page", "/./mcp//page",
]


@pytest.mark.parametrize("name", CLOSED)
def test_no_spelling_opens_anything(ask, backend, name):
    for path in TRICKS:
        for target in (path, f"http://{name}.example{path}"):
            for method in ("GET", "POST", "OPTIONS"):
                answer = ask(name, f"{method} {target}")
                shown = PAGE in answer.text
                # in "words" it is the ErrorDocument, which httpd may show
                assert not shown or name == "words", (path, answer)
                assert "alive\n" not in answer.text, (path, answer)
                assert answer.status >= 400, (path, answer)
    assert backend.requests == []


@pytest.mark.parametrize("name", ["clerk", "basic", "denied", "proxyclerk"])
@pytest.mark.parametrize("path", ["/mcp/page", "/page.txt",
                                  f"{DOCUMENT}/secret.txt"])
def test_no_field_opens_anything(ask, backend, name, path):
    for field in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-URI",
                  "X-Forwarded-Path", "Referer", "X-Original-URI"):
        answer = ask(name, f"GET {path}", f"{field}: {DOCUMENT}/mcp")
        assert answer.status in (401, 403), answer
    for value in (DOCUMENT, f"{DOCUMENT}/mcp"):
        fields = [f"{k}: {v}" for k, v in preflight("GET", origin=value)]
        answer = ask(name, f"OPTIONS {path}", *fields)
        assert answer.status in (204, 401, 403), answer
        assert PAGE not in answer.text
    assert backend.requests == []


def test_what_is_not_the_documents_goes_its_way(ask, backend):
    """The site keeps its other well-known paths, and its own order."""
    assert ask("proxy", "GET /.well-known/security.txt").status == 200
    assert [r["path"] for r in backend.requests] == [
        "/.well-known/security.txt"]
    answer = ask("redirect", "GET /.well-known/security.txt")
    assert answer.status == 301, answer
    assert ask("https", "GET /.well-known/acme").status == 301
    assert ask("forbidden", "GET /.well-known/acme").status == 403
    assert ask("files", f"GET {DOCUMENT}/secret.txt").text == PAGE
    assert ask("front", "GET /anything").text == "alive\n"
