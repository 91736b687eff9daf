"""Minting tokens of every kind, right by default and wrong on request."""

import time
from typing import Any, Optional

from . import jwt
from .state import (ACCESS_TOKEN_LIFETIME, REFRESH_TOKEN_LIFETIME, Instance,
                    Token, hex_id, word)

CAT_SESSION = "cl_B7d4PD111AAA"
CAT_TEMPLATE = "cl_B7d4PD222AAA"
CAT_M2M = "cl_B7d4PD333AAA"
CAT_IGNORE = "cl_I7d4PD111III"

OPAQUE_KINDS = {"oauth_token": "oat_", "refresh_token": "clk_refresh_",
                "m2m_token": "mt_", "api_key": "ak_"}

_NO_VALUE = object()


def mint(instance: Instance, kind: str, wish: dict) -> str:
    """A token of this kind.  `wish` overrides its properties; names that
    the kind does not know are an error, so that a typing slip is seen."""
    wish = dict(wish)
    if kind in OPAQUE_KINDS:
        return _mint_opaque(instance, kind, wish).text
    if kind in _CLAIMS:
        return _mint_jwt(instance, kind, wish)
    raise ValueError(f"no token kind named {kind}")


# -- opaque tokens ---------------------------------------------------------

def _mint_opaque(instance: Instance, kind: str, wish: dict) -> Token:
    prefix = OPAQUE_KINDS[kind]
    now = int(time.time())
    issued_at = wish.pop("issued_at", now)
    lifetime = wish.pop("expires_in", {
        "oauth_token": ACCESS_TOKEN_LIFETIME, "m2m_token": 3600,
        "refresh_token": REFRESH_TOKEN_LIFETIME}.get(kind))
    token = Token(
        text=wish.pop("token", None) or prefix + word(48), kind=kind,
        id=wish.pop("id", None) or hex_id(
            prefix if kind != "refresh_token" else "rt_"),
        subject=wish.pop("subject", _NO_VALUE),
        scopes=wish.pop("scopes", None),
        issued_at=issued_at,
        expires_at=None if lifetime is None else int(now + lifetime),
        claims=wish.pop("claims", None),
        members=wish.pop("members", {}),
        grant=wish.pop("grant", "") or word(20))
    if token.subject is _NO_VALUE:
        token.subject = (instance.sender.id if kind == "m2m_token"
                         else instance.default_user)
    if kind in ("oauth_token", "refresh_token"):
        _oauth_properties(instance, token, wish)
    elif kind == "m2m_token":
        if token.scopes is None:
            token.scopes = [instance.machine.id]
    else:
        token.scopes = token.scopes if token.scopes is not None else []
        token.name = wish.pop("name", "CI key")
    # flags said by hand are told as they are, whatever `dead_tokens` says
    for flag in ("revoked", "revocation_reason", "expired", "expiration"):
        if flag in wish:
            token.members[flag] = wish.pop(flag)
    _nothing_left(kind, wish)
    return instance.store(token)


def _oauth_properties(instance: Instance, token: Token, wish: dict) -> None:
    if token.scopes is None:
        token.scopes = ["profile", "email"]
    token.client_id = wish.pop("client_id", instance.application.client_id)
    aud = wish.pop("aud", None)
    token.aud = [aud] if isinstance(aud, str) else aud
    token.act = wish.pop("act", None)
    token.org_id = wish.pop("org_id", None)
    token.introspection = wish.pop("introspection", {})
    profile = wish.pop("user", None)
    if profile is not None:
        instance.set_user(token.subject, profile)


def _nothing_left(kind: str, wish: dict) -> None:
    if wish:
        raise ValueError(f"{kind} has no property {', '.join(sorted(wish))}")


# -- JSON Web Tokens -------------------------------------------------------

def _times(wish: dict, lifetime: int, nbf: bool = True) -> dict:
    now = int(time.time())
    iat = wish.pop("issued_at", now)
    claims = {"iat": iat, "exp": int(now + wish.pop("expires_in", lifetime))}
    if nbf:
        claims["nbf"] = iat - 10
    return claims


def _user(instance: Instance, wish: dict) -> str:
    subject = wish.pop("subject", instance.default_user)
    profile = wish.pop("user", None)
    if profile is not None:
        instance.set_user(subject, profile)
    return subject


