"""Listeners and connections: one thread for each connection."""

import itertools
import socket
import ssl
import threading
import traceback
from typing import Callable, Optional

from . import bapi, fapi, faults
from .checks import Refusal
from .errors import clerk_error
from .records import Orders, Plan, Records, patched
from .state import Instance
from .wire import BadRequest, Reader, Request, Response

HANDSHAKE_TIMEOUT = 10
_numbers = itertools.count(1)


class Listener:
    """A listening socket on 127.0.0.1 whose connections are served by
    `serve(socket, number)`, each in a thread of its own."""

    def __init__(self, serve: Callable[[socket.socket, int], None],
                 port: int = 0, context: Optional[ssl.SSLContext] = None):
        self._serve = serve
        self._context = context
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._socket = self._bound(port)
        self.port = self._socket.getsockname()[1]
        self._listening = False
        self.resume()

    @staticmethod
    def _bound(port: int) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        return sock

    def resume(self) -> None:
        with self._lock:
            if self._listening:
                return
            self._socket.listen(512)
            self._listening = True
            threading.Thread(target=self._accept, args=(self._socket,),
                             daemon=True).start()

    def pause(self) -> None:
        """Refuse connections, and end the ones there are.  A socket that is
        bound but does not listen keeps the port ours."""
        with self._lock:
            if not self._listening:
                return
            self._listening = False
            self._shut(self._socket)
            self._socket.close()
            self._socket = self._bound(self.port)
        self.drop_connections()

    def close(self) -> None:
        self.pause()
        self._socket.close()

    def drop_connections(self, with_reset: bool = False) -> None:
        """End all connections, whatever they are doing."""
        with self._lock:
            doomed = list(self._open)
        for sock in doomed:
            if with_reset:
                faults.reset(sock)
            self._shut(sock, socket.SHUT_RD if with_reset
                       else socket.SHUT_RDWR)

    @staticmethod
    def _shut(sock: socket.socket, how: int = socket.SHUT_RDWR) -> None:
        """Wake whoever waits on the socket.  Not the method of an
        SSLSocket, which would make it speak plain text."""
        try:
            socket.socket.shutdown(sock, how)
        except OSError:
            pass

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(sock,),
                             daemon=True).start()

    def _connection(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                sock.settimeout(HANDSHAKE_TIMEOUT)
                sock = self._context.wrap_socket(sock, server_side=True)
            with self._lock:
                self._open.add(sock)
            self._serve(sock, next(_numbers))
        except OSError:
            pass  # the client has gone, or would not shake hands
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()


class Clerk:
    """The two APIs behind the listeners."""

    def __init__(self, instance: Instance, records: Records, orders: Orders):
        self.instance = instance
        self.records = records
        self.orders = orders

    def serve(self, sock: socket.socket, number: int) -> None:
        """Answer the requests of one connection."""
        reader = Reader(sock)
        while True:
            sock.settimeout(self.instance.setting("keep_alive") or 60)
            try:
                request = reader.request()
            except BadRequest as bad:
                self.records.add_malformed(number)
                sock.sendall(_plain(bad.status, str(bad)))
                return
            if request is None:
                return
            request.connection = number
            sock.settimeout(60)
            if not self._answer(sock, request):
                return

    def _answer(self, sock: socket.socket, request: Request) -> bool:
        """Answer one request; whether the connection may be kept."""
        name, handler = self._route(request)
        self.records.add(name, request)
        plan = self.orders.take(name)
        keep = request.keeps_alive() and bool(
            self.instance.setting("keep_alive"))
        if plan is None:
            response = self._respond(name, handler, request)
        else:
            line = faults.Line(sock, self.orders)
            response = self._respond_as_ordered(
                plan, line, lambda: self._respond(name, handler, request))
            if response is None:
                return False
            if plan.fault is not None:
                return faults.carry_out(plan.fault, response, line) and keep
        body = b"" if request.method == "HEAD" else response.body
        sock.sendall(response.head(keep) + body)
        return keep

    @staticmethod
    def _respond_as_ordered(plan: Plan, line: faults.Line,
                            respond: Callable[[], Response],
                            ) -> Optional[Response]:
        if plan.delay and not line.goes_on(plan.delay):
            return None
        if plan.answer is not None:
            return plan.answer
        return patched(respond(), plan.patches)

    def _route(self, request: Request):
        path = request.path
        prefix = self.instance.setting("path_prefix")
        if prefix:
            if not path.startswith(prefix + "/"):
                return "unknown", None
            path = path[len(prefix):]
        route = fapi.ROUTES.get(path)
        if route is not None:
            return route[0], (fapi.preconditions, route[1])
        route = bapi.route(path)
        if route is not None:
            return route[0], (bapi.preconditions, route[1])
        return "unknown", None

    def _respond(self, name: str, handler, request: Request) -> Response:
        return fapi.preflight(name, request) or fapi.share(
            name, request, self._handled(handler, request))

    def _handled(self, handler, request: Request) -> Response:
        if handler is None:
            return Response(404, "404 page not found\n",
                            "text/plain; charset=utf-8")
        preconditions, answer = handler
        try:
            preconditions(self.instance, request)
            return answer(self.instance, request)
        except Refusal as refusal:
            return refusal.response
        except Exception:  # a defect of the stand-in: seen by all
            traceback.print_exc()
            return clerk_error("internal_clerk_error")


def _plain(status: int, text: str) -> bytes:
    response = Response(status, text + "\n", "text/plain; charset=utf-8")
    return response.head(False) + response.body


def serve_control(dispatch: Callable[[Request], Response]):
    """A serve() for the control listener."""
    def serve(sock: socket.socket, number: int) -> None:
        reader = Reader(sock)
        while True:
            try:
                request = reader.request()
            except BadRequest as bad:
                sock.sendall(_plain(bad.status, str(bad)))
                return
            if request is None:
                return
            try:
                response = dispatch(request)
            except Exception as error:  # a defect here must not go unseen
                response = clerk_error("internal_clerk_error", repr(error))
            keep = request.keeps_alive()
            sock.sendall(response.head(keep) + response.body)
            if not keep:
                return
    return serve
