"""Who is let in: the clerk-… lines, alone and with httpd's own."""

import base64

import pytest

from answers import (assert_forbidden, assert_granted_cleanly,
                     assert_insufficient_scope, assert_invalid_request,
                     assert_invalid_token, assert_unauthorized)
from confs import introspection, location
from httpd import PAGE

USER = "user_2abcdefghijklmnopqrstuvwxyz"
OTHER = "user_2otherotherotherotherother"
CLIENT = "https://client.example.com/oauth/client-metadata.json"

# name of a location -> the lines that say who may enter
LINES = {
    "valid": ["Require valid-user"],
    "user": [f"Require user {OTHER} {USER}"],
    "notuser": [f"Require user {OTHER}"],
    "clerkuser": [f"Require clerk-user {OTHER} {USER}"],
    "notclerkuser": [f"Require clerk-user {OTHER}"],
    "client": [f"Require clerk-client other {CLIENT}"],
    "notclient": ["Require clerk-client other"],
    "kind": ["Require clerk-token-type api_key oauth_token"],
    "notkind": ["Require clerk-token-type api_key session_token"],
    "scope": ["Require clerk-scope profile user:org:read"],
    "scopeanduser": ["<RequireAll>", "Require clerk-scope mcp:read",
                     f"Require clerk-user {USER}", "</RequireAll>"],
    "scopeandother": ["<RequireAll>", "Require clerk-scope mcp:read",
                      f"Require clerk-user {OTHER}", "</RequireAll>"],
    "scopeoruser": ["<RequireAny>", "Require clerk-scope mcp:read",
                    f"Require clerk-user {USER}", "</RequireAny>"],
    "scopeorother": ["<RequireAny>", "Require clerk-scope mcp:read",
                     f"Require clerk-user {OTHER}", "</RequireAny>"],
    "scopeorscope": ["<RequireAny>", "Require clerk-scope mcp:read",
                     "Require clerk-scope mcp:write", "</RequireAny>"],
    "nested": ["<RequireAll>", "Require valid-user", "<RequireAny>",
               "Require clerk-scope mcp:read", "<RequireAll>",
               "Require clerk-scope mcp:write mcp:admin",
               f"Require clerk-user {OTHER}", "</RequireAll>",
               "</RequireAny>", "</RequireAll>"],
    "notscope": ["<RequireAll>", "Require valid-user",
                 "Require not clerk-scope suspended", "</RequireAll>"],
    "notscopebut": ["<RequireAll>", "Require clerk-scope mcp:read",
                    "Require not clerk-scope suspended", "</RequireAll>"],
    "noneof": ["<RequireAll>", "Require valid-user", "<RequireNone>",
               f"Require clerk-user {OTHER}",
               "Require clerk-client blocked", "</RequireNone>",
               "</RequireAll>"],
    "denied": ["<RequireAll>", "Require clerk-scope mcp:read",
               "Require all denied", "</RequireAll>"],
    "orip": ["<RequireAny>", "Require clerk-scope mcp:read",
             "Require ip 127.0.0.1", "</RequireAny>"],
    "orfarip": ["<RequireAny>", "Require clerk-scope mcp:read",
                "Require ip 192.0.2.1", "</RequireAny>"],
    "andip": ["<RequireAll>", "Require clerk-scope mcp:read",
              "Require ip 127.0.0.1", "</RequireAll>"],
    "andfarip": ["<RequireAll>", "Require clerk-scope mcp:read",
                 "Require ip 192.0.2.1", "</RequireAll>"],
    "orall": ["<RequireAny>", "Require all granted",
              "Require clerk-scope mcp:read", "</RequireAny>"],
    "orenv": ["<RequireAny>", "Require clerk-scope mcp:read",
              "Require env open", "</RequireAny>"],
    "method": ["<RequireAny>", "Require method GET",
               "Require clerk-scope mcp:write", "</RequireAny>"],
    "expression": ["Require clerk-user %{req:X-Who}"],
    "exprscope": ['Require clerk-scope "mcp:%{req:X-What}"'],
    "exprclient": ["Require clerk-client %{reqenv:CLIENT}"],
    "spaces": ['Require clerk-user "admin 1" other'],
    "loose": ["Require clerk-user admin1"],
    "exactscope": ["Require clerk-scope admin1"],
}


