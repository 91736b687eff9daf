"""Clerk's Frontend API: introspection, userinfo, discovery and keys."""

import time
from typing import Any, Callable, Optional

from . import checks, oauth
from .bapi import jwt_scopes, oauth_jwt_claims
from .checks import refuse
from .state import Instance
from .wire import Request, Response

_NO_STORE = [("Cache-Control", "no-store")]


def token_info(instance: Instance, request: Request) -> Response:
    """POST /oauth/token_info (RFC 7662)"""
    checks.check_method(request, "POST")
    if instance.setting("legacy_provider"):
        raise refuse("operation_not_allowed_on_legacy_oauth_provider")
    app = checks.confidential_client(instance, request)
    form = checks.form(request, ("token", "token_type_hint", "scope"))
    text = checks.required(form, "token")
    if form.get("token_type_hint", "access_token") not in (
            "access_token", "refresh_token"):
        raise checks.oauth_refuse(400, "unsupported_token_type",
                                  "token_type_hint is not known")
    answer = _introspected(instance, text)
    if answer["active"] and (
            instance.setting("introspection") == "own"
            and answer["client_id"] != app.client_id
            or not set(form.get("scope", "").split())
            <= set(answer["scope"].split())):
        answer = {"active": False}
    return Response(200, answer, headers=_NO_STORE)


def _introspected(instance: Instance, text: str) -> dict:
    """Opaque access tokens, refresh tokens and JWT access tokens."""
    now = time.time()
    token = instance.token(text)
    if token is not None and token.kind in ("oauth_token", "refresh_token"):
        if (not token.alive(now) or token.members.get("revoked")
                or token.members.get("expired")):
            return {"active": False}
        answer = _active(token.client_id, token.issued_at, token.scopes,
                         token.subject, token.org_id)
        answer.update(token.introspection)
        return answer
    claims = oauth_jwt_claims(instance, text)
    if claims is None or claims["exp"] <= now:
        return {"active": False}
    return _active(claims["client_id"], claims.get("iat"),
                   jwt_scopes(claims), claims["sub"], claims.get("org_id"))


def _active(client_id: Any, iat: Any, scopes: list[str], subject: Any,
            org_id: Optional[str]) -> dict:
    answer = {"active": True, "client_id": client_id, "iat": iat,
              "scope": " ".join(scopes), "sub": subject}
    if org_id is not None and "user:org:read" in scopes:
        answer["org_id"] = org_id
    return answer


_PROFILE_BY_SCOPE = {
    "email": ("email", "email_verified"),
    "profile": ("family_name", "given_name", "name", "username",
                "preferred_username", "picture"),
    "public_metadata": ("public_metadata", "unsafe_metadata"),
    "private_metadata": ("private_metadata",),
    "user:org:read": ("org_id", "org_name", "org_slug")}


def userinfo(instance: Instance, request: Request) -> Response:
    """GET or POST /oauth/userinfo"""
    checks.check_method(request, "GET", "POST")
    text = checks.bearer(request)
    holder = _holder(instance, text) if text else None
    if holder is None:
        raise refuse("oauth_fetch_user_error",
                     "Unable to fetch user info. Check if access token is "
                     "present and valid.")
    subject, scopes, org_id = holder
    profile = instance.profile(subject)
    if profile.pop("forbidden", False):
        raise refuse("oauth_fetch_user_forbidden_error")
    if org_id is not None:
        profile.setdefault("org_id", org_id)
    answer = {"object": "oauth_user_info", "instance_id": instance.id,
              "user_id": profile.pop("user_id", subject),
              "sub": profile.pop("sub", subject)}
    for scope, names in _PROFILE_BY_SCOPE.items():
        for name in names:
            value = profile.pop(name, None)
            if scope in scopes:
                answer[name] = value
    # members that Clerk does not know are a test's own wish
    answer.update(profile)
    return Response(200, answer, headers=_NO_STORE)


