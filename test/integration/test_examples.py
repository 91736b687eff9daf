"""What administrators are told to write works when they write it.

The examples start with just the modules that they say they need, and do what
their comments promise; the reference configuration stays acceptable when all
of it is switched on; so do the pieces of configuration in the manual.
"""

import re
import subprocess

import pytest

import answers
from backend import header, identity
from examples import CONF, example
from httpd import (BINARY, MODULES, ROOT, module_path,
                   sanitizer_environment)

EXAMPLES = sorted((CONF / "examples").glob("*.conf"))
MANUAL = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
KEY = "sk_test_ofNobodyAtAll0123456789"
USER = "user_2abcdefghijklmnopqrstuvwxyz"
STRANGER = "user_2somebodyelsesomebodyelse0"

# The folder of secrets that examples speak of; tests have one of their own.
SECRETS_FOLDER = "/etc/apache2/clerk"


def names(paths):
    return [path.name for path in paths]


def test_there_are_examples():
    assert {"cgi.conf", "mcp-server.conf", "proxy.conf",
            "session.conf"} <= set(names(EXAMPLES))


# Accepted by `httpd -t`.

@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate and its key in one file, for no host at all."""
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
         "/CN=localhost", "-keyout", path, "-out", f"{path}.crt"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(path, "a", encoding="ascii") as both:
        both.write(open(f"{path}.crt", encoding="ascii").read())
    return path


@pytest.fixture
def configtest(tmp_path, standin, secret, certificate):
    """Check that httpd accepts a text with these modules and no others."""
    secret(KEY)

    def check(text, modules):
        folder = tmp_path / "secrets"
        folder.mkdir(exist_ok=True)
        for word in set(re.findall(SECRETS_FOLDER + r"/([\w.]+)", text)):
            (folder / word).write_text(
                standin.pem() if word.endswith(".pem") else KEY + "\n")
        text = re.sub(r"(?m)^( *SSLCertificate\w+ +)\S+$",
                      rf"\g<1>{certificate}", text)
        places = {name: MODULES / f"mod_{name}.so" for name in modules}
        places["auth_clerk"] = module_path()
        places["mpm_event"] = MODULES / "mod_mpm_event.so"
        lines = [f'ServerRoot "{tmp_path}"', "ServerName localhost",
                 f'DefaultRuntimeDir "{tmp_path}"', "Listen 127.0.0.1:1",
                 "ErrorLog error.log",
                 *(f"LoadModule {name}_module {place}"
                   for name, place in places.items()),
                 text.replace(SECRETS_FOLDER, str(folder))]
        conf = tmp_path / "httpd.conf"
        conf.write_text("\n".join(lines) + "\n")
        done = subprocess.run(
            [BINARY, "-t", "-f", str(conf)], text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": "/usr/bin:/bin", "CLERK_SECRET_KEY": KEY,
                 **sanitizer_environment(tmp_path)})
        assert done.returncode == 0, done.stdout
        assert not list(tmp_path.glob("report*"))
        assert "Syntax OK" in done.stdout and KEY not in done.stdout
    return check


def needed(text):
    """The modules that an example's first comment names."""
    comment = re.match(r"(?:#.*\n)+", text)[0]
    needs = re.search(r"Needs: (.*?)[;.]", re.sub(r"\n# ?", " ", comment))[1]
    needs = re.sub(r"\(.*?\)", "", needs)
    found = re.findall(r"\bmod_(\w+)", needs)
    assert "auth_clerk" in found
    return [name for name in found if name != "auth_clerk"]


@pytest.mark.parametrize("path", EXAMPLES, ids=names(EXAMPLES))
def test_an_example_is_accepted(configtest, path):
    text = path.read_text()
    configtest(text, needed(text))


