"""Fixtures: the Clerk stand-in, the application behind a proxy, and httpd.

Every test is judged twice: by its own assertions, and by what the servers
that it used wrote into their logs (see judge_logs).
"""

import os
import pathlib
import re
import signal
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, os.environ.get("CLERK_STANDIN", str(HERE.parent)))

from clock import Clock, build as build_clock  # noqa: E402
from backend import Backend  # noqa: E402
from httpd import Httpd, module_path  # noqa: E402

# Every token and secret that was ever known in this run. It only grows: what
# one test minted may show up in the log while the next one runs.
SECRETS = set()
SERVERS = []
PLAYED = []


def secrets():
    """The above, with what the stand-in has minted since."""
    for played in PLAYED:
        SECRETS.update(played.secrets)
    return SECRETS


def pytest_sessionstart(session):
    """Say at once what is missing, instead of in every test; and end what
    was started also when the run itself is told to end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if session.config.option.collectonly:
        return
    try:
        module_path()
    except FileNotFoundError as missing:
        if not os.environ.get("HARNESS_ONLY"):
            pytest.exit(str(missing), returncode=3)


@pytest.fixture(scope="session")
def standin():
    """The process that plays Clerk, for the whole run."""
    from clerk_standin.client import StandIn
    played = StandIn.start()
    PLAYED.append(played)
    yield played
    PLAYED.remove(played)
    played.stop()


@pytest.fixture(scope="module")
def own_clerk():
    """A stand-in for one file alone, whose keys it may change for good."""
    from clerk_standin.client import StandIn
    played = StandIn.start()
    PLAYED.append(played)
    yield played
    secrets()
    PLAYED.remove(played)
    played.stop()


@pytest.fixture(scope="session")
def clocks(tmp_path_factory):
    """Make clocks for servers whose time a test moves (see clock.py)."""
    folder = tmp_path_factory.mktemp("clock")
    folder.chmod(0o755)
    library = build_clock(folder)
    return lambda: Clock(library)


@pytest.fixture
def keys(own_clerk):
    """The stand-in whose keys a file may change, new ones for each test."""
    own_clerk.clear()
    own_clerk.restore_settings()
    own_clerk.rotate_keys(overlap=False)
    own_clerk.reset()
    yield own_clerk
    own_clerk.clear()


@pytest.fixture
def clock(clocks):
    """For the servers of one test."""
    return clocks()


# What tests may have changed of the instance's settings.
PLAIN = {"dead_tokens": "not_found", "oauth_time_unit": "ms",
         "introspection": "all", "legacy_provider": False, "keep_alive": 60}


@pytest.fixture
def clerk(standin):
    """The stand-in without faults, answers and counts of other tests."""
    standin.clear()
    standin.configure(**PLAIN)
    standin.reset()
    yield standin
    secrets()
    standin.clear()


@pytest.fixture(scope="session")
def _backend():
    application = Backend()
    yield application
    application.close()


@pytest.fixture
def backend(_backend):
    """The application behind mod_proxy, with no request remembered."""
    _backend.clear()
    return _backend


@pytest.fixture(scope="module")
def backend_url(_backend):
    return _backend.url


@pytest.fixture
def secret():
    """Register a text that must not show up in any log; returns it."""
    def register(text):
        SECRETS.add(text)
        return text
    return register


def _factory():
    own = []

    def start(conf, *, expect=(), prepare=None, start=True, **options):
        server = Httpd(conf, **options)
        own.append(server)
        SERVERS.append(server)
        if prepare:
            prepare(server)
        return server.start(expect) if start else server

    return start, own


def _end(own):
    for server in own:
        server.stop()
        SERVERS.remove(server)
    try:
        faults = [fault for server in own
                  for fault in server.faults(secrets())]
    finally:
        for server in own:
            server.remove()
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="module")
def serve():
    """Start servers that live until the module's last test is done."""
    start, own = _factory()
    yield start
    _end(own)


@pytest.fixture
def serve_once():
    """Start servers that live for one test."""
    start, own = _factory()
    yield start
    _end(own)


@pytest.fixture(autouse=True)
def judge_logs():
    """Fail a test for what its servers wrote without being announced.

    Warnings and errors that no expect_log announced, announced ones that
    never came, any known token or secret, a crashed child, a sanitizer's
    report.
    """
    for server in SERVERS:
        server.watch.begin()
    yield
    faults = [fault for server in SERVERS
              for fault in server.faults(secrets())]
    assert not faults, "\n".join(faults)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Show the end of each server's error log with a failure."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for server in SERVERS:
        tail = "\n".join(server.error_log.lines(server.watch.began)[-60:])
        report.sections.append((f"error log of {server.root}", tail))


@pytest.fixture
def accepted(configtest):
    """Check that httpd takes a configuration; the tests that ask for this, or
    for `refused`, have a `configtest` of their own."""
    def check(conf):
        status, said = configtest(conf)
        assert status == 0, said
    return check


@pytest.fixture
def refused(configtest):
    def check(conf, *patterns):
        status, said = configtest(conf)
        assert status != 0, said
        for pattern in patterns:
            assert re.search(pattern, said), said
        return said
    return check
