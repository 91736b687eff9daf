"""What is made of Clerk's less usual answers: a profile without a subject, a
400 and a 404 of token_info, nothing but inactive tokens, claims with several
values."""

import re
import time

import pytest

from answers import (assert_forbidden, assert_granted_cleanly,
                     assert_insufficient_scope, assert_invalid_token,
                     assert_misconfigured, assert_unavailable)
from confs import instance, introspection, location

USER = "user_2verdictverdictverdictve"
LOUD = r"\[auth_clerk:error\]"


def conf(clerk):
    info = "ClerkUserInfo On"
    return "\n".join([
        introspection(clerk), "ClerkAudience any", location("/x"),
        location("/info", info), location("/username", info,
                                          "ClerkRemoteUser username"),
        location("/scope", info, require="clerk-scope admin"),
        location("/retry", info, "ClerkNegativeCacheTTL 0"),
        location("/short", "ClerkNegativeCacheTTL 1"),
        location("/groups", "ClerkRemoteUser groups"),
        location("/export", "ClerkPass both", "ClerkExportClaim groups",
                 "ClerkExportClaim nested.list DEEP")])


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve(conf(standin))


# The profile.

@pytest.mark.parametrize("subject", ["", None, 7, ["user_1"]])
def test_a_profile_of_nobody_is_discarded(httpd, clerk, subject):
    httpd.expect_log(LOUD + ".*userinfo", optional=True)
    clerk.patch("userinfo", sub=subject)
    answer = httpd.get("/info/env", token=clerk.mint(subject=USER))
    env = answer.env()
    assert env["REMOTE_USER"] == env["CLERK_SUBJECT"] == USER
    assert not {"CLERK_EMAIL", "CLERK_NAME", "CLERK_USERNAME",
                "CLERK_PICTURE"} & set(env), env
    # who it is remains unknown, and that is not the token's fault
    assert_unavailable(httpd.get("/username/env",
                                 token=clerk.mint(subject=USER)))


@pytest.mark.parametrize("subject", ["", None])
@pytest.mark.parametrize("own", ["", None])
def test_nobodys_token_with_a_profile_of_nobody(httpd, clerk, own, subject):
    httpd.expect_log(LOUD + ".*userinfo", optional=True)
    clerk.patch("userinfo", sub=subject)
    token = clerk.mint(introspection={"sub": own})
    for _ in range(2):
        answer = httpd.get("/info/page", token=token)
        assert answer.status in (401, 503), answer


@pytest.mark.parametrize("members", [
    {"scope": "admin"}, {"scopes": ["admin"]}, {"scp": ["admin"]},
    {"scope": "profile admin", "scp": "admin", "scopes": "admin"},
    {"scope": ["admin"], "scope.0": "admin"}])
def test_a_profile_grants_no_scope(httpd, clerk, members):
    clerk.patch("userinfo", **members)
    for scopes in (["profile"], []):
        token = clerk.mint(subject=USER, scopes=scopes)
        for _ in range(2):
            assert_insufficient_scope(
                httpd.get("/scope/page", token=token), "admin")
            env = httpd.get("/info/env", token=token).env()
            assert env.get("CLERK_SCOPES") == (" ".join(scopes) or None)


@pytest.mark.parametrize("members,name", [
    ({"username": None, "preferred_username": "jane"}, "jane"),
    ({"username": "old", "preferred_username": "jane"}, "old"),
    ({"username": "", "preferred_username": "jane"}, "jane"),
    ({"username": "old", "preferred_username": None}, "old")])
def test_the_preferred_username_is_the_username(httpd, clerk, members, name):
    clerk.patch("userinfo", **members)
    token = clerk.mint(subject=USER)
    for _ in range(2):
        env = httpd.get("/username/env", token=token).env()
        assert env["REMOTE_USER"] == env["CLERK_USERNAME"] == name
        assert env["CLERK_SUBJECT"] == USER


