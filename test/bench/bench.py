#!/usr/bin/env python3
"""What a cached request costs beside the same request to the bare server.

Prints a table and writes the same as JSON, and the module's profile. Exits
with 1 when a mark is missed, with 2 when nothing could be measured.
"""

import argparse
import collections
import json
import math
import os
import pathlib
import shutil
import signal
import statistics
import sys
import time

import callgrind
import load
import machine
import server

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from clerk_standin.client import StandIn, StandInError  # noqa: E402

PROCESSES, THREADS = 2, 64
# Half as many as one process has threads: when one process happens to accept
# them all, it still never closes one for want of a free thread.
CONNECTIONS = 32
RATIO_MARK = 0.90
# Others that take more than this share of the processors are worth a line.
OTHERS_MAX = 0.05
# Above this share of its threads the load generator is what is measured.
CLIENT_BUSY_MAX = 0.9
SHORT, LONG = 200, 1200
MODULE = "mod_auth_clerk.so"

# name, place, is the token sent?
INSTRUCTION_RUNS = (
    ("bare", "bare", True),
    ("auth", "auth", True),
    ("sect", "sect", True),
    ("bare without token", "bare", False),
)


class Failed(Exception):
    """The measurement is not worth anything."""


class Bench:
    """The stand-in, one token, and a server for each part."""

    def __init__(self, options, clerk):
        self.options = options
        self.clerk = clerk
        self.token = clerk.mint(scopes=["profile", "email"])
        self.calls = {}

    def server(self):
        return server.Server(self.options.httpd, self.options.modules,
                             self.options.module, self.clerk)

    def expect_calls(self, name, wanted):
        """All answers were 200; with one call to Clerk, all but the first
        came out of the cache."""
        calls = self.clerk.calls()
        self.clerk.reset()
        self.calls[name] = calls
        if calls != wanted:
            raise Failed(f"{name}: {calls} calls to Clerk instead of "
                         f"{wanted}: this was not the cached path")

    # Throughput

    def throughput(self):
        with self.server() as httpd:
            httpd.start(PROCESSES, THREADS)
            sizes = self._warm_up(httpd)
            children = httpd.children()
            watch = machine.Watch()
            rounds = self._rounds(httpd, sizes)
            others = watch.others(_own_cpu(rounds))
            self._warm_up(httpd)
            if httpd.children() != children:
                raise Failed("children came or went while it was measured")
            httpd.stop()
        self.expect_calls("throughput", 1)
        return {**_throughput_result(rounds, self.options.wrk_threads),
                "others_share_of_processors": round(others, 3)}

    def _warm_up(self, httpd):
        """The first requests; is the guarded place guarded, and the other
        not? Returns the length of a whole answer by place."""
        with httpd.connect() as connection:
            status, _, _ = connection.get(httpd.path("auth"))
            if status != 401:
                raise Failed(f"without a token the guarded place answers "
                             f"{status}")
            connection.get_page(httpd.path("bare"), server.PAGE)
            return {place: connection.get_page(httpd.path(place), server.PAGE,
                                               self.token)
                    for place in ("bare", "auth")}

    def _rounds(self, httpd, sizes):
        """By place: its rounds, and the server's CPU time. A pair is measured
        back to back, and every second pair the other way round. The first
        pair is there to get warm, and does not count."""
        options = self.options
        wrk = load.Wrk(options.wrk, options.wrk_threads, CONNECTIONS)
        rounds = collections.defaultdict(list)
        for number in range(-1, options.pairs):
            order = ("bare", "auth") if number % 2 == 0 else ("auth", "bare")
            for place in order:
                before = httpd.cpu_seconds()
                done = wrk.run(httpd.url(place), self.token, options.seconds,
                               sizes[place])
                cpu = httpd.cpu_seconds() - before
                rounds[place].append((done, cpu))
        return rounds

    # Instructions

    def instructions(self):
        """By name: the slope between a short and a long run."""
        slopes = {}
        for name, place, with_token in INSTRUCTION_RUNS:
            token = self.token if with_token else None
            short, long = (self._profile(name, place, token, count)
                           for count in (SHORT, LONG))
            slopes[name] = callgrind.Slope(short, long, LONG - SHORT)
        return slopes

    def _profile(self, name, place, token, count):
        with self.server() as httpd:
            out = httpd.root / "run" / "callgrind.out"
            httpd.start(1, 8, alone=True, under=callgrind.command(
                self.options.valgrind, out))
            with httpd.connect() as connection:
                for _ in range(count):
                    connection.get_page(httpd.path(place), server.PAGE, token)
                connection.end()
            httpd.stop()
            if name == "auth" and count == LONG:
                shutil.copyfile(out, self.options.results + ".callgrind")
            profile = callgrind.read(out)
        self.expect_calls(f"{name}, {count} requests",
                          1 if place == "auth" else 0)
        return profile


