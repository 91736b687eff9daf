"""More scopes for one tool than for the others, with httpd's own means.

From protocol version 2026-07-28 on a client says in header fields which tool
it calls, and the server must refuse a request whose body says otherwise. So
httpd may go by the fields, if it lets in no request that the server would not
compare them for. The server here is the SDK's own, and does compare.
"""

import json

import pytest

import answers
import client as http_client
import fronts
from parties import ClientError
from test_streams import BOTH, JSON, initialized, modern

CALLBACK = "http://127.0.0.1:8976/callback"
MORE = "mcp:admin"

# A server also takes `=?base64?YWRtaW4=?=` for the name "admin".
LINES = f"""
<If "%{{HTTP:MCP-Protocol-Version}} != '2026-07-28'">
    Require all denied
</If>
<If "%{{HTTP:Mcp-Method}} == 'tools/call' && \
     (%{{HTTP:Mcp-Name}} == 'admin' || %{{HTTP:Mcp-Name}} =~ /^=\\?/)">
    Require clerk-scope profile {MORE}
</If>"""


@pytest.fixture(scope="module")
def front(serve, standin, mcp_url):
    """One server at two URLs; at /mcp it is the same for every tool."""
    return serve(
        fronts.smallest(standin, mcp_url)
        + fronts.location("/tools", mcp_url, "ClerkChallengeScopes profile",
                          LINES),
        modules=fronts.MODULES, threads=fronts.THREADS)


@pytest.fixture
def clerk(clerk):
    clerk.configure(scopes_supported=["profile", "offline_access", MORE])
    return clerk


def post(front, token, headers, body, path="/tools"):
    connection = http_client.Connection(front.port)
    try:
        return connection.request(
            "POST", path, headers=[JSON, BOTH, *headers], token=token,
            body=json.dumps(body).encode())
    finally:
        connection.close()


def done(answer):
    return b"done" in answer.body


@pytest.fixture
def user(clerk):
    return clerk.mint(scopes=["profile"])


@pytest.fixture
def admin(clerk):
    return clerk.mint(scopes=["profile", MORE])


def test_one_tool_needs_more(front, user, admin):
    headers, body = modern("admin")
    refused = post(front, user, headers, body)
    assert refused.status == 403
    found = answers.challenge(refused)
    assert found["error"] == "insufficient_scope"
    assert answers.words(found["scope"]) == {"profile", MORE}
    assert found["resource_metadata"] == (
        front.url + "/.well-known/oauth-protected-resource/tools")
    assert done(post(front, admin, headers, body))
    for token in (user, admin):
        headers, body = modern("whoami")
        assert post(front, token, headers, body).status == 200


def lies():
    """Calls of the tool that are not what their header fields say."""
    honest, body = modern("admin")
    version, method, name = honest
    other = ("Mcp-Name", "whoami")
    listing = ("Mcp-Method", "tools/list")
    for label, headers in {
            "another method": [version, listing, name],
            "another method, no name": [version, listing],
            "no method": [version, name],
            "another tool": [version, method, other],
            "no tool": [version, method],
            "an empty name": [version, method, ("Mcp-Name", "")],
            "another case": [version, method, ("Mcp-Name", "Admin")],
            "two names": [version, method, other, name],
            "two names, turned": [version, method, name, other],
            "two methods": [version, listing, method, name],
            "an encoded name": [version, method,
                                ("Mcp-Name", "=?base64?YWRtaW4=?=")],
            "an older version": [("MCP-Protocol-Version", "2025-11-25"),
                                 method, other],
            "two versions": [version, version, method, other],
            "no version": [method, other],
            "nothing": []}.items():
        yield pytest.param(headers, body, id=label)
    without = {**body, "params": {"name": "admin", "arguments": {}}}
    for label, text in {"an older body": without, "a batch": [without],
                        "a newer batch": [body],
                        "a note": {**without, "id": None}}.items():
        yield pytest.param([version, method, other], text, id=label)


# What httpd says, at error, of a request that no token could mend.
DENIED = "AH01630: client denied by server configuration"


@pytest.mark.parametrize("headers, body", lies())
def test_lies_do_not_reach_the_tool(front, user, headers, body):
    front.expect_log(DENIED, optional=True)
    answer = post(front, user, headers, body)
    assert answer.status in (400, 403), answer
    assert not done(answer)


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
def test_nor_do_they_in_a_session(front, user, version):
    """One that was opened where the older versions are let in."""
    front.expect_log(DENIED, optional=True)
    session = ("Mcp-Session-Id", initialized(front, user))
    (_, method, _), body = modern("admin")
    del body["params"]["_meta"]
    for text in (body, [body]):
        answer = post(front, user, [
            ("MCP-Protocol-Version", version), method,
            ("Mcp-Name", "whoami"), session], text)
        assert answer.status in (400, 403) and not done(answer), answer


def test_the_newer_client_steps_up_for_the_tool(front, clerk, mcp_client):
    known = clerk.application(public=True, redirect_uris=[CALLBACK],
                              scopes=["profile", MORE])
    client = mcp_client("v2", front.url + "/tools", client={
        "client_id": known["client_id"], "issuer": clerk.issuer})
    assert client.connect()["version"] == "2026-07-28"
    assert client.call("whoami")["x-clerk-scopes"] == "profile"
    assert client.state["redirections"] == 1
    assert client.call("admin") == {"done": True}
    state = client.state
    assert state["redirections"] == 2
    assert answers.words(state["scope"]) == {"profile", MORE}
    # What it has now serves for the other tools as well.
    assert set(client.call("whoami")["x-clerk-scopes"].split()) == {
        "profile", MORE}


def test_a_page_in_a_browser(front, clerk, mcp_client):
    """What it asks first has none of the fields that the rules look at."""
    client = mcp_client("v2", front.url + "/tools",
                        origin="https://inspector.example.com")
    assert client.connect()["version"] == "2026-07-28"
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id


def test_the_newer_client_without_the_scope(front, clerk, mcp_client):
    """It registered itself with less: Clerk does not give it the scope, and
    it goes on with the token that it has."""
    client = mcp_client("v2", front.url + "/tools")
    client.connect()
    before = client.state["token"]
    with pytest.raises(ClientError) as refused:
        client.call("admin")
    assert refused.value.code == "invalid_scope"
    assert client.call("whoami")["x-clerk-scopes"] == "profile"
    assert client.state["token"] == before


def test_an_older_client_is_refused(front, clerk, mcp_client):
    front.expect_log(DENIED)
    client = mcp_client("v1", front.url + "/tools")
    with pytest.raises(ClientError) as refused:
        client.connect()
    assert refused.value.status == 403
    assert client.told("challenge", status=403) == [(None,)]
