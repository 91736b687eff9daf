"""What a preflight may cost: nobody who sends one has shown a token."""

import pathlib
import time

import pytest

from confs import instance, location
from discovery import assert_preflight, members

PATH = "/on/many"
MOST = 4000     # kB; a field of a few of them has no business with more


@pytest.fixture(scope="module")
def httpd(serve, standin):
    return serve("LimitRequestFieldSize 32768\n" + instance(standin)
                 + location("/on", "ClerkCORS On"))


def peak(pid):
    """The most memory that a process has had, in kB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


@pytest.fixture
def ask(httpd):
    """A preflight for many headers: the answer, how long it took and how
    much memory, in kB."""
    def request(names):
        answer = httpd.raw(f"OPTIONS {PATH} HTTP/1.1",
                           "Origin: https://app.example",
                           "Access-Control-Request-Method: POST",
                           "Access-Control-Request-Headers: "
                           + ",".join(names))
        return answer

    def measured(names):
        request(["a"])
        child, = httpd.served_by(PATH, 1)
        before, started = peak(child), time.monotonic()
        answer = request(names)
        took = time.monotonic() - started
        assert httpd.served_by(PATH, 2) == {child}
        return answer, took, peak(child) - before
    return measured


@pytest.mark.parametrize("count", [4000, 8000, 16000])
@pytest.mark.parametrize("name", ["a", ""])
def test_very_many_names(ask, count, name):
    """It grows as they do, and not as their square."""
    answer, took, memory = ask([name] * count)
    assert_preflight(answer, headers=[name] if name else [])
    assert members(answer, "Access-Control-Allow-Headers") == {
        "authorization", *filter(None, [name])}
    assert took < 1 and memory < MOST, (took, memory)


def test_very_many_different_names(ask):
    names = [f"x-{n}" for n in range(4000)]
    answer, took, memory = ask(names)
    assert_preflight(answer, headers=names)
    assert took < 1 and memory < MOST, (took, memory)


def test_one_very_long_name(ask):
    answer, took, memory = ask(["a" * 32000])
    assert_preflight(answer, headers=["a" * 32000])
    assert took < 1 and memory < MOST, (took, memory)
