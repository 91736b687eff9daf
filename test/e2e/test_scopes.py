"""A token that is good, but not for this: 403, and what clients make of it.

Clerk lets a client have what it was registered with. One that has registered
by itself did so with the challenge's scopes; one that somebody has entered
into Clerk's dashboard may have more.
"""

import pytest

import fronts
from parties import ClientError

CALLBACK = "http://127.0.0.1:8976/callback"
MORE = "mcp:use"
KINDS = pytest.mark.parametrize("kind", ["v1", "v2"])


def server(serve, standin, mcp_url, challenge, require):
    return serve(fronts.smallest(standin, mcp_url,
                                 f"ClerkChallengeScopes {challenge}",
                                 require=require),
                 modules=fronts.MODULES, threads=fronts.THREADS)


@pytest.fixture(scope="module")
def front(serve, standin, mcp_url):
    """It asks newcomers for less than it requires."""
    return server(serve, standin, mcp_url, "profile",
                  f"clerk-scope profile {MORE}")


@pytest.fixture(scope="module")
def refreshable(serve, standin, mcp_url):
    return server(serve, standin, mcp_url, "profile offline_access",
                  f"clerk-scope profile {MORE}")


@pytest.fixture
def clerk(clerk):
    clerk.configure(scopes_supported=["profile", "email", "offline_access",
                                      MORE])
    return clerk


@pytest.fixture
def entered(clerk):
    """A client that was entered in the dashboard, with every scope."""
    known = clerk.application(
        public=True, redirect_uris=[CALLBACK],
        scopes=["profile", "email", "offline_access", MORE])
    return {"client_id": known["client_id"], "issuer": clerk.issuer}


def refusal(client, front):
    """The one challenge of all the 403s that a client has seen."""
    seen = {challenge for challenge, in client.told("challenge", status=403)}
    [challenge] = seen
    assert challenge.startswith('Bearer error="insufficient_scope", ')
    assert (f'resource_metadata="{front.url}/.well-known/'
            'oauth-protected-resource/mcp"') in challenge
    [scope] = [part for part in challenge.split(", ")
               if part.startswith("scope=")]
    assert set(scope[7:-1].split()) == {"profile", MORE}
    return challenge


def scopes(text):
    return set(text.split())


@KINDS
def test_step_up(front, clerk, mcp_client, entered, kind):
    client = mcp_client(kind, front.url + "/mcp", client=entered)
    client.connect()
    way = client.told("path", "status", origin=front.url)
    assert way[0] == ("/mcp", 401) and ("/mcp", 403) in way, way
    refusal(client, front)
    first, second = clerk.parameters("authorize")
    assert scopes(first["scope"]) == {"profile"}
    assert scopes(second["scope"]) == {"profile", MORE}
    assert first["resource"] == second["resource"] == front.url + "/mcp"
    assert clerk.calls("register") == 0
    told = client.call("whoami")
    assert scopes(told["x-clerk-scopes"]) == {"profile", MORE}
    assert client.state["redirections"] == 2


@KINDS
def test_a_client_that_registered_itself_gets_no_more(front, clerk,
                                                      mcp_client, kind):
    client = mcp_client(kind, front.url + "/mcp")
    with pytest.raises(ClientError) as refused:
        client.connect()
    assert refused.value.code == "invalid_scope"
    refusal(client, front)
    state = client.state
    assert state["registered_scope"] == state["scope"] == "profile"
    # It forgets its registration and makes another, now that it knows more.
    client.order("forget", what="client")
    clerk.reset()
    client.connect()
    [registered] = clerk.parameters("register")
    assert scopes(registered["scope"]) == {"profile", MORE}
    told = client.call("whoami")
    assert scopes(told["x-clerk-scopes"]) == {"profile", MORE}


@KINDS
def test_a_challenge_that_asks_for_too_much(serve_once, clerk, mcp_client,
                                            mcp_url, kind):
    """By default it names all that is required. A client that registers
    without scopes, and so with Clerk's default ones, cannot have these; with
    ClerkChallengeScopes it could at least have signed in."""
    front = serve_once(
        fronts.clerk_directives(clerk)
        + fronts.location("/mcp", mcp_url,
                          require=f"clerk-scope profile {MORE}"),
        modules=fronts.MODULES)
    careless = mcp_client(kind, front.url + "/mcp")
    careless.order("register")
    with pytest.raises(ClientError) as refused:
        careless.connect()
    assert refused.value.code == "invalid_scope"
    assert careless.state["registered_scope"] == "profile email"
    careful = mcp_client(kind, front.url + "/mcp")
    careful.connect()
    assert scopes(careful.state["registered_scope"]) == {"profile", MORE}


def test_a_refresh_is_no_step_up(refreshable, clerk, mcp_client, entered):
    """The 1.x client refreshes at a 403. It gives up when the same challenge
    comes again, to the byte, and so does not ask for ever."""
    client = mcp_client("v1", refreshable.url + "/mcp", client=entered)
    with pytest.raises(ClientError) as refused:
        client.connect()
    assert refused.value.status == 403
    assert "upscoping" in str(refused.value)
    refusal(client, refreshable)
    assert len(client.told("path", status=403)) == 2
    grants = [sent["grant_type"] for sent in clerk.parameters("token")]
    assert grants == ["authorization_code", "refresh_token"]


def test_the_newer_client_steps_up_in_spite_of_a_refresh_token(
        refreshable, clerk, mcp_client, entered):
    client = mcp_client("v2", refreshable.url + "/mcp", client=entered)
    client.connect()
    grants = [sent["grant_type"] for sent in clerk.parameters("token")]
    assert grants == ["authorization_code", "authorization_code"]
    assert scopes(client.state["scope"]) == {"profile", "offline_access",
                                             MORE}


@KINDS
def test_what_no_scope_could_mend(serve_once, clerk, mcp_client, mcp_url,
                                  kind):
    """A plain 403 sends nobody back to Clerk."""
    front = server(serve_once, clerk, mcp_url, "profile",
                   "clerk-user user_2nobodynobodynobodynobody00")
    client = mcp_client(kind, front.url + "/mcp")
    with pytest.raises(ClientError) as refused:
        client.connect()
    assert refused.value.status == 403
    assert client.told("challenge", status=403) == [(None,)]
    assert clerk.calls("authorize") == clerk.calls("token") == 1
