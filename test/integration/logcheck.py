"""What the logs of one httpd may and may not hold.

Owns the reading of error log, access log and standard error, the list of
lines that a test has announced, and the search for tokens and secrets. Knows
nothing of processes or requests; httpd.py and conftest.py call it.
"""

import base64
import re
import urllib.parse

LINE = re.compile(r"^\[[^\]]*\] \[(?P<module>[^:\]]*):(?P<level>[a-z]+)\d?\] ")
LOUD = ("warn", "error", "crit", "alert", "emerg")
CRASH = re.compile(r"exit signal|core dump|Segmentation|SIGABRT|"
                   r"glibc detected|free\(\): |malloc\(\): |double free")
SANITIZER = re.compile(r"(Address|Leak|Thread|UndefinedBehavior|Memory)"
                       r"Sanitizer|runtime error: ")

# httpd's own voice, at error, whenever mod_authz_core refuses a user. It
# accompanies every 403 here and says nothing about this module.
HTTPDS_OWN = re.compile(r"AH01631: user .*authorization failure for ")


class Log:
    """A growing file that is read from remembered positions."""

    def __init__(self, path):
        self.path = path

    @property
    def position(self):
        return self.path.stat().st_size if self.path.exists() else 0

    def text(self, since=0):
        if not self.path.exists():
            return ""
        with open(self.path, "rb") as stream:
            stream.seek(since)
            return stream.read().decode("utf-8", "replace")

    def lines(self, since=0, level=None, module=None, matching=None):
        """The lines after a position, narrowed by level, module, regex."""
        found = []
        for line in self.text(since).splitlines():
            head = LINE.match(line)
            if level and (not head or head["level"] != level):
                continue
            if module and (not head or head["module"] != module):
                continue
            if matching and not re.search(matching, line):
                continue
            found.append(line)
        return found


class Announcement:
    """A loud line that a test says will come."""

    def __init__(self, pattern, optional):
        self.pattern = re.compile(pattern)
        self.optional = optional
        self.seen = 0

    def covers(self, line):
        if self.pattern.search(line):
            self.seen += 1
            return True
        return False


class Watch:
    """Judges what one server wrote between two moments."""

    def __init__(self, error_log, other_logs):
        self.error_log = error_log
        self.logs = [error_log, *other_logs]
        self.announced = []
        self.marks = {}
        self.began = 0
        self.begin()

    def begin(self):
        """Forget announcements; look at what is written from now on."""
        self.began = self.marks.get(self.error_log, 0)
        self.marks = {log: log.position for log in self.logs}
        self.announced = []

    def announce(self, pattern, optional=False):
        self.announced.append(Announcement(pattern, optional))

    def faults(self, secrets):
        """Sentences, one for each thing that should not have happened."""
        found = []
        for line in self.error_log.lines(self.marks[self.error_log]):
            head = LINE.match(line)
            if CRASH.search(line):
                found.append(f"a child crashed: {line}")
            elif head and head["level"] in LOUD and not self._expected(line):
                found.append(f"unannounced log line: {line}")
        for announcement in self.announced:
            if not announcement.seen and not announcement.optional:
                found.append("announced, but never logged: "
                             + announcement.pattern.pattern)
        for log in self.logs:
            text = log.text(self.marks[log])
            found += leaks(text, secrets, log.path.name)
            if SANITIZER.search(text):
                found.append(f"sanitizer report in {log.path.name}:\n{text}")
        return found

    def _expected(self, line):
        if HTTPDS_OWN.search(line):
            return True
        return any([a.covers(line) for a in self.announced])


def disguises(secret):
    """The forms in which a secret may stand in a log."""
    raw = secret.encode()
    quoted = urllib.parse.quote(secret, safe="")
    return {secret, quoted, quoted.lower(),
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("=")}


def leaks(text, secrets, name):
    """Which secrets stand in a text, without printing them whole."""
    found = []
    for secret in secrets:
        if any(form in text for form in disguises(secret)):
            found.append(f"{name} holds the secret {secret[:7]}…")
    return found
