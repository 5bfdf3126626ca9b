"""Threads of Python that take blocks of problems, until there are none left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# A block of problems takes about so long.
BLOCK_SECONDS = 0.05
# Problems in the first block of a thread, and in the last ones.
LEAST_PROBLEMS = 16


class Worker(Protocol):
    """What a thread works with: it fits `most` problems at once at most."""

    most: int

    def fit(self, chosen: NDArray[np.int64], begin: int, end: int) -> NDArray[np.float64]:
        """Fit the problems ``chosen[begin:end]`` and return their traces, one behind the other."""
        ...


class Blocks:
    """Problems that are still to be taken, and the traces of those that have been fitted.

    Of each block that is whole `traces` has the end and the traces, by its first problem.
    """

    def __init__(self, n_problems: int, n_workers: int) -> None:
        self._n_problems, self._n_workers, self._taken = n_problems, n_workers, 0
        self._lock = threading.Lock()
        self.n_fitted = 0
        self.traces: dict[int, tuple[int, NDArray[np.float64]]] = {}
        self.stopped = False

    def work(self, worker: Worker, chosen: NDArray[np.int64], told: Callable[[int], None] | None = None) -> None:
        """Take blocks until there are none left; `told` is called with how many problems have been fitted."""
        size = LEAST_PROBLEMS
        while not self.stopped:
            with self._lock:
                # Towards the end they become small, so that all threads end at the same time.
                share = max(LEAST_PROBLEMS, (self._n_problems - self._taken) // (2 * self._n_workers))
                begin = self._taken
                end = self._taken = min(begin + min(size, share, worker.most), self._n_problems)
            if begin == end:
                return
            began = time.perf_counter()
            traces = worker.fit(chosen, begin, end)
            seconds = time.perf_counter() - began
            with self._lock:
                self.traces[begin] = end, traces
                self.n_fitted += end - begin
            if told is not None:
                told(self.n_fitted)
            size = max(1, int((end - begin) * min(4.0, BLOCK_SECONDS / max(seconds, 1e-9))))


def in_threads(works: list[Callable[[], None]], blocks: Blocks) -> None:
    """Do the first in this thread and the others in threads of their own; raise what any of them raised."""
    errors: list[BaseException] = []

    def caught(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
            blocks.stopped = True

    others = [threading.Thread(target=caught, args=(work,), daemon=True) for work in works[1:]]
    for thread in others:
        thread.start()
    try:
        works[0]()
    finally:
        blocks.stopped = True
        for thread in others:
            thread.join()
    if errors:
        raise errors[0]
