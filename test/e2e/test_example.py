"""The example for MCP servers does what its comments promise, for clients that
were not made for it."""

import re

import pytest

import fronts
from answers import words
from httpd import ROOT
from parties import ClientError

CALLBACK = "http://127.0.0.1:8976/callback"
WRITE = "tickets:write"


def example(clerk, mcp_url):
    """Its text: at the stand-in instead of at Clerk, on this machine instead
    of on the Internet, and with the tools that the MCP server here has."""
    text = (ROOT / "conf/examples/mcp-server.conf").read_text()
    for old, new in (
            ("<VirtualHost *:443>", "<VirtualHost *:${PORT}>"),
            ("https://mcp.example.com/", "http://127.0.0.1:${PORT}/"),
            ("http://127.0.0.1:3000/mcp", mcp_url),
            ("http://127.0.0.1:3001/mcp", mcp_url),
            ("'list_tickets', 'show_ticket'", "'whoami', 'count'")):
        assert old in text, old
        text = text.replace(old, new)
    text = re.sub(r"^ *SSL.*\n", "", text, flags=re.M)
    return (f"ClerkFrontendAPI {clerk.url}\nClerkBackendAPI {clerk.bapi_url}\n"
            f"ClerkIssuer {clerk.issuer}\n" + text)


@pytest.fixture(scope="module")
def front(serve, standin, mcp_url):
    return serve(example(standin, mcp_url), modules=fronts.MODULES,
                 threads=fronts.THREADS,
                 env={"CLERK_SECRET_KEY": standin.secret_key})


@pytest.fixture
def clerk(clerk):
    clerk.configure(scopes_supported=["profile", "email", "offline_access",
                                      WRITE])
    return clerk


@pytest.mark.parametrize("kind", ["v1", "v2", "2025_03"])
def test_the_server_for_everybody(front, clerk, mcp_client, kind):
    client = mcp_client(kind, front.url + "/mcp")
    client.connect()
    told = client.call("whoami")
    assert told["x-clerk-user-id"] == clerk.user_id
    assert "authorization" not in told
    assert client.call("admin") == {"done": True}
    # Without a refresh token users sign in again every day; what is older
    # than the challenge's scope does that.
    assert client.state["refreshable"] == (kind != "2025_03")


def test_the_server_some_of_whose_tools_need_more(front, clerk, mcp_client):
    known = clerk.application(public=True, redirect_uris=[CALLBACK],
                              scopes=["profile", "offline_access", WRITE])
    client = mcp_client("v2", front.url + "/tickets", client={
        "client_id": known["client_id"], "issuer": clerk.issuer})
    client.connect()
    told = client.call("whoami")
    assert words(told["x-clerk-scopes"]) == {"profile", "offline_access"}
    assert client.state["redirections"] == 1
    assert client.call("admin") == {"done": True}
    state = client.state
    assert state["redirections"] == 2
    assert words(state["scope"]) == {"profile", "offline_access", WRITE}


def test_older_clients_may_not_go_there(front, clerk, mcp_client):
    front.expect_log("AH01630: client denied by server configuration")
    client = mcp_client("v1", front.url + "/tickets")
    with pytest.raises(ClientError) as refused:
        client.connect()
    assert refused.value.status == 403
    assert clerk.calls("authorize") == 0
