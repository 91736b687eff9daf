"""Start-up: the values of the directives about a protected resource, and
resources that contradict each other."""

import re

import pytest

from confs import location

SECRET = "sk_test_neverSaidByAResource01"
WHOLE = ("ClerkDomain clerk.example.com\n"
         f"ClerkSecretKey {SECRET}\n")
RESOURCE = "https://mcp.example.com/mcp"


@pytest.fixture
def configtest(serve_once, secret):
    secret(SECRET)

    def check(conf):
        status, said = serve_once(WHOLE + conf, start=False).configtest()
        assert SECRET not in said
        return status, said
    return check


def at(path, *lines, **how):
    return location(path, f"ClerkResource {RESOURCE}", *lines, **how)


def host(*parts, name="v.example"):
    return (f"<VirtualHost 127.0.0.1:1>\nServerName {name}\n"
            + "\n".join(parts) + "\n</VirtualHost>\n")


# Values.

GOOD = {
    "ClerkResource": [
        RESOURCE, "https://mcp.example.com", "https://mcp.example.com/",
        "https://mcp.example.com:8443/a/b", "http://127.0.0.1:8080/mcp",
        "http://localhost:3000", "http://[::1]:8080/mcp",
        "https://[2001:db8::1]/mcp", "https://mcp.example.com/a%20b",
        "https://mcp.example.com/mcp?tenant=1", "https://10.0.0.1/mcp"],
    "ClerkChallengeScopes": ["none", "a", "a b c", "https://x.example/y",
                             "user:org:read"],
    "ClerkResourceScopes": ["none", "a", "a b c"],
    "ClerkResourceName": ["x", '"An MCP server"', '"Größe"'],
    "ClerkResourceDocumentation": ["https://docs.example/a?b#c"],
    "ClerkAuthorizationServers": [
        "https://a.example", "https://a.example https://b.example/tenant",
        "http://127.0.0.1:1"],
    "ClerkAuthorizationServerMetadata": ["On", "Off", "on"],
    "ClerkCORS": ["On", "Off", "off", "https://app.example",
                  "https://app.example http://localhost:6274",
                  "https://app.example:8443"],
}

BAD = {
    "ClerkResource": [
        "http://mcp.example.com/mcp", "http://10.0.0.1/mcp", "/mcp",
        "mcp.example.com/mcp", "mcp", "https://", "https:///mcp",
        "https:mcp.example.com", "https://mcp.example.com/mcp#x",
        "https://mcp.example.com/mcp#", "https://user@mcp.example.com/mcp",
        "https://user:word@mcp.example.com/mcp",
        "http://127.0.0.1@evil.example/", "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/", "ftp://mcp.example.com/mcp",
        "https://mcp.example.com:99999/mcp", "https://mcp.example.com:x/mcp",
        '"https://mcp.example.com/a b"', '"https://mcp.example.com/\\"x"',
        "https://mcp.example.com/a\tb", "https://mcp.example.com/mcp\x7f",
        "https://mcp.exämple.com/mcp", "https://mcp.example.com/ü",
        '""', '" "', "https://mcp.example.com/mcp extra", "none", "On"],
    "ClerkChallengeScopes": ["", '""', '"a b"', "none a", "a none",
                             '"a\\"b"', "a\\\\b", "ä", '"a\x7f"'],
    "ClerkResourceScopes": ["", '""', '"a b"', "none a", "a none", "ä"],
    "ClerkResourceName": ["", "two words"],
    "ClerkResourceDocumentation": ["", '""', "docs", "javascript:alert(1)",
                                   "https://"],
    "ClerkAuthorizationServers": [
        "", '""', "http://a.example", "a.example", "https://a.example#x",
        "https://a.example https://", "https://u@a.example"],
    "ClerkAuthorizationServerMetadata": ["", "maybe"],
    "ClerkCORS": ["", '""', "maybe", "On Off", "On https://app.example",
                  "https://app.example Off", "https://app.example/",
                  "https://app.example/x", "app.example", "*", "https://",
                  "https://*.example.com", "https://u@app.example"],
}


def pairs(values):
    return [(name, value) for name, list_ in values.items()
            for value in list_]


@pytest.mark.parametrize("name,value", pairs(GOOD))
def test_what_is_accepted(accepted, name, value):
    lines = [f"{name} {value}"]
    if name != "ClerkResource":
        lines.append(f"ClerkResource {RESOURCE}")
    accepted(location("/x", *lines))
    accepted(location("/x", lines[0]))
    accepted(f"{name} {value}\n" + location("/x"))


