"""The authorization server: authorize, token, revoke, register."""

import base64
import hashlib
import html
import re
import time
from typing import Any, Optional
from urllib.parse import urlencode, urlsplit

from . import checks, mint
from .checks import oauth_refuse, refuse
from .state import CODE_LIFETIME, Application, Code, Instance, word
from .wire import Request, Response

_NO_STORE = [("Cache-Control", "no-store"), ("Pragma", "no-cache")]
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _Denied(Exception):
    """An error that goes back to the client in the redirection."""

    def __init__(self, error: str, description: str):
        super().__init__(error)
        self.error = error
        self.description = description


# -- authorize ---------------------------------------------------------------

def authorize(instance: Instance, request: Request) -> Response:
    """GET or POST /oauth/authorize: the signed-in user consents at once."""
    checks.check_method(request, "GET", "POST")
    if request.method == "POST":
        values = checks.form(request, repeatable=("resource",))
    else:
        values = checks.fields(request.query_pairs(),
                               repeatable=("resource",))
    app = instance.applications.get(checks.required(values, "client_id"))
    if app is None:
        raise oauth_refuse(401, "invalid_client", "The client is unknown")
    redirect_uri = values.get("redirect_uri")
    if redirect_uri is None and len(app.redirect_uris) == 1:
        target = app.redirect_uris[0]
    elif redirect_uri and any(_same_redirect(redirect_uri, known)
                              for known in app.redirect_uris):
        target = redirect_uri
    else:
        raise oauth_refuse(400, "invalid_request",
                           "redirect_uri is not registered")
    try:
        code = _grant_code(instance, app, values)
        answer = {"code": code.text}
    except _Denied as denied:
        answer = {"error": denied.error,
                  "error_description": denied.description}
    if values.get("state"):
        answer["state"] = values["state"]
    if instance.setting("authorization_response_iss"):
        answer["iss"] = instance.issuer
    if values.get("response_mode") == "form_post":
        return _form_post(target, answer)
    separator = "&" if "?" in target else "?"
    return Response(302, headers=[
        ("Location", target + separator + urlencode(answer)), *_NO_STORE])


def _same_redirect(given: str, known: str) -> bool:
    """Exactly equal, but for the port on a loopback host (RFC 8252)."""
    if given == known:
        return True
    try:
        a, b = urlsplit(given), urlsplit(known)
        return (a.hostname in _LOOPBACK and a.scheme == "http" and
                a._replace(netloc="") == b._replace(netloc="") and
                a.hostname == b.hostname)
    except ValueError:
        return False


def _form_post(target: str, answer: dict[str, str]) -> Response:
    inputs = "".join(
        f'<input type="hidden" name="{html.escape(name)}" '
        f'value="{html.escape(value)}">' for name, value in answer.items())
    page = (f'<!doctype html><title>Submit</title><form method="post" '
            f'action="{html.escape(target)}">{inputs}</form>'
            f'<script>document.forms[0].submit()</script>')
    return Response(200, page, "text/html; charset=utf-8",
                    headers=_NO_STORE)


def _grant_code(instance: Instance, app: Application,
                values: dict[str, Any]) -> Code:
    """Check an authorization request and make its code."""
    if values.get("response_type") != "code":
        raise _Denied("unsupported_response_type", "only code is supported")
    if values.get("response_mode", "query") not in ("query", "form_post"):
        raise _Denied("invalid_request", "response_mode is not supported")
    challenge = values.get("code_challenge")
    if challenge is None:
        if app.client_secret is None:
            raise _Denied("invalid_request", "code_challenge is required")
        if len(values.get("state", "")) < 8:
            raise _Denied("invalid_request", "state is too short")
    elif values.get("code_challenge_method") != "S256":
        raise _Denied("invalid_request", "code_challenge_method is not S256")
    elif not _CHALLENGE.match(challenge):
        raise _Denied("invalid_request", "code_challenge is malformed")
    scopes = values.get("scope", "").split() or list(
        instance.setting("default_scopes"))
    if not set(scopes) <= set(app.scopes):
        raise _Denied("invalid_scope", "a scope is not allowed here")
    for resource in values["resource"]:
        if not _is_resource(resource):
            raise _Denied("invalid_target", "resource is no absolute URI")
    prompts = values.get("prompt", "").split()
    if not set(prompts) <= {"none", "login", "consent"}:
        raise _Denied("invalid_request", "prompt is not supported")
    user = instance.setting("signed_in_user")
    if not user:
        raise _Denied("login_required", "nobody is signed in")
    if instance.setting("consent") != "allow":
        raise _Denied("access_denied", "the user did not consent")
    code = Code(
        text="clk_code_" + word(40), client_id=app.client_id,
        redirect_uri=values.get("redirect_uri"), subject=user, scopes=scopes,
        resource=values["resource"], challenge=challenge,
        nonce=values.get("nonce"), expires_at=time.time() + CODE_LIFETIME,
        grant=word(20))
    with instance.lock:
        instance.codes[code.text] = code
    instance.remember_secret(code.text)
    return code