def conf(clerk):
    parts = [introspection(clerk), "ClerkAudience any\n",
             'SetEnvIf X-Open "^yes$" open\n'
             f'SetEnvIf X-Client "^known$" CLIENT={CLIENT}\n']
    parts += [location(f"/{name}", *lines, require=None)
              for name, lines in LINES.items()]
    for switch in ("On", "Off"):
        parts.append(location(f"/forbid{switch.lower()}",
                              f"AuthzSendForbiddenOnFailure {switch}",
                              "Require clerk-scope mcp:read", require=None))
        parts.append(location(f"/forbidother{switch.lower()}",
                              f"AuthzSendForbiddenOnFailure {switch}",
                              f"Require clerk-user {OTHER}", require=None))
    parts.append(BASIC)
    return "".join(parts)


BASIC = f"""
<Location "/basic">
    AuthType Basic
    AuthName "stock"
    AuthUserFile "${{ROOT}}/secrets/users"
    <RequireAny>
        Require clerk-user {USER} jane
        Require clerk-token-type oauth_token
        Require clerk-client {CLIENT}
        Require clerk-scope profile
    </RequireAny>
</Location>
<Location "/basicvalid">
    AuthType Basic
    AuthName "stock"
    AuthUserFile "${{ROOT}}/secrets/users"
    Require valid-user
</Location>
<Location "/none">
    AuthType None
    Require clerk-user {USER}
</Location>
"""


def users(server):
    digest = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="  # of "password"
    server.write("secrets/users", f"jane:{digest}\n{USER}:{digest}\n")


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin), prepare=users,
                 modules=["auth_basic", "authn_file"])


@pytest.fixture
def get(httpd, clerk):
    def request(name, *, headers=(), method="GET", **wish):
        wish.setdefault("subject", USER)
        wish.setdefault("client_id", CLIENT)
        return httpd.request(method, f"/{name}/page", headers=headers,
                             token=clerk.mint(**wish))
    return request


GRANTED = ["valid", "user", "clerkuser", "client", "kind", "scopeoruser",
           "notscope", "noneof", "orip", "orall"]


@pytest.mark.parametrize("name", GRANTED)
def test_granted(get, name):
    answer = get(name)
    assert_granted_cleanly(answer)
    assert answer.text == PAGE


PLAIN_403 = ["notuser", "notclerkuser", "notclient", "notkind",
             "scopeandother"]


@pytest.mark.parametrize("name", PLAIN_403)
@pytest.mark.parametrize("scopes", [["profile"], ["profile", "mcp:read"]])
def test_refused_for_what_no_scope_could_mend(get, name, scopes):
    assert_forbidden(get(name, scopes=scopes))


NEEDS = {
    "scope": "profile user:org:read",
    "scopeanduser": "mcp:read",
    "scopeorother": "mcp:read",
    "scopeorscope": "mcp:read mcp:write",
    "notscopebut": "mcp:read",
    "orfarip": "mcp:read",
    "andip": "mcp:read",
    "orenv": "mcp:read",
}


@pytest.mark.parametrize("name", NEEDS)
def test_a_scope_would_mend_it(get, name):
    assert_insufficient_scope(get(name, scopes=["profile"]), NEEDS[name])


def test_a_scope_would_mend_a_nested_section(get):
    answer = get("nested", scopes=["profile"])
    assert_insufficient_scope(answer, "mcp:read mcp:write mcp:admin")


