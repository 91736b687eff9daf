"""A client that is a page in a browser: it sees what CORS lets it see."""

import time

import pytest

import fronts
from parties import ClientError

PAGE = "https://inspector.example.com"
KINDS = pytest.mark.parametrize("kind", ["v1", "v2"])


@pytest.fixture(scope="module")
def front(serve, standin, mcp_url):
    return serve(fronts.smallest(standin, mcp_url), modules=fronts.MODULES,
                 threads=fronts.THREADS)


@KINDS
def test_a_page_signs_in_and_calls(front, clerk, mcp_client, kind):
    client = mcp_client(kind, front.url + "/mcp", origin=PAGE)
    client.connect()
    # It saw the challenge, and so knew where the metadata is.
    paths = [path for path, in client.told("path", origin=front.url)]
    assert "/.well-known/oauth-protected-resource/mcp" in paths
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id
    client.start("slow", "count", to=3, every=150)
    assert len(client.finish("slow")["progress"]) == 3


def test_a_page_sees_its_session(front, mcp_client):
    client = mcp_client("v1", front.url + "/mcp", origin=PAGE)
    assert client.connect()["session"]
    client.order("terminate")
    assert client.told("method", "status", method="DELETE") == [
        ("DELETE", 200)]


@KINDS
def test_a_page_refreshes(front, clerk, mcp_client, kind):
    """It can read a refusal, too."""
    client = mcp_client(kind, front.url + "/mcp", origin=PAGE)
    client.connect()
    client.order("close")
    clerk.revoke(client.token(clerk))
    clerk.reset()
    time.sleep(1.1)  # ClerkCacheTTL
    client.connect()
    assert (401,) in client.told("status") and clerk.calls("authorize") == 0
    assert [sent["grant_type"] for sent in clerk.parameters("token")] == [
        "refresh_token"]
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id


@KINDS
def test_pages_of_other_origins(serve_once, clerk, mcp_client, mcp_url, kind):
    front = serve_once(
        fronts.smallest(clerk, mcp_url, f"ClerkCORS {PAGE}",
                        "ClerkChallengeScopes profile"),
        modules=fronts.MODULES, threads=fronts.THREADS)
    client = mcp_client(kind, front.url + "/mcp", origin=PAGE)
    client.connect()
    assert client.call("whoami")["x-clerk-user-id"] == clerk.user_id
    stranger = mcp_client(kind, front.url + "/mcp",
                          origin="https://else.example.com")
    with pytest.raises(ClientError) as refused:
        stranger.connect()
    assert "CORS" in str(refused.value)
    assert not stranger.told("path", status=200, origin=front.url)