def _is_resource(text: str) -> bool:
    """An absolute URI without a fragment (RFC 8707, section 2)."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc) and "#" not in text


# -- token -------------------------------------------------------------------

def token(instance: Instance, request: Request) -> Response:
    """POST /oauth/token"""
    checks.check_method(request, "POST")
    values = checks.form(request, repeatable=("resource",))
    app = _client(instance, request, values)
    grant_type = checks.required(values, "grant_type")
    if grant_type == "authorization_code":
        return _by_code(instance, app, values)
    if grant_type == "refresh_token":
        return _by_refresh_token(instance, app, values)
    raise oauth_refuse(401, "unsupported_grant_type",
                       "The grant type is not supported")


def _client(instance: Instance, request: Request,
            values: dict[str, Any]) -> Application:
    """The authenticated client: HTTP Basic, body, or a public one."""
    failed = oauth_refuse(401, "invalid_client",
                          "Client authentication failed")
    pair = checks.basic_credentials(request)
    if pair is not None:
        if "client_secret" in values or values.get(
                "client_id", pair[0]) != pair[0]:
            raise oauth_refuse(400, "invalid_request",
                               "Two ways of client authentication")
        client_id, secret = pair
    else:
        client_id = values.get("client_id", "")
        secret = values.get("client_secret")
    app = instance.applications.get(client_id)
    if app is None or app.client_secret != secret:
        raise failed
    return app


def _by_code(instance: Instance, app: Application,
             values: dict[str, Any]) -> Response:
    text = checks.required(values, "code")
    bad = oauth_refuse(400, "invalid_grant", "The code is not valid")
    with instance.lock:
        code = instance.codes.get(text)
        if code is None or code.client_id != app.client_id:
            raise bad
        if code.used:
            # RFC 6749, 4.1.2: a code that comes twice was stolen
            instance.revoke_grant(code.grant, "The code was used twice")
            raise bad
        code.used = True
    if code.expires_at <= time.time():
        raise bad
    if values.get("redirect_uri") != code.redirect_uri:
        raise oauth_refuse(400, "invalid_grant", "redirect_uri differs")
    _check_verifier(code, values.get("code_verifier"))
    resource = _narrowed(values["resource"], code.resource)
    return _issue(instance, app, code.subject, code.scopes, resource,
                  code.grant, code.resource, code.nonce)


def _check_verifier(code: Code, verifier: Optional[str]) -> None:
    if code.challenge is None:
        if verifier is not None:
            raise oauth_refuse(400, "invalid_grant",
                               "code_verifier without code_challenge")
        return
    if verifier is None or not _VERIFIER.match(verifier):
        raise oauth_refuse(400, "invalid_grant", "code_verifier is malformed")
    digest = hashlib.sha256(verifier.encode()).digest()
    if base64.urlsafe_b64encode(digest).decode().rstrip(
            "=") != code.challenge:
        raise oauth_refuse(400, "invalid_grant", "code_verifier is wrong")


def _narrowed(wanted: list[str], granted: list[str]) -> list[str]:
    """The resources of this token: those asked for, or all granted."""
    if not set(wanted) <= set(granted):
        raise oauth_refuse(400, "invalid_target", "resource was not granted")
    return wanted or granted


def _by_refresh_token(instance: Instance, app: Application,
                      values: dict[str, Any]) -> Response:
    text = checks.required(values, "refresh_token")
    old = instance.token(text)
    if (old is None or old.kind != "refresh_token"
            or old.client_id != app.client_id
            or not old.alive(time.time())):
        raise oauth_refuse(400, "invalid_grant",
                           "The refresh token is not valid")
    scopes = values.get("scope", "").split() or old.scopes
    if not set(scopes) <= set(old.scopes):
        raise oauth_refuse(400, "invalid_scope", "scope was not granted")
    granted = old.aud or []
    resource = _narrowed(values["resource"], granted)
    instance.revoke(old, "Rotated")
    return _issue(instance, app, old.subject, scopes, resource, old.grant,
                  granted, None, refresh_scopes=old.scopes)


def _issue(instance: Instance, app: Application, subject: str,
           scopes: list[str], resource: list[str], grant: str,
           granted_resource: list[str], nonce: Optional[str],
           refresh_scopes: Optional[list[str]] = None) -> Response:
    """The answer with an access token and what belongs to it."""
    wish = {"subject": subject, "client_id": app.client_id,
            "scopes": scopes, "aud": resource or None}
    lifetime = instance.setting("access_token_lifetime")
    limited = {**wish, "expires_in": lifetime}
    if instance.setting("jwt_access_tokens"):
        access = mint.mint(instance, "oauth_jwt", limited)
    else:
        access = mint.mint(instance, "oauth_token",
                           {**limited, "grant": grant})
    answer = {"access_token": access, "token_type": "Bearer",
              "expires_in": lifetime,
              "scope": " ".join(scopes)}
    if "offline_access" in (refresh_scopes or scopes):
        answer["refresh_token"] = mint.mint(instance, "refresh_token", {
            **wish, "scopes": refresh_scopes or scopes,
            "aud": granted_resource or None, "grant": grant})
    if "openid" in scopes:
        answer["id_token"] = mint.mint(instance, "id_token", {
            "subject": subject, "client_id": app.client_id,
            "claims": {"nonce": nonce}})
    return Response(200, answer, headers=_NO_STORE)


# -- revoke and register -----------------------------------------------------

def revoke(instance: Instance, request: Request) -> Response:
    """POST /oauth/token/revoke (RFC 7009)"""
    checks.check_method(request, "POST")
    app = checks.confidential_client(instance, request)
    values = checks.form(request, ("token", "token_type_hint"))
    text = checks.required(values, "token")
    if values.get("token_type_hint", "access_token") not in (
            "access_token", "refresh_token"):
        raise oauth_refuse(400, "unsupported_token_type",
                           "token_type_hint is not known")
    if instance.verified_jwt(text) is not None:
        raise oauth_refuse(400, "unsupported_token_type",
                           "A JWT access token cannot be revoked")
    known = instance.token(text)
    if known is not None and known.kind in ("oauth_token", "refresh_token"):
        if known.client_id != app.client_id:
            raise oauth_refuse(400, "invalid_grant",
                               "The token was issued to another client")
        instance.revoke(known, "Revoked by the client",
                        grant=known.kind == "refresh_token")
    return Response(200)


_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")


def register(instance: Instance, request: Request) -> Response:
    """POST /oauth/register (RFC 7591), anonymous"""
    checks.check_method(request, "POST")
    if not instance.setting("dcr"):
        raise refuse("oauth_dynamic_registration_disabled")
    wish = checks.json_object(request)
    redirect_uris = wish.get("redirect_uris")
    if (not isinstance(redirect_uris, list) or not redirect_uris
            or not all(isinstance(u, str) and urlsplit(u).scheme
                       and "#" not in u for u in redirect_uris)):
        raise oauth_refuse(400, "invalid_redirect_uri",
                           "redirect_uris is missing or malformed")
    method = wish.get("token_endpoint_auth_method", "client_secret_basic")
    grants = wish.get("grant_types", ["authorization_code"])
    types = wish.get("response_types", ["code"])
    if (method not in _AUTH_METHODS or types != ["code"]
            or not isinstance(grants, list)
            or not set(grants) <= {"authorization_code", "refresh_token"}):
        raise oauth_refuse(400, "invalid_client_metadata",
                           "The client metadata is not supported")
    scopes = _registered_scopes(instance, wish.get("scope"))
    app = instance.add_application(
        name=str(wish.get("client_name", "Client")), scopes=scopes,
        redirect_uris=redirect_uris, token_endpoint_auth_method=method)
    answer = {"client_id": app.client_id, "client_name": app.name,
              "client_id_issued_at": app.created_at,
              "redirect_uris": redirect_uris, "grant_types": grants,
              "response_types": types, "scope": " ".join(scopes),
              "token_endpoint_auth_method": method}
    if app.client_secret is not None:
        answer["client_secret"] = app.client_secret
        answer["client_secret_expires_at"] = 0
    return Response(201, answer, headers=_NO_STORE)


def _registered_scopes(instance: Instance, wish: Any) -> list[str]:
    if not wish:
        return list(instance.setting("default_scopes"))
    if not isinstance(wish, str) or not set(wish.split()) <= set(
            instance.setting("scopes_supported")):
        raise oauth_refuse(400, "invalid_client_metadata",
                           "A scope is not supported")
    return wish.split()
