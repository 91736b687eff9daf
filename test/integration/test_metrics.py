"""The figures of clerk-status in all their forms: JSON, Prometheus's text
exposition, mod_status's page. They agree, with each other and with what was
done."""

import pathlib
import re
import time

import pytest

import metrics
from confs import credentials, introspection, location

DOCS = pathlib.Path(__file__).parents[2] / "docs/operating.md"
LOUD = r"\[auth_clerk:error\]"
PLACES = """
<Location "/status">
    SetHandler clerk-status
</Location>
<Location "/denied">
    SetHandler clerk-status
    Require all denied
</Location>
<Location "/server-status">
    SetHandler server-status
</Location>
"""
FORMS = ("/status", "/status?format=prometheus", "/server-status",
         "/server-status?auto", "/server-status?notable")


def conf(clerk, *lines):
    return "\n".join([
        credentials(clerk), "ClerkAudience any", "ClerkTimeout 20", *lines,
        PLACES, location("/a"),
        location("/jwt", "ClerkCacheTTL 0", "ClerkAcceptsToken any")])


@pytest.fixture
def start(serve_once, clerk):
    def begin(*lines, **options):
        return serve_once(conf(clerk, *lines), modules=["status"], **options)
    return begin


@pytest.fixture(scope="module")
def idle(serve, standin):
    """For questions about the forms alone."""
    return serve(conf(standin), modules=["status"])


def status_of(server):
    answer = server.get("/status")
    assert answer.status == 200, answer
    return answer.json()


def exposed(server):
    return metrics.exposition(server.get("/status?format=prometheus"))


def soon(look, patience=10):
    until = time.monotonic() + patience
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def work(server, clerk):
    """3 hits and 5 misses, one of them a dead token, one a JWT, and one while
    Clerk is unreachable; an unknown kind, for which no cache is looked at."""
    server.expect_log(LOUD)
    good, dead = clerk.mint(), clerk.mint()
    clerk.revoke(dead)
    seen = [server.get("/a/page", token=token).status
            for token in (good, good, good, dead, dead, clerk.mint(), "x")]
    seen.append(server.get("/jwt/page", token=clerk.mint_jwt()).status)
    clerk.pause_listening()
    try:
        seen.append(server.get("/a/page", token=clerk.mint()).status)
    finally:
        clerk.resume()
    assert seen == [200, 200, 200, 401, 401, 200, 401, 200, 503]


# Agreement.

@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_all_forms_say_what_was_done(start, clerk, mpm):
    server = start(mpm=mpm, children=2)
    work(server, clerk)
    answer = server.get("/status")
    status, words = answer.json(), metrics.words(answer.text)
    total = status["total"]
    assert total["cache"]["hits"] == 3
    assert total["cache"]["misses"] == 5
    assert total["cache"]["unused"] == 1
    assert total["verifications"] == {"ok": 5, "token_inactive": 2,
                                      "kind_unknown": 1,
                                      "clerk_unreachable": 1}
    assert total["calls"]["token_info"] == {"answered": 3, "failed": 1,
                                            "held": 0}
    assert set(total["call_seconds"]) == {"token_info", "jwks"}

    metrics.assert_agrees(exposed(server), status)

    lines = metrics.auto_lines(server.get("/server-status?auto").text)
    wanted = metrics.auto_lines_of(words)
    assert {name: lines.get(name) for name in wanted} == wanted
    assert all("KeySetAgeSeconds[0]" in name for name in lines
               if name not in wanted)
    assert lines["ClerkKeySetAgeSeconds[0]FrontendApi"] == clerk.url
    assert lines["ClerkCallsTokenInfoAnswered"] == "3"

    rows = metrics.page_rows(server.get("/server-status").text)
    of_all = [row for title, row in rows.items()
              if not title.startswith("Process ")]
    wanted = metrics.page_rows_of(words)
    for row in wanted:
        assert row in of_all, row
    assert len(of_all) == len(wanted) + 1       # the age
    assert any(row[0].startswith(f"{clerk.url}: ") for row in of_all)
    for process in status["processes"]:
        assert rows[f"Process {process['pid']}: "
                    "Requests that wait for Clerk now"] == ["0"]


def test_each_process_and_all(start, clerk):
    server = start(mpm="prefork", children=3)
    connections = [server.connect() for _ in range(3)]
    token = clerk.mint()
    try:
        for connection in connections:
            assert connection.request("GET", "/a/page",
                                      token=token).status == 200
    finally:
        for connection in connections:
            connection.close()
    status = status_of(server)
    assert status["total"]["verifications"] == {"ok": 3}
    assert sorted(process["verifications"]["ok"]
                  for process in status["processes"])[-3:] == [1, 1, 1]
    assert sum(process["call_seconds"]["token_info"]["sum"]
               for process in status["processes"]) == pytest.approx(
                   status["total"]["call_seconds"]["token_info"]["sum"])
    metrics.assert_agrees(exposed(server), status)