@pytest.mark.parametrize("name,scopes", [
    ("scope", ["user:org:read", "profile"]),
    ("scope", ["a", "profile", "b", "user:org:read", "c"]),
    ("scopeanduser", ["mcp:read"]), ("scopeorscope", ["mcp:write"]),
    ("scopeorother", ["mcp:read"]), ("nested", ["mcp:read"]),
    ("notscopebut", ["mcp:read"]), ("andip", ["mcp:read"]),
    ("orfarip", ["mcp:read"]), ("orenv", ["mcp:read"])])
def test_the_scopes_are_there(get, name, scopes):
    assert_granted_cleanly(get(name, scopes=scopes))


@pytest.mark.parametrize("name", ["notscope", "notscopebut"])
def test_a_scope_that_must_not_be_there(get, name):
    """A new token without it would do, but no challenge can ask for that."""
    assert_forbidden(get(name, scopes=["mcp:read", "suspended"]))


@pytest.mark.parametrize("wish", [{"subject": OTHER},
                                  {"client_id": "blocked"}])
def test_none_of_these(get, wish):
    assert_forbidden(get("noneof", **wish))


@pytest.mark.parametrize("scopes", [
    ["PROFILE", "user:org:read"], ["profile"], ["profile user"],
    ["profiles", "user:org:read"], ["profile", "user:org"], [],
    ["profile", "user:org:read2"], ["profile,user:org:read"]])
def test_scopes_are_compared_exactly_and_all(get, scopes):
    assert_insufficient_scope(get("scope", scopes=scopes),
                              "profile user:org:read")


LOOSE = ["admin 1", " admin1", "admin1 ", "ADMIN1", "admin", "admin11",
         "admin1\t", "user_admin1", ""]


@pytest.mark.parametrize("subject", LOOSE)
def test_subjects_are_compared_exactly(httpd, clerk, subject):
    answer = httpd.get("/loose/page", token=clerk.mint(subject=subject))
    if subject == "":
        assert_invalid_token(answer)
    else:
        assert_forbidden(answer)


def test_the_exact_subject_is_let_in(httpd, clerk):
    for name, subject in (("loose", "admin1"), ("spaces", "admin 1"),
                          ("spaces", "other")):
        token = clerk.mint(subject=subject)
        assert_granted_cleanly(httpd.get(f"/{name}/page", token=token))
    for subject in ("admin", "1", "admin 1 other", "admin1"):
        token = clerk.mint(subject=subject)
        assert_forbidden(httpd.get("/spaces/page", token=token))


@pytest.mark.parametrize("scope", ["admin 1", "ADMIN1", "admin", "admin11"])
def test_no_scope_is_loosely_equal(get, scope):
    assert_insufficient_scope(get("exactscope", scopes=[scope]), "admin1")


# Expressions.

def test_an_expression_names_the_user(get):
    assert_granted_cleanly(get("expression", headers=[("X-Who", USER)]))
    assert_forbidden(get("expression", headers=[("X-Who", OTHER)]))


@pytest.mark.parametrize("headers", [[], [("X-Who", "")]])
def test_an_empty_expression_names_nobody(get, httpd, clerk, headers):
    assert_forbidden(get("expression", headers=headers))


def test_an_expression_names_the_scope(get):
    read = [("X-What", "read")]
    assert_granted_cleanly(get("exprscope", headers=read,
                               scopes=["mcp:read"]))
    answer = get("exprscope", headers=read, scopes=["mcp:write"])
    assert answer.status == 403, answer
    assert "X-What" not in answer.text


def test_an_expression_names_the_client(get):
    assert_granted_cleanly(get("exprclient", headers=[("X-Client", "known")]))
    assert_forbidden(get("exprclient"))


# Without a token, and other ways in.

ASKS = sorted(set(LINES) - {"orip", "orall", "method", "denied", "andfarip"})


@pytest.mark.parametrize("name", ASKS)
def test_without_a_token_one_is_asked_for(httpd, clerk, name):
    answer = httpd.get(f"/{name}/page")
    assert answer.status == 401, answer
    assert clerk.calls() == 0


