"""Requests: one after the other on one connection, and many with wrk.

Nothing is counted that was not the page: each answer of Connection is compared
byte by byte, and wrk's are by their number, their status and their length.
"""

import collections
import os
import pathlib
import re
import socket
import subprocess

import machine

PATIENCE = 60
SCRIPT = pathlib.Path(__file__).resolve().parent / "requests.lua"
COUNTED = re.compile(r"^counted (.*)$", re.M)

Round = collections.namedtuple("Round", "requests seconds client_cpu")


class WrongAnswer(Exception):
    """An answer was not the page with status 200, so nothing was measured."""


class Connection:
    """One connection that is kept alive."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def end(self):
        """Close it, and wait until the server has closed it too."""
        self._socket.shutdown(socket.SHUT_WR)
        if self._socket.recv(1):
            raise WrongAnswer("an answer that nobody asked for")

    def get(self, path, token=None):
        """One GET: (status, bytes of the head, body)."""
        field = f"Authorization: Bearer {token}\r\n" if token else ""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                             f"{field}\r\n".encode("ascii"))
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more(path)
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if not length:
            raise WrongAnswer(f"{path}: no Content-Length in {head!r}")
        while len(body) < int(length[1]):
            body += self._more(path)
        return int(head.split()[1]), len(head) + 4, body

    def get_page(self, path, page, token=None):
        """One GET that must be answered with the page: bytes received."""
        status, head, body = self.get(path, token)
        if status != 200 or body != page:
            raise WrongAnswer(f"{path}: status {status}, {body[:200]!r}")
        return head + len(body)

    def _more(self, path):
        piece = self._socket.recv(65536)
        if not piece:
            raise WrongAnswer(f"{path}: the server closed the connection")
        return piece


class Wrk:
    """The load generator: so many connections, as fast as they go."""

    def __init__(self, program, connections, threads=1):
        self.program = program
        self.threads = min(threads, connections)
        self.connections = connections

    def run(self, url, token, seconds, answer_bytes):
        """A round with one token; every answer must be a 200 of this length.
        """
        arguments = ["-H", f"Authorization: Bearer {token}"] if token else []
        return self._judged(url, arguments, {}, seconds, answer_bytes)

    def run_many(self, url, first, tokens, seconds, answer_bytes=None):
        """A round with as many different tokens, one after the other and then
        from the beginning; they are those of upstream.made_up(tokens, first).
        Without `answer_bytes` any answer will do."""
        return self._judged(url, [], {"BENCH_FIRST": first,
                                      "BENCH_TOKENS": str(tokens)},
                            seconds, answer_bytes)

    def ask(self, url, body, authorization, seconds):
        """A round of what a module asks Clerk, by POST."""
        return self._judged(url, [], {"BENCH_BODY": body,
                                      "BENCH_AUTHORIZATION": authorization},
                            seconds, None)

    def _judged(self, url, arguments, environment, seconds, answer_bytes):
        before = machine.client_cpu()
        done = subprocess.run(
            [self.program, "-t", str(self.threads),
             "-c", str(self.connections), "-d", f"{seconds}s",
             "--timeout", f"{seconds + PATIENCE}s",
             "-s", str(SCRIPT), *arguments, url],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            timeout=seconds + 2 * PATIENCE, check=False)
        cpu = machine.client_cpu() - before
        found = COUNTED.search(done.stdout)
        if done.returncode or not found:
            raise WrongAnswer(f"wrk ended with {done.returncode}:\n"
                              + done.stdout)
        words = found[1].split()
        counted = dict(zip(words[1::2], map(int, words[::2])))
        self._judge(url, counted, answer_bytes)
        return Round(counted["requests"], counted["us"] / 1e6, cpu)

    def _judge(self, url, counted, answer_bytes):
        """Errors, a redirect or a page of another length spoil the round.

        What is under way when time is up has its bytes counted, but not as a
        request.
        """
        requests = counted["requests"]
        kinds = ["connect", "read", "write", "timeout"]
        surplus = room = 0
        if answer_bytes is not None:
            kinds.append("status")
            surplus = counted["bytes"] - requests * answer_bytes
            room = self.connections * answer_bytes
        errors = {name: counted[name] for name in kinds if counted[name]}
        if errors or not requests or not 0 <= surplus <= room:
            raise WrongAnswer(
                f"{url}: {requests} requests, errors {errors or 'none'}, "
                f"{counted['bytes']} bytes for {answer_bytes} each")
