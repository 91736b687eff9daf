"""Keys and copies of Clerk's documents are renewed before anybody has to wait
for it; what is too old to be believed is waited for, but not twice."""

import threading
import time

import pytest

from answers import assert_invalid_token, assert_unavailable
from confs import instance, introspection, location

LOUD = r"\[auth_clerk:error\]"
SERVER = "/.well-known/oauth-authorization-server"
DUE = 245           # seconds: four minutes, and a few
OLD = 305           # five
COOL = 31
TIMEOUT = 2         # of a call; nobody is to wait for it
QUICK = 1


HTACCESS = """
<Directory "${ROOT}/docs/ht">
    AllowOverride AuthConfig
</Directory>
"""


def conf(clerk, timeout=TIMEOUT):
    return "\n".join([
        introspection(clerk).replace("ClerkVerifier introspection", ""),
        f"ClerkTimeout {timeout}", "ClerkAudience any", HTACCESS,
        location("/x", "ClerkCacheTTL 0"), location("/cached"),
        location("/mcp", "ClerkResource https://mcp.example.com/mcp")])


def htaccess(server):
    server.write("docs/ht/page.txt", "the page\n")
    server.write("docs/ht/.htaccess", "AuthType Clerk\nRequire valid-user\n")


@pytest.fixture
def start(serve_once, keys, clock):
    def begin(timeout=TIMEOUT, **options):
        return serve_once(conf(keys, timeout), env=clock.env,
                          prepare=htaccess, **options)
    return begin


class Children:
    """A connection to each process of a prefork server, all of which have a
    set of keys."""

    def __init__(self, server, clerk, count=4):
        self.clerk = clerk
        self.connections = [server.connect() for _ in range(count)]
        self.token = clerk.mint_jwt(expires_in=99999)
        assert self.ask() == [200] * count
        assert len(server.served_by("/x/page", count)) == count
        self.took = []

    def ask(self, token=None, path="/x/page"):
        """One after the other; `took` is how long each has waited."""
        self.took, found = [], []
        for connection in self.connections:
            began = time.monotonic()
            found.append(connection.request(
                "GET", path, token=token or self.token).status)
            self.took.append(time.monotonic() - began)
        return found

    def close(self):
        for connection in self.connections:
            connection.close()


@pytest.fixture
def children(start, keys):
    server = start(mpm="prefork", children=4)
    made = Children(server, keys)
    made.server = server
    yield made
    made.close()


def soon(look, patience=5):
    until = time.monotonic() + patience
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def wait_for_calls(clerk, endpoint, count):
    assert soon(lambda: clerk.calls(endpoint) >= count), clerk.calls(endpoint)


# Keys in use.

def test_nobody_waits_for_a_set_in_use(children, keys, clock):
    """In no process, at no attempt, for as long as Clerk hangs; and once it
    is back, what it says counts."""
    children.server.expect_log(LOUD)
    keys.fault("jwks", "hang")
    clock.forward(OLD - 20)
    for step, attempt in ((0, False), (0, True), (25, True), (COOL, True),
                          (COOL, True), (200, True)):
        clock.forward(step)
        assert children.ask() == [200] * 4
        assert max(children.took) < QUICK, (step, children.took)
        if attempt:
            time.sleep(TIMEOUT + 0.3)   # for it to fail
    assert keys.calls("jwks") >= 4
    keys.clear()
    keys.rotate_keys(overlap=False)
    clock.forward(COOL)
    assert set(children.ask()) <= {200, 401}
    assert max(children.took) < QUICK, children.took
    assert soon(lambda: children.ask() == [401] * 4)


def test_one_process_renews_it_for_all(children, keys, clock):
    keys.fault("jwks", "delay", seconds=0.5)
    clock.forward(DUE)
    for _ in range(3):
        assert children.ask() == [200] * 4
        assert max(children.took) < 0.4, children.took
    time.sleep(0.8)
    clock.forward(COOL)
    assert children.ask() == [200] * 4
    assert keys.calls("jwks") == 2