def _oauth_claims(instance: Instance, wish: dict) -> tuple[dict, dict]:
    claims = {"iss": instance.issuer, "sub": _user(instance, wish),
              "client_id": wish.pop("client_id",
                                    instance.application.client_id),
              "scope": " ".join(wish.pop("scopes", ["profile", "email"])),
              "jti": wish.pop("id", None) or hex_id("oat_"),
              **_times(wish, ACCESS_TOKEN_LIFETIME, nbf=False)}
    for name in ("aud", "org_id", "act"):
        if wish.get(name) is not None:
            claims[name] = wish[name]
        wish.pop(name, None)
    return {"typ": "at+jwt"}, claims


def _session_claims(instance: Instance, wish: dict) -> tuple[dict, dict]:
    claims = {"azp": wish.pop("azp", "https://app.example.com"),
              "fva": [7, -1], "iss": instance.issuer,
              "jti": wish.pop("id", None) or hex_id("")[:20],
              "sid": wish.pop("sid", None) or "sess_" + word(27),
              "sts": "active", "sub": _user(instance, wish), "v": 2,
              **_times(wish, 60)}
    return {"typ": "JWT", "cat": CAT_SESSION}, claims


def _session_v1_claims(instance: Instance, wish: dict) -> tuple[dict, dict]:
    header, claims = _session_claims(instance, wish)
    for name in ("v", "fva", "sts", "jti"):
        del claims[name]
    return header, claims


def _m2m_claims(instance: Instance, wish: dict) -> tuple[dict, dict]:
    scopes = wish.pop("scopes", [instance.machine.id])
    claims = {"iss": instance.issuer,
              "sub": wish.pop("subject", instance.sender.id),
              "jti": wish.pop("id", None) or hex_id("mt_"),
              "scopes": " ".join(scopes), "aud": scopes,
              **_times(wish, 3600)}
    return {"typ": "JWT", "cat": CAT_M2M}, claims


def _template_claims(instance: Instance, wish: dict) -> tuple[dict, dict]:
    claims = {"iss": instance.issuer, "sub": _user(instance, wish),
              "aud": wish.pop("aud", "convex"), "jti": hex_id("")[:20],
              "azp": "https://app.example.com", **_times(wish, 60)}
    return {"typ": "JWT", "cat": CAT_TEMPLATE}, claims


def _id_token_claims(instance: Instance, wish: dict) -> tuple[dict, dict]:
    client = wish.pop("client_id", instance.application.client_id)
    claims = {"iss": instance.issuer, "sub": _user(instance, wish),
              "aud": client, "jti": hex_id("")[:20],
              **_times(wish, ACCESS_TOKEN_LIFETIME, nbf=False)}
    return {"typ": "JWT"}, claims


def _handshake_claims(instance: Instance, wish: dict) -> tuple[dict, dict]:
    claims = {"iss": instance.issuer, "sub": _user(instance, wish),
              "handshake": ["__client_uat=0; Path=/"], **_times(wish, 60)}
    return {"typ": "JWT", "cat": CAT_SESSION}, claims


_CLAIMS = {"oauth_jwt": _oauth_claims, "session_token": _session_claims,
           "session_token_v1": _session_v1_claims, "m2m_jwt": _m2m_claims,
           "template_jwt": _template_claims, "id_token": _id_token_claims,
           "handshake": _handshake_claims}


def _overlay(base: dict, changes: Optional[dict]) -> dict:
    """Members of `changes` replace those of `base`; None takes one away."""
    merged = {**base, **(changes or {})}
    return {name: value for name, value in merged.items()
            if value is not None}


def _mint_jwt(instance: Instance, kind: str, wish: dict) -> str:
    header_changes = wish.pop("header", None)
    claim_changes = wish.pop("claims", None)
    header_text = wish.pop("header_text", None)
    claims_text = wish.pop("claims_text", None)
    key_name = wish.pop("key", "current")
    alg = wish.pop("alg", None)
    header, claims = _CLAIMS[kind](instance, wish)
    _nothing_left(kind, wish)
    key, alg = _signer(instance, key_name, alg)
    kid = instance.keys[0].kid if key is None else key.kid
    header = _overlay({"alg": alg, "kid": kid, **header}, header_changes)
    claims = _overlay(claims, claim_changes)
    text = jwt.encode(header_text or jwt.compact(header),
                      claims_text or jwt.compact(claims), key, alg)
    instance.remember_secret(text)
    return text


def _signer(instance: Instance, name: str,
            alg: Optional[str]) -> tuple[Optional[jwt.SigningKey], Any]:
    if name == "pem":
        return instance.keys[0], alg or "HS256"
    key = None if alg == "none" else instance.key(name)
    if alg is None:
        alg = ("none" if key is None
               else "ES256" if key.kind == "ec" else "RS256")
    if alg not in jwt.ALGORITHMS:
        raise ValueError(f"no algorithm named {alg}")
    return key, alg
