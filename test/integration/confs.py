"""Configuration text about Clerk that several tests begin with."""


def quoted(value):
    """A value as one argument of a directive."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def instance(clerk):
    """Which Clerk: the stand-in."""
    return (f"ClerkFrontendAPI {clerk.url}\n"
            f"ClerkBackendAPI {clerk.bapi_url}\n")


def credentials(clerk):
    """The stand-in with every credential, and no verifier chosen."""
    return (instance(clerk)
            + f"ClerkClientID {quoted(clerk.client_id)}\n"
            + f"ClerkClientSecret {quoted(clerk.client_secret)}\n"
            + f"ClerkSecretKey {quoted(clerk.secret_key)}\n")


def introspection(clerk, client=None):
    """Opaque tokens go to /oauth/token_info."""
    client_id = client["client_id"] if client else clerk.client_id
    secret = client["client_secret"] if client else clerk.client_secret
    return (instance(clerk)
            + f"ClerkClientID {quoted(client_id)}\n"
            + f"ClerkClientSecret {quoted(secret)}\n"
            + "ClerkVerifier introspection\n")


def backend(clerk, secret_key=None):
    """Opaque tokens go to the Backend API."""
    return (instance(clerk)
            + f"ClerkSecretKey {quoted(secret_key or clerk.secret_key)}\n"
            + "ClerkVerifier backend\n")


def location(path, *lines, require="valid-user"):
    """A protected location; `require` None leaves the lines to the caller."""
    body = ["AuthType Clerk", *lines]
    if require:
        body.append(f"Require {require}")
    inside = "\n".join(f"    {line}" for line in body)
    return f'<Location "{path}">\n{inside}\n</Location>\n'


def host(name, *parts):
    """A name-based virtual host; one named localhost has to come first, for
    the first one is also asked whether the server is up."""
    inside = "\n".join(parts)
    return (f"<VirtualHost 127.0.0.1:${{PORT}}>\nServerName {name}\n"
            f"{inside}\n</VirtualHost>\n")