# How long calls take.

def spans_of(server):
    return dict(status_of(server)["total"]["call_seconds"]["token_info"])


def test_a_slow_call_is_counted_where_it_belongs(start, clerk):
    """A busy machine makes it slower, never faster."""
    server = start()
    assert server.get("/a/page", token=clerk.mint()).status == 200
    before = spans_of(server)
    clerk.fault("token_info", "delay", seconds=0.3)
    assert server.get("/a/page", token=clerk.mint()).status == 200
    after = spans_of(server)
    took = after.pop("sum") - before.pop("sum")
    assert took >= 0.3
    fits = [bound for bound in after if took <= float(bound)]
    assert fits[0] not in ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25")
    assert {bound: after[bound] - before[bound] for bound in after} == {
        bound: int(bound == fits[0]) for bound in after}


def test_the_cached_path_makes_no_calls(start, clerk):
    server = start()
    token = clerk.mint()
    assert server.get("/a/page", token=token).status == 200
    before = spans_of(server)
    for _ in range(5):
        assert server.get("/a/page", token=token).status == 200
    assert spans_of(server) == before


def test_what_is_held_back_took_no_time(serve_once, clerk):
    server = serve_once("\n".join([introspection(clerk), PLACES,
                                   "ClerkRateLimit 2/600",
                                   location("/a", "ClerkAudience any")]))
    assert [server.get("/a/page", token=clerk.mint()).status
            for _ in range(5)] == [200, 200, 503, 503, 503]
    status = status_of(server)
    assert status["total"]["calls"]["token_info"] == {
        "answered": 2, "failed": 0, "held": 3}
    metrics.assert_agrees(exposed(server), status)
    assert exposed(server)[metrics.key(f"{metrics.HISTOGRAM}_count",
                                       endpoint="token_info")] == 2


# How old key sets are.

def ages_of(server, clerk):
    """In all, and of each process that has a set."""
    status = status_of(server)
    return (status["total"]["key_set_age_seconds"].get(clerk.url), {
        process["pid"]: process["key_set_age_seconds"][clerk.url]
        for process in status["processes"] if process["key_set_age_seconds"]})


def test_a_key_set_ages_until_it_is_renewed(start, clerk, clock):
    server = start(env=clock.env)
    token = clerk.mint_jwt(expires_in=99999)
    assert ages_of(server, clerk) == (None, {})
    assert server.get("/jwt/page", token=token).status == 200
    young, _ = ages_of(server, clerk)
    assert 0 <= young < 50
    clock.forward(120)
    aged, _ = ages_of(server, clerk)
    assert young + 120 <= aged < young + 170
    assert exposed(server)[metrics.key(
        metrics.AGE, frontend_api=clerk.url)] >= aged
    clock.forward(125)
    assert server.get("/jwt/page", token=token).status == 200
    assert soon(lambda: ages_of(server, clerk)[0] < 50)
    assert clerk.calls("jwks") == 2


def test_processes_have_sets_of_different_ages(start, clerk, clock):
    server = start(mpm="prefork", children=2, env=clock.env)
    token = clerk.mint_jwt(expires_in=99999)
    first, second = server.connect(), server.connect()
    try:
        assert first.request("GET", "/jwt/page", token=token).status == 200
        _, only = ages_of(server, clerk)
        [pid] = only
        # the copy that the first one has left is too old by now
        clock.forward(400)
        assert second.request("GET", "/jwt/page", token=token).status == 200
        oldest, ages = ages_of(server, clerk)
        assert len(ages) == 2
        assert oldest == ages.pop(pid) >= 400
        assert list(ages.values())[0] < 50
        metrics.assert_agrees(exposed(server), status_of(server))
    finally:
        first.close()
        second.close()


def test_each_instance_has_an_age(serve_once, clerk, own_clerk):
    server = serve_once("\n".join([
        PLACES, location("/one", *credentials(clerk).splitlines()),
        location("/two", *credentials(own_clerk).splitlines())]))
    for path, played in (("one", clerk), ("two", own_clerk)):
        token = played.mint_jwt(expires_in=99999, claims={
            "client_id": played.client_id})
        assert server.get(f"/{path}/page", token=token).status == 200
    status = status_of(server)
    assert set(status["total"]["key_set_age_seconds"]) == {clerk.url,
                                                           own_clerk.url}
    metrics.assert_agrees(exposed(server), status)


