"""Fixtures: a stand-in, and a client to speak with it."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from caller import Caller  # noqa: E402
from clerk_standin.client import StandIn  # noqa: E402


@pytest.fixture(scope="module")
def shared_standin():
    with StandIn.start() as running:
        yield running


@pytest.fixture
def standin(shared_standin):
    """A stand-in without faults and with counters at zero; settings that a
    test changed are its own to restore."""
    shared_standin.clear()
    shared_standin.reset()
    yield shared_standin
    shared_standin.clear()


@pytest.fixture
def call(standin):
    return Caller(standin)
