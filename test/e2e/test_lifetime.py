"""Tokens end: by their time, by revocation; and Clerk is away for a while."""

import time

import pytest

import fronts
from httpd import eventually
from parties import ClientError

LIFE = 3  # seconds
FORMATS = pytest.mark.parametrize("jwt", [False, True], ids=["opaque", "jwt"])
KINDS = pytest.mark.parametrize("kind", ["v1", "v2"])


@pytest.fixture(scope="module")
def front(serve, standin, mcp_url):
    return serve(fronts.smallest(standin, mcp_url), modules=fronts.MODULES,
                 threads=fronts.THREADS)


@pytest.fixture
def connected(front, clerk, mcp_client):
    """A client that has signed in, with nothing counted at Clerk since."""
    def start(kind, **options):
        client = mcp_client(kind, front.url + "/mcp", **options)
        client.connect()
        clerk.reset()
        return client
    return start


def assert_refreshed(client, clerk, before):
    """One refusal, one refresh, one success; the user saw nothing of it."""
    way = client.way()
    assert way == [("/mcp", 401), ("/oauth/token", 200), ("/mcp", 200)], way
    [(challenge,)] = client.told("challenge", status=401)
    assert 'error="invalid_token"' in challenge
    [sent] = clerk.parameters("token")
    assert sent["grant_type"] == "refresh_token"
    assert sent["resource"] == client.url
    after = client.state
    assert after["token"] != before["token"] and after["refreshable"]
    assert after["redirections"] == 1 and after["invalidated"] == []


@FORMATS
@KINDS
def test_expiry_and_refresh(clerk, connected, kind, jwt):
    clerk.configure(jwt_access_tokens=jwt, access_token_lifetime=LIFE)
    client = connected(kind)
    before = client.state
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id
    time.sleep(LIFE + 0.3)
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id
    assert_refreshed(client, clerk, before)


def test_expiry_without_a_refresh_token(clerk, connected):
    """A client of 2025-03 got none: its user is asked again, and nothing
    else is done twice."""
    clerk.configure(access_token_lifetime=LIFE)
    client = connected("2025_03")
    assert not client.state["refreshable"]
    time.sleep(LIFE + 0.3)
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id
    assert client.state["redirections"] == 2
    assert clerk.calls("register") == 0 and clerk.calls("token") == 1


@pytest.mark.parametrize("kind, options, jwt", [
    ("v1", {}, False), ("v2", {}, True),
    ("v2", {"negotiation": "legacy"}, False)], ids=["v1", "v2", "v2-legacy"])
def test_a_stream_outlives_its_token(clerk, connected, kind, options, jwt):
    """It is not cut, and not held up."""
    clerk.configure(jwt_access_tokens=jwt, access_token_lifetime=LIFE)
    client = connected(kind, **options)
    before = client.state["token"]
    client.start("slow", "count", to=9, every=500)
    ended = client.finish("slow")
    assert ended["value"] == {"counted": 9}
    assert [each["step"] for each in ended["progress"]] == list(range(1, 10))
    times = [each["at"] for each in ended["progress"]]
    assert times[-1] - times[0] > 3500, times
    assert client.state["token"] == before
    assert clerk.calls("token") == 0
    # The next request is refused, and mended.
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id
    assert client.way()[0] == ("/mcp", 401)
    assert clerk.calls("token") == 1


def test_the_sessions_own_stream_outlives_its_token(clerk, connected):
    """The answer of GET, on which the server speaks when it wants to."""
    clerk.configure(access_token_lifetime=LIFE)
    client = connected("v1")
    client.call("announce", after=(LIFE + 0.5) * 1000, message="after the end")
    told = time.time() * 1000
    time.sleep(LIFE)
    [note] = eventually(lambda: client.state["notes"], 1)
    assert note["data"] == "after the end"
    assert note["at"] - told > LIFE * 1000
    assert clerk.calls("token") == 0


@KINDS
def test_a_revoked_token_is_refreshed(clerk, connected, kind):
    client = connected(kind)
    before = client.state
    clerk.revoke(client.token(clerk))
    time.sleep(1.1)  # ClerkCacheTTL
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id
    assert_refreshed(client, clerk, before)


@KINDS
def test_a_revoked_grant_brings_the_user_back(clerk, connected, kind):
    client = connected(kind)
    clerk.revoke(client.token(clerk), grant=True)
    time.sleep(1.1)
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id
    way = client.way()
    assert way == [("/mcp", 401), ("/oauth/token", 400),
                   ("/oauth/authorize", 302), ("/oauth/token", 200),
                   ("/mcp", 200)], way
    state = client.state
    assert state["redirections"] == 2 and state["invalidated"] == ["tokens"]
    assert clerk.calls("register") == 0


@KINDS
def test_clerk_is_down(front, clerk, connected, kind):
    """503, which no client takes for the end of its token."""
    client = connected(kind)
    before = client.state
    clerk.pause_listening()
    time.sleep(1.1)
    front.expect_log(r"auth_clerk:error.* Clerk")
    with pytest.raises(ClientError) as refused:
        client.call("whoami")
    assert refused.value.status == 503
    assert client.way() == [("/mcp", 503)]
    [(answer,)] = client.told("answer", status=503)
    assert answer["retry-after"].isdecimal()
    assert client.state["token"] == before["token"]
    clerk.resume()
    assert called_at_last(client)["x-clerk-user-id"] == clerk.user_id
    after = client.state
    assert after["token"] == before["token"] and after["invalidated"] == []
    assert after["redirections"] == 1
    assert clerk.calls("token") == clerk.calls("authorize") == 0


def called_at_last(client):
    """A call repeated while the answer is 503, as Retry-After suggests."""
    until = time.monotonic() + 10
    while True:
        try:
            return client.call("whoami")
        except ClientError as error:
            if error.status != 503 or time.monotonic() > until:
                raise
            time.sleep(0.5)


@KINDS
def test_with_jwts_nobody_notices_that_clerk_is_down(clerk, connected, kind):
    clerk.configure(jwt_access_tokens=True)
    client = connected(kind)
    client.call("whoami")
    clerk.pause_listening()
    time.sleep(1.1)
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id
    assert client.way() == [("/mcp", 200)]
