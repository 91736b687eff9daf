"""Start-up: sections are judged together with all that surely apply with
them, in each server; what only a request can tell waits for one."""

import time

import pytest

from answers import assert_granted_cleanly, assert_unauthorized
from confs import instance, introspection, location, quoted
from httpd import PAGE

KEY = "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"            # clerk.example.com
SECRET = "sk_test_neverSaidByAnySection0123"
DOMAIN = f"ClerkDomain clerk.example.com\nClerkSecretKey {SECRET}\n"
KEYED = f"ClerkPublishableKey {KEY}\nClerkSecretKey {SECRET}\n"
MISSING = r"ClerkPublishableKey.*ClerkDomain"
CONTRADICTION = (r"ClerkPublishableKey.*clerk\.example\.com.*ClerkDomain.*"
                 r"other\.example\.org")


def section(opening, *lines):
    name = opening[1:].split()[0].rstrip(">")
    return "\n".join([opening, *lines, f"</{name}>", ""])


def host(*lines, name="v"):
    return section("<VirtualHost 127.0.0.1:1>", f"ServerName {name}", *lines)


@pytest.fixture
def configtest(serve_once, secret):
    secret(SECRET)

    def check(conf):
        status, said = serve_once(conf, start=False).configtest()
        assert SECRET not in said
        return status, said
    return check


INTROSPECTION = "ClerkVerifier introspection"
OTHER = "ClerkDomain other.example.org"
KEY2 = "pk_live_Y2xlcmsuZXhhbXBsZS5uZXQk"           # clerk.example.net
KEYED2 = f"ClerkPublishableKey {KEY2}\nClerkDomain clerk.example.net\n"
COOKIE = "ClerkTokenSource cookie cookie:second"
COOKIES = ("ClerkTokenSource.*session_token.*ClerkAcceptsToken.*"
           "header.*ClerkTokenSource")

