"""Tokens of all kinds, good ones and mutated ones, each with a name.

A case is (name, token); the name says the kind and what was done to it, and is
what the list in stricter.py speaks of.
"""

import base64
import json

JWTS = ("oauth_jwt", "session_token", "session_token_v1", "m2m_jwt")
ABSENT = object()

CATEGORIES = {
    "session": "cl_B7d4PD111AAA", "template": "cl_B7d4PD222AAA",
    "m2m": "cl_B7d4PD333AAA", "ignore": "cl_I7d4PD111III",
    "unknown": "cl_B7d4PD444AAA", "lower case": "cl_b7d4pd111aaa",
    "padded": " cl_B7d4PD111AAA", "empty": "", "absent": ABSENT,
    "null": None, "number": 7, "array": ["cl_B7d4PD111AAA"], "object": {},
}
TYPES = {
    "JWT": "JWT", "jwt": "jwt", "at+jwt": "at+jwt", "AT+JWT": "AT+JWT",
    "application/at+jwt": "application/at+jwt",
    "application/AT+jwt": "application/AT+jwt", "at+jwt ": "at+jwt ",
    "application/jwt": "application/jwt", "JWS": "JWS", "dpop+jwt": "dpop+jwt",
    "empty": "", "absent": ABSENT, "null": None, "number": 7,
    "array of JWT": ["JWT"], "array of at+jwt": ["at+jwt"], "object": {},
}
EXTRAS = {
    "crit": ["exp"], "b64": False, "b64 true": True, "jku": "https://x.test/",
    "jwk": {"kty": "oct", "k": "AAAA"}, "x5c": ["AAAA"], "x5u": "x",
    "x5t": "x", "cty": "JWT", "zip": "DEF", "enc": "A256GCM", "oiat": 1,
    "unheard of": {"of": None},
}
# What a claim may wrongly be.
TEXT_VALUES = {"absent": ABSENT, "null": None, "empty": "", "number": 7,
               "true": True, "object": {}, "array": ["x"], "text": "x"}
LIST_VALUES = {**TEXT_VALUES, "empty array": [], "array of numbers": [7],
               "array with null": ["x", None]}
OBJECT_VALUES = {**TEXT_VALUES, "zero": 0, "false": False}
TEXTS = {"iss", "sub", "client_id", "jti", "azp", "sid", "sts", "org_id",
         "org_slug", "org_role", "pla", "fea", "typ", "kid"}
LISTS = {"aud", "scope", "scp", "scopes", "org_permissions", "fva"}
OBJECTS = {"act", "o", "cnf", "v", "email", "may_act", "events"}
CLAIMS = {
    "oauth_jwt": ("iss sub client_id jti scope scp aud act org_id cnf azp sid "
                  "sts v o fea email").split(),
    "session_token": ("iss sub jti azp sid sts v fva o fea pla act aud cnf "
                      "org_id org_role org_permissions scope email").split(),
    "session_token_v1": ("iss sub azp sid org_id org_slug org_role "
                         "org_permissions act cnf sts").split(),
    "m2m_jwt": ("iss sub jti scopes aud cnf scope act azp sid sts "
                "client_id").split(),
}


def b64url(text):
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def parts(token):
    """Header and claims of a JWT."""
    return [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            for part in token.split(".")[:2]]


def changed(members, name, value):
    members = {**members, name: value}
    return {k: v for k, v in members.items() if v is not ABSENT}


class Mint:
    """Tokens of one kind, made from a good one."""

    def __init__(self, clerk, kind):
        self.clerk, self.kind = clerk, kind

    def good(self, **wish):
        return self.clerk.mint(self.kind, **wish)

    def written(self, header, claims, **wish):
        """Members, or whole texts where they are texts already."""
        texts = [part if isinstance(part, str) else json.dumps(part)
                 for part in (header, claims)]
        return self.clerk.mint(self.kind, header_text=texts[0],
                               claims_text=texts[1], **wish)

    def with_header(self, name, value, **wish):
        header, claims = parts(self.good())
        return self.written(changed(header, name, value), claims, **wish)

    def with_claim(self, name, value):
        header, claims = parts(self.good())
        return self.written(header, changed(claims, name, value))


