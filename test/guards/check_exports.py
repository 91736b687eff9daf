#!/usr/bin/env python3
"""The module exports exactly one symbol, auth_clerk_module, and what it leaves
undefined is httpd's or APR's to define.

The silent failures it exists for: httpd loads modules into one process, and two
modules that export the same name share one function without a word from the
linker. And the linker says nothing either when a module calls a function of a
library that it is not linked with: httpd then refuses to start.
"""

import os
import re
import subprocess
import sys

import guardlib
from guardlib import Finding

LOOKS = "mod_auth_clerk.so exports its record only, and can be loaded"

WANTED = "auth_clerk_module"
SHARED_OBJECT = ".libs/mod_auth_clerk.so"
# __ is the compiler's and its sanitizers' own.
DEFINED_BY_HTTPD = re.compile(r"^(ap_|apr_|__)")
UNDEFINED = re.compile(r"undefined symbol: (\w+)")
# In the trees of the self-test, what the tools said of a module stands here.
NM_SAID = "nm.txt"
LDD_SAID = "ldd.txt"


def module_path(root):
    # The self-test's trees are looked at where they are.
    if os.path.exists(os.path.join(root, "configure.ac")):
        root = os.environ.get("CLERK_BUILDDIR", root)
    module = os.path.join(root, SHARED_OBJECT)
    if not os.path.exists(module):
        raise guardlib.NothingToLookAt("%s was not built" % module)
    return module


def output_of(root, recorded, command):
    if os.path.exists(os.path.join(root, recorded)):
        return guardlib.read(root, recorded)
    done = subprocess.run(command + [module_path(root)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, check=False)
    if not done.stdout.strip():
        raise guardlib.NothingToLookAt("%s says nothing" % command[0])
    return done.stdout


def check(root):
    nm = os.environ.get("CLERK_NM", "nm").split()[0]
    said = output_of(root, NM_SAID, [nm, "-D", "--defined-only"])
    names = [line.split()[-1] for line in said.splitlines() if line.strip()]
    if WANTED not in names:
        yield Finding(SHARED_OBJECT, 0, "%s is not exported: httpd could not "
                      "load the module" % WANTED)
    for name in names:
        if name != WANTED:
            yield Finding(SHARED_OBJECT, 0, "%s is exported: make it static, "
                          "or see -export-symbols-regex in Makefile.am" % name)
    said = output_of(root, LDD_SAID, ["ldd", "-r"])
    for name in sorted(set(UNDEFINED.findall(said))):
        if not DEFINED_BY_HTTPD.search(name):
            yield Finding(SHARED_OBJECT, 0, "%s is undefined: add its library "
                          "to mod_auth_clerk_la_LIBADD in Makefile.am" % name)


GOOD = {
    NM_SAID: "00000000000a1b20 D auth_clerk_module\n",
    LDD_SAID: "\tlibc.so.6 => /lib/libc.so.6 (0x1)\n"
              "undefined symbol: apr_palloc (./x.so)\n"
              "undefined symbol: ap_log_rerror_ (./x.so)\n",
}
BAD = [
    ("a function that leaks out",
     {NM_SAID: GOOD[NM_SAID] + "0000000000001130 T clerk_b64_decode\n"},
     "clerk_b64_decode is exported"),
    ("a module record that is hidden", {NM_SAID: "\n"},
     "auth_clerk_module is not exported"),
    ("a record under another name",
     {NM_SAID: "00000000000a1b20 D clerk_module\n"},
     "clerk_module is exported"),
    ("a library that was not linked",
     {LDD_SAID: GOOD[LDD_SAID] + "undefined symbol: lround (./x.so)\n"},
     "lround is undefined"),
]


if __name__ == "__main__":
    guardlib.run(sys.modules[__name__])
