#!/usr/bin/env python3
"""What the module costs and how it bears up, beside the bare server and the
modules of others, in one run.

Prints a row for each thing that was measured and the mark that it must reach;
writes the same as JSON, as Markdown and, of the growth, as a plot. Exits with
1 when a mark is missed, with 2 when a point could not be measured.
"""

import argparse
import datetime
import importlib
import os
import pathlib
import platform
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import contenders  # noqa: E402
import context  # noqa: E402
import machine  # noqa: E402
import report  # noqa: E402

# By point: the file that measures it.
ROWS = {1: "row_hit", 2: "row_tokens", 3: "row_miss", 4: "row_flight",
        5: "row_ttl", 6: "row_negative", 7: "row_bad_days", 8: "row_growth"}
PAIRS, PAIRS_FULL = 24, 90


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--httpd", required=True)
    parser.add_argument("--modules", required=True, type=pathlib.Path,
                        help="folder of httpd's own modules")
    parser.add_argument("--module", required=True, help="mod_auth_clerk.so")
    parser.add_argument("--results", default="bench", type=pathlib.Path,
                        help="folder for the results")
    parser.add_argument("--full", action="store_true",
                        help="everything at full length")
    parser.add_argument("--only", default="", metavar="POINTS",
                        help="such as 1,3")
    parser.add_argument("--contenders", default=",".join(contenders.GUARDS),
                        help="default: %(default)s")
    parser.add_argument("--pairs", type=int, default=0,
                        help="of rounds, of a cached request")
    parser.add_argument("--seconds", type=int, default=1,
                        help="length of a round")
    parser.add_argument("--wrk-threads", type=int, default=1)
    options = parser.parse_args()
    options.pairs = options.pairs or (PAIRS_FULL if options.full else PAIRS)
    if min(options.pairs, options.seconds, options.wrk_threads) < 1:
        parser.error("--pairs, --seconds and --wrk-threads begin at 1")
    options.only = [int(word) for word in options.only.split(",") if word]
    if not set(options.only) <= set(ROWS):
        parser.error(f"--only: points are {', '.join(map(str, ROWS))}")
    options.contenders = options.contenders.split(",")
    if not set(options.contenders) <= set(contenders.GUARDS):
        parser.error("--contenders: of " + ", ".join(contenders.GUARDS))
    if contenders.OURS not in options.contenders:
        parser.error(f"--contenders: not without {contenders.OURS}")
    for contender in (contenders.ALL[name] for name in options.contenders):
        if contender.package and not (options.modules
                                      / contender.module).exists():
            raise context.Failed(f"there is no {contender.module}: apt-get "
                                 f"install {contender.package}")
    return options


# ---------------------------------------------------------------------------
# Where it was measured

def _about(options, others, seconds):
    return {
        "date": datetime.date.today().isoformat(),
        "full": options.full,
        "seconds": round(seconds, 1),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "versions": _versions(options),
        "others_share_of_processors": round(others, 3),
    }


def _processor():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*: (.*)$", text, re.M)
    return found[1] if found else platform.machine()


def _versions(options):
    done = subprocess.run([options.httpd, "-v"], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = re.search(r"Apache/(\S+)", done.stdout)
    versions = [f"httpd {found[1]}"] if found else []
    for name in options.contenders:
        package = contenders.ALL[name].package
        if package:
            done = subprocess.run(
                ["dpkg-query", "-W", "-f", "${Version}", package], text=True,
                check=False, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL)
            versions.append(f"{name} {done.stdout.strip()}")
    return versions


# ---------------------------------------------------------------------------

def _measure(options):
    """All rows, and whether some point could not be measured."""
    ctx = context.Context(options)
    options.results.mkdir(parents=True, exist_ok=True)
    rows, broken = [], False
    watch, began = machine.Watch(), time.monotonic()
    for point, name in ROWS.items():
        if options.only and point not in options.only:
            continue
        start = time.monotonic()
        report.print_head(f"{point}. {report.POINTS[point]}")
        try:
            found = importlib.import_module(name).measure(ctx)
        except context.FAULTS as fault:
            print(f"bench: point {point} was not measured: {fault}",
                  file=sys.stderr, flush=True)
            found, broken = [], True
        report.print_rows(found)
        rows += found
        ctx.details.setdefault("seconds", {})[point] = round(
            time.monotonic() - start, 1)
    seconds = time.monotonic() - began
    others = watch.others(os.times().user + os.times().system
                          + os.times().children_user
                          + os.times().children_system)
    report.print_summary(rows, seconds)
    _write(options, rows, _about(options, others, seconds), ctx.details)
    return rows, broken


def _write(options, rows, about, details):
    report.write_json(options.results / "results.json", rows, about, details)
    plot = options.results / "growth.svg"
    (options.results / "performance-tables.md").write_text(report.markdown(
        rows, about, plot.name if "growth" in details else None))
    print(f"the numbers are in {options.results}/: results.json, "
          "performance-tables.md, growth.svg, profile.txt")


def main():
    # So that servers are ended with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        rows, broken = _measure(_arguments())
    except context.Failed as fault:
        print(f"bench: nothing was measured: {fault}", file=sys.stderr)
        return 2
    if broken:
        return 2
    return 0 if all(row.reached is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