def _own_cpu(rounds):
    return sum(done.client_cpu + cpu for all_of in rounds.values()
               for done, cpu in all_of)


def _throughput_result(rounds, client_threads):
    bare, auth = rounds["bare"][1:], rounds["auth"][1:]
    pairs = [(_rate(b), _rate(a)) for (b, _), (a, _) in zip(bare, auth)]
    ratios = [a / b for b, a in pairs]
    cpu = [(b_cpu / b.requests, a_cpu / a.requests)
           for (b, b_cpu), (a, a_cpu) in zip(bare, auth)]
    busy = max(round.client_cpu / round.seconds / client_threads
               for done in rounds.values() for round, _ in done)
    if busy > CLIENT_BUSY_MAX:
        raise Failed(f"wrk was busy for {busy:.0%} of the time and not the "
                     f"server: give it more threads (--wrk-threads)")
    return {
        "pairs_requests_per_second": [[round(b), round(a)] for b, a in pairs],
        "pair_ratios": [round(ratio, 4) for ratio in ratios],
        "bare_requests_per_second": round(_median(b for b, _ in pairs)),
        "guarded_requests_per_second": round(_median(a for _, a in pairs)),
        "ratio": _median(ratios),
        "ratio_between": _median_interval(ratios),
        "mark": RATIO_MARK,
        "requests": sum(done.requests for done, _ in bare + auth),
        "bare_cpu_us_per_request": _median(1e6 * b for b, _ in cpu),
        "guarded_cpu_us_per_request": _median(1e6 * a for _, a in cpu),
        "cpu_ratio": _median(a / b for b, a in cpu),
        "client_busy": round(busy, 3),
    }


def _rate(done):
    return done.requests / done.seconds


def _median(numbers):
    return round(statistics.median(numbers), 4)


def _median_interval(numbers):
    """Between which two of the numbers the true median is, at about 95 %: by
    their places in order, which needs no idea of how they are spread."""
    ordered = sorted(numbers)
    out = max(0, math.floor(len(ordered) / 2 - 0.98 * len(ordered) ** 0.5))
    return [round(ordered[out], 4), round(ordered[-1 - out], 4)]


def _instructions_result(slopes):
    total = {name: slope.total for name, slope in slopes.items()}
    return {
        "bare": round(total["bare"]),
        "guarded": round(total["auth"]),
        "added": round(total["auth"] - total["bare"]),
        "ratio": round(total["auth"] / total["bare"], 4),
        "added_by_a_section": round(total["sect"] - total["bare"]),
        "added_by_a_token_unread": round(
            total["bare"] - total["bare without token"]),
    }


# ---------------------------------------------------------------------------
# Saying it

