"""Configurations of the httpd in front, and what they promise to clients."""

import confs

MODULES = ["proxy", "proxy_http"]
THREADS = 24  # each client keeps one for its stream


def clerk_directives(clerk):
    """The stand-in, believed for so short a time that tests need not wait."""
    return (confs.instance(clerk)
            + f"ClerkSecretKey {confs.quoted(clerk.secret_key)}\n"
            "ClerkLeeway 0\nClerkCacheTTL 1\nClerkNegativeCacheTTL 1\n")


def location(path, backend, *lines, require="clerk-scope profile"):
    """An MCP server as the manual has it, and what a test adds."""
    return confs.location(
        path, f"ClerkResource http://127.0.0.1:${{PORT}}{path}", *lines,
        "ClerkPass headers", f"ProxyPass {backend}", require=require)


def smallest(clerk, backend, *lines, **changes):
    """One MCP server, whose clients may ask for a refresh token."""
    lines = lines or ["ClerkChallengeScopes profile offline_access"]
    return clerk_directives(clerk) + location("/mcp", backend, *lines,
                                              **changes)