ACCEPTED = {
    "a host completes a global section":
        location("/x") + host(DOMAIN),
    "one of two hosts does":
        location("/x") + host(DOMAIN) + host("", name="w"),
    "the other host says something else of Clerk":
        location("/x") + host(DOMAIN) + host("ClerkLeeway 1", name="w"),
    "one of two hosts has the verifier's credentials":
        location("/x", INTROSPECTION)
        + host(DOMAIN, "ClerkClientID a", "ClerkClientSecret b")
        + host(DOMAIN, name="w"),
    "a host's own section for its own domain":
        host("ClerkDomain other.example.org", location("/x")) + KEYED.replace(
            f"ClerkPublishableKey {KEY}", "ClerkDomain clerk.example.com"),
    "a section that nobody completes, but of another module":
        section('<Location "/x">', "AuthType Basic", "AuthName x",
                "ClerkLeeway 1"),
    "an inner section of another module":
        DOMAIN + location("/a") + section(
            '<Location "/a/b">', "AuthType Basic", INTROSPECTION),
    "a neighbour with a like name":
        DOMAIN + location("/a") + section('<Location "/ab">', INTROSPECTION),
    "an inner section without Clerk's instance":
        location("/a", *DOMAIN.splitlines())
        + section('<Location "/a/b">', "ClerkLeeway 1"),
    "an inner domain that agrees":
        KEYED + location("/a") + section(
            '<Location "/a/b">', "ClerkDomain CLERK.example.com"),
    "files":
        location("/x") + section('<Files "page.txt">', DOMAIN),
    "a condition": location("/x") + section('<If "true">', DOMAIN),
    "a pattern": location("/x") + section('<LocationMatch "^/x">', DOMAIN),
    "a pattern in a location":
        location("/x") + section('<Location ~ "^/x">', DOMAIN),
    "a directory": location("/x") + section(
        '<Directory "${ROOT}/docs">', DOMAIN),
    "files in a directory": location("/x") + section(
        '<Directory "${ROOT}/docs">', section('<Files "p*">', DOMAIN)),
    "credentials of two other sections":
        DOMAIN + location("/x", INTROSPECTION)
        + section('<If "true">', "ClerkClientID a")
        + section('<Files "p*">', "ClerkClientSecret b"),
    "a condition without the verifier":
        DOMAIN + location("/x", INTROSPECTION)
        + section('<If "%{QUERY_STRING} == \'x\'">', "ClerkVerifier auto"),
    "a condition with another domain":
        KEYED + location("/x", OTHER)
        + section('<If "true">', "ClerkDomain clerk.example.com"),
    "an inner condition that completes":
        DOMAIN + location("/x", INTROSPECTION, section(
            '<If "true">', "ClerkClientID a", "ClerkClientSecret b")),
    "the other condition overrides, too":
        section('<Location "/x">', "AuthType Clerk", "Require valid-user",
                "ClerkDomain clerk.example.com",
                section("<If \"%{QUERY_STRING} == 'a'\">", "ClerkLeeway 1"),
                section("<ElseIf \"%{QUERY_STRING} == 'b'\">", KEYED2),
                section("<Else>", KEYED2)),
    "two names of the server's, put right in one of two sections":
        KEYED + OTHER + "\n"
        + location("/a", "ClerkDomain clerk.example.com")
        + location("/b", KEYED2),
    "a condition in front of what it overrides":
        section('<Location "/x">', section('<If "true">', KEYED,
                                           "ClerkDomain clerk.example.com"),
                OTHER, "AuthType Clerk", "Require valid-user"),
    "a directory in front of its parent":
        section('<Directory "/srv/b">', KEYED,
                "ClerkDomain clerk.example.com")
        + section('<Directory "/srv">', OTHER, "AuthType Clerk",
                  "Require valid-user"),
    "a host's directory in front of its parent in the server":
        host(section('<Directory "/srv">', OTHER, "AuthType Clerk",
                     "Require valid-user"))
        + section('<Directory "/srv/b">', KEYED,
                  "ClerkDomain clerk.example.com"),
    "the server's verifier, with credentials in sections":
        DOMAIN.split("\n")[0] + f"\n{INTROSPECTION}\n" + location(
            "/x", "ClerkClientID a", "ClerkClientSecret b"),
    "the server's kind, with credentials in a section":
        DOMAIN.split("\n")[0] + "\nClerkAcceptsToken api_key\n"
        + location("/x", f"ClerkSecretKey {SECRET}"),
    "the server's verifier, with all else in a host":
        INTROSPECTION + "\n" + host(DOMAIN, "ClerkClientID a",
                                    "ClerkClientSecret b"),
    "the server's verifier, with credentials in a host's section":
        DOMAIN + INTROSPECTION + "\n" + host(location(
            "/x", "ClerkClientID a", "ClerkClientSecret b")) + host(name="w"),
    "the server's own two names, one overridden in a section":
        KEYED + OTHER + "\n" + location(
            "/x", "ClerkDomain clerk.example.com"),
    "the server's own two names, both overridden by patterns":
        f"ClerkPublishableKey {KEY}\n{OTHER}\n"
        + section('<LocationMatch "^/x">', f"ClerkPublishableKey {KEY2}")
        + section('<LocationMatch "x$">', "ClerkDomain clerk.example.net"),
    "the server's own two names, one overridden by a host":
        KEYED + OTHER + "\n" + host("ClerkDomain clerk.example.com",
                                    location("/x")),
    "no instance, and nobody who asks for one":
        "ClerkTimeout 3\nClerkVerifier introspection\n",
    "cookies where session tokens are taken":
        DOMAIN + COOKIE + "\n" + location(
            "/x", "ClerkAcceptsToken oauth_token session_token"),
    "cookies where any kind is taken":
        DOMAIN + location("/x", COOKIE, "ClerkAcceptsToken any"),
    "cookies and the header":
        DOMAIN + location("/x", "ClerkTokenSource cookie header"),
    "cookies at the server, nowhere asked for":
        DOMAIN + COOKIE + "\n",
    "cookies where another module asks":
        DOMAIN + section('<Location "/x">', "AuthType Basic", COOKIE),
    "cookies, and a condition that takes session tokens":
        DOMAIN + location("/x", COOKIE) + section(
            '<If "true">', "ClerkAcceptsToken session_token"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_or_may_be_complete(accepted, name):
    accepted(ACCEPTED[name])


REFUSED = {
    "nothing anywhere": (location("/x"), MISSING),
    "nothing in any host": (location("/x") + host(""), MISSING),
    "nothing in the host": (host(location("/x")), MISSING),
    "only another host's": (
        host(location("/x")) + host(DOMAIN, name="w"), MISSING),
    "an inner verifier": (
        DOMAIN + location("/a") + section('<Location "/a/b">',
                                          INTROSPECTION),
        "ClerkVerifier introspection.*ClerkClientSecret"),
    "an inner verifier in front of its outer section": (
        DOMAIN + section('<Location "/a/b">', INTROSPECTION)
        + location("/a"), "ClerkVerifier introspection"),
    "an inner verifier behind a slash": (
        DOMAIN + location("/a/") + section('<Location "/a/b">',
                                           INTROSPECTION),
        "ClerkVerifier introspection"),
    "a directory's verifier": (
        DOMAIN + section('<Directory "/srv">', "AuthType Clerk",
                         "Require valid-user")
        + section('<Directory "/srv/b">', INTROSPECTION),
        "ClerkVerifier introspection"),
    "files in a directory": (
        DOMAIN + section('<Directory "/srv">', "AuthType Clerk",
                         "Require valid-user",
                         section('<Files "x">', INTROSPECTION)),
        "ClerkVerifier introspection"),
    "a condition in a location": (
        DOMAIN + section('<Location "/a">', "AuthType Clerk",
                         "Require valid-user",
                         section('<If "true">', INTROSPECTION)),
        "ClerkVerifier introspection"),
    "an inner domain": (
        KEYED + location("/a") + section(
            '<Location "/a/b">', "ClerkDomain other.example.org"),
        CONTRADICTION),
    "an inner key": (
        "ClerkDomain other.example.org\n" + location("/a") + section(
            '<Location "/a/b">', f"ClerkPublishableKey {KEY}"),
        CONTRADICTION),
    "a host's domain": (
        KEYED + location("/x") + host("ClerkDomain other.example.org"),
        CONTRADICTION),
    "a host's domain and its own section": (
        KEYED + host("ClerkDomain other.example.org", location("/x")),
        CONTRADICTION),
    "one of two hosts": (
        KEYED + location("/x") + host("ClerkLeeway 1")
        + host("ClerkDomain other.example.org", name="w"), CONTRADICTION),
    "a host's key": (
        "ClerkDomain other.example.org\n" + location("/x")
        + host(f"ClerkPublishableKey {KEY}"), CONTRADICTION),
    "a host's own section in a global one": (
        DOMAIN + location("/a") + host(section('<Location "/a/b">',
                                               INTROSPECTION)),
        "ClerkVerifier introspection"),
    "a key that is accepted nowhere": (
        DOMAIN.splitlines()[0] + "\n" + location("/a") + section(
            '<Location "/a/b">', "ClerkAcceptsToken api_key"),
        "ClerkAcceptsToken api_key.*ClerkSecretKey"),
    "the server's own two names": (KEYED + OTHER, CONTRADICTION),
    "the server's own two names, in a place for .htaccess": (
        KEYED + OTHER + "\n" + section(
            '<Directory "/srv">', "AllowOverride AuthConfig"), CONTRADICTION),
    "the server's own two names, and a section about something else": (
        KEYED + OTHER + "\n" + section('<If "true">', "ClerkLeeway 1"),
        CONTRADICTION),
    "the host's own two names": (host(KEYED, OTHER), CONTRADICTION),
    "the server's name and the host's": (KEYED + host(OTHER), CONTRADICTION),
    "a host's two names, with a section of another host": (
        host(KEYED, OTHER) + host(DOMAIN, location(
            "/x", "ClerkDomain clerk.example.com"), name="w"), CONTRADICTION),
    "the server's verifier, without credentials anywhere": (
        DOMAIN + INTROSPECTION,
        "ClerkVerifier introspection.*ClerkClientSecret"),
    "the server's verifier, with other credentials in a section": (
        DOMAIN + INTROSPECTION + "\n" + section(
            '<If "true">', f"ClerkSecretKey {SECRET}"),
        "ClerkVerifier introspection"),
    "a condition in a location with another credential": (
        DOMAIN + location("/x", f"ClerkSecretKey {SECRET}", section(
            '<If "true">', INTROSPECTION)), "ClerkVerifier introspection"),
    "a condition in a location, in front of another credential": (
        DOMAIN + section('<Location "/x">', section(
            '<If "true">', INTROSPECTION), "AuthType Clerk",
            f"ClerkSecretKey {SECRET}"), "ClerkVerifier introspection"),
    "a pattern beside another credential": (
        DOMAIN + section('<LocationMatch "^/y">', "AuthType Clerk",
                         INTROSPECTION)
        + location("/x", f"ClerkSecretKey {SECRET}"),
        "ClerkVerifier introspection"),
    "a pattern beside half of the credentials": (
        DOMAIN + section('<LocationMatch "^/y">', "AuthType Clerk",
                         INTROSPECTION)
        + location("/x", "ClerkClientID a"), "ClerkVerifier introspection"),
    "a location beside a directory with another credential": (
        DOMAIN + location("/x", INTROSPECTION) + section(
            '<Directory "/srv">', f"ClerkSecretKey {SECRET}"),
        "ClerkVerifier introspection"),
    "a location that a directory comes too early to override": (
        DOMAIN + location("/x", INTROSPECTION) + section(
            '<Directory "/srv">', "ClerkVerifier jwks"),
        "ClerkVerifier introspection"),
    "a backend's key, where another has only the introspector's": (
        DOMAIN.split("\n")[0] + "\n" + location("/x", "ClerkVerifier backend")
        + section('<Files "p*">', "ClerkClientID a", "ClerkClientSecret b"),
        "ClerkVerifier backend.*ClerkSecretKey"),
    "cookies alone": (DOMAIN + location("/x", COOKIE), COOKIES),
    "cookies alone, and kinds that are not taken from one": (
        DOMAIN + location("/x", COOKIE,
                          "ClerkAcceptsToken oauth_token m2m_token api_key"),
        COOKIES),
    "the server's cookies": (DOMAIN + COOKIE + "\n" + location("/x"), COOKIES),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_right(refused, name):
    said = refused(*REFUSED[name])
    faults = [line for line in said.splitlines() if "Clerk" in line]
    assert len(faults) == 1, said


@pytest.mark.parametrize("missing", ["authz_core", "authn_core"])
@pytest.mark.parametrize("conf", [KEYED + location("/x"), ""],
                         ids=["used", "loaded"])
def test_without_httpds_own(refused, monkeypatch, missing, conf):
    import httpd
    monkeypatch.setattr(httpd, "BASE_MODULES", tuple(
        m for m in httpd.BASE_MODULES if m != missing))
    if missing == "authn_core":
        conf = conf.replace("    AuthType Clerk\n", "")
    refused(conf, f"mod_{missing}")


# At the request.

@pytest.fixture(scope="module")
def httpd(serve, standin):
    lines = introspection(standin).splitlines()
    path = "\"%{REQUEST_URI} =~ m#^/if/#\""
    return serve("\n".join([
        *[location(f"/{name}") for name in (
            "match", "tilde", "if", "files", "never")],
        section('<LocationMatch "^/match/">', *lines),
        section('<Location ~ "^/tilde/">', *lines),
        section(f"<If {path}>", *lines),
        section('<Files "alone.txt">', *lines),
        section("<If \"%{HTTP:X-With} == 'yes'\">", *lines),
        'Alias "/files/alone" "${ROOT}/docs/alone.txt"']),
        prepare=lambda server: server.write("docs/alone.txt", PAGE))


@pytest.mark.parametrize("path", [
    "/match/page", "/tilde/page", "/if/page", "/files/alone"])
def test_a_section_that_is_completed_works(httpd, clerk, path):
    for _ in range(3):
        assert_unauthorized(httpd.get(path))
        assert_granted_cleanly(httpd.get(path, token=clerk.mint()))


@pytest.mark.parametrize("path", ["/never/page", "/files/page"])
def test_one_that_is_not_says_what_it_lacks(httpd, clerk, path):
    time.sleep(1.1)             # one line a second
    httpd.expect_log(rf"\[auth_clerk:error\].*{MISSING}.*section /")
    for token in (None, clerk.mint(), "a b"):
        answer = httpd.get(path, token=token)
        assert answer.status == 500, answer
        assert PAGE not in answer.text
    assert clerk.calls() == 0


def test_a_host_completes_a_section_for_itself_alone(serve_once, clerk):
    server = serve_once(location("/x") + "".join(
        section("<VirtualHost *>", f"ServerName {name}", *lines)
        for name, lines in (("one", introspection(clerk).splitlines()),
                            ("two", []))))
    fields = [f"Authorization: Bearer {clerk.mint()}"]
    answer = server.raw("GET http://one/x/page HTTP/1.1", *fields)
    assert_granted_cleanly(answer)
    server.expect_log(rf"\[auth_clerk:error\].*{MISSING}")
    answer = server.raw("GET http://two/x/page HTTP/1.1", *fields)
    assert answer.status == 500 and PAGE not in answer.text


# .htaccess.

HTACCESS = {
    "plain": "AuthType Clerk\nRequire valid-user\n",
    "scope": "AuthType Clerk\nRequire clerk-scope mcp:read\n",
    "forbidden": "AuthType Clerk\nClerkPass none\nRequire valid-user\n",
    "credentials": f"ClerkSecretKey {SECRET}\n",
}


def documents(server):
    for name, text in HTACCESS.items():
        server.write(f"docs/ht/{name}/.htaccess", text)
        server.write(f"docs/ht/{name}/page.txt", PAGE)


@pytest.fixture(scope="module", params=[
    "", "ClerkSOCache shmcb", 'ClerkSOCache "shmcb:${ROOT}/run/c(512000)"',
    "host"])
def htaccess(request, serve, standin):
    """The instance is the server's; nothing else of Clerk's is anywhere."""
    line = request.param
    conf = (instance(standin) + f"ClerkClientID {standin.client_id}\n"
            f"ClerkClientSecret {quoted(standin.client_secret)}\n")
    if line == "host":
        conf = section("<VirtualHost *>", "ServerName v", conf)
        line = ""
    return serve(conf + line + "\n" + section(
        '<Directory "${ROOT}/docs/ht">', "AllowOverride AuthConfig"),
        prepare=documents, children=2)


def test_htaccess_is_cached(htaccess, clerk):
    token = clerk.mint(scopes=["mcp:read"])
    dead = clerk.mint()
    clerk.revoke(dead)
    for _ in range(6):
        for name in ("plain", "scope"):
            path = f"/ht/{name}/page.txt"
            assert_granted_cleanly(htaccess.get(path, token=token))
            assert htaccess.get(path, token=dead).status == 401
    assert clerk.calls() == 2
    poor = clerk.mint(scopes=["other"])
    assert htaccess.get("/ht/scope/page.txt", token=poor).status == 403


@pytest.mark.parametrize("name", ["forbidden", "credentials"])
def test_htaccess_says_nothing_of_clerk(htaccess, clerk, secret, name):
    secret(SECRET)
    htaccess.expect_log("Clerk(Pass|SecretKey) not allowed here")
    answer = htaccess.get(f"/ht/{name}/page.txt", token=clerk.mint())
    assert answer.status == 500, answer
    assert PAGE not in answer.text and SECRET not in answer.text
