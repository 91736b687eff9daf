"""Reads callgrind's output and writes what the module costs, by function.

Of two runs that differ in nothing but the number of requests, the difference
is what a request costs: start-up, shutdown and the first requests fall out.
"""

import collections
import os

Function = collections.namedtuple("Function", "object file name")
Edge = collections.namedtuple("Edge", "caller callee")

OPTIONS = ("-q", "--vgdb=no", "--tool=callgrind", "--compress-strings=no",
           "--compress-pos=no")
UNKNOWN = "???"
ROWS = 60


def command(valgrind, out):
    """What runs a program so that read() can read what it did."""
    return (valgrind, *OPTIONS, f"--callgrind-out-file={out}")


class Profile:
    """Instructions by function, and calls and instructions by edge."""

    def __init__(self):
        self.own = collections.Counter()
        self.calls = collections.Counter()
        self.below = collections.Counter()

    @property
    def total(self):
        return sum(self.own.values())

    def inclusive(self):
        cost = collections.Counter(self.own)
        for edge, below in self.below.items():
            cost[edge.caller] += below
        return cost

    def called(self):
        """How often each function was called."""
        count = collections.Counter()
        for edge, calls in self.calls.items():
            count[edge.callee] += calls
        return count


class _Reader:
    """The place in the file: which function the next cost line is of.

    What is not said is as it was: a function's file is the one that was named
    last, a callee's object and file are those of the calling function. An
    unknown file inside of a function (the jump to another library has none)
    is said, but does not count as named.
    """

    def __init__(self, profile):
        self.profile = profile
        self.object = self.file = self.function = ""
        self.function_file = ""
        self.callee = {}
        self.pending = None

    def name(self, key, value):
        if key == "ob":
            self.object = value
        elif key == "fl" or (key in ("fi", "fe") and value != UNKNOWN):
            self.file = value
        elif key == "fn":
            self.function, self.function_file = value, self.file
        elif key in ("cob", "cfi", "cfl", "cfn"):
            self.callee[key.replace("cfl", "cfi")] = value
        elif key == "calls":
            self.pending = int(value.split()[0])

    def here(self):
        return _function(self.object, self.function_file, self.function)

    def cost(self, cost):
        if self.pending is None:
            self.profile.own[self.here()] += cost
            return
        edge = Edge(self.here(), _function(
            self.callee.get("cob", self.object),
            self.callee.get("cfi", self.function_file), self.callee["cfn"]))
        self.profile.calls[edge] += self.pending
        self.profile.below[edge] += cost
        self.pending = None
        self.callee = {}


def _function(path, file, name):
    return Function(os.path.basename(path), os.path.basename(file), name)


def read(path):
    """The profile in a file that was written under command()."""
    profile = Profile()
    reader = _Reader(profile)
    body = False
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if not body:
                body = line.startswith("events:")
            elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
                words = line.split()
                reader.cost(int(words[1]) if len(words) > 1 else 0)
            elif "=" in line:
                reader.name(*line.split("=", 1))
    return profile


class Slope:
    """What one request more costs, between a short and a long run."""

    def __init__(self, short, long, requests):
        self.long = long
        self.requests = requests
        self.own = self._per_request(short.own, long.own)
        self.inclusive = self._per_request(short.inclusive(),
                                           long.inclusive())
        self.calls = self._per_request(short.called(), long.called())
        self.edge_calls = self._per_request(short.calls, long.calls)
        self.edge_below = self._per_request(short.below, long.below)
        self.total = (long.total - short.total) / requests

    def _per_request(self, short, long):
        return {key: (long[key] - short[key]) / self.requests
                for key in long}

    def by_object(self):
        cost = collections.Counter()
        for function, own in self.own.items():
            cost[function.object] += own
        return cost


def _table(heads, rows):
    """Numbers to the right, the last column to the left."""
    widths = [max([len(head)] + [len(row[i]) for row in rows])
              for i, head in enumerate(heads)]
    for row in (heads, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths)]
        yield "  ".join(cells[:-1] + [row[-1]])


def _label(function):
    return f"{function.name} ({function.file})"


def _functions(slope, module):
    """The module's functions. Those that no request called come last and
    have a line, too, if they were called: it tells what is done only once."""
    total = slope.long.called()
    found = [function for function in slope.inclusive
             if function.object == module and total[function]]
    found.sort(key=lambda f: (-round(slope.inclusive[f], 1), -total[f], f))
    rows = [(f"{slope.inclusive[f]:.1f}", f"{slope.own[f]:.1f}",
             f"{slope.calls.get(f, 0):.2f}", str(total[f]), _label(f))
            for f in found]
    return _table(("inclusive", "own", "calls", "calls in all",
                   "function"), rows)


def _leaving(slope, module):
    """What the module calls elsewhere."""
    found = [edge for edge, below in slope.edge_below.items()
             if edge.caller.object == module and edge.callee.object != module
             and below >= 1]
    found.sort(key=lambda edge: -slope.edge_below[edge])
    rows = [(f"{slope.edge_below[edge]:.1f}",
             f"{slope.edge_calls[edge]:.2f}",
             f"{edge.caller.name} -> {edge.callee.name} "
             f"({edge.callee.object})") for edge in found[:ROWS]]
    return _table(("inclusive", "calls", "from the module -> elsewhere"),
                  rows)


def _objects(slope, base):
    """Which object files the added instructions are in."""
    ours, theirs = slope.by_object(), base.by_object()
    names = sorted(set(ours) | set(theirs),
                   key=lambda name: theirs[name] - ours[name])
    rows = [(f"{ours[name] - theirs[name]:.1f}", f"{ours[name]:.1f}",
             f"{theirs[name]:.1f}", name) for name in names
            if max(ours[name], theirs[name]) >= 1]
    return _table(("added", "guarded", "bare", "object"), rows)


def report(slope, base, module):
    """The text of the profile, all per request but for `calls in all`."""
    parts = (
        ("Instructions per request, by object file", _objects(slope, base)),
        (f"{module}, by function", _functions(slope, module)),
        (f"What {module} calls elsewhere", _leaving(slope, module)),
    )
    return "\n".join(f"{title}\n\n" + "\n".join(lines) + "\n"
                     for title, lines in parts)
