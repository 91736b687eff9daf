"""What a test may order: /_standin/<command>, JSON in and out."""

import base64
import json
from dataclasses import asdict
from typing import Any, Optional

from . import faults, mint, records, tls
from .records import Order
from .server import Clerk, Listener, serve_control
from .wire import Request, Response

_COMMANDS = frozenset((
    "mint", "revoke", "user", "application", "machine", "rotate_keys",
    "keys", "configure", "restore_settings", "secrets", "answer", "fault",
    "patch", "clear", "calls", "requests", "connections", "reset",
    "pause_listening", "resume", "drop_connections", "listen"))


class Control:
    """The commands, on a listener of their own, so that no fault and no
    pause can get in their way."""

    def __init__(self, clerk: Clerk):
        self._clerk = clerk
        self._instance = clerk.instance
        self._authority: Optional[tls.Authority] = None
        self.listeners: dict[int, Listener] = {}
        self.listener = Listener(serve_control(self._dispatch))
        self.url = f"http://127.0.0.1:{self.listener.port}/_standin"

    def close(self) -> None:
        for listener in [self.listener, *self.listeners.values()]:
            listener.close()
        if self._authority is not None:
            self._authority.close()

    def authority(self) -> tls.Authority:
        """The certificate authority, made when first needed."""
        if self._authority is None:
            self._authority = tls.Authority()
        return self._authority

    def add_listener(self, port: int, certificate: Optional[str]) -> Listener:
        context = self.authority().context(certificate) if certificate \
            else None
        listener = Listener(self._clerk.serve, port, context)
        self.listeners[listener.port] = listener
        return listener

    def _dispatch(self, request: Request) -> Response:
        prefix, _, command = request.path.rpartition("/")
        if prefix != "/_standin" or command not in _COMMANDS:
            return Response(404, {"error": f"no command {command}"})
        run = getattr(self, "_" + command)
        try:
            wish = json.loads(request.body) if request.body else {}
            if not isinstance(wish, dict):
                raise ValueError("the body is no JSON object")
            return Response(200, {"result": run(**wish)})
        except (ValueError, TypeError, KeyError) as error:
            return Response(400, {"error": str(error)})

    # -- tokens, users, applications, keys -----------------------------------

    def _mint(self, kind: str = "oauth_token", **wish: Any) -> str:
        return mint.mint(self._instance, kind, wish)

    def _revoke(self, token: str, reason: Optional[str] = None,
                grant: bool = False) -> None:
        known = self._instance.token(token)
        if known is None:
            raise ValueError("no opaque token of that text; a JWT cannot be "
                             "revoked")
        self._instance.revoke(known, reason, grant)

    def _user(self, subject: str, **profile: Any) -> None:
        self._instance.set_user(subject, profile)

    def _application(self, **fields: Any) -> dict:
        return asdict(self._instance.add_application(**fields))

    def _machine(self, **fields: Any) -> dict:
        return asdict(self._instance.add_machine(**fields))

    def _rotate_keys(self, overlap: bool = True) -> str:
        return self._instance.rotate_keys(overlap)

    def _keys(self) -> dict:
        key = self._instance.keys[0]
        return {"jwks": self._instance.jwks(), "pem": key.pem(),
                "kid": key.kid}

    def _configure(self, **settings: Any) -> None:
        self._instance.configure(settings)

    def _restore_settings(self) -> None:
        self._instance.restore_settings()

    def _secrets(self) -> list[str]:
        return self._instance.secret_list()

    # -- misbehaviour --------------------------------------------------------

    def _answer(self, endpoint: str, status: int = 200, body: Any = "",
                body_base64: Optional[str] = None,
                content_type: str = "application/json",
                headers: Any = None, times: Optional[int] = None) -> None:
        if body_base64 is not None:
            body = base64.b64decode(body_base64)
        if isinstance(headers, dict):
            headers = list(headers.items())
        response = Response(status, body, content_type,
                            [(str(n), str(v)) for n, v in headers or []])
        self._clerk.orders.add(
            endpoint, Order("answer", times, response=response))

    def _fault(self, endpoint: str, kind: str, times: Optional[int] = None,
               **params: Any) -> None:
        if kind not in records.FAULTS:
            raise ValueError(f"no fault named {kind}")
        faults.check_params(kind, params)
        self._clerk.orders.add(endpoint, Order(kind, times, **params))

    def _patch(self, endpoint: str, members: dict,
               times: Optional[int] = None) -> None:
        self._clerk.orders.add(endpoint,
                               Order("patch", times, members=members))

    def _clear(self) -> None:
        self._clerk.orders.clear()

    # -- counters ------------------------------------------------------------

    def _calls(self, endpoint: Optional[str] = None) -> int:
        calls = self._clerk.records.calls()
        if endpoint in (None, "*"):
            return sum(calls.values())
        records.check_endpoint(endpoint)
        return calls.get(endpoint, 0)

    def _requests(self, endpoint: Optional[str] = None) -> list[dict]:
        if endpoint is not None:
            records.check_endpoint(endpoint)
        return self._clerk.records.requests(endpoint)

    def _connections(self) -> int:
        return self._clerk.records.connections()

    def _reset(self) -> None:
        self._clerk.records.reset()

    # -- listeners -----------------------------------------------------------

    def _pause_listening(self) -> None:
        for listener in self.listeners.values():
            listener.pause()

    def _resume(self) -> None:
        for listener in self.listeners.values():
            listener.resume()

    def _drop_connections(self, reset: bool = False) -> None:
        for listener in self.listeners.values():
            listener.drop_connections(reset)

    def _listen(self, certificate: Optional[str] = "good",
                port: int = 0) -> dict:
        listener = self.add_listener(port, certificate)
        scheme = "https" if certificate else "http"
        return {"url": f"{scheme}://127.0.0.1:{listener.port}",
                "port": listener.port,
                "ca_file": self._authority.ca_file if certificate else None}
