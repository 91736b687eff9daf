#!/usr/bin/env python3
"""The directives that the module has, the ones in the reference configuration
and the ones in the manual are the same.

The silent failure it exists for: a directive that works and that no
administrator can find, or one that the manual promises and that stops httpd.

What it reads:
  mod_auth_clerk.c, src/httpd/*.c
                           the first argument of each AP_INIT_...() where it is
                           a directive of ours; those of other modules, which
                           are only seen in passing, have manuals of their own
  conf/auth_clerk.conf     lines that begin with a directive; one that is
                           commented out has its # right before the name
  conf/examples/*.conf     the same; they need not be complete
  docs/directives.md       headings, and first cells of table rows
"""

import os
import re
import sys

import guardlib
from guardlib import Finding

LOOKS = "code, reference configuration and manual have the same directives"

CODE = "mod_auth_clerk.c"
CONF = "conf/auth_clerk.conf"
DOCS = "docs/directives.md"

IN_CODE = re.compile(r'\bAP_INIT_\w+\s*\(\s*"(Clerk\w+)"')
IN_CONF = re.compile(r"^[ \t]*#?(Clerk[A-Z]\w*)\b", re.M)
DOC_LINE = re.compile(
    r"^(?:#+[ \t]+(?P<heading>.*)|\|(?P<cell>(?:\\\||[^|\n])*)\|.*)$", re.M)
NAME = re.compile(r"\bClerk[A-Z]\w*")


def in_text(text, pattern):
    names = {}
    for match in pattern.finditer(text):
        names.setdefault(match.group(1),
                         guardlib.line_of(text, match.start(1)))
    return names


def in_docs(text):
    names = {}
    for line in DOC_LINE.finditer(text):
        part = "heading" if line.group("heading") is not None else "cell"
        for match in NAME.finditer(line.group(part)):
            names.setdefault(match.group(0),
                             guardlib.line_of(text, line.start()))
    return names


def text_of(root, path):
    if not os.path.exists(os.path.join(root, path)):
        raise guardlib.NothingToLookAt("%s is not there" % path)
    return guardlib.read(root, path)


def nonempty(names, path):
    if not names:
        raise guardlib.NothingToLookAt("no directive in %s" % path)
    return names


def in_code(root):
    """Directive -> (file, line)."""
    text_of(root, CODE)
    names = {}
    for path in [CODE] + guardlib.files(root, ["src/httpd"], (".c",)):
        text = guardlib.blank(guardlib.read(root, path), strings=False)
        for name, line in in_text(text, IN_CODE).items():
            names[name] = (path, line)
    return nonempty(names, CODE)


def check(root):
    code = in_code(root)
    conf = nonempty(in_text(text_of(root, CONF), IN_CONF), CONF)
    docs = nonempty(in_docs(text_of(root, DOCS)), DOCS)

    for name, (source, line) in sorted(code.items()):
        for path, names in ((CONF, conf), (DOCS, docs)):
            if name not in names:
                yield Finding(source, line, "%s is not in %s: add it there"
                              % (name, path))
    wanted = [(CONF, conf), (DOCS, docs)]
    for path in guardlib.files(root, ["conf/examples"], (".conf",)):
        wanted.append((path, in_text(guardlib.read(root, path), IN_CONF)))
    for path, names in wanted:
        for name, line in sorted(names.items()):
            if name not in code:
                yield Finding(path, line, "%s is no directive of the module: "
                              "remove it, or correct its name" % name)


GOOD = {
    CODE: '    AP_INIT_TAKE1("ClerkDomain", set, NULL, 0, "x"),\n'
          '    AP_INIT_FLAG( "ClerkUserInfo", set, NULL, 0, "x"),\n'
          '    /* AP_INIT_FLAG("ClerkGone", set, NULL, 0, "x"), */\n',
    CONF: "# Clerk is asked about ClerkNothing here.\n#ClerkDomain x\n"
          "ClerkUserInfo On\n#ClerkLeeway 5\n",
    "src/httpd/mod_auth_clerk_x.c":
        '    AP_INIT_TAKE1("ClerkLeeway", set, NULL, 0, "x"),\n',
    DOCS: "# Directives\n\nClerkProse.\n\n## `ClerkDomain`\n\n"
          "| directive | see |\n| --- | --- |\n"
          "| `ClerkUserInfo On\\|Off`, `ClerkLeeway s` | ClerkOther |\n",
    "conf/examples/a.conf": "<Location />\n    ClerkDomain x\n</Location>\n",
}
BAD = [
    ("a directive that is in no manual",
     {DOCS: "## ClerkDomain\n"},
     "mod_auth_clerk.c:2: ClerkUserInfo is not in docs/directives.md"),
    ("a directive that is not in the reference configuration",
     {CONF: "#ClerkDomain x\n"},
     "ClerkUserInfo is not in conf/auth_clerk.conf"),
    ("a manual that promises too much",
     {DOCS: GOOD[DOCS] + "\n### ClerkMore\n"},
     "docs/directives.md:11: ClerkMore is no directive"),
    ("a reference configuration that httpd would refuse",
     {CONF: GOOD[CONF] + "#ClerkMore x\n"},
     "conf/auth_clerk.conf:5: ClerkMore is no directive"),
    ("an example that httpd would refuse",
     {"conf/examples/a.conf": "\n  ClerkDomian x\n"},
     "conf/examples/a.conf:2: ClerkDomian is no directive"),
]

if __name__ == "__main__":
    guardlib.run(sys.modules[__name__])
