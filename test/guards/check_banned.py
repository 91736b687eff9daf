#!/usr/bin/env python3
"""What is not written in this code, because it fails silently sooner or later.

The silent failures it exists for: a copy past the end, a number of which only
the first digits were read, a call into the C heap that a pool never frees, a
log call that nobody checked for secrets, a curl option that was refused and is
taken to be set (a deadline, a certificate check), a secret compared byte by
byte until the first difference.
"""

import re
import sys

import guardlib
from guardlib import Finding

LOOKS = "no banned function, unchecked curl option or left-over in the code"

BANNED = {
    "strcpy strcat strncpy strncat sprintf vsprintf gets":
        "use apr_pstrcat, apr_psprintf or apr_cpystrn",
    "strtok": "it writes into its argument; walk a clerk_slice",
    "strtol strtoul strtoll strtoull atoi atol atoll sscanf":
        "they accept what they should refuse; use apr_strtoi64 with an end "
        "pointer, and a range",
    "alloca": "the stack of a worker is small; take it from a pool",
    "malloc calloc realloc free strdup strndup":
        "memory comes from a pool",
    "assert abort exit": "a worker serves other requests: return a status",
    "time gmtime localtime getenv":
        "take it as an argument (apr_time_t now), or ask APR in the glue",
}
WHY = {name: why for names, why in BANNED.items() for name in names.split()}
CALL = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(WHY))

LOGGERS = {
    "mod_auth_clerk.c",
    "mod_auth_clerk_log.c",
    "mod_auth_clerk_log_calls.c",
    "mod_auth_clerk_config.c",
    "mod_auth_clerk_check.c",
}
LOG = re.compile(r"\bap_log_\w+\s*\(")

COMPARE = re.compile(r"\b(memcmp|strcmp|strncmp|strcasecmp)\s*\(([^;{]*)")
SECRET = re.compile(r"secret|digest|password|passphrase", re.I)

SETOPT = re.compile(r"(\w+|\S)\s*\b(curl_easy_setopt)\s*\(")
CHECKED_BEFORE = {"=", "(", "&", "|", "!", "?", ",", "return"}

LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
IF_ZERO = re.compile(r"^[ \t]*#[ \t]*if[ \t]+0\b", re.M)
LINE = 80


def calls(path, code):
    base = path.replace("\\", "/").split("/")[-1]
    for match in CALL.finditer(code):
        yield match.start(1), "%s() is banned: %s" % (
            match.group(1), WHY[match.group(1)])
    if base not in LOGGERS:
        for match in LOG.finditer(code):
            yield match.start(), (
                "%s...) outside the log, config and check files: log through "
                "mod_auth_clerk_log.h, which lets no secret pass"
                % match.group(0))
    for match in COMPARE.finditer(code):
        if SECRET.search(arguments(match.group(2))):
            yield match.start(), (
                "%s() on a secret or digest tells by its duration how much "
                "was right: use clerk_crypto's constant-time comparison"
                % match.group(1))
    for match in SETOPT.finditer(code):
        if match.group(1) not in CHECKED_BEFORE:
            yield match.start(2), (
                "the result of curl_easy_setopt() is not looked at: an option "
                "that was refused would count as set")


def arguments(rest):
    """What stands up to the closing parenthesis of the call."""
    depth = 1
    for index, char in enumerate(rest):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth == 0:
            return rest[:index]
    return rest


def looks(text, code):
    for match in LEFT_OVER.finditer(text):
        yield match.start(), ("%s: do it, or write an issue"
                              % match.group(1))
    for match in IF_ZERO.finditer(code):
        yield match.start(), "#if 0: remove it, the history keeps it"
    position = 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\n")
        if len(bare) > LINE:
            yield position, "%d columns, %d are allowed" % (len(bare), LINE)
        if "\t" in bare:
            yield position, "a tab; this code is indented by spaces"
        if bare != bare.rstrip():
            yield position, "blanks at the end of the line"
        position += len(line)


