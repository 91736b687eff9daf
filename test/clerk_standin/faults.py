"""Carrying out the faults: answers that a client must survive."""

import gzip
import inspect
import json
import select
import socket
import struct
import time
from typing import Callable

from .errors import status_error
from .records import Order, Orders
from .wire import Response

# what html() says Cloudflare would say
_PAGE = ("<html>\r\n<head><title>{code}</title></head>\r\n<body><center><h1>"
         "{code}</h1></center><hr><center>cloudflare</center></body>\r\n"
         "</html>\r\n")

STEP = 0.05


class Line:
    """The connection as a fault sees it."""

    def __init__(self, sock: socket.socket, orders: Orders):
        self.sock = sock
        self._orders = orders
        self._generation = orders.generation
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def goes_on(self, seconds: float) -> bool:
        """Wait; False as soon as the client has gone or faults were
        cleared."""
        until = time.monotonic() + seconds
        while True:
            if self._orders.generation != self._generation:
                return False
            left = until - time.monotonic()
            if left <= 0:
                return True
            if self._poll.poll(min(left, STEP) * 1000) and (
                    not self.sock.recv(4096)):
                return False


def carry_out(order: Order, response: Response, line: Line) -> bool:
    """Answer as ordered.  True if the connection may be used further."""
    return _ACTIONS[order.kind](line, response, **order.params)


def _send(line: Line, response: Response) -> bool:
    line.sock.sendall(response.head(True) + response.body)
    return True


def _hang(line: Line, response: Response) -> bool:
    while line.goes_on(3600):
        pass
    return False


def reset(sock: socket.socket) -> None:
    """Make the coming close() send RST."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
    except OSError:
        pass  # closed already


def _reset(line: Line, response: Response) -> bool:
    reset(line.sock)
    return False


def _close(line: Line, response: Response) -> bool:
    return False


def _truncated(line: Line, response: Response) -> bool:
    half = response.body[:len(response.body) // 2]
    line.sock.sendall(response.head(False) + half)
    return False


def _status(line: Line, response: Response, code: int = 503,
            retry_after=None) -> bool:
    return _send(line, status_error(code, retry_after))


def _html(line: Line, response: Response, code: int = 502) -> bool:
    return _send(line, Response(
        code, _PAGE.format(code=code), "text/html; charset=UTF-8",
        [("cf-ray", "8f0a1b2c3d4e5f60-FRA"), ("Server", "cloudflare")]))


def _garbage(line: Line, response: Response) -> bool:
    return _send(line, Response(200, b'{"active": tru\x00\xff\xfe, ]'))


def _garbage_http(line: Line, response: Response) -> bool:
    line.sock.sendall(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
    return False


def _oversize(line: Line, response: Response, bytes: int = 2 ** 20) -> bool:
    try:
        members = json.loads(response.body)
        members["padding"] = ""
        spare = max(0, bytes - len(json.dumps(members)))
        members["padding"] = "x" * spare
        body = json.dumps(members).encode()
    except (ValueError, TypeError):
        body = b"x" * bytes
    return _send(line, Response(200, body))


def _endless(line: Line, response: Response, interval: float = STEP,
             bytes: int = 16) -> bool:
    line.sock.sendall(response.head(False, chunked=True))
    chunk = f"{bytes:x}\r\n".encode() + b" " * bytes + b"\r\n"
    while line.goes_on(interval):
        line.sock.sendall(chunk)
    return False


def _redirect(line: Line, response: Response, to: str = "",
              code: int = 302) -> bool:
    return _send(line, Response(code, b"", headers=[("Location", to)]))


def _gzip_bomb(line: Line, response: Response,
               bytes: int = 64 * 2 ** 20) -> bool:
    packed = gzip.compress(b'{"x":"' + b" " * bytes + b'"}', 6)
    return _send(line, Response(200, packed,
                                headers=[("Content-Encoding", "gzip")]))


def _wrong_content_length(line: Line, response: Response,
                          difference: int = -5) -> bool:
    """A length that is off by `difference`; what is too long then ends with
    the connection, what is too short leaves bytes behind."""
    length = max(0, len(response.body) + difference)
    line.sock.sendall(response.head(True, length) + response.body)
    return difference < 0


def _trickle(line: Line, data: bytes, seconds: float) -> bool:
    pause = seconds / max(1, len(data))
    for offset in range(len(data)):
        if not line.goes_on(pause):
            return False
        line.sock.sendall(data[offset:offset + 1])
    return True


def _slow_headers(line: Line, response: Response, seconds: float = 30) -> bool:
    if not _trickle(line, response.head(True), seconds):
        return False
    line.sock.sendall(response.body)
    return True


def _slow_body(line: Line, response: Response, seconds: float = 30) -> bool:
    line.sock.sendall(response.head(True))
    return _trickle(line, response.body, seconds)


_ACTIONS: dict[str, Callable[..., bool]] = {
    "hang": _hang, "reset": _reset, "close": _close, "truncated": _truncated,
    "status": _status, "html": _html, "garbage": _garbage,
    "garbage_http": _garbage_http, "oversize": _oversize, "endless": _endless,
    "redirect": _redirect, "gzip_bomb": _gzip_bomb,
    "wrong_content_length": _wrong_content_length,
    "slow_headers": _slow_headers, "slow_body": _slow_body}


def check_params(kind: str, params: dict) -> None:
    """ValueError for a parameter that the fault does not have."""
    if kind == "delay":
        known = {"seconds"}
        if "seconds" not in params:
            raise ValueError("delay needs seconds")
    else:
        known = set(inspect.signature(_ACTIONS[kind]).parameters) - {
            "line", "response"}
    if not set(params) <= known:
        raise ValueError(f"{kind} takes {', '.join(sorted(known)) or 'none'}")