@pytest.mark.parametrize("fault", ["status", "html", "garbage", "nobody"])
def test_a_failing_profile_is_not_asked_for_each_time(httpd, clerk, fault):
    httpd.expect_log(LOUD + ".*userinfo", optional=True)
    if fault == "nobody":
        clerk.patch("userinfo", sub="")
    else:
        clerk.fault("userinfo", fault)
    token = clerk.mint(subject=USER)
    for _ in range(8):
        assert_granted_cleanly(httpd.get("/retry/page", token=token))
    assert (clerk.calls("token_info"), clerk.calls("userinfo")) == (1, 1)


def test_a_forbidden_profile_is_not_asked_for_each_time(httpd, clerk):
    clerk.fault("userinfo", "status", code=403)
    token = clerk.mint(subject=USER)
    for _ in range(4):
        assert_granted_cleanly(httpd.get("/retry/page", token=token))
    assert (clerk.calls("token_info"), clerk.calls("userinfo")) == (1, 1)


# 400 and 404.

def clerks(code):
    return {"errors": [{"code": code, "message": "m", "long_message": "l"}],
            "clerk_trace_id": "0123456789abcdef"}


@pytest.mark.parametrize("body", [
    {"error": "invalid_request"},
    {"error": "invalid_request", "error_description": "no such token"},
    clerks("bad_request")])
def test_a_400_about_the_token(httpd, clerk, body):
    clerk.answer("token_info", 400, body)
    token, another = clerk.mint(), clerk.mint()
    for _ in range(4):
        assert_invalid_token(httpd.get("/x/page", token=token))
    assert clerk.calls() == 1
    assert_invalid_token(httpd.get("/x/page", token=another))
    assert clerk.calls() == 2


def test_a_400_is_asked_again_in_time(httpd, clerk):
    clerk.answer("token_info", 400, clerks("bad_request"))
    token = clerk.mint()
    for _ in range(3):
        assert_invalid_token(httpd.get("/short/page", token=token))
    assert clerk.calls() == 1
    clerk.clear()
    time.sleep(1.1)
    assert_granted_cleanly(httpd.get("/short/page", token=token))
    assert clerk.calls() == 2


NOT_THERE = {
    "text": "404 page not found", "empty": "", "object": {},
    "clerk": clerks("resource_not_found"), "oauth":
    {"error": "invalid_request"}, "bad_request": clerks("bad_request")}


@pytest.mark.parametrize("name", NOT_THERE)
def test_a_404_is_our_own_fault(httpd, clerk, name):
    httpd.expect_log(LOUD, optional=True)
    clerk.answer("token_info", 404, NOT_THERE[name])
    token = clerk.mint()
    for _ in range(2):
        assert_misconfigured(httpd.get("/x/page", token=token))
    assert clerk.calls() == 2
    clerk.clear()
    assert_granted_cleanly(httpd.get("/x/page", token=token))


def test_and_says_so(httpd, clerk):
    time.sleep(1.1)             # one line a second
    httpd.expect_log(LOUD + ".*token_info.*404.*ClerkFrontendAPI")
    clerk.answer("token_info", 404, NOT_THERE["text"])
    assert_misconfigured(httpd.get("/x/page", token=clerk.mint()))


@pytest.mark.parametrize("body", [
    {"error": "unauthorized_client"}, clerks("resource_not_found"), "", {},
    {"error": ["invalid_request"]}, {"errors": []}])
def test_any_other_400_is_our_own_fault(httpd, clerk, body):
    httpd.expect_log(LOUD, optional=True)
    clerk.answer("token_info", 400, body)
    assert_misconfigured(httpd.get("/x/page", token=clerk.mint()))


# Nothing but inactive tokens.

def hints(server):
    return [line for line in server.error_log.lines(level="notice")
            if re.search(r"\[auth_clerk:.*ClerkVerifier backend", line)]


def inactive(server, clerk, count, path="/x/page"):
    for number in range(count):
        assert_invalid_token(server.get(
            path, token=f"oat_junkjunkjunkjunk{id(server)}x{number}"))


