"""mod_cache in front of an application whose answers say that they may be
kept: what one user was told is never told to another."""

import http.server
import threading

import pytest

from answers import assert_unauthorized
from confs import introspection, location

USERS = ("user_cachefirst", "user_cachesecond")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(self.path)
        body = (self.headers.get("X-Clerk-User-Id") or "nobody").encode()
        self.send_response(200)
        kept = "max-age=60"
        for word in ("public", "s-maxage=60"):
            if word.split("=")[0] in self.path:
                kept += ", " + word
        self.send_header("Cache-Control", kept)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def application():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.seen = []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


PROGRAM = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\nCache-Control: max-age=60\\r\\n\\r\\n'
printf %s "$REMOTE_USER"
"""


def prepare(server):
    (server.root / "run/cache").mkdir()
    (server.root / "run/cache").chmod(0o777)
    server.program("docs/index/index.cgi", PROGRAM)
    server.program("cgi/who", PROGRAM)


@pytest.fixture(scope="module", params=["On", "Off"])
def httpd(request, serve, standin, application):
    proxy = f"ProxyPass {application.url}"
    conf = [
        introspection(standin), "ClerkAudience any",
        location("/p", "ClerkPass headers", proxy),
        location("/token", "ClerkPass headers", "ClerkPassToken On", proxy),
        f'ProxyPass "/open" "{application.url}"',
        'ScriptAliasMatch "^/[^/]+/who$" "${ROOT}/cgi/who"',
        location("/cgi"), location("/cgitoken", "ClerkPassToken On"),
        '<Directory "${ROOT}/docs/index">\n    DirectoryIndex index.cgi\n'
        "    Options +ExecCGI\n    AddHandler cgi-script .cgi\n"
        '    <Files "index.cgi">\n        AuthType Clerk\n'
        "        Require valid-user\n    </Files>\n</Directory>",
        'CacheRoot "${ROOT}/run/cache"', "CacheEnable disk /",
        f"CacheQuickHandler {request.param}", "CacheIgnoreNoLastMod On"]
    return serve("\n".join(conf), prepare=prepare, modules=[
        "cache", "cache_disk", "proxy", "proxy_http"])


def test_the_cache_is_at_work(httpd, application):
    del application.seen[:]
    for _ in range(3):
        assert httpd.get("/open/thing").text == "nobody"
    assert len(application.seen) == 1


PATHS = ["/p/thing", "/p/public", "/p/s-maxage", "/token/thing"]


@pytest.mark.parametrize("path", PATHS)
def test_every_request_is_the_applications(httpd, clerk, application, path):
    del application.seen[:]
    tokens = {user: clerk.mint(subject=user) for user in USERS}
    for user in USERS * 2:
        answer = httpd.get(path, token=tokens[user])
        assert (answer.status, answer.text) == (200, user), answer
        assert_unauthorized(httpd.get(path))
    assert len(application.seen) == 4


@pytest.mark.parametrize("path", ["/cgi/who", "/cgitoken/who", "/index/",
                                  "/index/index.cgi"])
def test_every_request_is_the_programs(httpd, clerk, path):
    for user in USERS * 2:
        answer = httpd.get(path, token=clerk.mint(subject=user))
        assert (answer.status, answer.text) == (200, user), answer
        assert_unauthorized(httpd.get(path))