@pytest.mark.parametrize("name,value", pairs(BAD), ids=repr)
def test_what_is_not(refused, name, value):
    lines = [f"{name} {value}"]
    if name != "ClerkResource":
        lines.append(f"ClerkResource {RESOURCE}")
    said = refused(location("/x", *lines), name)
    assert "word@" not in said, "it repeats a password"
    refused(f"{name} {value}\n" + location("/x"), name)


def test_the_sentence_says_what_is_accepted(refused):
    refused(location("/x", "ClerkResource http://mcp.example.com"),
            "https://", "loopback|127", r"http://mcp\.example\.com")
    refused(location("/x", "ClerkResource https://mcp.example.com/#x"),
            "fragment|#")
    refused(location("/x", "ClerkCORS maybe"), "On", "Off", "origin", "maybe")


@pytest.mark.parametrize("name", GOOD)
def test_none_of_them_in_htaccess(serve_once, name):
    conf = ('<Directory "${ROOT}/docs/ht">\nAllowOverride All\n'
            "</Directory>\n")

    def write(server):
        server.write("docs/ht/.htaccess", f"{name} {GOOD[name][0]}\n")
        server.write("docs/ht/page.txt", "text\n")
    server = serve_once(conf, prepare=write)
    server.expect_log(rf"{name} not allowed here")
    assert server.get("/ht/page.txt").status == 500


# Contradictions.

