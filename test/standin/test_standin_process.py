"""Starting, stopping, certificates."""

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from clerk_standin.client import StandIn, StandInError

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KEYS = "/.well-known/jwks.json"


def spawn(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "clerk_standin", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ROOT})


def test_ready_line_and_file(tmp_path):
    ready_file = tmp_path / "ready.json"
    process = spawn("--ready-file", str(ready_file))
    try:
        line = process.stdout.readline()
        ready = json.loads(line)
        assert ready_file.read_bytes() == line
        assert ready["pid"] == process.pid
        assert ready["url"] == ready["issuer"] == (
            f"http://127.0.0.1:{ready['port']}")
        assert ready["bapi_url"] == ready["url"] + "/v1"
        assert ready["secret_key"].startswith("sk_test_")
        assert ready["machine_secret_key"].startswith("ak_")
        assert "ca_file" not in ready
        kind, mode, text = ready["publishable_key"].split("_", 2)
        assert (kind, mode) == ("pk", "test")
        host = base64.b64decode(text + "=" * (-len(text) % 4))
        assert host.decode() == f"127.0.0.1:{ready['port']}$"
    finally:
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert time.monotonic() - begin < 2
        process.stdin.close()
        process.stdout.close()


def test_end_with_the_parent():
    process = spawn("--exit-with-parent")
    assert process.stdout.readline()
    process.stdin.close()
    assert process.wait(5) == 0
    process.stdout.close()


def test_stop_twice_and_while_hanging():
    standin = StandIn.start()
    standin.fault("*", "hang")
    with socket.create_connection(("127.0.0.1", standin.port)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        begin = time.monotonic()
        standin.stop()
        standin.stop()
        assert time.monotonic() - begin < 3
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", standin.port))


def test_a_given_port_and_one_in_use():
    with StandIn.start() as first:
        port = first.port
        with pytest.raises(StandInError):
            StandIn.start(port=port)
    with StandIn.start(port=port) as again:
        assert again.port == port


def test_issuer_and_settings():
    issuer = "https://clerk.example.test"
    with StandIn.start(issuer=issuer, jwt_access_tokens=True) as standin:
        assert standin.issuer == issuer
        assert standin.publishable_key == "pk_test_" + base64.b64encode(
            b"clerk.example.test$").decode().rstrip("=")
        with urllib.request.urlopen(
                standin.url
                + "/.well-known/oauth-authorization-server") as answer:
            metadata = json.load(answer)
        assert metadata["issuer"] == issuer
        assert metadata["token_endpoint"] == standin.url + "/oauth/token"


def fetch(url, ca_file):
    context = ssl.create_default_context(cafile=ca_file)
    with urllib.request.urlopen(url + KEYS, context=context,
                                timeout=5) as answer:
        return json.load(answer)


def test_tls():
    with StandIn.start(tls=True) as standin:
        assert standin.url.startswith("https://127.0.0.1:")
        ca_file = standin.ca_file
        assert fetch(standin.url, ca_file)["keys"]
        for certificate, reason in (
                ("expired", "expired"), ("wrong_host", "mismatch"),
                ("self_signed", "self-signed")):
            url = standin.listen(certificate)["url"]
            with pytest.raises(urllib.error.URLError) as error:
                fetch(url, ca_file)
            assert isinstance(error.value.reason,
                              ssl.SSLCertVerificationError)
            assert reason in str(error.value.reason)
        standin.fault("jwks", "delay", seconds=0.1)
        assert fetch(standin.url, ca_file)["keys"]
        assert standin.calls("jwks") == 2
    assert not os.path.exists(ca_file)


def test_tls_beside_plain():
    with StandIn.start() as standin:
        assert standin.ca_file is None
        more = standin.listen()
        assert fetch(more["url"], more["ca_file"]) == standin.jwks()


def test_settings_restored():
    with StandIn.start(dcr=False) as standin:
        path = "/.well-known/oauth-authorization-server"
        seen = []
        for _ in range(2):
            with urllib.request.urlopen(standin.url + path) as answer:
                seen.append("registration_endpoint" in json.load(answer))
            standin.restore_settings()
        assert seen == [False, True]
