"""Protected resource metadata: which document a resource has, where it is,
and that no request can change it."""

import httpx
import pytest

from answers import assert_unauthorized
from client import exchange
from confs import host, introspection, location
from discovery import (DOCUMENT, assert_cors, assert_document,
                       assert_not_allowed, assert_preflight, path_of,
                       preflight, well_known)
from httpd import PAGE

MAIN = "https://mcp.example.com/mcp"

# virtual host -> the one resource in it
RESOURCES = {
    "root": "https://mcp.example.com",
    "slash": "https://mcp.example.com/",
    "port": "https://mcp.example.com:8443/mcp",
    "rootport": "https://mcp.example.com:8443",
    "deep": "https://mcp.example.com/a/b-c/d.e/~f/mcp",
    "trailing": "https://mcp.example.com/mcp/",
    "encoded": "https://mcp.example.com/a%20b/m%C3%BCp",
    "query": "https://mcp.example.com/mcp?tenant=1",
    "uppercase": "https://MCP.Example.com/MCP",
    "loopback": "http://127.0.0.1:9/mcp",
    "localhost.loop": "http://localhost:9/mcp",
    "ipv6": "http://[::1]:9/mcp",
    "plaintls": "https://10.1.2.3/mcp",
}

# virtual host -> the section that sets its resource
SECTIONS = {
    "bylocationmatch": '<LocationMatch "^/m[c]p/">',
    "bydirectory": '<Directory "${ROOT}/docs/mcp">',
    "byfiles": '<Files "page.txt">',
    "byif": '<If "%{REQUEST_URI} =~ m#^/mcp/#">',
}


def of(name):
    return f"https://{name}.example/mcp"


def section(name):
    opening = SECTIONS[name]
    kind = opening[1:].split()[0]
    return host(f"{name}.example", opening, "AuthType Clerk",
                f"ClerkResource {of(name)}", "Require clerk-scope mcp:read",
                f"</{kind}>", "AliasMatch ^ ${ROOT}/docs/mcp/page.txt")


def conf(clerk):
    parts = [introspection(clerk), host("localhost")]
    parts += [host(f"{name}.example",
                   location("/mcp", f"ClerkResource {resource}"))
              for name, resource in RESOURCES.items()]
    parts += [section(name) for name in SECTIONS]
    parts += [
        host("two.example", location("/a", "ClerkResource "
                                     "https://two.example/a"),
             location("/b", "ClerkResource https://two.example/b",
                      require="clerk-scope mcp:read")),
        host("rootand.example",
             location("/", "ClerkResource https://rootand.example"),
             location("/b", "ClerkResource https://rootand.example/b",
                      'ClerkResourceName "B"')),
        host("same.example", *[
            location(f"/{n}", f"ClerkResource {of('same')}",
                     require="clerk-scope profile") for n in "ab"]),
        host("server.example", f"ClerkResource {of('server')}",
             location("/a"), location("/b")),
        host("inherited.example",
             location("/mcp", f"ClerkResource {of('inherited')}"),
             '<Location "/mcp/inner">\nSetEnv X 1\n</Location>'),
        host("exact.example", "MergeSlashes Off",
             location("/mcp", f"ClerkResource {of('exact')}")),
        host("words.example", location(
            "/mcp", f"ClerkResource {of('words')}",
            r'ClerkResourceName "Ünser \"MCP\" \\ <server>"',
            "ClerkResourceDocumentation https://docs.example/a?b=c&d#e",
            "ClerkAuthorizationServers https://one.example "
            "https://two.example/tenant",
            "ClerkResourceScopes mcp:read profile")),
        host("issuer.example", location(
            "/mcp", f"ClerkResource {of('issuer')}",
            "ClerkIssuer https://issuer.example")),
        host("instance.example", location(
            "/mcp", f"ClerkResource {of('instance')}",
            "ClerkFrontendAPI https://clerk.example.net")),
        host("none.example", location("/mcp")),
        # not the module's to judge, and still a resource
        host("granted.example", location(
            "/mcp", f"ClerkResource {of('granted')}", require="all granted")),
    ]
    return "\n".join(parts)


def documents(server):
    server.write("docs/mcp/page.txt", PAGE)


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin), prepare=documents)


