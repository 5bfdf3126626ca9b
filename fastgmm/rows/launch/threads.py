"""How many threads a launch uses, and when it had better run serially.

Every kernel gives the same bits serially and in parallel, so falling back costs time only.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import numba

from ..._checks import check_integer
from ..._numba.options import JIT_ENABLED

# Work that is worth sharing out: a parallel region costs 5 to 10 microseconds with the omp and tbb layers, about 50
# with workqueue.
PARALLEL_NANOSECONDS = 2e4
WORKQUEUE_NANOSECONDS = 2e5

_import_pid = os.getpid()
_workqueue_lock = threading.Lock()


def check_n_threads(n_threads: int | None) -> int | None:
    """Return `n_threads`, None or at least 1, and no more than Numba was started with.

    A model is fitted, or pickled, with a number that a worker of joblib or another machine may not have.
    """
    if n_threads is None:
        return None
    return min(check_integer("n_threads", n_threads, 1), int(numba.config.NUMBA_NUM_THREADS))


def available(n_threads: int | None) -> int:
    """Threads that a launch of this calling thread may use."""
    return int(numba.get_num_threads()) if n_threads is None else n_threads


def at_most(n_threads: int | None) -> int:
    """Return what `available` does at most; it starts no threads, which would be missing in forked children."""
    return int(numba.config.NUMBA_NUM_THREADS) if n_threads is None else n_threads


def worth_sharing() -> float:
    """Nanoseconds of work that are worth a parallel region of the threading layer in use."""
    return WORKQUEUE_NANOSECONDS if _layer() == "workqueue" else PARALLEL_NANOSECONDS


def _layer() -> str:
    try:
        return str(numba.threading_layer())
    except ValueError:  # nothing has been launched yet, so the layer is not known
        return ""


@contextlib.contextmanager
def team(n_threads: int | None) -> Iterator[bool]:
    """Set the calling thread's number of threads; yield whether to call the parallel driver.

    False without the JIT; in a forked child, where GNU's OpenMP ends the process; and while another Python thread is
    in a launch of the workqueue layer, which would abort. The number of threads is restored on the way out.
    """
    if not JIT_ENABLED or os.getpid() != _import_pid:
        yield False
        return
    locked = False
    if _layer() in ("", "workqueue"):
        locked = _workqueue_lock.acquire(blocking=False)
        if not locked:
            yield False
            return
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(available(n_threads))
        yield True
    finally:
        numba.set_num_threads(before)
        if locked:
            _workqueue_lock.release()
