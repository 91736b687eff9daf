"""Start-up: every fault is told in one sentence, every secret form works.

A fault names the directive, the value (unless it is a secret) and what would
be accepted; no message ever holds a secret.
"""

import base64
import re

import pytest

from confs import introspection, location
from httpd import StartFailed

KEY = "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"            # clerk.example.com
SECRET = "sk_test_thisMustNeverBeSaid0123456789"
WHOLE = f"ClerkPublishableKey {KEY}\nClerkSecretKey {SECRET}\n"
PLAIN = location("/x")

# What httpd itself says around a message; not part of the sentence.
HTTPDS_WORDS = re.compile(
    r"AH00526: Syntax error on line|AH00014: Configuration check failed|"
    r"AH00016: Configuration Failed|AH00015: Unable to open logs|"
    r"Configuration Failed|The Apache error log may have more|^Action ")


def key(text, kind="live"):
    encoded = base64.b64encode(text.encode()).decode().rstrip("=")
    return f"pk_{kind}_{encoded}"


@pytest.fixture
def refused(serve_once, secret):
    """Check that a configuration does not start, and return the sentence."""
    secret(SECRET)

    def check(conf, *, test=True, **options):
        server = serve_once(conf, start=False, **options)
        server.port = 1
        status, said = server.configtest()
        if test or status:
            assert status != 0, f"httpd -t accepts it: {said}"
        else:
            status, said = start_in_vain(server)
        lines = [line for line in said.splitlines()
                 if line.strip() and not HTTPDS_WORDS.search(line)]
        assert SECRET not in said
        assert len(lines) == 1, f"not one sentence: {said}"
        return lines[0]
    return check


def start_in_vain(server):
    with pytest.raises(StartFailed) as failed:
        server.start()
    server.expect_log(r":(emerg|crit|alert|error)\]", optional=True)
    said = [re.sub(r"^(\[[^\]]*\] )+(AH\d+: )?", "", line)
            for line in failed.value.said.splitlines()
            if not re.search(r"^\[[^\]]*\] \[[^\]]*:(notice|info|debug)", line)]
    return failed.value.status, "\n".join(said)


def assert_names(sentence, *words):
    for word in words:
        assert re.search(word, sentence), f"no {word!r} in: {sentence}"


def test_the_smallest_configuration_is_accepted(serve_once, secret):
    secret(SECRET)
    server = serve_once(WHOLE + location("/x", require="clerk-scope profile"),
                        start=False)
    status, said = server.configtest()
    assert status == 0, said
    assert "Syntax OK" in said and SECRET not in said


def test_the_module_alone_changes_nothing(serve_once):
    status, said = serve_once("", start=False).configtest()
    assert status == 0, said


# Which Clerk.

def test_no_instance(refused):
    sentence = refused(f"ClerkSecretKey {SECRET}\n" + PLAIN, test=False)
    assert_names(sentence, "ClerkPublishableKey", "ClerkDomain")


