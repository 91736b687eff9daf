"""Fixtures: the stand-in, the module on a real httpd, and Clerk's client.

They live for the whole run. What the httpd wrote into its logs is judged at
the end, as in test/integration: no crash, no unannounced warning, no token.
"""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
for folder in (HERE.parent, HERE.parent / "integration", HERE):
    sys.path.insert(0, str(folder))

from clerk_standin.client import StandIn  # noqa: E402
from httpd import Httpd, module_path  # noqa: E402
from sides import Client, Module, configuration, node  # noqa: E402

# The stand-in's answers that lack what they must have are logged as such.
EXPECTED = r"Clerk's \S+ gave an answer of HTTP status 200 .*"


def pytest_sessionstart(session):
    """Say at once what is missing."""
    if session.config.option.collectonly:
        return
    try:
        module_path()
    except FileNotFoundError as missing:
        pytest.exit(str(missing), returncode=3)
    if node() is None:
        pytest.exit("no @clerk/backend: run npm ci in test/sdk", returncode=3)


@pytest.fixture(scope="session")
def clerk():
    with StandIn.start() as played:
        current = played.jwks()["keys"][0]
        played.configure(extra_jwks=odd_keys(current))
        yield played


def odd_keys(current):
    """The signing key once more, under names that say something else of it;
    each name is that of a test case."""
    changes = {
        "without_alg": {"alg": None}, "for_rs384": {"alg": "RS384"},
        "for_rs512": {"alg": "RS512"}, "for_ps256": {"alg": "PS256"},
        "for_encryption": {"use": "enc"}, "without_use": {"use": None},
        "of_ec": {"kty": "EC"}, "of_oct": {"kty": "oct", "k": "AAAA"},
        "to_sign": {"key_ops": ["sign"]},
        "to_verify": {"key_ops": ["verify"]},
        "without_modulus": {"n": None}, "exponent_one": {"e": "AQ"},
    }
    return [{name: value
             for name, value in {**current, **change, "kid": kid}.items()
             if value is not None}
            for kid, change in changes.items()]


@pytest.fixture(scope="session")
def module(clerk):
    server = Httpd(configuration(clerk))
    server.start()
    server.expect_log(EXPECTED, optional=True)
    try:
        yield Module(server)
        server.stop()
        faults = server.faults(clerk.secrets)
    finally:
        server.stop()
        server.remove()
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="session")
def sdk(clerk):
    return Client(clerk)