# Restarts.

def test_a_graceful_restart_begins_anew(start, clerk):
    server = start(children=2)
    work(server, clerk)
    before = {process["pid"] for process in status_of(server)["processes"]}
    server.reload()
    # a child of before may still take a connection
    assert soon(lambda: not before & {
        process["pid"] for process in status_of(server)["processes"]})
    status = status_of(server)
    assert status["total"]["verifications"] == {"ok": 0}
    assert status["total"]["key_set_age_seconds"] == {}
    assert status["total"]["call_microseconds"] == 0
    metrics.assert_agrees(exposed(server), status)
    assert server.get("/jwt/page", token=clerk.mint_jwt()).status == 200
    assert status_of(server)["total"]["calls"]["jwks"]["answered"] == 1
    assert status_of(server)["total"]["key_set_age_seconds"][clerk.url] < 50


# How it is asked for.

@pytest.mark.parametrize("query", ["format=prometheus", "a=b&format=prometheus",
                                   "format=prometheus&x", "format=prom%65theus"])
def test_the_exposition_is_asked_for(idle, query):
    answer = idle.get(f"/status?{query}")
    assert metrics.exposition(answer)
    assert answer.one("Cache-Control") == "no-store"


@pytest.mark.parametrize("query", ["", "?", "?format=json", "?x=prometheus",
                                   "?prometheus", "?xformat=prometheus"])
def test_json_is_what_comes_otherwise(idle, query):
    answer = idle.get(f"/status{query}")
    assert answer.one("Content-Type") == "application/json"
    assert "total" in answer.json()


@pytest.mark.parametrize("query", ["format=xml", "format=", "format",
                                   "format=Prometheus", "format=prometheus2",
                                   "format=%3Cb%3E"])
def test_there_are_no_other_forms(idle, query):
    answer = idle.get(f"/status?{query}")
    assert answer.status == 400
    assert answer.one("Content-Type") == "text/plain"
    assert answer.one("Cache-Control") == "no-store"
    assert answer.text == "format has to be json or prometheus\n"


@pytest.mark.parametrize("query,status", [("", 200), ("?format=prometheus", 200),
                                          ("?format=xml", 400)])
def test_head_and_post(idle, query, status):
    head = idle.raw(f"HEAD /status{query} HTTP/1.1")
    assert (head.status, head.body) == (status, b"")
    get = idle.get(f"/status{query}")
    assert head.one("Content-Type") == get.one("Content-Type")
    post = idle.request("POST", f"/status{query}", body=b"format=json")
    assert post.status == 405
    assert "GET" in post.one("Allow")


def test_it_is_as_public_as_its_location(idle):
    assert idle.get("/status?format=prometheus").status == 200
    idle.expect_log("AH01630: client denied")
    for query in ("", "?format=prometheus", "?format=xml"):
        answer = idle.get(f"/denied{query}")
        assert answer.status == 403
        assert "clerk_" not in answer.text


def test_every_metric_is_explained(idle):
    text = idle.get("/status?format=prometheus").text
    chapter = DOCS.read_text().split("## The status page")[1].split("\n## ")[0]
    explained = re.findall(r"^\| `(clerk_[a-z_]+)", chapter, re.M)
    assert sorted(explained) == sorted(re.findall(r"^# TYPE (\w+)", text, re.M))
    used = re.findall(r"\b(clerk_[a-z]+_[a-z_]+)[ {)]", chapter)
    assert used and set(used) <= set(explained)


# What is not in it.

def test_no_form_shows_a_token_or_a_secret(start, clerk):
    server = start("ClerkProxy http://user:pass-word-of-proxy@127.0.0.1:1")
    server.expect_log(LOUD, optional=True)
    tokens = [clerk.mint(), clerk.mint_jwt()]
    for token in tokens:
        assert server.get("/jwt/page", token=token).status == 503
    hidden = [*tokens, *clerk.secrets, "pass-word-of-proxy"]
    for form in FORMS:
        answer = server.get(form, token=tokens[0])
        assert answer.status == 200
        assert not [text for text in hidden if text in answer.text], form


def test_a_page_without_clerk(serve_once):
    """mod_status's, of a server that has nothing to do with Clerk."""
    server = serve_once(PLACES, modules=["status"])
    for form in FORMS[2:]:
        answer = server.get(form)
        assert answer.status == 200
        assert "lerk" not in answer.text
    assert metrics.exposition(server.get("/status?format=prometheus")) == {}
    assert server.get("/status").json() == {}