@pytest.mark.parametrize("path", EXAMPLES, ids=names(EXAMPLES))
def test_an_example_loads_what_it_needs(path):
    """Those that say how to load modules name just those that they need."""
    text = path.read_text()
    loads = re.findall(r"^#LoadModule (\w+)_module +modules/mod_(\w+)\.so$",
                       text, re.M)
    assert len(loads) == text.count("LoadModule")
    assert all(name == file for name, file in loads)
    named = {name for name, _ in loads}
    assert not named or named == {*needed(text), "auth_clerk"}


ALL = ["authn_core", "authz_core", "authz_user", "authz_host", "alias",
       "cgid", "env", "headers", "proxy", "proxy_http", "rewrite",
       "socache_shmcb", "socache_redis"]
GUARDED = '<Location "/x">\nAuthType Clerk\nRequire valid-user\n</Location>\n'


def reference():
    """The reference configuration, and each of its directives."""
    text = (CONF / "auth_clerk.conf").read_text()
    return text, re.findall(r"^#(Clerk[A-Z]\w* .+)$", text, re.M)


def test_the_reference_switches_nothing_on():
    text, directives = reference()
    lines = [line for line in text.splitlines() if line.strip()]
    assert directives and all(line.startswith("#") for line in lines)


def test_the_whole_reference_is_accepted(configtest):
    text, directives = reference()
    names_only = [line.split()[0] for line in directives]
    assert len(names_only) == len(set(names_only))
    configtest(re.sub(r"^#(?=Clerk[A-Z]\w* )", "", text, flags=re.M) + GUARDED,
               ALL)


@pytest.mark.parametrize("line", reference()[1], ids=lambda d: d.split()[0])
def test_each_directive_of_the_reference_is_accepted(configtest, line):
    own = line.split()[0]
    which = {"ClerkPublishableKey", "ClerkDomain", "ClerkFrontendAPI"}
    text = "" if own in which else "ClerkDomain clerk.example.com\n"
    if own == "ClerkClientSecret":
        text += "ClerkClientID 5d25P5uFMQsN6W2D\n"
    configtest(text + line + "\n" + GUARDED, ALL)


def pieces():
    """The pieces of configuration in the manual, by file and number."""
    for path in MANUAL:
        blocks = re.findall(r"^ *```apache\n(.*?)^ *```$", path.read_text(),
                            re.M | re.S)
        for number, text in enumerate(blocks, 1):
            yield pytest.param(text, id=f"{path.name}-{number}")


WHICH = re.compile(r"^\s*Clerk(PublishableKey|Domain|FrontendAPI) ", re.M)


@pytest.mark.parametrize("text", pieces())
def test_a_piece_of_the_manual_is_accepted(configtest, text):
    text = re.sub(r"^LoadModule auth_clerk_module .*$", "", text, flags=re.M)
    if not WHICH.search(text):
        text = "ClerkDomain clerk.example.com\n" + text
    configtest(text, ALL)


# What the examples promise.

@pytest.fixture(scope="module")
def programs(serve, standin):
    return serve(example("cgi.conf", standin,
                         folder=("/usr/lib/cgi-bin", "${ROOT}/cgi")),
                 env={"CLERK_SECRET_KEY": standin.secret_key},
                 prepare=lambda server: server.program(
                     "cgi/reports", "#!/bin/sh\nexec \"${0%/*}/env\"\n"))


def test_cgi_tells_the_program_who_is_asking(programs, clerk):
    token = clerk.mint(subject=USER, scopes=["profile", "email"],
                       user={"name": "Ada", "email": "ada@example.com"})
    told = programs.get("/cgi-bin/env", token=token).env()
    assert told["REMOTE_USER"] == USER and told["AUTH_TYPE"] == "Clerk"
    assert told["CLERK_NAME"] == "Ada"
    assert told["CLERK_EMAIL"] == "ada@example.com"
    assert "CLERK_SECRET_KEY" not in told and "HTTP_AUTHORIZATION" not in told


