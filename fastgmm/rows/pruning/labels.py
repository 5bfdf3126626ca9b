"""Labels of many rows and components: most components are left out, by bounds of their densities."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.launch import launch_items
from ...kernels.pruning.guess import FIRST
from ...kernels.pruning.labels import LABELS
from ...kernels.pruning.moves import order_by_label
from ...kernels.pruning.nearby import Nearby, NearbyWork
from ...kernels.work import FAR_ROWS, OK, Work
from ...model.plan import LAUNCH_NANOSECONDS, Cut, Plan
from ..launch.work import address_of, check, entry_of, example, launched, layout_of, packed_work
from .guess import Guesser
from .nearby import bounds_of
from .passes import WINDOW_BYTES

# Of the pairs of blocks and components: with more than `MOST` evaluated, labels are hardly found sooner. Rows as the
# model has them are asked first, then the first `LOOK` blocks.
MOST, LOOK = 0.5, 64
# Rows are put in order within windows, of so many blocks for each component on average.
WINDOW_BLOCKS = 16


@functools.cache
def nearby_example(dtype: Any, layout: str) -> NearbyWork:
    """Return what a task that finds labels works on, of a dtype and a layout of x."""
    integers, single, double = np.zeros(1, np.int64), np.zeros((1, 1, 1), np.float32), np.zeros((1, 1))
    nearby = Nearby(
        order=np.zeros(1, np.int32),
        places=integers,
        ends=integers,
        owners=integers,
        widths=double[0],
        least=double[0],
        sizes=double[0],
        counts=integers,
        tile=np.zeros((1, 1, 1), dtype),
        single=single,
        slopes=single,
        lengths=double,
        components=np.zeros((1, 1), np.int64),
    )
    return NearbyWork(*example(dtype, layout), nearby)


def label(
    plan: Plan, work: Work, cut: Cut, n_threads: int | None, x: NDArray[Any], labels: NDArray[np.int64]
) -> int | None:
    """Write the `labels` of rows `x` (N, D), as the kernels take them, under the model of `work`, which is prepared.

    Returns OK or FAR_ROWS, or None where that is not worth it: components overlap, or rows are unlike them.
    """
    widths, least, share = bounds_of(work)
    if share > MOST:
        return None
    k, n_samples, lanes, places = plan.n_components, len(x), plan.lanes, len(work.scratch.block)
    guesser = Guesser(plan, work, cut, n_threads)
    padded = guesser.single.shape[1] - FIRST
    nothing = np.empty(0, np.int64)
    nearby = Nearby(
        order=np.empty(0, np.int32),
        places=nothing,
        ends=nothing,
        owners=nothing,
        widths=widths,
        least=least,
        sizes=np.hypot.reduce(work.model.offsets.astype(np.float64), axis=1),
        counts=nothing,
        tile=np.empty((places, lanes, plan.n_features), plan.dtype),
        single=guesser.single,
        slopes=np.zeros((places, k, padded), np.float32),
        lengths=np.empty((places, k)),
        components=np.empty((places, k), np.int64),
    )

    def launch(task: Any, nearby: Nearby, first: int, begin: int, end: int, nanoseconds: float) -> int:
        some = x[first : first + len(nearby.order)]
        rows = work.rows._replace(labels=labels[first : first + len(some)])
        context = packed_work(NearbyWork(*work._replace(x=some, rows=rows), nearby), nearby_example)
        tasks = (address_of(task, x.dtype, layout_of(some), nearby_example),)
        items = begin, end - begin, nanoseconds
        code = launched(launch_items, tasks, context, some, cut, n_threads, *items, like=nearby_example)
        if code != FAR_ROWS:
            check(code)
        return int(code)

    # Labels take `MOST` of a dense pass at most, or they are given up.
    block_nanoseconds = MOST * lanes * plan.row_nanoseconds
    n_labelled = max(cut.n_workers, int(cut.n_workers * LAUNCH_NANOSECONDS / block_nanoseconds))
    code, n_seen, n_evaluated = int(OK), 0, 0
    window = _window(x, k * lanes)
    for first in range(0, n_samples, window):
        some = x[first : first + window]
        guesses = np.empty(len(some), np.int32)
        guesser.guess(some, guesses, 0, len(some))
        nearby = _in_order(nearby, guesses, k, lanes)
        n_blocks = len(nearby.places)
        for begin in range(0, n_blocks, n_labelled):
            end = min(begin + n_labelled, n_blocks)
            task = LABELS[plan.kernels.density.name]
            code = max(code, launch(task, nearby, first, begin, end, block_nanoseconds))
            n_seen, n_evaluated = n_seen + end - begin, n_evaluated + int(nearby.counts[begin:end].sum())
            if n_seen >= LOOK and n_evaluated > MOST * k * n_seen:
                return None
    return code


def _window(x: NDArray[Any], n_rows: int) -> int:
    """Return how many rows are put in order at once, given one block of rows for each component.

    Rows that are far apart come from memory, or from a file, once for each component.
    """
    least = max(WINDOW_BYTES // (x.itemsize * x.shape[1]), WINDOW_BLOCKS * n_rows)
    return -(-len(x) // max(1, int(len(x) // least)))


def _in_order(nearby: Nearby, guesses: NDArray[np.int32], n_components: int, lanes: int) -> Nearby:
    """Put rows in the order of the `guesses` (n,), in blocks of one each."""
    order = np.arange(len(guesses), dtype=np.int32)
    ends = np.empty(n_components + 1, np.int64)
    arguments = order, guesses, n_components, np.empty_like(order), ends
    entry_of(order_by_label, ("int32", "C"), *arguments)(*arguments)
    ends = ends[:n_components]  # the last row of each guess has been put in its place
    counts = np.diff(ends, prepend=0)
    n_blocks = -(-counts // lanes)
    owners = np.repeat(np.arange(n_components), n_blocks)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(n_blocks) - n_blocks, n_blocks)
    places = (ends - counts)[owners] + lanes * within
    return nearby._replace(
        order=order,
        places=places,
        ends=np.minimum(places + lanes, ends[owners]),
        owners=owners,
        counts=np.zeros(len(owners), np.int64),
    )
