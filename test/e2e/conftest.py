"""Fixtures: those of test/integration, with an MCP server and MCP clients.

As there, a test also fails for what its httpd wrote into its logs.
"""

import importlib.util
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
INTEGRATION = HERE.parent / "integration"
sys.path.insert(0, str(HERE))


def _harness():
    """test/integration/conftest.py, under a name of its own."""
    spec = importlib.util.spec_from_file_location(
        "harness", INTEGRATION / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["harness"] = module
    spec.loader.exec_module(module)
    return module


harness = _harness()

judge_logs = harness.judge_logs
pytest_runtest_makereport = harness.pytest_runtest_makereport
serve = harness.serve
serve_once = harness.serve_once
standin = harness.standin

from parties import Client, Server, node  # noqa: E402


def pytest_sessionstart(session):
    """Say at once what is missing."""
    harness.pytest_sessionstart(session)
    if not session.config.option.collectonly and node() is None:
        pytest.exit("no MCP SDK: run npm ci in test/e2e", returncode=3)


@pytest.fixture
def clerk(standin):
    """The stand-in as it was at its start, with nothing counted."""
    standin.resume()
    standin.clear()
    standin.restore_settings()
    standin.reset()
    yield standin
    standin.resume()
    harness.secrets()


@pytest.fixture(scope="session")
def _mcp_server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def mcp_server(_mcp_server):
    """The MCP server behind httpd, with no request remembered."""
    _mcp_server.clear()
    return _mcp_server


@pytest.fixture(scope="module")
def mcp_url(_mcp_server):
    return _mcp_server.url


@pytest.fixture
def mcp_client():
    """Start clients; they end with the test."""
    started = []

    def start(kind, url, **options):
        client = Client(kind, url, **options)
        started.append(client)
        return client

    yield start
    for client in started:
        client.stop()