def _holder(instance: Instance,
            text: str) -> Optional[tuple[Any, list[str], Optional[str]]]:
    """Subject, scopes and organization of a living access token."""
    token = instance.token(text)
    if token is not None:
        if token.kind != "oauth_token" or not token.alive(time.time()):
            return None
        return token.subject, token.scopes, token.org_id
    claims = oauth_jwt_claims(instance, text)
    if claims is None or claims["exp"] <= time.time():
        return None
    return claims["sub"], jwt_scopes(claims), claims.get("org_id")


# -- discovery and keys ------------------------------------------------------

def _common_metadata(instance: Instance) -> dict:
    base = instance.url + instance.setting("path_prefix")
    metadata = {
        "issuer": instance.issuer,
        "authorization_endpoint": base + "/oauth/authorize",
        "token_endpoint": base + "/oauth/token",
        "revocation_endpoint": base + "/oauth/token/revoke",
        "jwks_uri": base + "/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic", "none", "client_secret_post"],
        "scopes_supported": list(instance.setting("scopes_supported")),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "email",
                             "name", "org_id"],
        "code_challenge_methods_supported": ["S256"]}
    if instance.setting("authorization_response_iss"):
        metadata["authorization_response_iss_parameter_supported"] = True
    return metadata


def authorization_server(instance: Instance, request: Request) -> Response:
    checks.check_method(request, "GET", "HEAD")
    metadata = _common_metadata(instance)
    metadata.update({
        "service_documentation": "https://clerk.com/docs",
        "ui_locales_supported": ["en"],
        "op_tos_uri": "https://clerk.com/legal/standard-terms"})
    if instance.setting("dcr"):
        metadata["registration_endpoint"] = (
            instance.url + instance.setting("path_prefix")
            + "/oauth/register")
    if instance.setting("cimd"):
        metadata["client_id_metadata_document_supported"] = True
    return Response(200, metadata)


def openid_configuration(instance: Instance, request: Request) -> Response:
    checks.check_method(request, "GET", "HEAD")
    base = instance.url + instance.setting("path_prefix")
    metadata = _common_metadata(instance)
    metadata.update({
        "introspection_endpoint": base + "/oauth/token_info",
        "userinfo_endpoint": base + "/oauth/userinfo",
        "response_modes_supported": ["query", "form_post"],
        "backchannel_logout_supported": False,
        "frontchannel_logout_supported": False})
    return Response(200, metadata)


def jwks(instance: Instance, request: Request) -> Response:
    checks.check_method(request, "GET", "HEAD")
    return Response(200, instance.jwks())


Handler = Callable[[Instance, Request], Response]

ROUTES: dict[str, tuple[str, Handler]] = {
    "/oauth/token_info": ("token_info", token_info),
    "/oauth/userinfo": ("userinfo", userinfo),
    "/.well-known/openid-configuration": ("openid_configuration",
                                          openid_configuration),
    "/.well-known/oauth-authorization-server": ("authorization_server",
                                                authorization_server),
    "/.well-known/jwks.json": ("jwks", jwks),
    "/oauth/authorize": ("authorize", oauth.authorize),
    "/oauth/token": ("token", oauth.token),
    "/oauth/token/revoke": ("revoke", oauth.revoke),
    "/oauth/register": ("register", oauth.register)}


# What a client in a browser calls before anybody has signed in.
_FOR_BROWSERS = ("openid_configuration", "authorization_server", "jwks",
                 "register", "token")


def preflight(name: str, request: Request) -> Optional[Response]:
    """The answer to a browser that asks whether it may, if that is one."""
    method = request.value("access-control-request-method")
    if name not in _FOR_BROWSERS or request.method != "OPTIONS" or not method:
        return None
    wanted = request.value("access-control-request-headers")
    return Response(204, headers=[
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", method),
        *([("Access-Control-Allow-Headers", wanted)] if wanted else [])])


def share(name: str, request: Request, response: Response) -> Response:
    """The response, which a browser may show to any origin."""
    if name in _FOR_BROWSERS and request.value("origin"):
        response.headers.append(("Access-Control-Allow-Origin", "*"))
    return response


def preconditions(instance: Instance, request: Request) -> None:
    """What every call of this API is checked for."""
    checks.check_authorization_once(request)
    checks.check_origin(request)
    checks.check_version(instance, request)
