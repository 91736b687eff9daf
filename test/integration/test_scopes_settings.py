"""Scopes that are required, that the challenge asks for, and that the
document advertises: three settings, each by default the one before."""

import pytest

from answers import (assert_granted_cleanly, assert_insufficient_scope,
                     assert_unauthorized, challenge)
from confs import host, introspection, location
from discovery import DOCUMENT, assert_document, well_known

NEEDS = "clerk-scope mcp:read mcp:write"
READ_WRITE = ["mcp:read", "mcp:write"]


def resource(name):
    return f"https://mcp.example.com/{name}"


# location -> (its lines, challenged, advertised); NEEDS is required
SETTINGS = {
    "defaults": ([], READ_WRITE, READ_WRITE),
    "less": (["ClerkChallengeScopes profile"], ["profile"], ["profile"]),
    "more": (["ClerkChallengeScopes mcp:read mcp:write email"],
             [*READ_WRITE, "email"], [*READ_WRITE, "email"]),
    "nochallenge": (["ClerkChallengeScopes none"], None, None),
    "advertised": (["ClerkResourceScopes a b c"], READ_WRITE,
                   ["a", "b", "c"]),
    "unadvertised": (["ClerkResourceScopes none"], READ_WRITE, None),
    "both": (["ClerkChallengeScopes profile", "ClerkResourceScopes c a"],
             ["profile"], ["c", "a"]),
    "neither": (["ClerkChallengeScopes none", "ClerkResourceScopes none"],
                None, None),
    "onlyadvertised": (["ClerkChallengeScopes none",
                        "ClerkResourceScopes mcp:read"], None, ["mcp:read"]),
    "urls": (["ClerkChallengeScopes https://scope.example/x user:org:read",
              "ClerkResourceScopes https://scope.example/x"],
             ["https://scope.example/x", "user:org:read"],
             ["https://scope.example/x"]),
}

# location -> (its lines, what they need by default)
REQUIRES = {
    "nothing": (["Require valid-user"], None),
    "twolines": (["Require clerk-scope b a", "Require clerk-scope c"],
                 ["b", "a", "c"]),
    "repeated": (["Require clerk-scope a b", "Require clerk-scope b a"],
                 ["a", "b"]),
    "all": (["<RequireAll>", "Require clerk-scope a", "Require valid-user",
             "Require clerk-scope b", "</RequireAll>"], ["a", "b"]),
    "not": (["<RequireAll>", "Require clerk-scope a",
             "Require not clerk-scope banned", "</RequireAll>"], ["a"]),
    "none": (["<RequireAll>", "Require clerk-scope a", "<RequireNone>",
              "Require clerk-scope banned", "</RequireNone>",
              "</RequireAll>"], ["a"]),
    "others": (["Require clerk-permission org:x:read",
                "Require clerk-role admin"], None),
}


def conf(clerk):
    parts = [introspection(clerk), host("localhost", *[
        location(f"/{name}", f"ClerkResource {resource(name)}", *lines,
                 require=NEEDS)
        for name, (lines, *_) in SETTINGS.items()])]
    parts.append(host("requires.example", *[
        location(f"/{name}", f"ClerkResource {resource(name)}", *lines,
                 require=None) for name, (lines, _) in REQUIRES.items()]))
    parts.append(host(
        "merged.example", "ClerkChallengeScopes outer",
        "ClerkResourceScopes outeradvertised",
        location("/outer", f"ClerkResource {resource('outer')}",
                 require=NEEDS),
        location("/inner", f"ClerkResource {resource('inner')}",
                 "ClerkChallengeScopes inner",
                 "ClerkResourceScopes inneradvertised", require=NEEDS),
        location("/none", f"ClerkResource {resource('none')}",
                 "ClerkChallengeScopes none", "ClerkResourceScopes none",
                 require=NEEDS)))
    parts.append(host(
        "shared.example", f"ClerkResource {resource('shared')}",
        "ClerkResourceScopes mcp:read mcp:write",
        location("/read", require="clerk-scope mcp:read"),
        location("/write", require="clerk-scope mcp:write"),
        location("/any", "ClerkChallengeScopes none")))
    parts.append(host(
        "limited.example", location(
            "/mcp", f"ClerkResource {resource('mcp')}", "<Limit POST>",
            "Require clerk-scope mcp:write", "</Limit>",
            "<LimitExcept POST>", "Require clerk-scope mcp:read",
            "</LimitExcept>", require=None)))
    parts.append(host(
        "nested.example",
        location("/mcp", f"ClerkResource {resource('mcp')}",
                 "ClerkResourceScopes mcp:read mcp:admin",
                 require="clerk-scope mcp:read"),
        '<Location "/mcp/admin">\nRequire clerk-scope mcp:admin\n'
        "</Location>",
        '<Location "/mcp/quiet">\nClerkChallengeScopes profile\n'
        "</Location>",
        '<Location "/mcp/both">\nAuthMerging And\n'
        "Require clerk-scope mcp:admin\n</Location>"))
    parts.append(host(
        "expression.example", location(
            "/mcp", f"ClerkResource {resource('mcp')}",
            'Require clerk-scope mcp:read "mcp:%{req:X-What}"',
            require=None)))
    parts.append(host("without.example", location(
        "/mcp", "ClerkChallengeScopes profile", require=NEEDS)))
    return "\n".join(parts)


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