@pytest.fixture(scope="module")
def alone(serve, standin):
    """A server without virtual hosts, which any Host reaches."""
    return serve(introspection(standin)
                 + location("/mcp", f"ClerkResource {MAIN}",
                            require="clerk-scope mcp:read"))


def on(name, *headers):
    return [("Host", f"{name}.example"), *headers]


# Which document, and where.

@pytest.mark.parametrize("name", RESOURCES)
def test_the_forms_of_an_identifier(httpd, clerk, name):
    resource = RESOURCES[name]
    for path in {path_of(resource), DOCUMENT}:
        answer = httpd.get(path, headers=on(name))
        assert_document(answer, resource, [clerk.issuer])
    assert_unauthorized(httpd.get("/mcp/page", headers=on(name)),
                        metadata=well_known(resource))
    assert clerk.calls() == 0


def test_where_the_document_of_a_root_is():
    """What the others rely on, by RFC 9728 section 3.1."""
    base = "https://mcp.example.com"
    assert well_known(base) == well_known(base + "/") == base + DOCUMENT
    assert well_known(MAIN) == base + DOCUMENT + "/mcp"
    assert well_known(MAIN + "/") == base + DOCUMENT + "/mcp/"
    assert well_known(MAIN + "?x=1") == base + DOCUMENT + "/mcp?x=1"


@pytest.mark.parametrize("name", SECTIONS)
def test_the_section_that_sets_it(httpd, clerk, name):
    scopes = {"scopes_supported": ["mcp:read"]}
    for path in (f"{DOCUMENT}/mcp", DOCUMENT):
        answer = httpd.get(path, headers=on(name))
        assert_document(answer, of(name), [clerk.issuer], **scopes)
    assert_unauthorized(httpd.get("/mcp/page.txt", headers=on(name)),
                        scope="mcp:read", metadata=well_known(of(name)))


def test_two_resources_on_one_host(httpd, clerk):
    for path, scopes in (("a", None), ("b", ["mcp:read"])):
        resource = f"https://two.example/{path}"
        answer = httpd.get(f"{DOCUMENT}/{path}", headers=on("two"))
        assert_document(answer, resource, [clerk.issuer],
                        scopes_supported=scopes)
        challenged = httpd.get(f"/{path}/page", headers=on("two"))
        assert_unauthorized(challenged, metadata=well_known(resource),
                            scope=scopes and "mcp:read")
    assert httpd.get(DOCUMENT, headers=on("two")).status == 404


def test_a_root_beside_another(httpd, clerk):
    """The bare path is then the root's own."""
    answer = httpd.get(DOCUMENT, headers=on("rootand"))
    assert_document(answer, "https://rootand.example", [clerk.issuer])
    answer = httpd.get(f"{DOCUMENT}/b", headers=on("rootand"))
    assert_document(answer, "https://rootand.example/b", [clerk.issuer],
                    resource_name="B")


def test_two_locations_with_one_resource(httpd, clerk):
    for path in (f"{DOCUMENT}/mcp", DOCUMENT):
        answer = httpd.get(path, headers=on("same"))
        assert_document(answer, of("same"), [clerk.issuer],
                        scopes_supported=["profile"])


@pytest.mark.parametrize("name,paths", [
    ("server", ["/a/page", "/b/page"]),
    ("inherited", ["/mcp/page", "/mcp/inner/page"])])
def test_a_resource_that_sections_inherit(httpd, clerk, name, paths):
    for path in (f"{DOCUMENT}/mcp", DOCUMENT):
        assert_document(httpd.get(path, headers=on(name)), of(name),
                        [clerk.issuer])
    for path in paths:
        assert_unauthorized(httpd.get(path, headers=on(name)),
                            metadata=well_known(of(name)))


def test_each_host_has_its_own(httpd, clerk):
    for name in ("port", "deep", "two", "none", "exact"):
        answer = httpd.get(path_of(RESOURCES["deep"]), headers=on(name))
        assert answer.status == (200 if name == "deep" else 404), answer
    assert httpd.get(f"{DOCUMENT}/mcp").status == 404
    assert httpd.get(DOCUMENT).status == 404


