"""What the contract says of refusals, as assertions.

Owns the reading of a Bearer challenge (RFC 9110 section 11.6.1, RFC 6750
section 3) and the shape of the four answers. Makes no request.
"""

import re

ORDER = ["error", "resource_metadata", "scope", "error_description", "realm"]
QUOTED = re.compile(r'([a-z_]+)="((?:[^"\\]|\\[\\"])*)"(?:, |$)')
PRINTABLE = re.compile(r"[\x20-\x7e]*")


def challenge(response):
    """The parameters of the one Bearer challenge, in order; else fails."""
    value = response.one("WWW-Authenticate")
    assert value is not None, f"no challenge: {response}"
    assert PRINTABLE.fullmatch(value), repr(value)
    scheme, _, rest = value.partition(" ")
    assert scheme == "Bearer", value
    parameters, position = [], 0
    while position < len(rest):
        match = QUOTED.match(rest, position)
        assert match, f"not a quoted parameter at {position}: {rest}"
        parameters.append((match[1], re.sub(r"\\(.)", r"\1", match[2])))
        position = match.end()
    names = [name for name, _ in parameters]
    assert names == [n for n in ORDER if n in names], f"order: {value}"
    return dict(parameters)


def assert_body(response, error=None):
    """A small JSON object that names the error; never to be stored."""
    assert response.one("Content-Type") == "application/json", response
    assert response.one("Cache-Control") == "no-store", response
    assert len(response.body) < 1024, response
    body = response.json()
    assert set(body) == {"error", "error_description"}, body
    assert all(isinstance(v, str) and v for v in body.values()), body
    if error:
        assert body["error"] == error, body
    return body


def assert_challenge(response, error=None, scope=None, realm="Clerk",
                     metadata=None):
    """The challenge; metadata is the URL that it names with ClerkResource."""
    found = challenge(response)
    assert found.get("error") == error, found
    assert found.get("resource_metadata") == metadata, found
    assert found.get("realm") == realm, found
    assert ("error_description" in found) == bool(error), found
    assert words(found.get("scope")) == words(scope), found
    return found


def words(text):
    """A scope string as a set; a repeated or empty one fails."""
    if text is None:
        return None
    parts = text.split(" ")
    assert "" not in parts and len(set(parts)) == len(parts), text
    return set(parts)


def assert_unauthorized(response, scope=None, realm="Clerk", metadata=None):
    """401 without a token: a challenge that names no error."""
    assert response.status == 401, response
    assert_challenge(response, None, scope, realm, metadata)
    return assert_body(response)


def assert_invalid_token(response, scope=None, realm="Clerk", metadata=None):
    """401 for a token that is not good here."""
    assert response.status == 401, response
    found = assert_challenge(response, "invalid_token", scope, realm, metadata)
    body = assert_body(response, "invalid_token")
    assert body["error_description"] == found["error_description"]
    return found


def assert_invalid_request(response, scope=None, realm="Clerk"):
    """400 for an Authorization field that cannot be read."""
    assert response.status == 400, response
    assert_challenge(response, "invalid_request", scope, realm)
    return assert_body(response, "invalid_request")


def assert_insufficient_scope(response, scope, realm="Clerk", metadata=None):
    """403 that another token could mend; names every scope needed."""
    assert response.status == 403, response
    assert_challenge(response, "insufficient_scope", scope, realm, metadata)
    return assert_body(response, "insufficient_scope")


def assert_forbidden(response):
    """403 that no scope could mend: no challenge."""
    assert response.status == 403, response
    assert response.one("WWW-Authenticate") is None, response
    return assert_body(response)


def assert_unavailable(response):
    """503: the verdict is unknown, and may be known later."""
    assert response.status == 503, response
    assert response.one("WWW-Authenticate") is None, response
    retry = response.one("Retry-After")
    assert retry and retry.isdecimal() and int(retry) >= 1, response
    return assert_body(response)


def assert_misconfigured(response):
    """500: it is this server's own fault, and nobody else's."""
    assert response.status == 500, response
    assert response.one("WWW-Authenticate") is None, response
    assert response.one("Retry-After") is None, response


def assert_granted_cleanly(response):
    """Nothing of a refusal is left on a request that was granted."""
    assert response.status == 200, response
    assert response.all("WWW-Authenticate") == [], response
    assert response.all("Cache-Control") == [], response
    assert response.all("Retry-After") == [], response
