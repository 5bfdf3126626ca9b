"""Steps of k-means++ over many rows, most of which are looked at on a grid alone."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.k_means.sieve import Sieve, SieveWork, copy_rows
from ...kernels.k_means.sifted import sifted_potential
from ...kernels.launch import launch_items
from ...kernels.sizes import LANES_DOUBLE, LANES_SINGLE
from ...kernels.slots import FINISHED, N_ITER, PHASE
from ...kernels.work import SPREAD
from ...model.plan import LAUNCH_NANOSECONDS, Cut, Plan
from ...model.rounds import k_means
from ..launch.bench import Bench
from ..launch.work import address_of, check, example, launched, layout_of, packed_work

# Coordinates of all distances, from which on steps are sifted: below, as many take less than what is compiled for it.
LONG_STEPS = 2**36
# What rows on the grid take at most.
GRID_BYTES = 64 << 20
# Cells from the first centre to the row farthest from it, in 16 bits.
CELLS = 32000.0
# Of the rows: where more of them are fetched in a pass, it is no shorter than one that fetches all. The first `FIRST`
# do, as a centre is the nearest of many rows.
MOST, FIRST = 0.4, 16
# How many coordinates of distances take a nanosecond.
FASTER = 8.0


Array = NDArray[np.float64]


@functools.cache
def sieve_example(dtype: Any, layout: str) -> SieveWork:
    """Return what a task of such a step works on, of a dtype and a layout of x."""
    single, double = np.zeros((1, 1, 1), np.float32), np.zeros((1, 1))
    sieve = Sieve(
        grid=np.zeros((1, 1, 1), np.int16),
        origin=double[0],
        limits=single[0, 0],
        cell=double[0],
        kept=double[0],
        counts=np.zeros(1, np.int64),
        centers=single,
        near=single,
        block=single,
        tile=np.zeros((1, 1, 1), dtype),
        far=double,
        listed=np.zeros((1, 1), np.int32),
    )
    return SieveWork(*example(dtype, layout), sieve)


def are_worth_it(plan: Plan, n_samples: int, n_centers: int) -> bool:
    """Whether steps of `n_centers` each over `n_samples` rows may be shorter so: of many rows in double precision."""
    n_values = n_samples * plan.n_features
    is_long = plan.n_components * n_centers * n_values >= LONG_STEPS and 2 * n_values <= GRID_BYTES
    return is_long and plan.lanes == LANES_DOUBLE and plan.rows % LANES_SINGLE == 0


class SiftedSteps:
    """The steps of k-means++ over the rows of `bench` once the first pass is done."""

    def __init__(self, plan: Plan, cut: Cut, n_threads: int | None, bench: Bench) -> None:
        self._cut, self._n_threads, work = cut, n_threads, bench.work
        self._x, self._counts = work.x, work.state.counts
        (n_samples, d), n_centers = work.x.shape, len(work.model.means)
        self._reach = math.sqrt(float(work.rows.values.max()))
        n_blocks, places = -(-n_samples // LANES_SINGLE), SPREAD * cut.n_workers
        self._sieve = Sieve(
            grid=np.empty((n_blocks, d, LANES_SINGLE), np.int16),
            origin=work.model.origin.astype(np.float64),
            limits=np.empty(n_samples, np.float32),
            cell=np.array([self._reach / CELLS, 0.51 * math.sqrt(d) + 2.0**-20 * CELLS, 1.0 + (d + 16.0) * 2.0**-22]),
            kept=np.empty(-(-n_samples // plan.lanes)),
            counts=np.zeros(cut.n_superblocks, np.int64),
            centers=np.empty((places, n_centers, d), np.float32),
            near=np.empty((places, 2 + n_centers, LANES_SINGLE), np.float32),
            block=np.empty((places, d, LANES_SINGLE), np.float32),
            tile=np.empty((places, plan.lanes, d), plan.dtype),
            far=np.empty((places, plan.lanes)),
            listed=np.empty((places, 2 * plan.lanes), np.int32),
        )
        self._context = packed_work(SieveWork(*work, self._sieve), sieve_example)

    def run(
        self, uniforms: Array, chosen: NDArray[np.int64], step: NDArray[np.int64], tell: Callable[[], None]
    ) -> None:
        """Go on until all rows are `chosen`, as `k_means.seed` does, or that is not worth it any more."""
        if not 0.0 < self._reach < math.inf:
            return
        cut, (n_blocks, d, _) = self._cut, self._sieve.grid.shape
        check(self._launched(launch_items, copy_rows, cut, 0, n_blocks, LANES_SINGLE * float(d)))
        # All rows in a launch, which takes some milliseconds: there are not more.
        nanoseconds = cut.superblock_nanoseconds * len(step) / (FASTER * len(chosen))
        cut = cut._replace(prepared_a_launch=cut.n_superblocks, superblock_nanoseconds=nanoseconds)
        while self._counts[PHASE] != FINISHED and (self._counts[N_ITER] < FIRST or self.share() < MOST):
            check(self._launched(k_means.seed, sifted_potential, cut, uniforms, chosen, step, LAUNCH_NANOSECONDS))
            tell()

    def share(self) -> float:
        """Return the share of the rows that were fetched in the last pass."""
        return float(self._sieve.counts.sum()) / len(self._x)

    def _launched(self, function: Any, task: Any, cut: Cut, *rest: Any) -> int:
        x = self._x
        tasks = (address_of(task, x.dtype, layout_of(x), sieve_example),)
        return int(launched(function, tasks, self._context, x, cut, self._n_threads, *rest, like=sieve_example))