def test_one_hint_after_twenty_inactive_tokens(serve_once, clerk):
    server = serve_once(introspection(clerk) + location("/x"), children=2)
    inactive(server, clerk, 19)
    assert hints(server) == []
    inactive(server, clerk, 19)             # out of the cache
    assert hints(server) == []
    inactive(server, clerk, 60)
    assert len(hints(server)) == 1
    assert_granted_cleanly(server.get("/x/page", token=clerk.mint()))
    inactive(server, clerk, 80)
    assert len(hints(server)) == 1


def test_no_hint_once_a_token_was_good(serve_once, clerk):
    server = serve_once(introspection(clerk) + location("/x"))
    inactive(server, clerk, 10)
    assert_granted_cleanly(server.get("/x/page", token=clerk.mint()))
    inactive(server, clerk, 50)
    assert hints(server) == []


def test_no_hint_where_the_backend_is_asked(serve_once, clerk):
    server = serve_once(
        f"{instance(clerk)}ClerkSecretKey {clerk.secret_key}\n"
        "ClerkVerifier backend\n" + location("/x"))
    inactive(server, clerk, 30)
    assert hints(server) == []


# Claims with several values.

@pytest.mark.parametrize("groups", [
    ["admin", "user"], [], ["admin", "admin"], [["admin"]],
    {"name": "admin"}, [""], ["", "admin"]])
def test_an_array_is_nobodys_name(httpd, clerk, groups):
    token = clerk.mint(introspection={"groups": groups})
    for _ in range(2):
        assert_forbidden(httpd.get("/groups/page", token=token))


def test_a_string_is(httpd, clerk):
    token = clerk.mint(introspection={"groups": "admin"})
    env = httpd.get("/groups/env", token=token).env()
    assert env["REMOTE_USER"] == "admin"


@pytest.mark.parametrize("groups,why", [
    (["a b", "c"], "spaces"), (["c", "a b"], "spaces"),
    (["a", "b", " c"], "spaces"), ({"x": 1}, "object"),
    (["a", {"x": 1}], "object"), ([{"x": 1}, "a"], "object"),
    ([{"x": 1}], "object")])
def test_what_cannot_be_told_whole_is_left_out(httpd, clerk, groups, why):
    token = clerk.mint(introspection={"groups": groups,
                                      "nested": {"list": groups}})
    for count in (2, 4):
        env = httpd.get("/export/env", token=token).env()
        left = {"CLERK_GROUPS", "CLERK_DEEP", "HTTP_X_CLERK_GROUPS",
                "HTTP_X_CLERK_DEEP"} & set(env)
        assert not left, {name: env[name] for name in left}
        lines = httpd.logged(count, level="info", matching="CLERK_(G|D)")
        assert len(lines) == count
        assert all(why in line for line in lines), lines
        assert not any("a b" in line for line in lines), lines


def test_an_array_without_end_is_left_out(httpd, clerk):
    token = clerk.mint(introspection={
        "groups": [f"g{n}" for n in range(300)]})
    env = httpd.get("/export/env", token=token).env()
    assert "CLERK_GROUPS" not in env
    assert httpd.logged(1, level="info", matching="CLERK_GROUPS.*members")


def test_of_several_addresses_none_is_the_email(httpd, clerk):
    token = clerk.mint(introspection={
        "email": ["a@example.com", "b@example.com"], "name": ["Ada"]})
    for count in (1, 2):
        env = httpd.get("/export/env", token=token).env()
        assert "CLERK_EMAIL" not in env and env["CLERK_NAME"] == "Ada"
        lines = httpd.logged(count, level="info", matching="CLERK_EMAIL")
        assert len(lines) == count and "array" in lines[0], lines


@pytest.mark.parametrize("groups,told", [
    (["a", "b"], "a b"), (["a"], "a"), ("a b", "a b"), (["a b"], "a b")])
def test_others_are_told(httpd, clerk, groups, told):
    token = clerk.mint(introspection={"groups": groups})
    env = httpd.get("/export/env", token=token).env()
    assert env["CLERK_GROUPS"] == env["HTTP_X_CLERK_GROUPS"] == told
