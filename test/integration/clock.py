"""A clock that a test can move, for one httpd and not for anybody else.

What httpd and the module take for the time of day comes from gettimeofday();
clock.c puts an offset on it. Needs a C compiler, as the module itself does.
"""

import mmap
import os
import pathlib
import shlex
import struct
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).with_name("clock.c")


def build(folder):
    """Compile clock.c into a folder; returns the library."""
    library = folder / "clock.so"
    subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-O", "-shared",
                    "-fPIC", "-o", library, SOURCE], check=True, timeout=60)
    library.chmod(0o755)
    return library


class Clock:
    """Pass `env` to the server, then `forward` its clock by seconds."""

    def __init__(self, library):
        self._file = tempfile.NamedTemporaryFile(prefix="mac-clock-")
        self._file.write(bytes(8))
        self._file.flush()
        os.chmod(self._file.name, 0o644)
        self._page = mmap.mmap(self._file.fileno(), 8)
        self.offset = 0.0
        self.env = {"LD_PRELOAD": str(library),
                    "MOVED_CLOCK": self._file.name}

    def forward(self, seconds):
        self.offset += seconds
        self._page[:] = struct.pack("=q", int(self.offset * 1e6))