def _print_throughput(result):
    ratios = sorted(result["pair_ratios"])
    low, high = result["ratio_between"]
    verdict = "reached" if result["ratio"] >= RATIO_MARK else "MISSED"
    _print_row("", "bare", "guarded", "guarded / bare")
    _print_row("requests per second",
               f"{result['bare_requests_per_second']:,}",
               f"{result['guarded_requests_per_second']:,}",
               f"{result['ratio']:.3f}  (mark {RATIO_MARK:.2f} {verdict})")
    _print_row("server's CPU time, us per request",
               f"{result['bare_cpu_us_per_request']:.1f}",
               f"{result['guarded_cpu_us_per_request']:.1f}",
               f"{result['cpu_ratio']:.3f}")
    print(f"  the median of {len(ratios)} pairs of rounds, with 95 % between "
          f"{low:.3f} and {high:.3f}; sorted:")
    for at in range(0, len(ratios), 10):
        print("   ", " ".join(f"{ratio:.3f}" for ratio in ratios[at:at + 10]))
    others = result["others_share_of_processors"]
    if others > OTHERS_MAX:
        print(f"  other programs took {others:.0%} of the processors "
              "meanwhile: measure again in quiet")


def _print_instructions(result):
    _print_row("", "bare", "guarded", "guarded / bare")
    _print_row("instructions per request", f"{result['bare']:,}",
               f"{result['guarded']:,}",
               f"{result['ratio']:.3f}  ({result['added']:+,})")
    _print_row("  in it: a section of httpd's own", "",
               f"{result['added_by_a_section']:,}", "")
    _print_row("  in both: a header that carries a token",
               f"{result['added_by_a_token_unread']:,}",
               f"{result['added_by_a_token_unread']:,}", "")


def _print_row(name, bare, guarded, ratio):
    print(f"{name:<40}{bare:>10}{guarded:>10}   {ratio}".rstrip())


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--httpd", required=True)
    parser.add_argument("--modules", required=True,
                        help="folder of httpd's own modules")
    parser.add_argument("--module", required=True, help=MODULE)
    parser.add_argument("--results", default="bench",
                        help="path that the names of results begin with")
    parser.add_argument("--pairs", type=int, default=45)
    parser.add_argument("--seconds", type=int, default=1,
                        help="length of a round")
    parser.add_argument("--wrk-threads", type=int, default=1)
    parser.add_argument("--only", choices=("throughput", "instructions"))
    options = parser.parse_args()
    if options.pairs < 1 or options.seconds < 1 or options.wrk_threads < 1:
        parser.error("--pairs, --seconds and --wrk-threads begin at 1")
    for program in ("wrk", "valgrind"):
        path = shutil.which(program)
        if not path:
            raise Failed(f"there is no {program}: apt-get install {program}")
        setattr(options, program, path)
    return options


def _measure(options):
    results = {"processors": os.cpu_count()}
    with StandIn.start() as clerk:
        bench = Bench(options, clerk)
        if options.only != "instructions":
            results["throughput"] = bench.throughput()
            _print_throughput(results["throughput"])
        if options.only != "throughput":
            slopes = bench.instructions()
            results["instructions"] = _instructions_result(slopes)
            _print_instructions(results["instructions"])
            pathlib.Path(options.results + ".profile").write_text(
                callgrind.report(slopes["auth"], slopes["bare"], MODULE))
            print(f"  by function: {options.results}.profile; for "
                  f"callgrind_annotate: {options.results}.callgrind")
        results["calls_to_clerk"] = bench.calls
    print("calls to Clerk: " + ", ".join(
        f"{calls} ({name})" for name, calls in bench.calls.items()
        if calls))
    return results


def main():
    began = time.monotonic()
    # So that servers are ended with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        options = _arguments()
        results = _measure(options)
    except (Failed, StandInError, load.WrongAnswer,
            server.ServerFault) as fault:
        print(f"bench: nothing was measured: {fault}", file=sys.stderr)
        return 2
    results["seconds"] = round(time.monotonic() - began, 1)
    pathlib.Path(options.results + ".json").write_text(
        json.dumps(results, indent=2) + "\n")
    print(f"{results['seconds']:.0f} s; the numbers are in "
          f"{options.results}.json")
    reached = results.get("throughput", {"ratio": 1})["ratio"] >= RATIO_MARK
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