DIFFERENCES = {
    "scopes": ["ClerkResourceScopes other"],
    "no scopes": ["ClerkResourceScopes none"],
    "challenged scopes": ["ClerkChallengeScopes other"],
    "a name": ['ClerkResourceName "other"'],
    "documentation": ["ClerkResourceDocumentation https://docs.example/"],
    "servers": ["ClerkAuthorizationServers https://other.example"],
    "an issuer": ["ClerkIssuer https://other.example"],
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_one_resource_with_two_contents(refused, accepted, name):
    other = DIFFERENCES[name]
    scope = {"require": "clerk-scope a"}
    names = (r"ClerkResource", re.escape(RESOURCE))
    refused(at("/a", **scope) + at("/b", *other, **scope), *names)
    refused(host(at("/a", **scope), at("/b", *other, **scope)), *names)
    refused(host(at("/a", **scope), f'<Directory "${{ROOT}}/docs">\n'
                 f"ClerkResource {RESOURCE}\nAuthType Clerk\n"
                 + "\n".join(other) + "\nRequire clerk-scope a\n"
                 "</Directory>"), *names)
    # the same content, or on another host
    accepted(at("/a", *other, **scope) + at("/b", *other, **scope))
    accepted(host(at("/a", **scope))
             + host(at("/b", *other, **scope), name="w.example"))


def test_two_requirements_for_one_resource(refused, accepted):
    a, b = ({"require": f"clerk-scope {s}"} for s in "ab")
    refused(at("/a", **a) + at("/b", **b), "ClerkResource",
            re.escape(RESOURCE))
    accepted(at("/a", **a) + at("/b", **a))
    for line in ("ClerkResourceScopes a b", "ClerkChallengeScopes a",
                 "ClerkResourceScopes none"):
        accepted(at("/a", line, **a) + at("/b", line, **b))
    accepted(f"ClerkResource {RESOURCE}\nClerkResourceScopes a b\n"
             + location("/a", **a) + location("/b", **b))


def test_an_inner_section_that_requires_more(accepted):
    """As one tool of a server may: there is still one document."""
    inner = ['<If "%{HTTP:Mcp-Method} == \'tools/call\'">',
             "Require clerk-scope b", "</If>"]
    accepted(at("/a", *inner, require="clerk-scope a"))
    accepted(at("/a", require="clerk-scope a")
             + '<Location "/a/b">\nRequire clerk-scope b\n</Location>\n')


def test_resources_that_differ_are_two(accepted):
    for other in ("https://mcp.example.com/mcp2", "https://mcp.example.com"):
        accepted(at("/a", require="clerk-scope a")
                 + location("/b", f"ClerkResource {other}",
                            require="clerk-scope b"))


@pytest.mark.parametrize("one,other", [
    (RESOURCE, "https://other.example/mcp"), (RESOURCE, RESOURCE + "/"),
    (RESOURCE, RESOURCE + "?tenant=1"),
    ("https://mcp.example.com", "https://mcp.example.com/"),
    ("https://a.example/", "https://b.example/")])
def test_two_resources_at_one_path(refused, one, other):
    """On one virtual host only one of them could be told."""
    conf = (location("/a", f"ClerkResource {one}")
            + location("/b", f"ClerkResource {other}"))
    refused(conf, "ClerkResource", re.escape(one), re.escape(other))
    refused(host(conf), "ClerkResource")


def test_the_sentence_for_resources_of_two_hosts(refused):
    """It is not about scopes and names, on which they need not agree."""
    one, other = "https://a.example/mcp", "https://b.example/mcp"
    pair = [location("/a", f"ClerkResource {one}", require="clerk-scope x"),
            location("/b", f"ClerkResource {other}")]
    for parts in (pair, pair[::-1]):
        said = refused("".join(parts), re.escape(one), re.escape(other),
                       "same path", "virtual host of its own")
        assert "ClerkResourceScopes" not in said, said
        refused(host(*parts), "virtual host of its own")
    said = refused(at("/a") + at("/b", 'ClerkResourceName "other"'),
                   "two sections", "ClerkResourceName")
    assert "virtual host of its own" not in said, said


# What is accepted, and deserves a word.

IDLE = "no effect without ClerkResource"
OPEN = "ClerkResource is set where AuthType Clerk is not"
UNPROTECTED = f'<Location "/x">\nClerkResource {RESOURCE}\n</Location>\n'
BASIC = "AuthType Basic\nAuthName stock\nRequire valid-user\n"


@pytest.mark.parametrize("line", [
    "ClerkResourceName x", "ClerkResourceDocumentation https://d.example/",
    "ClerkResourceScopes a", "ClerkResourceScopes none",
    "ClerkAuthorizationServers https://a.example",
    "ClerkAuthorizationServerMetadata On"])
def test_what_is_said_of_no_resource(configtest, line):
    for conf in (location("/x", line), host(location("/x", line)),
                 f'<Directory "/x">\n{line}\n</Directory>\n'):
        status, said = configtest(conf)
        assert status == 0 and said.count(IDLE) == 1, said
        assert re.search(r"section /x/?, .*:\d+\)", said), said


@pytest.mark.parametrize("conf", [
    at("/x", "ClerkResourceName x"),
    at("/x") + location("/x/y", "ClerkResourceName x"),
    f"ClerkResource {RESOURCE}\n" + location("/x", "ClerkResourceName x"),
    host(f"ClerkResource {RESOURCE}", location("/x", "ClerkResourceName x")),
    "ClerkResourceName x\n" + at("/x"),
    location("/x", "ClerkAuthorizationServerMetadata Off", "ClerkCORS On",
             "ClerkChallengeScopes a"),
    location("/x")])
def test_nothing_is_said_of_what_counts(configtest, conf):
    status, said = configtest(conf)
    assert status == 0 and "effect" not in said and OPEN not in said, said


def test_a_resource_that_is_not_protected(configtest):
    """It is published as if it were."""
    basic = UNPROTECTED.replace("</", BASIC + "</")
    for conf in (UNPROTECTED, host(UNPROTECTED), basic,
                 '<Directory "/x">\nClerkResource https://m.example/\n'
                 "</Directory>\n"):
        status, said = configtest(conf)
        assert status == 0 and said.count(OPEN) == 1, said
        assert re.search(r"section /x/?, .*:\d+\)", said), said


@pytest.mark.parametrize("conf", [
    at("/x"), at("/x", require="all granted"), host(at("/x")),
    '<Location "/">\nAuthType Clerk\nRequire valid-user\n</Location>\n'
    + UNPROTECTED,
    f"ClerkResource {RESOURCE}\n" + location("/x")])
def test_nothing_is_said_of_one_that_is(configtest, conf):
    status, said = configtest(conf)
    assert status == 0 and OPEN not in said, said


def test_once_for_all_virtual_hosts(configtest):
    """Not once more for each that a section of the main server is in."""
    hosts = "".join(host(name=f"{n}.example") for n in "abc")
    status, said = configtest(UNPROTECTED + hosts
                              + location("/y", "ClerkResourceName x"))
    assert status == 0, said
    assert said.count(OPEN) == 1 and said.count(IDLE) == 1, said


def test_a_resource_needs_a_clerk(serve_once):
    status, said = serve_once(at("/x"), start=False).configtest()
    assert status != 0
    assert re.search("ClerkPublishableKey.*ClerkDomain", said), said
