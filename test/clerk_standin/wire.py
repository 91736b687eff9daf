"""HTTP/1.1 as bytes: reading requests strictly, and writing responses."""

import json
import time
from email.utils import formatdate
from typing import Any, Optional
from urllib.parse import parse_qsl

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 1024 * 1024

REASONS = {200: "OK", 201: "Created", 204: "No Content", 302: "Found",
           303: "See Other", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           408: "Request Timeout", 413: "Content Too Large",
           415: "Unsupported Media Type", 422: "Unprocessable Content",
           429: "Too Many Requests", 500: "Internal Server Error",
           502: "Bad Gateway", 503: "Service Unavailable",
           504: "Gateway Timeout", 520: "Web Server Returned Unknown Error"}


class BadRequest(Exception):
    """The bytes received are no acceptable HTTP request."""

    def __init__(self, reason: str, status: int = 400):
        super().__init__(reason)
        self.status = status


class Request:
    """One request as it came."""

    __slots__ = ("method", "target", "path", "query", "version", "headers",
                 "body", "connection", "_index")

    def __init__(self, method: str, target: str, version: str,
                 headers: list[tuple[str, str]]):
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.version = version
        self.headers = headers
        self.body = b""
        self.connection = 0
        self._index: dict[str, list[str]] = {}
        for name, value in headers:
            self._index.setdefault(name.lower(), []).append(value)

    def values(self, name: str) -> list[str]:
        """All values of a header field; the name in lower case."""
        return self._index.get(name, [])

    def value(self, name: str) -> Optional[str]:
        """The only value of a header field, or None."""
        values = self._index.get(name)
        return values[0] if values else None

    def content_type(self) -> str:
        return (self.value("content-type") or "").partition(";")[0].strip(
            ).lower()

    def query_pairs(self) -> list[tuple[str, str]]:
        if not self.query:
            return []
        return parse_qsl(self.query, keep_blank_values=True)

    def keeps_alive(self) -> bool:
        options = ",".join(self.values("connection")).lower()
        if self.version == "HTTP/1.0":
            return "keep-alive" in options
        return "close" not in options

    def record(self) -> dict:
        """What a test gets to see of it."""
        return {"method": self.method, "target": self.target,
                "path": self.path, "query": self.query,
                "headers": [list(pair) for pair in self.headers],
                "body": self.body.decode("utf-8", "replace"),
                "connection": self.connection}


class Response:
    """One response.  A dict or list as body becomes JSON."""

    __slots__ = ("status", "body", "headers")

    def __init__(self, status: int, body: Any = b"",
                 content_type: str = "application/json",
                 headers: Optional[list[tuple[str, str]]] = None):
        self.status = status
        if isinstance(body, (dict, list)):
            body = json.dumps(body, separators=(",", ":")).encode()
        elif isinstance(body, str):
            body = body.encode()
        self.body: bytes = body
        self.headers = list(headers or [])
        if body and content_type:
            self.headers.insert(0, ("Content-Type", content_type))

    def head(self, keep: bool, length: Optional[int] = None,
             chunked: bool = False) -> bytes:
        """Status line and header fields with the blank line."""
        reason = REASONS.get(self.status, "Status")
        lines = [f"HTTP/1.1 {self.status} {reason}", f"Date: {_date()}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        elif self.status != 204:
            size = len(self.body) if length is None else length
            lines.append(f"Content-Length: {size}")
        if not keep:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


_date_cache = (0, "")


def _date() -> str:
    global _date_cache
    now = int(time.time())
    if _date_cache[0] != now:
        _date_cache = (now, formatdate(now, usegmt=True))
    return _date_cache[1]


class Reader:
    """Reads requests from a socket."""

    def __init__(self, sock):
        self.sock = sock
        self._buffer = b""

    def request(self) -> Optional[Request]:
        """The next request; None at the end of the connection."""
        head = self._head()
        if head is None:
            return None
        request = _parse_head(head)
        length, chunked = _framing(request)
        if "100-continue" in (request.value("expect") or "").lower():
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.body = self._chunked() if chunked else self._exactly(length)
        return request

    def _more(self) -> bool:
        data = self.sock.recv(65536)
        self._buffer += data
        return bool(data)

    def _head(self) -> Optional[bytes]:
        while True:
            # an empty line before a request is tolerated (RFC 9112, 2.2)
            self._buffer = self._buffer.lstrip(b"\r\n")
            end = self._buffer.find(b"\r\n\r\n")
            if end >= 0:
                head = self._buffer[:end]
                self._buffer = self._buffer[end + 4:]
                return head
            if len(self._buffer) > HEAD_LIMIT:
                raise BadRequest("header too large")
            if not self._more():
                if self._buffer:
                    raise BadRequest("connection ended within a header")
                return None

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if not self._more():
                raise BadRequest("connection ended within a body")
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > HEAD_LIMIT or not self._more():
                raise BadRequest("bad chunked body")
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _chunked(self) -> bytes:
        body = b""
        while True:
            try:
                size = int(self._line().split(b";")[0], 16)
            except ValueError:
                raise BadRequest("bad chunk size") from None
            if size < 0 or len(body) + size > BODY_LIMIT:
                raise BadRequest("body too large", 413)
            if size == 0:
                while self._line():
                    pass
                return body
            body += self._exactly(size)
            if self._line():
                raise BadRequest("bad chunk")


def _parse_head(head: bytes) -> Request:
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest("bad request line")
    method, target, version = parts
    if not method.isalpha() or not target.startswith("/"):
        raise BadRequest("bad request line")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or " " in name:
            raise BadRequest("bad header field")
        if any(ord(c) < 32 and c != "\t" for c in value):
            raise BadRequest("control character in a header field")
        headers.append((name, value.strip(" \t")))
    request = Request(method, target, version, headers)
    if version == "HTTP/1.1" and len(request.values("host")) != 1:
        raise BadRequest("not exactly one Host")
    return request


def _framing(request: Request) -> tuple[int, bool]:
    lengths = request.values("content-length")
    codings = request.values("transfer-encoding")
    if codings:
        if lengths or [c.lower() for c in codings] != ["chunked"]:
            raise BadRequest("bad framing")
        return 0, True
    if not lengths:
        return 0, False
    if len(lengths) != 1 or not lengths[0].isdecimal():
        raise BadRequest("bad Content-Length")
    if int(lengths[0]) > BODY_LIMIT:
        raise BadRequest("body too large", 413)
    return int(lengths[0]), False
