"""CORS of an index page: mod_dir finds it by a subrequest, and the request
goes on under that page's own section. So it does where mod_negotiation finds
a page."""

import pytest

from answers import assert_forbidden, assert_unauthorized
from confs import introspection, location
from discovery import assert_cors, assert_no_cors, members

APP = "https://app.example"
OUTER = "https://outer.example"
EVIL = "https://evil.example"

# It leaves a line each time that it runs, and repeats who asked.
PROGRAM = """#!/bin/sh
cat >/dev/null
echo "$REQUEST_METHOD" >>"$MARK"
printf 'Content-Type: text/plain\\r\\n\\r\\n'
echo "$REQUEST_METHOD $REMOTE_USER"
"""

# What surrounds an index page that has a list of its own.
AROUND = {
    "nothing": [],
    "on": [location("/on", "ClerkCORS On")],
    "list": [location("/list", f"ClerkCORS {OUTER}")],
    "off": [location("/off", "ClerkCORS Off")],
}


def conf(clerk):
    index = ["AuthType Clerk", "Require valid-user", f"ClerkCORS {APP}"]
    parts = [introspection(clerk), "ClerkAudience any",
             "DirectoryIndex index.cgi index.html"]
    for name, outer in AROUND.items():
        parts += [
            f'Alias "/{name}" "${{ROOT}}/docs/{name}"', *outer,
            # after <Files>, where the outer section is a <Location>
            f'<Location "/{name}/index.html">', *index, "</Location>",
            f'<Directory "${{ROOT}}/docs/{name}">', "Options +MultiViews",
            '<Files "index.html">',
            *index, "</Files>", "</Directory>"]
    parts += [
        location("/open", f"ClerkCORS {APP}"),
        'Alias "/open" "${ROOT}/docs/open"',
        '<Location "/open/index.html">', "ClerkCORS Off", "</Location>",
        'Alias "/app" "${ROOT}/cgi/app"',
        'SetEnv MARK "${ROOT}/marks/ran"',
        '<Directory "${ROOT}/cgi/app">', "Options ExecCGI",
        "SetHandler cgi-script", '<Files "index.cgi">', *index,
        "ClerkAcceptsToken session_token", "ClerkTokenSource cookie",
        "</Files>", "</Directory>"]
    return "\n".join(parts)


def documents(server):
    for name in [*AROUND, "open"]:
        server.write(f"docs/{name}/index.html", "the index\n")
    server.program("cgi/app/index.cgi", PROGRAM)
    (server.root / "marks").mkdir()
    (server.root / "marks").chmod(0o777)


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin), prepare=documents, modules=["negotiation"])


@pytest.fixture
def ran(httpd):
    """By which methods the program has run in this test."""
    mark = httpd.root / "marks/ran"
    mark.unlink(missing_ok=True)
    return lambda: mark.read_text().split() if mark.exists() else []


def by_cookie(clerk, origin):
    headers = [("Cookie", f"__session={clerk.mint_jwt('session_token')}")]
    return headers + ([("Origin", origin)] if origin else [])


@pytest.mark.parametrize("path", ["/app/", "/app/index.cgi"])
@pytest.mark.parametrize("origin", [EVIL, "null", OUTER])
def test_a_stranger_runs_no_index_program(httpd, clerk, ran, path, origin):
    """Its cookie comes with whatever a page elsewhere makes a browser send."""
    headers = by_cookie(clerk, origin)
    for method in ("GET", "POST", "PUT", "DELETE"):
        answer = httpd.request(method, path, headers=headers, body=b"a=1")
        assert_forbidden(answer)
        assert ran() == []


@pytest.mark.parametrize("path", ["/app/", "/app/index.cgi"])
@pytest.mark.parametrize("origin", [APP, None])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_others_run_it(httpd, clerk, ran, path, origin, method):
    answer = httpd.request(method, path, headers=by_cookie(clerk, origin),
                           body=b"a=1")
    assert answer.status == 200, answer
    assert answer.text.split()[0] == method and ran() == [method]
    if origin:
        assert_cors(answer, APP)


@pytest.mark.parametrize("name", AROUND)
def test_the_index_pages_own_list(httpd, clerk, name):
    """However it is reached, and whatever the directory allows."""
    token = clerk.mint()
    for path in (f"/{name}/index.html", f"/{name}/"):
        headers = [("Origin", APP)]
        if name != "list" or path.endswith("html"):
            answer = httpd.get(path, headers=headers, token=token)
            assert answer.status == 200, answer
            assert answer.text == "the index\n"
            assert_cors(answer, APP)
        for stranger in (EVIL, "null"):
            answer = httpd.get(path, headers=[("Origin", stranger)],
                               token=token)
            assert_forbidden(answer)
            assert answer.all("Access-Control-Allow-Origin") == [], answer
            assert "origin" in members(answer, "Vary"), answer
        answer = httpd.get(path, token=token)
        assert answer.status == 200 and answer.text == "the index\n"
        assert "origin" in members(answer, "Vary"), answer


@pytest.mark.parametrize("name", ["nothing", "on", "off"])
def test_a_negotiated_pages_own_list(httpd, clerk, name):
    httpd.expect_log("AH00687", optional=True)
    answer = httpd.get(f"/{name}/index", headers=[("Origin", APP)],
                       token=clerk.mint())
    assert answer.status == 200 and answer.text == "the index\n", answer
    assert_cors(answer, APP)
    answer = httpd.get(f"/{name}/index", headers=[("Origin", EVIL)],
                       token=clerk.mint())
    assert answer.status in (403, 404), answer
    assert EVIL not in answer.all("Access-Control-Allow-Origin"), answer


@pytest.mark.parametrize("name", ["nothing", "on"])
def test_a_refusal_by_the_index_page(httpd, clerk, name):
    """A listed origin's script can read why."""
    for path in (f"/{name}/index.html", f"/{name}/"):
        answer = httpd.get(path, headers=[("Origin", APP)])
        assert_unauthorized(answer)
        if name == "nothing" or path.endswith("html"):
            assert_cors(answer, APP)


def test_lists_of_both(httpd, clerk):
    """Neither lets in what the other does not know."""
    for origin in (APP, OUTER, EVIL):
        assert_forbidden(httpd.get("/list/", headers=[("Origin", origin)],
                                   token=clerk.mint()))


def test_an_index_page_without_cors(httpd, clerk):
    """No script of any origin reads it by the name of its directory."""
    for path in ("/open/", "/open/index.html"):
        answer = httpd.get(path, headers=[("Origin", APP)],
                           token=clerk.mint())
        assert answer.status == 200 and answer.text == "the index\n"
        assert_no_cors(answer)
