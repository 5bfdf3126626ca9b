"""A peer's process: ``python -m bench.compare.worker MODULE THREADS DESCRIPTOR``; ``client.py`` is the other end.

It answers requests that come through the connection, one at a time, until that is closed.
"""

import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from bench.compare.peer import Answer, Parameters, Peer
from bench.resident import release_free_heap, resident, watcher

# Pairs of a short and a long run are repeated for so many seconds.
LONG_ENOUGH = 0.3


class Session:
    """What can be asked for, by name; it holds the rows of one problem."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._rows = None

    def versions(self) -> dict[str, str]:
        """Import the peer; ImportError if it is not installed."""
        return self._peer.versions()

    def load(self, path: str, n_rows: int) -> None:
        """Take the first rows of an array in place of those it has."""
        self._rows = None
        self._rows = self._peer.load(np.load(path, mmap_mode="r")[:n_rows].copy())

    def rounds(self, start: Parameters, n_rounds: int) -> Answer:
        """Run so many rounds."""
        return self._measured(self._peer.rounds, start, n_rounds)

    def whole(self, n_components: int, covariance_type: str, seed: int) -> Answer:
        """Fit with the peer's own defaults."""
        return self._measured(self._peer.whole, n_components, covariance_type, seed)

    def seconds_per_round(self, start: Parameters, short: int, long: int) -> float:
        """From the median difference of a short and a long run, which leaves out what a call does once."""
        differences: list[float] = []
        end = time.perf_counter() + LONG_ENOUGH
        while not differences or time.perf_counter() < end:
            begin = time.perf_counter()
            self._peer.rounds(self._rows, start, short)
            middle = time.perf_counter()
            self._peer.rounds(self._rows, start, long)
            differences.append(time.perf_counter() - middle - (middle - begin))
        return statistics.median(differences) / (long - short)

    def _measured(self, function: Callable, *arguments) -> Answer:
        process = self._peer.process(self._rows)
        if not Path(f"/proc/{process}/statm").exists():
            return timed(function, self._rows, *arguments)
        release_free_heap()
        before = resident(process)
        with watcher(process) as watch:
            answer = timed(function, self._rows, *arguments)
        return answer._replace(megabytes=watch.peak - before)


def timed(function: Callable, *arguments) -> Answer:
    begin = time.perf_counter()
    mixture = function(*arguments)
    return Answer(time.perf_counter() - begin, None, mixture)


def serve(peer: Peer, connection: Connection) -> None:
    """Send ("done", answer) or, with the error in a line, ("missing", text) or ("failed", text)."""
    session = Session(peer)
    while True:
        try:
            name, *arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send(("done", getattr(session, name)(*arguments)))
        except ImportError as error:
            connection.send(("missing", one_line(error)))
        except Exception as error:
            connection.send(("failed", f"{type(error).__name__}: {one_line(error)}"))


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def main() -> None:
    module, threads, descriptor = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if hasattr(os, "sched_setaffinity"):
        # For those that count processors and know no variable; before the import, which starts threads.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    serve(importlib.import_module(module).PEER, Connection(descriptor))


if __name__ == "__main__":
    main()
