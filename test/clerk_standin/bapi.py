"""Clerk's Backend API, as far as tokens are concerned."""

import re
import time
from typing import Any, Callable, Optional

from . import checks
from .checks import refuse
from .errors import clerk_error
from .state import Instance, Machine, Token
from .wire import Request, Response

_JWT = r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
_OAUTH = re.compile(rf"(oat_[A-Za-z0-9._~+/=-]+|{_JWT})\Z")
_M2M = re.compile(rf"((mt|m2m)_[A-Za-z0-9._~+/=-]+|{_JWT})\Z")
_API_KEY = re.compile(r"ak_[A-Za-z0-9._~+/=-]+\Z")

_FLAGS = ("revoked", "revocation_reason", "expired", "expiration")


def _secret_key(instance: Instance, request: Request,
                lean: bool = False) -> None:
    """The instance's secret key as bearer credential, or a refusal."""
    if _credential(request, lean) != instance.secret_key:
        raise refuse("clerk_key_invalid", lean=lean)


def _credential(request: Request, lean: bool) -> str:
    if not request.values("authorization"):
        raise refuse("clerk_key_invalid", lean=lean)
    credential = checks.bearer(request)
    if credential is None:
        raise refuse("authorization_header_format_invalid", lean=lean)
    return credential


def _body(request: Request, name: str, closed: bool,
          aliases: tuple[str, ...] = ()) -> str:
    """The one string member that a verify request consists of."""
    try:
        members = checks.json_object(request)
    except checks.Refusal as refusal:
        if refusal.response.status == 415:
            raise
        raise refuse("bad_request", "The body is no JSON object",
                     lean=True) from None
    names = [n for n in (name, *aliases) if n in members]
    if closed and set(members) != {name}:
        raise refuse("bad_request", f"The body must hold '{name}' alone",
                     lean=True)
    if len(names) != 1 or not isinstance(members[names[0]], str):
        raise refuse("bad_request", f"Invalid '{name}': Required", lean=True)
    return members[names[0]]


def _check_form(text: str, pattern: re.Pattern, name: str) -> None:
    if not pattern.match(text):
        raise refuse("bad_request", f"Invalid '{name}': Failed regex check",
                     lean=True)


def _not_found() -> Response:
    return clerk_error("resource_not_found", lean=True)


def _find(instance: Instance, text: str, kind: str) -> Optional[Token]:
    """The opaque token, if the verify endpoints admit that it exists."""
    token = instance.token(text)
    if token is None or token.kind != kind:
        return None
    spoken_flags = any(flag in token.members for flag in _FLAGS)
    if (instance.setting("dead_tokens") == "not_found" and not spoken_flags
            and not token.alive(time.time())):
        return None
    return token


def _flags(token: Token, unit: int) -> dict:
    return {"revoked": token.revoked,
            "revocation_reason": token.revocation_reason,
            "expired": token.expired(time.time()),
            "expiration": None if token.expires_at is None
            else token.expires_at * unit}


# -- OAuth access tokens -----------------------------------------------------

def oauth_verify(instance: Instance, request: Request) -> Response:
    checks.check_method(request, "POST")
    _secret_key(instance, request, lean=True)
    text = _body(request, "access_token", False, aliases=("secret",))
    _check_form(text, _OAUTH, "access_token")
    unit = 1000 if instance.setting("oauth_time_unit") == "ms" else 1
    if not text.startswith("oat_"):
        return _oauth_jwt(instance, text, unit)
    token = _find(instance, text, "oauth_token")
    if token is None:
        return _not_found()
    answer = _oauth_answer(token.id, token.client_id, token.subject,
                           token.scopes, token.issued_at * unit)
    answer.update(_flags(token, unit))
    if token.aud is not None:
        answer["aud"] = token.aud
    if token.act is not None:
        answer["act"] = token.act
    answer.update(token.members)
    return Response(200, answer)


def _oauth_answer(id_: str, client_id: Any, subject: Any, scopes: list,
                  created: int) -> dict:
    return {"object": "clerk_idp_oauth_access_token", "id": id_,
            "type": "oauth:access_token", "client_id": client_id,
            "subject": subject, "scopes": scopes,
            "created_at": created, "updated_at": created}


