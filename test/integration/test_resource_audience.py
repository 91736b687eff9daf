"""Whose tokens a resource takes by default: those for it, those for this
server's own client, and those that name nobody."""

import pytest

from answers import assert_invalid_token
from confs import introspection, location
from discovery import well_known

RESOURCE = "https://mcp.example.com/mcp"
SLASHED = "https://mcp.example.com/slashed/"
ROOT = "https://mcp.example.com"
API = "https://api.example.com"
KINDS = ["opaque", "jwt"]


def conf(clerk):
    return "\n".join([
        introspection(clerk), "ClerkVerifier auto",
        location("/default", f"ClerkResource {RESOURCE}"),
        location("/slashed", f"ClerkResource {SLASHED}"),
        location("/root", f"ClerkResource {ROOT}"),
        location("/any", "ClerkResource https://mcp.example.com/any",
                 "ClerkAudience any"),
        location("/only", "ClerkResource https://mcp.example.com/only",
                 f"ClerkAudience {API}"),
        location("/ifpresent", "ClerkAudience if-present " + API,
                 "ClerkResource https://mcp.example.com/ifpresent"),
        location("/without"),
        location("/kinds", "ClerkResource https://mcp.example.com/kinds",
                 "ClerkAcceptsToken oauth_token session_token"),
        location("/kindsonly", f"ClerkAudience if-present {API}",
                 "ClerkResource https://mcp.example.com/kindsonly",
                 "ClerkAcceptsToken oauth_token session_token"),
        location("/outer", f"ClerkAudience {API}"),
        '<Location "/outer/page">\n'
        "ClerkResource https://mcp.example.com/outer\n</Location>",
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


@pytest.fixture
def status(httpd, clerk):
    """The answer to a token of a kind with this audience; None for none."""
    def ask(path, kind, audience, client="somebody else"):
        named = {} if audience is None else {"aud": audience}
        if kind == "opaque":
            token = clerk.mint(client_id=client, introspection=named)
        else:
            token = clerk.mint_jwt(client_id=client, claims={
                "aud": None, **named})
        answer = httpd.get(f"/{path}/page", token=token)
        if answer.status == 401:
            resource = {"default": RESOURCE, "slashed": SLASHED,
                        "root": ROOT}.get(
                            path, f"https://mcp.example.com/{path}")
            assert_invalid_token(answer, metadata=None if path == "without"
                                 else well_known(resource))
        return answer.status
    return ask


DEFAULT = [
    (None, 200), (RESOURCE, 200), ([RESOURCE], 200), (RESOURCE + "/", 200),
    ([API, RESOURCE], 200), ([RESOURCE, RESOURCE], 200),
    ([API, RESOURCE + "/"], 200),
    (RESOURCE + "//", 401), (API, 401), ([API], 401), ("", 401), ([], 401),
    ([""], 401), ("/", 401), (ROOT, 401), (ROOT + "/", 401),
    (RESOURCE + "2", 401), (RESOURCE + "/x", 401), (RESOURCE[:-1], 401),
    (RESOURCE + "?x", 401), (RESOURCE + "#x", 401), (" " + RESOURCE, 401),
    (RESOURCE.upper(), 401), ("https://MCP.example.com/mcp", 401),
    ("https://mcp.example.com:443/mcp", 401),
    ("http://mcp.example.com/mcp", 401), (f"{API} {RESOURCE}", 401),
    (7, 401), (True, 401), ({}, 401), ({"aud": RESOURCE}, 401),
    ([7], 401), ([RESOURCE, 7], 401), ([[RESOURCE]], 401),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("audience,expected", DEFAULT, ids=repr)
def test_the_default(status, kind, audience, expected):
    assert status("default", kind, audience) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_this_servers_client_is_an_audience_too(status, clerk, kind):
    assert status("default", kind, clerk.client_id) == 200
    assert status("default", kind, [API, clerk.client_id]) == 200
    assert status("default", kind, clerk.client_id[:-1]) == 401
    # if-present: whose client a token without an audience is, is not asked
    assert status("default", kind, None, client=clerk.client_id) == 200
    assert status("default", kind, API, client=clerk.client_id) == 401
    assert status("default", kind, "", client=clerk.client_id) == 401


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path,audience,expected", [
    ("slashed", SLASHED, 200), ("slashed", SLASHED[:-1], 200),
    ("slashed", SLASHED + "/", 401), ("root", ROOT, 200),
    ("root", ROOT + "/", 200), ("root", RESOURCE, 401),
    ("any", API, 200), ("any", None, 200),
    ("any", "https://mcp.example.com/any", 200),
    ("only", API, 200), ("only", None, 401),
    ("only", "https://mcp.example.com/only", 401),
    ("ifpresent", API, 200), ("ifpresent", None, 200),
    ("ifpresent", "https://mcp.example.com/ifpresent", 401),
    # what an outer section says is not replaced by the default of an inner
    ("outer", API, 200), ("outer", None, 401),
    ("outer", "https://mcp.example.com/outer", 401)])
def test_other_settings(status, kind, path, audience, expected):
    assert status(path, kind, audience) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_resource_the_client_is_the_audience(status, clerk, kind):
    assert status("without", kind, None) == 401
    assert status("without", kind, None, client=clerk.client_id) == 200
    assert status("without", kind, clerk.client_id) == 200


@pytest.mark.parametrize("audience,default,written", [
    (None, 200, 200), ("https://elsewhere.example", 200, 401),
    (API, 200, 200)])
def test_the_default_binds_oauth_tokens_alone(httpd, clerk, audience, default,
                                              written):
    named = {"aud": audience} if audience else {}
    token = clerk.mint_jwt("session_token", claims=named)
    assert httpd.get("/kinds/page", token=token).status == default
    assert httpd.get("/kindsonly/page", token=token).status == written


@pytest.mark.parametrize("kind", KINDS)
def test_one_token_at_two_resources(httpd, clerk, kind):
    """What one has let in, the other has not."""
    named = {"aud": RESOURCE}
    token = (clerk.mint(introspection=named) if kind == "opaque"
             else clerk.mint_jwt(claims=named))
    for path, expected in (("default", 200), ("slashed", 401), ("any", 200),
                           ("only", 401), ("default", 200)):
        answer = httpd.get(f"/{path}/page", token=token)
        assert answer.status == expected, (path, answer)
