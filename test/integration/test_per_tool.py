"""<If> asks for more for one tool of an MCP server, by the headers in which
clients repeat what their request's body says."""

import pytest

from answers import (assert_forbidden, assert_insufficient_scope,
                     assert_unauthorized)
from confs import introspection, location
from discovery import DOCUMENT, assert_document, path_of, well_known
from streaming import rpc

DELETE = "%{HTTP:Mcp-Method} == 'tools/call' && %{HTTP:Mcp-Name} == 'delete'"
ADMIN = "clerk-scope mcp:use mcp:admin"
CALL = [("Mcp-Method", "tools/call"), ("Mcp-Name", "delete")]


def resource(name):
    return f"https://mcp.example.com/{name}"


def when(condition, *lines):
    return [f'<If "{condition}">', *lines, "</If>"]


def conf(clerk, backend_url):
    def at(name, *lines, require="clerk-scope mcp:use"):
        return location(f"/{name}", f"ClerkResource {resource(name)}",
                        f"ProxyPass {backend_url}/{name}", *lines,
                        require=require)
    return "\n".join([
        introspection(clerk),
        at("mcp", *when(DELETE, f"Require {ADMIN}")),
        at("and", *when(DELETE, "AuthMerging And",
                        "Require clerk-scope mcp:admin")),
        at("told", "ClerkResourceScopes mcp:use mcp:admin",
           "ClerkChallengeScopes mcp:use",
           *when(DELETE, f"Require {ADMIN}",
                 "ClerkChallengeScopes mcp:use mcp:admin")),
        at("user", *when(DELETE, "<RequireAll>", f"Require {ADMIN}",
                         "Require clerk-user user_root", "</RequireAll>")),
        at("twice", *when("%{HTTP:Mcp-Method} == 'tools/call'",
                          "Require clerk-scope mcp:call"),
           *when(DELETE, f"Require {ADMIN}")),
        at("expr", "<RequireAll>", "Require clerk-scope mcp:use",
           "<RequireAny>", f'Require expr "! ({DELETE})"',
           "Require clerk-scope mcp:admin", "</RequireAny>", "</RequireAll>",
           require=None),
        at("none", *when(DELETE, "Require all denied")),
    ])


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    return serve(conf(standin, backend_url), modules=["proxy", "proxy_http"])


@pytest.fixture
def call(httpd, clerk, backend):
    def post(name, headers, scopes, **wish):
        token = None if scopes is None else clerk.mint(scopes=scopes, **wish)
        return httpd.request("POST", f"/{name}/x", headers=headers,
                             token=token, body=rpc("tools/call",
                                                   name="delete"))
    return post


USE, BOTH = ["mcp:use"], ["mcp:use", "mcp:admin"]
OTHERS = [[], [("Mcp-Method", "tools/list")],
          [("Mcp-Method", "tools/call"), ("Mcp-Name", "read")],
          [("Mcp-Name", "delete")]]


@pytest.mark.parametrize("name", ["mcp", "and", "told", "user", "expr",
                                  "none"])
def test_other_calls_need_no_more(call, backend, name):
    for headers in OTHERS:
        answer = call(name, headers, USE)
        assert answer.status == 200, answer
        assert_insufficient_scope(call(name, headers, ["profile"]),
                                  " ".join(BOTH) if name == "expr"
                                  else "mcp:use",
                                  metadata=well_known(resource(name)))
    assert len(backend.requests) == len(OTHERS)


@pytest.mark.parametrize("name", ["mcp", "and", "told", "twice", "expr"])
def test_the_tool_needs_more(call, backend, name):
    metadata = well_known(resource(name))
    assert_insufficient_scope(call(name, CALL, USE), "mcp:use mcp:admin",
                              metadata=metadata)
    assert backend.requests == []
    assert call(name, CALL, BOTH).status == 200
    assert len(backend.requests) == 1


@pytest.mark.parametrize("name", ["mcp", "and", "told", "twice"])
def test_the_challenge_asks_for_more_at_once(call, name):
    metadata = well_known(resource(name))
    assert_unauthorized(call(name, CALL, None), scope="mcp:use mcp:admin",
                        metadata=metadata)
    assert_unauthorized(call(name, [], None), scope="mcp:use",
                        metadata=metadata)


def test_conditions_one_after_the_other(call):
    metadata = well_known(resource("twice"))
    read = [("Mcp-Method", "tools/call"), ("Mcp-Name", "read")]
    assert_insufficient_scope(call("twice", read, USE), "mcp:call",
                              metadata=metadata)
    assert call("twice", read, ["mcp:call"]).status == 200
    assert_insufficient_scope(call("twice", CALL, ["mcp:call"]),
                              "mcp:use mcp:admin", metadata=metadata)


def test_what_no_scope_would_mend(call, httpd, backend):
    httpd.expect_log("AH01630", optional=True)
    assert_forbidden(call("user", CALL, BOTH))
    assert_forbidden(call("user", CALL, USE))
    assert_insufficient_scope(call("user", CALL, USE, subject="user_root"),
                              "mcp:use mcp:admin",
                              metadata=well_known(resource("user")))
    assert call("none", CALL, BOTH).status == 403
    assert backend.requests == []
    assert call("user", CALL, BOTH, subject="user_root").status == 200


@pytest.mark.parametrize("headers", [
    [("mcp-method", "tools/call"), ("MCP-NAME", "delete")],
    [("Mcp-Method", "tools/call"), ("Mcp-Name", "delete"),
     ("Mcp_Name", "read"), ("Mcp_Method", "tools/list")],
    [("Mcp-Method", " tools/call "), ("Mcp-Name", "delete  ")]])
def test_other_spellings_of_the_fields(call, headers):
    assert_insufficient_scope(call("mcp", headers, USE), "mcp:use mcp:admin",
                              metadata=well_known(resource("mcp")))


@pytest.mark.parametrize("name", ["mcp", "and", "user", "twice", "none"])
@pytest.mark.parametrize("headers", [[], CALL])
def test_one_document_whatever_is_called(httpd, clerk, name, headers):
    answer = httpd.get(path_of(resource(name)), headers=headers)
    assert answer.status == 200, answer
    assert answer.body == httpd.get(path_of(resource(name))).body
    assert answer.json()["resource"] == resource(name)
    assert "mcp:use" in answer.json()["scopes_supported"]


def test_the_document_says_what_was_written(httpd, clerk):
    answer = httpd.get(path_of(resource("told")), headers=CALL)
    assert_document(answer, resource("told"), [clerk.issuer],
                    scopes_supported=BOTH)
    assert httpd.get(DOCUMENT).status == 404
