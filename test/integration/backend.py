"""The application behind mod_proxy: it remembers and repeats what it saw."""

import http.server
import json
import threading


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        seen = {"method": self.command, "path": self.path,
                "headers": list(self.headers.items()),
                "body": self.rfile.read(length).decode("latin-1")}
        self.server.requests.append(seen)
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = do_DELETE = _answer

    def log_message(self, *_args):
        pass


class Backend:
    """An HTTP server in a thread of the test process."""

    def __init__(self):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                       _Handler)
        self._server.daemon_threads = True
        self._server.requests = []
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self):
        return self._server.requests

    def clear(self):
        self._server.requests.clear()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def header(seen, name):
    """The values of one header among those that the application saw."""
    return [v for k, v in seen["headers"] if k.lower() == name.lower()]


def identity(seen):
    """Every header whose name reads as X-Clerk-…, whatever its spelling."""
    return {k: v for k, v in seen["headers"]
            if k.lower().replace("_", "-").startswith("x-clerk-")}
