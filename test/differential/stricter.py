"""Where the module refuses what Clerk's own client accepts, and why.

A row is (reason, kinds of token, mutations); it stands for every one of the
mutations on every one of the kinds. All of them must differ: a row that says
too much fails the test as one that is missing does.
"""

OPAQUE = "oauth_token m2m_token api_key"
JWT = "oauth_jwt session_token session_token_v1 m2m_jwt"
ONCE = "oauth_jwt session_token m2m_jwt"
SESSION = "session_token session_token_v1"
WRONG_TYPES = ("number", "true", "object", "array")
WRONG_LISTS = ("number", "true", "object", "array of numbers",
               "array with null")
NO_OBJECT = ("empty", "number", "true", "array", "text", "zero", "false")
HALF_AN_ANSWER = "an answer that lacks a member, or has it of a wrong type, " \
                 "says nothing of the token (D2)"


def each(name, values):
    return [f"{name} {value}" for value in values]


def texts(*labels):
    return [f"{part} {label}" for part in ("claims", "header text")
            for label in labels]


ROWS = [
    ("a version that is no whole number is of the wrong type",
     SESSION, ["v 2.5"]),
    # -- any token ----------------------------------------------------------
    ("a header field with more than one token is malformed; the client reads "
     "the first word (D23)",
     f"{OPAQUE} {JWT}", ["another word behind"]),
    ("a token above 8 KiB is malformed", OPAQUE, ["known, with too long"]),
    ("a token above 8 KiB is malformed", "oauth_jwt",
     texts("with 9 KiB more")),

    # -- what Clerk answers -------------------------------------------------
    ("the client does not look at the flags (D2)", OPAQUE,
     ["answered, revoked flag", "answered, expired flag",
      "answered, not active"]),
    (HALF_AN_ANSWER, OPAQUE, each("answered,", (
        "revoked null", "revoked text", "expired null", "active text",
        "active null", "subject null", "subject number", "id null",
        "id number", "scopes number", "scopes of numbers", "object other",
        "object null", "expiration text", "expiration negative"))),
    (HALF_AN_ANSWER, "oauth_token api_key", ["answered, scopes null"]),
    (HALF_AN_ANSWER, "oauth_token", each("answered,", (
        "client null", "client number"))),
    ("a token of nobody", OPAQUE, ["answered, subject empty"]),
    ("the client does not look at the times in an answer (D2, D4)", OPAQUE,
     ["answered, expiration past", "answered, exp past"]),
    ("an API key is a user's or an organization's (D26)", "api_key",
     ["answered, subject machine", "answered, subject odd"]),
    ("proof of possession cannot be checked", OPAQUE, ["answered, cnf"]),
    ("an aud that is no string makes the token invalid (D7)", OPAQUE,
     ["answered, aud number"]),

    # -- classes of token (D10) ---------------------------------------------
    ("a session token has a sid, an ID token, template token or handshake "
     "token has none", "template_jwt id_token handshake",
     each("cat", ("session", "ignore", "absent"))),
    ("the same", "id_token handshake", ["good"]),
    ("the same", SESSION, each("sid", ("absent", "null", "empty"))),
    ("the same, of an OAuth token with a session token's typ", "oauth_jwt",
     ["typ JWT", "typ absent"]),
    ("the subject of a session token is a user", SESSION,
     ["sub empty", "sub text"]),
    ("the same", "session_token", each("subject", (
        "'user'", "'USER_x'", "' user_x'", "'usr_x'", "'org_x'", "'MCH_x'",
        "'mch-x'", "'xmch_x'", "'client_x'", "'oat_x'"))),
    ("the subject of an OAuth token is not empty", "oauth_jwt",
     ["sub empty"]),
    ("typ and cat must not contradict each other; the client does not look at "
     "the cat of an OAuth token",
     "oauth_jwt", each("cat", ("session", "template", "m2m"))),
    ("the same", "template_jwt handshake", ["typ at+jwt"]),
    ("the same", SESSION, each("typ", ("at+jwt", "application/at+jwt"))),

    # -- what the client does not check -------------------------------------
    ("the client never checks iss (D8)", JWT, each("iss", (
        "absent", "null", "empty", "number", "true", "object", "array",
        "text"))),
    ("the same", ONCE, each("issuer", (
        "with a slash", "upper case", "with a path", "of another", "https",
        "without a scheme", "in an array"))),
    ("crit names what this verifier does not know (RFC 7515, 4.1.11)", JWT,
     ["header crit"]),
    ("b64 changes what is signed (RFC 7797)", JWT,
     ["header b64", "header b64 true"]),
    ("proof of possession cannot be checked", JWT,
     each("cnf", ("null", "object", *NO_OBJECT))),
    ("an aud that is null names no audience (D7)", ONCE, ["aud null"]),
    ("a moment beyond the year 9999 is none; the client reads such an exp as "
     "never, and such an nbf as long ago", ONCE,
     each("exp", ("milliseconds", "year 10000", "beyond Date",
                  "beyond 64 bits", "wraps to one", "huge"))
     + [f"{name} {label}" for name in ("nbf", "iat")
        for label in ("beyond Date", "beyond 64 bits", "wraps to one",
                      "huge")]),
    ("a moment before 1970 is none", ONCE, ["nbf negative", "iat negative"]),

    # -- a member of a wrong type makes the token malformed -----------------
    ("a wrong type; the client does not look", "oauth_jwt",
     each("client_id", WRONG_TYPES) + each("scp", WRONG_LISTS)
     + each("cat", ("null", "number", "array", "object"))),
    ("the same", ONCE,
     each("jti", WRONG_TYPES) + each("aud", WRONG_LISTS)),
    ("the same; an M2M token's act is its sender's own claim",
     f"oauth_jwt {SESSION}", each("act", NO_OBJECT)),
    ("the same; the client finds the key by what it prints as", JWT,
     ["kid in an array"]),
    ("the same", "oauth_jwt session_token_v1", each("org_id", WRONG_TYPES)),
    ("the same", SESSION, each("azp", WRONG_TYPES) + each("sid", WRONG_TYPES)
     + each("sts", WRONG_TYPES) + ["v '2'"]),
    ("the same", "session_token", each("o", NO_OBJECT)
     + each("v", ("empty", "true", "object", "array", "text", "false"))),
    ("the same", "session_token_v1",
     each("org_slug", WRONG_TYPES) + each("org_role", WRONG_TYPES)
     + each("org_permissions", WRONG_LISTS)),

    # -- how it is written --------------------------------------------------
    ("base64url has no padding (RFC 7515, 2)", SESSION, ["padded"]),
    ("a NUL would end a value in C", "oauth_jwt",
     texts("with '\"\\\\u0000\"'")),
    ("depth is bounded", "oauth_jwt",
     texts("16 deep", "17 deep", "200 deep")),
    ("JSON begins without a byte order mark (RFC 8259, 8.1)", "oauth_jwt",
     texts("behind a byte order mark")),
]


def expanded():
    """Reasons by the names of cases."""
    found = {}
    for reason, kinds, mutations in ROWS:
        for kind in kinds.split():
            for mutation in mutations:
                name = f"{kind}: {mutation}"
                assert name not in found, f"{name} is listed twice"
                found[name] = reason
    return found


STRICTER = expanded()

# Where the wire contract has the module accept what the client refuses. None
# of them lets anybody in whom Clerk has not vouched for.
BY_CONTRACT = {
    # D11: the tag that says nothing says nothing of M2M tokens, too; whose
    # token it is the subject decides.
    "m2m_jwt: cat ignore": "D11",
    # D5: a string or an array; the client throws.
    "oauth_jwt: scope array": "D5",
    "oauth_jwt: scope empty array": "D5",
    # 2.1: the prefix decides, and Clerk itself knows the token; the client
    # takes it for a JWT because of its dots.
    "oauth_token: known, with dots": "2.1",
    "m2m_token: known, with dots": "2.1",
    "api_key: known, with dots": "2.1",
}