def test_cgi_refuses_everybody_else(programs, clerk):
    answers.assert_unauthorized(programs.get("/cgi-bin/env"),
                                scope="profile email", realm="Programs")
    answers.assert_insufficient_scope(
        programs.get("/cgi-bin/env", token=clerk.mint(scopes=["profile"])),
        scope="profile email", realm="Programs")


def test_cgi_reports_are_for_two_people(programs, clerk):
    both = ["profile", "email"]
    reports = "/cgi-bin/reports"
    good = programs.get(reports, token=clerk.mint(subject=USER, scopes=both))
    assert good.env()["CLERK_USER_ID"] == USER
    answers.assert_forbidden(
        programs.get(reports, token=clerk.mint(subject=STRANGER,
                                               scopes=both)))
    answers.assert_insufficient_scope(
        programs.get(reports, token=clerk.mint(subject=USER,
                                               scopes=["profile"])),
        scope="profile email", realm="Programs")


@pytest.fixture(scope="module")
def api(serve, standin, backend_url):
    return serve(example("proxy.conf", standin,
                         backend=("http://127.0.0.1:3000", backend_url),
                         events=("http://127.0.0.1:3001", backend_url)),
                 env={"CLERK_SECRET_KEY": standin.secret_key},
                 modules=["proxy", "proxy_http"])


def test_proxy_tells_the_api_who_is_asking(api, clerk, backend):
    token = clerk.mint(subject=USER, scopes=["profile"])
    answer = api.get("/api/things?n=1", token=token,
                     headers=[("X-Clerk-User-Id", STRANGER)])
    assert answer.status == 200, answer
    [seen] = backend.requests
    assert seen["path"] == "/things?n=1"
    assert identity(seen)["X-Clerk-User-Id"] == USER
    assert not header(seen, "Authorization")


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
def test_proxy_lets_write_with_a_scope_only(api, clerk, backend, method):
    answers.assert_unauthorized(api.request(method, "/api/things"),
                                scope="api:write", realm="API")
    answers.assert_insufficient_scope(
        api.request(method, "/api/things", token=clerk.mint()),
        scope="api:write", realm="API")
    assert not backend.requests
    token = clerk.mint(scopes=["api:write"])
    assert api.request(method, "/api/things", token=token).status == 200


def test_proxy_reading_needs_no_scope(api):
    answers.assert_unauthorized(api.get("/api/things"), realm="API")
    # Outside of the location everything is as it was.
    assert api.get("/alive").status == 200


MACHINE = "mch_2abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize("kind", ["m2m_token", "m2m_jwt"])
def test_proxy_events_are_from_one_machine(api, clerk, backend, kind):
    good = api.request("POST", "/events/new",
                       token=clerk.mint(kind, subject=MACHINE))
    assert good.status == 200, good
    [seen] = backend.requests
    assert seen["path"] == "/new"
    assert identity(seen)["X-Clerk-Machine-Id"] == MACHINE
    assert not header(seen, "Authorization")
    answers.assert_forbidden(
        api.request("POST", "/events/new", token=clerk.mint(kind)))
    answers.assert_invalid_token(
        api.request("POST", "/events/new",
                    token=clerk.mint(scopes=["api:write"])), realm="Events")
    answers.assert_invalid_token(
        api.get("/api/things", token=clerk.mint(kind, subject=MACHINE)),
        realm="API")


ORIGIN = "https://app.example.com"
ACME = {"o": {"id": "org_2abc", "slg": "acme", "rol": "member",
              "per": "read,manage", "fpm": "1"}, "fea": "o:invoices"}
BOSS = {"o": {"id": "org_2abc", "slg": "acme", "rol": "admin"}}
PROGRAM = "#!/bin/sh\nprintf 'Content-Type: x/x\\r\\n\\r\\n'\nexec env -0\n"