def test_every_member(httpd):
    answer = httpd.get(DOCUMENT, headers=on("words"))
    assert_document(
        answer, of("words"),
        ["https://one.example", "https://two.example/tenant"],
        scopes_supported=["mcp:read", "profile"],
        resource_name='Ünser "MCP" \\ <server>',
        resource_documentation="https://docs.example/a?b=c&d#e")


@pytest.mark.parametrize("name,server", [
    ("issuer", "https://issuer.example"),
    ("instance", "https://clerk.example.net")])
def test_the_sections_own_issuer(httpd, name, server):
    answer = httpd.get(DOCUMENT, headers=on(name))
    assert_document(answer, of(name), [server])


def test_without_a_resource_there_is_nothing(httpd):
    for path in (DOCUMENT, f"{DOCUMENT}/mcp", f"{DOCUMENT}/"):
        assert httpd.get(path, headers=on("none")).status == 404
    assert_unauthorized(httpd.get("/mcp/page", headers=on("none")))


def test_a_resource_of_the_main_server_is_on_every_host(serve_once, clerk):
    """As its sections are."""
    server = serve_once("\n".join([
        introspection(clerk), location("/mcp", f"ClerkResource {MAIN}"),
        host("localhost"),
        host("more.example", location("/more", f"ClerkResource {of('more')}2",
                                      'ClerkResourceName "more"'))]))
    for headers in ([], on("more")):
        answer = server.get(f"{DOCUMENT}/mcp", headers=headers)
        assert_document(answer, MAIN, [clerk.issuer])
        assert_unauthorized(server.get("/mcp/page", headers=headers),
                            metadata=well_known(MAIN))
    assert_document(server.get(DOCUMENT), MAIN, [clerk.issuer])
    assert server.get(DOCUMENT, headers=on("more")).status == 404
    answer = server.get(f"{DOCUMENT}/mcp2", headers=on("more"))
    assert_document(answer, of("more") + "2", [clerk.issuer],
                    resource_name="more")
    assert server.get(f"{DOCUMENT}/mcp2").status == 404


@pytest.mark.parametrize("of_main", ["", f"ClerkResource {MAIN}"])
def test_a_host_has_its_own_before_that_of_the_main_server(serve_once, clerk,
                                                           of_main):
    """Also where only a file that is read later says who is to be let in."""
    def prepare(server):
        server.write("docs/ht/.htaccess",
                     "AuthType Clerk\nRequire valid-user\n")
        server.write("docs/ht/page.txt", PAGE)
    server = serve_once("\n".join([
        introspection(clerk), of_main, 'Alias "/ht" "${ROOT}/docs/ht"',
        '<Directory "${ROOT}/docs/ht">', "AllowOverride AuthConfig",
        "</Directory>", host("localhost"),
        host("own.example", f"ClerkResource {of('own')}2")]),
        prepare=prepare)
    for path in (DOCUMENT, f"{DOCUMENT}/mcp2"):
        answer = server.get(path, headers=on("own"))
        assert_document(answer, of("own") + "2", [clerk.issuer])
    assert server.get(f"{DOCUMENT}/mcp", headers=on("own")).status == 404
    assert_unauthorized(server.get("/ht/page.txt", headers=on("own")),
                        metadata=well_known(of("own") + "2"))


def test_a_location_that_is_open(httpd, clerk):
    answer = httpd.get(DOCUMENT, headers=on("granted"))
    assert_document(answer, of("granted"), [clerk.issuer])
    answer = httpd.get("/mcp/page", headers=on("granted"))
    assert answer.status == 200 and answer.text == PAGE
    assert_cors(answer)
    answer = httpd.request("OPTIONS", "/mcp/page",
                           headers=on("granted", *preflight()))
    assert_preflight(answer)


def test_a_restart_with_another_resource(serve_once, clerk):
    server = serve_once(introspection(clerk)
                        + location("/mcp", f"ClerkResource {MAIN}"))
    assert_document(server.get(DOCUMENT), MAIN, [clerk.issuer])
    server.conf = introspection(clerk) + location(
        "/mcp", f"ClerkResource {MAIN}/new", 'ClerkResourceName "new"')
    server.write_conf()
    server.reload()
    for path in (DOCUMENT, f"{DOCUMENT}/mcp/new"):
        assert_document(server.get(path), MAIN + "/new", [clerk.issuer],
                        resource_name="new")
    assert server.get(f"{DOCUMENT}/mcp").status == 404


