"""Clerk away, slow, or talking nonsense: 503, never a refusal that sticks.
And our own credentials refused: 500, with a line that names the directive."""

import time

import pytest

from answers import assert_misconfigured, assert_unavailable
from confs import credentials, location, quoted

LOUD = r"\[auth_clerk:error\]"
ENDPOINTS = {"introspection": "token_info", "backend": "oauth_verify"}
TIMEOUT = 0.3


def conf(clerk):
    other = clerk.application()
    wrong = [
        location("/wrong-introspection", f"ClerkClientID {clerk.client_id}",
                 "ClerkClientSecret wrongClientSecret0123",
                 "ClerkVerifier introspection"),
        location("/stranger", f"ClerkClientID {other['client_id']}",
                 f"ClerkClientSecret {quoted(clerk.client_secret)}",
                 "ClerkVerifier introspection"),
        location("/wrong-backend", "ClerkSecretKey sk_test_wrongSecretKey99",
                 "ClerkVerifier backend")]
    return "\n".join([
        credentials(clerk), f"ClerkTimeout {TIMEOUT}",
        location("/introspection", "ClerkVerifier introspection"),
        location("/backend", "ClerkVerifier backend"), *wrong])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


FAULTS = {
    "hang": {},
    "hang in the header": {"kind": "slow_headers"},
    "hang in the body": {"kind": "slow_body"},
    "reset": {}, "close": {}, "truncated": {}, "endless": {},
    "garbage": {}, "garbage_http": {}, "gzip_bomb": {},
    "429 without a time": {"kind": "status", "code": 429},
    "500": {"kind": "status", "code": 500},
    "502": {"kind": "html", "code": 502},
    "503": {"kind": "status", "code": 503, "retry_after": 2},
    "504": {"kind": "status", "code": 504},
    "520": {"kind": "html", "code": 520},
    "200 html": {"kind": "html", "code": 200},
    "403 html": {"kind": "html", "code": 403},
    "404 html": {"kind": "html", "code": 404},
    "oversize": {"bytes": 300 * 1024},
    "redirect": {"to": "https://elsewhere.example/", "code": 302},
    "short length": {"kind": "wrong_content_length", "difference": 50},
}


@pytest.mark.parametrize("verifier", ENDPOINTS)
@pytest.mark.parametrize("name", FAULTS)
def test_an_outage_is_503_and_over_at_once(httpd, clerk, verifier, name):
    params = {"kind": name, **FAULTS[name]}
    httpd.expect_log(LOUD, optional=True)
    clerk.fault(ENDPOINTS[verifier], **params)
    token = clerk.mint()
    began = time.monotonic()
    answer = httpd.get(f"/{verifier}/page", token=token)
    assert time.monotonic() - began < 5 * TIMEOUT
    assert_unavailable(answer)
    assert clerk.calls(ENDPOINTS[verifier]) >= 1
    clerk.clear()
    assert httpd.get(f"/{verifier}/page", token=token).status == 200


@pytest.mark.parametrize("verifier", ENDPOINTS)
@pytest.mark.parametrize("dead", [False, True])
def test_an_outage_over_a_dead_token(httpd, clerk, verifier, dead):
    httpd.expect_log(LOUD, optional=True)
    token = clerk.mint()
    if dead:
        clerk.revoke(token)
    clerk.fault("*", "status", code=500)
    assert_unavailable(httpd.get(f"/{verifier}/page", token=token))
    clerk.clear()
    expected = 401 if dead else 200
    assert httpd.get(f"/{verifier}/page", token=token).status == expected


@pytest.mark.parametrize("verifier", ENDPOINTS)
@pytest.mark.parametrize("body", ["", "[]", "{}", "null", "true", "[true]",
                                  '{"active":"true"}', '{"active":1}',
                                  "<html></html>", "active"])
def test_a_200_that_says_nothing(httpd, clerk, verifier, body):
    httpd.expect_log(LOUD, optional=True)
    clerk.answer(ENDPOINTS[verifier], 200, body)
    token = clerk.mint()
    assert_unavailable(httpd.get(f"/{verifier}/page", token=token))
    clerk.clear()
    assert httpd.get(f"/{verifier}/page", token=token).status == 200


