"""Many connections in one thread: who is answered when, and with what.

For all that is about single answers; wrk is for how many a second.
"""

import collections
import gc
import selectors
import socket
import time

PATIENCE = 60

# at: when it was due, since the run began; seconds: from then to the answer's
# end; status: 0 when the connection ended without one; request: what was sent.
Answer = collections.namedtuple("Answer", "at seconds status request")


class CrowdFault(Exception):
    """Requests that were never answered."""


class _Line:
    """One connection, and what is under way on it."""

    def __init__(self, port):
        self.port = port
        self.sock = None
        self.due = None
        self.data = b""
        self.request = None
        self.again = False

    def open(self):
        self.sock = socket.create_connection(("127.0.0.1", self.port),
                                             PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None


def request(path, token=None, field=None):
    """The bytes of a GET."""
    if field is None and token:
        field = f"Bearer {token}"
    extra = f"Authorization: {field}\r\n" if field is not None else ""
    return (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{extra}"
            "\r\n").encode("ascii")


class Crowd:
    """So many connections to a server, all kept alive."""

    def __init__(self, port, connections):
        self._selector = selectors.DefaultSelector()
        self._lines = [_Line(port) for _ in range(connections)]
        self._began = 0.0
        self.answers = []
        for line in self._lines:
            self._open(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for line in self._lines:
            line.close()
        self._selector.close()

    def together(self, requests, patience=PATIENCE):
        """All at once, each on its own connection: their answers."""
        return self.run(((0.0, data) for data in requests), patience)

    def paced(self, requests, per_second, seconds, patience=PATIENCE):
        """All of these so many times a second, evenly. An answer's time counts
        from when its request was due, so that those that had to wait for a
        connection count in full."""
        count = int(per_second * seconds)
        return self.run(((number / per_second, data)
                         for number in range(count) for data in requests),
                        patience)

    def each(self, requests, patience=PATIENCE):
        """One after the other, as fast as the connections allow; times count
        from sending."""
        return self.run(((None, data) for data in requests), patience)

    def run(self, source, patience=PATIENCE):
        """Send what `source` yields, pairs of when (None: at once) and what,
        until it ends and all is answered."""
        self.answers = answers = []
        idle = list(reversed(self._lines))
        gc_was_on = gc.isenabled()
        gc.disable()
        self._began = time.monotonic()
        try:
            self._loop(iter(source), idle, answers, patience)
        finally:
            if gc_was_on:
                gc.enable()
        return answers

    def _loop(self, source, idle, answers, patience):
        following, busy, last = next(source, None), 0, time.monotonic()
        while following or busy:
            now = time.monotonic() - self._began
            while following and idle and (following[0] is None
                                          or following[0] <= now):
                self._send(idle.pop(), following, now)
                busy += 1
                following = next(source, None)
            wait = 1.0
            if following and following[0] is not None and idle:
                wait = max(0.0, following[0] - now)
            for key, _ in self._selector.select(min(wait, 1.0)):
                answer = self._receive(key.data)
                if answer:
                    answers.append(answer)
                    idle.append(key.data)
                    busy -= 1
                    last = time.monotonic()
            if busy and time.monotonic() - last > patience:
                raise CrowdFault(f"{busy} requests were not answered within "
                                 f"{patience} s")

    def _send(self, line, what, now):
        line.due = now if what[0] is None else what[0]
        line.data = b""
        if line.sock is None:
            self._open(line)
        try:
            line.sock.sendall(what[1])
        except OSError:
            # It was closed while idle; once more on a new one.
            self._reopen(line)
            line.sock.sendall(what[1])
        line.request, line.again = what[1], True

    def _receive(self, line):
        """The answer when it is complete; None meanwhile."""
        try:
            piece = line.sock.recv(65536)
        except OSError:
            piece = b""
        if not piece:
            return self._ended(line)
        if line.due is None:
            return None
        data = line.data = line.data + piece
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = data[:end + 2].lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17:head.index(b"\r\n", at + 17)]) if (
            at >= 0) else 0
        if len(data) < end + 4 + length:
            return None
        answer = self._answered(line, int(data[9:12]))
        if b"\r\nconnection: close" in head:
            self._reopen(line)
        return answer

    def _ended(self, line):
        """The server hung up: on an idle connection it may."""
        due, again = line.due, line.again and not line.data
        self._reopen(line)
        if due is None:
            return None
        line.due = due
        if again:
            # It was closing when the request came; once more, as any client
            # does, but only once.
            line.again = False
            line.sock.sendall(line.request)
            return None
        return self._answered(line, 0)

    def _answered(self, line, status):
        at, line.due, line.data = line.due, None, b""
        return Answer(at, time.monotonic() - self._began - at, status,
                      line.request)

    def _open(self, line):
        line.open()
        self._selector.register(line.sock, selectors.EVENT_READ, line)

    def _reopen(self, line):
        self._selector.unregister(line.sock)
        line.close()
        line.due, line.data = None, b""
        self._open(line)


def statuses(answers):
    """How many of each status."""
    return collections.Counter(answer.status for answer in answers)


def percentile(times, share):
    """The time within which this share was answered."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def seconds(answers):
    """How long each took."""
    return [answer.seconds for answer in answers]