# How it is asked for.

@pytest.mark.parametrize("path", [
    f"{DOCUMENT}/mcp", f"{DOCUMENT}/mcp/", DOCUMENT, f"{DOCUMENT}/",
    f"{DOCUMENT}/mcp?", f"{DOCUMENT}/mcp?a=b&resource=x", f"{DOCUMENT}?x",
    f"{DOCUMENT}/mcp/?x=/../", f"{DOCUMENT}/%6dcp",
    "/.well%2Dknown/oauth-protected-resource/mcp"])
def test_the_spellings_that_find_it(alone, clerk, path):
    for target in (path, f"http://anything.example{path}"):
        answer = alone.raw(f"GET {target} HTTP/1.1")
        assert_document(answer, MAIN, [clerk.issuer],
                        scopes_supported=["mcp:read"])


@pytest.mark.parametrize("path", [
    "/.Well-Known/oauth-protected-resource/mcp",
    "/.well-known/OAuth-Protected-Resource/mcp", f"{DOCUMENT}/MCP",
    f"{DOCUMENT}/mc", f"{DOCUMENT}/mcp2", f"{DOCUMENT}mcp",
    f"{DOCUMENT}/mcp/x", f"{DOCUMENT}%2Fmcp", f"{DOCUMENT}/mcp%2F",
    f"{DOCUMENT}/mcp;x", f"{DOCUMENT}/mcp%3Fx", f"{DOCUMENT}/mcp%20",
    f"/mcp{DOCUMENT}", f"/x{DOCUMENT}/mcp", f"{DOCUMENT}/mcp.json",
    f"{DOCUMENT}/%2e%2e", "/.well-known/", "/.well-known"])
def test_the_spellings_that_do_not(alone, path):
    answer = alone.raw(f"GET {path} HTTP/1.1")
    assert answer.status in (401, 403, 404), answer
    assert "authorization_servers" not in answer.text
    assert PAGE not in answer.text


@pytest.mark.parametrize("path", [
    f"{DOCUMENT}/mcp//", f"{DOCUMENT}//mcp", f"{DOCUMENT}//",
    f"/.well-known/{DOCUMENT[12:]}/mcp"])
def test_two_slashes_are_another_path(httpd, path):
    answer = httpd.raw(f"GET {path} HTTP/1.1", host="exact.example")
    assert answer.status == 404, answer


def test_head_answers_as_get(alone):
    get = alone.raw(f"GET {DOCUMENT}/mcp HTTP/1.1")
    head = alone.raw(f"HEAD {DOCUMENT}/mcp HTTP/1.1")
    assert head.status == 200 and head.body == b""

    def told(answer):
        return sorted((k, v) for k, v in answer.headers if k != "Date")
    assert told(head) == told(get)
    assert int(get.one("Content-Length")) == len(get.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH",
                                    "PROPFIND", "BREW"])
@pytest.mark.parametrize("body", [None, b"", b"payload" * 5000])
def test_other_methods_are_not_allowed(alone, method, body):
    connection = alone.connect()
    for path in (f"{DOCUMENT}/mcp", f"{DOCUMENT}/"):
        assert_not_allowed(connection.request(method, path, body=body))
        connection.close()
    connection.close()


def test_a_refused_body_does_not_become_a_request(alone):
    """What follows on the connection is read where it begins."""
    smuggled = b"GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = (f"POST {DOCUMENT} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Length: {len(smuggled)}\r\n\r\n")
    last = (f"GET {DOCUMENT} HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: close\r\n\r\n")
    received = exchange(alone.port, head.encode() + smuggled + last.encode())
    assert received.startswith(b"HTTP/1.1 405 "), received
    assert b"alive" not in received, received


