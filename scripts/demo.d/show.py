"""The show: requests, their answers, and what there is to learn from them.

Every answer is checked. The exit status is 0 only when all of them were as
they should be.
"""

import argparse
import base64
import contextlib
import json
import os
import re
import secrets
import signal
import sys
import textwrap
import time

import mcp
from screen import Browser, Guide, bold, check, say, show
from servers import (HERE, Apache, Application, McpServer, Trouble,
                     choose_port)

sys.path.insert(0, str(HERE.parents[1] / "test"))
from clerk_standin.client import StandIn  # noqa: E402

USER = "user_2demo4AdaLovelace8from1815"
NAME = "Ada Lovelace"
FORGED = "user_somebody_else"
HELLO = "/cgi-bin/hello"
APP = "/app/"
TEAM = "/team/hello"
EVENTS = "/events/"
ORIGIN = "https://app.example.com"
# It says clerk.example.com.
PUBLISHABLE_KEY = "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k"
# At debug Apache names the line of the source, too.
LOG_LINE = re.compile(r"^\[[^]]*\] \[auth_clerk:(\w+)\] \[pid [^]]*\] "
                      r"(?:\S+\.c\(\d+\): )?(?:\[client [^]]*\] )?(.*)$")


SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Stopped(Exception):
    """Somebody wants this to end: Ctrl-C, or a signal."""


class Stop:
    """Turns the first signal into Stopped, but never halfway through the
    start or the end of a process, which would then be left behind."""

    def __init__(self):
        self.held, self.pending = False, None

    def __call__(self, number, _frame):
        if self.held:
            self.pending = self.pending or number
        else:
            self.ignore()
            raise Stopped(number)

    @staticmethod
    def ignore():
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)

    def watch(self):
        for each in SIGNALS:
            signal.signal(each, self)

    @contextlib.contextmanager
    def later(self):
        self.held = True
        try:
            yield
        finally:
            self.held = False
        if self.pending:
            self(self.pending, None)


# ---------------------------------------------------------------------------
# The two Clerks

class PlayedClerk:
    """The stand-in, which can do everything that the show wants to see."""

    name = "the stand-in for Clerk on this machine"
    user = USER

    def __init__(self):
        self.standin = StandIn.start()
        self.standin.configure(
            signed_in_user=USER,
            scopes_supported=["profile", "email", "offline_access",
                              mcp.MORE])
        self.standin.user(USER, name=NAME, given_name="Ada",
                          family_name="Lovelace",
                          email="ada@example.com", email_verified=True)

    def environment(self):
        # Its own key names the stand-in's port, as no key of Clerk's does.
        return {"CLERK_PUBLISHABLE_KEY": PUBLISHABLE_KEY,
                "CLERK_SECRET_KEY": self.standin.secret_key,
                "CLERK_ORIGIN": ORIGIN,
                "CLERK_MACHINE_ID": self.standin.sender_id,
                "DEMO_FRONTEND_API": self.standin.url,
                "DEMO_BACKEND_API": self.standin.bapi_url}

    defines = ("FRONTEND_API", "BACKEND_API")

    def mint(self, *scopes):
        return self.standin.mint(subject=USER, scopes=list(scopes))

    def mint_jwt(self, *scopes):
        return self.standin.mint_jwt(subject=USER, scopes=list(scopes))

    def mint_session(self, role):
        return self.standin.mint(
            "session_token", subject=USER, azp=ORIGIN,
            claims={"o": {"id": "org_2demo", "slg": "acme", "rol": role}})

    def calls(self):
        return [call["endpoint"] for call in self.standin.requests()]

    def stop(self):
        self.standin.stop()


class RealClerk:
    """The instance that the environment names."""

    name = "the real Clerk"

    def __init__(self):
        self.token = os.environ.get("CLERK_TOKEN", "").strip()

    def environment(self):
        names = ("CLERK_PUBLISHABLE_KEY", "CLERK_SECRET_KEY")
        own = {name: os.environ[name] for name in names}
        # For places that are not visited with the real Clerk.
        own["CLERK_ORIGIN"] = os.environ.get("CLERK_ORIGIN", ORIGIN)
        own["CLERK_MACHINE_ID"] = os.environ.get("CLERK_MACHINE_ID",
                                                 "mch_none")
        if self.defines:
            # As in Clerk's own SDKs: the address without the version.
            own["DEMO_BACKEND_API"] = os.environ["CLERK_API_URL"] + "/v1"
        return own

    @property
    def defines(self):
        return ("BACKEND_API",) if os.environ.get("CLERK_API_URL") else ()

    def stop(self):
        pass


