"""What the machine does meanwhile: a measurement has it to itself, or says so.
"""

import os
import pathlib
import time

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    """CPU time of processes, so far."""
    ticks = 0
    for pid in pids:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


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
