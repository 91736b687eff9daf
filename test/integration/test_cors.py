"""CORS: preflights, what every answer of a location carries, and origins that
are let in by name."""

import pytest

from answers import (assert_forbidden, assert_insufficient_scope,
                     assert_invalid_token, assert_unauthorized,
                     assert_unavailable, challenge)
from confs import introspection, location
from discovery import (DOCUMENT, assert_cors, assert_no_cors,
                       assert_preflight, members, path_of, preflight,
                       well_known)
from httpd import PAGE, free_port
from streaming import Application, wish

APP = "https://app.example"
LISTED = [APP, "http://localhost:6274", "https://other.example:8443"]
EVIL = "https://evil.example"
LOUD = r"\[auth_clerk:error\]"
PROXY = r"\[proxy(_http)?:error\]|AH0(1102|1114|0957|1079)"


def resource(name):
    return f"https://mcp.example.com/{name}"


@pytest.fixture(scope="module")
def application():
    played = Application()
    yield played
    played.close()


@pytest.fixture
def seen(application):
    application.clear()
    return application.requests


CGI = """#!/bin/sh
cat <<END
Status: 404
Access-Control-Allow-Origin: https://evil.example
Access-Control-Allow-Credentials: true
Content-Type: text/plain

said
END
"""


def conf(clerk, url):
    def at(name, *lines, **how):
        return location(f"/{name}", f"ClerkResource {resource(name)}",
                        *lines, **how)
    proxied = f"ProxyPass {url}/app"
    scope = {"require": "clerk-scope mcp:read"}
    return "\n".join([
        introspection(clerk), "ClerkAudience any", "ClerkTimeout 0.5",
        at("on", **scope), at("proxied", proxied, **scope),
        at("said", "ClerkCORS On", proxied, **scope),
        at("off", "ClerkCORS Off", proxied, **scope),
        at("list", "ClerkCORS " + " ".join(LISTED), proxied, **scope),
        location("/without", "ClerkCORS On", proxied, **scope),
        location("/plain", proxied, **scope),
        at("cgi"),
        at("rewritten", "RewriteEngine On", "RewriteRule ^ /list/x",
           require="all granted"),
        'ScriptAlias "/cgi/" "${ROOT}/cgi/"',
        at("wrong", "ClerkClientSecret wrongClientSecret4711"),
        at("down", f"ProxyPass http://127.0.0.1:{free_port()}/"),
        at("words", 'ErrorDocument 401 "our own words"',
           'ErrorDocument 403 "our own words"',
           'ErrorDocument 404 "our own words"', **scope),
        at("paged", "ErrorDocument 401 /alive", "ErrorDocument 403 /alive",
           "ErrorDocument 404 /alive", **scope),
        at("dir"), 'Alias "/dir" "${ROOT}/docs/dir"',
        at("moved", 'Redirect 302 "https://elsewhere.example/"'),
        at("limited", "LimitRequestBody 5"),
        at("denied", require="all denied"),
        at("always", proxied,
           f"Header always set Access-Control-Allow-Origin {APP}"),
        at("header", proxied,
           f"Header set Access-Control-Allow-Origin {APP}"),
        at("exposed", proxied,
           "Header always set Access-Control-Expose-Headers X-Always"),
        '<Location "/outer">\nClerkCORS Off\n</Location>',
        location("/outer/inner", f"ClerkResource {resource('inner')}"),
    ])


def documents(server):
    server.program("cgi/careless", CGI)
    server.write("docs/dir/sub/index.html", "")


@pytest.fixture(scope="module")
def httpd(serve, standin, application):
    return serve(conf(standin, application.url), prepare=documents,
                 modules=["proxy", "proxy_http", "headers", "rewrite"])


@pytest.fixture
def good(clerk):
    return clerk.mint(scopes=["mcp:read"])


# Preflights.

@pytest.mark.parametrize("path", ["on", "proxied", "said", "without", "cgi",
                                  "words", "paged", "wrong", "down"])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "PUT"])