@pytest.mark.parametrize("verifier", ENDPOINTS)
def test_refused_connections(httpd, clerk, verifier):
    httpd.expect_log(LOUD, optional=True)
    token = clerk.mint()
    clerk.pause_listening()
    try:
        assert_unavailable(httpd.get(f"/{verifier}/page", token=token))
    finally:
        clerk.resume()
    assert httpd.get(f"/{verifier}/page", token=token).status == 200


@pytest.mark.parametrize("verifier", ENDPOINTS)
def test_a_large_answer_under_the_limit_is_read(httpd, clerk, verifier):
    clerk.fault(ENDPOINTS[verifier], "oversize", bytes=200 * 1024)
    answer = httpd.get(f"/{verifier}/page", token=clerk.mint())
    assert answer.status == 200, answer


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("verifier", ENDPOINTS)
def test_no_redirect_is_followed(httpd, clerk, verifier, code):
    httpd.expect_log(LOUD, optional=True)
    target = clerk.url + "/oauth/userinfo"
    clerk.fault(ENDPOINTS[verifier], "redirect", to=target, code=code)
    answer = httpd.get(f"/{verifier}/page", token=clerk.mint())
    assert_unavailable(answer)
    assert clerk.calls("userinfo") == 0
    assert clerk.calls() == 1


@pytest.fixture
def unheard(serve_once, clerk):
    """A server of its own, since Clerk tells it to stay away for long."""
    server = serve_once(conf(clerk))
    server.expect_log(LOUD, optional=True)
    return server


def test_clerks_wait_is_passed_on(unheard, clerk):
    clerk.fault("token_info", "status", code=429, retry_after=17)
    answer = unheard.get("/introspection/page", token=clerk.mint())
    assert answer.one("Retry-After") == "17"


@pytest.mark.parametrize("absurd", ["-5", "soon", "99999999999999999999", "",
                                    "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_an_absurd_wait_is_not(httpd, clerk, absurd):
    httpd.expect_log(LOUD, optional=True)
    clerk.answer("token_info", 429, {}, headers={"Retry-After": absurd})
    answer = httpd.get("/introspection/page", token=clerk.mint())
    assert_unavailable(answer)
    assert int(answer.one("Retry-After")) <= 86400


def test_head_and_post_during_an_outage(httpd, clerk):
    httpd.expect_log(LOUD, optional=True)
    clerk.fault("*", "status", code=500)
    field = f"Authorization: Bearer {clerk.mint()}"
    head = httpd.raw("HEAD /backend/page HTTP/1.1", field)
    assert head.status == 503 and head.body == b""
    assert head.one("Retry-After")
    post = httpd.request("POST", "/backend/page", token=clerk.mint(),
                         body=b"x=y")
    assert_unavailable(post)


# Our own fault.

@pytest.mark.parametrize("path,directive", [
    ("/wrong-introspection", "ClerkClientSecret"),
    ("/stranger", "ClerkClientSecret"), ("/wrong-backend", "ClerkSecretKey")])
def test_wrong_credentials_of_ours(httpd, clerk, secret, path, directive):
    secret("wrongClientSecret0123")
    secret("sk_test_wrongSecretKey99")
    time.sleep(1.1)         # at most one line a second of each kind
    httpd.expect_log(LOUD + f".*{directive}")
    token = clerk.mint()
    assert_misconfigured(httpd.get(f"{path}/page", token=token))
    before = clerk.calls()
    assert_misconfigured(httpd.get(f"{path}/page", token=token))
    assert clerk.calls() == before + 1      # no refusal was remembered


@pytest.mark.parametrize("verifier,directive", [
    ("introspection", "ClerkClient(ID|Secret)"),
    ("backend", "ClerkSecretKey")])
@pytest.mark.parametrize("status", [401, 403, 422])
def test_our_credentials_refused(httpd, clerk, verifier, directive, status):
    time.sleep(1.1)
    httpd.expect_log(LOUD + f".*{directive}")
    clerk.fault(ENDPOINTS[verifier], "status", code=status)
    token = clerk.mint()
    assert_misconfigured(httpd.get(f"/{verifier}/page", token=token))
    clerk.clear()
    assert httpd.get(f"/{verifier}/page", token=token).status == 200


def test_the_legacy_provider(httpd, clerk):
    time.sleep(1.1)
    httpd.expect_log(LOUD)
    clerk.configure(legacy_provider=True)
    assert_misconfigured(httpd.get("/introspection/page",
                                   token=clerk.mint()))
