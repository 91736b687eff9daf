"""What stands in for Clerk: the stand-in where it has to misbehave or to be
slow, and a web server with one answer where it has to be fast.

Both have url, ca_file, client_id, client_secret, calls() and connections().
"""

import http.client
import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time

from clerk_standin.client import StandIn, StandInError

PATIENCE = 10
PATH = "/oauth/token_info"
SUBJECT = "user_2abcdefghijklmnopqrstuvwxyz"
LIFETIME = 86400

CONF = """\
daemon off;
worker_processes 1;
pid {root}/pid;
error_log {root}/error.log error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    default_type application/json;
    server {{
        listen 127.0.0.1:{port} ssl{http2} backlog=4096;
        ssl_certificate {root}/leaf.pem;
        ssl_certificate_key {root}/leaf.key;
        location = {path} {{
            if (-f {root}/dead) {{
                return 200 '{{"active":false}}';
            }}
            return 200 '{alive}';
        }}
    }}
    server {{
        listen 127.0.0.1:{control};
        location / {{ stub_status; }}
    }}
}}
"""

ALIVE = ('{{"active":true,"client_id":"{client_id}","iat":{now},'
         '"exp":{end},"scope":"profile email","sub":"' + SUBJECT + '"}}')


class UpstreamFault(StandInError):
    """The upstream did not start."""


class Slow(StandIn):
    """The stand-in: it counts, is slow, hangs and fails as it is told."""

    def live_token(self):
        """One that the other modules believe, too: they want an expiry, which
        Clerk does not tell."""
        return self.mint(scopes=["profile", "email"],
                         introspection={"exp": int(time.time()) + LIFETIME})

    def delay(self, seconds):
        self.fault("token_info", "delay", seconds=seconds)


class Fast:
    """nginx, which says yes to every token, or no. TLS with a certificate of
    an authority of its own, HTTP/2 for who wants it, unless it has none."""

    client_id = "5d25P5uFMQsN6W2D"
    client_secret = "not-a-secret-but-a-name-for-one"

    def __init__(self, program, http2=True):
        self._program, self._http2 = program, http2
        self._process = None
        self._asked = 0
        self._base = (0, 0)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="clerk-bench-"))
        self.root.chmod(0o755)
        self.port, self._control = _free_ports(2)
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca_file = str(self.root / "ca.pem")

    @property
    def bapi_url(self):
        return self.url + "/v1"

    def __enter__(self):
        try:
            self._certificates()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def say_no(self, no=True):
        """From now on every token is dead, or alive."""
        mark = self.root / "dead"
        if no:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)

    def calls(self):
        """Since the last reset()."""
        return self._counted()[1] - self._base[1]

    def connections(self):
        return self._counted()[0] - self._base[0]

    def reset(self):
        self._base = self._counted()

    def _counted(self):
        """(connections, requests) without those that ask for it."""
        connection = http.client.HTTPConnection("127.0.0.1", self._control,
                                                timeout=PATIENCE)
        connection.request("GET", "/")
        text = connection.getresponse().read().decode()
        connection.close()
        self._asked += 1
        accepted, _, requests = map(int, re.search(
            r"^ *(\d+) +(\d+) +(\d+) *$", text, re.M).groups())
        return accepted - self._asked, requests - self._asked

    def _start(self):
        now = int(time.time())
        alive = ALIVE.format(client_id=self.client_id, now=now,
                             end=now + LIFETIME)
        conf = self.root / "nginx.conf"
        conf.write_text(CONF.format(
            root=self.root, port=self.port, control=self._control,
            path=PATH, alive=alive, http2=" http2" if self._http2 else ""))
        self._process = subprocess.Popen(
            [self._program, "-c", str(conf), "-e", "stderr"],
            stdin=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._counted()
                break
            except OSError:
                if (self._process.poll() is not None
                        or time.monotonic() > until):
                    raise UpstreamFault("nginx does not serve") from None
                time.sleep(0.02)
        # The waiting connections above may have asked before.
        self.reset()

    def _certificates(self):
        """An authority, and a certificate by it for 127.0.0.1."""
        extensions = self.root / "leaf.ext"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n"
                              "basicConstraints=critical,CA:FALSE\n")
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                 "-nodes")
        self._openssl("req", "-x509", *curve, "-days", "7", "-subj",
                      "/CN=bench CA", "-keyout", "ca.key", "-out", "ca.pem",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._openssl("req", *curve, "-subj", "/CN=127.0.0.1", "-keyout",
                      "leaf.key", "-out", "leaf.csr")
        self._openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem",
                      "-CAkey", "ca.key", "-CAcreateserial", "-days", "7",
                      "-extfile", "leaf.ext", "-out", "leaf.pem")
        os.chmod(self.root / "ca.pem", 0o644)

    def _openssl(self, *arguments):
        done = subprocess.run(
            ["openssl", *arguments], cwd=self.root, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise UpstreamFault("openssl: " + done.stdout)


def _free_ports(count):
    socks = [socket.socket() for _ in range(count)]
    try:
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in socks]
    finally:
        for sock in socks:
            sock.close()


def made_up(count, mark=""):
    """So many opaque tokens as Clerk makes them, all different."""
    start = mark or secrets.token_hex(8)
    return [f"oat_{start}{number:0{48 - len(start)}x}"
            for number in range(count)]