def test_a_preflight(httpd, clerk, seen, path, method):
    wanted = ["authorization", "content-type", "mcp-protocol-version",
              "mcp-session-id", "last-event-id", "x-something"]
    answer = httpd.request("OPTIONS", f"/{path}/page", headers=preflight(
        method, ", ".join(wanted)))
    assert_preflight(answer, method, wanted)
    assert seen == [] and clerk.calls() == 0


@pytest.mark.parametrize("path", ["/dir/sub", "/dir/sub/", "/denied/page",
                                  "/on/nothing", "/cgi/x",
                                  "/limited/env", "/on", "/on/a%20b?x=y"])
def test_a_preflight_is_not_sent_elsewhere(httpd, path):
    """Browsers follow no redirect and mind any status but a good one."""
    assert_preflight(httpd.request("OPTIONS", path, headers=preflight()))


@pytest.mark.parametrize("said", ['x"<script>', "x-a, \xe9", "a/b", "(x)",
                                  "x-a, x" * 900])
def test_what_is_no_name_is_not_repeated(httpd, said):
    answer = httpd.raw("OPTIONS /on/page HTTP/1.1", f"Origin: {APP}",
                       "Access-Control-Request-Method: POST",
                       f"Access-Control-Request-Headers: {said}")
    assert answer.status in (204, 400, 403), answer
    for char in '"<>()/\xe9':
        assert char not in "".join(
            answer.all("Access-Control-Allow-Headers")), answer


@pytest.mark.parametrize("headers", [
    None, "", "authorization", "Authorization,Content-Type", "x-a, x-b"])
def test_the_headers_that_it_asks_for(httpd, headers):
    wanted = [w.strip() for w in (headers or "").split(",") if w.strip()]
    answer = httpd.request("OPTIONS", "/on/page",
                           headers=preflight("POST", headers))
    assert_preflight(answer, "POST", wanted)


@pytest.mark.parametrize("field,said,values", [
    ("Access-Control-Request-Headers", "Access-Control-Allow-Headers",
     ["authorization", "x-one", "x-two, x-three"]),
    ("Access-Control-Request-Method", "Access-Control-Allow-Methods",
     ["POST", "DELETE", "PATCH"]),
    ("Origin", "Access-Control-Allow-Origin", [APP, EVIL, "null"])])
@pytest.mark.parametrize("path", ["on", "list", DOCUMENT + "/on"])
def test_vary_names_what_the_answer_depends_on(httpd, field, said, values,
                                               path):
    answers = []
    for value in values:
        fields = dict(preflight("POST", "authorization"))
        fields[field] = value
        answers.append(httpd.request("OPTIONS", "/" + path.lstrip("/"),
                                     headers=list(fields.items())))
    different = {(a.status, tuple(a.all(said))) for a in answers}
    for answer in answers:
        assert len(different) == 1 or field.lower() in members(answer, "Vary")


@pytest.mark.parametrize("fields", [
    ["Authorization: Bearer x"], ["Authorization: Bearer a b"],
    ["Cookie: __session=x"], ["Content-Length: 0"],
    ["Access-Control-Request-Private-Network: true"]])
def test_a_preflight_needs_no_token_and_minds_none(httpd, clerk, seen,
                                                   fields):
    lines = [f"{k}: {v}" for k, v in preflight()]
    for path in ("on", "proxied"):
        assert_preflight(httpd.raw(f"OPTIONS /{path}/page HTTP/1.1", *lines,
                                   *fields))
    assert seen == [] and clerk.calls() == 0


@pytest.mark.parametrize("fields", [
    [], [("Origin", APP)], [("Access-Control-Request-Method", "POST")],
    [("Access-Control-Request-Headers", "authorization")],
    [("Origin", APP), ("Access-Control-Request-Headers", "authorization")]])
