"""One real httpd in a temporary server root.

Owns the server root, the configuration file around a test's own lines, and
the process: start, graceful restart, end by its pid. What its logs may hold is
logcheck.py's business; how a request is made is client.py's.
"""

import http.client
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import client
from logcheck import Log, Watch

BINARY = os.environ.get("HTTPD", "/usr/sbin/apache2")
MODULES = pathlib.Path(os.environ.get("HTTPD_MODULES",
                                      "/usr/lib/apache2/modules"))
ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 15

BASE_MODULES = ("authn_core", "authz_core", "authz_user", "authz_host",
                "alias", "dir", "env", "mime", "setenvif", "socache_shmcb")

FRAME = """\
ServerRoot "{root}"
ServerName localhost
Define ROOT "{root}"
Define PORT {port}
PidFile "{root}/run/httpd.pid"
DefaultRuntimeDir "{root}/run"
{loads}
{identity}
{mpm}
{listen}
ErrorLog "{root}/logs/error.log"
LogLevel {level}
LogFormat "%P %>s %m %U %u" short
CustomLog "{root}/logs/access.log" short
KeepAliveTimeout 30
CoreDumpDirectory "{root}/cores"
DocumentRoot "{root}/docs"
TypesConfig /dev/null
AddType text/plain .txt
AddType text/html .html
Alias "/alive" "{root}/docs/alive.txt"
AliasMatch "^/[^/]+/page$" "{root}/docs/page.txt"
ScriptAliasMatch "^/[^/]+/env$" "{root}/cgi/env"
<Directory "{root}/docs">
    Require all granted
</Directory>
<Directory "{root}/cgi">
    Require all granted
</Directory>
"""

ENV_PROGRAM = """#!/bin/sh
printf 'Content-Type: application/octet-stream\\r\\n\\r\\n'
exec env -0
"""

PAGE = "the protected page\n"


