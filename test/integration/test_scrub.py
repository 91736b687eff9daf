"""Forged identity headers never arrive, on any path; and subrequests and
internal redirects are verified once and keep the identity."""

import httpx
import pytest

from backend import identity
from confs import credentials, location

FORGED = "forged-by-the-client"
USER = "user_2scrubscrubscrubscrubscr"

SPELLINGS = ["X-Clerk-User-Id", "x-clerk-user-id", "X_Clerk_User_Id",
             "X-CLERK_USER-ID", "x_clerk_subject", "X-Clerk_Subject",
             "X-Clerk-Email", "X-Clerk-Org-Role", "X-Clerk-Anything-At-All",
             "X-Clerk-", "X_CLERK_SCOPES", "X-Clerk-Extra", "X-cLeRk-eXtRa"]
HEADERS = [(name, FORGED) for name in SPELLINGS]
TWICE = HEADERS + [("X-Clerk-User-Id", FORGED), ("X-Clerk-Subject", USER)]


def conf(clerk, backend_url):
    proxy = f"ProxyPass {backend_url}"
    error = "/errors/env"
    return "\n".join([
        credentials(clerk), "ClerkVerifier introspection",
        "ClerkExportClaim iat EXTRA",
        location("/x"),
        location("/headers", "ClerkPass headers"),
        location("/p", "ClerkPass headers", proxy),
        location("/penv", proxy),
        location("/popen", proxy, "<RequireAny>", "Require all granted",
                 "Require valid-user", "</RequireAny>", require=None),
        location("/open", "<RequireAny>", "Require all granted",
                 "Require valid-user", "</RequireAny>", require=None),
        location("/denied", "ErrorDocument 401 " + error,
                 "ErrorDocument 403 " + error, "ErrorDocument 400 " + error,
                 "ErrorDocument 503 " + error,
                 require="clerk-scope mcp:read"),
        location("/perror", "ErrorDocument 401 /perrors/x",
                 require="clerk-scope mcp:read"),
        f'<Location "/perrors">\n    ProxyPass {backend_url}\n</Location>\n',
        location("/once", "ClerkCacheTTL 0", "Options +Includes",
                 "AddOutputFilter INCLUDES .shtml"),
        '<Directory "${ROOT}/docs/plain">\n    Options +Includes\n'
        '    AddOutputFilter INCLUDES .shtml\n</Directory>\n',
        '<Directory "${ROOT}/docs/once">\n    RewriteEngine On\n'
        '    RewriteRule "^old$" "/once/env" [L]\n'
        '    RewriteRule "^passed$" "/once/env" [PT]\n'
        '    RewriteRule "^far$" "/x/env" [L]\n'
        '    DirectoryIndex index.cgi\n    Options +ExecCGI\n'
        '    AddHandler cgi-script .cgi\n</Directory>\n',
    ])


INCLUDE = '<!--#include virtual="{}" -->'


def documents(server):
    server.write("docs/once/ssi.shtml", INCLUDE.format("/once/env") * 2)
    server.write("docs/plain/ssi.shtml", INCLUDE.format("/x/env"))
    server.write("docs/plain/denied.shtml", INCLUDE.format("/denied/env"))
    server.write("docs/once/old", "never shown\n")
    (server.root / "docs/once/index.cgi").write_bytes(
        (server.root / "cgi/env").read_bytes())
    (server.root / "docs/once/index.cgi").chmod(0o755)


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    return serve(conf(standin, backend_url), prepare=documents,
                 frame="Protocols h2c http/1.1\nH2Direct on",
                 modules=["proxy", "proxy_http", "http2", "include",
                          "rewrite"])


def send(httpd, method, path, headers, token=None, version="1.1"):
    """Over HTTP/1.1 or, with prior knowledge, HTTP/2."""
    if version == "1.1":
        return httpd.request(method, path, headers=headers, token=token)
    fields = [(k.lower(), v) for k, v in headers]
    if token:
        fields.append(("authorization", f"Bearer {token}"))
    with httpx.Client(http1=False, http2=True, timeout=20) as client:
        answer = client.request(method, httpd.url + path, headers=fields)
    assert answer.http_version == "HTTP/2"
    from client import Response
    return Response(answer.status_code, answer.headers.multi_items(),
                    answer.content)


