"""A small HTTP client that hides nothing.

Owns connections to the server under test and the shape of a response; header
fields keep their order and their repetitions. Judges nothing.
"""

import http.client
import io
import json
import socket

PATIENCE = 20


class Response:
    """Status, header fields as they came, and the body's bytes."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def one(self, name):
        """The value of a field that may stand once at most, or None."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times: {self}"
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def env(self):
        """What the env program printed: name=value records ending in NUL."""
        assert self.status == 200, self
        records = self.body.decode("utf-8", "surrogateescape").split("\0")
        return dict(r.split("=", 1) for r in records if "=" in r)


class Connection:
    """One kept-alive connection."""

    def __init__(self, port):
        self.http = http.client.HTTPConnection("127.0.0.1", port,
                                               timeout=PATIENCE)

    def send(self, method, path, headers=(), body=None, token=None):
        named = any(name.lower() == "host" for name, _ in headers)
        self.http.putrequest(method, path, skip_accept_encoding=True,
                             skip_host=named)
        for name, value in headers:
            self.http.putheader(name, value)
        if token is not None:
            self.http.putheader("Authorization", f"Bearer {token}")
        if body is not None:
            self.http.putheader("Content-Length", str(len(body)))
        self.http.endheaders(body)

    def receive(self):
        answer = self.http.getresponse()
        return Response(answer.status, answer.getheaders(), answer.read())

    def request(self, *args, **kwargs):
        self.send(*args, **kwargs)
        return self.receive()

    def close(self):
        self.http.close()


class _Bytes:
    """What http.client wants of a socket, over bytes already read."""

    def __init__(self, data):
        self.data = data

    def makefile(self, *_args, **_kwargs):
        return io.BytesIO(self.data)


def exchange(port, data):
    """Send bytes as they are; return all bytes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.sendall(data)
        received = b""
        while chunk := sock.recv(65536):
            received += chunk
    return received


def raw(port, request_line, *fields, body=b"", host="localhost"):
    """One request with exactly these header lines; Host and close added.

    The body of the response is what came after the header, to the last byte,
    so that a HEAD answered with a body is seen.
    """
    lines = [request_line, *fields, f"Host: {host}", "Connection: close"]
    data = b"".join(line.encode("latin-1") + b"\r\n" for line in lines)
    received = exchange(port, data + b"\r\n" + body)
    head, _, rest = received.partition(b"\r\n\r\n")
    parsed = http.client.HTTPResponse(_Bytes(head + b"\r\n\r\n"))
    parsed.begin()
    headers = parsed.getheaders()
    if ("transfer-encoding", "chunked") in [(k.lower(), v.lower())
                                            for k, v in headers]:
        whole = http.client.HTTPResponse(_Bytes(received))
        whole.begin()
        rest = whole.read()
    return Response(parsed.status, headers, rest)
