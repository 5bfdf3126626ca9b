"""Peak memory of a default fit beyond its data, in a process of its own: ``python -m bench.memory N D K ORDER``."""

import contextlib
import ctypes
import os
import sys
import threading
import time
from pathlib import Path

import fastgmm
from bench.cases import Case

MEGABYTE = 2**20


def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def release_free_heap():
    """Give freed memory back to the system: a fit that reused it would seem to take less."""
    with contextlib.suppress(OSError, AttributeError):  # malloc_trim is glibc's
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class HighWater:
    """The kernel's own high-water mark, which misses nothing; `watcher` has reset it."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                self.peak = int(line.split()[1]) / 1024


class Sampler:
    """A thread that looks each millisecond, where the mark cannot be reset; it may miss a short peak."""

    def __enter__(self):
        self.peak = resident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while not self._stop.is_set():
            self.peak = max(self.peak, resident())
            time.sleep(0.001)

    def __exit__(self, *exception):
        self._stop.set()
        self._thread.join()


def watcher():
    try:
        Path("/proc/self/clear_refs").write_text("5")  # sets the mark to what is resident now
    except OSError:  # absent, or not ours to write
        return Sampler()
    return HighWater()


def main():
    n_samples, n_features, n_components = map(int, sys.argv[1:4])
    case = Case(n_samples, n_features, n_components, order=sys.argv[4])
    fastgmm.warmup()
    X, _ = case.problem()
    fastgmm.fit(X[:100_000], n_components, max_iter=2, random_state=0)
    release_free_heap()
    before = resident()
    with watcher() as watch:
        fastgmm.fit(X, n_components, random_state=0)
    print(watch.peak - before)


if __name__ == "__main__":
    main()