VERSIONS = pytest.mark.parametrize("version", ["1.1", "2"])


@VERSIONS
@pytest.mark.parametrize("path", ["/x", "/headers"])
def test_a_program_sees_none_of_them(httpd, clerk, path, version):
    token = clerk.mint(subject=USER)
    answer = send(httpd, "GET", f"{path}/env", TWICE, token, version)
    assert answer.status == 200, answer
    assert FORGED not in answer.text
    prefix = "HTTP_X_CLERK_" if path == "/headers" else "CLERK_"
    assert answer.env()[prefix + "USER_ID"] == USER
    assert answer.env()[prefix + "SUBJECT"] == USER


@VERSIONS
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/p", "/penv"])
def test_a_proxied_application_sees_none(httpd, clerk, backend, method, path,
                                         version):
    token = clerk.mint(subject=USER)
    answer = send(httpd, method, f"{path}/thing", TWICE, token, version)
    assert answer.status == 200, answer
    [seen] = backend.requests
    assert seen["method"] == method
    assert FORGED not in str(seen)
    told = identity(seen)
    assert told.get("X-Clerk-User-Id") == (USER if path == "/p" else None)
    if path == "/penv":
        assert told == {}


@VERSIONS
@pytest.mark.parametrize("headers", [HEADERS, TWICE])
@pytest.mark.parametrize("with_token", [False, True])
def test_where_anybody_may_enter(httpd, clerk, backend, headers, with_token,
                                 version):
    token = clerk.mint(subject=USER) if with_token else None
    answer = send(httpd, "GET", "/popen/thing", headers, token, version)
    assert answer.status == 200, answer
    assert FORGED not in str(backend.requests[0])
    assert identity(backend.requests[0]) == {}
    answer = send(httpd, "GET", "/open/env", headers, token, version)
    assert FORGED not in answer.text
    assert not [k for k in answer.env() if "CLERK" in k]


DENIALS = {"no token": (None, 401), "malformed": ("a b", 400),
           "unknown": ("oat_" + "9" * 48, 401), "no scope": ("good", 403),
           "an outage": ("fault", 503)}


@pytest.mark.parametrize("name", DENIALS)
def test_the_error_document_sees_none(httpd, clerk, name):
    credential, status = DENIALS[name]
    headers = list(TWICE)
    if credential == "fault":
        httpd.expect_log(r"\[auth_clerk:error\]", optional=True)
        clerk.fault("token_info", "status", code=500)
    if credential in ("good", "fault"):
        credential = clerk.mint(subject=USER)
    if credential:
        headers.append(("Authorization", f"Bearer {credential}"))
    for method in ("GET", "OPTIONS"):
        answer = httpd.request(method, "/denied/env", headers=headers)
        assert answer.status == status, answer
        assert "REDIRECT_STATUS" in answer.text     # the program did answer
        assert FORGED not in answer.text
        assert credential is None or credential not in answer.text


def test_a_proxied_error_document_sees_none(httpd, backend):
    """The status is the application's then: mod_proxy says so."""
    answer = httpd.get("/perror/thing", headers=TWICE)
    assert FORGED not in answer.text
    [seen] = backend.requests
    assert seen["path"] == "/x" and identity(seen) == {}


@pytest.mark.parametrize("options", [
    "X-Clerk-User-Id", "close, X-Clerk-User-Id, X-Clerk-Subject",
    "x-clerk-user-id", "keep-alive, X-Clerk-Scopes, X-Clerk-Subject"])
def test_the_client_cannot_take_ours_away(httpd, clerk, backend, options):
    headers = [("Connection", options)]
    answer = httpd.get("/p/thing", headers=headers,
                       token=clerk.mint(subject=USER))
    assert answer.status == 200, answer
    told = identity(backend.requests[0])
    assert told["X-Clerk-User-Id"] == told["X-Clerk-Subject"] == USER
    assert told["X-Clerk-Scopes"] == "profile email"


