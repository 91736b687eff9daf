"""conf/examples/mcp-server.conf does what its comments promise."""

import http.client
import re
import time

import pytest

import answers
from backend import header, identity
from client import Connection
from discovery import (DOCUMENT, SERVER, assert_cors, assert_document,
                       assert_preflight, preflight)
from examples import example
from streaming import Application, rpc

USER = "user_2abcdefghijklmnopqrstuvwxyz"
STRANGER = "user_2somebodyelsesomebodyelse0"
RESOURCE = "https://mcp.example.com"


@pytest.fixture(scope="module")
def application():
    played = Application()
    yield played
    played.close()


@pytest.fixture
def app(application):
    application.end_streams()
    application.clear()
    yield application
    application.end_streams()


@pytest.fixture(scope="module")
def mcp(serve, standin, application):
    """Without TLS, and with less patience for silent servers."""
    text = example("mcp-server.conf", standin,
                   host=("<VirtualHost *:443>",
                         "<VirtualHost 127.0.0.1:${PORT}>"),
                   patience=("ProxyTimeout 600", "ProxyTimeout 1"),
                   tools=("http://127.0.0.1:3000", application.url),
                   tickets=("http://127.0.0.1:3001", application.url))
    return serve(re.sub(r"(?m)^ *SSL.*$", "", text),
                 env={"CLERK_SECRET_KEY": standin.secret_key},
                 modules=["proxy", "proxy_http"])


@pytest.mark.parametrize("path, title, scopes", [
    ("/mcp", "Example's tools", ["profile", "offline_access"]),
    ("/tickets", "Example's tickets", ["profile", "tickets:write"])])
def test_clients_find_their_way(mcp, clerk, path, title, scopes):
    metadata = RESOURCE + DOCUMENT + path
    answers.assert_unauthorized(
        mcp.request("POST", path, body=rpc("initialize"), headers=NEWEST),
        scope="profile offline_access", metadata=metadata,
        realm=title.split()[-1].capitalize())
    assert_document(mcp.get(DOCUMENT + path), RESOURCE + path, [clerk.issuer],
                    scopes_supported=scopes, resource_name=title)
    assert mcp.get(SERVER).json()["issuer"] == clerk.issuer
    asked = mcp.request("OPTIONS", path, headers=preflight())
    assert_preflight(asked)


def test_servers_are_told_who_is_asking(mcp, clerk, app):
    token = clerk.mint(subject=USER, scopes=["profile"])
    answer = mcp.request("POST", "/mcp", token=token, body=rpc("ping"),
                         headers=[("X-Clerk-User-Id", STRANGER)])
    assert answer.status == 200, answer
    assert_cors(answer)
    [seen] = app.requests
    assert seen["path"] == "/mcp"
    assert identity(seen)["X-Clerk-User-Id"] == USER
    assert not header(seen, "Authorization")
    answers.assert_insufficient_scope(
        mcp.request("POST", "/mcp", token=clerk.mint(scopes=["email"]),
                    body=rpc("ping")), scope="profile", realm="Tools",
        metadata=RESOURCE + DOCUMENT + "/mcp")


NEWEST = [("MCP-Protocol-Version", "2026-07-28")]


def call(name, method="tools/call"):
    return [*NEWEST, ("Mcp-Method", method), ("Mcp-Name", name)]


@pytest.mark.parametrize("headers", [
    call("list_tickets"), call("show_ticket"), NEWEST,
    call("file:///etc/motd", "resources/read")])
def test_some_tools_need_no_more(mcp, clerk, app, headers):
    token = clerk.mint(scopes=["profile"])
    answer = mcp.request("POST", "/tickets", headers=headers, token=token,
                         body=rpc("tools/call"))
    assert answer.status == 200, answer
    assert len(app.requests) == 1


@pytest.mark.parametrize("name", [
    "delete_ticket", "one_of_the_future", "", "List_Tickets", "list_tickets,",
    "list_tickets, delete_ticket", "=?base64?ZGVsZXRlX3RpY2tldA==?=",
    "=?base64?bGlzdF90aWNrZXRz?="])
def test_all_other_tools_do(mcp, clerk, app, name):
    refused = mcp.request("POST", "/tickets", headers=call(name),
                          token=clerk.mint(scopes=["profile"]),
                          body=rpc("tools/call"))
    answers.assert_insufficient_scope(
        refused, scope="profile tickets:write", realm="Tickets",
        metadata=RESOURCE + DOCUMENT + "/tickets")
    assert not app.requests
    token = clerk.mint(scopes=["profile", "tickets:write"])
    assert mcp.request("POST", "/tickets", headers=call(name), token=token,
                       body=rpc("tools/call")).status == 200


@pytest.mark.parametrize("version", [
    [], ["2025-11-25"], [""], ["2026-07-28", "2025-11-25"],
    ["2026-07-28", "2026-07-28"], ["2026-07-280"]])
@pytest.mark.parametrize("name", ["list_tickets", "delete_ticket"])
def test_versions_that_nobody_compares_under(mcp, clerk, app, name,
                                                 version):
    mcp.expect_log("AH01630: client denied")
    headers = [*call(name)[1:],
               *(("MCP-Protocol-Version", value) for value in version)]
    token = clerk.mint(scopes=["profile", "tickets:write"])
    for sent in (token, None):
        refused = mcp.request("POST", "/tickets", headers=headers, token=sent,
                              body=rpc("tools/call"))
        assert refused.status == 403, refused
        assert refused.one("WWW-Authenticate") is None
    assert not app.requests


@pytest.fixture
def stream(mcp, clerk, app):
    """A stream's connection and response, whose body is still to come."""
    connection = Connection(mcp.port)
    connection.send("GET", "/mcp/stream",
                    token=clerk.mint(scopes=["profile"]))
    yield connection.http.getresponse()
    connection.close()


def test_a_silent_server_is_given_up(mcp, stream):
    mcp.expect_log("AH01110: error reading response")
    began = time.monotonic()
    with pytest.raises(http.client.IncompleteRead) as cut:
        stream.read()
    assert cut.value.partial == b"id: 0\ndata: first\n\n"
    assert 0.5 < time.monotonic() - began < 5


def await_line(stream, wanted):
    while (line := stream.readline()) != wanted:
        assert line, "the stream has ended"


def test_comments_keep_a_stream_open(app, stream):
    app.comments.set()
    time.sleep(2.5)
    app.go.release()
    await_line(stream, b"data: more\n")
    app.end_streams()
    stream.read()


def test_events_are_passed_on_at_once(app, stream):
    for line in (b"data: first\n", b"data: more\n"):
        began = time.monotonic()
        await_line(stream, line)
        assert time.monotonic() - began < 0.5
        app.go.release()