# ---------------------------------------------------------------------------
# JWTs

def claims_of(mint):
    for claim in CLAIMS[mint.kind]:
        values = (TEXT_VALUES if claim in TEXTS else
                  LIST_VALUES if claim in LISTS else OBJECT_VALUES)
        for label, value in values.items():
            yield f"{claim} {label}", mint.with_claim(claim, value)


def times_of(mint):
    """Values of a moment, and moments around the leeway; the edges
    themselves are in test_edges.py."""
    for claim in ("exp", "nbf", "iat"):
        _, claims = parts(mint.good())
        now = claims["iat"]
        values = {
            "absent": ABSENT, "null": None, "text": str(now), "empty": "",
            "true": True, "false": False, "array": [now], "object": {},
            "zero": 0, "one": 1, "negative": -1, "long ago": now - 864000,
            "far ahead": now + 864000, "fraction": now + 0.25,
            "milliseconds": now * 1000, "year 9999": 253402300799,
            "year 10000": 253402300800, "beyond Date": 8.65e12,
            "beyond 64 bits": 2 ** 64, "wraps to one": 2 ** 64 + 1,
            "huge": 1e300,
        }
        values.update({f"{n:+d} s": now + n
                       for n in (-8, -6, -4, -2, 2, 4, 6, 8, 20)})
        for label, value in values.items():
            yield f"{claim} {label}", mint.with_claim(claim, value)


def identifiers_of(mint):
    """Ids and subjects with odd prefixes."""
    subjects = ("user_", "user", "USER_x", " user_x", "usr_x", "org_x", "mch_",
                "mch_x", "MCH_x", "mch-x", "xmch_x", "client_x", "oat_x",
                "user_\u00e9", "user_a b", "user_" + "x" * 300)
    for subject in subjects:
        yield f"subject {subject[:12]!r}", mint.with_claim("sub", subject)
    for name in ("jti", "sid"):
        for value in ("oat_x", "mt_x", "sess_", "ses_x", "x" * 300):
            yield (f"{name} {value[:12]!r}", mint.with_claim(name, value))


def issuers_of(mint):
    good = mint.clerk.issuer
    for label, value in {
            "with a slash": good + "/", "upper case": good.upper(),
            "with a path": good + "/x", "of another": "https://clerk.x.test",
            "https": good.replace("http:", "https:"),
            "without a scheme": good.split("//")[1],
            "in an array": [good]}.items():
        yield f"issuer {label}", mint.with_claim("iss", value)


def states_of(mint):
    for value in ("active", "pending", "Pending", "expired"):
        yield f"sts {value}", mint.with_claim("sts", value)
    for value in (0, 1, 2, 2.0, 2.5, 3, "2", -1):
        yield f"v {value!r}", mint.with_claim("v", value)


def headers_of(mint):
    for label, value in CATEGORIES.items():
        yield f"cat {label}", mint.with_header("cat", value)
    for label, value in TYPES.items():
        yield f"typ {label}", mint.with_header("typ", value)
    for label, value in EXTRAS.items():
        yield f"header {label}", mint.with_header(label.split()[0], value)
    kid = parts(mint.good())[0]["kid"]
    for label, value in {**TEXT_VALUES, "in an array": [kid],
                         "upper case": kid.upper(), "padded": kid + " ",
                         "of a prototype": "constructor"}.items():
        yield f"kid {label}", mint.with_header("kid", value)
    for label, value in TEXT_VALUES.items():
        yield f"alg {label}", mint.with_header("alg", value)
    for label in ("rs256", "RS256 ", "RS1", "PS256", "ES256", "HS256", "none",
                  "None", "EdDSA", "RS384", "RS512"):
        yield f"alg said to be {label}", mint.with_header("alg", label)
    yield "alg in an array", mint.with_header("alg", ["RS256"])


