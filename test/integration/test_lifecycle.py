"""Start, graceful restart under load, end; under every MPM."""

import os
import signal
import threading
import time

import pytest

from confs import introspection, location
from httpd import PAGE

MPMS = ["event", "worker", "prefork"]
STALE = "AH00161|AH00286|AH00484|AH10159|AH00287|AH00288|AH03490"


def conf(clerk, backend_url):
    return "\n".join([
        introspection(clerk), "ClerkAudience any", location("/x"),
        location("/off", "ClerkCacheTTL 0"),
        location("/p", "ClerkPass headers", f"ProxyPass {backend_url}")])


@pytest.fixture(params=MPMS)
def server(serve_once, clerk, backend_url, request):
    return serve_once(conf(clerk, backend_url), mpm=request.param,
                      children=2, threads=8, modules=["proxy", "proxy_http"])


class Load:
    """Threads that ask without a pause and note what was not right."""

    def __init__(self, server, clerk):
        self.server = server
        self.good = clerk.mint(subject="user_load")
        self.dead = clerk.mint()
        clerk.revoke(self.dead)
        self.fresh = [clerk.mint() for _ in range(400)]
        self.wrong = []
        self.done = 0
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(step,))
                         for step in (self._static, self._proxied,
                                      self._denied, self._cold)]

    def _static(self):
        answer = self.server.get("/x/page", token=self.good)
        return answer.status == 200 and answer.text == PAGE

    def _proxied(self):
        answer = self.server.get("/p/thing", token=self.good)
        return answer.status == 200 and "user_load" in answer.text

    def _denied(self):
        return self.server.get("/x/page", token=self.dead).status == 401

    def _cold(self):
        with self._lock:
            token = self.fresh.pop()
            self.fresh.insert(0, token)
        return self.server.get("/off/page", token=token).status == 200

    def _ask(self, step):
        while not self._over.is_set():
            try:
                right = step()
            except OSError as error:
                right = repr(error)
            with self._lock:
                self.done += 1
                if right is not True:
                    self.wrong.append((step.__name__, right))
            time.sleep(0.005)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()


def test_graceful_restarts_under_load(server, clerk):
    server.expect_log(STALE, optional=True)
    # APR's: the parent may destroy it while a child that it has just started
    # has not opened it yet. Such a child goes on without the cache.
    server.expect_log("ClerkSOCache: its mutex cannot be locked",
                      optional=True)
    with Load(server, clerk) as load:
        for _ in range(3):
            time.sleep(0.3)
            server.reload()
        time.sleep(0.3)
    assert load.wrong == []
    assert load.done > 20


def test_a_restart_reads_the_configuration_anew(server, clerk):
    token = clerk.mint()
    assert server.get("/x/page", token=token).status == 200
    server.conf += location("/new", "ClerkAudience any",
                            require="clerk-scope mcp:read")
    server.write_conf()
    server.reload()
    deadline = time.monotonic() + 5
    while (answer := server.get("/new/page", token=token)).status != 403:
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)


def test_the_end_while_clerk_hangs(serve_once, clerk):
    """A request that waits for Clerk does not keep the server from ending."""
    server = serve_once(introspection(clerk) + "ClerkTimeout 2\n"
                        + location("/x"))
    server.expect_log(r"\[auth_clerk:error\]", optional=True)
    clerk.fault("token_info", "hang")
    connection = server.connect()
    connection.send("GET", "/x/page", token=clerk.mint())
    time.sleep(0.2)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 8
    connection.close()


def test_a_start_and_an_end_without_a_request(server):
    server.stop()
    assert server.process.returncode == 0


@pytest.mark.parametrize("mpm", MPMS)
def test_one_process_alone_ends_as_it_should(serve_once, clerk, mpm):
    """With -X the child is the parent: what both put away at the end is put
    away once, and with the module's threads still there."""
    server = serve_once(introspection(clerk) + location("/x")
                        + location("/j", "ClerkVerifier jwks"),
                        mpm=mpm, mode="-X")
    token = clerk.mint()
    assert server.get("/x/page", token=token).status == 200
    assert server.get("/x/page", token=token).status == 200
    assert server.get("/j/page", token=clerk.mint_jwt()).status == 200
    # mod_cgid's, whose socket is its parent's, who is nobody by then.
    server.expect_log("AH01240", optional=True)
    # mpm_event, stopped in the middle of putting a connection away, crashes.
    time.sleep(0.3)
    server.stop()
    assert server.process.returncode == 0
    assert clerk.calls("token_info") == 1


def threads_that_take(signum, pid):
    """Of a process, those to which the kernel may give this signal."""
    def blocked(task):
        with open(f"/proc/{pid}/task/{task}/status") as status:
            [mask] = [line.split()[1] for line in status
                      if line.startswith("SigBlk:")]
        return int(mask, 16) & 1 << signum - 1
    return [int(task) for task in os.listdir(f"/proc/{pid}/task")
            if not blocked(task)]


@pytest.mark.parametrize("mpm", MPMS)
def test_only_httpds_own_thread_is_told_to_end(serve_once, clerk, mpm):
    """A child of prefork puts everything away in its signal handler. Told
    twice, it must not do so in one of the module's threads, too."""
    server = serve_once(introspection(clerk) + location("/x", "ClerkCacheTTL 2")
                        + location("/j", "ClerkVerifier jwks"), mpm=mpm)
    token = clerk.mint()
    assert server.get("/x/page", token=token).status == 200
    assert server.get("/j/page", token=clerk.mint_jwt()).status == 200
    [pid] = map(int, server.served_by("/x/page", 1))
    # Another one, that of the background.
    deadline = time.monotonic() + 10
    while clerk.calls("token_info") < 2:
        assert server.get("/x/page", token=token).status == 200
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert len(os.listdir(f"/proc/{pid}/task")) > 1
    assert threads_that_take(signal.SIGTERM, pid) == [pid]
    if mpm == "prefork":
        assert threads_that_take(signal.SIGHUP, pid) == [pid]


def test_the_module_unconfigured_leaves_httpd_as_it_is(serve_once):
    server = serve_once("")
    assert server.get("/x/page", token="oat_x").text == PAGE
    server.reload()
    assert server.get("/x/page", headers=[
        ("X-Clerk-User-Id", "1")]).text == PAGE


def test_a_new_secret_is_read_by_a_graceful_restart(serve_once, clerk,
                                                    secret):
    secret("theOldSecretOfBefore11")
    conf = introspection(clerk).replace(
        f'"{clerk.client_secret}"', '"file:${ROOT}/secrets/client"')

    def write(server, text):
        server.write("secrets/client", text + "\n", 0o600)

    server = serve_once(conf + location("/x"), prepare=lambda server: write(
        server, "theOldSecretOfBefore11"))
    server.expect_log(r"\[auth_clerk:error\].*ClerkClientSecret")
    assert server.get("/x/page", token=clerk.mint()).status == 500
    write(server, clerk.client_secret)
    server.reload()
    token = clerk.mint()
    deadline = time.monotonic() + 5
    while server.get("/x/page", token=token).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("mpm", MPMS)
def test_a_child_that_dies_is_replaced(serve_once, clerk, mpm):
    """The cache outlives the children; what they held is given back."""
    server = serve_once(introspection(clerk) + location("/x"), mpm=mpm)
    token = clerk.mint()
    assert server.get("/x/page", token=token).status == 200
    [pid] = server.served_by("/x/page", 1)
    os.kill(int(pid), signal.SIGTERM)
    deadline = time.monotonic() + 10
    while True:
        try:
            if server.get("/x/env", token=token).status == 200:
                break
        except OSError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert clerk.calls() == 1