@pytest.fixture(scope="module")
def pages(serve, standin):
    def prepare(server):
        for name in ("home", "admin", "invoices"):
            server.program(f"app/{name}", PROGRAM)
        server.write("docs/sign-in.html", "sign in here")

    return serve(example("session.conf", standin,
                         folder=("/usr/lib/app", "${ROOT}/app")),
                 prepare=prepare)


def cookie(token, *headers):
    return [("Cookie", f"theme=dark; __session={token}"), *headers]


def test_session_tells_the_application_who_is_asking(pages, clerk):
    token = clerk.mint("session_token", subject=USER, claims=ACME)
    told = pages.get("/app/home", headers=cookie(token)).env()
    assert told["REMOTE_USER"] == told["CLERK_USER_ID"] == USER
    assert told["CLERK_ORG_ID"] == "org_2abc"
    assert told["CLERK_ORG_ROLE"] == "org:member"
    assert told["CLERK_ORG_PERMISSIONS"] == "org:invoices:read"
    assert told["HTTP_COOKIE"] == "theme=dark"


def test_session_shows_the_sign_in_page(pages, clerk):
    for headers in [[], cookie(clerk.mint("session_token", expires_in=-60)),
                    cookie(clerk.mint("oauth_jwt")),
                    cookie(clerk.mint("session_token",
                                      azp="https://other.example.com"))]:
        answer = pages.get("/app/home", headers=headers)
        assert (answer.status, answer.body) == (401, b"sign in here")
    # The header is not looked at.
    token = clerk.mint("session_token")
    assert pages.get("/app/home", token=token).status == 401


@pytest.mark.parametrize("path, claims, status", [
    ("/app/admin", BOSS, 200), ("/app/admin", ACME, 403),
    ("/app/admin", {}, 403), ("/app/invoices", ACME, 200),
    ("/app/invoices", BOSS, 403), ("/app/invoices", {}, 403)])
def test_session_looks_at_role_and_permission(pages, clerk, path, claims,
                                              status):
    token = clerk.mint("session_token", claims=claims)
    assert pages.get(path, headers=cookie(token)).status == status


@pytest.mark.parametrize("path", ["/app/home", "/app/admin"])
def test_session_takes_changes_from_its_own_pages_only(pages, clerk, path):
    token = clerk.mint("session_token", claims=BOSS)
    own = cookie(token, ("Origin", ORIGIN))
    assert pages.request("POST", path, headers=own).status == 200
    for headers in [cookie(token),
                    cookie(token, ("Origin", "https://evil.example.com"))]:
        pages.expect_log("AH01630: client denied")
        assert pages.request("POST", path, headers=headers).status == 403


# What the manual lists is what there is.

def cells(path, column=0):
    """What stands in code type in one column of a file's tables."""
    for row in re.findall(r"^\|(.*)\|$", path.read_text(), re.M):
        parts = re.split(r"(?<!\\)\|", row)
        if column < len(parts):
            yield from re.findall(r"`([^`]+)`", parts[column])


def test_the_manual_knows_every_reason_word():
    source = (ROOT / "src/core/clerk_status.c").read_text()
    rows = re.findall(r'\[CLERK_\w+\] =\s*(?:\w+\(|\{)\s*"(\w+)"', source)
    assert len(rows) > 20
    told = list(cells(ROOT / "docs/operating.md"))
    assert [reason for reason in rows if reason != "ok"
            and told.count(reason) != 1] == []


def test_the_manual_knows_every_variable_and_header():
    source = (ROOT / "src/httpd/mod_auth_clerk_env.c").read_text()
    found = re.findall(r'\{ "(CLERK_\w+)",\s*"(X-Clerk-[\w-]+)"', source)
    assert len(found) > 15
    manual = ROOT / "docs/directives.md"
    own = {name for name in cells(manual) if re.match("CLERK_[A-Z]", name)}
    assert own == {variable for variable, _ in found}
    assert {name for name in cells(manual, 1)
            if re.match("X-Clerk-[A-Z]", name)} == {h for _, h in found}
