"""Peak memory of a process: what is resident, and the highest that it was."""

import contextlib
import ctypes
import os
import threading
import time
from pathlib import Path

MEGABYTE = 2**20


def resident(process: int | str = "self") -> float:
    """Megabytes of a process."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def release_free_heap() -> None:
    """Give freed memory back to the system: a fit that reused it would seem to take less."""
    with contextlib.suppress(OSError, AttributeError):  # malloc_trim is glibc's
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class HighWater:
    """The kernel's own high-water mark, which misses nothing; `watcher` has reset it."""

    def __init__(self, process: int | str) -> None:
        self._process = process

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for line in Path(f"/proc/{self._process}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                self.peak = int(line.split()[1]) / 1024


class Sampler:
    """A thread that looks each millisecond, where the mark cannot be reset; it may miss a short peak."""

    def __init__(self, process: int | str) -> None:
        self._process = process

    def __enter__(self):
        self.peak = resident(self._process)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while not self._stop.is_set():
            self.peak = max(self.peak, resident(self._process))
            time.sleep(0.001)

    def __exit__(self, *exception):
        self._stop.set()
        self._thread.join()


def watcher(process: int | str = "self") -> HighWater | Sampler:
    """Context manager whose ``peak`` is the most, in megabytes, that was resident inside it."""
    try:
        Path(f"/proc/{process}/clear_refs").write_text("5")  # sets the mark to what is resident now
    except OSError:  # absent, or not ours to write
        return Sampler(process)
    return HighWater(process)
