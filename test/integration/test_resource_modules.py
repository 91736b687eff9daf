"""Documents for discovery among the modules that Debian loads: their filters,
server-side includes; and what mod_cache keeps of a location with CORS."""

import gzip
import itertools
import pathlib

import pytest

from confs import host, introspection, location
from discovery import (DOCUMENT, OPENID, SERVER, assert_cors,
                       assert_document, assert_not_allowed,
                       assert_preflight, max_age, members, path_of,
                       preflight)
from streaming import Application, wish

RESOURCE = "https://mcp.example.com/mcp"
APP = "https://app.example"
OTHER = "https://other.example"
EVIL = "https://evil.example"
OWN = "https://backend.example"

# What Debian enables with apache2, and its stock configuration of it.
ENABLED = ["access_compat", "alias", "auth_basic", "authn_core", "authn_file",
           "authz_core", "authz_host", "authz_user", "autoindex", "deflate",
           "dir", "env", "filter", "mime", "negotiation", "reqtimeout",
           "setenvif", "status"]
STOCK = pathlib.Path("/etc/apache2/mods-available")
TEXTS = "text/html text/plain text/xml text/css text/javascript"

# What else a site may send its answers through, by virtual host.
FILTERS = {
    "stock": [],
    "json": ["AddOutputFilterByType DEFLATE application/json"],
    "texts": [f"AddOutputFilterByType DEFLATE {TEXTS}"],
    "all": ["SetOutputFilter DEFLATE"],
    "chain": ["FilterDeclare own CONTENT_SET",
              "FilterProvider own DEFLATE true", "FilterChain own"],
    "substitute": ["AddOutputFilterByType SUBSTITUTE application/json"],
    "limited": ["SetOutputFilter RATE_LIMIT"],
    "directory": ['<Directory "${ROOT}/docs">',
                  "AddOutputFilterByType DEFLATE text/plain",
                  "</Directory>"],
}
COMPRESSED = ["json", "all", "chain"]
PATHS = [f"{prefix}{path}" for prefix in (DOCUMENT, SERVER, OPENID)
         for path in ("", "/mcp")]


def stock():
    """Debian's files, or of the one that matters here what counts."""
    files = [STOCK / f"{name}.conf" for name in ENABLED]
    lines = [f"Include {file}" for file in files if file.exists()]
    if not (STOCK / "deflate.conf").exists():
        lines.append(f"AddOutputFilterByType DEFLATE {TEXTS}")
    return "\n".join(lines)


def conf(clerk):
    parts = [stock(), introspection(clerk),
             'Alias "/ssi" "${ROOT}/docs/ssi"',
             '<Directory "${ROOT}/docs/ssi">', "Options +Includes",
             "AddOutputFilter INCLUDES .shtml", "AddType text/html .shtml",
             "</Directory>", host("localhost")]
    parts += [host(f"{name}.example", *lines,
                   location("/mcp", f"ClerkResource {RESOURCE}",
                            require="clerk-scope mcp:read"))
              for name, lines in FILTERS.items()]
    return "\n".join(parts)


def documents(server):
    for name, path in (("document", f"{DOCUMENT}/mcp"), ("copy", SERVER),
                       ("page", "/alive")):
        server.write(f"docs/ssi/{name}.shtml",
                     f'<!--#include virtual="{path}"-->|the end\n')


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin), prepare=documents,
                 modules=[*ENABLED, "include", "substitute", "ratelimit"])


@pytest.fixture
def ask(httpd):
    """Ask a site; what comes is whole, and never a closed connection."""
    def request(name, line, *fields, **kwargs):
        return httpd.raw(f"{line} HTTP/1.1", *fields,
                         host=f"{name}.example", **kwargs)
    return request


