"""What all rows share: the options, the programs, servers and upstreams."""

import math
import os
import shutil
import statistics

import contenders
import crowd
import load
import server
import upstream

PROCESSES, THREADS = 2, 64
# Half as many as one process has threads: when one process happens to accept
# them all, it still never closes one for want of a free thread.
CONNECTIONS = 32
PROGRAMS = {"wrk": "wrk", "valgrind": "valgrind", "nginx": "nginx-light",
            "openssl": "openssl"}


class Failed(Exception):
    """The measurement is not worth anything."""


FAULTS = (Failed, crowd.CrowdFault, load.WrongAnswer, server.ServerFault,
          upstream.StandInError)


class Context:
    """What a row needs to make its servers."""

    def __init__(self, options):
        self.options = options
        self.full = options.full
        self.details = {}
        self.programs = {}
        self.own_cpu = 0.0
        for program, package in PROGRAMS.items():
            path = shutil.which(program, path="/usr/sbin:/sbin:" + _path())
            if not path:
                raise Failed(f"there is no {program}: apt-get install "
                             f"{package}")
            self.programs[program] = path

    def guards(self, names=contenders.GUARDS):
        """Those of these modules that are wanted and there."""
        return [contenders.ALL[name] for name in names
                if name in self.options.contenders]

    def server(self, contender, up, setup=contenders.Setup()):
        return server.Server(self.options, contender, up, setup)

    def fast(self, http2=True):
        return upstream.Fast(self.programs["nginx"], http2)

    @staticmethod
    def slow():
        return upstream.Slow.start(tls=True)

    def wrk(self, connections=CONNECTIONS):
        return load.Wrk(self.programs["wrk"], connections,
                        self.options.wrk_threads)

    def each(self, names, measure):
        """By contender: what `measure` returns for it. Ours must succeed; of
        a peer that fails it is said, and it has no value."""
        results, notes = {}, []
        for contender in self.guards(names):
            try:
                results[contender.name] = measure(contender)
            except FAULTS as fault:
                if contender.name == contenders.OURS:
                    raise
                first = str(fault).strip().splitlines() or [repr(fault)]
                notes.append(f"{contender.name} failed: {first[0][:200]}")
        return results, "; ".join(notes)


def _path():
    return os.environ.get("PATH", "/usr/bin:/bin")


def spread(results, pick):
    """Values of a row: by contender, what `pick` finds in its result."""
    return {name: pick(result) for name, result in results.items()}


def median(numbers):
    return round(statistics.median(numbers), 4)


def median_interval(numbers):
    """Between which two of the numbers the true median is, at about 95 %: by
    their places in order, which needs no idea of how they are spread."""
    ordered = sorted(numbers)
    out = max(0, math.floor(len(ordered) / 2 - 0.98 * len(ordered) ** 0.5))
    return [round(ordered[out], 4), round(ordered[-1 - out], 4)]
