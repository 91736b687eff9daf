"""What came in, counted and recorded, and the faults that were ordered."""

import json
import threading
from collections import Counter, deque
from typing import Any, Optional

from .wire import Request, Response

ENDPOINTS = ("token_info", "userinfo", "oauth_verify", "m2m_verify",
             "api_key_verify", "jwks", "bapi_jwks", "openid_configuration",
             "authorization_server", "authorize", "token", "revoke",
             "register", "bapi_revoke", "oauth_settings", "unknown",
             "malformed", "*")

FAULTS = ("delay", "hang", "reset", "close", "truncated", "status", "html",
          "garbage", "garbage_http", "oversize", "endless", "redirect",
          "gzip_bomb", "wrong_content_length", "slow_headers", "slow_body")

RECORD_LIMIT = 20000


def check_endpoint(name: str) -> None:
    if name not in ENDPOINTS:
        raise ValueError(f"no endpoint named {name}")


class Records:
    """Counts of calls and connections, and the last requests."""

    def __init__(self):
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._calls: Counter = Counter()
            self._connections: set[int] = set()
            self._requests: deque = deque(maxlen=RECORD_LIMIT)

    def add(self, endpoint: str, request: Request) -> None:
        with self._lock:
            self._calls[endpoint] += 1
            self._connections.add(request.connection)
            self._requests.append((endpoint, request))

    def add_malformed(self, connection: int) -> None:
        with self._lock:
            self._calls["malformed"] += 1
            self._connections.add(connection)

    def calls(self) -> dict[str, int]:
        with self._lock:
            return dict(self._calls)

    def connections(self) -> int:
        with self._lock:
            return len(self._connections)

    def requests(self, endpoint: Optional[str]) -> list[dict]:
        with self._lock:
            chosen = list(self._requests)
        return [{"endpoint": name, **request.record()}
                for name, request in chosen
                if endpoint in (None, "*", name)]


class Order:
    """One ordered misbehaviour, for a number of calls or until clear()."""

    def __init__(self, kind: str, times: Optional[int], **params: Any):
        self.kind = kind
        self.left = times
        self.params = params


class Plan:
    """What the orders in force mean for one call."""

    __slots__ = ("answer", "fault", "delay", "patches")

    def __init__(self):
        self.answer: Optional[Response] = None
        self.fault: Optional[Order] = None
        self.delay: float = 0
        self.patches: list[dict] = []


class Orders:
    """All orders in force, by endpoint.  The oldest one that is not used up
    is carried out first; a delay goes along with whatever else there is."""

    def __init__(self):
        self._lock = threading.Lock()
        self._orders: dict[str, list[Order]] = {}
        # counts clear()s, so that whoever hangs can see one
        self.generation = 0

    def clear(self) -> None:
        with self._lock:
            self._orders = {}
            self.generation += 1

    def add(self, endpoint: str, order: Order) -> None:
        check_endpoint(endpoint)
        with self._lock:
            self._orders.setdefault(endpoint, []).append(order)

    def take(self, endpoint: str) -> Optional[Plan]:
        """The plan for a call; None, the common case, for no orders."""
        if not self._orders:
            return None
        plan = Plan()
        with self._lock:
            for name in (endpoint, "*"):
                orders = self._orders.get(name)
                if orders:
                    self._take_from(orders, plan)
                    self._orders[name] = [o for o in orders if o.left != 0]
        return plan

    @staticmethod
    def _take_from(orders: list[Order], plan: Plan) -> None:
        for order in orders:
            if order.kind == "patch":
                plan.patches.append(order.params["members"])
            elif order.kind == "delay" and not plan.delay:
                plan.delay = order.params["seconds"]
            elif order.kind != "delay" and not (plan.answer or plan.fault):
                if order.kind == "answer":
                    plan.answer = order.params["response"]
                else:
                    plan.fault = order
            else:
                continue
            if order.left is not None:
                order.left -= 1


def patched(response: Response, patches: list[dict]) -> Response:
    """The response with members of its JSON object set, or removed where
    the patch says None."""
    if response.status != 200 or not patches:
        return response
    try:
        members = json.loads(response.body)
    except ValueError:
        return response
    if not isinstance(members, dict):
        return response
    for patch in patches:
        for name, value in patch.items():
            if value is None:
                members.pop(name, None)
            else:
                members[name] = value
    response.body = json.dumps(members, separators=(",", ":")).encode()
    return response
