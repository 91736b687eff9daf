"""What the machine does meanwhile, and what the server's processes take of it.
"""

import os
import pathlib
import re
import resource
import time

TICKS = os.sysconf("SC_CLK_TCK")
KIB = 1024
MIB = 1024 * 1024

_MAPPING = re.compile(r"^([0-9a-f]+)-[0-9a-f]+ (\S{4}) \S+ \S+ (\d+) *(.*)$")


def cpu_seconds(pids):
    """CPU time of processes, user and system, so far. Linux has a clock for
    each process, which is far finer than the ticks of its stat file."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def client_cpu():
    """CPU seconds of the load generators that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Watch:
    """The share of the processors that was not ours.

    Interrupts are left out, as nobody can tell whose they were.
    """

    def __init__(self):
        self._began = time.monotonic()
        self._busy = self._busy_seconds()

    def others(self, own_seconds):
        """Since the beginning, when this much was ours."""
        busy = self._busy_seconds() - self._busy
        available = (time.monotonic() - self._began) * os.cpu_count()
        return max(0.0, busy - own_seconds) / available

    @staticmethod
    def _busy_seconds():
        """Of all processes, and what the host took away."""
        words = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()
        user, nice, system = (int(word) for word in words[1:4])
        steal = int(words[8]) if len(words) > 8 else 0
        return (user + nice + system + steal) / TICKS


# ---------------------------------------------------------------------------
# Memory

def _mappings(pid):
    """By mapping of a process: (key, is it shared memory?, private bytes,
    shared bytes). Two processes that have the same pages have the same key."""
    key, shared_memory, sizes = None, False, {}
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as lines:
        for line in lines:
            head = _MAPPING.match(line)
            if head:
                if key:
                    yield key, shared_memory, *_sum(sizes)
                # With the address: what was forked is at the same one.
                key = (head[1], head[3], head[4])
                shared_memory, sizes = head[2][3] == "s", {}
            else:
                name, _, value = line.partition(":")
                if name.startswith(("Private_", "Shared_")):
                    sizes[name] = int(value.split()[0]) * KIB
    if key:
        yield key, shared_memory, *_sum(sizes)


def _sum(sizes):
    return (sum(size for name, size in sizes.items() if "Private" in name),
            sum(size for name, size in sizes.items() if "Shared" in name))


def memory_of_all(pids):
    """Bytes that these processes have in memory: what each has for itself,
    and what several have, once."""
    private, shared = 0, {}
    for pid in pids:
        for key, _, own, common in _mappings(pid):
            private += own
            shared[key] = max(shared.get(key, 0), common)
    return private + sum(shared.values())


def memory_of_its_own(pid):
    """Bytes that a process has for itself, without shared memory that only it
    has touched."""
    return sum(own for _, shared_memory, own, _ in _mappings(pid)
               if not shared_memory)
