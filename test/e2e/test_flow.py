"""A client that knows nothing but a URL signs in and calls a tool."""

import base64
import json
import urllib.request

import pytest

import answers
import fronts
from parties import ClientError

CALLBACK = "http://127.0.0.1:8976/callback"
METADATA = "/.well-known/oauth-authorization-server"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource/mcp"
TOOLS = {"whoami", "count", "admin"}

# How a client of each kind opens an MCP connection, once it has a token.
OPENING = {"v1": ["initialize", "notifications/initialized"],
           "v2": ["server/discover"]}


@pytest.fixture(scope="module")
def front(serve, standin, mcp_url):
    return serve(fronts.smallest(standin, mcp_url), modules=fronts.MODULES,
                 threads=fronts.THREADS)


def url(server):
    return server.url + "/mcp"


def audience(clerk, token):
    """What Clerk says that a token is for."""
    if token.count(".") == 2:
        claims = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(claims + "==")).get("aud")
    request = urllib.request.Request(
        clerk.bapi_url + "/oauth_applications/access_tokens/verify",
        json.dumps({"access_token": token}).encode(),
        {"Authorization": "Bearer " + clerk.secret_key,
         "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer).get("aud")


def assert_signed_in(client, clerk, server, kind):
    """The whole way, in this order and no other."""
    here, there = server.url, clerk.url
    way = client.told("origin", "method", "path", "status")
    assert way[:6] == [
        (here, "POST", "/mcp", 401),
        (here, "GET", RESOURCE_METADATA, 200),
        (there, "GET", METADATA, 200),
        (there, "POST", "/oauth/register", 201),
        (there, "GET", "/oauth/authorize", 302),
        (there, "POST", "/oauth/token", 200)], way
    opening = [request["parameters"]["method"]
               for request in client.requests[6:]
               if request["method"] == "POST"]
    assert opening == OPENING[kind], way
    assert all(request["status"] in (200, 202)
               for request in client.requests[6:]), way


@pytest.mark.parametrize("jwt", [False, True], ids=["opaque", "jwt"])
@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_from_a_url_to_a_tool(front, clerk, mcp_client, mcp_server, kind,
                              jwt):
    clerk.configure(jwt_access_tokens=jwt)
    client = mcp_client(kind, url(front))
    assert client.connect()["server"] == "end-to-end"
    assert_signed_in(client, clerk, front, kind)
    assert TOOLS <= set(client.tools())
    told = client.call("whoami")
    state = client.state
    assert told["x-clerk-user-id"] == clerk.user_id
    assert told["x-clerk-client-id"] == state["client_id"]
    assert told["x-clerk-scopes"] == "profile offline_access"
    assert "authorization" not in told
    assert state["redirections"] == 1


def test_what_each_step_carries(front, clerk, mcp_client):
    client = mcp_client("v1", url(front))
    client.connect()
    [(challenge,)] = client.told("challenge", status=401)
    assert challenge == (
        f'Bearer resource_metadata="{front.url}{RESOURCE_METADATA}", '
        'scope="profile offline_access", realm="Clerk"')
    [registered] = clerk.parameters("register")
    assert registered["scope"] == "profile offline_access"
    [asked] = clerk.parameters("authorize")
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "profile offline_access"
    assert asked["resource"] == url(front)
    [exchanged] = clerk.parameters("token")
    assert exchanged["grant_type"] == "authorization_code"
    assert exchanged["resource"] == url(front)
    assert exchanged["code_verifier"]
    assert audience(clerk, client.token(clerk)) == [url(front)]


@pytest.mark.parametrize("mpm", ["worker", "prefork"])
def test_other_mpms(serve_once, clerk, mcp_client, mcp_url, mpm):
    front = serve_once(fronts.smallest(clerk, mcp_url), mpm=mpm, children=2,
                       modules=fronts.MODULES)
    client = mcp_client("v1", url(front))
    client.connect()
    assert_signed_in(client, clerk, front, "v1")
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id
    client.start("slow", "count", to=4, every=150)
    steps = [each["at"] for each in client.finish("slow")["progress"]]
    assert steps[-1] - steps[0] > 300


def test_the_newer_client_with_the_older_protocol(front, clerk, mcp_client):
    client = mcp_client("v2", url(front), negotiation="legacy")
    opened = client.connect()
    assert opened["session"] and opened["version"] == "2025-11-25"
    assert_signed_in(client, clerk, front, "v1")
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id


def test_a_second_connection_has_its_token_already(front, clerk, mcp_client):
    client = mcp_client("v2", url(front))
    client.connect()
    client.order("close")
    clerk.reset()
    client.connect()
    assert client.way() == [("/mcp", 200)]
    assert clerk.calls("register") == clerk.calls("authorize") == 0


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_forged_identities_do_not_arrive(front, clerk, mcp_client, kind):
    forged = {"X-Clerk-User-Id": "user_2forged", "X_Clerk_Org_Id": "org_2f",
              "x-clerk-permission": "all"}
    client = mcp_client(kind, url(front), headers=forged)
    client.connect()
    told = client.call("whoami")
    assert told["x-clerk-user-id"] == clerk.user_id
    assert not {"x_clerk_org_id", "x-clerk-permission"} & set(told)


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_a_client_that_is_a_document(front, clerk, mcp_client, kind):
    """Its id is the URL of its metadata, and it never registers."""
    name = f"https://client.example.com/{kind}.json"
    clerk.application(client_id=name, public=True, redirect_uris=[CALLBACK],
                      scopes=["profile", "offline_access"])
    client = mcp_client(kind, url(front), client_metadata_url=name)
    client.connect()
    assert clerk.calls("register") == 0
    assert client.call("whoami")["x-clerk-client-id"] == name


def test_the_newer_client_sees_to_its_refresh_token(serve_once, clerk,
                                                    mcp_client, mcp_url):
    """The challenge need not name offline_access for it."""
    front = serve_once(fronts.smallest(clerk, mcp_url, "ClerkCacheTTL 0"),
                       modules=fronts.MODULES)
    client = mcp_client("v2", url(front),
                        grant_types=["authorization_code", "refresh_token"])
    client.connect()
    [(challenge,)] = client.told("challenge", status=401)
    assert 'scope="profile"' in challenge
    state = client.state
    assert state["refreshable"] and state["scope"] == "profile offline_access"
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id


# Clients that do less than they should.

def test_a_client_of_2025_03(front, clerk, mcp_client):
    """It asks the MCP server's own origin for the metadata, and no more."""
    client = mcp_client("2025_03", url(front))
    assert client.connect()["server"] == "end-to-end"
    way = client.told("origin", "method", "path", "status")
    assert (front.url, "GET", METADATA, 200) in way
    assert (clerk.url, "GET", METADATA, 200) not in way
    assert not [path for _, _, path, _ in way if "protected-resource" in path]
    registered = clerk.parameters("register")
    asked = clerk.parameters("authorize")
    exchanged = clerk.parameters("token")
    assert len(registered) == len(asked) == len(exchanged) == 1
    assert "scope" not in registered[0] and "scope" not in asked[0]
    assert "resource" not in asked[0] and "resource" not in exchanged[0]
    assert client.state["scope"] == "profile email"
    assert TOOLS <= set(client.tools())
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id


@pytest.mark.parametrize("document", ["oauth-authorization-server",
                                      "openid-configuration"])
def test_the_metadata_at_the_origin_is_clerks_own(front, clerk, document):
    path = "/.well-known/" + document
    with urllib.request.urlopen(clerk.url + path) as original:
        assert front.get(path).body == original.read()


@pytest.mark.parametrize("jwt", [False, True], ids=["opaque", "jwt"])
@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_a_client_that_sends_no_resource(front, clerk, mcp_client, kind, jwt):
    clerk.configure(jwt_access_tokens=jwt)
    client = mcp_client(kind, url(front), resource=False)
    client.connect()
    assert "resource" not in clerk.parameters("authorize")[0]
    assert "resource" not in clerk.parameters("token")[0]
    assert not audience(clerk, client.token(clerk))
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id


@pytest.mark.parametrize("jwt", [False, True], ids=["opaque", "jwt"])
def test_a_server_that_insists_on_resource(serve_once, clerk, mcp_client,
                                           mcp_url, jwt):
    clerk.configure(jwt_access_tokens=jwt)
    front = serve_once(
        fronts.smallest(clerk, mcp_url,
                        "ClerkAudience http://127.0.0.1:${PORT}/mcp"),
        modules=fronts.MODULES)
    careless = mcp_client("v1", url(front), resource=False)
    with pytest.raises(ClientError):
        careless.connect()
    first, *others = careless.told("challenge", status=401)
    assert "error" not in first[0]
    [(challenge,)] = set(others)
    assert 'error="invalid_token"' in challenge
    careful = mcp_client("v1", url(front))
    careful.connect()
    assert careful.call("whoami")["x-clerk-user-id"] == clerk.user_id


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_a_client_that_registers_without_scope(serve_once, clerk, mcp_client,
                                               mcp_url, kind):
    """Clerk gives it the instance's default scopes, which will do here."""
    front = serve_once(fronts.smallest(clerk, mcp_url,
                                       "ClerkChallengeScopes profile"),
                       modules=fronts.MODULES)
    client = mcp_client(kind, url(front))
    client.order("register")
    client.connect()
    [registered] = clerk.parameters("register")
    assert "scope" not in registered
    assert clerk.parameters("authorize")[0]["scope"] == "profile"
    assert client.state["registered_scope"] == "profile email"
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id


def test_a_token_for_another_resource_is_refused(front, clerk):
    token = clerk.mint(scopes=["profile"], aud=["https://else.example.com/"])
    refused = front.request("POST", "/mcp", token=token, body=b"{}")
    assert refused.status == 401
    found = answers.challenge(refused)
    assert found["error"] == "invalid_token"
    assert found["resource_metadata"] == front.url + RESOURCE_METADATA
    answers.assert_body(refused, "invalid_token")
