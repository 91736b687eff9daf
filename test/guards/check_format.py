#!/usr/bin/env python3
"""The C code is formatted as .clang-format says.

The silent failure it exists for: a change of three lines that comes with 200
lines of moved blanks, in which nobody sees the three. `make format` mends what
this guard finds.
"""

import os
import re
import subprocess
import sys

import guardlib
from guardlib import Finding

LOOKS = "C files are formatted by .clang-format (make format mends it)"

COMPLAINT = re.compile(r"^(.*?):(\d+):\d+: error: (.*)$", re.M)
STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "..", "..", ".clang-format")


def program():
    return os.environ.get("CLERK_CLANG_FORMAT", "clang-format")


def skip():
    """A build machine need not have it; scripts/test installs it."""
    return None if program() else "configure found no clang-format"


def check(root):
    paths = guardlib.all_c_files(root)
    if not program():
        return
    done = subprocess.run(
        [program(), "--dry-run", "-Werror", "--style=file:" + STYLE] + paths,
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        universal_newlines=True, check=False)
    lines = {}
    for match in COMPLAINT.finditer(done.stdout):
        lines.setdefault(match.group(1), set()).add(int(match.group(2)))
    for path, places in sorted(lines.items()):
        yield Finding(path, min(places), "not formatted, here and in %d other "
                      "lines: run make format" % (len(places) - 1))
    if done.returncode != 0 and not lines:
        yield Finding(STYLE, 0, done.stdout.strip())


def example(text):
    return "static int f(int a)\n{\n%s    return a;\n}\n" % text


GOOD = {
    "src/core/clerk_x.c": example(
        "    if (a) {\n        a = 1;\n    }\n    else {\n        a = 2;\n"
        "    }\n    switch (a) {\n    case 1:\n        break;\n    }\n"),
}
# Without clang-format the self-test cannot show anything.
BAD = [
    ("else on the line of a brace",
     {"src/core/clerk_x.c": example(
         "    if (a) {\n        a = 1;\n    } else {\n"
         "        a = 2;\n    }\n")},
     "src/core/clerk_x.c:5: not formatted"),
    ("indentation by two",
     {"src/core/clerk_x.c": example("  a = 1;\n")}, "not formatted"),
    ("a star with the type",
     {"src/core/clerk_x.c": example("    int* b = &a;\n")}, "not formatted"),
] if program() else []

if __name__ == "__main__":
    guardlib.run(sys.modules[__name__])