def test_any_other_options_is_a_method_like_any(httpd, good, seen, fields):
    for path in ("on", "proxied", "without"):
        answer = httpd.request("OPTIONS", f"/{path}/page", headers=fields)
        assert_unauthorized(
            answer, scope="mcp:read",
            metadata=None if path == "without" else well_known(
                resource(path)))
        assert_cors(answer)
    assert seen == []
    answer = httpd.request("OPTIONS", "/proxied/page", headers=fields,
                           token=good)
    assert answer.status == 200 and len(seen) == 1
    assert seen[0]["method"] == "OPTIONS"


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_no_other_method_is_a_preflight(httpd, seen, method):
    answer = httpd.request(method, "/proxied/page", headers=preflight())
    assert answer.status == 401, answer
    assert seen == []


def test_a_preflight_where_there_is_no_cors(httpd, seen, good):
    for path, metadata in (("off", well_known(resource("off"))),
                           ("plain", None)):
        answer = httpd.request("OPTIONS", f"/{path}/page",
                               headers=preflight())
        assert_unauthorized(answer, scope="mcp:read", metadata=metadata)
        assert_no_cors(answer)
    assert seen == []
    answer = httpd.request("OPTIONS", "/off/page", headers=preflight(),
                           token=good)
    assert answer.status == 200 and seen[0]["method"] == "OPTIONS"


# What every answer carries.

ORIGINS = {"none": [], "an origin": [("Origin", APP)],
           "null": [("Origin", "null")], "evil": [("Origin", EVIL)]}


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("path", ["on", "proxied", "without", "words",
                                  "paged"])
def test_refusals(httpd, clerk, path, origin):
    headers = ORIGINS[origin]
    dead = clerk.mint()
    clerk.revoke(dead)
    for token, status in ((None, 401), (dead, 401), ("a b", 400),
                          (clerk.mint(scopes=["email"]), 403)):
        answer = httpd.get(f"/{path}/page", headers=headers, token=token)
        assert answer.status == status, answer
        assert challenge(answer)
        assert_cors(answer)


@pytest.mark.parametrize("origin", ORIGINS)
def test_faults(httpd, clerk, secret, origin):
    secret("wrongClientSecret4711")
    httpd.expect_log(LOUD, optional=True)
    httpd.expect_log(PROXY, optional=True)
    headers = ORIGINS[origin]
    answer = httpd.get("/wrong/page", headers=headers, token=clerk.mint())
    assert answer.status == 500, answer
    assert_cors(answer)
    answer = httpd.get("/down/page", headers=headers, token=clerk.mint())
    assert answer.status == 503, answer
    assert_cors(answer)
    clerk.fault("token_info", "status", code=500)
    answer = httpd.get("/on/page", headers=headers, token=clerk.mint())
    assert_unavailable(answer)
    assert_cors(answer)


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("path,status", [
    ("/on/page", 200), ("/on/nothing", 404), ("/words/nothing", 404),
    ("/paged/nothing", 404), ("/dir/sub", 301), ("/moved/page", 302),
    ("/denied/page", 403)])
def test_what_httpd_itself_answers(httpd, good, path, status, origin):
    httpd.expect_log("AH01630", optional=True)
    answer = httpd.get(path, headers=ORIGINS[origin], token=good)
    assert answer.status == status, answer
    assert_cors(answer)


def test_parts_and_conditions(httpd, good):
    httpd.expect_log("AH0158[0-9]|AH01270", optional=True)
    whole = httpd.get("/on/page", token=good)
    for field, value, status in (
            ("If-None-Match", whole.one("ETag"), 304),
            ("Range", "bytes=0-3", 206), ("Range", "bytes=9999-", 416),
            ("If-Match", '"x"', 412)):
        answer = httpd.get("/on/page", headers=[(field, value)], token=good)
        assert answer.status == status, answer
        assert_cors(answer)
    answer = httpd.request("POST", "/limited/env", token=good, body=b"x" * 9)
    assert answer.status == 413, answer
    assert_cors(answer)
    head = httpd.request("HEAD", "/on/page", token=good)
    assert head.status == 200
    assert_cors(head)


OWN = [("Access-Control-Allow-Origin", EVIL)]
CARELESS = {
    "nothing": [], "its own": OWN, "twice": OWN * 2,
    "credentials": [*OWN, ("Access-Control-Allow-Credentials", "true")],
    "all": [("access-control-allow-origin", "*"),
            ("Access-Control-Expose-Headers", "X-Own"),
            ("Access-Control-Max-Age", "5")],
    "exposes ours": [("Access-Control-Expose-Headers", "Mcp-Session-Id")],
}


