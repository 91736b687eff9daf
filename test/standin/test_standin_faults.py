"""Misbehaviour on demand, and that control goes on working meanwhile."""

import http.client
import json
import socket
import threading
import time

import pytest

KEYS = "/.well-known/jwks.json"


def raw_get(standin, path=KEYS, timeout=5):
    """All bytes that come back until the connection ends."""
    data = b""
    with socket.create_connection(("127.0.0.1", standin.port),
                                  timeout=timeout) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n"
                     f"Connection: close\r\n\r\n".encode())
        while True:
            piece = sock.recv(65536)
            if not piece:
                return data
            data += piece


def test_status(call, standin):
    standin.fault("jwks", "status", code=429, retry_after=3)
    answer = call("GET", KEYS)
    assert (answer.status, answer.code) == (429, "too_many_requests")
    assert answer.headers["Retry-After"] == "3"
    assert answer.json["errors"][0]["meta"] == {"ResetsIn": 3}
    standin.clear()
    standin.fault("jwks", "status", code=500)
    assert call("GET", KEYS).code == "internal_clerk_error"


def test_times(call, standin):
    standin.fault("jwks", "status", times=2, code=503)
    statuses = [call("GET", KEYS).status for _ in range(4)]
    assert statuses == [503, 503, 200, 200]


def test_only_the_endpoint_named(call, standin):
    standin.fault("token_info", "status", code=503)
    assert call("GET", KEYS).status == 200
    standin.fault("*", "status", code=504)
    assert call("GET", KEYS).status == 504
    assert call.token_info("x").status == 503


def test_html(call, standin):
    standin.fault("jwks", "html", code=520)
    answer = call("GET", KEYS)
    assert answer.status == 520
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["cf-ray"]


def test_garbage(call, standin):
    standin.fault("jwks", "garbage")
    answer = call("GET", KEYS)
    assert answer.status == 200
    with pytest.raises(ValueError):
        json.loads(answer.body)
    standin.clear()
    standin.fault("jwks", "garbage_http")
    assert not raw_get(standin).startswith(b"HTTP/")


def test_oversize(call, standin):
    token = standin.mint()
    standin.fault("token_info", "oversize", bytes=300000)
    answer = call.token_info(token)
    assert len(answer.body) == pytest.approx(300000, abs=100)
    assert answer.json["active"] is True


def test_delay_goes_with_other_faults(call, standin):
    standin.fault("jwks", "delay", seconds=0.3)
    standin.fault("jwks", "status", code=503)
    begin = time.monotonic()
    assert call("GET", KEYS).status == 503
    assert 0.3 <= time.monotonic() - begin < 2


def test_hang_until_clear(standin):
    standin.fault("jwks", "hang")
    begin = time.monotonic()
    threading.Timer(0.4, standin.clear).start()
    assert raw_get(standin) == b""
    assert 0.3 <= time.monotonic() - begin < 3
    assert standin.calls("jwks") == 1
    assert raw_get(standin).startswith(b"HTTP/1.1 200 ")


