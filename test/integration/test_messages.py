"""No secret in a message: passwords of proxies, arguments of programs, keys
behind the wrong directive; and how often a program is run."""

import re

import pytest

from answers import assert_granted_cleanly, assert_unavailable
from confs import credentials, instance, introspection, location, quoted
from httpd import free_port

KEY = "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"            # clerk.example.com
SECRET = "sk_live_messageNeverEchoed0123456789"
WHOLE = f"ClerkPublishableKey {KEY}\nClerkSecretKey sk_test_messages01\n"
PLAIN = location("/x")
LOUD = r"\[auth_clerk:error\]"
WORD, WORD2 = "Passw0rdOfProxy", "ItsSecondHalf77"


@pytest.fixture
def refused(serve_once, secret):
    for text in (SECRET, WORD, WORD2):
        secret(text)

    def check(conf, directive, **options):
        status, said = serve_once(conf, start=False, **options).configtest()
        assert status != 0, said
        assert directive in said, said
        for text in (SECRET, WORD, WORD2):
            assert text not in said, said
        return said
    return check


# ClerkProxy.

def test_a_proxys_password_is_in_no_log(serve_once, clerk, secret):
    pair = secret(f"operator:{secret(WORD)}")
    bases = ["ClerkFrontendAPI https://127.0.0.1:1",
             "ClerkBackendAPI https://127.0.0.1:1/v1"]
    closed = f"ClerkProxy http://{pair}@127.0.0.1:{free_port()}"
    nowhere = f"ClerkProxy http://{pair}@proxy.invalid:3128"
    tls = f"ClerkProxy https://{pair}@127.0.0.1:{free_port()}"
    server = serve_once("\n".join([
        credentials(clerk), "LogLevel debug auth_clerk:trace8",
        "ClerkTimeout 2",
        location("/closed", closed), location("/tls", *bases, closed),
        location("/overtls", tls), location("/nowhere", *bases, nowhere),
        location("/backend", "ClerkVerifier backend", closed),
        location("/info", "ClerkUserInfo On", closed)]))
    server.expect_log(LOUD)
    for name in ("closed", "tls", "overtls", "nowhere", "backend", "info"):
        assert_unavailable(server.get(f"/{name}/page", token=clerk.mint()))
    assert clerk.calls() == 0
    assert re.search(LOUD, server.error_log.text())


def test_a_proxy_that_wants_another_password(serve_once, clerk, secret):
    """The stand-in as a proxy: it answers, with an error of its own."""
    pair = secret(f"operator:{secret(WORD)}")
    proxy = clerk.url.replace("http://", f"http://{pair}@")
    server = serve_once(
        f"ClerkFrontendAPI https://127.0.0.1:1\nClerkClientID a\n"
        f"ClerkClientSecret b\nClerkProxy {proxy}\n" + PLAIN)
    server.expect_log(LOUD)
    assert_unavailable(server.get("/x/page", token=clerk.mint()))


BAD_PROXIES = [
    "http://u:{}@127.0.0.1:99999", "http://u:{}@127.0.0.1:port",
    "http://u:{}@127.0.0.1:0", "http://u:{}@127.0.0.1:-1",
    "http://u:{}@127.0.0.1:+1",
    "http://u:{}@127.0.0.1:", "http://u:{}@127.0.0.1:80x",
    "http://u:{}@127.0.0.1:3128:1", "http://u:{}@", "http://u:{}@:3128",
    "http://u:{}%zz@127.0.0.1:1", "http://u:{}%@127.0.0.1:1",
    "http://u:{}%4@127.0.0.1:1", "http://u:{} {}@127.0.0.1:1",
    "http://u:{}\u00e9@127.0.0.1:1", "http://u:{}\x7f@127.0.0.1:1",
    "http://u:{}#{}@127.0.0.1:1", "http://u:{}/{}@127.0.0.1:1",
    "http://u:{}?{}@127.0.0.1:1", "http://u:{}@[::1", "http://u:{}@h st",
    "u:{}@127.0.0.1:3128", "u:{}", "//u:{}@127.0.0.1", "http:u:{}@h",
    "socks5://u:{}@127.0.0.1:1", "ftp://u:{}@127.0.0.1/", "u://{}@h",
    "http:///u:{}@127.0.0.1:1", "HTTP//u:{}@127.0.0.1:1"]


