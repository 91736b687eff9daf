"""Start-up: how many arguments directives take and what a wrong one is told;
programs of `exec:` with arguments; no directive in .htaccess."""

import re

import pytest

from confs import introspection, location
from httpd import ROOT
from test_config import DIRECTIVES, KEY, SECRET, SECRETS, assert_names

WHOLE = f"ClerkPublishableKey {KEY}\nClerkSecretKey {SECRET}\n"
PLAIN = location("/x")
FLAGS = ["ClerkAllowPendingSessions", "ClerkUserInfo", "ClerkPassToken",
         "ClerkAuthorizationServerMetadata"]


@pytest.fixture
def configtest(serve_once, secret):
    secret(SECRET)

    def check(conf, **options):
        status, said = serve_once(conf, start=False, **options).configtest()
        assert SECRET not in said
        return status, said
    return check


def the_sentence(said, directive):
    lines = [line for line in said.splitlines() if directive in line]
    assert len(lines) == 1, f"not one sentence: {said}"
    return lines[0]


# On and Off.

@pytest.mark.parametrize("directive", FLAGS)
@pytest.mark.parametrize("value", ["maybe", "1", "true", "onn", "o"])
def test_a_flag_that_is_neither(refused, directive, value):
    said = refused(f"{WHOLE}{directive} {value}\n{PLAIN}")
    assert_names(the_sentence(said, directive),
                 rf"{directive}: '{value}' is not accepted; give On or Off")


@pytest.mark.parametrize("directive", FLAGS)
@pytest.mark.parametrize("value", ["On", "on", "OFF", '"off"'])
def test_a_flag_ignores_case(accepted, directive, value):
    accepted(f"{WHOLE}{directive} {value}\n{PLAIN}")


def test_a_secret_behind_a_flag_is_not_shown(refused):
    said = refused(f"{WHOLE}ClerkPassToken {SECRET}\n{PLAIN}")
    assert_names(the_sentence(said, "ClerkPassToken"), "On or Off")


# Too many, too few.

ONE = [name for name in [*DIRECTIVES, *FLAGS, "ClerkResource",
                         "ClerkResourceName", "ClerkResourceDocumentation"]
       if name not in ("ClerkIssuer", "ClerkAcceptsToken", "ClerkAudience",
                       "ClerkExportClaim")]
LISTS = ["ClerkIssuer", "ClerkAcceptsToken", "ClerkAudience",
         "ClerkAuthorizedParties", "ClerkTokenSource", "ClerkChallengeScopes",
         "ClerkResourceScopes", "ClerkAuthorizationServers", "ClerkCORS"]
ITEMS = {"ClerkAudience": "a{0}", "ClerkChallengeScopes": "a{0}",
         "ClerkResourceScopes": "a{0}", "ClerkAcceptsToken": "oauth_token",
         "ClerkTokenSource": "header"}


@pytest.mark.parametrize("directive", ONE)
@pytest.mark.parametrize("arguments", ["", "one two"])
def test_one_argument(refused, directive, arguments):
    said = refused(f"{WHOLE}{directive} {arguments}\n{PLAIN}")
    assert_names(the_sentence(said, directive), rf"{directive}(:| takes) ")


@pytest.mark.parametrize("directive", LISTS)
def test_a_list_has_something_in_it(refused, directive):
    said = refused(f"{WHOLE}{directive}\n{PLAIN}")
    assert_names(the_sentence(said, directive), rf"{directive}: .*give ")


@pytest.mark.parametrize("directive", LISTS)
def test_a_list_is_never_cut_short(configtest, directive):
    """httpd passes 64 arguments on and drops the rest."""
    item = ITEMS.get(directive, "https://a{0}.example")

    def check(count):
        values = " ".join(item.format(i) for i in range(count))
        return configtest(f"{WHOLE}{directive} {values}\n{PLAIN}")

    assert check(63)[0] == 0
    for count in (64, 65, 200):
        status, said = check(count)
        assert status != 0, count
        assert_names(the_sentence(said, directive), "63")


# Secrets.

@pytest.mark.parametrize("directive", SECRETS)
@pytest.mark.parametrize("arguments", [
    f"{SECRET} more", f"more {SECRET}", f"file:/x {SECRET}",
    f"env:X {SECRET}", f"'{SECRET}' more", f"EXEC:/x {SECRET}",
    f"x exec:{SECRET}"])