def choose_clerk():
    keys = [bool(os.environ.get(name))
            for name in ("CLERK_PUBLISHABLE_KEY", "CLERK_SECRET_KEY")]
    if any(keys) and not all(keys):
        raise Trouble("the real Clerk needs both CLERK_PUBLISHABLE_KEY and "
                      "CLERK_SECRET_KEY; without either the stand-in is used")
    return RealClerk() if all(keys) else PlayedClerk()


# ---------------------------------------------------------------------------
# What both shows have in common

def show_configuration(apache, clerk):
    print(bold("\nmod_auth_clerk in front of three applications\n"))
    say(f"Apache listens on {apache.url}. Tokens are verified by {clerk.name}."
        " /cgi-bin/hello is a CGI program that knows nothing of Clerk; /team/"
        " has it once more, for people of a certain role. Behind /app/ and"
        " /events/ another server is at work, and behind /mcp and /tools an"
        " MCP server. This is all that guards them:")
    print()
    show((HERE / "clerk.conf").read_text())


def show_no_token(guide, browser):
    guide.title("No token: 401")
    say("Nobody gets in without a token. The challenge says what kind of "
        "credential is wanted, and which scopes.")
    print()
    answer = browser.get(HELLO)
    check(answer.status == 401 and answer.field("WWW-Authenticate")
          == 'Bearer scope="profile", realm="Clerk"'
          and answer.error() == "unauthorized",
          "401 with a Bearer challenge")


def show_malformed(guide, browser):
    guide.title("Something that cannot be a token: 400")
    say("What is not one well-formed bearer token is refused without asking "
        "Clerk.")
    print()
    answer = browser.get(HELLO, None, "Authorization: Bearer one, two")
    check(answer.status == 400 and answer.error() == "invalid_request",
          "400 invalid_request")


def our_lines(apache):
    """Level and text of each line of the module's in the error log."""
    found = []
    for line in apache.log().splitlines():
        match = LOG_LINE.match(line)
        if match:
            found.append(match.groups())
    return found


def logged(apache, is_enough):
    """The same, once there is enough: Apache logs after it has answered."""
    until = time.monotonic() + 3
    while True:
        lines = our_lines(apache)
        if is_enough(lines) or time.monotonic() > until:
            return lines
        time.sleep(0.05)


def show_log(guide, apache, *reasons):
    guide.title("What the administrator reads")
    say("One line for each refusal, at level info, with a reason word that "
        "stays the same; one line at level error when Clerk fails. A token "
        "appears as the beginning of its SHA-256, never as itself. At level "
        "debug there is more.")
    print()
    def missing(lines):
        said = " ".join(text for _, text in lines)
        return [r for r in reasons if f"reason={r} " not in said]

    lines = logged(apache, lambda lines: not missing(lines))
    for level, text in lines:
        if level in ("info", "error"):
            show(textwrap.fill(f"[{level}] {guide.clean(text)}", 75,
                               subsequent_indent="    "))
    print()
    check(not missing(lines), "a line for each refusal")
    whole = apache.log()
    check(not any(token in whole for token in guide.hidden),
          "no token and no secret in the log")


# ---------------------------------------------------------------------------
# With the stand-in

