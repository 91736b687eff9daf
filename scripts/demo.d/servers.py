"""The processes of the demo: Apache, the application and the MCP server.

Owns their start, the temporary server root and their end, each by its pid.
Knows nothing of what is shown.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MCP = HERE.parents[1] / "test/e2e"
BINARY = os.environ.get("HTTPD", "/usr/sbin/apache2")
MODULES = os.environ.get("HTTPD_MODULES", "/usr/lib/apache2/modules")
USUAL_PORT = 8080
PATIENCE = 15


class Trouble(Exception):
    """Something did not start, or not answer, as it should."""


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def choose_port(wanted):
    """The wanted port, else the usual one, else any that is free."""
    if wanted:
        if not is_free(wanted):
            raise Trouble(f"port {wanted} cannot be had: it is taken, or "
                          "needs more rights")
        return wanted
    if is_free(USUAL_PORT):
        return USUAL_PORT
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end(process):
    """End a process that was started here; harmless if it has ended."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Application:
    """The application behind the proxy, a process of its own."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(HERE / "application.py")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            start_new_session=True)
        port = self.process.stdout.readline().decode().strip()
        if not port:
            self.stop()
            raise Trouble("the application did not start")
        self.url = f"http://127.0.0.1:{port}/"

    def stop(self):
        end(self.process)
        self.process.stdout.close()


def node():
    """The interpreter that came with the MCP SDK, else the system's."""
    found = sorted(MCP.glob("node_modules/node-linux-*/bin/node"))
    return str(found[0]) if found else "node"


class McpServer:
    """An MCP server: the MCP SDK's own, with a few tools."""

    def __init__(self):
        try:
            self.process = subprocess.Popen(
                [node(), str(MCP / "server.mjs")], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            raise Trouble(f"Node did not start: {error}") from None
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise Trouble("the MCP server did not start")
        self.url = json.loads(line)["url"]

    def stop(self):
        end(self.process)
        self.process.stdin.close()
        self.process.stdout.close()


class Apache:
    """A server root in a temporary folder, and the Apache that serves it."""

    def __init__(self, module, port, environment, defines):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        # Not in $TMPDIR: the path of a socket may not be long.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="clerk-demo-",
                                                  dir="/tmp"))
        self.error_log = self.root / "logs/error.log"
        self.process = None
        try:
            self._furnish()
            self._start(module, environment, defines)
        except BaseException:
            self.stop()
            raise

    def _furnish(self):
        """Everything is copied: www-data may not enter this folder."""
        self.root.chmod(0o755)
        for name in ("cgi-bin", "conf", "docs", "logs", "run"):
            (self.root / name).mkdir(mode=0o755)
        for source, target in (("httpd.conf", "conf"), ("clerk.conf", "conf"),
                               ("hello", "cgi-bin")):
            copy = self.root / target / source
            shutil.copyfile(HERE / source, copy)
            copy.chmod(0o755 if target == "cgi-bin" else 0o644)

    def _start(self, module, environment, defines):
        if os.geteuid() == 0:
            defines = [*defines, "AS_ROOT"]
        command = [BINARY, "-DFOREGROUND",
                   "-f", str(self.root / "conf/httpd.conf")]
        for define in defines:
            command += ["-D", define]
        # A session of its own: Ctrl-C is for us alone, who then end it.
        self.process = subprocess.Popen(
            command, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                 "LANG": "C", "DEMO_ROOT": str(self.root),
                 "DEMO_PORT": str(self.port), "DEMO_MODULES": MODULES,
                 "DEMO_MODULE": str(module), **environment})
        self._await()

    def _await(self):
        until = time.monotonic() + PATIENCE
        while True:
            if self.process.poll() is not None:
                said = self.process.stdout.read().decode("utf-8", "replace")
                raise Trouble("Apache did not start:\n" + said + self.log())
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise Trouble("Apache does not answer") from None
                time.sleep(0.05)

    def log(self):
        """The error log up to now."""
        if not self.error_log.exists():
            return ""
        return self.error_log.read_text("utf-8", "replace")

    def stop(self):
        if self.process is not None:
            end(self.process)
            self.process.stdout.close()
        shutil.rmtree(self.root, ignore_errors=True)
