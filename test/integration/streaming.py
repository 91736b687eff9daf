"""An application that answers as an MCP server or a careless one does: any
status and header on demand, streams that go on when a test says so."""

import http.server
import json
import threading
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

PATIENCE = 15


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        application = self.server.application
        url = urlsplit(self.path)
        wishes = parse_qsl(url.query, keep_blank_values=True)
        length = int(self.headers.get("Content-Length") or 0)
        application.requests.append({
            "method": self.command, "path": url.path,
            "headers": list(self.headers.items()),
            "body": self.rfile.read(length).decode("latin-1")})
        if url.path.endswith("/stream"):
            self._stream(application)
        else:
            wish = dict(wishes)
            self._whole(int(wish.pop("status", 200)), [
                (name, value) for name, value in wishes
                if name not in ("status", "body")], wish.get("body", "said"))

    def _whole(self, status, headers, body):
        data = b"" if status in (204, 304) else body.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _stream(self, application):
        """One event at once; one more each time that the test lets one go;
        meanwhile comments, by which a reader that is gone is noticed."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Mcp-Session-Id", "session-1")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self._chunk(b"id: 0\ndata: first\n\n")
            until = time.monotonic() + PATIENCE
            sent = 0
            while time.monotonic() < until:
                if application.go.acquire(timeout=0.05):
                    sent += 1
                    if application.last.is_set():
                        break
                    self._chunk(f"id: {sent}\ndata: more\n\n".encode())
                elif application.comments.is_set():
                    self._chunk(b":\n\n")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            application.gone.set()
            self.close_connection = True

    def _chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _answer
    do_PATCH = _answer

    def log_message(self, *_args):
        pass


class Application:
    """A server in a thread of the test process. `?status=404&X-A=b&body=c`
    asks for an answer; a path that ends in /stream is a stream."""

    def __init__(self):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                       _Handler)
        self._server.daemon_threads = True
        self._server.application = self
        self.clear()
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        daemon=True)
        self._thread.start()

    def clear(self):
        """Nothing seen, nothing let go, nobody gone."""
        self.requests = []
        self.go = threading.Semaphore(0)
        self.last = threading.Event()
        self.comments = threading.Event()
        self.gone = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def end_streams(self):
        self.last.set()
        self.go.release(10)

    def close(self):
        self.end_streams()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def wish(status=200, *headers, body=None):
    """The query that asks for an answer."""
    pairs = [("status", status), *headers]
    if body is not None:
        pairs.append(("body", body))
    return "?" + urlencode(pairs)


def parsed(data):
    """The events of a stream, as dictionaries."""
    events = []
    for block in data.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines()
                      if ": " in line)
        if fields:
            events.append(fields)
    return events


def rpc(method, **params):
    """A JSON-RPC request, as an MCP client sends it."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method,
                       "params": params}).encode()