class PlayedShow:
    """Everything, in the order in which it is best understood."""

    def __init__(self, guide, clerk, apache):
        self.guide, self.clerk, self.apache = guide, clerk, apache
        self.browser = Browser(guide, apache.url)
        self.seen = 0
        guide.hide(clerk.standin.secret_key)

    def mint(self, *scopes):
        return self.guide.hide(self.clerk.mint(*scopes))

    def check_calls(self, *expected):
        """Which calls has Clerk had since the last look?"""
        calls = self.clerk.calls()[self.seen:]
        self.seen += len(calls)
        what = " and ".join(expected) if expected else "nothing"
        check(sorted(calls) == sorted(expected), f"Clerk was asked {what}; "
              f"{self.seen} calls in all")

    def run(self):
        show_no_token(self.guide, self.browser)
        self.check_calls()
        good = self.mint("profile", "email")
        self.let_in(good)
        self.cached(good)
        self.proxied(good)
        self.missing_scope()
        self.revoked()
        show_malformed(self.guide, self.browser)
        self.check_calls()
        self.signed()
        self.session()
        self.machine()
        mcp.Played(self).run()
        self.outage(good)
        for token in self.clerk.standin.secrets:
            self.guide.hide(token)
        show_log(self.guide, self.apache, "no_token", "insufficient_scope",
                 "token_inactive", "malformed_authorization",
                 "kind_not_accepted", "access_denied", "clerk_unreachable")

    def let_in(self, good):
        self.guide.title("A good token: 200")
        say("Clerk is asked whether the token is good (oauth_verify) and what "
            "the user is called (userinfo). The program finds the answers in "
            "its environment: REMOTE_USER, CLERK_NAME, CLERK_SCOPES and more.")
        print()
        answer = self.browser.get(HELLO, good)
        check(answer.status == 200 and f"Hello {NAME}!" in answer.body,
              f"200, and the program greets {NAME}")
        self.check_calls("oauth_verify", "userinfo")

    def cached(self, good):
        self.guide.title("The same token again: from the cache")
        say("For a while (ClerkCacheTTL, 60 seconds) Clerk need not be asked "
            "again, whichever of Apache's processes gets the request.")
        print()
        answer = self.browser.get(HELLO, good)
        check(answer.status == 200 and f"Hello {NAME}!" in answer.body,
              "200, and the same greeting")
        self.check_calls()

    def proxied(self, good):
        self.guide.title("The same token at the proxied application")
        say("The application is told by X-Clerk-* headers. A forged one that "
            "the client sends is removed, and so is the token: the "
            "application could otherwise use it elsewhere.")
        print()
        answer = self.browser.get(APP, good, f"X-Clerk-User-Id: {FORGED}")
        check(answer.status == 200
              and f"X-Clerk-User-Id: {USER}" in answer.body,
              "200, and the application knows the user")
        check(FORGED not in answer.body, "the forged header did not arrive")
        check("and no token." in answer.body, "neither did the token")
        self.check_calls()

    def missing_scope(self):
        self.guide.title("A good token without a scope that is needed: 403")
        say("The challenge names all scopes that this place needs, so that "
            "the client can ask Clerk for a token that has them.")
        print()
        answer = self.browser.get(APP, self.mint("profile"))
        challenge = answer.field("WWW-Authenticate")
        check(answer.status == 403
              and 'error="insufficient_scope"' in challenge
              and 'scope="profile email"' in challenge,
              "403 insufficient_scope")
        self.check_calls("oauth_verify", "userinfo")

    def revoked(self):
        self.guide.title("A revoked token: 401")
        say("The answer says that the token is no good. It does not say "
            "whether it ever was.")
        print()
        token = self.mint("profile", "email")
        self.clerk.standin.revoke(token)
        answer = self.browser.get(HELLO, token)
        check(answer.status == 401
              and 'error="invalid_token"' in answer.field("WWW-Authenticate"),
              "401 invalid_token")
        self.check_calls("oauth_verify")

    def signed(self):
        self.guide.title("An OAuth access token that is a JWT: 200")
        say("It is verified by its signature. Clerk is asked for its keys "
            "once (jwks), and for what the user is called.")
        print()
        answer = self.browser.get(
            HELLO, self.guide.hide(self.clerk.mint_jwt("profile")))
        check(answer.status == 200 and f"Hello {NAME}!" in answer.body,
              f"200, and the program greets {NAME}")
        self.check_calls("jwks", "userinfo")

    def get_with_cookie(self, path, token):
        return self.browser.get(path, None, f"Cookie: __session={token}")

    def session(self):
        admin, member = [self.guide.hide(self.clerk.mint_session(role))
                         for role in ("admin", "member")]
        self.guide.title("A session token in the cookie: 200")
        say("Clerk's script keeps it there in the browsers of users who have "
            "signed in. The key is known, so that Clerk is not asked at all.")
        print()
        answer = self.get_with_cookie(TEAM, admin)
        check(answer.status == 200 and f"You are {USER}." in answer.body
              and "In acme you have the role org:admin." in answer.body,
              "200, and the program knows user, organization and role")
        self.check_calls()

        self.guide.title("The same session token in the header: 200")
        answer = self.browser.get(TEAM, admin)
        check(answer.status == 200 and "org:admin" in answer.body,
              "200, and the same answer")
        self.check_calls()

        self.guide.title("A session of somebody without the role: 403")
        say("There is no challenge: another scope would not help.")
        print()
        answer = self.get_with_cookie(TEAM, member)
        check(answer.status == 403 and answer.error() == "access_denied"
              and not answer.field("WWW-Authenticate"), "403 access_denied")
        self.check_calls()

        self.guide.title("A session token where OAuth tokens belong: 401")
        say("The same key signs both, but each place says which kinds it "
            "accepts.")
        print()
        answer = self.browser.get(HELLO, admin)
        check(answer.status == 401 and answer.error() == "invalid_token",
              "401 invalid_token")
        self.check_calls()

    def machine(self):
        standin = self.clerk.standin
        self.guide.title("A token of a machine, a JWT: 200")
        say("The application is told which machine it is.")
        print()
        answer = self.browser.get(EVENTS,
                                  self.guide.hide(standin.mint("m2m_jwt")))
        check(answer.status == 200
              and f"X-Clerk-Machine-Id: {standin.sender_id}" in answer.body
              and "and no token." in answer.body,
              "200, and the application knows the machine")
        self.check_calls()

        self.guide.title("The same as an opaque token: 200")
        say("Clerk is asked (m2m_verify). Such a token can be revoked.")
        print()
        answer = self.browser.get(EVENTS,
                                  self.guide.hide(standin.mint("m2m_token")))
        check(answer.status == 200
              and f"X-Clerk-Machine-Id: {standin.sender_id}" in answer.body,
              "200, and the application knows the machine")
        self.check_calls("m2m_verify")

        self.guide.title("A good token of another machine: 403")
        other = standin.machine()["id"]
        answer = self.browser.get(EVENTS, self.guide.hide(
            standin.mint("m2m_jwt", subject=other)))
        check(answer.status == 403 and answer.error() == "access_denied",
              "403 access_denied")
        self.check_calls()

    def outage(self, good):
        fresh = self.mint("profile", "email")
        self.clerk.standin.pause_listening()
        self.guide.title("Clerk is down, and the token is new: 503")
        say("Nobody knows whether this token is good. That is no reason to "
            "send the client away for good: 503 tells it to come back.")
        print()
        answer = self.browser.get(HELLO, fresh)
        check(answer.status == 503 and answer.field("Retry-After").isdigit(),
              "503 with Retry-After")

        self.guide.title("Clerk is down, and the token is known: 200")
        say("A token in the cache is served as before.")
        print()
        answer = self.browser.get(HELLO, good)
        check(answer.status == 200 and f"Hello {NAME}!" in answer.body,
              "200, and the same greeting")

        self.guide.title("Clerk is down, and a new session token comes: 200")
        say("Its signature needs no Clerk, as long as the key is known.")
        print()
        answer = self.get_with_cookie(
            TEAM, self.guide.hide(self.clerk.mint_session("admin")))
        check(answer.status == 200, "200")

        self.clerk.standin.resume()
        self.guide.title("Clerk is back: 200 at once")
        say("That Clerk could not be asked was not remembered as a refusal.")
        print()
        answer = self.browser.get(HELLO, fresh)
        check(answer.status == 200, "200 for the token that got 503")
        self.check_calls("oauth_verify", "userinfo")

    def session_command(self):
        """What mints one, to be pasted into a shell between $( and )."""
        order = json.dumps({"kind": "session_token", "azp": ORIGIN, "claims":
                            {"o": {"slg": "acme", "rol": "admin"}}})
        return (f"curl -s -d '{order}' {self.clerk.standin.control_url}/mint"
                " | cut -d'\"' -f4")

    def what_to_try(self):
        token = self.clerk.mint("profile", "email")
        control = self.clerk.standin.control_url
        commands = [
            ("No token", f"curl -i {self.apache.url}{HELLO}"),
            ("A good token", f"curl -i -H 'Authorization: Bearer {token}' "
                             f"{self.apache.url}{HELLO}"),
            ("The same at the proxied application",
             f"curl -i -H 'Authorization: Bearer {token}' "
             f"{self.apache.url}{APP}"),
            ("A session token in the cookie; it is good for a minute",
             f"curl -i -H \"Cookie: __session=$({self.session_command()})\" "
             f"{self.apache.url}{TEAM}"),
            ("Another token from the stand-in, with scopes of your choice",
             "curl -d '{\"scopes\": [\"profile\"]}' " + control + "/mint"),
            ("Revoke the token (what is cached is believed for a minute)",
             f"curl -d '{{\"token\": \"{token}\"}}' {control}/revoke"),
            ("Clerk goes down, and comes back",
             f"curl -d '' {control}/pause_listening\n"
             f"curl -d '' {control}/resume"),
        ]
        for what, command in commands:
            print(f"\n{what}:")
            show(command)
        mcp.what_to_try(self.apache.url)
        say("The stand-in has no page to sign in on: it takes the browser for "
            f"{NAME}'s, and sends it straight back.")


