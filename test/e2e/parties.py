"""The parties that are programs for Node: MCP clients and the MCP server.

Owns their processes and the lines that they speak. What they are told to do
is a test's business; what they do then is the SDK's.
"""

import hashlib
import json
import pathlib
import queue
import subprocess
import threading

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 40  # seconds


def node():
    """The interpreter that npm installed, or None."""
    found = sorted(HERE.glob("node_modules/node-linux-*/bin/node"))
    return found[0] if found else None


def fingerprint(secret):
    """What stands for a token in everything that a client tells."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


class Program:
    """A process that speaks JSON lines."""

    def __init__(self, name, *arguments):
        self.process = subprocess.Popen(
            [node(), HERE / name, *arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def next_line(self):
        line = self.lines.get(timeout=PATIENCE)
        assert line is not None, f"ended with {self.process.wait()}"
        return line

    def stop(self):
        """Both programs end with their standard input."""
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        self.process.stdout.close()


class Server(Program):
    """The MCP server, which tells every request that has ended."""

    def __init__(self):
        super().__init__("server.mjs", "--trace")
        self.url = self.next_line()["url"]
        self.requests = []

    def seen(self, path="/mcp", **wanted):
        """The requests so far that have these members."""
        while not self.lines.empty():
            self.requests.append(self.next_line())
        return [request for request in self.requests
                if request["url"] == path
                and all(request[name] == value
                        for name, value in wanted.items())]

    def clear(self):
        self.seen()
        self.requests = []


class ClientError(Exception):
    """What the SDK threw: name, code and status, where it has them."""

    def __init__(self, told):
        super().__init__(f"{told['name']}: {told['message']}")
        self.name, self.code = told["name"], told["code"]
        # 1.x has the HTTP status as its code
        self.status = told["status"] or told["code"]


class Client(Program):
    """A driver around an SDK's client; see driver.mjs for orders and options.

    `requests` are those that the SDK made for the last order.
    """

    def __init__(self, kind, url, **options):
        self.url, self.requests = url, []
        super().__init__(f"client_{kind}.mjs",
                         json.dumps({"url": url, **options}))

    def order(self, order, **more):
        self.process.stdin.write(json.dumps({"order": order, **more}) + "\n")
        self.process.stdin.flush()
        answer = self.next_line()
        self.requests = answer["requests"]
        if "error" in answer:
            raise ClientError(answer["error"])
        return answer["value"]

    def connect(self):
        return self.order("connect")

    def tools(self):
        return self.order("tools")

    def call(self, name, **args):
        """What the tool answered."""
        return self.order("call", name=name, args=args)["value"]

    def start(self, ticket, name, **args):
        self.order("start", ticket=ticket, name=name, args=args)

    def finish(self, ticket, order="finish"):
        """How a call ended that was started: its answer, or ClientError."""
        ended = self.order(order, ticket=ticket)
        if "error" in ended:
            raise ClientError(ended["error"])
        return ended["value"]

    @property
    def state(self):
        requests = self.requests
        try:
            return self.order("state")
        finally:
            self.requests = requests

    def token(self, clerk):
        """The access token itself, among those that Clerk has issued."""
        wanted = self.state["token"]
        [token] = [known for known in clerk.secrets
                   if fingerprint(known) == wanted]
        return token

    def way(self):
        """Path and status of the last order's requests, but for the session's
        own stream, which is opened when the SDK gets to it."""
        own = ("GET", self.url.partition("//")[2].partition("/")[2])
        return [(request["path"], request["status"])
                for request in self.requests
                if (request["method"], request["path"][1:]) != own]

    def told(self, *members, **wanted):
        """Of the last order's requests with these members, some others."""
        return [tuple(request.get(name) for name in members)
                for request in self.requests
                if all(request.get(name) == value
                       for name, value in wanted.items())]
