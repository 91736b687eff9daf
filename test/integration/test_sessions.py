"""Session tokens: versions, header and cookie, parties, pending sessions, and
what of them an application is told."""

import pytest

from answers import assert_invalid_token, assert_unauthorized
from backend import header, identity
from confs import credentials, location
from tokens import organization

SESSION = "ClerkAcceptsToken session_token"
HERE, THERE = "https://app.example.com", "https://evil.example.com"


def conf(clerk, backend_url):
    proxied = ["ClerkPass both", f"ProxyPass {backend_url}"]
    both = "ClerkTokenSource header cookie"
    return "\n".join([
        credentials(clerk), SESSION,
        location("/header"),
        location("/cookie", "ClerkTokenSource cookie"),
        location("/hc", both),
        location("/ch", "ClerkTokenSource cookie header"),
        location("/named", "ClerkTokenSource cookie:my.session"),
        location("/two", "ClerkTokenSource cookie:first cookie:second"),
        location("/any", "ClerkAcceptsToken any", both),
        location("/oauth", "ClerkAcceptsToken oauth_token", both),
        location("/parties", "ClerkAcceptsToken any",
                 f"ClerkAuthorizedParties {HERE} http://localhost:3000"),
        location("/pending", "ClerkAllowPendingSessions On"),
        location("/p", both, *proxied),
        location("/ptoken", both, "ClerkPassToken On", *proxied),
        location("/ponly", "ClerkTokenSource cookie", *proxied),
        location("/ptwo", "ClerkTokenSource cookie:first cookie:second",
                 *proxied),
        location("/export", "ClerkExportClaim fva", "ClerkExportClaim o.rol",
                 "ClerkExportClaim custom.deep DEEP",
                 "ClerkRemoteUser sid"),
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    return serve(conf(standin, backend_url), modules=["proxy", "proxy_http"])


@pytest.fixture
def told(httpd, clerk):
    """What a program is told of a token, without what every one has."""
    def ask(token, path="/header"):
        env = httpd.get(f"{path}/env", token=token).env()
        assert env["CLERK_TOKEN_TYPE"] == "session_token"
        return {k: v for k, v in env.items() if k.startswith("CLERK_")
                and k not in ("CLERK_TOKEN_TYPE", "CLERK_EXPIRES")}
    return ask


# What an application is told.

def test_version_2(told, clerk):
    token = organization(clerk, per="manage,read", fpm="3,2", claims={
        "sub": "user_1", "sid": "sess_1", "jti": "j1",
        "fea": "o:dashboard,o:teams"})
    assert told(token) == {
        "CLERK_SUBJECT": "user_1", "CLERK_USER_ID": "user_1",
        "CLERK_TOKEN_ID": "j1", "CLERK_SESSION_ID": "sess_1",
        "CLERK_AUTHORIZED_PARTY": HERE, "CLERK_ORG_ID": "org_1",
        "CLERK_ORG_SLUG": "acme", "CLERK_ORG_ROLE": "org:admin",
        "CLERK_ORG_PERMISSIONS": "org:dashboard:manage org:dashboard:read "
                                 "org:teams:read"}


def test_version_1(told, clerk):
    token = clerk.mint("session_token_v1", claims={
        "sub": "user_1", "sid": "sess_1", "org_id": "org_1",
        "org_slug": "acme", "org_role": "org:admin",
        "org_permissions": ["org:dashboard:read", "org:teams:manage"]})
    assert told(token) == {
        "CLERK_SUBJECT": "user_1", "CLERK_USER_ID": "user_1",
        "CLERK_SESSION_ID": "sess_1", "CLERK_AUTHORIZED_PARTY": HERE,
        "CLERK_ORG_ID": "org_1", "CLERK_ORG_SLUG": "acme",
        "CLERK_ORG_ROLE": "org:admin",
        "CLERK_ORG_PERMISSIONS": "org:dashboard:read org:teams:manage"}


def test_who_impersonates(told, clerk):
    for kind in ("session_token", "session_token_v1"):
        token = clerk.mint(kind, claims={"act": {
            "iss": "https://dashboard.clerk.com", "sid": "sess_456",
            "sub": "user_456"}})
        assert told(token)["CLERK_ACTOR"] == "user_456"


def test_without_an_organization(told, clerk):
    """Members of one version mean nothing in the other."""
    plain = {"org_id": "org_1", "org_slug": "acme", "org_role": "org:admin",
             "org_permissions": ["org:a:b"]}
    for kind, claims in (("session_token", {}), ("session_token_v1", {}),
                         ("session_token", plain),
                         ("session_token_v1", {"o": {"id": "org_1",
                                                     "rol": "admin"}})):
        found = told(clerk.mint(kind, claims=claims))
        assert not [k for k in found if k.startswith("CLERK_ORG")], claims


@pytest.mark.parametrize("rol,role", [
    ("admin", "org:admin"), ("org:admin", "org:admin"), ("", None),
    ("org:", None), ("a b", "org:a b"), (None, None)])
def test_the_role_has_one_prefix(told, clerk, rol, role):
    assert told(organization(clerk, rol=rol) if rol is not None else
                clerk.mint_jwt("session_token", claims={
                    "o": {"id": "org_1"}})).get("CLERK_ORG_ROLE") == role


PERMISSIONS = [
    ("o:dashboard,o:teams", "manage,read", "3,2",
     "dashboard:manage dashboard:read teams:read"),
    ("o:impersonation,o:memberships", "read,manage", "1,3",
     "impersonation:read memberships:read memberships:manage"),
    ("o:repositories,uo:projects,u:gold", "read,create,update,delete,revoke",
     "7,21,0", "repositories:read repositories:create repositories:update "
     "projects:read projects:update projects:revoke"),
    ("o:repositories,o:impersonation,o:billing", "manage,read,update",
     "6,0,3", "repositories:read repositories:update billing:manage "
     "billing:read"),
    ("o:f", ",".join(f"p{i}" for i in range(54)), str(2**53 + 1),
     "f:p0 f:p53"),
    ("o:f", ",".join(f"p{i}" for i in range(130)), str(2**129 + 2**64),
     "f:p64 f:p129"),
    ("o:f", "p0", "3", "f:p0"),
    (" o:f , o:g ", " p0 , p1 ", " 1 , 2 ", "f:p0 g:p1"),
    ("o:f", "p0", "-1", ""), ("o:f", "p0", "1.5", ""),
    ("o:f", "p0", "1x", ""), ("o:f", "p0", "0x1", ""), ("o:f", "p0", "", ""),
    ("o:f", "", "1", ""), ("", "p0", "1", ""),
    ("u:a,o:b,o:c", "read,write", "0,1,2", "b:read c:write"),
    ("u:a,o:b,o:c", "read,write", "1,2", "b:read c:write"),
    ("u:a,o:b,o:c", "read,write", "3", ""),
    ("o:a,o:b", "read,write", "1,2,3", ""),
    ("x:a", "read", "1", ""), ("a", "read", "1", ""),
    ("ou:a", "read", "1", "a:read"), ("oo:a", "read", "1", ""),
]


@pytest.mark.parametrize("fea,per,fpm,granted", PERMISSIONS)
def test_permissions(told, clerk, fea, per, fpm, granted):
    found = told(organization(clerk, per=per, fpm=fpm, claims={"fea": fea}))
    assert found.get("CLERK_ORG_PERMISSIONS", "") == " ".join(
        f"org:{g}" for g in granted.split())


@pytest.mark.parametrize("claims", [
    {"o": "org_1"}, {"o": []}, {"o": {"id": 7}}, {"o": {"rol": ["admin"]}},
    {"o": {"per": ["read"], "fpm": "1"}}, {"fea": ["o:a"], "o": {"id": "o"}},
    {"act": "user_1"}, {"act": {"sub": 7}}, {"azp": 7}, {"sts": True},
    {"v": "2"}, {"v": {}}])
def test_members_of_a_wrong_type(httpd, clerk, claims):
    token = clerk.mint_jwt("session_token", claims=claims)
    assert_invalid_token(httpd.get("/header/page", token=token))


def test_claims_of_the_administrators_choice(httpd, clerk):
    token = organization(clerk, claims={"sid": "sess_9",
                                        "custom": {"deep": "value"}})
    env = httpd.get("/export/env", token=token).env()
    assert env["REMOTE_USER"] == "sess_9"
    assert (env["CLERK_FVA"], env["CLERK_O_ROL"], env["CLERK_DEEP"]) == (
        "7 -1", "admin", "value")


# Parties and pending sessions.

@pytest.mark.parametrize("azp,good", [
    (HERE, True), ("http://localhost:3000", True), (THERE, False),
    (None, False), ("", False), (HERE + "/", False), (HERE.upper(), False),
    (HERE + ".evil.example", False), ("http://localhost", False)])
@pytest.mark.parametrize("kind", ["session_token", "session_token_v1"])
def test_authorized_parties(httpd, clerk, kind, azp, good):
    token = clerk.mint(kind, claims={"azp": azp})
    answer = httpd.get("/parties/page", token=token)
    if good:
        assert answer.status == 200
    else:
        assert_invalid_token(answer)
        [line] = httpd.logged(1, matching="reason=")
        assert "reason=party_mismatch" in line
    assert httpd.get("/header/page", token=token).status == 200


def test_other_kinds_have_no_parties(httpd, clerk):
    for token in (clerk.mint(), clerk.mint_jwt(), clerk.mint("m2m_jwt"),
                  clerk.mint("api_key")):
        assert httpd.get("/parties/page", token=token).status == 200


@pytest.mark.parametrize("sts,header_status,pending_status", [
    ("active", 200, 200), (None, 200, 200), ("pending", 401, 200)])
def test_pending_sessions(httpd, clerk, sts, header_status, pending_status):
    token = clerk.mint_jwt("session_token", claims={"sts": sts})
    for _ in range(2):
        for path, wanted in (("/pending", pending_status),
                             ("/header", header_status)):
            assert httpd.get(f"{path}/page", token=token).status == wanted


# Where the token is looked for.

def fields(tokens, where):
    """Header fields: h and c stand for a token in the header and the cookie
    __session, other names for cookies."""
    found, cookies = [], ["a=b"]
    for place, name in where.items():
        if place == "h":
            found.append(("Authorization", f"Bearer {tokens[name]}"))
        else:
            cookie = "__session" if place == "c" else place
            cookies.append(f"{cookie}={tokens[name]}")
    return found + [("Cookie", "; ".join(cookies + ["c=d"]))]


# path, where which token is -> whose request it is, or the status
SOURCES = [
    ("/header", {"h": "ann"}, "user_ann"),
    ("/header", {"c": "ann"}, 401),
    ("/header", {"h": "ann", "c": "bob"}, "user_ann"),
    ("/cookie", {"c": "ann"}, "user_ann"),
    ("/cookie", {"h": "ann"}, 401),
    ("/cookie", {"h": "ann", "c": "bob"}, "user_bob"),
    ("/hc", {"h": "ann"}, "user_ann"), ("/hc", {"c": "ann"}, "user_ann"),
    ("/hc", {"h": "ann", "c": "bob"}, "user_ann"),
    ("/ch", {"h": "ann", "c": "bob"}, "user_bob"),
    ("/ch", {"h": "ann"}, "user_ann"),
    # only one is used: a bad one in front is not made up for
    ("/hc", {"h": "bad", "c": "ann"}, 401),
    ("/ch", {"h": "ann", "c": "bad"}, 401),
    ("/hc", {"h": "old", "c": "ann"}, 401),
    ("/ch", {"h": "ann", "c": "old"}, 401),
    ("/ch", {"h": "ann", "c": "empty"}, "user_ann"),
    ("/named", {"my.session": "ann"}, "user_ann"),
    ("/named", {"c": "ann"}, 401), ("/named", {"my_session": "ann"}, 401),
    ("/named", {"MY.SESSION": "ann"}, 401),
    ("/named", {"xmy.session": "ann"}, 401),
    ("/two", {"second": "bob"}, "user_bob"),
    ("/two", {"second": "bob", "first": "ann"}, "user_ann"),
    ("/two", {"second": "bob", "first": "bad"}, 401),
    # only session tokens are taken from a cookie
    ("/any", {"c": "ann"}, "user_ann"), ("/any", {"c": "jwt"}, 401),
    ("/any", {"c": "m2m"}, 401), ("/any", {"c": "opaque"}, 401),
    ("/any", {"c": "key"}, 401), ("/any", {"c": "machine"}, 401),
    ("/any", {"h": "jwt", "c": "ann"}, "user_oauth"),
    ("/any", {"h": "ann", "c": "jwt"}, "user_ann"),
    ("/oauth", {"c": "jwt"}, 401), ("/oauth", {"c": "ann"}, 401),
    ("/oauth", {"h": "jwt", "c": "ann"}, "user_oauth"),
]


@pytest.fixture
def tokens(clerk):
    return {"ann": clerk.mint("session_token", subject="user_ann"),
            "bob": clerk.mint("session_token_v1", subject="user_bob"),
            "old": clerk.mint("session_token", expires_in=-60),
            "bad": clerk.mint_jwt("session_token", key="other"),
            "jwt": clerk.mint_jwt(subject="user_oauth"),
            "m2m": clerk.mint("m2m_jwt"), "opaque": clerk.mint(),
            "key": clerk.mint("api_key"), "empty": "",
            "machine": clerk.mint("m2m_token")}


@pytest.mark.parametrize("path,where,wanted", SOURCES)
def test_where_the_token_is_looked_for(httpd, clerk, tokens, path, where,
                                       wanted):
    for _ in range(2):
        answer = httpd.get(f"{path}/env", headers=fields(tokens, where))
        if wanted == 401:
            assert answer.status == 401, answer
        else:
            assert answer.env()["REMOTE_USER"] == wanted
    assert not [r for r in clerk.requests() if r["endpoint"] != "jwks"]


@pytest.mark.parametrize("cookie", [
    "", ";", "__session", "__session=", "__session=; a=b", "=x", "a=b",
    "__session =x", "__Session=x"])
def test_cookies_without_a_token(httpd, cookie):
    answer = httpd.get("/cookie/page", headers=[("Cookie", cookie)])
    assert_unauthorized(answer)


@pytest.mark.parametrize("value", [
    "x", "a.b.c", "a.b", '"a.b.c"', "%n%s%s", "a b", "..", "oat_x", "é",
    "x" * 7000])
def test_cookies_with_something_else(httpd, clerk, value):
    answer = httpd.raw("GET /cookie/page HTTP/1.1",
                       f"Cookie: __session={value}")
    assert_invalid_token(answer)
    assert clerk.calls() == 0


def test_two_cookies_of_one_name(httpd, tokens):
    """The first counts (RFC 6265 section 5.4: it has the longer path)."""
    both = [("Cookie", f"__session={tokens[a]}; __session={tokens[b]}")
            for a, b in (("ann", "bob"), ("bad", "ann"))]
    first, second = (httpd.get("/cookie/env", headers=[f]) for f in both)
    assert first.env()["REMOTE_USER"] == "user_ann"
    assert second.status == 401


# What is left on the request.

def test_the_token_is_taken_off_the_request(httpd, backend, tokens):
    cases = [
        ("/p", {"h": "ann"}, "a=b; c=d"),
        ("/p", {"c": "ann"}, "a=b; c=d"),
        # the one that was not used could be replayed just as well
        ("/p", {"h": "ann", "c": "bob"}, "a=b; c=d"),
        ("/ponly", {"h": "ann", "c": "bob"}, "a=b; c=d"),
        ("/ptwo", {"first": "ann", "second": "bob"}, "a=b; c=d"),
        ("/ptwo", {"first": "ann", "c": "opaque"},
         f"a=b; __session={tokens['opaque']}; c=d"),
    ]
    for path, where, cookies in cases:
        backend.clear()
        answer = httpd.get(f"{path}/x", headers=fields(tokens, where))
        assert answer.status == 200, (path, where)
        [seen] = backend.requests
        assert header(seen, "Authorization") == []
        assert header(seen, "Cookie") == [cookies], (path, where)
        assert identity(seen)["X-Clerk-Session-Id"].startswith("sess_")


def test_a_lonely_cookie_leaves_no_empty_header(httpd, backend, tokens):
    answer = httpd.get("/p/x", headers=[
        ("Cookie", f"__session={tokens['ann']}")])
    assert answer.status == 200
    [seen] = backend.requests
    assert header(seen, "Cookie") == []


def test_every_cookie_of_that_name_is_taken_off(httpd, backend, tokens):
    answer = httpd.get("/p/x", headers=[("Cookie", (
        f"__session={tokens['ann']}; x=y;__session={tokens['bob']} ; "
        "__session_x=z; x__session=w"))])
    assert answer.status == 200
    [seen] = backend.requests
    assert header(seen, "Cookie") == ["x=y; __session_x=z; x__session=w"]


def test_two_fields_of_cookies(httpd, backend, tokens):
    """httpd joins them with a comma, which may as well be part of another
    cookie: none is read behind one, but none is left there either."""
    bearer = ("Authorization", f"Bearer {tokens['ann']}")
    for two in ((f"__session={tokens['bob']}", "x=1,2"),
                ("x=1,2", f"__session={tokens['bob']}")):
        cookies = [("Cookie", one) for one in two]
        backend.clear()
        answer = httpd.get("/p/x", headers=[bearer, *cookies])
        assert answer.status == 200, two
        [seen] = backend.requests
        assert header(seen, "Cookie") == ["x=1,2"]
        assert httpd.get("/cookie/page", headers=cookies).status == 401


def test_what_another_cookie_says_is_nobodys_session(httpd, tokens):
    for value in ("hello,__session={}", '"hello, __session={}"'):
        cookie = f"a={value.format(tokens['bob'])}"
        answer = httpd.get("/cookie/page", headers=[("Cookie", cookie)])
        assert answer.status == 401, value
        env = httpd.get("/cookie/env", headers=[
            ("Cookie", f"{cookie}; __session={tokens['ann']}")]).env()
        assert env["REMOTE_USER"] == "user_ann"


def test_a_program_does_not_see_it_either(httpd, tokens):
    env = httpd.get("/cookie/env", headers=fields(
        tokens, {"c": "ann"})).env()
    assert env["HTTP_COOKIE"] == "a=b; c=d"
    assert tokens["ann"] not in str(env)


def test_unless_the_administrator_wants_it(httpd, backend, tokens):
    where = fields(tokens, {"h": "ann", "c": "bob"})
    assert httpd.get("/ptoken/x", headers=where).status == 200
    [seen] = backend.requests
    for name, value in where:
        assert header(seen, name) == [value]


def test_refused_before_the_application(httpd, backend, tokens):
    for where in ({"c": "bad"}, {"h": "bad", "c": "ann"}, {"c": "jwt"}):
        answer = httpd.get("/p/x", headers=fields(tokens, where))
        assert_invalid_token(answer)
    assert backend.requests == []