def assert_whole(answer, clerk, path):
    """The document that this path has, and that scripts may read it."""
    if path.startswith(DOCUMENT):
        assert_document(answer, RESOURCE, [clerk.issuer],
                        scopes_supported=["mcp:read"])
    else:
        assert answer.status == 200, answer
        assert answer.one("Content-Type") == "application/json", answer
        assert 0 < max_age(answer) <= 3600, answer
        assert answer.json()["issuer"] == clerk.issuer, answer
    assert_cors(answer)


# Filters.

@pytest.mark.parametrize("name", FILTERS)
def test_get_and_head(ask, clerk, name):
    for path in PATHS:
        answer = ask(name, f"GET {path}")
        assert_whole(answer, clerk, path)
        assert answer.all("Content-Encoding") == [], answer
        head = ask(name, f"HEAD {path}")
        assert head.status == 200 and head.body == b"", head
        assert head.one("Content-Type") == "application/json", head
        assert_cors(head)


@pytest.mark.parametrize("name", FILTERS)
def test_parts(ask, name):
    for path in PATHS:
        whole = ask(name, f"GET {path}").body
        answer = ask(name, f"GET {path}", "Range: bytes=1-9")
        assert answer.status == 206, answer
        assert answer.body == whole[1:10], answer
        assert answer.one("Content-Range") == f"bytes 1-9/{len(whole)}"
        assert_cors(answer)


@pytest.mark.parametrize("name", FILTERS)
def test_gzip(ask, clerk, name):
    for path in PATHS:
        answer = ask(name, f"GET {path}", "Accept-Encoding: gzip")
        encoded = answer.one("Content-Encoding")
        assert encoded == ("gzip" if name in COMPRESSED else None), answer
        if encoded:
            assert "accept-encoding" in members(answer, "Vary"), answer
            answer.body = gzip.decompress(answer.body)
        assert_whole(answer, clerk, path)
        head = ask(name, f"HEAD {path}", "Accept-Encoding: gzip")
        assert head.status == 200 and head.body == b"", head


@pytest.mark.parametrize("name", FILTERS)
def test_other_methods(ask, name):
    for path in PATHS:
        for method in ("POST", "PUT", "DELETE"):
            assert_not_allowed(ask(name, f"{method} {path}"))
        fields = [f"{k}: {v}" for k, v in preflight("GET")]
        assert_preflight(ask(name, f"OPTIONS {path}", *fields), "GET")


@pytest.mark.parametrize("name", FILTERS)
def test_one_connection_for_all(httpd, clerk, name):
    """Each answer ends where it says that it does."""
    connection = httpd.connect()
    for path in PATHS * 2:
        answer = connection.request("GET", path, headers=[
            ("Host", f"{name}.example"), ("Origin", APP)])
        assert_whole(answer, clerk, path)
    connection.close()


@pytest.mark.parametrize("name", ["document", "copy"])
def test_a_page_that_includes_one(httpd, name):
    """A document is for clients that ask for it; a page that asks for them
    goes on without it, and no child ends of it."""
    httpd.expect_log(r"\[include:error\] .* unable to include",
                     optional=True)
    for site in FILTERS:
        for headers in ([], [("Accept-Encoding", "gzip")]):
            answer = httpd.get(f"/ssi/{name}.shtml", headers=[
                ("Host", f"{site}.example"), *headers])
            assert answer.status == 200, answer
            body = (gzip.decompress(answer.body)
                    if answer.all("Content-Encoding") else answer.body)
            assert body.endswith(b"|the end\n"), answer
    page = httpd.get("/ssi/page.shtml", headers=[("Host", "stock.example")])
    assert page.text == "alive\n|the end\n", page


# What mod_cache keeps.

PAGES = itertools.count()


def cached(clerk, url):
    proxied = f"ProxyPass {url}/app"

    def at(name, *lines):
        return location(f"/{name}",
                        f"ClerkResource https://mcp.example/{name}",
                        *lines, proxied, require="all granted")
    return "\n".join([
        introspection(clerk), "CacheIgnoreNoLastMod On",
        'CacheRoot "${ROOT}/cache"', 'CacheEnable disk "/"',
        at("on"), at("list", f"ClerkCORS {APP} {OTHER}"),
        at("single", f"ClerkCORS {APP}"), at("off", "ClerkCORS Off"),
    ])