@pytest.mark.parametrize("status", [200, 202, 204, 301, 304, 400, 401, 403,
                                    404, 405, 500, 503])
@pytest.mark.parametrize("name", CARELESS)
def test_an_application_that_has_its_own(httpd, good, status, name):
    path = "/proxied/x" + wish(status, *CARELESS[name],
                               ("Vary", "Accept-Language"))
    for origin in ([], [("Origin", EVIL)]):
        answer = httpd.get(path, headers=origin, token=good)
        assert answer.status == status, answer
        assert_cors(answer)
        if status != 304:
            assert "accept-language" in members(answer, "Vary"), answer


def test_an_application_without_cors_of_ours_keeps_its_own(httpd, good):
    path = wish(200, *CARELESS["credentials"])
    for place in ("off", "plain"):
        answer = httpd.get(f"/{place}/x{path}", token=good)
        assert answer.one("Access-Control-Allow-Origin") == EVIL
        assert answer.one("Access-Control-Allow-Credentials") == "true"


def test_a_program_that_has_its_own(httpd, good):
    for headers in ([], [("Origin", EVIL)]):
        answer = httpd.get("/cgi/careless", headers=headers, token=good)
        assert answer.status == 404 and answer.text == "said\n", answer
        assert_cors(answer)


@pytest.mark.parametrize("path", ["always", "header"])
def test_the_administrators_own_header_is_not_a_second(httpd, good, path):
    for origin in ([], [("Origin", APP)]):
        for token in (good, None):
            answer = httpd.get(f"/{path}/x" + wish(200, *OWN),
                               headers=origin, token=token)
            assert answer.one("Access-Control-Allow-Origin") in ("*", APP)


@pytest.mark.parametrize("status", [200, 404, 500])
def test_what_others_expose_stays_exposed(httpd, good, status):
    """In as many fields, and in whichever table, as they write it."""
    exposes = [("Access-Control-Expose-Headers", n) for n in ("X-A", "X-B")]
    for path, more in (("proxied", set()), ("exposed", {"x-always"})):
        answer = httpd.get(f"/{path}/x" + wish(status, *exposes), token=good)
        assert answer.status == status, answer
        assert_cors(answer)
        assert {"x-a", "x-b"} | more <= members(
            answer, "Access-Control-Expose-Headers"), answer
    answer = httpd.get("/exposed/x")
    assert answer.status == 401, answer
    assert_cors(answer)
    assert "x-always" in members(answer, "Access-Control-Expose-Headers")


def test_where_it_does_not_apply(httpd, good):
    assert_no_cors(httpd.get("/alive", headers=[("Origin", APP)]))
    answer = httpd.request("OPTIONS", "/alive", headers=preflight())
    assert answer.status != 204
    assert_no_cors(answer)
    assert_no_cors(httpd.get("/plain/x", token=good))


def test_an_inner_resource_under_an_outer_off(httpd):
    """The default of an inner section does not undo what was written."""
    answer = httpd.get("/outer/inner/x", headers=[("Origin", APP)])
    assert_unauthorized(answer, metadata=well_known(resource("inner")))
    assert_no_cors(answer)


# Origins by name.

@pytest.mark.parametrize("origin", LISTED)
def test_an_origin_of_the_list(httpd, clerk, seen, good, origin):
    headers = [("Origin", origin)]
    answer = httpd.request("OPTIONS", "/list/x", headers=preflight(
        "POST", "authorization, x-a", origin))
    assert_preflight(answer, "POST", ["authorization", "x-a"], origin)
    assert seen == []
    for token, status in ((None, 401), (good, 200), ("a b", 400)):
        answer = httpd.get("/list/x", headers=headers, token=token)
        assert answer.status == status, answer
        assert_cors(answer, origin)
    few = clerk.mint(scopes=["email"])
    answer = httpd.get("/list/x", headers=headers, token=few)
    assert_insufficient_scope(answer, "mcp:read",
                              metadata=well_known(resource("list")))
    assert_cors(answer, origin)


