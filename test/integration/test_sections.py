"""Every kind of section, and how sections add up: AuthMerging, <Limit>,
.htaccess, <If>; always with httpd's own rules."""

import pytest

from answers import (assert_forbidden, assert_granted_cleanly,
                     assert_insufficient_scope, assert_unauthorized)
from confs import instance, introspection, location, quoted
from httpd import PAGE

# name -> (opening line, path that it covers)
KINDS = {
    "location": ('<Location "/location/">', "/location/page"),
    "locationmatch": ('<LocationMatch "^/loc.*match/">',
                      "/locationmatch/page"),
    "directory": ('<Directory "${ROOT}/docs/directory">',
                  "/directory/page.txt"),
    "directorymatch": ('<DirectoryMatch "/docs/dir.*match">',
                       "/directorymatch/page.txt"),
    "files": ('<Files "files.txt">', "/files/files.txt"),
    "filesmatch": ('<FilesMatch "^filesm.*\\.txt$">',
                   "/filesmatch/filesmatch.txt"),
    "if": ("<If \"%{REQUEST_URI} =~ m#^/if/#\">", "/if/page.txt"),
    "proxy": ('<Proxy "${BACKEND}/proxied/*">', "/proxy/thing"),
}


def section(opening, *lines):
    name = opening[1:].split()[0]
    body = "\n".join(f"    {line}" for line in lines)
    return f"{opening}\n{body}\n</{name}>\n"


def nested(name, *inner, outer=("Require clerk-scope outer",)):
    """Two locations, one inside the other."""
    return (location(f"/{name}", *outer, require=None)
            + section(f'<Location "/{name}/inner">', *inner)
            + f'Alias "/{name}/inner/page" "${{ROOT}}/docs/page.txt"\n')


HTACCESS = {
    "plain": "AuthType Clerk\nRequire valid-user\n",
    "scope": "AuthType Clerk\nRequire clerk-scope mcp:read\n",
    "lower": "AuthType clerk\nRequire valid-user\n",
    "open": "",
}


def conf(clerk, backend_url):
    secret = quoted(clerk.client_secret)
    parts = [
        introspection(clerk), "ClerkAudience any\n",
        f"Define BACKEND {backend_url}\n",
        f'ProxyPass "/proxy" "{backend_url}/proxied"\n']
    for name, (opening, _) in KINDS.items():
        parts.append(section(opening, "AuthType Clerk",
                             f"Require clerk-scope {name}"))
    parts += [
        nested("replaced", "Require clerk-scope inner"),
        nested("off", "AuthMerging Off", "Require clerk-scope inner"),
        nested("and", "AuthMerging And", "Require clerk-scope inner"),
        # proxied: <Directory> would add its `Require all granted`
        nested("or", "AuthMerging Or", "Require clerk-scope inner"),
        f'ProxyPass "/or" "{backend_url}"\n',
        nested("inherited", "SetEnv X 1"),
        nested("opened", "Require all granted"),
        location("/limit", "<Limit POST>", "Require clerk-scope write",
                 "</Limit>", "<LimitExcept POST>", "Require clerk-scope read",
                 "</LimitExcept>", require=None),
        location("/ifinside", '<If "%{HTTP:X-Strict} == \'yes\'">',
                 "Require clerk-scope strict", "</If>"),
        "<AuthzProviderAlias clerk-scope readers aliased>\n"
        "</AuthzProviderAlias>\n",
        location("/aliased", require="readers"),
        location("/norequire", require=None),
        section('<Directory "${ROOT}/docs/ht">', "AllowOverride AuthConfig",
                "Require all granted"),
        section('<Directory "${ROOT}/docs/htinner">',
                "AllowOverride AuthConfig", "AuthType Clerk",
                "Require clerk-scope directory"),
        location("/credentials", require=None),
        section('<Directory "${ROOT}/docs/credentials">',
                *instance(clerk).splitlines(),
                f"ClerkClientID {clerk.client_id}",
                f"ClerkClientSecret {secret}", "AuthType Clerk",
                "Require valid-user"),
    ]
    return "\n".join(parts)


def documents(server):
    for name, (_, path) in KINDS.items():
        if path.endswith(".txt"):
            server.write("docs" + path, PAGE)
    for name, text in HTACCESS.items():
        server.write(f"docs/ht/{name}/.htaccess", text)
        server.write(f"docs/ht/{name}/page.txt", PAGE)
    server.write("docs/htinner/.htaccess", "Require clerk-scope file\n")
    server.write("docs/htinner/page.txt", PAGE)
    server.write("docs/credentials/page.txt", PAGE)


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    return serve(conf(standin, backend_url), prepare=documents,
                 modules=["proxy", "proxy_http"])


@pytest.fixture
def get(httpd, clerk):
    def request(path, *scopes, method="GET", **kwargs):
        return httpd.request(method, path, token=clerk.mint(
            scopes=list(scopes)), **kwargs)
    return request


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_section(httpd, get, name):
    path = KINDS[name][1]
    assert_unauthorized(httpd.get(path), scope=name)
    assert_insufficient_scope(get(path, "other"), name)
    granted = get(path, name)
    assert granted.status == 200, granted
    if name != "proxy":
        assert_granted_cleanly(granted)
        assert granted.text == PAGE


@pytest.mark.parametrize("path,needs,refuses", [
    ("/replaced/inner", ["inner"], ["outer"]),
    ("/off/inner", ["inner"], ["outer"]),
    ("/inherited/inner", ["outer"], ["inner"])])