def slashes(text):
    for match in guardlib.TOKEN.finditer(text):
        if match.group(0).startswith("//"):
            yield match.start(), "comments are /* like this */"


def check(root):
    product = set(guardlib.product_files(root))
    for path in guardlib.all_c_files(root):
        text = guardlib.read(root, path)
        code = guardlib.blank(text)
        found = list(looks(text, code)) + list(slashes(text))
        if path in product:
            found += calls(path, code)
        for position, said in sorted(found):
            yield Finding(path, guardlib.line_of(text, position), said)


def function(statement):
    return "int f(void)\n{\n    %s\n}\n" % statement


GOOD = {
    "src/core/clerk_x.c": function(
        'x->free(y); apr_strtoi64("1", &e, 10);\n'
        '    /* free(x) */ log("malloc(1)"); rv = my_free(x);')
        + function("return memcmp(a, b, n) == 0;")
        + "/* https://example.com/ */\n",
    "src/io/clerk_curl.c": function(
        "rv = curl_easy_setopt(h, O, 1L);\n"
        "    if (curl_easy_setopt(h, O, 1L) != CURLE_OK\n"
        "        || curl_easy_setopt(h, P, 1L) != CURLE_OK) {\n    }\n"
        "    return curl_easy_setopt(h, O, v);"),
    "src/httpd/mod_auth_clerk_log.c": function("ap_log_rerror(x);"),
    "mod_auth_clerk.c": function("ap_log_error(x);"),
    "test/unit/test_x.c": function("free(malloc(1));"),
}
BAD = [
    (name + "()", {"src/core/clerk_y.c": function("%s (x);" % name)},
     "src/core/clerk_y.c:3: %s() is banned" % name) for name in sorted(WHY)
] + [
    ("a banned call as an argument",
     {"src/core/clerk_y.c": function("g(h,atoi(x));")}, "atoi() is banned"),
    ("a log call in another file",
     {"src/httpd/mod_auth_clerk_env.c": function("ap_log_rerror(x);")},
     "mod_auth_clerk_env.c:3: ap_log_rerror"),
    ("a digest compared by memcmp",
     {"src/core/clerk_y.c": function("if (memcmp(a, e->digest, 32)) g();")},
     "memcmp() on a secret"),
    ("a secret compared by strcmp",
     {"src/core/clerk_y.c": function("return !strcmp(client_secret, x);")},
     "strcmp() on a secret"),
    ("an unchecked curl option",
     {"src/io/clerk_y.c": function("curl_easy_setopt(h, O, 1L);")},
     "src/io/clerk_y.c:3: the result of curl_easy_setopt"),
    ("a curl option whose result is cast away",
     {"src/io/clerk_y.c": function("(void)curl_easy_setopt(h, O, 1L);")},
     "the result of curl_easy_setopt"),
    ("an unchecked curl option after an if",
     {"src/io/clerk_y.c": function("if (x)\n  curl_easy_setopt(h, O, 1L);")},
     "the result of curl_easy_setopt"),
    ("an unchecked curl option after a statement",
     {"src/io/clerk_y.c": function("x = 1; curl_easy_setopt(h, O, 1L);")},
     "the result of curl_easy_setopt"),
    ("a left-over", {"src/core/clerk_y.h": "\n/* TO" "DO: later */\n"},
     "src/core/clerk_y.h:2: TO" "DO"),
    ("#if 0", {"src/core/clerk_y.h": "# if 0\n#endif\n"}, "#if 0"),
    ("a long line", {"test/unit/test_y.c": "int x; /* %s */\n" % ("y" * 80)},
     "test/unit/test_y.c:1: 93 columns"),
    ("a tab", {"src/core/clerk_y.h": "\tint x;\n"}, "a tab"),
    ("blanks at the end", {"src/core/clerk_y.h": "int x; \n"}, "blanks"),
    ("a comment of another dialect", {"src/core/clerk_y.h": "int x; // y\n"},
     "src/core/clerk_y.h:1: comments are"),
]

if __name__ == "__main__":
    guardlib.run(sys.modules[__name__])