@pytest.mark.parametrize("url", BAD_PROXIES)
def test_a_proxy_that_is_none(refused, url):
    url = url.format(*[WORD, WORD2][:url.count("{}")])
    said = refused(WHOLE + f"ClerkProxy {quoted(url)}\n" + PLAIN,
                   "ClerkProxy")
    assert "http://" in said, said


FAR = ["http://proxy.example.com:3128", "http://10.0.0.1:3128",
       "https://proxy.example.com:3128", "http://127.0.0.1.evil.example:1",
       "http://localhost.evil.example:1", "http://[2001:db8::1]:3128"]
HTTP = ["ClerkFrontendAPI http://127.0.0.1:1",
        "ClerkBackendAPI http://127.0.0.1:1/v1"]


@pytest.mark.parametrize("base", HTTP)
@pytest.mark.parametrize("proxy", FAR)
def test_clear_text_through_another_machine(refused, base, proxy):
    proxy = proxy.replace("://", f"://u:{WORD}@")
    refused(f"{WHOLE}{base}\nClerkProxy {proxy}\n{PLAIN}", "ClerkProxy")
    refused(WHOLE + location("/x", base, f"ClerkProxy {proxy}"), "ClerkProxy")


@pytest.mark.parametrize("lines", [
    "ClerkProxy http://proxy.example.com:3128",
    "ClerkProxy http://u:Pa%24s%20w@proxy.example.com:3128",
    *[f"{base}\nClerkProxy http://u:p@{host}:3128" for base in HTTP
      for host in ("127.0.0.1", "localhost", "[::1]", "127.1.2.3")]])
def test_a_proxy_that_is_accepted(serve_once, lines):
    status, said = serve_once(WHOLE + lines + "\n" + PLAIN,
                              start=False).configtest()
    assert status == 0, said


# exec:

def programs(server):
    server.program("cgi/silent", "#!/bin/sh\nexit 0\n")
    server.program("cgi/blank", "#!/bin/sh\necho\necho second\n")
    server.program("cgi/failing", f"#!/bin/sh\necho {SECRET}\nexit 3\n")
    server.program("cgi/killed", "#!/bin/sh\nkill -9 $$\n")
    server.program("cgi/control", f"#!/bin/sh\nprintf 'a\\001{SECRET}'\n")
    server.program("cgi/long", "#!/bin/sh\nhead -c 40000 /dev/zero | "
                   "tr '\\0' x\n")
    server.write("cgi/plain", "no program\n")


FAILING = ["silent", "blank", "failing", "killed", "control", "long",
           "plain", "none"]
SECRETS = ["ClerkSecretKey", "ClerkClientSecret", "ClerkMachineSecretKey",
           "ClerkJWTKey", "ClerkCacheSecret"]


@pytest.mark.parametrize("between", [" --token=", " ", "\t", "  -t '"])
@pytest.mark.parametrize("program", FAILING)
def test_the_arguments_of_a_program(refused, program, between):
    end = "'" if "'" in between else ""
    value = f"exec:${{ROOT}}/cgi/{program}{between}{WORD}{end} {WORD2}"
    said = refused(f"ClerkPublishableKey {KEY}\n"
                   f"ClerkSecretKey {quoted(value)}\n" + PLAIN,
                   "ClerkSecretKey", prepare=programs)
    assert f"cgi/{program}" in said, said