# ---------------------------------------------------------------------------
# With the real Clerk

GET_A_TOKEN = """\
To see a good token let in, put one into CLERK_TOKEN and run this again. It has
to be an OAuth access token, opaque (oat_...) or a JWT. README.md says how to
get one with a browser and curl.
"""


def is_oauth(token):
    """Is it an OAuth access token, opaque or by the type in its header?"""
    head = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(
            head + "=" * (-len(head) % 4)))
        kind = header.get("typ", "")
    except (ValueError, AttributeError):
        kind = ""
    return token.startswith("oat_") or kind in ("at+jwt", "application/at+jwt")


class RealShow:
    """What can be shown without orders to Clerk."""

    def __init__(self, guide, clerk, apache):
        self.guide, self.clerk, self.apache = guide, clerk, apache
        self.browser = Browser(guide, apache.url)
        guide.hide(os.environ["CLERK_SECRET_KEY"])
        if clerk.token:
            guide.hide(clerk.token)

    def run(self):
        show_no_token(self.guide, self.browser)
        show_malformed(self.guide, self.browser)
        mcp.Real(self).run()
        reasons = ["no_token", "malformed_authorization"]
        token = self.clerk.token
        is_reachable = self.made_up()
        if is_reachable:
            reasons.append("token_inactive")
        if not token:
            print("\n" + GET_A_TOKEN.rstrip())
        elif not is_oauth(token):
            reasons.append(self.of_another_kind(token))
        elif is_reachable:
            self.let_in(token)
        else:
            say("CLERK_TOKEN is passed over: without Clerk there is nobody "
                "to verify it.")
        show_log(self.guide, self.apache, *reasons)

    def made_up(self):
        """Could Clerk be asked?"""
        self.guide.title("A token that somebody made up")
        say("It looks like a token, so Clerk is asked about it.")
        print()
        token = self.guide.hide("oat_" + secrets.token_hex(24))
        answer = self.browser.get(HELLO, token)
        if answer.status == 503:
            check(answer.field("Retry-After").isdigit(),
                  "503, because Clerk cannot be asked from this machine")
            return False
        if answer.status == 500:
            raise Trouble("Clerk refused this server itself, so no token can "
                          "be verified. The log says:\n" + "\n".join(
                              self.guide.clean(text) for level, text
                              in our_lines(self.apache) if level == "error"))
        check(answer.status == 401
              and 'error="invalid_token"' in answer.field("WWW-Authenticate"),
              "401: Clerk does not know it")
        return True

    def let_in(self, token):
        self.guide.title("Your token")
        say("It is verified by Clerk, or by its signature if it is a JWT; the "
            "program is told whose it is.")
        print()
        answer = self.browser.get(HELLO, token)
        if answer.status == 403 and answer.error() == "insufficient_scope":
            check(True, "403: Clerk knows the token, but it lacks the scope "
                  "profile")
            return
        check(answer.status == 200 and answer.body.startswith("Hello "),
              "200, and the program greets the user")
        self.guide.title("Your token again: from the cache")
        say("For a while Clerk need not be asked again: for ClerkCacheTTL (60 "
            "seconds), or up to five minutes if it is a JWT.")
        print()
        answer = self.browser.get(HELLO, token)
        check(answer.status == 200, "200, and the same greeting")
        check(any(", cache hit: " in text for _, text in logged(
            self.apache, lambda lines: ", cache hit: " in str(lines))),
            "the log says that it was a hit")
        self.guide.title("Your token at the proxied application")
        say("A forged header that comes with it is removed.")
        print()
        answer = self.browser.get(APP, token, f"X-Clerk-User-Id: {FORGED}")
        check(answer.status in (200, 403) and FORGED not in answer.body,
              "200, or 403 where the token lacks the scope email; the forged "
              "header did not arrive")
        mcp.Real(self).initialize()

    def of_another_kind(self, token):
        """The reason why it is refused."""
        self.guide.title("Your token: of a kind that is not accepted here")
        say("The program is for OAuth access tokens. CLERK_TOKEN holds one of "
            "another kind.")
        print()
        answer = self.browser.get(HELLO, token)
        check(answer.status == 401, "401")
        log = " ".join(text for _, text in logged(
            self.apache, lambda lines: any("refused with 401: reason=k" in text
                                           for _, text in lines)))
        return next((reason for reason in ("kind_not_accepted", "kind_unknown")
                     if f"reason={reason} " in log), "kind_not_accepted")

    def what_to_try(self):
        for path in (HELLO, APP):
            print()
            show(f"curl -i {self.apache.url}{path}")
            show("curl -i -H \"Authorization: Bearer $CLERK_TOKEN\" "
                 f"{self.apache.url}{path}")
        mcp.what_to_try(self.apache.url)