@pytest.mark.parametrize("name", ["denied", "andfarip"])
def test_where_no_token_would_help_httpd_says_so_first(httpd, get, name):
    httpd.expect_log("AH01630: client denied")
    for answer in (httpd.get(f"/{name}/page"),
                   get(name, scopes=["mcp:read"])):
        assert answer.status == 403, answer
        assert answer.all("WWW-Authenticate") == [], answer
        assert PAGE not in answer.text


@pytest.mark.parametrize("name", ["orip", "orall", "method"])
def test_another_way_in_needs_no_token(httpd, clerk, name):
    assert_granted_cleanly(httpd.get(f"/{name}/page"))
    assert clerk.calls() == 0


def test_the_environment_opens_it(httpd):
    answer = httpd.get("/orenv/page", headers=[("X-Open", "yes")])
    assert_granted_cleanly(answer)


@pytest.mark.parametrize("name", ["orip", "orall"])
@pytest.mark.parametrize("field", ["Bearer oat_bad", "Basic dTpw", ""])
def test_what_is_open_stays_open_whatever_is_sent(httpd, name, field):
    """httpd asks for nobody where somebody unknown is let in."""
    headers = [("Authorization", field)]
    answer = httpd.get(f"/{name}/page", headers=headers)
    assert_granted_cleanly(answer)


def test_methods_differ(httpd, get):
    denied = httpd.request("POST", "/method/page", body=b"")
    assert_unauthorized(denied, scope="mcp:write")
    assert_insufficient_scope(get("method", method="DELETE"), "mcp:write")
    assert_granted_cleanly(get("method"))


def test_a_failing_branch_leaves_nothing_on_a_granted_request(get):
    for name in ("scopeoruser", "orip", "orall", "method"):
        assert_granted_cleanly(get(name, scopes=["email"]))


@pytest.mark.parametrize("switch", ["on", "off"])
def test_403_does_not_depend_on_httpds_switch(httpd, get, switch):
    assert_insufficient_scope(get(f"forbid{switch}"), "mcp:read")
    assert_forbidden(get(f"forbidother{switch}"))
    assert_unauthorized(httpd.get(f"/forbid{switch}/page"), scope="mcp:read")
    answer = httpd.get(f"/forbid{switch}/page", token="oat_unknown")
    assert answer.status == 401, answer
    answer = httpd.raw(f"GET /forbid{switch}/page HTTP/1.1",
                       "Authorization: Bearer")
    assert answer.status == 400, answer


# Another AuthType's user.

def basic(user):
    pair = base64.b64encode(f"{user}:password".encode()).decode()
    return [("Authorization", f"Basic {pair}")]


@pytest.mark.parametrize("user", ["jane", USER])
def test_another_auth_types_user_is_nobody_here(httpd, user):
    assert httpd.get("/basicvalid/page", headers=basic(user)).status == 200
    answer = httpd.get("/basic/page", headers=basic(user))
    assert answer.status in (401, 403), answer
    assert PAGE not in answer.text
    for challenge in answer.all("WWW-Authenticate"):
        assert challenge.startswith("Basic"), answer


def test_a_token_is_nothing_to_another_auth_type(httpd, clerk):
    httpd.expect_log("AH01614: client used wrong authentication scheme")
    token = clerk.mint(subject=USER)
    answer = httpd.get("/basic/page", token=token)
    assert answer.status == 401
    assert answer.one("WWW-Authenticate").startswith("Basic")
    assert clerk.calls() == 0


def test_no_auth_type_lets_nobody_in(httpd, clerk):
    httpd.expect_log(r"AH00027|AH01630|AH01629", optional=True)
    answer = httpd.get("/none/page", token=clerk.mint(subject=USER))
    assert answer.status in (401, 403, 500), answer
    assert PAGE not in answer.text


@pytest.mark.parametrize("name", ["valid", "orfarip", "scope"])
def test_a_malformed_field_is_400_whoever_may_enter(httpd, name):
    answer = httpd.raw(f"GET /{name}/page HTTP/1.1",
                       "Authorization: Bearer a b")
    assert_invalid_request(answer)