def test_two_words_are_no_secret(refused, directive, arguments):
    said = refused(f"{WHOLE}{directive} {arguments}\n{PLAIN}")
    assert_names(the_sentence(said, directive), "quotes", "file:", "env:",
                 "exec:")
    assert "more" not in said


@pytest.mark.parametrize("directive", SECRETS)
def test_no_word_is_no_secret(refused, directive):
    said = refused(f"{WHOLE}{directive}\n{PLAIN}")
    assert_names(the_sentence(said, directive), "file:", "env:", "exec:")


def programs(server, clerk):
    """It tells the secret to whom the right words are said."""
    server.write("secrets/plain", clerk.client_secret, 0o600)
    server.program("cgi/tell", '#!/bin/sh\n[ "$#:$1:$2" = "2:tell:it all" ] '
                   f'|| exit 1\ncat "{server.root}/secrets/plain"\n')


@pytest.mark.parametrize("argument", [
    'exec:${ROOT}/cgi/tell tell "it all"',
    "exec:${ROOT}/cgi/tell    tell   'it all'  ",
    r"exec:${ROOT}/cgi/tell tell it\ all",
    '"exec:${ROOT}/cgi/tell tell \'it all\'"',
    '"exec:${ROOT}/cgi/tell tell \\"it all\\""',
    '"exec:${ROOT}/cgi/tell" tell "it all"',
    '"exec:${ROOT}/cgi/tell tell" "it all"'])
def test_a_program_with_arguments(serve_once, clerk, argument):
    conf = introspection(clerk).replace(f'"{clerk.client_secret}"', argument)
    assert argument in conf
    server = serve_once(conf + PLAIN,
                        prepare=lambda server: programs(server, clerk))
    assert server.get("/x/page", token=clerk.mint()).status == 200


@pytest.mark.parametrize("directive", SECRETS)
def test_the_arguments_of_a_program_are_not_shown(refused, directive):
    said = refused(f"{WHOLE}{directive} exec:/bin/false {SECRET} more\n"
                   + PLAIN)
    assert_names(the_sentence(said, directive), "exec:/bin/false' cannot")
    assert "more" not in said


# .htaccess.

ALL = {**DIRECTIVES, **{name: "On" for name in FLAGS},
       "ClerkAuthorizedParties": "https://a.example",
       "ClerkTokenSource": "header", "ClerkResource": "https://a.example",
       "ClerkChallengeScopes": "a", "ClerkResourceScopes": "a",
       "ClerkResourceName": "a", "ClerkCORS": "On",
       "ClerkResourceDocumentation": "https://a.example",
       "ClerkAuthorizationServers": "https://a.example"}


# httpd itself keeps these out of such a list.
SERVERS_OWN = ["ClerkSOCache", "ClerkCacheSecret", "ClerkRateLimit",
               "ClerkMaxPending"]
SECTIONS_OWN = [name for name in ALL if name not in SERVERS_OWN]


@pytest.fixture(scope="module")
def overridden(serve):
    """Directories whose .htaccess may hold every directive by its name."""
    def prepare(server):
        for name in SECTIONS_OWN:
            value = ALL[name]
            server.write(f"docs/ht/{name}/.htaccess", f"{name} {value}\n")
            server.write(f"docs/ht/{name}/page.txt", "text\n")
    return serve('<Directory "${ROOT}/docs/ht">\n    AllowOverride None\n'
                 f"    AllowOverrideList {' '.join(SECTIONS_OWN)}\n"
                 "</Directory>\n", prepare=prepare)


@pytest.mark.parametrize("directive", SECTIONS_OWN)
def test_not_even_a_list_of_overrides_lets_one_in(overridden, directive):
    overridden.expect_log(rf"{directive} .*htaccess")
    answer = overridden.get(f"/ht/{directive}/page.txt")
    assert answer.status == 500, answer


def test_these_are_all_directives():
    code = (ROOT / "mod_auth_clerk.c").read_text()
    assert set(re.findall(r'AP_INIT_\w+\("(Clerk\w+)"', code)) == set(ALL)
