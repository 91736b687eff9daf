"""What the guards of `make check` have in common.

A guard looks at the source tree and yields findings. It is run twice in one
go: first on small trees made for it, to show that it can fail and that it
passes what is right, then on the real tree. A guard that found nothing to look
at fails: a moved folder must not look like a clean one.

Each guard names

    LOOKS   a sentence: what it looks at, for the TAP line
    check(root)        -> iterable of Finding; raises NothingToLookAt
    GOOD               a tree (dict of path -> text) in which nothing is wrong
    BAD                a list of (what is wrong, changes to GOOD, words that
                       must stand in a finding); None as a text removes a file

and calls run(sys.modules[__name__]).
"""

import os
import re
import sys
import tempfile
import traceback

SKIPPED_FOLDERS = {
    "node_modules", "__pycache__", "autom4te.cache", "build-aux", ".git",
    ".libs", ".deps", ".pytest_cache",
}


class NothingToLookAt(Exception):
    """The guard found no file of the kind that it guards."""


class Finding:
    def __init__(self, path, line, text):
        self.path = path
        self.line = line
        self.text = text

    def __str__(self):
        return "%s:%d: %s" % (self.path, self.line, self.text)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def files(root, folders, suffixes):
    """Paths, relative to root, of the files under folders; "." means the
    root's own files only."""
    found = []
    for folder in folders:
        top = os.path.join(root, folder)
        for place, inner, names in os.walk(top):
            inner[:] = sorted(
                name for name in inner
                if name not in SKIPPED_FOLDERS and folder != "."
            )
            found += [
                os.path.normpath(os.path.relpath(os.path.join(place, name),
                                                 root))
                for name in sorted(names)
                if name.endswith(suffixes) and not name.startswith(".")
            ]
    return found


def product_files(root, suffixes=(".c", ".h")):
    """The C files that end in the module."""
    found = files(root, ["src"], suffixes)
    if os.path.exists(os.path.join(root, "mod_auth_clerk.c")):
        found.append("mod_auth_clerk.c")
    if not any(path.startswith("src" + os.sep) for path in found):
        raise NothingToLookAt("no C file in src/")
    return found


def all_c_files(root):
    """The C files of the product and of its tests."""
    return product_files(root) + files(root, ["test"], (".c", ".h"))


TOKEN = re.compile(
    r"/\*.*?\*/"                    # comment
    r"|//[^\n]*"                    # comment
    r'|"(?:\\.|[^"\\\n])*"'         # string
    r"|'(?:\\.|[^'\\\n])*'",        # character
    re.DOTALL,
)


def blank(text, strings=True):
    """The code with comments (and the inside of strings) turned to spaces;
    every character keeps its place, so that line numbers stay right."""

    def spaces(match):
        token = match.group(0)
        if token[0] in "\"'":
            if not strings:
                return token
            return token[0] + " " * (len(token) - 2) + token[-1]
        return re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(spaces, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def words(text):
    return text.split()


# ---------------------------------------------------------------------------
# Running


def write_tree(root, tree):
    for path, text in tree.items():
        if text is None:
            continue
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


def findings_in_tree(guard, tree):
    with tempfile.TemporaryDirectory() as root:
        write_tree(root, tree)
        return [str(finding) for finding in guard.check(root)]


def self_test_cases(guard):
    """Yields (name, list of complaints) for each case of the self-test."""
    found = findings_in_tree(guard, guard.GOOD)
    yield "passes a tree in which nothing is wrong", found

    for name, changes, expected in guard.BAD:
        found = findings_in_tree(guard, dict(guard.GOOD, **changes))
        if any(expected in text for text in found):
            yield "finds " + name, []
        else:
            yield "finds " + name, ["no finding with %r, but: %r"
                                    % (expected, found)]

    try:
        found = findings_in_tree(guard, {"README": "empty"})
        complaints = ["it passed an empty tree: %r" % found]
    except NothingToLookAt:
        complaints = []
    yield "refuses to pass an empty tree", complaints


def real_case(guard, root):
    try:
        return [str(finding) for finding in guard.check(root)]
    except NothingToLookAt as nothing:
        return ["nothing to look at: %s" % nothing]


def run(guard):
    """Prints TAP, ends the process. --self-test leaves the real tree out."""
    name = os.path.basename(guard.__file__)
    root = os.environ.get("CLERK_SRCDIR", ".")
    try:
        cases = [("%s %s" % (name, what), complaints)
                 for what, complaints in self_test_cases(guard)]
        if "--self-test" not in sys.argv[1:]:
            skip = getattr(guard, "skip", lambda: None)()
            what = "%s: %s" % (name, guard.LOOKS)
            if skip:
                cases.append(("%s # SKIP %s" % (what, skip), []))
            else:
                cases.append((what, real_case(guard, root)))
    except Exception:  # a broken guard must not look like a passing one
        traceback.print_exc()
        print("Bail out! %s itself is broken" % name)
        sys.exit(1)

    print("1..%d" % len(cases))
    failed = False
    for number, (what, complaints) in enumerate(cases, 1):
        for complaint in complaints:
            print("#   " + complaint.replace("\n", "\n#   "))
        failed = failed or bool(complaints)
        print("%s %d - %s" % ("not ok" if complaints else "ok", number, what))
    sys.exit(1 if failed else 0)