def test_without_merging_the_inner_lines_replace(httpd, get, path, needs,
                                                 refuses):
    scope = " ".join(needs)
    assert_unauthorized(httpd.get(f"{path}/page"), scope=scope)
    assert_insufficient_scope(get(f"{path}/page", *refuses), scope)
    assert_granted_cleanly(get(f"{path}/page", *needs))


def test_merging_with_and(httpd, get):
    assert_unauthorized(httpd.get("/and/inner/page"), scope="outer inner")
    for scopes in (["outer"], ["inner"], []):
        assert_insufficient_scope(get("/and/inner/page", *scopes),
                                  "outer inner")
    assert_granted_cleanly(get("/and/inner/page", "inner", "outer"))


def test_merging_with_or(httpd, get):
    assert_unauthorized(httpd.get("/or/inner/page"), scope="outer inner")
    for scope in ("outer", "inner"):
        assert get("/or/inner/page", scope).status == 200
    assert_insufficient_scope(get("/or/inner/page"), "outer inner")


def test_an_inner_section_may_open(httpd):
    assert_granted_cleanly(httpd.get("/opened/inner/page"))
    assert_unauthorized(httpd.get("/opened/page"), scope="outer")


def test_limit(httpd, get):
    assert_unauthorized(httpd.get("/limit/page"), scope="read")
    assert_unauthorized(httpd.request("POST", "/limit/page", body=b""),
                        scope="write")
    assert_insufficient_scope(get("/limit/page", "write"), "read")
    assert_insufficient_scope(get("/limit/page", "read", method="POST"),
                              "write")
    assert_granted_cleanly(get("/limit/page", "read"))


def test_an_if_inside_a_location(httpd, get):
    strict = [("X-Strict", "yes")]
    assert_granted_cleanly(get("/ifinside/page", "other"))
    assert_insufficient_scope(get("/ifinside/page", "other", headers=strict),
                              "strict")
    assert_granted_cleanly(get("/ifinside/page", "strict", headers=strict))
    assert_unauthorized(httpd.get("/ifinside/page"))


def test_an_alias_of_a_provider(httpd, get):
    """That a scope lacks cannot be read from the alias; that it does can."""
    assert httpd.get("/aliased/page").status == 401
    assert get("/aliased/page", "other").status == 403
    assert_granted_cleanly(get("/aliased/page", "aliased"))


def test_no_require_line_asks_for_nobody(httpd, clerk):
    assert_granted_cleanly(httpd.get("/norequire/page"))
    assert_granted_cleanly(httpd.get("/norequire/page", token="oat_bad"))
    assert clerk.calls() == 0


@pytest.mark.parametrize("name", ["plain", "scope", "lower"])
def test_htaccess_may_ask_for_a_token(httpd, clerk, name):
    """Often enough that memory of a request that outlived it would show."""
    path = f"/ht/{name}/page.txt"
    good = clerk.mint(scopes=["mcp:read"])
    poor = clerk.mint(scopes=["other"])
    for _ in range(40):
        assert httpd.get(path).status == 401
        assert_granted_cleanly(httpd.get(path, token=good))
        answer = httpd.get(path, token=poor)
        if name == "scope":
            assert_insufficient_scope(answer, "mcp:read")
        else:
            assert answer.status == 200
    assert_granted_cleanly(httpd.get("/ht/open/page.txt"))


def test_htaccess_replaces_the_lines_of_its_directory(httpd, get):
    path = "/htinner/page.txt"
    assert_unauthorized(httpd.get(path), scope="file")
    assert_insufficient_scope(get(path, "directory"), "file")
    assert_granted_cleanly(get(path, "file"))


def test_credentials_of_one_section_and_lines_of_another(httpd, clerk):
    path = "/credentials/page.txt"
    assert_unauthorized(httpd.get(path))
    assert_granted_cleanly(httpd.get(path, token=clerk.mint()))


def test_a_section_that_is_never_completed_is_our_fault(serve_once, clerk):
    """Only a request can tell whether the <If> applies to it."""
    condition = section("<If \"%{HTTP:X-With} == 'yes'\">",
                        *introspection(clerk).splitlines())
    server = serve_once(location("/x") + condition)
    server.expect_log(r"\[auth_clerk:error\].*ClerkPublishableKey")
    for token in (None, clerk.mint()):
        answer = server.get("/x/page", token=token)
        assert answer.status == 500, answer
        assert PAGE not in answer.text
    answer = server.get("/x/page", token=clerk.mint(),
                        headers=[("X-With", "yes")])
    assert_granted_cleanly(answer)


def test_sections_of_a_virtual_host(serve_once, clerk):
    host = (f"<VirtualHost *>\n    ServerName one\n{introspection(clerk)}"
            + location("/x") + "</VirtualHost>\n"
            "<VirtualHost *>\n    ServerName two\n"
            + location("/y") + introspection(clerk) + "</VirtualHost>\n")
    server = serve_once(host)

    def ask(name, path, *fields):
        return server.raw(f"GET http://{name}{path} HTTP/1.1", *fields)

    bearer = f"Authorization: Bearer {clerk.mint()}"
    for name, path in (("one", "/x/page"), ("two", "/y/page")):
        assert_unauthorized(ask(name, path))
        assert_granted_cleanly(ask(name, path, bearer))
    assert ask("one", "/y/page").text == PAGE


def test_plain_403_inside_nested_sections(serve_once, clerk):
    server = serve_once(
        introspection(clerk) + nested(
            "and", "AuthMerging And", "Require clerk-user nobody"))
    token = clerk.mint(scopes=["other"])
    assert_forbidden(server.get("/and/inner/page", token=token))
