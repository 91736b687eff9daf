"""mod_authz_core's own lines: heard by who asks for them, and by nobody else;
in each virtual host and section as its LogLevel says."""

import re

import pytest

from answers import (assert_forbidden, assert_granted_cleanly,
                     assert_insufficient_scope)
from confs import introspection, location

LEVELS = {
    "info": [], "warn": ["LogLevel warn"], "error": ["LogLevel error"],
    "debug": ["LogLevel debug"],
    "core": ["LogLevel info authz_core:debug"],
    "trace": ["LogLevel warn authz_core:trace4"],
    "coreinfo": ["LogLevel authz_core:info"],
    "corewarn": ["LogLevel debug authz_core:warn"],
}
LOUD = {"debug", "core", "trace"}
OURS = {"info", "debug", "core", "coreinfo", "corewarn"}
QUIET = ("AH01631", "AH01626", "AH01630")


def conf(clerk):
    hosts = "".join(
        f"<VirtualHost *>\n    ServerName {name}\n" + "\n".join(lines)
        + "\n</VirtualHost>\n" for name, lines in LEVELS.items())
    sections = [location(f"/{name}", *lines, require="clerk-scope mcp:read")
                for name, lines in LEVELS.items()]
    return "\n".join([
        introspection(clerk), "ClerkAudience any", "LogLevel info",
        location("/x", require="clerk-scope mcp:read"),
        location("/user", require="clerk-user nobody"), *sections, hosts])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


def ask(httpd, host, path, token):
    """The answer, and the lines that it added to the log."""
    before = httpd.error_log.position
    answer = httpd.raw(f"GET http://{host}{path} HTTP/1.1",
                       f"Authorization: Bearer {token}")
    assert httpd.raw(f"GET http://{host}/alive HTTP/1.1").status == 200
    return answer, httpd.error_log.lines(before)


def of(lines, module):
    return [line for line in lines if f"[{module}:" in line]


def assert_heard(name, lines):
    told = [line for line in of(lines, "authz_core")
            if any(code in line for code in QUIET)]
    if name in LOUD:
        # with a user: the first pass, without one, is not ours to hush
        assert any("AH01631" in line for line in told), lines
        assert any(re.search("AH01626.*Require clerk-.*: denied$", line)
                   for line in told), lines
    else:
        assert told == [], told
        assert not any("AH01631" in line for line in lines), lines
    refused = [line for line in of(lines, "auth_clerk") if "reason=" in line]
    assert len(refused) == (1 if name in OURS else 0), lines


@pytest.mark.parametrize("path", ["/x", "/user"])
@pytest.mark.parametrize("name", LEVELS)
def test_a_host_keeps_its_level(httpd, clerk, name, path):
    token = clerk.mint(scopes=["other"])
    for _ in range(2):
        answer, lines = ask(httpd, name, f"{path}/page", token)
        if path == "/x":
            assert_insufficient_scope(answer, "mcp:read")
        else:
            assert_forbidden(answer)
        assert_heard(name, lines)


@pytest.mark.parametrize("name", LEVELS)
def test_a_section_keeps_its_level(httpd, clerk, name):
    token = clerk.mint(scopes=["other"])
    answer, lines = ask(httpd, "info", f"/{name}/page", token)
    assert_insufficient_scope(answer, "mcp:read")
    assert_heard(name, lines)


@pytest.mark.parametrize("name", LEVELS)
def test_a_granted_request_too(httpd, clerk, name):
    token = clerk.mint(scopes=["mcp:read"])
    answer, lines = ask(httpd, name, "/x/page", token)
    assert_granted_cleanly(answer)
    told = [line for line in of(lines, "authz_core")
            if re.search("AH01626.*Require clerk-scope.*: granted", line)]
    assert bool(told) == (name in LOUD), lines


def test_the_next_request_of_a_connection(httpd, clerk):
    """What was kept quiet for one request is not for the next."""
    poor = clerk.mint(scopes=["other"])
    connection = httpd.connect()
    for name in ("info", "core", "warn", "debug", "info"):
        before = httpd.error_log.position
        answer = connection.request("GET", f"http://{name}/x/page",
                                    token=poor)
        assert answer.status == 403
        connection.request("GET", f"http://{name}/alive")
        assert_heard(name, httpd.error_log.lines(before))
    connection.close()