@pytest.mark.parametrize("directive", SECRETS)
@pytest.mark.parametrize("program", ["failing", "silent", "none"])
def test_of_every_secret(refused, directive, program):
    value = f'"exec:${{ROOT}}/cgi/{program} {WORD} {WORD2}"'
    refused(f"{WHOLE}{directive} {value}\n{PLAIN}", directive,
            prepare=programs)


@pytest.mark.parametrize("value", ["exec:cgi/tell {}", "exec: {}",
                                   "exec:\t{}", "exec:${{ROOT}}/cgi {}"])
def test_a_program_that_is_none(refused, value):
    refused(f'ClerkPublishableKey {KEY}\nClerkSecretKey '
            f'"{value.format(WORD)}"\n' + PLAIN, "ClerkSecretKey")


def counted(server):
    server.program("cgi/count", "#!/bin/sh\n"
                   f'echo x >> "{server.root}/run/count"\necho "$1"\n')


def count(server):
    path = server.root / "run/count"
    return len(path.read_text().split()) if path.exists() else 0


def test_a_program_runs_once_per_start(serve_once, clerk):
    secret = clerk.client_secret
    conf = introspection(clerk).replace(
        f'"{secret}"', f'"exec:${{ROOT}}/cgi/count {secret}"')
    assert "exec:" in conf
    server = serve_once(conf + PLAIN, prepare=counted)
    assert count(server) == 1
    assert_granted_cleanly(server.get("/x/page", token=clerk.mint()))
    for times in (2, 3):
        server.reload()
        assert_granted_cleanly(server.get("/x/page", token=clerk.mint()))
        assert count(server) == times


def test_a_program_runs_once_per_test(serve_once, clerk):
    server = serve_once(
        f'{instance(clerk)}ClerkSecretKey "exec:${{ROOT}}/cgi/count sk_1"\n'
        + PLAIN, start=False, prepare=counted)
    status, said = server.configtest()
    assert status == 0, said
    assert count(server) == 1


def test_what_fails_at_the_second_reading_stops_the_start(serve_once, clerk,
                                                          secret):
    from httpd import StartFailed
    secret(WORD)
    server = serve_once(
        instance(clerk) + f'ClerkSecretKey "exec:${{ROOT}}/cgi/failing {WORD}'
        '"\n' + PLAIN, start=False, prepare=programs)
    server.expect_log(r":(emerg|crit|alert|error)\]", optional=True)
    with pytest.raises(StartFailed) as failed:
        server.start()
    assert "ClerkSecretKey" in failed.value.said
    assert WORD not in failed.value.said


# Keys behind the wrong directive.

@pytest.mark.parametrize("directive", [
    "ClerkPublishableKey", "ClerkDomain", "ClerkFrontendAPI",
    "ClerkBackendAPI", "ClerkIssuer", "ClerkVerifier", "ClerkAcceptsToken",
    "ClerkLeeway", "ClerkPass", "ClerkTimeout", "ClerkCacheTTL",
    "ClerkProxy", "ClerkCAFile",
    "ClerkPassToken", "ClerkUserInfo"])
def test_a_secret_behind_the_wrong_directive(refused, directive):
    refused(f"ClerkPublishableKey {KEY}\n{directive} {SECRET}\n" + PLAIN,
            directive)


@pytest.mark.parametrize("text", [SECRET, SECRET.replace("live", "test"),
                                  f" {SECRET}", f"{SECRET} ", f"{SECRET}/"])
@pytest.mark.parametrize("directive", ["ClerkPublishableKey", "ClerkDomain",
                                       "ClerkFrontendAPI"])
def test_however_it_was_pasted(refused, directive, text):
    said = refused(f"{directive} {quoted(text)}\n" + PLAIN, directive)
    assert "NeverEchoed" not in said, said


@pytest.mark.parametrize("directive", ["ClerkFrontendAPI", "ClerkBackendAPI",
                                       "ClerkIssuer"])
def test_a_password_in_a_base_url(refused, directive):
    refused(f"{WHOLE}{directive} https://u:{WORD}@clerk.example.com\n"
            + PLAIN, directive)
