"""Clerk's error answers: `errors[]` of its APIs, RFC 6749 of its OAuth."""

import secrets
from typing import Optional

from .wire import Response

_MESSAGES = {
    "bad_request": (400, "Bad Request"),
    "api_version_invalid": (400, "invalid API version"),
    "origin_authorization_headers_conflict": (
        400, "Setting both the 'Origin' and 'Authorization' headers is "
             "forbidden"),
    "multiple_authorization_header_values_forbidden": (
        400, "Multiple 'Authorization' header values"),
    "authorization_header_format_invalid": (
        401, "Invalid Authorization header format"),
    "clerk_key_invalid": (
        401, "The provided Clerk Secret Key is invalid. Make sure that your "
             "Clerk Secret Key is correct."),
    "quota_exceeded": (403, "quota exceeded"),
    "resource_not_found": (404, "not found"),
    "method_not_allowed": (405, "method not allowed"),
    "request_body_too_large": (413, "request body too large"),
    "unsupported_content_type": (415, "unsupported content type"),
    "oauth_fetch_user_error": (401, "unable to fetch user info"),
    "oauth_fetch_user_forbidden_error": (403, "user not allowed"),
    "api_keys_not_enabled": (422, "API Keys not enabled"),
    "form_param_value_invalid": (422, "is invalid"),
    "oauth_dynamic_registration_disabled": (
        422, "dynamic client registration is not enabled"),
    "operation_not_allowed_on_legacy_oauth_provider": (
        422, "not available on the legacy OAuth provider"),
    "too_many_requests": (429, "Too many requests"),
    "internal_clerk_error": (500, "Oops, an unexpected error occurred"),
    "service_unavailable": (503, "Service unavailable"),
    "gateway_timeout": (504, "Gateway timeout"),
}

_BY_STATUS = {400: "bad_request", 401: "clerk_key_invalid",
              403: "quota_exceeded", 404: "resource_not_found",
              405: "method_not_allowed", 413: "request_body_too_large",
              415: "unsupported_content_type", 422: "api_keys_not_enabled",
              429: "too_many_requests", 503: "service_unavailable",
              504: "gateway_timeout"}


def clerk_error(code: str, long_message: str = "", lean: bool = False,
                meta: Optional[dict] = None,
                headers: Optional[list] = None,
                status: Optional[int] = None) -> Response:
    """An `errors[]` answer; the lean form has no trace id."""
    default_status, message = _MESSAGES[code]
    error = {"message": message, "long_message": long_message or message,
             "code": code}
    if meta is not None:
        error["meta"] = meta
    body: dict = {"errors": [error]}
    if not lean:
        body["clerk_trace_id"] = secrets.token_hex(16)
    return Response(status or default_status, body, headers=headers)


def status_error(status: int, retry_after: Optional[int] = None) -> Response:
    """The answer that goes with a status which a fault asked for."""
    code = _BY_STATUS.get(status, "internal_clerk_error")
    meta, headers = None, None
    if retry_after is not None:
        headers = [("Retry-After", str(retry_after))]
        if status == 429 and isinstance(retry_after, int):
            meta = {"ResetsIn": retry_after}
    return clerk_error(code, meta=meta, headers=headers, status=status)


def oauth_error(status: int, error: str, description: str) -> Response:
    """An RFC 6749 error answer."""
    headers = [("Cache-Control", "no-store")]
    if status == 401:
        headers.append(("WWW-Authenticate", 'Basic realm="oauth"'))
    return Response(status, {"error": error,
                             "error_description": description},
                    headers=headers)