def test_hanging_calls_do_not_block_others(call, standin):
    standin.fault("jwks", "hang")
    hanging = []
    for _ in range(40):
        sock = socket.create_connection(("127.0.0.1", standin.port))
        sock.sendall(f"GET {KEYS} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        hanging.append(sock)
    token = standin.mint()
    assert call.token_info(token).json["active"] is True
    for sock in hanging:
        sock.close()


def test_close_and_reset(standin):
    standin.fault("jwks", "close")
    assert raw_get(standin) == b""
    standin.clear()
    standin.fault("jwks", "reset")
    with pytest.raises(ConnectionResetError):
        raw_get(standin)


def test_truncated_and_wrong_lengths(call, standin):
    standin.fault("jwks", "truncated")
    with pytest.raises(http.client.IncompleteRead):
        call("GET", KEYS)
    standin.clear()
    standin.fault("jwks", "wrong_content_length", difference=10)
    with pytest.raises(http.client.IncompleteRead):
        call("GET", KEYS)
    standin.clear()
    standin.fault("jwks", "wrong_content_length", difference=-5)
    with pytest.raises(ValueError):
        json.loads(call("GET", KEYS).body)


def test_endless(standin):
    standin.fault("jwks", "endless", interval=0.01)
    threading.Timer(0.5, standin.clear).start()
    data = raw_get(standin)
    assert b"Transfer-Encoding: chunked" in data
    assert data.count(b"\r\n10\r\n") > 5
    assert not data.endswith(b"0\r\n\r\n")


def test_slow_headers_and_body(call, standin):
    for kind in ("slow_headers", "slow_body"):
        standin.fault("jwks", kind, seconds=0.4)
        begin = time.monotonic()
        assert call("GET", KEYS).json["keys"]
        assert time.monotonic() - begin >= 0.3
        standin.clear()


def test_redirect(call, standin):
    standin.fault("jwks", "redirect", to="http://127.0.0.1:1/")
    answer = call("GET", KEYS)
    assert answer.status == 302
    assert answer.headers["Location"] == "http://127.0.0.1:1/"


def test_gzip_bomb(call, standin):
    standin.fault("jwks", "gzip_bomb", bytes=4 * 2 ** 20)
    answer = call("GET", KEYS)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 100000


def test_answer(call, standin):
    standin.answer("jwks", 418, b"\x00\xff", "application/x-odd",
                   {"X-Odd": "1"}, times=1)
    answer = call("GET", KEYS)
    assert (answer.status, answer.body) == (418, b"\x00\xff")
    assert answer.headers["Content-Type"] == "application/x-odd"
    assert answer.headers["X-Odd"] == "1"
    assert call("GET", KEYS).status == 200
    standin.answer("jwks", body={"keys": []})
    assert call("GET", KEYS).json == {"keys": []}


def test_patch(call, standin):
    token = standin.mint()
    standin.patch("token_info", sub=None, iat="yesterday", active=1)
    answer = call.token_info(token).json
    assert "sub" not in answer
    assert (answer["iat"], answer["active"]) == ("yesterday", 1)
    standin.clear()
    assert call.token_info(token).json["active"] is True


def test_wrong_orders_are_refused(standin):
    from clerk_standin.client import StandInError
    for order in (lambda: standin.fault("nowhere", "hang"),
                  lambda: standin.fault("jwks", "nothing"),
                  lambda: standin.fault("jwks", "delay"),
                  lambda: standin.fault("jwks", "status", colour=1),
                  lambda: standin.mint("nothing"),
                  lambda: standin.mint(colour="red"),
                  lambda: standin.configure(nothing=1),
                  lambda: standin.configure(dcr="yes"),
                  lambda: standin.revoke(standin.mint_jwt()),
                  lambda: standin.calls("nowhere")):
        with pytest.raises(StandInError):
            order()


def test_pause_and_resume(call, standin):
    kept = http.client.HTTPConnection("127.0.0.1", standin.port, timeout=5)
    kept.request("GET", KEYS)
    assert kept.getresponse().read()
    standin.pause_listening()
    try:
        with pytest.raises(ConnectionRefusedError):
            call("GET", KEYS)
        # the connection that was open has ended
        assert kept.sock.recv(1) == b""
        assert standin.calls("jwks") == 1
    finally:
        standin.resume()
        kept.close()
    assert call("GET", KEYS).status == 200


@pytest.mark.parametrize("reset", [False, True])
def test_dropped_connections(standin, reset):
    with socket.create_connection(("127.0.0.1", standin.port),
                                  timeout=5) as sock:
        sock.sendall(f"GET {KEYS} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        standin.drop_connections(reset=reset)
        if reset:
            with pytest.raises(ConnectionResetError):
                sock.recv(1)
        else:
            assert sock.recv(1) == b""