# ---------------------------------------------------------------------------

def serve(show_, apache):
    """Until somebody wants it to end."""
    print(bold("\nEverything keeps running. What to try:"))
    show_.what_to_try()
    print(f"\nThe error log:\n    tail -f {apache.error_log}"
          f"\n\nServing on {apache.url} until Ctrl-C.", flush=True)
    try:
        while apache.process.poll() is None:
            time.sleep(0.2)
    except Stopped:
        print("\nEnded.")
        return
    raise Trouble("Apache has ended by itself:\n" + apache.log()[-2000:])


def start(stack, arguments):
    """Everything that the show needs; it ends with the stack."""
    port = choose_port(arguments.port)
    clerk = choose_clerk()
    stack.callback(clerk.stop)
    application = Application()
    stack.callback(application.stop)
    server = McpServer()
    stack.callback(server.stop)
    environment = {**clerk.environment(), "APPLICATION_URL": application.url,
                   "MCP_SERVER_URL": server.url}
    apache = Apache(arguments.module, port, environment, clerk.defines)
    stack.callback(apache.stop)
    return clerk, apache


def run(arguments, stop):
    with contextlib.ExitStack() as stack:
        with stop.later():
            clerk, apache = start(stack, arguments)
            stack.callback(stop.ignore)
        show_configuration(apache, clerk)
        kind = PlayedShow if isinstance(clerk, PlayedClerk) else RealShow
        shown = kind(Guide(), clerk, apache)
        try:
            shown.run()
        except Trouble as trouble:
            tail = "".join(apache.log().splitlines(True)[-20:])
            raise Trouble(f"{trouble}\n\nThe end of the error log:\n"
                          + shown.guide.clean(tail)) from None
        print("\n" + bold("All answers were as they should be."))
        if arguments.serve:
            serve(shown, apache)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--module", required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--serve", action="store_true")
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    sys.stderr.reconfigure(encoding="utf-8")
    stop = Stop()
    stop.watch()
    try:
        run(parser.parse_args(), stop)
    except Trouble as trouble:
        print(f"\ndemo: {trouble}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        return 128 + stopped.args[0]
    except BrokenPipeError:
        # Whoever read along has gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