def oauth_jwt_claims(instance: Instance, text: str) -> Optional[dict]:
    """The claims of an OAuth access token in JWT form, expired or not."""
    verified = instance.verified_jwt(text)
    if verified is None:
        return None
    header, claims = verified
    if header.get("typ") not in ("at+jwt", "application/at+jwt"):
        return None
    if not all(isinstance(claims.get(name), str)
               for name in ("sub", "client_id", "jti")):
        return None
    if not isinstance(claims.get("exp"), int):
        return None
    return claims


def jwt_scopes(claims: dict) -> list[str]:
    scopes = claims.get("scp", claims.get("scope", ""))
    if isinstance(scopes, str):
        return scopes.split()
    if not isinstance(scopes, list):
        return []
    return [scope for scope in scopes if isinstance(scope, str)]


def seconds(claims: dict, name: str) -> int:
    """A time claim; 0 where it is absent or no integer."""
    value = claims.get(name)
    return value if isinstance(value, int) else 0


def _oauth_jwt(instance: Instance, text: str, unit: int) -> Response:
    claims = oauth_jwt_claims(instance, text)
    if claims is None:
        return _not_found()
    if claims["exp"] <= time.time():
        return Response(200, {"active": False})
    answer = _oauth_answer(claims["jti"], claims["client_id"], claims["sub"],
                           jwt_scopes(claims), seconds(claims, "iat") * unit)
    answer.update(revoked=False, revocation_reason=None, expired=False,
                  expiration=claims["exp"] * unit)
    if "aud" in claims:
        aud = claims["aud"]
        answer["aud"] = [aud] if isinstance(aud, str) else aud
    if "act" in claims:
        answer["act"] = claims["act"]
    return Response(200, answer)


# -- machine-to-machine tokens -----------------------------------------------

def m2m_verify(instance: Instance, request: Request) -> Response:
    checks.check_method(request, "POST")
    credential = _credential(request, lean=True)
    machine = None
    if credential != instance.secret_key:
        machine = instance.machine_by_secret(credential)
        if machine is None:
            raise refuse("clerk_key_invalid", lean=True)
    text = _body(request, "token", True)
    _check_form(text, _M2M, "token")
    if not text.startswith(("mt_", "m2m_")):
        return _m2m_jwt(instance, text, machine)
    token = _find(instance, text, "m2m_token")
    if token is None or not _in_scope(machine, token.scopes):
        return _not_found()
    created = token.issued_at * 1000
    answer = {"object": "machine_to_machine_token", "id": token.id,
              "subject": token.subject, "claims": token.claims,
              "scopes": token.scopes, **_flags(token, 1000),
              "last_used_at": None, "created_at": created,
              "updated_at": created}
    answer.update(token.members)
    return Response(200, answer)


def _in_scope(machine: Optional[Machine], scopes: list) -> bool:
    """A machine secret verifies only what is addressed to that machine."""
    return machine is None or machine.id in scopes


def _m2m_jwt(instance: Instance, text: str,
             machine: Optional[Machine]) -> Response:
    verified = instance.verified_jwt(text)
    if verified is None:
        return _not_found()
    claims = verified[1]
    if (not str(claims.get("sub", "")).startswith("mch_")
            or seconds(claims, "exp") <= time.time()):
        return _not_found()
    scopes = str(claims.get("scopes", "")).split()
    if not _in_scope(machine, scopes):
        return _not_found()
    reserved = ("iss", "sub", "exp", "nbf", "iat", "jti", "scopes", "aud")
    custom = {k: v for k, v in claims.items() if k not in reserved}
    created = seconds(claims, "iat") * 1000
    return Response(200, {
        "object": "machine_to_machine_token", "id": claims.get("jti", ""),
        "subject": claims["sub"], "claims": custom or None, "scopes": scopes,
        "revoked": False, "revocation_reason": None, "expired": False,
        "expiration": claims["exp"] * 1000, "last_used_at": None,
        "created_at": created, "updated_at": created})