@pytest.fixture(scope="module")
def application():
    played = Application()
    yield played
    played.close()


@pytest.fixture(scope="module", params=["before all", "as a handler"])
def cache(request, serve, standin, application):
    """mod_cache answers before our hooks run, or when all of them have."""
    quick = "On" if request.param == "before all" else "Off"

    def prepare(server):
        (server.root / "cache").mkdir()
        (server.root / "cache").chmod(0o777)
    return serve(f"CacheQuickHandler {quick}\n"
                 + cached(standin, application.url), prepare=prepare,
                 modules=["proxy", "proxy_http", "cache", "cache_disk"])


@pytest.fixture
def kept(cache, application):
    """Ask for an answer that may be kept, of an application with its own
    ideas. Told: the answer, and whether it was a kept one."""
    application.clear()
    page = f"page{next(PAGES)}"

    def ask(path, origin=None):
        before = len(application.requests)
        answer = cache.get(
            f"/{path}/{page}" + wish(
                200, ("Cache-Control", "max-age=60"),
                ("Access-Control-Allow-Origin", OWN),
                ("Access-Control-Allow-Credentials", "true")),
            headers=[("Origin", origin)] if origin else [])
        return answer, len(application.requests) == before
    return ask


def test_a_kept_answer_carries_our_header(kept):
    for origin in (None, None, EVIL, APP, None):
        answer, _ = kept("on", origin)
        assert answer.status == 200, answer
        assert_cors(answer)
    assert kept("on", EVIL)[1], "mod_cache kept nothing"


def test_a_kept_answer_where_there_is_no_cors(kept):
    """What the application says stays as it is."""
    for _ in range(2):
        answer, is_kept = kept("off", APP)
        assert answer.one("Access-Control-Allow-Origin") == OWN, answer
    assert is_kept


@pytest.mark.parametrize("first", [None, APP, OTHER])
def test_a_kept_answer_is_of_one_origin(kept, first):
    """Whoever came first, nobody reads what was kept for another."""
    kept("list", first)
    for origin in (EVIL, APP, OTHER, EVIL, None, APP, OTHER, "null"):
        answer, _ = kept("list", origin)
        assert "origin" in members(answer, "Vary"), answer
        allowed = answer.one("Access-Control-Allow-Origin")
        if origin in (APP, OTHER):
            assert answer.status == 200, answer
            assert_cors(answer, origin)
        elif origin:
            assert answer.status == 403 and allowed is None, answer
        else:
            assert answer.status == 200 and allowed is None, answer


def test_what_was_kept_for_an_origin_is_used_again(kept):
    assert kept("list", APP)[1] is False
    answer, is_kept = kept("list", APP)
    assert is_kept, answer
    assert_cors(answer, APP)


@pytest.mark.parametrize("first", [None, APP])
def test_the_only_origin_of_a_list(kept, first):
    kept("single", first)
    for origin in (EVIL, None, APP, EVIL):
        answer, _ = kept("single", origin)
        assert answer.status == (403 if origin == EVIL else 200), answer
        assert "origin" in members(answer, "Vary"), answer
        if origin == EVIL:
            assert answer.all("Access-Control-Allow-Origin") == [], answer
        elif origin:
            assert_cors(answer, APP)


def test_no_document_is_a_kept_answer(cache, clerk):
    """Our quick handler comes before that of mod_cache."""
    for name in ("on", "list", "single", "off"):
        resource = f"https://mcp.example/{name}"
        for _ in range(2):
            answer = cache.get(path_of(resource))
            assert_document(answer, resource, [clerk.issuer])
            assert answer.all("Age") == [], answer
