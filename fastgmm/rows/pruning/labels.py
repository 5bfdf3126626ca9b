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

# Rounds of EM that are this long are pruned; a pass that there is one of must be worth what is compiled for it.
ROUNDS = 4
# Of the pairs of blocks and components: with more than `MOST` evaluated, labels are hardly found sooner. Rows as the
# model has them are asked first, then the first `LOOK` blocks.
MOST, LOOK = 0.5, 64


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
    k, n_samples, places = plan.n_components, len(x), len(work.scratch.block)
    padded = -(-plan.n_features // 4) * 4
    leads, starts = guess_by(work, padded)
    short, nothing = np.empty(0, np.int32), np.empty(0, np.int64)
    nearby = Nearby(
        leads=leads,
        starts=starts,
        guesses=np.empty(n_samples, np.int32),
        order=short,
        places=nothing,
        ends=nothing,
        owners=nothing,
        widths=widths,
        least=least,
        sizes=np.linalg.norm(work.model.offsets.astype(np.float64), axis=1),
        counts=nothing,
        tile=np.empty((places, plan.lanes, plan.n_features), plan.dtype),
        single=np.zeros((places, FIRST + padded, plan.lanes), np.float32),
        slopes=np.zeros((places, k, padded), np.float32),
        lengths=np.empty((places, k)),
        components=np.empty((places, k), np.int64),
    )

    def launch(task: Any, nearby: Nearby, begin: int, end: int, nanoseconds: float) -> int:
        rows = work.rows._replace(labels=labels)
        context = packed_work(NearbyWork(*work._replace(x=x, rows=rows), nearby), nearby_example)
        tasks = (address_of(task, x.dtype, layout_of(x), nearby_example),)
        items = begin, end - begin, nanoseconds
        code = launched(launch_items, tasks, context, x, cut, n_threads, *items, like=nearby_example)
        if code != FAR_ROWS:
            check(code)
        return int(code)

    # The guess takes about a tenth of a dense pass, and so do bounds.
    block_nanoseconds = 0.1 * plan.lanes * plan.row_nanoseconds
    step = max(1, int(cut.n_workers * LAUNCH_NANOSECONDS / (BLOCKS * block_nanoseconds)))
    n_items = -(-n_samples // (BLOCKS * plan.lanes))
    for begin in range(0, n_items, step):
        launch(guess_labels, nearby, begin, min(begin + step, n_items), BLOCKS * block_nanoseconds)
    nearby = _in_order(nearby, k, plan.lanes)
    code, n_blocks, begin = int(OK), len(nearby.places), 0
    while begin < n_blocks:
        end = min(n_blocks, begin + (BLOCKS * step if begin else LOOK))
        code = max(code, launch(LABELS[plan.kernels.density.name], nearby, begin, end, block_nanoseconds))
        begin = end
        if nearby.counts[:begin].sum() > MOST * k * begin:
            return None
    return code


def _in_order(nearby: Nearby, n_components: int, lanes: int) -> Nearby:
    """Put rows in the order of the guesses, in blocks of one each."""
    guesses, n_samples = nearby.guesses, len(nearby.guesses)
    order = np.arange(n_samples, dtype=np.int32)
    arguments = order, guesses, n_components, np.empty_like(order), np.empty(n_components + 1, np.int64)
    entry_of(order_by_label, ("int32", "C"), *arguments)(*arguments)
    counts = np.bincount(guesses, minlength=n_components)
    n_blocks = -(-counts // lanes)
    owners = np.repeat(np.arange(n_components), n_blocks)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(n_blocks) - n_blocks, n_blocks)
    ends = np.cumsum(counts)
    places = (ends - counts)[owners] + lanes * within
    return nearby._replace(
        order=order,
        places=places,
        ends=np.minimum(places + lanes, ends[owners]),
        owners=owners,
        counts=np.zeros(len(owners), np.int64),
    )