@pytest.fixture
def ask(httpd, clerk):
    def request(name, path, *scopes, method="GET", headers=()):
        return httpd.request(
            method, path, headers=[("Host", f"{name}.example"), *headers],
            token=clerk.mint(scopes=list(scopes)) if scopes else None)
    return request


def scope(answer):
    """The challenge's scopes, in their order."""
    found = challenge(answer).get("scope")
    return found if found is None else found.split(" ")


def advertised(answer, expected, name, clerk):
    assert_document(answer, resource(name), [clerk.issuer],
                    scopes_supported=expected)


@pytest.mark.parametrize("name", SETTINGS)
def test_three_settings(httpd, clerk, name):
    _, challenged, supported = SETTINGS[name]
    metadata = well_known(resource(name))
    advertised(httpd.get(f"{DOCUMENT}/{name}"), supported, name, clerk)
    answer = httpd.get(f"/{name}/page")
    assert_unauthorized(answer, scope=challenged and " ".join(challenged),
                        metadata=metadata)
    assert scope(answer) == challenged
    dead = clerk.mint()
    clerk.revoke(dead)
    assert scope(httpd.get(f"/{name}/page", token=dead)) in (None, challenged)
    few = clerk.mint(scopes=["mcp:read", "profile"])
    answer = httpd.get(f"/{name}/page", token=few)
    assert_insufficient_scope(answer, " ".join(READ_WRITE), metadata=metadata)
    assert scope(answer) == READ_WRITE
    good = clerk.mint(scopes=READ_WRITE)
    assert_granted_cleanly(httpd.get(f"/{name}/page", token=good))


@pytest.mark.parametrize("name", REQUIRES)
def test_what_the_require_lines_name(ask, clerk, name):
    expected = REQUIRES[name][1]
    advertised(ask("requires", f"{DOCUMENT}/{name}"), expected, name, clerk)
    answer = ask("requires", f"/{name}/page")
    assert_unauthorized(answer, scope=expected and " ".join(expected),
                        metadata=well_known(resource(name)))
    assert scope(answer) == expected


@pytest.mark.parametrize("name,challenged,supported", [
    ("outer", ["outer"], ["outeradvertised"]),
    ("inner", ["inner"], ["inneradvertised"]),
    ("none", None, None)])
def test_they_merge_from_outer_to_inner(ask, clerk, name, challenged,
                                        supported):
    advertised(ask("merged", f"{DOCUMENT}/{name}"), supported, name, clerk)
    assert scope(ask("merged", f"/{name}/page")) == challenged
    answer = ask("merged", f"/{name}/page", "profile")
    assert_insufficient_scope(answer, " ".join(READ_WRITE),
                              metadata=well_known(resource(name)))


def test_several_locations_with_one_resource(ask, clerk):
    for path in (f"{DOCUMENT}/shared", DOCUMENT):
        advertised(ask("shared", path), READ_WRITE, "shared", clerk)
    for path, expected in (("/read", ["mcp:read"]), ("/write", ["mcp:write"]),
                           ("/any", None)):
        answer = ask("shared", f"{path}/page")
        assert scope(answer) == expected
        assert challenge(answer)["resource_metadata"] == well_known(
            resource("shared"))
    answer = ask("shared", "/write/page", "mcp:read")
    assert scope(answer) == ["mcp:write"] and answer.status == 403


def test_limit(ask, clerk):
    """The challenge is of the method; the document is of all of them."""
    answer = ask("limited", f"{DOCUMENT}/mcp")
    assert answer.status == 200, answer
    assert set(answer.json()["scopes_supported"]) == set(READ_WRITE)
    for method, needed, other in (("GET", "mcp:read", "mcp:write"),
                                  ("POST", "mcp:write", "mcp:read")):
        answer = ask("limited", "/mcp/page", method=method)
        assert scope(answer) == [needed]
        answer = ask("limited", "/mcp/page", other, method=method)
        assert_insufficient_scope(answer, needed,
                                  metadata=well_known(resource("mcp")))
        assert ask("limited", "/mcp/page", needed,
                   method=method).status == 200


def test_inner_sections_ask_for_their_own(ask, clerk):
    advertised(ask("nested", f"{DOCUMENT}/mcp"), ["mcp:read", "mcp:admin"],
               "mcp", clerk)
    for path, expected in (
            ("/mcp/page", ["mcp:read"]), ("/mcp/admin/x", ["mcp:admin"]),
            ("/mcp/quiet/x", ["profile"]),
            ("/mcp/both/x", ["mcp:read", "mcp:admin"])):
        answer = ask("nested", path)
        assert_unauthorized(answer, scope=" ".join(expected),
                            metadata=well_known(resource("mcp")))
    answer = ask("nested", "/mcp/quiet/x", "profile")
    assert_insufficient_scope(answer, "mcp:read",
                              metadata=well_known(resource("mcp")))


@pytest.mark.parametrize("what", ["read", "evil", 'x", realm="evil'])
def test_an_expression_is_in_neither_the_challenge_nor_the_document(
        ask, clerk, what):
    said = [("X-What", what)]
    advertised(ask("expression", f"{DOCUMENT}/mcp", headers=said),
               ["mcp:read"], "mcp", clerk)
    answer = ask("expression", "/mcp/page", headers=said)
    assert_unauthorized(answer, scope="mcp:read",
                        metadata=well_known(resource("mcp")))


def test_a_challenge_scope_without_a_resource(ask):
    answer = ask("without", "/mcp/page")
    assert_unauthorized(answer, scope="profile")
    assert ask("without", DOCUMENT).status == 404
