"""The httpd that is measured: its configuration and its processes.

One server has one of the modules, a place that is guarded by it and a bare one.
They differ in nothing but their sections; even their paths are of the same
length.
"""

import os
import pathlib
import pwd
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time

import contenders
import load
import machine

PATIENCE = 60
REST = 0.3
PAGE = b"x" * 64 + b"\n"
PAGE_TIME = 1700000000
PLACES = ("bare", "sect", "auth")
MODULES = ("authn_core", "authz_core", "authz_user", "mime", "dir",
           "socache_shmcb")
# Of a hundred prefork children and their connections.
FILES = 4096

CONF = """\
ServerRoot "{root}"
ServerName localhost
PidFile "{root}/run/httpd.pid"
DefaultRuntimeDir "{root}/run"
ErrorLog "{root}/logs/error.log"
LogLevel warn
Listen 127.0.0.1:{port}
ListenBacklog 4096
{loads}

{numbers}
MaxRequestWorkers {workers}
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0

DocumentRoot "{root}/docs"
TypesConfig /dev/null
AddType text/plain .txt
<Directory "{root}/docs">
    Require all granted
</Directory>

{module}

# A section without a module, to tell its cost from the module's.
<Location "/sect">
    Require all granted
</Location>
<Location "/auth">
    {section}
</Location>
"""

THREADED = """\
StartServers {processes}
ServerLimit {processes}
ThreadLimit {threads}
ThreadsPerChild {threads}
MinSpareThreads 1
MaxSpareThreads {workers}"""

PREFORK = """\
StartServers {processes}
ServerLimit {processes}
MinSpareServers 1
MaxSpareServers {processes}"""


class ServerFault(Exception):
    """httpd did not start, did not end, or complained."""


class Server:
    """A server root, and the httpd in it."""

    def __init__(self, options, contender, up, setup):
        self._options = options
        self._contender = contender
        self._up = up
        self._setup = setup
        self._mpm = "event"
        self._process = None
        self._alone = False
        self._owner = _owner()
        self.port = None
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="clerk-bench-"))
        self.root.chmod(0o755)
        for name in ("run", "logs", *(f"docs/{place}" for place in PLACES)):
            (self.root / name).mkdir(parents=True)
        for place in PLACES:
            page = self.root / "docs" / place / "page.txt"
            page.write_bytes(PAGE)
            # A new file's ETag is longer, as it is weak.
            os.utime(page, (PAGE_TIME, PAGE_TIME))
        contenders.install(contender, self.root, options.module, up)
        if self._owner:
            for name in ("run", "logs"):
                shutil.chown(self.root / name, self._owner)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._end()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)

    # Processes

    def start(self, processes, threads, mpm="event", under=()):
        """Start and wait until it serves. `under` is a program that runs it,
        with -X: one process, which is its own parent."""
        self._alone = bool(under)
        self._mpm = mpm
        command = [*under, self._options.httpd,
                   "-X" if self._alone else "-DFOREGROUND",
                   "-f", str(self.root / "httpd.conf")]
        for attempt in range(3):
            self._write_conf(processes, threads)
            try:
                self._start_once(command)
                break
            except ServerFault as fault:
                # The free port may be somebody else's by now.
                if "Address already in use" not in str(fault) or attempt > 1:
                    raise
                self._error_log.unlink()
        if not self._alone:
            self._wait(lambda: len(self.children()) == processes)

    def _write_conf(self, processes, threads):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        modules = self._options.modules
        values = {"root": self.root, "modules": modules, "up": self._up,
                  "setup": self._setup}
        numbers = PREFORK if self._mpm == "prefork" else THREADED
        conf = self.root / "httpd.conf"
        conf.write_text(CONF.format(
            root=self.root, port=self.port,
            workers=processes * (1 if self._mpm == "prefork" else threads),
            numbers=numbers.format(processes=processes, threads=threads,
                                   workers=processes * threads),
            module=self._contender.conf(values),
            section=self._contender.section.format(ttl=self._setup.ttl),
            loads="\n".join(
                f'LoadModule {name}_module "{modules}/mod_{name}.so"'
                for name in (f"mpm_{self._mpm}", *MODULES))))
        conf.chmod(0o644)

    def _start_once(self, command):
        identity = {"user": self._owner, "group": self._group(),
                    "extra_groups": []} if self._owner else {}
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, preexec_fn=_many_files,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                 "LANG": "C"}, **identity)
        self._wait(self._serves)

    def stop(self, complaints_are_due=False):
        """End it; what it logged above notice is a fault, unless the row makes
        it complain. Returns how many complaints there were."""
        if self._alone:
            # Without a parent, event pulls down what a worker may still be
            # using to put a connection away, and now and then crashes.
            time.sleep(REST)
        status = self._end()
        complaints = [line for line in self._log().splitlines()
                      if re.search(r"\[\w*:(warn|error|crit|alert|emerg)\]",
                                   line)]
        if status or (complaints and not complaints_are_due):
            raise ServerFault("\n".join(
                [f"{self._contender.name}: httpd ended with {status}"]
                + complaints[:20]))
        return len(complaints)

    @property
    def processes(self):
        """The pids of all, the parent's first."""
        return [self._process.pid, *self.children()]

    def children(self):
        """The pids of the processes that serve."""
        pid = self._process.pid
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return sorted(int(word) for word in text.split())

    def cpu_seconds(self):
        """CPU time of the processes that serve, so far."""
        return machine.cpu_seconds(self.children())

    def _end(self):
        process = self._process
        if process is None or process.returncode is not None:
            return 0
        process.terminate()
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerFault("httpd did not end") from None

    def _wait(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self._process.poll() is not None:
                raise ServerFault(f"httpd ended with "
                                  f"{self._process.returncode}:\n"
                                  + self._log())
            if time.monotonic() > deadline:
                raise ServerFault("httpd does not serve:\n" + self._log())
            time.sleep(0.02)

    def _serves(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def _group(self):
        return pwd.getpwnam(self._owner).pw_gid

    @property
    def _error_log(self):
        return self.root / "logs/error.log"

    def _log(self):
        if not self._error_log.exists():
            return ""
        return self._error_log.read_text("utf-8", "replace")

    # Requests

    @staticmethod
    def path(place):
        return f"/{place}/page.txt"

    def url(self, place):
        return f"http://127.0.0.1:{self.port}{self.path(place)}"

    def connect(self):
        return load.Connection(self.port)


def _many_files():
    """In the child that becomes httpd: which peers need one per call."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > soft:
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _owner():
    """Who runs httpd when we are root: as itself it would need a User line,
    and could not write what valgrind has opened."""
    if os.geteuid() != 0:
        return None
    for name in ("www-data", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise ServerFault("there is neither a www-data nor a nobody to run as")