def module_path():
    """The shared object under test."""
    named = os.environ.get("MOD_AUTH_CLERK_SO")
    places = [pathlib.Path(named)] if named else [
        ROOT / ".libs/mod_auth_clerk.so",
        ROOT / "build/.libs/mod_auth_clerk.so"]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError("no mod_auth_clerk.so at "
                            + " or ".join(str(p) for p in places)
                            + "; build it, or set MOD_AUTH_CLERK_SO")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def allow_cores(pid):
    """Let a crash in this process leave a core, as far as that is allowed."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.prlimit(pid, resource.RLIMIT_CORE, (hard, hard))


# httpd's own: mpm_event, stopped at the wrong moment, closes a socket that its
# listener has closed already. Seen once in some thousand stops.
MPM_RACE = re.compile(r"#0 .* in apr_os_sock_get \(\).*\n#1 .*mod_mpm_event\.so")


def backtrace(core):
    """Where a child crashed, if gdb is there to read its core."""
    gdb = shutil.which("gdb")
    if not gdb:
        return f"a core of {core.stat().st_size} bytes; gdb could read it"
    done = subprocess.run(
        [gdb, "-batch", "-ex", "bt", "-ex", "thread apply all bt", BINARY,
         str(core)], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=120, check=False)
    return done.stdout


class StartFailed(Exception):
    """httpd ended instead of serving; carries what it said."""

    def __init__(self, status, said):
        super().__init__(f"httpd ended with {status}:\n{said}")
        self.status = status
        self.said = said


def sanitizer_environment(folder):
    """What an httpd needs that loads a module built with sanitizers, whose
    reports go into the folder."""
    env = {}
    preload = os.environ.get("MOD_AUTH_CLERK_PRELOAD")
    reports = f"log_path={folder}/report"
    if preload:
        env["LD_PRELOAD"] = preload
        env["ASAN_OPTIONS"] = ":".join(filter(None, [
            "detect_leaks=0", os.environ.get("ASAN_OPTIONS"), reports]))
    for name in ("UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
        if preload or name in os.environ:
            env[name] = ":".join(filter(None,
                                        [os.environ.get(name), reports]))
    return env


class Httpd:
    """A server root, and the httpd that serves it."""

    def __init__(self, conf, *, mpm="event", children=1, threads=8,
                 modules=(), env=None, clerk_module=True, frame="",
                 mode="-DFOREGROUND"):
        """conf is server-level text, where ${ROOT} and ${PORT} are defined.

        frame is text in front of it; modules are loaded besides the base
        set; env is added to the environment, which is otherwise empty; mode
        is httpd's own argument, `-X` for one process that does it all.
        """
        self.conf, self.mpm, self.frame = conf, mpm, frame
        self.children, self.threads = children, threads
        self.modules, self.extra_env = tuple(modules), dict(env or {})
        self.clerk_module, self.mode = clerk_module, mode
        self.process = None
        self._served = False
        self.end_faults = []
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="mac-"))
        self.root.chmod(0o755)
        self._furnish()
        self.error_log = Log(self.root / "logs/error.log")
        self.access_log = Log(self.root / "logs/access.log")
        self.stderr = Log(self.root / "logs/stderr.log")
        self.sanitizer = self.root / "sanitizer"
        self.watch = Watch(self.error_log, [self.access_log, self.stderr])
        self.port = None

    # The server root

    def _furnish(self):
        for name in ("docs", "cgi", "logs", "run", "secrets", "conf"):
            (self.root / name).mkdir()
        for name in ("sanitizer", "cores"):
            (self.root / name).mkdir()
            (self.root / name).chmod(0o1777)
        self.write("docs/alive.txt", "alive\n")
        self.write("docs/page.txt", PAGE)
        self.program("cgi/env", ENV_PROGRAM)

    def write(self, name, text, mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def program(self, name, text):
        return self.write(name, text, 0o755)

    def _loads(self):
        names = [f"mpm_{self.mpm}", *BASE_MODULES,
                 "cgi" if self.mpm == "prefork" else "cgid", *self.modules]
        lines = [f"LoadModule {n}_module {MODULES}/mod_{n}.so"
                 for n in dict.fromkeys(names)]
        if "cgid" in names:
            lines.append(f'ScriptSock "{self.root}/run/cgid.sock"')
        if self.clerk_module:
            lines.append(f"LoadModule auth_clerk_module {module_path()}")
        return "\n".join(lines)

    def _mpm(self):
        """Room for one generation more; never more children than asked."""
        n, t = self.children, self.threads
        if self.mpm == "prefork":
            return (f"StartServers {n}\nServerLimit {4 * n}\n"
                    f"MaxRequestWorkers {4 * n}\nMinSpareServers 1\n"
                    f"MaxSpareServers {4 * n}")
        return (f"StartServers {n}\nServerLimit {4 * n}\nThreadLimit {t}\n"
                f"ThreadsPerChild {t}\nMaxRequestWorkers {n * t}\n"
                f"MinSpareThreads 1\nMaxSpareThreads {n * t + t}")

    def write_conf(self, conf=None, listen=None):
        """Write httpd.conf around a test's lines; return its path."""
        as_root = os.geteuid() == 0
        frame = FRAME.format(
            root=self.root, port=self.port or 0, loads=self._loads(),
            mpm=self._mpm(),
            level="info auth_clerk:trace8" if self.clerk_module else "info",
            identity="User www-data\nGroup www-data" if as_root else "",
            listen=listen or f"Listen 127.0.0.1:{self.port or 1}")
        return self.write("conf/httpd.conf",
                          frame + self.frame + "\n"
                          + (self.conf if conf is None else conf) + "\n")

    # The process

    def environment(self):
        own = sanitizer_environment(self.sanitizer)
        preloads = [env["LD_PRELOAD"] for env in (own, self.extra_env)
                    if "LD_PRELOAD" in env]
        if preloads:
            # The sanitizer's has to come first.
            own["LD_PRELOAD"] = " ".join(preloads)
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C",
                "MALLOC_PERTURB_": "165", **self.extra_env, **own}

    def run(self, *arguments):
        """Run the binary to its end: (exit status, what it said)."""
        done = subprocess.run(
            [BINARY, *arguments], env=self.environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=60, check=False)
        return done.returncode, done.stdout

    def configtest(self, conf=None):
        """What `httpd -t` says of the configuration."""
        return self.run("-t", "-f", str(self.write_conf(conf)))

    def start(self, expect=()):
        """Start and wait until it serves; expect announces start-up lines."""
        for attempt in range(3):
            try:
                self._start_once()
                break
            except StartFailed as failed:
                if "Address already in use" not in failed.said or attempt > 1:
                    raise
        for pattern in expect:
            self.watch.announce(pattern)
        faults = self.watch.faults(())
        self.watch.begin()
        if faults:
            self.stop()
            raise AssertionError("at start: " + "\n".join(faults))
        return self

    def _start_once(self):
        self.port = free_port()
        conf = self.write_conf()
        with open(self.stderr.path, "ab") as stderr:
            self.process = subprocess.Popen(
                [BINARY, self.mode, "-f", str(conf)],
                env=self.environment(), stdin=subprocess.DEVNULL,
                stdout=stderr, stderr=stderr, start_new_session=True)
        allow_cores(self.process.pid)
        deadline = time.monotonic() + PATIENCE
        self._served = False
        while not self._answers():
            if self.process.poll() is not None:
                said = self.stderr.text() + self.error_log.text()
                raise StartFailed(self.process.returncode, said)
            if time.monotonic() > deadline:
                self.stop()
                raise StartFailed("no answer", self.error_log.text())
            time.sleep(0.02)
        self._served = True
        self._await_daemon(deadline)

    def _await_daemon(self, deadline):
        """mod_cgid's gives its socket to the children's user a moment after
        it has made it."""
        if os.getuid() != 0 or self.mpm == "prefork":
            return
        while any(path.stat().st_uid == 0
                  for path in self.root.glob("**/cgisock*")):
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)

    def _answers(self):
        try:
            return self.raw("GET /alive HTTP/1.1").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def reload(self):
        """Restart gracefully; return once the new generation serves."""
        before = self.error_log.position
        self.process.send_signal(signal.SIGUSR1)
        self.wait_for_log(r"resuming normal operations", before)

    def wait_for_log(self, pattern, since=0):
        deadline = time.monotonic() + PATIENCE
        while not (found := self.error_log.lines(since, matching=pattern)):
            assert time.monotonic() < deadline, f"never logged: {pattern}"
            assert self.process.poll() is None, self.stderr.text()
            time.sleep(0.02)
        return found

    def stop(self):
        """End the process that was started here, and note how it ended."""
        if self.process is None:
            return
        if self.process.poll() is not None:
            self.note_end()
            return
        # mpm_event's, when an idle connection meets the end
        self.watch.announce("AH0309[23]", optional=True)
        # mod_cgid's, when the end overtakes the start of its daemon
        self.watch.announce("AH01244", optional=True)
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.end_faults.append(f"did not end in {PATIENCE} seconds")
        self.note_end()

    def note_end(self):
        """An httpd that served and then ended with anything but 0."""
        if self.process.returncode and self._served:
            self.end_faults.append(f"ended with {self.process.returncode}")
            self._served = False

    def faults(self, secrets):
        """Everything wrong since the last look, sanitizer reports too."""
        found = self.watch.faults(secrets) + self.end_faults
        for report in sorted(self.sanitizer.iterdir()):
            found.append(f"sanitizer: {report.read_text('utf-8', 'replace')}")
            report.unlink()
        for core in sorted((self.root / "cores").iterdir()):
            trace = backtrace(core)
            if MPM_RACE.search(trace):
                found.remove(next(f for f in found if "child crashed" in f))
            else:
                found.append(trace)
            core.unlink()
        self.end_faults = []
        self.watch.begin()
        return found

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)

    # Requests

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def connect(self):
        return client.Connection(self.port)

    def request(self, method, path, **kwargs):
        connection = self.connect()
        try:
            return connection.request(method, path, **kwargs)
        finally:
            connection.close()

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def raw(self, request_line, *fields, **kwargs):
        return client.raw(self.port, request_line, *fields, **kwargs)

    def expect_log(self, pattern, optional=False):
        """Announce a line at warn or above for the test that runs now."""
        self.watch.announce(pattern, optional)

    def logged(self, at_least=0, since=None, **narrowed):
        """Lines of the error log since a position, or since the test began.

        Waits until there are as many as that: httpd logs a request's last
        lines after its answer.
        """
        if since is None:
            since = self.watch.marks[self.error_log]
        return eventually(lambda: self.error_log.lines(since, **narrowed),
                          at_least)

    def served_by(self, path, requests):
        """The pids of the children that served a path so many times."""
        since = self.watch.marks[self.access_log]
        lines = eventually(
            lambda: [line.split() for line in self.access_log.lines(since)
                     if line.split()[3] == path], requests)
        assert len(lines) == requests, lines
        return {words[0] for words in lines}


def eventually(look, at_least, patience=3):
    """Look until there are so many; return what is seen then, or last."""
    deadline = time.monotonic() + patience
    while len(found := look()) < at_least and time.monotonic() < deadline:
        time.sleep(0.01)
    return found
