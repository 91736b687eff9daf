"""Servers of the outside world that a test needs beside Clerk: a forward
proxy, a port that never answers, and a redis-server."""

import http.client
import http.server
import pathlib
import select
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from urllib.parse import urlsplit

from httpd import free_port


class _ProxyHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.server.seen.append((self.command, self.path))
        target = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        onward = http.client.HTTPConnection(target.netloc, timeout=10)
        onward.request(self.command, target.path, self.rfile.read(length),
                       {k: v for k, v in self.headers.items()
                        if not k.lower().startswith("proxy-")})
        answer = onward.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        onward.close()

    do_GET = do_POST

    def do_CONNECT(self):
        self.server.seen.append((self.command, self.path))
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port)), 10) as onward:
            self.send_response(200)
            self.end_headers()
            ends = [self.connection, onward]
            while True:
                for end in select.select(ends, [], [], 10)[0]:
                    data = end.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    ends[1 - ends.index(end)].sendall(data)

    def log_message(self, *_args):
        pass


class _Proxy(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


class ForwardProxy:
    """An HTTP proxy that remembers what it was asked for."""

    def __init__(self):
        self._server = _Proxy(("127.0.0.1", 0), _ProxyHandler)
        self._server.seen = []
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        daemon=True)
        self._thread.start()

    @property
    def seen(self):
        return self._server.seen

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class SilentPort:
    """A port whose connections are never established: its queue is full."""

    def __init__(self):
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self._waiting = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(self._listener.getsockname())
            self._waiting.append(sock)
        self.port = self._listener.getsockname()[1]

    def close(self):
        for sock in [*self._waiting, self._listener]:
            sock.close()


class Redis:
    """A redis-server without persistence, and just enough of its protocol."""

    def __init__(self):
        program = shutil.which("redis-server")
        assert program, "redis-server is not installed (apt: redis-server)"
        self.port = free_port()
        self._directory = tempfile.mkdtemp(prefix="mac-redis-")
        self._process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1",
             "--save", "", "--appendonly", "no", "--dir", self._directory],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                self._socket = socket.create_connection(
                    ("127.0.0.1", self.port), 5)
                break
            except OSError:
                assert time.monotonic() < deadline, "redis does not answer"
                time.sleep(0.02)
        self._file = self._socket.makefile("rb")

    def command(self, *words):
        parts = [w if isinstance(w, bytes) else str(w).encode()
                 for w in words]
        data = b"*%d\r\n" % len(parts)
        data += b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)
        self._socket.sendall(data)
        return self._reply()

    def _reply(self):
        line = self._file.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        assert kind != b"-", line
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        if kind == b"$":
            if int(rest) < 0:
                return None
            data = self._file.read(int(rest) + 2)
            return data[:-2]
        return rest

    def records(self):
        """Every key with its value."""
        return {key: self.command("GET", key)
                for key in self.command("KEYS", "*")}

    def close(self):
        """End it; harmless when it has ended already."""
        if self._process.returncode is not None:
            return
        self._file.close()
        self._socket.close()
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(pathlib.Path(self._directory), ignore_errors=True)