BAD_KEYS = {
    "another prefix": "sk_live_Y2xlcmsuZXhhbXBsZS5jb20k",
    "another environment": "pk_prod_Y2xlcmsuZXhhbXBsZS5jb20k",
    "nothing behind": "pk_live_",
    "two parts": "pk_Y2xlcmsuZXhhbXBsZS5jb20k",
    "four parts": KEY + "_x",
    "not base64": "pk_live_!!!!",
    "no dollar": key("clerk.example.com"),
    "two dollars": key("clerk.example.com$$"),
    "no dot": key("localhost$"),
    "a path": key("clerk.example.com/x$"),
    "a scheme": key("https://clerk.example.com$"),
    "user information": key("a@clerk.example.com$"),
    "a space": key("clerk .example.com$"),
    "a line break": key("clerk.example.com\r\nX: y$"),
    "empty host": key("$"),
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_publishable_key_that_does_not_decode(refused, name):
    sentence = refused(f"ClerkPublishableKey {BAD_KEYS[name]}\n" + PLAIN)
    assert_names(sentence, "ClerkPublishableKey", "pk_")


def test_key_and_domain_disagree(refused):
    sentence = refused(WHOLE + "ClerkDomain other.example.org\n" + PLAIN,
                       test=False)
    assert_names(sentence, "ClerkPublishableKey", "ClerkDomain",
                 r"clerk\.example\.com", r"other\.example\.org")


def test_key_and_domain_agree(serve_once):
    status, said = serve_once(WHOLE + "ClerkDomain clerk.example.com\n"
                              + PLAIN, start=False).configtest()
    assert status == 0, said


@pytest.mark.parametrize("value", [
    "https://clerk.example.com", "clerk.example.com/x", "a@b.example",
    '"clerk example.com"', "clerk.example.com?x"])
def test_a_domain_that_is_no_host(refused, value):
    sentence = refused(f"ClerkDomain {value}\nClerkSecretKey {SECRET}\n"
                       + PLAIN)
    assert_names(sentence, "ClerkDomain", "clerk.example.com")
    if "@" not in value:                # that might be a password's
        assert_names(sentence, re.escape(value.strip('"')))


BASES = ["ClerkFrontendAPI", "ClerkBackendAPI"]
BAD_BASES = [
    "http://clerk.example.com", "http://10.0.0.1", "ftp://127.0.0.1/",
    "clerk.example.com", "https://", "http://127.0.0.1.evil.example/",
    "http://localhost.evil.example", "http://127.0.0.1@evil.example/",
    "https://user:pass@clerk.example.com", "https://clerk.example.com/?x=y",
    "https://clerk.example.com/#x", "file:///etc/passwd",
    "https://clerk.example.com:port"]


@pytest.mark.parametrize("directive", BASES)
@pytest.mark.parametrize("url", BAD_BASES)
def test_a_base_url_that_is_not_accepted(refused, directive, url):
    sentence = refused(f"{WHOLE}{directive} {url}\n{PLAIN}")
    assert_names(sentence, directive, "https://")


@pytest.mark.parametrize("directive", BASES)
@pytest.mark.parametrize("url", [
    "https://clerk.example.com", "https://clerk.example.com/proxy/v1",
    "http://127.0.0.1:1", "http://localhost:1/v1", "http://[::1]:1"])
def test_a_base_url_that_is_accepted(serve_once, directive, url):
    conf = f"{WHOLE}{directive} {url}\n{PLAIN}"
    status, said = serve_once(conf, start=False).configtest()
    assert status == 0, said


# Credentials.

@pytest.mark.parametrize("lines,names", [
    ("ClerkVerifier introspection",
     ["ClerkVerifier", "ClerkClient(ID|Secret)"]),
    ("ClerkVerifier introspection\nClerkClientID someone",
     ["ClerkVerifier", "ClerkClientSecret"]),
    ("ClerkVerifier backend", ["ClerkVerifier", "ClerkSecretKey"]),
    ("ClerkAcceptsToken api_key", ["ClerkAcceptsToken", "ClerkSecretKey"]),
    ("ClerkAcceptsToken oauth_token api_key",
     ["ClerkAcceptsToken", "ClerkSecretKey"])])
@pytest.mark.parametrize("inner", [False, True])
def test_a_verifier_without_its_credentials(refused, lines, names, inner):
    key_line = f"ClerkPublishableKey {KEY}\n"
    conf = (key_line + location("/x", *lines.splitlines()) if inner
            else key_line + lines + "\n" + PLAIN)
    assert_names(refused(conf, test=False), *names)


def test_introspection_with_only_a_secret(refused, secret):
    words = secret("clientSecretNeverSaid42")
    sentence = refused(f"ClerkPublishableKey {KEY}\nClerkClientSecret {words}"
                       "\nClerkVerifier introspection\n" + PLAIN, test=False)
    assert_names(sentence, "ClerkClientID")
    assert words not in sentence


SECRETS = ["ClerkSecretKey", "ClerkClientSecret", "ClerkMachineSecretKey",
           "ClerkJWTKey", "ClerkCacheSecret"]


def secret_files(server):
    server.write("secrets/empty", "")
    server.write("secrets/blank", "\n\nsecond line\n")
    server.program("cgi/silent", "#!/bin/sh\nexit 0\n")
    server.program("cgi/failing", f"#!/bin/sh\necho {SECRET}\nexit 3\n")


BAD_SECRETS = {
    "empty": '""',
    "no such file": "file:${ROOT}/secrets/none",
    "an empty file": "file:${ROOT}/secrets/empty",
    "an empty first line": "file:${ROOT}/secrets/blank",
    "a directory": "file:${ROOT}/secrets",
    "a relative file": "file:secrets/empty",
    "no file": "file:",
    "an unset variable": "env:CLERK_TEST_UNSET",
    "an empty variable": "env:CLERK_TEST_EMPTY",
    "no variable": "env:",
    "no such program": "exec:${ROOT}/cgi/none",
    "a silent program": "exec:${ROOT}/cgi/silent",
    "a failing program": "exec:${ROOT}/cgi/failing",
    "no program": "exec:",
}


@pytest.mark.parametrize("name", BAD_SECRETS)
def test_a_secret_that_cannot_be_read(refused, name):
    conf = (f"ClerkPublishableKey {KEY}\n"
            f"ClerkSecretKey {BAD_SECRETS[name]}\n" + PLAIN)
    sentence = refused(conf, prepare=secret_files,
                       env={"CLERK_TEST_EMPTY": ""})
    assert_names(sentence, "ClerkSecretKey")


@pytest.mark.parametrize("directive", SECRETS)
@pytest.mark.parametrize("name", ["no such file", "an empty file",
                                  "an unset variable", "empty"])
def test_every_secret_is_read_at_start(refused, directive, name):
    conf = f"{WHOLE}{directive} {BAD_SECRETS[name]}\n{PLAIN}"
    assert_names(refused(conf, prepare=secret_files), directive)


def use_secret(server, clerk):
    server.write("secrets/plain", clerk.client_secret + "\n", 0o600)
    server.write("secrets/bare", clerk.client_secret, 0o600)
    server.write("secrets/lines", clerk.client_secret + "\nsecond\n", 0o600)
    server.write("secrets/crlf", clerk.client_secret + "\r\n", 0o600)
    half = len(clerk.client_secret) // 2
    server.write("secrets/first", clerk.client_secret[:half], 0o600)
    server.program("cgi/tell", '#!/bin/sh\n[ "$1" = tell ] || exit 1\n'
                   f'cat "{server.root}/secrets/first"\n'
                   f'echo "$2"\necho second line\n')


@pytest.mark.parametrize("form", [
    "file:${ROOT}/secrets/plain", "file:${ROOT}/secrets/bare",
    "file:${ROOT}/secrets/lines", "env:CLERK_TEST_SECRET",
    "exec:${{ROOT}}/cgi/tell tell {half}", "{whole}"])
def test_every_form_of_a_secret_is_understood(serve_once, clerk, form):
    whole = clerk.client_secret
    if "{" in form.replace("${ROOT}", ""):
        form = form.format(whole=whole, half=whole[len(whole) // 2:])
    conf = introspection(clerk).replace(f'"{whole}"', f'"{form}"')
    assert form in conf
    server = serve_once(conf + PLAIN, env={"CLERK_TEST_SECRET": whole},
                        prepare=lambda server: use_secret(server, clerk))
    page = server.get("/x/page", token=clerk.mint())
    assert page.status == 200, page


# Words and numbers.

@pytest.mark.parametrize("line,accepted", [
    ("ClerkVerifier magic", ["auto", "introspection", "backend", "jwks"]),
    ("ClerkAcceptsToken opaque", ["oauth_token", "any"]),
    ("ClerkAcceptsToken oauth_token Session_Token", ["session_token"]),
    ("ClerkPass all", ["env", "headers", "both", "none"]),
    ("ClerkUserInfo maybe", ["On", "Off"]),
    ("ClerkPassToken yes", ["On", "Off"])])
def test_an_unknown_word(refused, line, accepted):
    directive, _, value = line.partition(" ")
    sentence = refused(WHOLE + line + "\n" + PLAIN)
    assert_names(sentence, directive, value.split()[-1], *accepted)


SECONDS = ["ClerkLeeway", "ClerkCacheTTL", "ClerkNegativeCacheTTL",
           "ClerkTimeout", "ClerkConnectTimeout"]


@pytest.mark.parametrize("directive", SECONDS)
@pytest.mark.parametrize("value", ["5x", "-1", "x", "5s", "0x10", "1e999",
                                   "nan", "99999999999999999999", "5,5"])
def test_a_number_out_of_range(refused, directive, value):
    sentence = refused(f"{WHOLE}{directive} {value}\n{PLAIN}")
    assert_names(sentence, directive, re.escape(value.strip('"')), r"\d")


@pytest.mark.parametrize("line,names", [
    ("ClerkLeeway 301", ["301", r"\b0\b", r"\b300\b"]),
    ("ClerkLeeway 1.5", [r"1\.5"]),
    ("ClerkTimeout 0", [r"\b0\b"])])
def test_the_edges_of_a_range(refused, line, names):
    sentence = refused(WHOLE + line + "\n" + PLAIN)
    assert_names(sentence, line.split()[0], *names)


@pytest.mark.parametrize("line", [
    "ClerkLeeway 0", "ClerkLeeway 300", "ClerkCacheTTL 0",
    "ClerkNegativeCacheTTL 0", "ClerkTimeout 0.3", "ClerkTimeout 30",
    "ClerkConnectTimeout 2"])
def test_numbers_that_are_accepted(serve_once, line):
    status, said = serve_once(WHOLE + line + "\n" + PLAIN,
                              start=False).configtest()
    assert status == 0, said


@pytest.mark.parametrize("line,names", [
    ("ClerkAudience if-present", ["ClerkAudience"]),
    ("ClerkAudience any https://a.example", ["ClerkAudience", "any"]),
    ("ClerkAudience if-present any", ["ClerkAudience", "any"]),
    ('ClerkAudience ""', ["ClerkAudience"]),
    ("ClerkExportClaim iat a=b", ["ClerkExportClaim", "a=b"]),
    ('ClerkExportClaim iat "A B"', ["ClerkExportClaim", "A B"]),
    ('ClerkExportClaim ""', ["ClerkExportClaim"]),
    ('ClerkRemoteUser ""', ["ClerkRemoteUser"]),
    ("ClerkCAFile ${ROOT}/secrets/none", ["ClerkCAFile", "secrets/none"]),
    ("ClerkProxy gopher://proxy.example", ["ClerkProxy", "http://"])])
def test_a_wrong_value(refused, line, names):
    assert_names(refused(WHOLE + line + "\n" + PLAIN), *names)


# Require.

@pytest.mark.parametrize("require,names", [
    ("clerk-scope", ["clerk-scope"]), ("clerk-user", ["clerk-user"]),
    ("clerk-client", ["clerk-client"]), ('clerk-scope ""', ["clerk-scope"]),
    ("clerk-token-type", ["clerk-token-type"]),
    ("clerk-token-type opaque", ["clerk-token-type", "opaque",
                                 "oauth_token"]),
    ('clerk-scope "%{nosuchfunction:X}"', ["Require", "nosuchfunction"])])
def test_a_require_line_that_says_nothing(refused, require, names):
    assert_names(refused(WHOLE + location("/x", require=require)), *names)


# The cache.

@pytest.mark.parametrize("line,names,modules", [
    ("ClerkSOCache nosuch:x", ["ClerkSOCache", "nosuch"], []),
    ("ClerkSOCache redis:127.0.0.1:1", ["ClerkSOCache", "redis",
                                        "mod_socache_redis"], []),
    ("ClerkSOCache dbm:${ROOT}/run/cache",
     ["ClerkCacheSecret", "dbm"], ["socache_dbm"]),
    ("ClerkSOCache redis:127.0.0.1:1",
     ["ClerkCacheSecret", "redis"], ["socache_redis"]),
    ("ClerkSOCache memcache:127.0.0.1:1",
     ["ClerkCacheSecret", "memcache"], ["socache_memcache"]),
    *((f"ClerkSOCache shmcb:run/c{size}",
       ["ClerkSOCache", re.escape(f"'shmcb:run/c{size}'"),
        "Invalid argument"], [])
      for size in ("(8191)", "(-1)", "(-8388608)", "(-9000000)", "(99999999999999999999)", "(x)",
                   "(20000000x)", "(20000000", "20000000)"))])
def test_a_cache_that_cannot_be_used(refused, line, names, modules):
    sentence = refused(WHOLE + line + "\n" + PLAIN, test=False,
                       modules=modules)
    assert_names(sentence, *names)


def test_the_default_cache_without_its_module(refused, monkeypatch):
    import httpd
    monkeypatch.setattr(httpd, "BASE_MODULES", tuple(
        m for m in httpd.BASE_MODULES if m != "socache_shmcb"))
    sentence = refused(WHOLE + PLAIN, test=False)
    assert_names(sentence, "mod_socache_shmcb")


@pytest.mark.parametrize("line", ["ClerkSOCache shmcb", "ClerkCacheSecret x",
                                  "ClerkRateLimit 1/1", "ClerkMaxPending 1"])
def test_the_cache_is_the_main_servers(refused, line):
    directive = line.split()[0]
    conf = (WHOLE + PLAIN + '<VirtualHost 127.0.0.1:1>\n    ServerName v\n'
            f"    {line}\n</VirtualHost>\n")
    assert_names(refused(conf, test=False), directive)
    conf = WHOLE + location("/x", line)
    assert_names(refused(conf), directive)


# Where directives stand.

DIRECTIVES = {
    "ClerkPublishableKey": KEY, "ClerkDomain": "clerk.example.com",
    "ClerkFrontendAPI": "https://clerk.example.com",
    "ClerkBackendAPI": "https://clerk.example.com/v1",
    "ClerkIssuer": "https://clerk.example.com", "ClerkSecretKey": SECRET,
    "ClerkMachineSecretKey": "ak_x", "ClerkClientID": "id",
    "ClerkClientSecret": "s", "ClerkJWTKey": "pem",
    "ClerkAcceptsToken": "any", "ClerkVerifier": "auto",
    "ClerkAudience": "any", "ClerkLeeway": "5", "ClerkUserInfo": "Off",
    "ClerkRemoteUser": "sub", "ClerkPass": "env", "ClerkPassToken": "Off",
    "ClerkExportClaim": "iat", "ClerkSOCache": "shmcb",
    "ClerkCacheSecret": "s", "ClerkCacheTTL": "60",
    "ClerkNegativeCacheTTL": "10", "ClerkTimeout": "5",
    "ClerkStaleIfError": "0", "ClerkRateLimit": "800/10",
    "ClerkMaxPending": "4",
    "ClerkConnectTimeout": "2", "ClerkProxy": "http://127.0.0.1:1",
    "ClerkCAFile": "/etc/ssl/certs/ca-certificates.crt",
}


def htaccess_files(server):
    for directive, value in DIRECTIVES.items():
        server.write(f"docs/ht/{directive}/.htaccess",
                     f"{directive} {value}\n")
        server.write(f"docs/ht/{directive}/page.txt", "text\n")


@pytest.fixture(scope="module")
def htaccess(serve):
    conf = ('<Directory "${ROOT}/docs/ht">\n    AllowOverride All\n'
            "</Directory>\n")
    return serve(conf, prepare=htaccess_files)


@pytest.mark.parametrize("directive", DIRECTIVES)
def test_no_directive_is_allowed_in_htaccess(htaccess, directive):
    htaccess.expect_log(rf"{directive} not allowed here")
    answer = htaccess.get(f"/ht/{directive}/page.txt")
    assert answer.status == 500, answer


@pytest.mark.parametrize("section", [
    '<Location "/x">', '<Directory "${ROOT}/docs">', '<If "true">',
    '<Files "page.txt">', '<LocationMatch "^/x">'])
def test_a_section_may_hold_all_but_the_cache(serve_once, secret, section):
    secret(SECRET)
    end = "</" + section[1:].split()[0].rstrip(">") + ">"
    lines = [f"    {directive} {value}"
             for directive, value in DIRECTIVES.items()
             if directive not in ("ClerkSOCache", "ClerkCacheSecret",
                                  "ClerkJWTKey", "ClerkRateLimit",
                                  "ClerkMaxPending")]
    status, said = serve_once("\n".join([section, *lines, end]),
                              start=False).configtest()
    assert status == 0, said


@pytest.mark.parametrize("value", ["0/1", "1/0", "1", "1/", "/1", "-1/1",
                                   "1/1/1", "1/1x", "x/1", "1000001/1",
                                   "1/86401", "1 /1", "99999999999999999999/1"])
def test_no_rate_limit(refused, value):
    assert_names(refused(f'ClerkRateLimit "{value}"\n' + WHOLE + PLAIN),
                 "ClerkRateLimit", "800/10")


@pytest.mark.parametrize("value", ["0", "-1", "x", "1x", "100001",
                                   "99999999999999999999"])
def test_no_number_of_pending_requests(refused, value):
    assert_names(refused(f'ClerkMaxPending "{value}"\n' + WHOLE + PLAIN),
                 "ClerkMaxPending", "from 1 to")


@pytest.mark.parametrize("line", [
    "ClerkVerifier", "ClerkAcceptsToken", "ClerkAudience", "ClerkSecretKey",
    "ClerkLeeway 1 2", "ClerkTimeout", "ClerkExportClaim a b c",
    *(f'{name} ""' for name in ["ClerkDomain", *BASES, *SECONDS])])
def test_too_few_or_too_many_arguments(refused, line):
    assert_names(refused(WHOLE + line + "\n" + PLAIN), line.split()[0])
