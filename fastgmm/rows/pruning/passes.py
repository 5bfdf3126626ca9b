"""A pruned pass over rows in memory: its buffers, and its launches."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...kernels import slots
from ...kernels.launch import launch_items
from ...kernels.pruning.bounds import COUNTED, EVALUATED, LEAST_LEFT, MOVED, SEEN, Bounds, PrunedWork
from ...kernels.pruning.moves import order_by_label
from ...kernels.pruning.passes import fold_pruned
from ...kernels.pruning.tasks import PRUNED
from ...kernels.sizes import LONGEST_WORK
from ...kernels.work import SPREAD, Work
from ...model.kinds import Kernels
from ...model.plan import Cut, Plan
from ..launch.work import address_of, check, entry_of, example, launched, layout_of, packed_work
from .policy import Policy, Shares

# Blocks in a superblock at most: slabs hold what is touched, so that its length costs nothing, and sixteen blocks of
# unlike cost take about as long as another sixteen. Nobody waits longer for a superblock of which all is evaluated
# than for a dense one.
BLOCKS = 16


@functools.cache
def pruned_example(dtype: Any, layout: str) -> PrunedWork:
    """Return what a task of a pruned pass works on, of a dtype and a layout of x."""
    integers = np.zeros((1, 1), np.int64)
    single, double, matrices = np.zeros((1, 1), np.float32), np.zeros((1, 1)), np.zeros((1, 1, 1))
    bounds = Bounds(
        order=np.zeros(1, np.int32),
        labels=np.zeros(1, np.int32),
        lengths=single,
        shrink=single[0],
        shift=single[0],
        limits=double[0],
        cuts=double[0],
        scales=np.zeros(1, dtype),
        factors=np.zeros((1, 1, 1), dtype),
        means=double,
        variances=matrices,
        touched=integers,
        tile=np.zeros((1, 1, 1), dtype),
        row_weights=double,
        components=integers,
    )
    return PrunedWork(*example(dtype, layout), bounds)


class PrunedPass:
    """Pruned passes over the rows of `work`, from round to round.

    Bounds are about the model of the last pass that was done to the end, whatever passes there were in between.
    """

    def __init__(self, plan: Plan, kernels: Kernels, work: Work, cut: Cut, n_threads: int | None) -> None:
        self._sweep, self._move = PRUNED[kernels.density.name, kernels.moments.name]
        self._cut, self._n_threads = cut, n_threads
        self._work, self._plan = work, plan
        self._is_known = False
        self.shares = Shares(0.0, 0.0, 0.0, 0.0)
        k, d, n, dtype = plan.n_components, plan.n_features, len(work.x), plan.dtype
        n_blocks, places = -(-n // plan.lanes), SPREAD * cut.n_workers
        has_matrices = plan.structure.has_matrices
        model, slabs = work.model, work.sums.slabs
        # As many for each worker.
        slabs = slabs[: max(len(slabs) - len(slabs) % cut.n_workers, 1)]
        n_rows = plan.lanes * min(BLOCKS, max(1, LONGEST_WORK // plan.work(plan.lanes)))
        bounds = Bounds(
            order=np.arange(n, dtype=np.int32),
            labels=np.full(n, -1, np.int32),
            lengths=np.empty((n_blocks, k), np.float32),
            shrink=np.empty(k, np.float32),
            shift=np.empty(k, np.float32),
            limits=np.empty(k),
            cuts=np.empty(k),
            scales=model.scales.copy(),
            factors=model.factors.copy() if has_matrices else np.empty((0, 0, 0), dtype),
            means=np.zeros((k, d)),
            variances=np.empty((0, 0, 0)) if has_matrices else np.ones_like(work.state.covariances),
            touched=np.empty((len(slabs), k), np.int64),
            tile=np.empty((places, plan.lanes, d), dtype),
            row_weights=np.empty((places, plan.lanes)),
            components=np.empty((places, k + 1), np.int64),
        )
        self._pruned = PrunedWork(*work._replace(sums=work.sums._replace(slabs=slabs, rows=n_rows)), bounds)
        self._context = packed_work(self._pruned, pruned_example)

    def sweep(self, policy: Policy, tell: Callable[[int], None]) -> bool:
        """Sweep all rows under the model that has just been prepared; return whether the sums are good.

        They are in the accumulator, for the run to go on from there. `policy` hears of it.
        """
        state, sums, bounds = self._work.state, self._pruned.sums, self._pruned.bounds
        n_components, n_samples = self._plan.n_components, len(self._work.x)
        sums.accumulator.fill(0.0)
        is_known, self._is_known = self._is_known, False  # first, for an interrupt
        self._launch(self._move, 0, self._cut.n_prepared, self._cut.prepare_nanoseconds)
        bounds.scales[:] = self._work.model.scales
        if not is_known:
            bounds.lengths.fill(0.0)
            bounds.shrink.fill(0.0)
            bounds.shift.fill(0.0)
        n_superblocks, most = -(-n_samples // sums.rows), len(sums.slabs)
        for begin in range(0, n_superblocks, most):
            n = min(most, n_superblocks - begin)
            self._launch(self._sweep, begin, n, sums.rows * self._plan.row_nanoseconds)
            state.counts[slots.FILLED] = n
            self._launch(fold_pruned, 0, n_components + 1, 1000.0)
            tell(min((begin + n) * sums.rows, n_samples))
        self._is_known = True
        counts, n_iter = sums.accumulator[n_components], int(state.counts[slots.N_ITER]) + 1
        n_pairs = bounds.lengths.size
        self.shares = Shares(
            evaluated=float(counts[EVALUATED]) / n_pairs,
            counted=float(counts[COUNTED]) / n_pairs,
            seen=float(counts[SEEN]) / (n_pairs * self._plan.lanes),
            moved=float(counts[MOVED]) / n_samples,
        )
        if policy.judge(n_iter, self.shares):
            self._put_in_order()
        least = LEAST_LEFT * state.numbers[slots.TOTAL_WEIGHT] * state.weights
        if (sums.accumulator[:n_components, 0] < least).any():
            sums.accumulator.fill(0.0)
            policy.repeated(n_iter)
            return False
        return True

    def _put_in_order(self) -> None:
        bounds, k = self._pruned.bounds, self._plan.n_components
        scratch = np.empty(len(bounds.order), np.int32), np.empty(k + 1, np.int64)
        arguments = bounds.order, bounds.labels, k, *scratch
        entry_of(order_by_label, ("int32", "C"), *arguments)(*arguments)
        self._is_known = False

    def _launch(self, task: Any, *items: Any) -> None:
        x = self._work.x
        tasks = (address_of(task, x.dtype, layout_of(x), pruned_example),)
        arguments = self._context, x, self._cut, self._n_threads, *items
        check(launched(launch_items, tasks, *arguments, like=pruned_example))
