#!/usr/bin/env python3
"""The floors: core knows nothing of httpd, io nothing of httpd, and each
foreign library has one includer.

The silent failure it exists for: one include that nobody needs, in one file of
the core, and from then on the core can no longer be tested, fuzzed or reasoned
about without a web server. The compiler would accept it wherever httpd's and
APR's headers share a folder.
"""

import os
import re
import sys

import guardlib
from guardlib import Finding

LOOKS = "arrows between the floors of src/ point down only"

HTTPD = re.compile(
    r"^(httpd|scoreboard|mpm_common|unixd|provider|os)\.h$"
    r"|^(http|ap|mod|util)_\w+\.h$"
)
# Besides C's own headers without a door to the outside world.
CORE_ALLOWED = re.compile(
    r"^apr(_\w+)?\.h$|^clerk_\w+\.h$|^(json-c|openssl)/\w+\.h$"
    r"|^(ctype|inttypes|limits|stdarg|stdbool|stddef|stdint|string)\.h$"
)
# Names that fetch time, randomness, environment, files or sockets: core is
# given these by its caller.
CORE_CALLS = re.compile(
    r"\b(apr_time_now|apr_env_\w+|apr_generate_random_bytes|apr_random_\w+"
    r"|apr_file_\w+|apr_socket_\w+|apr_dir_\w+|apr_proc_\w+|apr_thread_\w+"
    r"|apr_sleep|RAND_\w+|BIO_new_file)\s*\("
)
SOLE = [
    ("json-c/", re.compile(r"^(json-c/|json(_\w+)?\.h$)")),
    ("openssl/ssl.h", re.compile(r"^openssl/ssl\.h$")),
    # Its error queue belongs to all who call it.
    ("openssl/", re.compile(r"^openssl/(?!(ssl|err)\.h$)")),
    ("curl/", re.compile(r"^curl/")),
    ("ap_socache.h", re.compile(r"^ap_socache\.h$")),
]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)

FLOOR_BELOW = {"core": {"core"}, "io": {"core", "io"}}


def floor_of(path):
    parts = path.split(os.sep)
    return parts[1] if parts[0] == "src" and len(parts) > 2 else "httpd"


def complaint(floor, header, own_headers):
    base = os.path.basename(header)
    if HTTPD.search(header) and floor in FLOOR_BELOW:
        return ("includes httpd's %s; src/%s is built without httpd: take what "
                "it needs as an argument or through clerk_ports.h"
                % (header, floor))
    if base in own_headers and floor in FLOOR_BELOW:
        if own_headers[base] not in FLOOR_BELOW[floor]:
            return ("includes %s of src/%s: arrows point down only, from "
                    "httpd to io to core" % (header, own_headers[base]))
        return None
    if floor == "core" and not CORE_ALLOWED.search(header):
        return ("includes %s, which is not on the core's list "
                "(CORE_ALLOWED in check_floors.py): core is bytes in, verdict "
                "out" % header)
    return None


def check(root):
    paths = guardlib.product_files(root)
    own_headers = {os.path.basename(path): floor_of(path)
                   for path in paths if path.endswith(".h")}
    includers = {name: [] for name, _ in SOLE}
    for path in paths:
        text = guardlib.read(root, path)
        code = guardlib.blank(text, strings=False)
        floor = floor_of(path)
        for match in INCLUDE.finditer(code):
            line = guardlib.line_of(code, match.start(1))
            said = complaint(floor, match.group(1), own_headers)
            if said:
                yield Finding(path, line, said)
            for name, pattern in SOLE:
                if pattern.search(match.group(1)):
                    includers[name].append((path, line))
        if floor == "core":
            for match in CORE_CALLS.finditer(guardlib.blank(text)):
                yield Finding(path, guardlib.line_of(code, match.start()),
                              "calls %s: core is given time, randomness and "
                              "files by its caller" % match.group(1))
    yield from sole_includers(includers)


def sole_includers(includers):
    for name, places in includers.items():
        sources = sorted({path for path, _ in places if path.endswith(".c")})
        for path, line in places:
            if path.endswith(".h"):
                yield Finding(path, line, "%s in a header: it belongs in one "
                              ".c file, behind an interface of ours" % name)
            elif path != sources[0]:
                yield Finding(path, line, "%s is already included by %s; it "
                              "has one includer: call that file's functions"
                              % (name, sources[0]))
        if not places:
            yield Finding("src", 0, "nothing includes %s; if it was replaced, "
                          "say so in SOLE in check_floors.py" % name)


GOOD = {
    "src/core/clerk_json.h": "#include <apr_pools.h>\n",
    "src/core/clerk_json.c": '#include "clerk_json.h"\n'
                             "#include <json-c/json.h>\n",
    "src/core/clerk_crypto.c": "#include <openssl/evp.h>\n"
                               "/* #include <httpd.h> */\n",
    "src/io/clerk_curl.h": "#include <stddef.h>\n",
    "src/io/clerk_trust.c": "#include <openssl/ssl.h>\n",
    "src/io/clerk_curl.c": '#include "clerk_json.h"\n'
                           '#include "clerk_curl.h"\n'
                           "#include <curl/curl.h>\n#include <time.h>\n",
    "src/httpd/mod_auth_clerk_cache.h": "#include <httpd.h>\n",
    "src/httpd/mod_auth_clerk_socache.c": "#include <ap_socache.h>\n"
                                          '#include "clerk_curl.h"\n',
    "mod_auth_clerk.c": "#include <http_config.h>\n",
}
BAD = [
    ("httpd.h in core", {"src/core/clerk_json.h": "#include <httpd.h>\n"},
     "src/core/clerk_json.h:1: includes httpd's httpd.h"),
    ("http_log.h in io", {"src/io/clerk_curl.h": "\n# include <http_log.h>\n"},
     "src/io/clerk_curl.h:2: includes httpd's http_log.h"),
    ("ap_expr.h in io", {"src/io/clerk_curl.h": '#include "ap_expr.h"\n'},
     "includes httpd's ap_expr.h"),
    ("glue in io",
     {"src/io/clerk_x.c": '#include "mod_auth_clerk_cache.h"\n'},
     "includes httpd's mod_auth_clerk_cache.h"),
    ("io in core", {"src/core/clerk_x.c": '#include "clerk_curl.h"\n'},
     "arrows point down only"),
    ("io by a path in core",
     {"src/core/clerk_x.c": '#include "../io/clerk_curl.h"\n'},
     "arrows point down only"),
    ("curl in core", {"src/core/clerk_x.c": "#include <curl/curl.h>\n"},
     "not on the core's list"),
    ("time.h in core", {"src/core/clerk_x.c": "#include <time.h>\n"},
     "not on the core's list"),
    ("the clock in core",
     {"src/core/clerk_x.c": "int f(void)\n{\n    return apr_time_now();\n}\n"},
     "src/core/clerk_x.c:3: calls apr_time_now"),
    ("a second includer of OpenSSL",
     {"src/io/clerk_x.c": "#include <openssl/rand.h>\n"},
     "openssl/ is already included by"),
    ("json-c in a header",
     {"src/core/clerk_json.h": "#include <json-c/json.h>\n"},
     "json-c/ in a header"),
    ("json-c under its short name",
     {"src/httpd/mod_auth_clerk_x.c": "#include <json.h>\n"},
     "json-c/ is already included by"),
    ("a library that nothing includes any more",
     {"src/io/clerk_curl.c": "#include <stddef.h>\n"},
     "nothing includes curl/"),
]

if __name__ == "__main__":
    guardlib.run(sys.modules[__name__])