STRANGERS = [
    EVIL, "null", "http://app.example", "https://app.example:443",
    "https://app.example.evil.example", "https://APP.example",
    "HTTPS://app.example", "https://app.example/", "https://app.exampl",
    "https://evil.example?https://app.example", "https://xapp.example",
    "https://app.example https://evil.example", "app.example", "*", "https://",
    "http://localhost:6275", "http://localhost", "https://app.example,",
    f"{APP}, {APP}",
]


@pytest.mark.parametrize("origin", STRANGERS)
def test_an_origin_that_is_not(httpd, seen, good, origin):
    for token in (None, good):
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            answer = httpd.request(method, "/list/x", token=token,
                                   headers=[("Origin", origin)])
            assert_forbidden(answer)
            assert answer.one("Access-Control-Allow-Origin") != origin
            assert answer.all("Access-Control-Allow-Origin") != ["*"]
            assert "origin" in members(answer, "Vary"), answer
    answer = httpd.request("OPTIONS", "/list/x",
                           headers=preflight(origin=origin))
    assert_forbidden(answer)
    assert answer.all("Access-Control-Allow-Methods") == []
    assert seen == []


def test_a_stranger_does_not_come_through_another_location(httpd, seen,
                                                           good):
    """Rewriting there is a request there."""
    for origin, status in ((EVIL, 403), (APP, 200), ("null", 403)):
        answer = httpd.get("/rewritten/page", token=good,
                           headers=[("Origin", origin)])
        assert answer.status == status, answer
        assert len(seen) == (1 if status == 200 else 0)
        seen.clear()


def test_a_stranger_has_a_line_in_the_log(httpd, good):
    httpd.get("/list/x", token=good, headers=[("Origin", EVIL)])
    line, = httpd.logged(1, level="info", module="auth_clerk",
                         matching="reason=")
    assert EVIL not in line, "a client's own words"


def test_two_origins_are_not_one_of_the_list(httpd, seen, good):
    answer = httpd.raw("GET /list/x HTTP/1.1", f"Origin: {APP}",
                       f"Origin: {EVIL}", f"Authorization: Bearer {good}")
    assert_forbidden(answer)
    assert seen == []


def test_no_origin_passes(httpd, seen, good):
    answer = httpd.get("/list/x", token=good)
    assert answer.status == 200 and len(seen) == 1
    assert answer.one("Access-Control-Allow-Origin") in (None, *LISTED)
    assert "origin" in members(answer, "Vary"), answer
    assert_unauthorized(httpd.get("/list/x"), scope="mcp:read",
                        metadata=well_known(resource("list")))


def test_a_list_replaces_what_an_application_says(httpd, good):
    careless = wish(200, *CARELESS["credentials"])
    answer = httpd.get(f"/list/x{careless}", token=good,
                       headers=[("Origin", APP)])
    assert answer.status == 200
    assert_cors(answer, APP)
    answer = httpd.get(f"/list/x{careless}", token=good)
    assert answer.one("Access-Control-Allow-Origin") != EVIL


# Documents.

@pytest.mark.parametrize("name", ["on", "list", "off"])
def test_the_document(httpd, name):
    path = path_of(resource(name))
    for headers in ([], [("Origin", APP)]):
        answer = httpd.get(path, headers=headers)
        assert answer.status == 200, answer
        if name == "off":
            assert_no_cors(answer)
        elif name == "on" or headers:
            assert_cors(answer, "*" if name == "on" else
                        answer.one("Access-Control-Allow-Origin"))


def test_a_bad_token_is_told_to_a_script(httpd, clerk):
    dead = clerk.mint()
    clerk.revoke(dead)
    answer = httpd.get("/on/page", token=dead, headers=[("Origin", APP)])
    assert_invalid_token(answer, scope="mcp:read",
                         metadata=well_known(resource("on")))
    assert PAGE not in answer.text
    assert_cors(answer)
