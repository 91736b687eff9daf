"""What the show is made of: text on the screen, requests, and checks.

Owns how a request and its answer are shown, and which texts must not be. Knows
nothing of what there is to be learnt from them.
"""

import json
import shlex
import subprocess
import sys
import textwrap

from servers import Trouble

CONSOLE = sys.stdout.isatty()
WIDTH = 75


def bold(text):
    return f"\033[1m{text}\033[0m" if CONSOLE else text


def say(text=""):
    print(textwrap.fill(text, 79))


def show(text):
    print(textwrap.indent(text.rstrip("\n"), "    "))


def short(token):
    """Enough of a token to tell it from others, and no more."""
    return token[:8] + "…"


class Guide:
    """Numbers the steps, and knows every text that must not be shown."""

    def __init__(self):
        self.step = 0
        self.hidden = []

    def title(self, text):
        self.step += 1
        print("\n" + bold(f"{self.step}. {text}") + "\n")

    def hide(self, token):
        self.hidden.append(token)
        return token

    def clean(self, text):
        for token in self.hidden:
            text = text.replace(token, short(token))
        return text


class Answer:
    """A response as curl -i printed it."""

    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        first, *fields = head.split("\r\n")
        self.status = int(first.split()[1])
        self.fields = [field.partition(": ")[::2] for field in fields]

    def field(self, name):
        values = [v for k, v in self.fields if k.lower() == name.lower()]
        return values[0] if len(values) == 1 else ""

    def error(self):
        """The `error` of the JSON body of a refusal."""
        try:
            return json.loads(self.body)["error"]
        except (ValueError, KeyError, TypeError):
            return None


class Browser:
    """Makes requests with curl, and shows both sides of them."""

    def __init__(self, guide, url):
        self.guide, self.url = guide, url

    def get(self, path, token=None, *headers):
        return self._request(path, token, headers)

    def post(self, path, body, token=None, *headers):
        """POST JSON: what is shown of it is the name of a file."""
        name, content = body
        return self._request(
            path, token,
            ("Content-Type: application/json",
             "Accept: application/json, text/event-stream", *headers),
            [("-d", f"@{name}", json.dumps(content))])

    def _request(self, path, token, headers, options=()):
        if token is not None:
            headers = (f"Authorization: Bearer {token}", *headers)
        words = [["-H", self.guide.clean(header)] for header in headers]
        words += [[name, shown] for name, shown, _ in options]
        self._show_command([["curl", "-i"], *words, [self.url + path]])
        real = [word for name, _, value in options for word in (name, value)]
        # The headers on standard input: other users can see arguments.
        done = subprocess.run(
            ["curl", "-q", "-sS", "-i", "--noproxy", "*", "--max-time", "30",
             "-H", "@-", *real, self.url + path],
            input=("\n".join(headers) + "\n").encode(),
            capture_output=True, check=False)
        if done.returncode:
            raise Trouble("curl: " + done.stderr.decode().strip())
        text = done.stdout.decode("utf-8", "replace")
        show(self.guide.clean(text.replace("\r\n", "\n")))
        print()
        return Answer(text)

    @staticmethod
    def _show_command(words):
        """In one line, if there is room for it."""
        parts = [" ".join(shlex.quote(word) for word in part)
                 for part in words]
        line = " ".join(parts)
        if len(line) > 2 * WIDTH:
            line = " \\\n      ".join(parts)
        show("$ " + line)


def check(is_so, what):
    """What was seen must be so; else the show is over."""
    if not is_so:
        raise Trouble(f"that is not as it should be. Expected: {what}")
    print(f"    ok: {what}")
