"""The stand-in as a program: one JSON line when ready, then it serves."""

import argparse
import json
import os
import signal
import sys
import threading

from .control import Control
from .records import Orders, Records
from .server import Clerk
from .state import Instance


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="clerk_standin")
    parser.add_argument("--port", type=int, default=0,
                        help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--tls", action="store_true",
                        help="speak https with a throw-away certificate")
    parser.add_argument("--issuer", help="issuer, if not the URL")
    parser.add_argument("--ready-file", metavar="F",
                        help="also write the ready line to this file")
    parser.add_argument("--exit-with-parent", action="store_true",
                        help="end when standard input is closed")
    return parser.parse_args()


class Bell:
    """Rings when it is time to end.  A pipe that signals write to: the
    kernel may hand a signal to any thread, and an Event would then leave
    the main thread asleep."""

    def __init__(self):
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        signal.set_wakeup_fd(self._write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)

    def ring_at_end_of_input(self) -> None:
        while os.read(0, 4096):
            pass
        os.write(self._write, b"\0")

    def wait(self) -> None:
        os.read(self._read, 1)


def _ready(instance: Instance, control: Control, port: int,
           tls: bool) -> dict:
    application = instance.application
    ready = {
        "url": instance.url, "bapi_url": instance.url + "/v1",
        "issuer": instance.issuer,
        "publishable_key": instance.publishable_key,
        "secret_key": instance.secret_key,
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "machine_secret_key": instance.machine.secret_key,
        "machine_id": instance.machine.id, "sender_id": instance.sender.id,
        "instance_id": instance.id, "user_id": instance.default_user,
        "control_url": control.url, "pid": os.getpid(), "port": port}
    if tls:
        ready["ca_file"] = control.authority().ca_file
    return ready


def main() -> int:
    arguments = _arguments()
    bell = Bell()
    # the URL holds the port, which only the listener knows
    instance = Instance()
    control = Control(Clerk(instance, Records(), Orders()))
    listener = control.add_listener(arguments.port,
                                    "good" if arguments.tls else None)
    scheme = "https" if arguments.tls else "http"
    instance.settle(f"{scheme}://127.0.0.1:{listener.port}", arguments.issuer)
    line = json.dumps(_ready(instance, control, listener.port, arguments.tls))
    if arguments.ready_file:
        with open(arguments.ready_file, "w", encoding="utf-8") as out:
            out.write(line + "\n")
    print(line, flush=True)
    if arguments.exit_with_parent:
        threading.Thread(target=bell.ring_at_end_of_input,
                         daemon=True).start()
    bell.wait()
    control.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
