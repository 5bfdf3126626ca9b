"""Labels of many rows and components: most components are left out, by bounds of their densities."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.launch import launch_items
from ...kernels.pruning.guess import BLOCKS, guess_labels
from ...kernels.pruning.labels import LABELS
from ...kernels.pruning.moves import order_by_label
from ...kernels.pruning.nearby import FIRST, Nearby, NearbyWork
from ...kernels.work import FAR_ROWS, OK, Work
from ...model.plan import LAUNCH_NANOSECONDS, LONG_ROUND_WORK, Cut, Plan
from ..launch.work import address_of, check, entry_of, example, launched, layout_of, packed_work
from .nearby import bounds_of, guess_by
from .passes import WINDOW_BYTES

# In rounds of EM that are pruned: there is one pass of it, beside which the guess and bounds are to be short.
ROUNDS = 4
# Of the pairs of blocks and components: with more than `MOST` evaluated, labels are hardly found sooner. Rows as the
# model has them are asked first, then the first `LOOK` blocks.
MOST, LOOK = 0.5, 64
# Rows are put in order within windows, of so many blocks for each component on average.
WINDOW_BLOCKS = 16


def are_worth_it(plan: Plan, n_samples: int) -> bool:
    """Whether labels of so many rows may be found sooner so: in a long pass, in blocks of one component each."""
    is_long = plan.is_long(n_samples) and plan.work(n_samples) >= ROUNDS * LONG_ROUND_WORK
    return is_long and plan.kernels.density.name in LABELS and plan.n_components * plan.lanes <= n_samples


@functools.cache
def nearby_example(dtype: Any, layout: str) -> NearbyWork:
    """Return what a task that finds labels works on, of a dtype and a layout of x."""
    integers, single, double = np.zeros(1, np.int64), np.zeros((1, 1, 1), np.float32), np.zeros((1, 1))
    short = np.zeros(1, np.int32)
    nearby = Nearby(
        leads=single[0],
        starts=single[0, 0],
        guesses=short,
        order=short,
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
    padded = -(-plan.n_features // 4) * 4
    leads, starts = guess_by(work, padded)
    nothing = np.empty(0, np.int64)
    nearby = Nearby(
        leads=leads,
        starts=starts,
        guesses=np.empty(0, np.int32),
        order=np.empty(0, np.int32),
        places=nothing,
        ends=nothing,
        owners=nothing,
        widths=widths,
        least=least,
        sizes=np.hypot.reduce(work.model.offsets.astype(np.float64), axis=1),
        counts=nothing,
        tile=np.empty((places, lanes, plan.n_features), plan.dtype),
        single=np.zeros((places, FIRST + padded, lanes), np.float32),
        slopes=np.zeros((places, k, padded), np.float32),
        lengths=np.empty((places, k)),
        components=np.empty((places, k), np.int64),
    )

    def launch(task: Any, nearby: Nearby, first: int, begin: int, end: int, nanoseconds: float) -> int:
        some = x[first : first + len(nearby.guesses)]
        rows = work.rows._replace(labels=labels[first : first + len(some)])
        context = packed_work(NearbyWork(*work._replace(x=some, rows=rows), nearby), nearby_example)
        tasks = (address_of(task, x.dtype, layout_of(some), nearby_example),)
        items = begin, end - begin, nanoseconds
        code = launched(launch_items, tasks, context, some, cut, n_threads, *items, like=nearby_example)
        if code != FAR_ROWS:
            check(code)
        return int(code)

    # The guess takes a tenth of a dense pass at most, and labels `MOST` of one, or they are given up.
    guess_nanoseconds = 0.1 * BLOCKS * lanes * plan.row_nanoseconds
    block_nanoseconds = MOST * lanes * plan.row_nanoseconds
    n_guessed, n_labelled = (
        max(cut.n_workers, int(cut.n_workers * LAUNCH_NANOSECONDS / each))
        for each in (guess_nanoseconds, block_nanoseconds)
    )
    code, n_seen, n_evaluated = int(OK), 0, 0
    window = _window(x, k * lanes)
    for first in range(0, n_samples, window):
        nearby = nearby._replace(guesses=np.empty(min(window, n_samples - first), np.int32))
        n_items = -(-len(nearby.guesses) // (BLOCKS * lanes))
        for begin in range(0, n_items, n_guessed):
            launch(guess_labels, nearby, first, begin, min(begin + n_guessed, n_items), guess_nanoseconds)
        nearby = _in_order(nearby, k, lanes)
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


def _in_order(nearby: Nearby, n_components: int, lanes: int) -> Nearby:
    """Put rows in the order of the guesses, in blocks of one each."""
    order = np.arange(len(nearby.guesses), dtype=np.int32)
    ends = np.empty(n_components + 1, np.int64)
    arguments = order, nearby.guesses, n_components, np.empty_like(order), ends
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
