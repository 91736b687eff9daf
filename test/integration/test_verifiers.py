"""Which way a token is verified, by kind and by ClerkVerifier; and what is
wrong with a configuration before there is a token."""

import pytest

from answers import assert_invalid_token
from confs import credentials, instance, location, quoted
from tokens import NULL, signed

CALLS = ["token_info", "oauth_verify", "m2m_verify", "api_key_verify",
         "userinfo"]


def conf(clerk):
    client = [f"ClerkClientID {quoted(clerk.client_id)}",
              f"ClerkClientSecret {quoted(clerk.client_secret)}"]
    key = [f"ClerkSecretKey {quoted(clerk.secret_key)}"]
    kinds = ["ClerkAcceptsToken any", "ClerkAudience any"]
    return "\n".join([
        instance(clerk),
        location("/auto", *kinds),
        location("/autoclient", *kinds, *client),
        location("/autokey", *kinds, *key),
        location("/autoboth", *kinds, *client, *key),
        location("/introspection", *kinds, *client,
                 "ClerkVerifier introspection"),
        location("/introspectionkey", *kinds, *client, *key,
                 "ClerkVerifier introspection"),
        location("/backend", *kinds, *key, "ClerkVerifier backend"),
        location("/jwks", *kinds, *client, *key, "ClerkVerifier jwks"),
        location("/jwksalone", *kinds, "ClerkVerifier jwks"),
        location("/backendcold", *kinds, *key, "ClerkVerifier backend",
                 "ClerkCacheTTL 0", "ClerkNegativeCacheTTL 0"),
        location("/introspectioncold", *kinds, *client,
                 "ClerkVerifier introspection", "ClerkCacheTTL 0",
                 "ClerkNegativeCacheTTL 0"),
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


# location -> who is asked of an OAuth token: opaque, JWT; of M2M and API key
NOBODY, SIGNATURE = None, "signature"
INFO, VERIFY, M2M, KEY = CALLS[:4]
WAYS = {
    "auto": (NOBODY, SIGNATURE, NOBODY, NOBODY),
    "autoclient": (INFO, SIGNATURE, NOBODY, NOBODY),
    "autokey": (VERIFY, SIGNATURE, M2M, KEY),
    "autoboth": (INFO, SIGNATURE, M2M, KEY),
    "introspection": (INFO, INFO, NOBODY, NOBODY),
    "introspectionkey": (INFO, INFO, M2M, KEY),
    "backend": (VERIFY, VERIFY, M2M, KEY),
    "jwks": (NOBODY, SIGNATURE, NOBODY, NOBODY),
    "jwksalone": (NOBODY, SIGNATURE, NOBODY, NOBODY),
}
OAUTH = ["oauth_token", "oauth_jwt", "m2m_token", "api_key"]


@pytest.mark.parametrize("path", WAYS)
def test_who_is_asked(httpd, clerk, path):
    ways = [*zip(OAUTH, WAYS[path]), ("session_token", SIGNATURE),
            ("session_token_v1", SIGNATURE), ("m2m_jwt", SIGNATURE)]
    for kind, way in ways:
        token = clerk.mint(kind)
        clerk.reset()
        answer = httpd.get(f"/{path}/page", token=token)
        asked = [name for name in CALLS if clerk.calls(name)]
        assert asked == ([] if way in (NOBODY, SIGNATURE) else [way]), kind
        if way is NOBODY:
            assert_invalid_token(answer)
        else:
            assert answer.status == 200, (kind, answer)
        assert clerk.calls("jwks") == 0 or way == SIGNATURE, kind


def test_signatures_alone_call_for_no_token(httpd, clerk):
    bad = [{"key": "other"}, {"expires_in": -60}, {"key": "pem"},
           {"header": {"kid": "ins_x"}}, {"claims": {"iss": "x"}}]
    for path in ("/jwks", "/jwksalone"):
        for how in bad:
            for kind in ("oauth_token", "session_token", "m2m_token"):
                assert_invalid_token(httpd.get(
                    f"{path}/page", token=clerk.mint_jwt(kind, **how)))
    assert clerk.calls() == clerk.calls("jwks")


@pytest.mark.parametrize("path,endpoint", [
    ("/introspectioncold", INFO), ("/backendcold", VERIFY)])
def test_clerk_has_the_last_word_on_a_jwt(httpd, clerk, path, endpoint):
    """Whatever its signature says: neither good enough nor too bad."""
    clerk.answer(endpoint, 200, {"active": False})
    for how in ({}, {"key": "other"}):
        assert_invalid_token(httpd.get(f"{path}/page",
                                       token=clerk.mint_jwt(**how)))
    assert clerk.calls(endpoint) == 2 and clerk.calls("jwks") == 0


@pytest.mark.parametrize("path", ["/introspectioncold", "/backendcold"])
def test_what_is_no_oauth_jwt_is_not_sent(httpd, clerk, secret, path):
    one = clerk.mint_jwt()
    junk = [clerk.mint_jwt(header={"typ": "JWT"}),
            clerk.mint_jwt(header={"alg": "none"}),
            clerk.mint_jwt(header={"crit": ["exp"]}),
            clerk.mint("id_token"), clerk.mint("template_jwt"),
            secret(one[:-1] + "~"), secret(one + ".x"), secret("a.b.c"),
            secret("x" + one)]
    for token in junk:
        assert_invalid_token(httpd.get(f"{path}/page", token=token))
    assert clerk.calls() == 0


def test_ways_do_not_meet_in_the_cache(httpd, clerk):
    token = clerk.mint_jwt()
    assert httpd.get("/auto/page", token=token).status == 200
    clerk.answer(INFO, 200, {"active": False})
    clerk.answer(VERIFY, 200, {"active": False})
    for _ in range(2):
        for path, wanted in (("/introspection", 401), ("/backend", 401),
                             ("/jwks", 200), ("/auto", 200)):
            assert httpd.get(f"{path}/page", token=token).status == wanted


# Start-up.

SECRETS = "ClerkClientID c\nClerkClientSecret nobodysSecret\n"
FAULTS = [
    # lines, what is named, what would be right
    ("ClerkVerifier introspection", "ClerkVerifier", "ClerkClientSecret"),
    ("ClerkVerifier backend", "ClerkVerifier", "ClerkSecretKey"),
    (SECRETS + "ClerkVerifier backend", "ClerkVerifier", "ClerkSecretKey"),
    ("ClerkVerifier signature", "ClerkVerifier", "jwks"),
    ("ClerkAcceptsToken api_key", "ClerkAcceptsToken", "ClerkSecretKey"),
    ("ClerkAcceptsToken oauth_token api_key", "ClerkAcceptsToken",
     "ClerkSecretKey"),
    ("ClerkMachineSecretKey ak_nobodys\nClerkAcceptsToken api_key",
     "ClerkAcceptsToken", "ClerkSecretKey"),
    ("ClerkAcceptsToken", "ClerkAcceptsToken", "oauth_token"),
    ("ClerkAcceptsToken jwt", "ClerkAcceptsToken", "session_token"),
    ("ClerkAcceptsToken Session_Token x", "ClerkAcceptsToken", "api_key"),
    ("ClerkTokenSource", "ClerkTokenSource", "header"),
    ("ClerkTokenSource query", "ClerkTokenSource", "cookie"),
    ("ClerkTokenSource header,cookie", "ClerkTokenSource", "cookie"),
    ("ClerkTokenSource cookie:", "ClerkTokenSource", "cookie:name"),
    ("ClerkTokenSource cookie:a=b", "ClerkTokenSource", "cookie:name"),
    ('ClerkTokenSource "cookie:a b"', "ClerkTokenSource", "cookie:name"),
    ("ClerkTokenSource cookie:a;b", "ClerkTokenSource", "cookie:name"),
    ("ClerkTokenSource header:X-Token", "ClerkTokenSource", "cookie"),
    ("ClerkAuthorizedParties", "ClerkAuthorizedParties", "origin"),
    ("ClerkAuthorizedParties app.example.com", "ClerkAuthorizedParties",
     "https://"),
    ("ClerkAuthorizedParties https://app.example.com/",
     "ClerkAuthorizedParties", "origin"),
    ("ClerkAuthorizedParties https://app.example.com https://b.example/x",
     "ClerkAuthorizedParties", "origin"),
    ("ClerkAuthorizedParties https://u@app.example.com",
     "ClerkAuthorizedParties", "origin"),
    ("ClerkAuthorizedParties *", "ClerkAuthorizedParties", "origin"),
    ('ClerkAuthorizedParties ""', "ClerkAuthorizedParties", "origin"),
    ("ClerkAllowPendingSessions maybe", "ClerkAllowPendingSessions", "On"),
    ("ClerkJWTKey nonsense", "ClerkJWTKey", "PEM"),
    ("ClerkJWTKey file:/nowhere/at/all", "ClerkJWTKey", "/nowhere/at/all"),
    ("ClerkJWTKey env:NO_SUCH_VARIABLE", "ClerkJWTKey", "NO_SUCH_VARIABLE"),
]


@pytest.mark.parametrize("where", ["server", "location"])
@pytest.mark.parametrize("lines,named,right", FAULTS)
def test_a_fault_stops_the_start(serve_once, clerk, secret, where, lines,
                                 named, right):
    secret("nobodysSecret")
    secret("ak_nobodys")
    inside = lines.split("\n") if where == "location" else []
    server = serve_once(
        instance(clerk) + ("" if inside else lines + "\n")
        + location("/x", *inside), start=False)
    status, said = server.configtest()
    assert status != 0, said
    for word in (named, right):
        assert word in said, said
    assert "nobodys" not in said


@pytest.mark.parametrize("lines", [
    "ClerkAcceptsToken any", "ClerkAcceptsToken m2m_token",
    "ClerkAcceptsToken session_token m2m_token oauth_token",
    "ClerkVerifier jwks", "ClerkTokenSource cookie header cookie:other",
    "ClerkAcceptsToken session_token\nClerkTokenSource cookie:__session",
    "ClerkAuthorizedParties http://localhost:3000 https://[::1]:8443"])
def test_what_needs_no_credentials(serve_once, clerk, lines):
    server = serve_once(instance(clerk) + location("/x", *lines.split("\n")),
                        start=False)
    status, said = server.configtest()
    assert status == 0, said


def test_an_inner_section_may_bring_the_credentials(serve_once, clerk):
    server = serve_once(instance(clerk) + "ClerkAcceptsToken api_key\n"
                        + location("/x", f"ClerkSecretKey {clerk.secret_key}"),
                        start=False)
    status, said = server.configtest()
    assert status == 0, said
    assert clerk.secret_key not in said
    server = serve_once(credentials(clerk) + location(
        "/x", "ClerkAcceptsToken api_key"), start=False)
    assert server.configtest()[0] == 0


@pytest.mark.parametrize("path", ["introspection", "backend"])
@pytest.mark.parametrize("claims", [
    {"cnf": {"jkt": "x"}}, {"cnf": NULL}, {"aud": 7}, {"aud": NULL},
    {"nbf": 4102444800}, {"iat": 4102444000}, {"exp": 1}, {"exp": None},
    {"iss": "https://clerk.elsewhere.example"}, {"iss": ""}])
def test_what_the_token_says_of_itself_counts_beside_clerks_word(
        httpd, clerk, path, claims):
    """The answers carry neither `cnf` nor an issuer nor, as yet, an
    audience."""
    good = clerk.mint_jwt("oauth_token")
    bad = signed(clerk, "oauth_token", claims=claims)
    assert httpd.get(f"/{path}/page", token=good).status == 200
    clerk.answer("token_info", body={
        "active": True, "sub": clerk.user_id, "client_id": clerk.client_id,
        "scope": "profile"})
    for _ in range(3):      # also from the caches
        assert_invalid_token(httpd.get(f"/{path}/page", token=bad))