def test_options(alone):
    answer = alone.request("OPTIONS", DOCUMENT, headers=preflight("GET"))
    assert_preflight(answer, "GET")
    answer = alone.request(
        "OPTIONS", f"{DOCUMENT}/mcp", headers=preflight(
            "GET", "mcp-protocol-version, x-other"))
    assert_preflight(answer, "GET", ["mcp-protocol-version", "x-other"])
    plain = alone.request("OPTIONS", DOCUMENT)
    assert plain.status in (200, 204), plain
    for origin in ([], [("Origin", "https://app.example")]):
        for method in ("GET", "HEAD", "POST"):
            assert_cors(alone.request(method, DOCUMENT, headers=origin))


@pytest.mark.parametrize("fields", [
    ["If-None-Match: *"], ["Range: bytes=0-3"], ["Range: bytes=99999-"],
    ["If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"],
    ["Accept: text/html;q=1, application/json;q=0"],
    ["Expect: 100-continue"], ["Upgrade: websocket", "Connection: Upgrade"],
    ["If-Match: \"x\""], ["Accept-Encoding: gzip"]])
def test_fields_that_ask_for_something_else(alone, fields):
    answer = alone.raw(f"GET {DOCUMENT} HTTP/1.1", *fields)
    assert answer.status in (200, 206, 304, 412, 416), answer
    assert answer.all("Location") == []


# What a request says changes nothing.

HOSTILE = [
    [], ["X-Forwarded-Host: evil.example"], ["X-Forwarded-Proto: http"],
    ["X-Forwarded-Prefix: /evil", "X-Forwarded-Port: 1"],
    ["Forwarded: host=evil.example;proto=http"],
    ["X-Original-URL: /evil", "X-Rewrite-URL: /evil"],
    ["X-Host: evil.example", "X-Forwarded-Server: evil.example"],
    ["Origin: https://evil.example", "Referer: https://evil.example/"],
    ["Accept-Language: xx", "User-Agent: \"'<script>"],
]
HOSTS = ["localhost", "evil.example", "evil.example:99", "127.0.0.1",
         "MCP.EXAMPLE.COM", "mcp.example.com.", "[::1]:80"]


@pytest.mark.parametrize("path", [DOCUMENT, f"{DOCUMENT}/mcp"])
def test_the_document_is_the_configurations(alone, path):
    seen = set()
    for target in (path, f"http://evil.example{path}",
                   f"https://evil.example:1{path}"):
        for fields in HOSTILE:
            for name in HOSTS:
                answer = alone.raw(f"GET {target} HTTP/1.1", *fields,
                                   host=name)
                seen.add((answer.status, answer.body, *[
                    v for k, v in answer.headers if k != "Date"]))
    assert len(seen) == 1, seen
    assert "evil" not in str(seen)


def test_over_http_2(serve_once, clerk):
    server = serve_once(
        introspection(clerk) + location("/mcp", f"ClerkResource {MAIN}"),
        frame="Protocols h2c http/1.1\nH2Direct on", modules=["http2"])
    with httpx.Client(http1=False, http2=True) as browser:
        answer = browser.get(server.url + DOCUMENT)
        assert answer.http_version == "HTTP/2" and answer.status_code == 200
        assert answer.json()["resource"] == MAIN
        assert answer.headers["access-control-allow-origin"] == "*"
        answer = browser.options(server.url + "/mcp/page",
                                 headers=dict(preflight()))
        assert answer.status_code == 204 and answer.content == b""
        assert answer.headers["access-control-allow-methods"] == "POST"
        answer = browser.get(server.url + "/mcp/page")
        assert answer.status_code == 401
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        assert well_known(MAIN) in answer.headers["www-authenticate"]


def test_the_oldest_of_clients(alone, clerk):
    answer = alone.raw(f"GET {DOCUMENT}/mcp HTTP/1.0")
    assert_document(answer, MAIN, [clerk.issuer],
                    scopes_supported=["mcp:read"])


@pytest.mark.parametrize("mpm", ["worker", "prefork"])
def test_other_mpms_and_a_restart(serve_once, clerk, mpm):
    server = serve_once(conf(clerk), mpm=mpm, prepare=documents)
    for _ in range(2):
        for name, resource in RESOURCES.items():
            answer = server.get(path_of(resource), headers=on(name))
            assert_document(answer, resource, [clerk.issuer])
        server.reload()
