"""JWTs: which kind one is, and everything that makes one no good."""

import json
import time

import pytest

from answers import (assert_granted_cleanly, assert_invalid_request,
                     assert_invalid_token)
from confs import instance, location
from tokens import (BASE64URL, IGNORE, M2M, NULL, SESSION, TEMPLATE, decoded,
                    signed)

API = "https://api.example.com/mcp"
ALL = "ClerkAcceptsToken any"


def conf(clerk):
    return "\n".join([
        instance(clerk),
        location("/plain"),
        location("/oauth_token", "ClerkAcceptsToken oauth_token"),
        location("/session_token", "ClerkAcceptsToken session_token"),
        location("/m2m_token", "ClerkAcceptsToken m2m_token"),
        location("/any", ALL),
        location("/strict", ALL, "ClerkLeeway 0"),
        location("/lenient", ALL, "ClerkLeeway 300"),
        location("/nocache", ALL, "ClerkCacheTTL 0"),
        location("/issuer", ALL, "ClerkIssuer https://clerk.example.com "
                 f"{clerk.issuer}/other"),
        location("/client", ALL, f"ClerkClientID {clerk.client_id}"),
        location("/aud", ALL, f"ClerkAudience {API} second"),
        location("/ifpresent", ALL, f"ClerkAudience if-present {API}"),
        location("/audany", ALL, "ClerkAudience any"),
        location("/parties", ALL, "ClerkAuthorizedParties https://x.example"),
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


def kind_of(httpd, token, path="/any"):
    """The kind that a location took the token for, or None if refused."""
    answer = httpd.get(f"{path}/env", token=token)
    if answer.status == 200:
        return answer.env()["CLERK_TOKEN_TYPE"]
    assert_invalid_token(answer)
    return None


def refused_for(httpd, answer, *reasons):
    assert_invalid_token(answer)
    [line] = httpd.logged(1, level="info", matching="reason=")
    assert any(f"reason={reason} " in line for reason in reasons), line


# Which kind a token is.

KINDS = {"oauth_jwt": "oauth_token", "session_token": "session_token",
         "session_token_v1": "session_token", "m2m_jwt": "m2m_token",
         "template_jwt": None, "id_token": None, "handshake": None}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_taken_where_it_is_accepted(httpd, clerk, kind):
    token = clerk.mint(kind)
    for path in ("any", "oauth_token", "session_token", "m2m_token"):
        wanted = KINDS[kind] if path in ("any", KINDS[kind]) else None
        assert kind_of(httpd, token, f"/{path}") == wanted, path
    assert set(r["endpoint"] for r in clerk.requests()) <= {"jwks"}


CLASSES = [
    # kind, header, claims -> taken for
    ("oauth_jwt", {"typ": "application/at+jwt"}, {}, "oauth_token"),
    ("oauth_jwt", {"typ": "AT+JWT"}, {}, None),
    ("oauth_jwt", {"typ": "at+jwt "}, {}, None),
    ("oauth_jwt", {"typ": "Application/at+jwt"}, {}, None),
    ("oauth_jwt", {"typ": "JWT"}, {}, None),
    ("oauth_jwt", {"typ": None}, {}, None),
    ("oauth_jwt", {"typ": ["at+jwt"]}, {}, None),
    ("oauth_jwt", {"typ": "id+jwt"}, {}, None),
    ("oauth_jwt", {"typ": "dpop+jwt"}, {}, None),
    ("oauth_jwt", {"typ": ""}, {}, None),
    ("oauth_jwt", {"cat": IGNORE}, {}, "oauth_token"),
    ("oauth_jwt", {"cat": SESSION}, {}, None),
    ("oauth_jwt", {"cat": TEMPLATE}, {}, None),
    ("oauth_jwt", {"cat": M2M}, {}, None),
    ("oauth_jwt", {"cat": 1}, {}, None),
    ("oauth_jwt", {}, {"sub": "mch_1"}, None),
    ("oauth_jwt", {}, {"sid": "sess_1"}, "oauth_token"),
    ("session_token", {"typ": None}, {}, "session_token"),
    ("session_token", {"typ": "jwt"}, {}, None),
    ("session_token", {"typ": "at+jwt"}, {}, None),
    ("session_token", {"typ": "at+jwt", "cat": None}, {}, "oauth_token"),
    ("session_token", {"cat": None}, {}, "session_token"),
    ("session_token", {"cat": IGNORE}, {}, "session_token"),
    ("session_token", {"cat": TEMPLATE}, {}, None),
    ("session_token", {"cat": M2M}, {}, None),
    ("session_token", {"cat": SESSION.lower()}, {}, None),
    ("session_token", {"cat": "cl_new"}, {}, None),
    ("session_token", {"cat": ""}, {}, None),
    ("session_token", {}, {"sid": None}, None),
    ("session_token", {}, {"sid": ""}, None),
    ("session_token", {}, {"sid": 7}, None),
    ("session_token", {}, {"sub": "mch_1"}, None),
    ("session_token", {}, {"sub": "org_1"}, None),
    ("session_token", {"cat": IGNORE}, {"sub": "mch_1"}, "m2m_token"),
    ("template_jwt", {"cat": IGNORE}, {}, None),
    ("template_jwt", {"cat": None}, {}, None),
    ("template_jwt", {}, {"sid": "sess_1"}, None),
    ("m2m_jwt", {"cat": None}, {}, "m2m_token"),
    ("m2m_jwt", {"typ": None}, {}, "m2m_token"),
    ("m2m_jwt", {"cat": IGNORE}, {}, "m2m_token"),
    ("m2m_jwt", {"cat": SESSION}, {}, None),
    ("m2m_jwt", {"cat": TEMPLATE}, {}, None),
    ("m2m_jwt", {"typ": "at+jwt"}, {}, None),
    ("m2m_jwt", {"typ": "at+jwt", "cat": None}, {}, None),
    ("m2m_jwt", {}, {"sub": "user_1"}, None),
    ("m2m_jwt", {}, {"sub": "MCH_1"}, None),
    ("m2m_jwt", {}, {"sub": "user_1", "sid": "sess_1"}, None),
]


@pytest.mark.parametrize("kind,header,claims,taken", CLASSES)
def test_typ_cat_sub_and_sid_decide(httpd, clerk, kind, header, claims,
                                    taken):
    token = clerk.mint(kind, header=header, claims=claims)
    assert kind_of(httpd, token) == taken


@pytest.mark.parametrize("kind", ["oauth_token", "session_token",
                                  "m2m_token"])
@pytest.mark.parametrize("name", ["typ", "cat", "kid", "alg"])
def test_a_header_member_that_is_null(httpd, clerk, kind, name):
    token = signed(clerk, kind, header={name: NULL})
    assert kind_of(httpd, token) is None


# Signature and header.

ALGORITHM = ("algorithm_refused", "kind_unknown")
HEADERS = {
    "none": ({"alg": "none"}, ("kind_unknown",)),
    "none, with a signature": ({"header": {"alg": "none"}}, ALGORITHM),
    "None": ({"header": {"alg": "None"}}, ALGORITHM),
    "rs256": ({"header": {"alg": "rs256"}}, ALGORITHM),
    "no alg": ({"header": {"alg": None}}, ALGORITHM),
    "HS256 with the PEM": ({"key": "pem"}, ALGORITHM),
    "HS512 with the PEM": ({"key": "pem", "alg": "HS512"}, ALGORITHM),
    "HS256 that says RS256": ({"key": "pem", "header": {"alg": "RS256"}},
                              ("signature_invalid",)),
    "PS256": ({"alg": "PS256"}, ALGORITHM),
    "PS256 that says RS256": ({"alg": "PS256", "header": {"alg": "RS256"}},
                              ("signature_invalid",)),
    "ES256": ({"key": "ec"}, ALGORITHM),
    "RS384, not the key's": ({"alg": "RS384"}, ALGORITHM),
    "RS512, not the key's": ({"alg": "RS512"}, ALGORITHM),
    "RS512 that says RS256": ({"alg": "RS512", "header": {"alg": "RS256"}},
                              ("signature_invalid",)),
    "another key": ({"key": "other"}, ("signature_invalid",)),
    "an unknown kid": ({"header": {"kid": "ins_other"}}, ("key_unknown",)),
    "a small key": ({"key": "small"}, ("signature_invalid",)),
    "no kid": ({"header": {"kid": None}}, ("key_unknown",)),
    "an empty kid": ({"header": {"kid": ""}}, ("key_unknown",)),
    "kid a number": ({"header": {"kid": 7}}, ("jwt_malformed",)),
    "crit": ({"header": {"crit": ["exp"]}}, ALGORITHM),
    "crit, empty": ({"header": {"crit": []}}, ALGORITHM),
    "b64": ({"header": {"b64": False}}, ALGORITHM),
    "a key of its own": ({"key": "other", "header": {"jwk": {}}},
                         ("signature_invalid",)),
    "a place to fetch from": (
        {"key": "other", "header": {"jku": "http://127.0.0.1:1/jwks"}},
        ("signature_invalid",)),
}


@pytest.mark.parametrize("name", HEADERS)
def test_signature_and_header(httpd, clerk, name):
    changes, reasons = HEADERS[name]
    token = clerk.mint_jwt(**changes)
    refused_for(httpd, httpd.get("/any/page", token=token), *reasons)


def test_a_signature_of_another_token(httpd, clerk, secret):
    one, other = (clerk.mint_jwt(subject=s) for s in ("user_1", "user_2"))
    forged = one[:one.rindex(".")] + other[other.rindex("."):]
    refused_for(httpd, httpd.get("/any/page", token=secret(forged)),
                "signature_invalid")


def next_letter(letter):
    return BASE64URL[BASE64URL.index(letter) + 1]


# What a token is made of. Parts of a right token -> a text.
SHAPES = {
    "two parts": lambda h, c, s: f"{h}.{c}",
    "one part": lambda h, c, s: h,
    "four parts": lambda h, c, s: f"{h}.{c}.{s}.{s}",
    "five parts": lambda h, c, s: f"{h}.{c}.{s}..",
    "no header": lambda h, c, s: f".{c}.{s}",
    "no claims": lambda h, c, s: f"{h}..{s}",
    "no signature": lambda h, c, s: f"{h}.{c}.",
    "padded": lambda h, c, s: f"{h}.{c}.{s}==",
    "plus": lambda h, c, s: f"{h}.{c}.+{s[1:]}",
    "slash": lambda h, c, s: f"{h}.{c}./{s[1:]}",
    "tilde": lambda h, c, s: f"{h}.{c}.{s}~",
    "spare bits": lambda h, c, s: f"{h}.{c}.{s[:-1]}{next_letter(s[-1])}",
    "a letter more": lambda h, c, s: f"{h}.{c}.{s}A",
    "four letters more": lambda h, c, s: f"{h}.{c}.{s}AAAA",
    "a letter less": lambda h, c, s: f"{h}.{c}.{s[:-1]}",
    "half": lambda h, c, s: f"{h}.{c}.{s[:171]}",
    "swapped": lambda h, c, s: f"{c}.{h}.{s}",
    "a letter in front": lambda h, c, s: f"A{h}.{c}.{s}",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_parts_of_a_token(httpd, clerk, secret, shape):
    token = secret(SHAPES[shape](*clerk.mint_jwt().split(".")))
    assert_invalid_token(httpd.get("/any/page", token=token))


def test_a_part_with_padding_is_no_bearer_token(httpd, clerk):
    header, rest = clerk.mint_jwt().split(".", 1)
    answer = httpd.get("/any/page", token=f"{header}=.{rest}")
    assert_invalid_request(answer)


def claims_text(clerk, **changes):
    return json.dumps({**decoded(clerk.mint_jwt()), **changes})


DOCUMENTS = {
    "an array": lambda t: f"[{t}]",
    "a string": json.dumps,
    "empty": lambda t: " ",
    "null": lambda t: "null",
    "cut": lambda t: t[:-1],
    "a comma more": lambda t: t[:-1] + ",}",
    "two documents": lambda t: t + "{}",
    "a byte behind it": lambda t: t + "\0",
    "a byte order mark": lambda t: "\ufeff" + t,
    "a comment": lambda t: t + "//",
    "NaN": lambda t: t[:-1] + ',"x":NaN}',
    "single quotes": lambda t: t.replace('"', "'"),
    "a NUL in a name": lambda t: t.replace('"sub"', '"sub\\u0000"'),
    "a NUL in sub": lambda t: t.replace('"user_', '"user_\\u0000'),
    "very deep": lambda t: t[:-1] + ',"x":' + "[" * 2000 + "]" * 2000 + "}",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_claims_that_are_no_such_document(httpd, clerk, name):
    text = DOCUMENTS[name](claims_text(clerk))
    assert kind_of(httpd, clerk.mint_jwt(claims_text=text)) is None


@pytest.mark.parametrize("name", sorted(set(DOCUMENTS) - {
    "a NUL in a name", "a NUL in sub"}))
def test_a_header_that_is_no_such_document(httpd, clerk, name):
    text = DOCUMENTS[name](json.dumps(decoded(clerk.mint_jwt(), 0)))
    assert kind_of(httpd, clerk.mint_jwt(header_text=text)) is None


# Of a member that stands twice the last one counts, everywhere (RFC 7519
# section 4; so it is in JavaScript).

@pytest.mark.parametrize("first,last,good", [
    ({"sub": "user_admin"}, {"sub": "user_1"}, True),
    ({"exp": 4102444800}, {"exp": 1000}, False),
    ({"exp": 1000}, {"exp": 4102444800}, True),
    ({"iss": None}, {"iss": "https://clerk.example.com"}, False),
])
def test_claims_that_stand_twice(httpd, clerk, first, last, good):
    text = claims_text(clerk, **first)
    token = clerk.mint_jwt(claims_text=f"{text[:-1]},{json.dumps(last)[1:]}")
    answer = httpd.get("/any/env", token=token)
    if not good:
        assert_invalid_token(answer)
    elif "sub" in last:
        env = answer.env()
        assert env["CLERK_SUBJECT"] == env["REMOTE_USER"] == "user_1"
        assert "user_admin" not in env.values()
    else:
        assert answer.env()["CLERK_EXPIRES"] == "4102444800"


@pytest.mark.parametrize("name,bad", [
    ("alg", "none"), ("typ", "JWT"), ("kid", "ins_other"), ("cat", M2M)])
def test_header_members_that_stand_twice(httpd, clerk, name, bad):
    header = decoded(clerk.mint_jwt(), 0)
    good = header.get(name, IGNORE)
    for first, last, kind in ((good, bad, None), (bad, good, "oauth_token")):
        text = json.dumps({**header, name: first})
        text = f'{text[:-1]},"{name}":"{last}"}}'
        assert kind_of(httpd, clerk.mint_jwt(header_text=text)) == kind


# Claims.

NOW = int(time.time())
CLAIMS = {
    "exp missing": ({"exp": None}, "jwt_malformed"),
    "exp null": ({"exp": NULL}, "jwt_malformed"),
    "exp a string": ({"exp": "4102444800"}, "jwt_malformed"),
    "exp a boolean": ({"exp": True}, "jwt_malformed"),
    "exp an array": ({"exp": [4102444800]}, "jwt_malformed"),
    "exp 0": ({"exp": 0}, "token_expired"),
    "exp 1": ({"exp": 1}, "token_expired"),
    "exp negative": ({"exp": -1}, "jwt_malformed"),
    "exp past": ({"exp": NOW - 3600}, "token_expired"),
    "exp absurd": ({"exp": 9223372036854775807}, "jwt_malformed"),
    "exp more absurd": ({"exp": 1e300}, "jwt_malformed"),
    "nbf to come": ({"nbf": NOW + 3600}, "token_not_yet_valid"),
    "nbf a string": ({"nbf": "1"}, "jwt_malformed"),
    "nbf an object": ({"nbf": {}}, "jwt_malformed"),
    "iat to come": ({"iat": NOW + 3600}, "token_not_yet_valid"),
    "iat a string": ({"iat": "1"}, "jwt_malformed"),
    "iss missing": ({"iss": None}, "issuer_mismatch"),
    "iss null": ({"iss": NULL}, None),
    "iss a number": ({"iss": 7}, "jwt_malformed"),
    "iss empty": ({"iss": ""}, "issuer_mismatch"),
    "iss of somebody else": ({"iss": "https://clerk.example.com"},
                             "issuer_mismatch"),
    "sub missing": ({"sub": None}, "kind_unknown"),
    "sub null": ({"sub": NULL}, "jwt_malformed"),
    "sub empty": ({"sub": ""}, "kind_unknown"),
    "sub a number": ({"sub": 7}, "jwt_malformed"),
    "sub an array": ({"sub": ["user_1"]}, "jwt_malformed"),
    "cnf": ({"cnf": {"jkt": "x"}}, "proof_required"),
    "cnf empty": ({"cnf": {}}, "proof_required"),
    "cnf a string": ({"cnf": "x"}, "proof_required"),
    "cnf null": ({"cnf": NULL}, "proof_required"),
    "aud null": ({"aud": NULL}, "audience_malformed"),
    "aud a number": ({"aud": 7}, "audience_malformed"),
    "aud of numbers": ({"aud": ["x", 7]}, "audience_malformed"),
    "aud an object": ({"aud": {}}, "audience_malformed"),
    "aud an array in an array": ({"aud": [["x"]]}, "audience_malformed"),
}


@pytest.mark.parametrize("kind", ["oauth_token", "session_token",
                                  "m2m_token"])
@pytest.mark.parametrize("name", CLAIMS)
def test_claims(httpd, clerk, kind, name):
    changes, reason = CLAIMS[name]
    answer = httpd.get("/any/page", token=signed(clerk, kind,
                                                 claims=changes))
    assert_invalid_token(answer)
    if reason:
        refused_for(httpd, answer, reason)


ODD_BUT_GOOD = [{"exp": NOW + 600.75}, {"nbf": None}, {"iat": None},
                {"iat": None, "nbf": None}, {"jti": None}, {"exp": 4.1e9},
                {"new": {"a": [1, None, {"b": True}]}}, {"ünï": "cödé"}]


@pytest.mark.parametrize("changes", ODD_BUT_GOOD)
def test_claims_that_are_odd_but_good(httpd, clerk, changes):
    token = signed(clerk, "oauth_token", claims=changes)
    assert kind_of(httpd, token) == "oauth_token"


def test_the_issuer_is_compared_exactly(httpd, clerk):
    for iss in (clerk.issuer + "/", clerk.issuer.upper(),
                clerk.issuer + " ", clerk.issuer[:-1]):
        token = clerk.mint_jwt(claims={"iss": iss})
        assert kind_of(httpd, token) is None, iss


@pytest.mark.parametrize("iss,good", [
    ("https://clerk.example.com", True), ("{}/other", True), ("{}", False)])
def test_the_issuers_of_a_location(httpd, clerk, iss, good):
    token = clerk.mint_jwt(claims={"iss": iss.format(clerk.issuer)})
    assert (kind_of(httpd, token, "/issuer") is not None) == good
    # and none of them elsewhere, though the signature may be remembered
    assert (kind_of(httpd, token) is not None) == (iss == "{}")


# Leeway, to the second: within the second in which the test looks.

EDGES = [("exp", -4, -5, "/any"), ("exp", 1, 0, "/strict"),
         ("exp", -299, -300, "/lenient"),
         ("nbf", 5, 6, "/any"), ("nbf", 0, 1, "/strict"),
         ("nbf", 300, 301, "/lenient"), ("iat", 5, 6, "/any"),
         ("iat", 0, 1, "/strict"), ("iat", 300, 301, "/lenient")]


@pytest.mark.parametrize("claim,good,bad,path", EDGES)
def test_the_edges_of_the_leeway(httpd, clerk, claim, good, bad, path):
    kind_of(httpd, clerk.mint_jwt())    # the keys are there
    passed = time.time() % 1
    if passed > 0.3:
        time.sleep(1 - passed)
    now = int(time.time())
    edges = {offset: clerk.mint_jwt(claims={claim: now + offset})
             for offset in (good, bad)}
    taken = [kind_of(httpd, edges[offset], path) for offset in (good, bad)]
    assert int(time.time()) == now, "too slow a machine for this test"
    assert taken == ["oauth_token", None]


# Audience.

AUDIENCES = [
    # location, kind, aud, good
    ("/plain", "oauth_token", None, True),
    ("/plain", "oauth_token", "anything", True),
    ("/audany", "oauth_token", "anything", True),
    ("/audany", "oauth_token", [], True),
    ("/aud", "oauth_token", API, True),
    ("/aud", "oauth_token", API + "/", True),
    ("/aud", "oauth_token", API + "//", False),
    ("/aud", "oauth_token", API + "/x", False),
    ("/aud", "oauth_token", API[:-1], False),
    ("/aud", "oauth_token", API.upper(), False),
    ("/aud", "oauth_token", f"{API} second", False),
    ("/aud", "oauth_token", ["other", "second"], True),
    ("/aud", "oauth_token", ["other"], False),
    ("/aud", "oauth_token", [], False),
    ("/aud", "oauth_token", "", False),
    ("/aud", "oauth_token", None, False),
    ("/ifpresent", "oauth_token", None, True),
    ("/ifpresent", "oauth_token", [API], True),
    ("/ifpresent", "oauth_token", "other", False),
    ("/ifpresent", "oauth_token", [], False),
    ("/ifpresent", "oauth_token", "", False),
    ("/client", "oauth_token", None, True),
    ("/client", "oauth_token", "other", False),
    ("/client", "session_token", None, True),
    ("/client", "session_token", "other", True),
    ("/client", "m2m_token", "other", True),
    ("/aud", "session_token", None, True),
    ("/aud", "session_token", "other", False),
    ("/aud", "session_token", API, True),
    ("/aud", "m2m_token", "other", False),
    ("/aud", "m2m_token", [], False),
    ("/aud", "m2m_token", API, True),
    ("/aud", "m2m_token", None, True),
    ("/ifpresent", "session_token", "other", False),
]


@pytest.mark.parametrize("path,kind,aud,good", AUDIENCES)
def test_audience(httpd, clerk, path, kind, aud, good):
    token = clerk.mint_jwt(kind, claims={"aud": aud})
    answer = httpd.get(f"{path}/page", token=token)
    if good:
        assert_granted_cleanly(answer)
    else:
        refused_for(httpd, answer, "audience_mismatch")


def test_another_client_without_an_audience(httpd, clerk):
    token = clerk.mint_jwt(client_id="5d25P5uFMQsN6W2D")
    refused_for(httpd, httpd.get("/client/page", token=token),
                "audience_mismatch")


# What is remembered is not believed where it would not be found.

def test_what_is_good_in_one_place_is_not_so_in_another(httpd, clerk):
    token = clerk.mint_jwt(claims={"aud": "other", "exp": NOW - 60})
    assert kind_of(httpd, token, "/lenient") == "oauth_token"
    late = clerk.mint_jwt(claims={"aud": "other"})
    session = clerk.mint("session_token")
    for _ in range(2):
        assert kind_of(httpd, token, "/any") is None
        assert kind_of(httpd, late, "/any") == "oauth_token"
        for path in ("/aud", "/client", "/issuer", "/session_token",
                     "/m2m_token"):
            assert kind_of(httpd, late, path) is None, path
        assert kind_of(httpd, session, "/any") == "session_token"
        assert kind_of(httpd, session, "/parties") is None


def test_a_second_time_it_comes_out_of_the_cache(httpd, clerk):
    for path, uses in (("/any", ["miss", "hit"]),
                       ("/nocache", ["miss", "miss"])):
        token = clerk.mint_jwt()
        before = httpd.error_log.position
        assert [kind_of(httpd, token, path) for _ in uses] == [
            "oauth_token"] * 2
        lines = httpd.logged(2, before, level="debug", matching=", cache ")
        assert [use in line for use, line in zip(uses, lines)] == [
            True, True], lines
    assert clerk.calls() == clerk.calls("jwks")
