"""Tokens that the stand-in does not mint by itself: taken apart, changed, and
signed again."""

import base64
import json

NULL = object()     # a member that is there and null
SESSION, TEMPLATE, M2M, IGNORE = (
    "cl_B7d4PD111AAA", "cl_B7d4PD222AAA", "cl_B7d4PD333AAA",
    "cl_I7d4PD111III")
BASE64URL = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
             "0123456789-_")


def decoded(token, part=1):
    """Header (0) or claims (1) of a JWT."""
    text = token.split(".")[part]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def signed(clerk, kind, header=None, claims=None, **how):
    """A JWT with members replaced; None removes one, NULL makes it null."""
    plain = clerk.mint_jwt(kind)
    texts = {}
    for name, part, changes in (("header_text", 0, header),
                                ("claims_text", 1, claims)):
        if changes is None:
            continue
        members = {**decoded(plain, part), **changes}
        texts[name] = json.dumps({k: None if v is NULL else v
                                  for k, v in members.items()
                                  if v is not None})
    return clerk.mint_jwt(kind, **texts, **how)


def organization(clerk, *, claims=None, **o):
    """A session token of version 2 with an active organization."""
    return clerk.mint_jwt("session_token", claims={
        "o": {"id": "org_1", "slg": "acme", "rol": "admin", **o},
        **(claims or {})})
