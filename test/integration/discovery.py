"""What the contract says of documents for discovery and of CORS, as
assertions and as the URLs that follow from a resource's identifier. Makes no
request."""

from urllib.parse import urlsplit, urlunsplit

DOCUMENT = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"
METHODS = {"GET", "HEAD", "OPTIONS"}
EXPOSED = {"www-authenticate", "mcp-session-id", "mcp-protocol-version"}


def well_known(resource, prefix=DOCUMENT):
    """RFC 9728 section 3.1: the well-known path goes between the host and
    the path, and a path of a slash alone goes away."""
    parts = urlsplit(resource)
    path = "" if parts.path == "/" else parts.path
    return urlunsplit((parts.scheme, parts.netloc, prefix + path, parts.query,
                       ""))


def path_of(resource, prefix=DOCUMENT):
    """The path under which this server answers for it."""
    return urlsplit(well_known(resource, prefix)).path


def assert_document(response, resource, servers, **members):
    """The resource's metadata, no member more; members without a value are
    not expected."""
    assert response.status == 200, response
    assert response.one("Content-Type") == "application/json", response
    assert 0 < max_age(response) <= 3600, response
    assert response.all("Location") == [], response
    assert response.all("Set-Cookie") == [], response
    assert response.all("WWW-Authenticate") == [], response
    expected = {"resource": resource, "authorization_servers": list(servers),
                "bearer_methods_supported": ["header"],
                **{k: v for k, v in members.items() if v is not None}}
    assert response.json() == expected, response


def max_age(response):
    """The one max-age of a Cache-Control that does not forbid storing."""
    directives = {}
    for part in (response.one("Cache-Control") or "").split(","):
        name, _, value = part.strip().lower().partition("=")
        assert name not in directives, response
        directives[name] = value
    assert "no-store" not in directives, response
    assert "max-age" in directives, response
    return int(directives["max-age"])


def assert_not_allowed(response):
    """405, and what would have been allowed."""
    assert response.status == 405, response
    assert members(response, "Allow") == {m.lower() for m in METHODS}
    assert "authorization_servers" not in response.text


def members(response, name):
    """The elements of a list field, lower case, over all its lines."""
    return {part.strip().lower() for value in response.all(name)
            for part in value.split(",") if part.strip()}


def assert_cors(response, origin="*"):
    """What every answer carries that a browser's script may read."""
    assert response.one("Access-Control-Allow-Origin") == origin, response
    assert EXPOSED <= members(response, "Access-Control-Expose-Headers"), (
        response)
    assert response.all("Access-Control-Allow-Credentials") == [], response
    if origin != "*":
        assert "origin" in members(response, "Vary"), response


def assert_no_cors(response):
    found = [name for name, _ in response.headers
             if name.lower().startswith("access-control-")]
    assert found == [], response


def assert_preflight(response, method="POST", headers=("authorization",),
                     origin="*"):
    """204: this method and these headers are allowed."""
    assert response.status == 204, response
    assert response.body == b"", response
    assert response.all("WWW-Authenticate") == [], response
    assert response.all("Location") == [], response
    assert response.one("Content-Length") in (None, "0"), response
    assert response.one("Access-Control-Allow-Origin") == origin, response
    assert response.all("Access-Control-Allow-Credentials") == [], response
    if origin != "*":
        assert "origin" in members(response, "Vary"), response
    allowed = members(response, "Access-Control-Allow-Methods")
    assert method.lower() in allowed or "*" in allowed, response
    allowed = members(response, "Access-Control-Allow-Headers")
    assert "authorization" in allowed, response
    for name in headers:
        assert name.lower() in allowed or (
            "*" in allowed and name.lower() != "authorization"), response
    assert int(response.one("Access-Control-Max-Age")) > 0, response


def preflight(method="POST", headers="authorization",
              origin="https://app.example"):
    """The fields that make an OPTIONS a preflight."""
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    if headers is not None:
        fields.append(("Access-Control-Request-Headers", headers))
    return fields