@pytest.mark.parametrize("mpm", ["event", "worker"])
def test_nobody_waits_among_threads(start, keys, clock, mpm):
    server = start(mpm=mpm, children=2, threads=16)
    server.expect_log(LOUD)
    token = keys.mint_jwt(expires_in=99999)
    taken = []

    def use(times):
        # A connection for each: event closes those that are kept alive when
        # it is short of threads.
        for _ in range(times):
            began = time.monotonic()
            assert server.get("/x/page", token=token).status == 200
            taken.append(time.monotonic() - began)

    def crowd():
        taken.clear()
        threads = [threading.Thread(target=use, args=(10,))
                   for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(taken) == 120
    crowd()
    keys.fault("jwks", "hang")
    for step in (DUE, OLD - DUE, COOL, COOL):
        clock.forward(step)
        crowd()
        assert max(taken) < QUICK, (step, sorted(taken)[-5:])
        time.sleep(TIMEOUT + 0.3)


@pytest.mark.parametrize("path", ["/x/page", "/cached/page"])
def test_a_withdrawn_key_in_use(start, keys, clock, path):
    """A JWT that is remembered is forgotten in time for a renewal."""
    server = start()
    token = keys.mint_jwt(expires_in=99999)
    assert server.get(path, token=token).status == 200
    keys.rotate_keys(overlap=False)
    clock.forward(235)
    assert server.get(path, token=token).status == 200
    assert keys.calls("jwks") == 1
    clock.forward(10)
    # this one is let in, and has the set renewed
    assert server.get(path, token=token).status == 200
    wait_for_calls(keys, "jwks", 2)
    assert soon(lambda: server.get(path, token=token).status == 401)
    assert keys.calls("jwks") == 2


def test_a_new_kid_waits_for_the_renewal(start, keys, clock):
    server = start()
    old = keys.mint_jwt(expires_in=99999)
    assert server.get("/x/page", token=old).status == 200
    keys.rotate_keys()
    keys.fault("jwks", "delay", seconds=0.5)
    clock.forward(DUE)
    assert server.get("/x/page", token=old).status == 200
    assert server.get("/x/page", token=keys.mint_jwt(
        expires_in=99999)).status == 200
    assert keys.calls("jwks") == 2


def test_a_realm_of_an_htaccess(start, keys, clock):
    """What lies in a request's memory is gone when the renewal begins."""
    server = start()
    token = keys.mint_jwt(expires_in=99999)
    assert server.get("/ht/page.txt", token=token).status == 200
    keys.rotate_keys(overlap=False)
    clock.forward(DUE)
    keys.fault("jwks", "delay", seconds=0.3)
    for _ in range(20):
        assert server.get("/ht/page.txt", token=token).status == 200
    wait_for_calls(keys, "jwks", 2)
    assert soon(lambda: server.get("/ht/page.txt",
                                   token=token).status == 401)


# Keys that nobody used.

def test_an_idle_set_is_renewed_before_it_is_believed(start, keys, clock):
    server = start()
    token = keys.mint_jwt(expires_in=99999)
    for idle in (OLD, 7200):
        assert server.get("/x/page", token=token).status == 200
        keys.rotate_keys(overlap=False)
        clock.forward(idle)
        assert_invalid_token(server.get("/x/page", token=token))
        token = keys.mint_jwt(expires_in=99999)


def test_an_idle_set_is_waited_for_once(children, keys, clock):
    """By one request of all processes."""
    children.server.expect_log(LOUD)
    keys.fault("jwks", "hang")
    clock.forward(600)
    assert children.ask() == [200] * 4
    assert children.took[0] > TIMEOUT - 0.2
    assert max(children.took[1:]) < QUICK, children.took
    for _ in range(3):
        clock.forward(COOL)
        assert children.ask() == [200] * 4
        assert max(children.took) < QUICK, children.took
    # and when nobody has used it again, it is waited for again
    keys.clear()
    keys.rotate_keys(overlap=False)
    time.sleep(TIMEOUT + 0.3)
    clock.forward(600)
    assert children.ask() == [401] * 4


def test_not_for_more_than_a_day(start, keys, clock):
    server = start(timeout=0.5)
    server.expect_log(LOUD)
    token = keys.mint_jwt(expires_in=999999)
    assert server.get("/x/page", token=token).status == 200
    keys.fault("jwks", "hang")
    clock.forward(23 * 3600)
    assert server.get("/x/page", token=token).status == 200
    clock.forward(3600)
    assert_unavailable(server.get("/x/page", token=token))


# Copies of documents.

def test_nobody_waits_for_a_copy(start, keys, clock):
    """Not even when nobody has asked for days."""
    server = start()
    server.expect_log(LOUD)
    was = server.get(SERVER)
    assert was.status == 200
    keys.fault("authorization_server", "hang")
    for step in (DUE, OLD, 3 * 86400):
        clock.forward(step)
        for _ in range(5):
            began = time.monotonic()
            assert server.get(SERVER).body == was.body
            assert time.monotonic() - began < QUICK
        time.sleep(TIMEOUT + 0.3)
    keys.clear()
    changed = b'{"issuer": "https://c.example", "registration_endpoint": "x"}'
    keys.answer("authorization_server", 200, changed)
    clock.forward(COOL)
    assert server.get(SERVER).body == was.body
    assert soon(lambda: server.get(SERVER).body == changed)


def test_what_is_new_is_warned_of(start, keys, clock):
    """Also where nobody waited for it."""
    server = start()
    assert server.get(SERVER).status == 200
    server.expect_log(r"\[auth_clerk:warn\].*sign in")
    keys.patch("authorization_server", registration_endpoint=None,
               client_id_metadata_document_supported=False)
    clock.forward(DUE)
    assert server.get(SERVER).status == 200
    wait_for_calls(keys, "authorization_server", 2)

    def is_warned():
        assert server.get(SERVER).status == 200
        return server.logged(level="warn", module="auth_clerk")
    assert len(soon(is_warned)) == 1


# Restarts, and the end.

@pytest.mark.parametrize("how", ["reload", "stop"])
@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_the_end_meanwhile(start, keys, clock, mpm, how):
    """A renewal that hangs holds up nobody, and leaves no line in the log."""
    server = start(timeout=30, mpm=mpm, children=2,
                   threads=1 if mpm == "prefork" else 8)
    token = keys.mint_jwt(expires_in=99999)

    def ask():
        for path, given in (("/x/page", token), (SERVER, None)) * 3:
            assert server.get(path, token=given).status == 200
    ask()
    # One call hangs until the end; clear() would hang up on it, and whether
    # the process is told to stop before it has logged that is a race.
    for endpoint in ("jwks", "authorization_server"):
        keys.fault(endpoint, "hang", times=1)
    clock.forward(DUE)
    ask()
    for endpoint in ("jwks", "authorization_server"):
        wait_for_calls(keys, endpoint, 2)
    began = time.monotonic()
    if how == "reload":
        server.reload()
        assert server.get("/x/page", token=token).status == 200
    server.stop()
    assert time.monotonic() - began < 6