# -- API keys ----------------------------------------------------------------

def api_key_verify(instance: Instance, request: Request) -> Response:
    checks.check_method(request, "POST")
    _secret_key(instance, request, lean=True)
    if not instance.setting("api_keys"):
        raise refuse("api_keys_not_enabled", lean=True)
    text = _body(request, "secret", True)
    _check_form(text, _API_KEY, "secret")
    token = _find(instance, text, "api_key")
    if token is None:
        return _not_found()
    created = token.issued_at * 1000
    answer = {"object": "api_key", "id": token.id, "type": "api_key",
              "subject": token.subject, "name": token.name,
              "description": None, "claims": token.claims,
              "scopes": token.scopes, **_flags(token, 1000),
              "created_by": token.subject if str(token.subject).startswith(
                  "user_") else None,
              "last_used_at": created, "created_at": created,
              "updated_at": created}
    answer.update(token.members)
    return Response(200, answer)


# -- keys, applications, settings --------------------------------------------

def bapi_jwks(instance: Instance, request: Request) -> Response:
    checks.check_method(request, "GET")
    _secret_key(instance, request)
    return Response(200, instance.jwks())


def bapi_revoke(instance: Instance, request: Request) -> Response:
    """POST /oauth_applications/{id}/revoke_token"""
    checks.check_method(request, "POST")
    _secret_key(instance, request)
    app_id = request.path.split("/")[-2]
    app = next((a for a in list(instance.applications.values())
                if a.id == app_id), None)
    if app is None:
        return clerk_error("resource_not_found")
    text = _body(request, "token", True)
    token = instance.token(text)
    if token is None or token.client_id != app.client_id:
        return clerk_error("resource_not_found")
    instance.revoke(token, "Revoked by the Backend API", grant=True)
    return Response(204)


_SETTINGS = {"dynamic_oauth_client_registration": "dcr",
             "oauth_jwt_access_tokens": "jwt_access_tokens",
             "client_id_metadata_documents_advertised": "cimd",
             "default_scopes": "default_scopes"}


def oauth_settings(instance: Instance, request: Request) -> Response:
    """GET|PATCH /instance/oauth_application_settings"""
    checks.check_method(request, "GET", "PATCH")
    _secret_key(instance, request)
    if request.method == "PATCH":
        changes = checks.json_object(request)
        if not set(changes) <= set(_SETTINGS):
            raise refuse("bad_request", "A member is not known here")
        try:
            instance.configure({_SETTINGS[k]: v for k, v in changes.items()})
        except ValueError:
            raise refuse("form_param_value_invalid") from None
    return Response(200, {"object": "oauth_application_settings", **{
        name: instance.setting(setting)
        for name, setting in _SETTINGS.items()}})


Handler = Callable[[Instance, Request], Response]

# with and without /v1; the keys and what manages the instance only with it
VERIFY: dict[str, tuple[str, Handler]] = {
    "/oauth_applications/access_tokens/verify": ("oauth_verify",
                                                 oauth_verify),
    "/m2m_tokens/verify": ("m2m_verify", m2m_verify),
    "/api_keys/verify": ("api_key_verify", api_key_verify)}

ROUTES: dict[str, tuple[str, Handler]] = {
    **VERIFY, **{"/v1" + path: route for path, route in VERIFY.items()},
    "/v1/jwks": ("bapi_jwks", bapi_jwks),
    "/v1/instance/oauth_application_settings": ("oauth_settings",
                                                oauth_settings)}

REVOKE_PATH = re.compile(r"/v1/oauth_applications/[A-Za-z0-9_]+/revoke_token\Z")


def route(path: str) -> Optional[tuple[str, Handler]]:
    """Name and handler of a Backend API path."""
    found = ROUTES.get(path)
    if found is None and REVOKE_PATH.match(path):
        return "bapi_revoke", bapi_revoke
    return found


def preconditions(instance: Instance, request: Request) -> None:
    """What every call of this API is checked for."""
    checks.check_authorization_once(request)
    checks.check_version(instance, request)
