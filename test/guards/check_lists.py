#!/usr/bin/env python3
"""Every source and every test stands in Makefile.am, every file of the core
has its unit test, and no two C files have the same base name.

The silent failures it exists for: a test program that nobody builds and that
would fail if it ran; a source that no compiler sees; a file of the core without
a test; and a base name that is there twice, so that a line of httpd's log,
which gives the base name only, points at two files.
"""

import os
import re
import sys

import guardlib
from guardlib import Finding

LOOKS = "Makefile.am lists every source and test; base names are unique"

MAKEFILE = "Makefile.am"


def listed_names(text):
    """Words of the makefile without its comments: file and program names."""
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    return set(re.findall(r"[\w./-]+", text))


def must_be_listed(path):
    return path.startswith(("src/", "test/unit/", "test/fuzz/", "test/guards/"))


def wanted_word(path):
    """Test programs are listed without .c; all else by its full name."""
    if re.match(r"test/(unit/test|fuzz/fuzz)_\w+\.c$", path):
        return path[:-2]
    return path


def unlisted(root, paths):
    words = listed_names(guardlib.read(root, MAKEFILE))
    guards = guardlib.files(root, ["test/guards"], (".py",))
    for path in sorted(paths) + guards:
        if must_be_listed(path) and wanted_word(path) not in words:
            yield Finding(path, 1, "%s is not listed in %s: nothing builds or "
                          "runs it" % (wanted_word(path), MAKEFILE))


def untested(paths):
    for path in paths:
        match = re.match(r"src/core/(clerk_(\w+))\.c$", path)
        if match and not any("test/unit/test_%s.c" % name in paths
                             for name in match.groups()):
            yield Finding(path, 1, "has no unit test: write "
                          "test/unit/test_%s.c" % match.group(2))


def same_names(paths):
    seen = {}
    for path in sorted(paths):
        first = seen.setdefault(os.path.basename(path), path)
        if first != path:
            yield Finding(path, 1, "%s has the same base name: rename one, "
                          "httpd's log shows the base name only" % first)


def check(root):
    if not os.path.exists(os.path.join(root, MAKEFILE)):
        raise guardlib.NothingToLookAt("no %s" % MAKEFILE)
    paths = set(guardlib.all_c_files(root))
    yield from unlisted(root, paths)
    yield from untested(paths)
    yield from same_names(paths)


GOOD = {
    MAKEFILE: "# src/core/clerk_y.c is not here\n"
              "a_SOURCES = src/core/clerk_x.c \\\n\tsrc/core/clerk_x.h\n"
              "unit_tests = test/unit/test_clerk_x\n"
              "fuzz_targets = test/fuzz/fuzz_x\n"
              "guards = test/guards/check_x.py\n",
    "src/core/clerk_x.c": "\n",
    "src/core/clerk_x.h": "\n",
    "test/unit/test_clerk_x.c": "\n",
    "test/fuzz/fuzz_x.c": "\n",
    "test/guards/check_x.py": "\n",
}
BAD = [
    ("a source that is not built",
     {"src/io/clerk_y.c": "\n"}, "src/io/clerk_y.c is not listed"),
    ("a source that only a comment names",
     {"src/core/clerk_y.c": "\n"}, "src/core/clerk_y.c is not listed"),
    ("a header that the tarball would lack",
     {"src/io/clerk_y.h": "\n"}, "src/io/clerk_y.h is not listed"),
    ("a test that never runs",
     {"test/unit/test_clerk_y.c": "\n"},
     "test/unit/test_clerk_y is not listed"),
    ("a fuzz target that never runs",
     {"test/fuzz/fuzz_y.c": "\n"}, "test/fuzz/fuzz_y is not listed"),
    ("a guard that never runs",
     {"test/guards/check_y.py": "\n"}, "check_y.py is not listed"),
    ("a file of the core without a test",
     {"test/unit/test_clerk_x.c": None}, "write test/unit/test_x.c"),
    ("a base name that is there twice",
     {"src/io/clerk_x.c": "\n"},
     "src/io/clerk_x.c:1: src/core/clerk_x.c has the same base name"),
]

if __name__ == "__main__":
    guardlib.run(sys.modules[__name__])
