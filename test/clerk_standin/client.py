"""The stand-in from a test's side: start it, order it about, ask it.

Standard library only, so that any Python may import it.
"""

import base64
import http.client
import importlib.util
import json
import os
import select
import subprocess
import sys
import time
from typing import Any, Optional, Union
from urllib.parse import parse_qs, urlsplit

START_TIMEOUT = 30
STOP_TIMEOUT = 10

_JWT_KINDS = {"oauth_token": "oauth_jwt", "m2m_token": "m2m_jwt"}


class StandInError(Exception):
    """The stand-in did not start, or refused a command."""


def _python() -> str:
    """An interpreter that has the cryptography package."""
    if importlib.util.find_spec("cryptography") is not None:
        return sys.executable
    return "/usr/bin/python3"


class StandIn:
    """A running stand-in.  The ready line's members are attributes: url,
    bapi_url, issuer, publishable_key, secret_key, client_id, client_secret,
    machine_secret_key, machine_id, sender_id, instance_id, user_id,
    control_url, pid, port and ca_file (None without TLS)."""

    def __init__(self, process: subprocess.Popen, ready: dict):
        self._process = process
        self.url: str = ready["url"]
        self.bapi_url: str = ready["bapi_url"]
        self.issuer: str = ready["issuer"]
        self.publishable_key: str = ready["publishable_key"]
        self.secret_key: str = ready["secret_key"]
        self.client_id: str = ready["client_id"]
        self.client_secret: str = ready["client_secret"]
        self.machine_secret_key: str = ready["machine_secret_key"]
        self.machine_id: str = ready["machine_id"]
        self.sender_id: str = ready["sender_id"]
        self.instance_id: str = ready["instance_id"]
        self.user_id: str = ready["user_id"]
        self.control_url: str = ready["control_url"]
        self.pid: int = ready["pid"]
        self.port: int = ready["port"]
        self.ca_file: Optional[str] = ready.get("ca_file")

    # -- life ----------------------------------------------------------------

    @classmethod
    def start(cls, tls: bool = False, port: int = 0,
              issuer: Optional[str] = None, **settings: Any) -> "StandIn":
        """Start one and wait until it is ready.  `settings` are those of
        configure()."""
        command = [_python(), "-m", "clerk_standin", "--port", str(port),
                   "--exit-with-parent"]
        if tls:
            command.append("--tls")
        if issuer:
            command += ["--issuer", issuer]
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        path = os.pathsep.join(
            p for p in (root, os.environ.get("PYTHONPATH")) if p)
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path})
        standin = cls(process, _ready_line(process))
        if settings:
            standin.configure(**settings)
        return standin

    def stop(self) -> None:
        """End it; harmless when it has ended already."""
        process = self._process
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    # -- tokens, users, applications, keys -----------------------------------

    def mint(self, kind: str = "oauth_token", **overrides: Any) -> str:
        """A token: oauth_token, refresh_token, m2m_token, api_key (opaque),
        oauth_jwt, session_token, session_token_v1, m2m_jwt, template_jwt,
        id_token, handshake."""
        return self._do("mint", kind=kind, **overrides)

    def mint_jwt(self, kind: str = "oauth_token",
                 header: Optional[dict] = None,
                 claims: Optional[dict] = None, key: str = "current",
                 alg: Optional[str] = None, **overrides: Any) -> str:
        """A JWT with members of header and claims replaced, or removed by
        None; key is current, previous, other, ec, small, pem or none."""
        return self._do("mint", kind=_JWT_KINDS.get(kind, kind),
                        header=header, claims=claims, key=key, alg=alg,
                        **overrides)

    def revoke(self, token: str, reason: Optional[str] = None,
               grant: bool = False) -> None:
        """Revoke an opaque token (with grant: all of its grant)."""
        self._do("revoke", token=token, reason=reason, grant=grant)

    def user(self, subject: str, **profile: Any) -> None:
        """Set members of what /oauth/userinfo says; forbidden=True: 403."""
        self._do("user", subject=subject, **profile)

    def application(self, **fields: Any) -> dict:
        """Another OAuth application: client_id, client_secret, public,
        name, scopes, redirect_uris, token_endpoint_auth_method."""
        return self._do("application", **fields)

    def machine(self, **fields: Any) -> dict:
        """Another machine: id, secret_key, name."""
        return self._do("machine", **fields)

    def configure(self, **settings: Any) -> None:
        """Change settings of the instance; README.md lists them."""
        self._do("configure", **settings)
        if "issuer" in settings:
            self.issuer = settings["issuer"]

    def restore_settings(self) -> None:
        """All settings, but for the issuer, to their defaults."""
        self._do("restore_settings")

    def rotate_keys(self, overlap: bool = True) -> str:
        """A new signing key; returns its kid."""
        return self._do("rotate_keys", overlap=overlap)

    def jwks(self) -> dict:
        """The key set as it is published now."""
        return self._do("keys")["jwks"]

    def pem(self) -> str:
        """The current public key in PEM."""
        return self._do("keys")["pem"]

    @property
    def secrets(self) -> list[str]:
        """Every secret and token ever made, for a search through logs."""
        return self._do("secrets")

    # -- misbehaviour --------------------------------------------------------

    def answer(self, endpoint: str, status: int = 200,
               body: Union[bytes, str, dict, list] = b"",
               content_type: str = "application/json",
               headers: Optional[dict] = None,
               times: Optional[int] = None) -> None:
        """Answer the next `times` calls (None: all) with exactly this."""
        wish: dict[str, Any] = {"endpoint": endpoint, "status": status,
                                "content_type": content_type,
                                "headers": headers, "times": times}
        if isinstance(body, bytes):
            wish["body_base64"] = base64.b64encode(body).decode("ascii")
        else:
            wish["body"] = body
        self._do("answer", **wish)

    def fault(self, endpoint: str, kind: str, times: Optional[int] = None,
              **params: Any) -> None:
        """Misbehave on the next `times` calls; README.md lists the kinds."""
        self._do("fault", endpoint=endpoint, kind=kind, times=times, **params)

    def patch(self, endpoint: str, **members: Any) -> None:
        """Set members of the otherwise right answer; None removes."""
        self._do("patch", endpoint=endpoint, members=members)

    def clear(self) -> None:
        """No more answers, faults and patches; who hangs is hung up on."""
        self._do("clear")

    # -- counters ------------------------------------------------------------

    def calls(self, endpoint: Optional[str] = None) -> int:
        """How many requests reached this endpoint, or all."""
        return self._do("calls", endpoint=endpoint)

    def requests(self, endpoint: Optional[str] = None) -> list[dict]:
        """The requests themselves: endpoint, method, target, path, query,
        headers (pairs), body, connection."""
        return self._do("requests", endpoint=endpoint)

    def parameters(self, endpoint: str) -> list[dict]:
        """What each request to this endpoint carried by name: its query,
        form or JSON body; a list where a name came more than once."""
        return [_parameters(seen) for seen in self.requests(endpoint)]

    def connections(self) -> int:
        """TCP connections on which at least one request came."""
        return self._do("connections")

    def reset(self) -> None:
        """Counters and records to zero."""
        self._do("reset")

    # -- listeners -----------------------------------------------------------

    def pause_listening(self) -> None:
        """Refuse connections and end those that are open."""
        self._do("pause_listening")

    def resume(self) -> None:
        """Listen again on the same port."""
        self._do("resume")

    resume_listening = resume

    def drop_connections(self, reset: bool = False) -> None:
        """End all connections now (with reset: by RST)."""
        self._do("drop_connections", reset=reset)

    def listen(self, certificate: Optional[str] = "good") -> dict:
        """One more listener: good, expired, self_signed, wrong_host, or
        None for plain HTTP.  Returns url, port, ca_file."""
        return self._do("listen", certificate=certificate)

    def _do(self, command: str, **wish: Any) -> Any:
        """Carry out a control command."""
        parts = urlsplit(self.control_url)
        connection = http.client.HTTPConnection(
            parts.hostname or "127.0.0.1", parts.port, timeout=30)
        try:
            connection.request(
                "POST", f"{parts.path}/{command}", json.dumps(wish),
                {"Content-Type": "application/json", "Connection": "close"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise StandInError(f"{command}: {answer.get('error', answer)}")
        return answer["result"]


def _parameters(seen: dict) -> dict:
    """Names and values of a recorded request."""
    types = [value for name, value in seen["headers"]
             if name.lower() == "content-type"]
    if types and types[0].startswith("application/json"):
        return json.loads(seen["body"])
    text = seen["body"] if seen["method"] == "POST" else seen["query"]
    found = parse_qs(text, keep_blank_values=True)
    return {name: values[0] if len(values) == 1 else values
            for name, values in found.items()}


def _ready_line(process: subprocess.Popen) -> dict:
    """Wait for the JSON line that says the stand-in is ready."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    until = time.monotonic() + START_TIMEOUT
    data = b""
    while b"\n" not in data:
        left = until - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            process.kill()
            process.wait()
            raise StandInError("the stand-in was not ready in time")
        piece = os.read(descriptor, 65536)
        if not piece:
            raise StandInError(
                f"the stand-in ended with status {process.wait()}")
        data += piece
    return json.loads(data)
