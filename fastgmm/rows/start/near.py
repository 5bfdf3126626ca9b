"""Lloyd's rounds of many clusters, which leave out centres that cannot be the nearest of a row."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.k_means.lloyd import lloyd
from ...kernels.k_means.near import EVALUATED, LONGEST, MOVED, Near, NearWork
from ...kernels.k_means.nearest import BLOCKS, add_nearest, find_nearest
from ...kernels.launch import fold, launch_items
from ...kernels.pruning.bounds import ROUNDED_DOWN, ROUNDED_UP
from ...kernels.pruning.moves import order_by_label
from ...kernels.slots import AIM, FILLED, ITEM, LABEL, MOVE, PHASE, SWEEP
from ...kernels.work import SPREAD
from ...model.plan import Cut, Plan
from ...model.rounds.settling import next_pass
from ..launch.bench import Bench
from ..launch.work import address_of, check, entry_of, example, launched, layout_of, packed_work

Array = NDArray[np.float64]

# Rows whose labels are copied at once.
PIECE = 1 << 16
# Of pairs of blocks and centres: rounds that look at more than `MOST` are hardly faster than those that look at all.
# So may be the first two, while labels still move, and the third be not; there is no hope where the first `LOOK`
# items of a round with bounds look at more than `HOPELESS`. Then `PAUSE` rounds look at all, next time twice as many.
MOST, TRIES, HOPELESS, LOOK, PAUSE = 0.6, 3, 0.95, 4, 8
# Of the rows: those that must have another nearest centre before they are put in order anew.
LEAST_MOVED = 1 / 16
# Centres whose distances from all others are found at once.
MOST_AT_ONCE = 256


@functools.cache
def near_example(dtype: Any, layout: str) -> NearWork:
    """Return what a task of such a round works on, of a dtype and a layout of x."""
    integers, single = np.zeros((1, 1), np.int64), np.zeros((1, 1), np.float32)
    near = Near(
        order=np.zeros(1, np.int32),
        labels=np.zeros(1, np.int32),
        lengths=single,
        shift=single[0],
        apart=single,
        kept=np.zeros(1),
        counts=integers,
        tile=np.zeros((1, 1, 1), dtype),
        pair=np.zeros((1, 1, 1), dtype),
        halves=np.zeros((1, 1, 1), dtype),
        listed=integers,
        fresh=np.zeros((1, 1)),
        reach=np.zeros((1, 1)),
    )
    return NearWork(*example(dtype, layout), near)


class Centers(NamedTuple):
    """The centres of a pass, `means` (K, D) less an `origin` (D,): rounded they lose no more than these hold."""

    origin: Array
    means: Array


class NearRounds:
    """Lloyd's rounds over the rows of `bench`, of which labels and distances are kept from round to round."""

    def __init__(self, plan: Plan, cut: Cut, n_threads: int | None, bench: Bench) -> None:
        self._plan, self._cut, self._n_threads, self._bench = plan, cut, n_threads, bench
        x, (k, d), dtype = bench.work.x, bench.work.model.means.shape, plan.dtype
        n_blocks, places = -(-len(x) // plan.lanes), SPREAD * cut.n_workers
        # The centres that bounds are about, None where there are none, and the share of the rows that has moved since
        # they were put in order; rounds that were not worth it, one after another.
        self._before: Centers | None = None
        self._moved, self._n_bad = 0.0, 0
        rounded = max(2.0**-18, (d + 16.0) * float(np.finfo(dtype).eps))
        self._near = Near(
            order=np.arange(len(x), dtype=np.int32),
            labels=np.empty(len(x), np.int32),
            lengths=np.empty((n_blocks, k), np.float32),
            shift=np.zeros(k, np.float32),
            apart=np.empty((0, 0), np.float32),
            kept=np.array([1.0 - rounded]),
            counts=np.zeros((-(-n_blocks // BLOCKS), 2), np.int64),
            tile=np.empty((places, plan.lanes, d), dtype),
            pair=np.empty((places, 2, d), dtype),
            halves=np.empty((places, 2, plan.lanes), dtype),
            listed=np.empty((places, k + 1), np.int64),
            fresh=np.empty((places, k)),
            reach=np.empty((places, k)),
        )

    def run(self, chosen: NDArray[np.int64], tell: Callable[[], None]) -> None:
        """Go on from the rows `chosen` (K,) until the centres have settled."""
        counts, pause = self._bench.work.state.counts, PAUSE
        self._next_pass(chosen)
        while counts[PHASE] == SWEEP:
            self._label()
            self._next_pass(chosen)
            tell()
            while counts[PHASE] == SWEEP and self._n_bad < TRIES and self._find():
                self._add(add_nearest)
                self._next_pass(chosen)
                tell()
            for _ in range(pause):
                if counts[PHASE] == SWEEP:
                    self._add(lloyd)
                    self._next_pass(chosen)
                    tell()
            pause *= 2

    def _label(self) -> None:
        """Do an ordinary pass, which writes down the nearest centre of each row, and put rows in that order."""
        near, work = self._near, self._bench.work
        counts = work.state.counts
        aim = counts[AIM]
        self._n_bad = 0
        counts[AIM] = LABEL if aim == MOVE else aim
        self._add(lloyd)
        counts[AIM] = aim
        for a in range(0, len(near.order), PIECE):
            near.labels[a : a + PIECE] = work.rows.labels[near.order[a : a + PIECE]]
        self._put_in_order()

    def _next_pass(self, chosen: NDArray[np.int64]) -> None:
        x, arguments = self._bench.work.x, (self._bench.context, chosen)
        entry_of(next_pass, (x.dtype, layout_of(x)), *arguments)(*arguments)

    def _add(self, task: Any) -> None:
        """Sum all rows by a task of superblocks, as compiled rounds do."""
        work, cut, x = self._bench.work, self._cut, self._bench.work.x
        work.sums.accumulator.fill(0.0)
        tasks = [(address_of(each, x.dtype, layout_of(x)),) for each in (task, fold)]
        n_slabs, n_rows = len(work.sums.slabs), len(work.sums.accumulator)
        for begin in range(0, cut.n_superblocks, n_slabs):
            n = work.state.counts[FILLED] = min(n_slabs, cut.n_superblocks - begin)
            arguments = self._bench.context, x, cut, self._n_threads
            check(launched(launch_items, tasks[0], *arguments, begin, n, cut.superblock_nanoseconds))
            check(launched(launch_items, tasks[1], *arguments, 0, n_rows, 1000.0))
        work.state.counts[ITEM] = cut.n_superblocks

    def _find(self) -> bool:
        """Find the nearest centre of each row; return False if that is not worth it, by a look at the first rows."""
        near, work, cut = self._near, self._bench.work, self._cut
        if self._moved > LEAST_MOVED:
            self._put_in_order()
        centers = Centers(*(each.astype(np.float64) for each in (work.model.origin, work.model.means)))
        # Lengths are as good as the rounding of rows and centres less the origin, which is another in each pass.
        rounding = 4.0 * float(np.finfo(work.x.dtype).eps) * float(np.linalg.norm(centers.means, axis=1).max())
        before, self._before = self._before, None  # for an interrupt
        if before is None:
            near = near._replace(apart=_apart(centers.means, rounding))
        else:
            moves = (centers.means - before.means) + (centers.origin - before.origin)
            near.shift[:] = np.minimum(np.sqrt(np.square(moves).sum(axis=1)) * ROUNDED_UP + rounding, LONGEST)
        context = packed_work(NearWork(*work, near), near_example)
        tasks = (address_of(find_nearest, work.x.dtype, layout_of(work.x), near_example),)
        n_items, n_pairs = len(near.counts), BLOCKS * near.lengths.shape[1]
        for begin, end in ((0, min(LOOK, n_items)), (LOOK, n_items)):
            items = begin, max(end - begin, 0), BLOCKS * self._plan.lanes * 100.0
            check(launched(launch_items, tasks, context, work.x, cut, self._n_threads, *items, like=near_example))
            seen = float(near.counts[: min(LOOK, n_items), EVALUATED].mean()) / n_pairs
            if before is not None and seen > HOPELESS:
                return False
        self._before = centers
        self._n_bad = self._n_bad + 1 if near.counts[:, EVALUATED].sum() > MOST * near.lengths.size else 0
        self._moved += float(near.counts[:, MOVED].sum()) / len(near.order)
        return True

    def _put_in_order(self) -> None:
        near, k = self._near, self._plan.n_components
        scratch = np.empty(len(near.order), np.int32), np.empty(k + 1, np.int64)
        arguments = near.order, near.labels, k, *scratch
        entry_of(order_by_label, ("int32", "C"), *arguments)(*arguments)
        self._before, self._moved = None, 0.0


def are_worth_it(plan: Plan, n_samples: int) -> bool:
    """Whether rounds over `n_samples` rows may be shorter so: long ones, with a block of rows for each centre.

    Of fewer rows a block has those of many, and distances of centres from each other take more memory than bounds.
    """
    return plan.is_long(n_samples) and plan.n_components * plan.lanes <= n_samples


def _apart(centers: Array, rounding: float) -> NDArray[np.float32]:
    """Return what distances of centres (K, D) from each other are at least, (K, K)."""
    squares = np.square(centers).sum(axis=1)
    # By expansion, less what that may have cancelled.
    cancelled = (16.0 + centers.shape[1]) * 2.0**-50 * 4.0 * squares.max()
    apart = np.empty((len(centers), len(centers)), np.float32)
    for k in range(0, len(centers), MOST_AT_ONCE):
        some = slice(k, k + MOST_AT_ONCE)
        least = squares[some, np.newaxis] + squares - 2.0 * (centers[some] @ centers.T) - cancelled
        least = np.sqrt(np.maximum(least, 0.0)) * ROUNDED_DOWN - rounding
        apart[some] = np.clip(least, 0.0, LONGEST)
    return apart
