"""Strictness shared by both APIs: methods, versions, forms, credentials."""

import base64
import binascii
import json
import re
from typing import Any, Optional
from urllib.parse import parse_qsl, unquote_plus

from .errors import clerk_error, oauth_error
from .state import Application, Instance
from .wire import Request, Response

FORM = "application/x-www-form-urlencoded"

_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)\Z")
_BASIC = re.compile(r"[Bb][Aa][Ss][Ii][Cc] +([A-Za-z0-9+/]+=*)\Z")


class Refusal(Exception):
    """Carries the response that refuses a request."""

    def __init__(self, response: Response):
        super().__init__(response.status)
        self.response = response


def refuse(code: str, long_message: str = "", **kwargs: Any) -> Refusal:
    return Refusal(clerk_error(code, long_message, **kwargs))


def oauth_refuse(status: int, error: str, description: str) -> Refusal:
    return Refusal(oauth_error(status, error, description))


def check_method(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        raise refuse("method_not_allowed",
                     headers=[("Allow", ", ".join(allowed))])


def check_version(instance: Instance, request: Request) -> None:
    """Clerk-API-Version: at most once, header or query, and a known one."""
    given = list(request.values("clerk-api-version"))
    given += [value for name, value in request.query_pairs()
              if name == "__clerk_api_version"]
    if len(given) > 1:
        raise refuse("api_version_invalid",
                     "The Clerk API version was given more than once")
    if given and given[0] not in instance.setting("api_versions"):
        raise refuse("api_version_invalid",
                     "Invalid Clerk API version: unknown")


def check_authorization_once(request: Request) -> None:
    if len(request.values("authorization")) > 1:
        raise refuse("multiple_authorization_header_values_forbidden")


def check_origin(request: Request) -> None:
    """The Frontend API takes Origin or Authorization, not both."""
    if request.values("origin") and request.values("authorization"):
        raise refuse("origin_authorization_headers_conflict")


def bearer(request: Request) -> Optional[str]:
    """The Bearer credential, if there is one and it is well-formed."""
    match = _BEARER.match(request.value("authorization") or "")
    return match.group(1) if match else None


def json_object(request: Request) -> dict:
    """The request's body, which has to be a JSON object."""
    if request.content_type() != "application/json":
        raise refuse("unsupported_content_type",
                     "Content-Type must be application/json")
    try:
        value = json.loads(request.body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise refuse("bad_request", "The body is no JSON") from None
    if not isinstance(value, dict):
        raise refuse("bad_request", "The body is no JSON object")
    return value


def form(request: Request, known: Optional[tuple[str, ...]] = None,
         repeatable: tuple[str, ...] = ()) -> dict[str, Any]:
    """A form body.  Each name at most once, unless repeatable (then a
    list); `known` closes the set of names."""
    if request.content_type() != FORM:
        raise refuse("unsupported_content_type",
                     f"Content-Type must be {FORM}")
    try:
        pairs = parse_qsl(request.body.decode("ascii"), errors="strict",
                          keep_blank_values=True, strict_parsing=True,
                          ) if request.body else []
    except ValueError:
        raise oauth_refuse(400, "invalid_request",
                           "The body is no form") from None
    return fields(pairs, known, repeatable)


def fields(pairs: list[tuple[str, str]],
           known: Optional[tuple[str, ...]] = None,
           repeatable: tuple[str, ...] = ()) -> dict[str, Any]:
    """Parameters of a form or query, checked as form() tells."""
    result: dict[str, Any] = {name: [] for name in repeatable}
    for name, value in pairs:
        if known is not None and name not in known:
            raise oauth_refuse(400, "invalid_request",
                               "A parameter is not known here")
        if name in repeatable:
            result[name].append(value)
        elif name in result:
            raise oauth_refuse(400, "invalid_request",
                               f"{name} was given more than once")
        else:
            result[name] = value
    return result


def required(values: dict[str, Any], name: str) -> str:
    if not values.get(name):
        raise oauth_refuse(400, "invalid_request", f"{name} is required")
    return values[name]


def basic_credentials(request: Request) -> Optional[tuple[str, str]]:
    """User name and password of HTTP Basic, each form-decoded as RFC 6749,
    section 2.3.1, wants; None where there is no such header."""
    value = request.value("authorization")
    if value is None:
        return None
    match = _BASIC.match(value)
    try:
        if match is None:
            raise ValueError
        text = base64.b64decode(match.group(1), validate=True).decode("ascii")
        name, colon, password = text.partition(":")
        if not colon or ":" in password or re.search(
                r"%(?![0-9A-Fa-f]{2})", text):
            raise ValueError
        return (unquote_plus(name, errors="strict"),
                unquote_plus(password, errors="strict"))
    except (ValueError, binascii.Error):
        raise oauth_refuse(401, "invalid_client",
                           "Client authentication failed") from None


def confidential_client(instance: Instance, request: Request) -> Application:
    """The application that HTTP Basic names and proves."""
    pair = basic_credentials(request)
    if pair is not None:
        app = instance.applications.get(pair[0])
        if app is not None and app.client_secret is not None and (
                app.client_secret == pair[1]):
            return app
    raise oauth_refuse(401, "invalid_client", "Client authentication failed")
