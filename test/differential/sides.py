"""The two sides that are compared: the module, and Clerk's own client.

Owns how a token is given to each of them, and at what time. Knows nothing of
what the tokens are.
"""

import json
import math
import pathlib
import subprocess
import time

import client
from confs import instance, location, quoted

SDK = pathlib.Path(__file__).resolve().parents[1] / "sdk"
ACCEPTS = ("session_token", "oauth_token", "m2m_token", "api_key", "any")
PATIENCE = 120  # seconds


def node():
    """The interpreter that npm installed, or None."""
    found = sorted(SDK.glob("node_modules/node-linux-*/bin/node"))
    return found[0] if found else None


def configuration(clerk):
    """One location for each kind. It asks the Backend API, as the client
    does, with the same credentials."""
    lines = [instance(clerk),
             f"ClerkSecretKey {quoted(clerk.secret_key)}\n",
             f"ClerkMachineSecretKey {quoted(clerk.machine_secret_key)}\n",
             "LogLevel warn auth_clerk:info\n",
             "LimitRequestFieldSize 16380\n"]
    lines += [location(f"/{kind}", f"ClerkAcceptsToken {kind}")
              for kind in ACCEPTS]
    return "".join(lines)


class Answer:
    """What one side says of a token: is it accepted, and as what."""

    def __init__(self, accepted, note, kind=None, subject=None, env=None):
        self.accepted, self.note = accepted, note
        self.kind, self.subject, self.env = kind, subject, env or {}

    def __repr__(self):
        said = "accepted" if self.accepted else "refused"
        return f"{said} ({self.note})"


class Module:
    """The httpd with the module."""

    def __init__(self, server):
        self.server = server
        self.connection = client.Connection(server.port)

    def ask(self, token, accepts):
        """Its answer, and the two moments (ms) between which it gave it."""
        began = time.time_ns() // 1_000_000
        response = self.connection.request("GET", f"/{accepts}/env",
                                           token=token)
        ended = math.ceil(time.time_ns() / 1_000_000)
        if response.status != 200:
            # httpd closes the connection after some errors
            self.connection.close()
            return Answer(False, response.status), [began, ended]
        env = response.env()
        return Answer(True, 200, env["CLERK_TOKEN_TYPE"],
                      env["CLERK_SUBJECT"], env), [began, ended]


class Client:
    """@clerk/backend, in one process for many questions."""

    def __init__(self, clerk):
        self.setting = {"api_url": clerk.url, "secret_key": clerk.secret_key,
                        "machine_secret_key": clerk.machine_secret_key,
                        "publishable_key": clerk.publishable_key}

    def ask(self, questions):
        """Of (token, accepts, times): as many answers as it has times."""
        asked = [dict(zip(("token", "accepts", "times"), question))
                 for question in questions]
        done = subprocess.run(
            [node(), "verdicts.mjs"], cwd=SDK, check=True, timeout=PATIENCE,
            input=json.dumps({**self.setting, "questions": asked}).encode(),
            stdout=subprocess.PIPE)
        return json.loads(done.stdout)