def test_other_headers_are_left_alone(httpd, clerk, backend):
    headers = [("X-Clerkish", "1"), ("Clerk-X", "2"), ("X-Other", "3"),
               ("XClerk-User-Id", "4"), ("X-Cler", "5")]
    httpd.get("/p/thing", headers=headers, token=clerk.mint())
    seen = dict(backend.requests[0]["headers"])
    assert [seen[name] for name, _ in headers] == list("12345")


def test_a_location_of_another_kind_is_left_alone(httpd, backend):
    httpd.get("/perrors/x", headers=[("X-Clerk-User-Id", "untouched")])
    assert identity(backend.requests[0]) == {"X-Clerk-User-Id": "untouched"}


# Subrequests and internal redirects.

def records(text):
    return dict(r.split("=", 1) for r in text.split("\0") if "=" in r)


def test_an_included_program_knows_the_user(httpd, clerk):
    token = clerk.mint(subject=USER)
    answer = httpd.get("/once/ssi.shtml", token=token, headers=TWICE)
    assert answer.status == 200, answer
    assert answer.text.count(f"CLERK_SUBJECT={USER}") == 2
    assert answer.text.count(f"REMOTE_USER={USER}") == 2
    assert FORGED not in answer.text
    assert clerk.calls("token_info") == 1


def test_a_protected_part_of_an_open_page(httpd, clerk):
    answer = httpd.get("/plain/ssi.shtml", token=clerk.mint(subject=USER),
                       headers=TWICE)
    assert f"CLERK_SUBJECT={USER}" in answer.text
    httpd.expect_log(r"\[include:error\]", optional=True)
    for headers in (TWICE, []):
        answer = httpd.get("/plain/ssi.shtml", headers=headers)
        assert answer.status == 200
        assert "CLERK" not in answer.text and USER not in answer.text


def test_a_protected_part_that_is_denied(httpd, clerk):
    httpd.expect_log(r"\[include:error\]", optional=True)
    answer = httpd.get("/plain/denied.shtml", headers=TWICE,
                       token=clerk.mint(subject=USER))
    assert answer.status == 200
    assert FORGED not in answer.text
    assert answer.all("WWW-Authenticate") == []


@pytest.mark.parametrize("path", ["/once/old", "/once/passed", "/once/"])
def test_an_internal_redirect_is_verified_once(httpd, clerk, path):
    answer = httpd.get(path, token=clerk.mint(subject=USER), headers=TWICE)
    env = answer.env()
    assert env["REMOTE_USER"] == env["CLERK_SUBJECT"] == USER
    assert env["AUTH_TYPE"] == "Clerk"
    assert FORGED not in answer.text
    assert clerk.calls("token_info") == 1
    assert httpd.get(path, headers=TWICE).status == 401


def test_an_internal_redirect_into_another_configuration(httpd, clerk):
    answer = httpd.get("/once/far", token=clerk.mint(subject=USER),
                       headers=TWICE)
    assert answer.env()["CLERK_SUBJECT"] == USER
    assert FORGED not in answer.text


@pytest.mark.parametrize("path", ["/once/ssi.shtml", "/once/old", "/once/"])
def test_the_token_is_removed_on_those_paths_too(httpd, clerk, path):
    token = clerk.mint(subject=USER)
    answer = httpd.get(path, token=token)
    assert answer.status == 200 and token not in answer.text


@VERSIONS
def test_many_streams_of_one_connection(httpd, clerk, version):
    """Each stream carries its own identity."""
    if version == "1.1":
        tokens = [clerk.mint(subject=f"user_{n}") for n in range(10)]
        for n, token in enumerate(tokens):
            env = httpd.get("/x/env", token=token).env()
            assert env["REMOTE_USER"] == f"user_{n}"
        return
    with httpx.Client(http1=False, http2=True, timeout=20) as client:
        for n in range(10):
            token = clerk.mint(subject=f"user_{n}")
            answer = client.get(httpd.url + "/x/env", headers={
                "authorization": f"Bearer {token}"})
            assert records(answer.text)["REMOTE_USER"] == f"user_{n}"
            assert client.get(httpd.url + "/x/env").status_code == 401
