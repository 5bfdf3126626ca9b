"""One launch: a task over a range of items, in parallel or serially; the same bits either way."""

import numpy as np

from .._numba.options import driver, exact, part, prange, task
from .._numba.pointers import view
from .slots import FILLED
from .work import BROKEN, OK, SPREAD, STATE, SUMS


@driver
def in_parallel(task, context, begin, n_items, n_workers):
    """Share out items `begin` to ``begin + n_items`` among workers; return the code of the first that failed, or OK.

    A driver holds no more than this: parallel compilation costs two to three times the serial one. `task` is an
    address: a kernel called by name would be linked into it three times over, and optimised anew each time.
    """
    codes = view(context, SUMS).codes
    for w in prange(n_workers):
        worker = np.int64(w)
        first, end = begin + worker * n_items // n_workers, begin + (worker + 1) * n_items // n_workers
        codes[worker] = task(context, SPREAD * worker, first, end)
    code = OK
    for w in range(n_workers):
        if codes[w] == BROKEN:
            return BROKEN
        if code == OK:
            code = codes[w]
    return code


@task
def in_series(task, context, begin, n_items, n_workers):
    """Do what `in_parallel` does in the calling thread alone."""
    return task(context, 0, begin, begin + n_items)


@part
def launch(drive, task, context, begin, n_items, nanoseconds, cut):
    """Run a task over items of so many `nanoseconds`, in parallel where that is worth its start; return its code."""
    n_workers = min(cut.n_workers, n_items)
    if n_workers <= 1 or n_items * nanoseconds < cut.parallel_nanoseconds:
        return task(context, 0, begin, begin + n_items)
    return drive(task, context, begin, n_items, n_workers)


@exact
def launch_items(drive, task, context, cut, begin, n_items, nanoseconds):
    """Launch a task from Python: `drive` is one of the drivers, by address like the task."""
    return launch(drive, task, context, begin, n_items, nanoseconds, cut)


@part
def add_slab(slab, first, end, accumulator):
    """Add rows `first` to `end` of a slab (R, pitch) to `accumulator` (R, pitch)."""
    for k in range(first, end):
        for i in range(accumulator.shape[1]):
            accumulator[k, i] += slab[k, i]


@part
def add_slabs(slabs, n_slabs, first, end, accumulator):
    """Add rows `first` to `end` of the first `n_slabs` slabs (S, R, pitch) to `accumulator` (R, pitch), slab by slab.

    Rows lie one behind another, so that all of them are one loop.
    """
    n_rows, pitch = accumulator.shape
    if n_slabs == 1:  # of few rows, and `reshape` is a call of Numba's that takes 25 nanoseconds
        add_slab(slabs[0], first, end, accumulator)
        return
    a, b = first * pitch, end * pitch
    flat, sums = slabs.reshape(slabs.shape[0], n_rows * pitch), accumulator.reshape(n_rows * pitch)[a:b]
    rest = n_slabs % 4
    # Views, which spare every element the test of a negative index, and are contiguous.
    for s in range(rest):
        added = flat[s, a:b]
        for i in range(sums.shape[0]):
            sums[i] += added[i]
    # Four at a time, and in the same order: 977 slabs of 40 numbers take 2.8 microseconds, and 4.4 one by one.
    for s in range(rest, n_slabs, 4):
        one, two, three, four = flat[s, a:b], flat[s + 1, a:b], flat[s + 2, a:b], flat[s + 3, a:b]
        for i in range(sums.shape[0]):
            sums[i] = sums[i] + one[i] + two[i] + three[i] + four[i]


@task
def fold(context, worker, first, end):
    """Task: add rows `first` to `end` of the slabs that are filled to those of the accumulator, slab after slab."""
    sums = view(context, SUMS)
    add_slabs(sums.slabs, view(context, STATE).counts[FILLED], first, end, sums.accumulator)
    return OK
