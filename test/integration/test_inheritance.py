"""AuthMerging to the letter, in what clients are told; and expressions in
`Require not` that fail."""

import time

import pytest

from answers import (assert_granted_cleanly, assert_insufficient_scope,
                     assert_unauthorized)
from confs import introspection, location
from httpd import PAGE

MERGING = {None: [], "off": ["AuthMerging Off"], "and": ["AuthMerging And"],
           "or": ["AuthMerging Or"]}

# path -> (lines of the section, the scopes that its challenge names)
TREE = {}


def grow(path, lines, scopes):
    TREE[path] = (lines, scopes)


for word, merging in MERGING.items():
    top = f"/{word or 'default'}"
    joins = word in ("and", "or")
    grow(top, ["AuthType Clerk", "Require clerk-scope outer"], "outer")
    grow(f"{top}/in", [*merging, "Require clerk-scope inner"],
         "outer inner" if joins else "inner")
    grow(f"{top}/in/none", ["SetEnv X 1"],
         "outer inner" if joins else "inner")
    grow(f"{top}/in/deep", ["Require clerk-scope deep"], "deep")
    grow(f"{top}/in/again", ["AuthMerging And", "Require clerk-scope deep"],
         "outer inner deep" if joins else "inner deep")
    grow(f"{top}/in/stop", ["AuthMerging Off", "Require clerk-scope deep"],
         "deep")
    grow(f"{top}/user", [*merging, "Require valid-user"],
         "outer" if joins else None)
    grow(f"{top}/user/deep", ["Require clerk-scope deep"], "deep")
    if joins:
        grow(f"{top}/only", merging, "outer")
        grow(f"{top}/only/deep", ["Require clerk-scope deep"], "deep")
        grow(f"{top}/all", [*merging, "<RequireAll>",
                            "Require clerk-scope one two",
                            "Require clerk-scope three", "</RequireAll>"],
             "outer one two three")
        grow(f"{top}/not", [*merging, "<RequireAll>",
                            "Require clerk-scope one",
                            "Require not clerk-scope never",
                            "</RequireAll>"], "outer one")
# a section of Clerk's inside one of nobody's
grow("/open", ["Require all granted"], None)
grow("/open/in", ["AuthType Clerk", "AuthMerging And",
                  "Require clerk-scope inner"], "inner")
grow("/typed", ["AuthType Clerk", "Require clerk-scope outer"], "outer")
grow("/typed/in", ["AuthType Clerk", "Require clerk-scope inner"], "inner")
grow("/typed/in/deep", ["AuthType Clerk"], "inner")

FAILING = '"%{file:/no/such/file/anywhere}"'
HTTPDS = r"\[:error\].*Evaluation of expression from .* failed"
NOT = ["clerk-user", "clerk-client", "clerk-scope", "clerk-token-type"]


def conf(clerk, backend_url):
    # proxied: <Directory> would add its `Require all granted`
    parts = [introspection(clerk), "ClerkAudience any",
             f'ProxyPass "/" "{backend_url}/"']
    for path, (lines, _) in TREE.items():
        body = "\n".join(f"    {line}" for line in lines)
        parts.append(f'<Location "{path}">\n{body}\n</Location>')
    for name in NOT:
        parts += [
            location(f"/failing-{name}", "<RequireAll>", "Require valid-user",
                     f"Require not {name} {FAILING}", "</RequireAll>",
                     require=None),
            location(f"/failing-first-{name}", "<RequireAll>",
                     f"Require not {name} {FAILING}", "Require valid-user",
                     "</RequireAll>", require=None),
            location(f"/failing-none-{name}", "<RequireAll>",
                     "Require valid-user", "<RequireNone>",
                     f"Require {name} {FAILING}", "</RequireNone>",
                     "</RequireAll>", require=None),
            location(f"/failing-plain-{name}", require=f"{name} {FAILING}"),
            location(f"/failing-empty-{name}", "<RequireAll>",
                     "Require valid-user",
                     f'Require not {name} "%{{reqenv:NO_SUCH}}"',
                     "</RequireAll>", require=None)]
    return "\n".join(parts)


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    return serve(conf(standin, backend_url), modules=["proxy", "proxy_http"],
                 frame='ProxyPass "/alive" "!"\n'
                 'ProxyPassMatch "^/failing" "!"')


CLERKS = [path for path in TREE if path != "/open"]


@pytest.mark.parametrize("path", CLERKS)
def test_the_challenge_names_what_counts(httpd, path):
    assert_unauthorized(httpd.get(f"{path}/thing"), scope=TREE[path][1])


@pytest.mark.parametrize("path", [p for p in CLERKS if TREE[p][1]])
def test_the_refusal_names_the_same(httpd, clerk, path):
    """With `Or`, a line without scopes lets everybody in."""
    scopes = TREE[path][1]
    poor = httpd.get(f"{path}/thing", token=clerk.mint(scopes=["x"]))
    if path == "/or/user":
        assert poor.status == 200, poor
        return
    assert_insufficient_scope(poor, scopes)
    token = clerk.mint(scopes=scopes.split())
    answer = httpd.get(f"{path}/thing", token=token)
    assert answer.status == 200, answer


@pytest.mark.parametrize("path", [p for p in TREE if p.endswith("/deep")
                                  and TREE[p][1] == "deep"])
def test_outer_scopes_do_not_open_a_deeper_section(httpd, clerk, path):
    token = clerk.mint(scopes=["outer", "inner"])
    assert_insufficient_scope(httpd.get(f"{path}/thing", token=token), "deep")
    token = clerk.mint(scopes=["deep"])
    assert httpd.get(f"{path}/thing", token=token).status == 200


# Expressions that are good at start, and fail at the request.

@pytest.mark.parametrize("kind", ["", "first-", "none-", "plain-"])
@pytest.mark.parametrize("name", NOT)
def test_a_failing_expression_grants_nothing(httpd, clerk, name, kind):
    httpd.expect_log(r"\[auth_clerk:error\].*expression", optional=True)
    httpd.expect_log(HTTPDS)
    path = f"/failing-{kind}{name}/page"
    for _ in range(2):
        answer = httpd.get(path, token=clerk.mint())
        assert answer.status in (403, 500), answer
        assert PAGE not in answer.text
        assert httpd.get(path).status in (401, 500)


def test_it_is_logged(httpd, clerk):

    time.sleep(1.1)             # one line a second
    httpd.expect_log(r"\[auth_clerk:error\].*expression")
    httpd.expect_log(HTTPDS)
    httpd.get("/failing-clerk-user/page", token=clerk.mint())


@pytest.mark.parametrize("name", NOT)
def test_an_empty_list_names_nobody(httpd, clerk, name):
    """So that `not` of it is everybody."""
    assert_granted_cleanly(httpd.get(f"/failing-empty-{name}/page",
                                     token=clerk.mint()))