def keys_of(mint):
    for alg in ("RS384", "RS512", "PS256", "PS384", "HS256", "HS512"):
        yield f"signed by {alg}", mint.good(alg=alg)
        yield (f"signed by {alg}, said to be RS256",
               mint.with_header("alg", "RS256", alg=alg))
    yield "not signed", mint.good(alg="none")
    for key in ("other", "ec", "small", "pem", "none"):
        yield f"signed by the key {key}", mint.good(key=key)
        yield (f"signed by the key {key}, said to be RS256",
               mint.with_header("alg", "RS256", key=key))
    for kid in ("without_alg", "for_rs384", "for_rs512", "for_ps256",
                "for_encryption", "without_use", "of_ec", "of_oct", "to_sign",
                "to_verify", "without_modulus", "exponent_one"):
        for alg in ("RS256", "RS384", "RS512"):
            yield (f"key {kid}, {alg}",
                   mint.good(alg=alg, header={"kid": kid}))


def shapes_of(mint):
    """What is done to the text of a good token."""
    good, other = mint.good(), mint.good(expires_in=50)
    header, claims, signature = good.split(".")
    alphabet = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                "0123456789-_")
    # 256 bytes leave four bits of the last letter unused
    loose = alphabet[alphabet.index(signature[-1]) + 1]
    flipped = "B" if signature[0] == "A" else "A"
    yield "good", good
    yield "used again", good
    for label, token in {
            "without a signature": f"{header}.{claims}",
            "empty signature": f"{header}.{claims}.",
            "empty claims": f"{header}..{signature}",
            "empty header": f".{claims}.{signature}",
            "header alone": header, "a fourth part": good + ".x",
            "an empty fourth part": good + ".", "dot in front": "." + good,
            "cut": good[:-1], "cut by a group": good[:-4],
            "cut in half": good[:len(good) // 2], "a letter more": good + "A",
            "a group more": good + "AAAA", "padded": good + "==",
            "padded in the middle": f"{header}=.{claims}.{signature}",
            "last letter loose": good[:-1] + loose,
            "signature flipped": f"{header}.{claims}.{flipped}{signature[1:]}",
            "claims of another": f"{header}.{other.split('.')[1]}.{signature}",
            "signature of another": f"{header}.{claims}.{other.split('.')[2]}",
            "other base64": good.replace("-", "+").replace("_", "/"),
            "a tilde behind": good + "~", "bytes swapped": good.swapcase(),
            "twice": good + good, "another word behind": good + " x",
            "a comma behind": good + ",x", "quoted": f'"{good}"',
            "behind oat_": "oat_" + good, "behind mt_": "mt_" + good,
            "behind ak_": "ak_" + good}.items():
        yield label, token


def texts_of(mint):
    """JSON that the two sides may read differently."""
    header, claims = (json.dumps(part) for part in parts(mint.good()))

    def both(label, change):
        yield f"claims {label}", mint.written(header, change(claims))
        yield f"header text {label}", mint.written(change(header), claims)

    def with_member(raw):
        return lambda text: text[:-1] + ',"x":' + raw + "}"

    for raw in ('"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\\x41"',
                '"\\\'"', '"\x01"', '"\t"', '"\n"', '"\x7f"', "'x'", "NULL",
                "Null", "TRUE", "True", "nul", "NaN", "Infinity", "-Infinity",
                "undefined", "01", "-01", "00", "+1", "-", "--1", "1.", ".5",
                "1.e5", "1e", "1e+", "1E5", "0x10", "1_000", "1e400", "-0",
                "9" * 400, "[1,]", "[,]", "[1 2]", '{"a":1,}', "{a:1}",
                '{"a"}', '{"":1}', "/* x */ 1", "1 // x\n", "", '"',
                '"\u2028"', '"\ufeff"'):
        yield from both(f"with {raw[:12]!a}", with_member(raw))
    for depth in (8, 13, 14, 15, 16, 17, 200):
        yield from both(f"{depth} deep",
                        with_member("[" * depth + "]" * depth))
    for label, change in {
            "in blanks": lambda text: f" \t\r\n{text}\n ",
            "behind a byte order mark": lambda text: "\ufeff" + text,
            "behind a form feed": lambda text: "\f" + text,
            "behind a no-break space": lambda text: "\u00a0" + text,
            "in front of more": lambda text: text + "x",
            "in front of an object": lambda text: text + "{}",
            "in front of a comma": lambda text: text + ",",
            "cut": lambda text: text[:-1],
            "in an array": lambda text: f"[{text}]",
            "null": lambda text: "null", "a number": lambda text: "7",
            "a text": lambda text: '"x"', "true": lambda text: "true",
            "an empty object": lambda text: "{}",
            "with a comma at the end": lambda text: text[:-1] + ",}",
            "with a name unquoted": lambda text: text[:-1] + ",x:1}",
            "with 6 KiB more": with_member('"' + "x" * 4300 + '"'),
            "with 9 KiB more": with_member('"' + "x" * 7000 + '"'),
            "with 300 more": lambda text: text[:-1] + "".join(
                f',"n{i}":1' for i in range(300)) + "}"}.items():
        yield from both(label, change)
    yield ("claims with sub twice, the last one good",
           mint.written(header, '{"sub":7,' + claims[1:]))
    yield ("claims with sub twice, the first one good",
           mint.written(header, claims[:-1] + ',"sub":7}'))
    yield ("claims with exp twice, the last one past",
           mint.written(header, claims[:-1] + ',"exp":1}'))
    yield ("claims with exp twice, the first one past",
           mint.written(header, '{"exp":1,' + claims[1:]))
    yield ("claims with an exp in an escaped name",
           mint.written(header, claims.replace('"exp"', '"\\u0065xp"')))
    yield ("header text with alg twice, the last one none",
           mint.written(header[:-1] + ',"alg":"none"}', claims))
    yield ("header text with alg twice, the first one none",
           mint.written('{"alg":"none",' + header[1:], claims))
    yield ("header text with typ twice, the last one JWS",
           mint.written(header[:-1] + ',"typ":"JWS"}', claims))


def jwts(clerk):
    """Every JWT kind through every mutation that is meant for it."""
    for kind in JWTS:
        mint = Mint(clerk, kind)
        makers = [claims_of, headers_of, shapes_of]
        if kind != "session_token_v1":
            makers += [times_of, identifiers_of, issuers_of, keys_of]
        if kind.startswith("session"):
            makers.append(states_of)
        if kind == "oauth_jwt":
            makers.append(texts_of)
        for make in makers:
            for name, token in make(mint):
                yield f"{kind}: {name}", token


def others(clerk):
    """What else is signed by the same key, under every tag."""
    for kind in ("template_jwt", "id_token", "handshake"):
        mint = Mint(clerk, kind)
        yield f"{kind}: good", mint.good()
        for label, value in CATEGORIES.items():
            yield f"{kind}: cat {label}", mint.with_header("cat", value)
        yield f"{kind}: typ at+jwt", mint.with_header("typ", "at+jwt")
        yield f"{kind}: with a sid", mint.with_claim("sid", "sess_x")
        yield f"{kind}: of a machine", mint.with_claim("sub", "mch_x")


# ---------------------------------------------------------------------------
# Opaque tokens

PREFIXES = ("oat_", "mt_", "ak_", "m2m_", "OAT_", "Oat_", "oat", "oat-",
            "xoat_", "x_oat_", " oat_", "oat__", "MT_", "AK_", "clk_refresh_",
            "sk_test_", "dvb_", "")
KINDS = ("oauth_token", "m2m_token", "api_key")


def opaque(clerk):
    for kind in KINDS:
        mint = Mint(clerk, kind)
        for name, token in [*fates_of(mint), *answers_of(mint)]:
            yield f"{kind}: {name}", token
    yield "refresh_token: good", clerk.mint("refresh_token")
    for prefix in PREFIXES:
        yield f"unknown: {prefix!r}", prefix + "y" * 40
        yield f"unknown: {prefix!r} alone", prefix or "y"


def fates_of(mint):
    """Good, dead, and with odd texts that Clerk knows nevertheless."""
    good = mint.good()
    yield "good", good
    yield "used again", good
    revoked = mint.good()
    mint.clerk.revoke(revoked)
    yield "revoked", revoked
    yield "expired", mint.good(expires_in=-1)
    yield "expired long ago", mint.good(expires_in=-864000)
    yield "about to end", mint.good(expires_in=600)
    yield "cut", mint.good()[:-1]
    yield "a letter more", mint.good() + "x"
    yield "upper case", mint.good().upper()
    yield "another word behind", mint.good() + " x"
    yield "a comma behind", mint.good() + ","
    yield "a trailing =", mint.good() + "="
    prefix = good[:good.index("_") + 1]
    for label, text in {
            "dots": "aa.bb.cc", "two dots": "..", "one dot": "aa.bb",
            "slash and equals": "a/b+c~d==", "short": "x",
            "long": "x" * 4000, "too long": "x" * 9000}.items():
        yield f"known, with {label}", mint.good(
            token=f"{prefix}{mint.kind}{text}")
    for other in ("oat_", "mt_", "ak_", "m2m_", "xyz_"):
        yield f"known, as {other}", mint.good(
            token=f"{other}{mint.kind}known")


def answers_of(mint):
    """What Clerk may say of it."""
    members = {
        "revoked flag": {"revoked": True}, "expired flag": {"expired": True},
        "revoked null": {"revoked": None}, "expired null": {"expired": None},
        "revoked text": {"revoked": "false"}, "not active": {"active": False},
        "active": {"active": True}, "active text": {"active": "false"},
        "active null": {"active": None},
        "subject null": {"subject": None}, "subject empty": {"subject": ""},
        "subject number": {"subject": 7},
        "subject user": {"subject": "user_x"},
        "subject org": {"subject": "org_x"},
        "subject machine": {"subject": "mch_x"},
        "subject odd": {"subject": "xyz"}, "id null": {"id": None},
        "id odd": {"id": "xyz"}, "id empty": {"id": ""},
        "id number": {"id": 7},
        "scopes null": {"scopes": None}, "scopes text": {"scopes": "a b"},
        "scopes empty": {"scopes": []}, "scopes number": {"scopes": 7},
        "scopes of numbers": {"scopes": [7]}, "cnf": {"cnf": {"jkt": "x"}},
        "object other": {"object": "token"}, "object null": {"object": None},
        "aud number": {"aud": 7}, "exp past": {"exp": 1},
        "expiration past": {"expiration": 1000, "revoked": False,
                            "expired": False},
        "expiration in s": {"expiration": 4000000000, "revoked": False,
                            "expired": False},
        "expiration null": {"expiration": None, "revoked": False,
                            "expired": False},
        "expiration text": {"expiration": "never", "revoked": False,
                            "expired": False},
        "expiration negative": {"expiration": -1, "revoked": False,
                                "expired": False},
        "claims null": {"claims": None}, "claims odd": {"claims": 7},
        "claims sub": {"claims": {"sub": "user_other"}},
        "extra": {"extra": {"x": 1}},
    }
    if mint.kind == "oauth_token":
        members.update({"client null": {"client_id": None},
                        "client empty": {"client_id": ""},
                        "client number": {"client_id": 7}})
    for label, wish in members.items():
        yield f"answered, {label}", mint.good(members=wish)
    if mint.kind == "m2m_token":
        yield "for another machine", mint.good(scopes=["mch_other"])
        yield "for nobody", mint.good(scopes=[])


def every(clerk):
    """All of them, each made when it is its turn, so that it is fresh."""
    yield from opaque(clerk)
    yield from others(clerk)
    yield from jwts(clerk)
