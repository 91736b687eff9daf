"""The harness itself: what judges the other tests must be able to fail one.

These run a stock httpd, without the module.
"""

import base64
import os
import pathlib
import signal

import pytest

import answers
import logcheck
from client import Response
from httpd import PAGE

TOKEN = "oat_0123456789abcdef0123456789abcdef"


def basic(user, password):
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return [("Authorization", f"Basic {pair}")]


@pytest.fixture
def log(tmp_path):
    path = pathlib.Path(tmp_path / "error.log")
    path.write_text("")
    return path


@pytest.fixture
def watch(log):
    return logcheck.Watch(logcheck.Log(log), [])


def line(level, text):
    return f"[Sat Nov 21 08:00:00.000000 2026] [auth_clerk:{level}] {text}\n"


@pytest.mark.parametrize("level", ["warn", "error", "crit", "alert", "emerg"])
def test_a_loud_line_is_a_fault(watch, log, level):
    log.write_text(line(level, "[pid 1] something"))
    assert watch.faults(())


@pytest.mark.parametrize("level", ["notice", "info", "debug", "trace8"])
def test_a_quiet_line_is_none(watch, log, level):
    log.write_text(line(level, "[pid 1] something"))
    assert not watch.faults(())


def test_an_announced_line_is_none_and_must_come(watch, log):
    watch.announce("some+thing")
    assert watch.faults(()) == ["announced, but never logged: some+thing"]
    log.write_text(line("error", "[pid 1] something"))
    assert not watch.faults(())


def test_an_optional_line_need_not_come(watch):
    watch.announce("something", optional=True)
    assert not watch.faults(())


def test_a_crash_is_a_fault_at_any_level(watch, log):
    log.write_text(line("notice", "AH00052: child pid 7 exit signal "
                                  "Segmentation fault (11)"))
    assert watch.faults(())


@pytest.mark.parametrize("report", [
    "==7==ERROR: AddressSanitizer: heap-use-after-free",
    "clerk_json.c:7:3: runtime error: signed integer overflow"])
def test_a_sanitizer_report_is_a_fault(watch, log, report):
    log.write_text(report + "\n")
    assert watch.faults(())


def test_a_secret_in_any_disguise_is_a_fault(watch, log):
    forms = [TOKEN, base64.b64encode(TOKEN.encode()).decode()]
    for form in forms:
        watch.begin()
        with log.open("a") as stream:
            stream.write(line("debug", f"got {form}"))
        faults = watch.faults([TOKEN])
        assert faults and TOKEN not in "".join(faults)
    assert logcheck.leaks("a%2Fb%3Dcdef", ["a/b=cdef"], "log")


def test_only_what_is_new_is_judged(watch, log):
    log.write_text(line("error", "[pid 1] old"))
    watch.begin()
    assert not watch.faults(())


CHALLENGE = 'Bearer error="invalid_token", error_description="x", realm="r"'


def answer(*challenges, body=b"{}"):
    fields = [("WWW-Authenticate", c) for c in challenges]
    return Response(401, fields, body)


def test_a_challenge_is_read_strictly():
    found = answers.challenge(answer(CHALLENGE))
    assert list(found) == ["error", "error_description", "realm"]


@pytest.mark.parametrize("challenges", [
    [], [CHALLENGE, CHALLENGE], ["Basic realm=\"r\""],
    ['Bearer realm="r", error="invalid_token"'], ["Bearer realm=r"],
    ['Bearer realm="r", realm="r"'], ['Bearer realm="a"b"'],
    ['Bearer realm="r\x01"'], ['Bearer realm="r"; scope="s"']])
def test_a_wrong_challenge_is_seen(challenges):
    with pytest.raises(AssertionError):
        answers.challenge(answer(*challenges))


CONF = """
<Location "/basic">
    AuthType Basic
    AuthName "stock"
    AuthUserFile "${ROOT}/secrets/users"
    Require valid-user
</Location>
<Location "/proxied">
    ProxyPass %s
</Location>
"""


def add_user(server):
    digest = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="  # of "password"
    server.write("secrets/users", f"jane:{digest}\n")


@pytest.fixture(scope="module", params=["event", "worker", "prefork"])
def stock(serve, backend_url, request):
    return serve(CONF % backend_url, prepare=add_user, clerk_module=False,
                 mpm=request.param,
                 modules=["auth_basic", "authn_file", "proxy", "proxy_http"])


def test_static_pages_and_programs(stock):
    jane = basic("jane", "password")
    assert stock.get("/basic/page").status == 401
    assert stock.get("/basic/page", headers=jane).text == PAGE
    env = stock.get("/basic/env", headers=[*jane, ("X-A", "1"),
                                           ("X-A", "2")]).env()
    assert env["REMOTE_USER"] == "jane"
    assert env["HTTP_X_A"] == "1, 2"


def test_a_head_has_no_body(stock):
    answer_to_head = stock.raw("HEAD /basic/page HTTP/1.1")
    assert answer_to_head.status == 401
    assert answer_to_head.body == b""


def test_httpds_own_errors_are_announced(stock):
    stock.expect_log("AH01617: user jane: authentication failure")
    denied = stock.get("/basic/page", headers=basic("jane", "wrong"))
    assert denied.status == 401


def test_the_application_remembers(stock, backend):
    headers = [("X-A", "1"), ("X_B", "2"), ("X-A", "3")]
    seen = stock.request("POST", "/proxied/x", headers=headers,
                         body=b"payload").json()
    assert [h for h in seen["headers"] if h[0].startswith("X-A")] == [
        ["X-A", "1"], ["X-A", "3"]] or ["X-A", "1, 3"] in seen["headers"]
    assert backend.requests == [
        {**seen, "headers": [tuple(h) for h in seen["headers"]]}]
    assert seen["body"] == "payload"


def test_a_graceful_restart_serves_on(stock):
    stock.reload()
    assert stock.get("/alive").text == "alive\n"


def test_children_are_told_apart(stock):
    stock.get("/basic/page")
    assert len(stock.served_by("/basic/page", 1)) == 1


def test_a_configuration_fault_is_told(serve_once):
    server = serve_once("NoSuchDirective on", clerk_module=False, start=False)
    status, said = server.configtest()
    assert status != 0 and "NoSuchDirective" in said


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_a_child_that_crashes_is_noticed(serve_once, mpm):
    server = serve_once("", clerk_module=False, mpm=mpm)
    server.get("/x/page")
    [pid] = server.served_by("/x/page", 1)
    os.kill(int(pid), signal.SIGSEGV)
    server.wait_for_log("AH0005[12]")
    faults = server.faults(())
    assert any("a child crashed" in fault for fault in faults), faults
    assert not list((server.root / "cores").iterdir())


def test_a_sanitizers_report_is_noticed(serve_once):
    server = serve_once("", clerk_module=False)
    (server.sanitizer / "report.1").write_text("heap-use-after-free")
    assert any("heap-use-after-free" in f for f in server.faults(()))
    assert not server.faults(())


def test_an_end_that_is_not_clean_is_noticed(serve_once):
    server = serve_once("", clerk_module=False)
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.stop()
    assert any("ended with -9" in fault for fault in server.faults(()))
