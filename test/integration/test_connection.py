"""The client's `Connection` never takes an identity off on its way to a
proxied application, however it is written, and however long it is."""

import pytest

from backend import header, identity
from client import raw
from confs import introspection, location

USER = "user_2connectconnectconnect"
NAME = "X-Clerk-User-Id"

VALUES = [
    NAME, NAME.upper(), NAME.lower(), f"close, {NAME}", f"x;{NAME}",
    f"foo {NAME}", f"foo\t{NAME}", f"foo \t {NAME}\t", f",;,{NAME};,",
    f'"{NAME}"', f'"foo" {NAME}', f'foo"bar {NAME}', f'"a\\" {NAME}',
    f'"foo {NAME}', f"'{NAME}'", f"{NAME};q=1", f"{NAME} ; x",
    f"upgrade;{NAME},X-Clerk-Subject X-CLERK-SCOPES\tX-Clerk-Iat",
    f"keep-alive;{NAME};{NAME} {NAME},{NAME}", f"({NAME})", f"={NAME}",
    f"X_Clerk_User_Id {NAME}", f"x;;;;{NAME}", f"\t{NAME}",
]


@pytest.fixture(scope="module")
def httpd(serve, standin, backend_url):
    proxy = f"ProxyPass {backend_url}"
    conf = [introspection(standin), "ClerkAudience any",
            "ClerkExportClaim iat",
            location("/p", "ClerkPass headers", proxy),
            location("/both", "ClerkPass both", "ClerkPassToken On", proxy)]
    return serve("\n".join(conf), modules=["proxy", "proxy_http"])


def send(httpd, token, *values, path="/p/thing"):
    return raw(httpd.port, f"GET {path} HTTP/1.1",
               f"Authorization: Bearer {token}", f"{NAME}: forged",
               *[f"Connection: {value}" for value in values])


@pytest.mark.parametrize("path", ["/p/thing", "/both/thing"])
@pytest.mark.parametrize("value", VALUES)
def test_the_identity_arrives(httpd, clerk, backend, value, path):
    token = clerk.mint(subject=USER, scopes=["profile"])
    answer = send(httpd, token, value, path=path)
    assert answer.status == 200, answer
    [seen] = backend.requests
    assert "forged" not in str(seen)
    assert header(seen, NAME) == [USER]
    assert {"X-Clerk-Subject", "X-Clerk-Scopes",
            "X-Clerk-Iat"} <= set(identity(seen))


def test_several_fields_are_one(httpd, clerk, backend):
    token = clerk.mint(subject=USER)
    assert send(httpd, token, "x", NAME, f"foo {NAME}", "y").status == 200
    assert header(backend.requests[0], NAME) == [USER]


def test_what_else_it_names_is_still_taken_off(httpd, clerk, backend):
    answer = raw(httpd.port, "GET /p/thing HTTP/1.1",
                 f"Authorization: Bearer {clerk.mint(subject=USER)}",
                 "X-Mine: hop", "X-Other: stays",
                 f"Connection: x;{NAME} X-Mine")
    assert answer.status == 200, answer
    [seen] = backend.requests
    assert header(seen, "X-Mine") == [] and header(seen, NAME) == [USER]
    assert header(seen, "X-Other") == ["stays"]


def memory(httpd):
    """VmRSS of all children, in kB."""
    parent = httpd.process.pid
    total = 0
    with open(f"/proc/{parent}/task/{parent}/children") as stream:
        for pid in stream.read().split():
            with open(f"/proc/{pid}/status") as status:
                total += sum(int(line.split()[1]) for line in status
                             if line.startswith("VmRSS"))
    return total


LONG = ["a," * 4000, "clerk," + "a," * 3900, "a;" * 3900 + NAME,
        "X-Clerk-A " * 800, ",;" * 3900 + NAME, "clerk" + "\t" * 7900,
        '"' * 7900 + "clerk"]


def test_long_ones_cost_no_memory(httpd, clerk, backend):
    token = clerk.mint(subject=USER)
    for value in LONG * 2:
        assert len(value) < 8100
        assert send(httpd, token, value).status == 200
    before = memory(httpd)
    for turn in range(50):
        assert send(httpd, token, LONG[turn % len(LONG)]).status == 200
    assert before > 1000 and memory(httpd) < before + 12 * 1024
    for seen in backend.requests:
        assert header(seen, NAME) == [USER]
