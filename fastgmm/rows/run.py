"""A run of EM: what one restart keeps between rounds, and the calls of compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import slots
from ..kernels.work import Tasks, Work
from ..model.kinds import Kernels
from ..model.parameters import Parameters
from ..model.plan import LAUNCH_NANOSECONDS, Cut, Plan
from ..model.regulariser import Regulariser
from ..model.rounds import em as rounds
from ..model.rounds.small import Workspace
from ..model.rounds.state import BROKEN
from .launch.bench import Bench, bench_for
from .launch.buffers import sizes_of
from .launch.floor import raise_to_floor
from .launch.work import (
    NO_LABELS,
    UNWEIGHTED,
    address_of,
    check,
    driver_of,
    launched,
    layout_of,
    no_rows,
    nothing,
    packed_work,
    shared_out,
    tasks_of,
)
from .source import EM, Underway, Watch

Array = NDArray[np.float64]


class Run:
    """Rounds over the rows `x` (N, D), as the kernels take them, with `weights` (N,) or (0,) and `labels` likewise.

    Without rows of its own it waits in SWEEP for those that are added, `most` of them if that is known.
    """

    def __init__(
        self,
        plan: Plan,
        n_threads: int | None,
        x: NDArray[Any] | None = None,
        weights: Array = UNWEIGHTED,
        labels: NDArray[np.int64] = NO_LABELS,
        most: int = 0,
    ) -> None:
        k, d, dtype = plan.n_components, plan.n_features, plan.dtype
        cut, n_slabs = shared_out(plan, most if x is None else len(x), n_threads)
        rows = no_rows(dtype, k)._replace(weights=weights, labels=labels)
        sizes = sizes_of(plan, cut.n_workers, n_slabs)
        bench = bench_for(sizes, nothing(d, dtype) if x is None else x, rows)
        self._use(plan, n_threads, cut if x is not None else cut._replace(n_superblocks=0), bench)

    def _use(self, plan: Plan, n_threads: int | None, cut: Cut, bench: Bench) -> None:
        self.plan, self._n_threads, self._cut, self._bench = plan, n_threads, cut, bench
        self._kernels, self.state = plan.kernels, bench.work.state
        self._watch: Watch | None = None

    @property
    def _work(self) -> Work:
        return self._bench.work

    @property
    def phase(self) -> int:
        """Where the run is, see ``kernels/slots.py``."""
        return int(self.state.counts[slots.PHASE])

    @property
    def rows_a_launch(self) -> int:
        """Rows that can be added at once."""
        return self.plan.rows * len(self._work.sums.slabs)

    def close(self) -> None:
        """Give back what the run works on: it ends here, and so does its state."""
        self._bench.put_back()

    def use(self, kernels: Kernels) -> None:
        """Sum other moments from now on."""
        self._kernels = kernels

    def hold(self) -> None:
        """Come back from now on when the statistics of a pass are in the state."""
        self._cut = self._cut._replace(held=1)

    def put(self, parameters: Parameters) -> None:
        """Go on from parameters."""
        self.state.weights[:], self.state.means[:] = parameters.weights, parameters.means
        self.state.covariances[:] = parameters.covariances[self.plan.structure.to_core]
        self.state.counts[slots.PHASE], self.state.counts[slots.SWEEPS] = slots.OPEN, 0

    def regularise(self, regulariser: Regulariser) -> None:
        """Let every M step add to variances from now on, or hold covariances above a floor."""
        self.state.added[:], self.state.floor[:], self.state.numbers[slots.ROUNDING] = regulariser

    def regulariser(self) -> Regulariser:
        """Return a copy of what every M step does to covariances."""
        state = self.state
        return Regulariser(state.added.copy(), state.floor.copy(), float(state.numbers[slots.ROUNDING]))

    def parameters(self) -> Parameters:
        """Return a copy of the parameters, as the next pass takes them."""
        state, plan, has_floor = self.state, self.plan, self.state.floor[0] > 0.0
        if state.counts[slots.SWEEPS] or (has_floor and self.phase in (slots.OPEN, slots.PREPARE, slots.RAISE)):
            # Without superblocks it comes back when the M step is done and, where there is a floor, the density
            # prepared: no covariance is below it then. Nobody watches, who may know that the fit is over.
            cut, watch = self._cut, self._watch
            self._cut, self._watch = cut._replace(n_superblocks=0), None
            try:
                Run.advance(self, int(state.counts[slots.N_ITER]) + int(has_floor))
            finally:
                self._cut, self._watch = cut, watch
        covariances = state.covariances[plan.structure.from_core].copy()
        return Parameters(state.weights.copy(), state.means.copy(), covariances, plan.covariance_type)

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done or the run is over; return whether the caller has to do something first.

        That is so where it holds the statistics or rows are to be added. Python has its turn every tenth of a second.

        Raises
        ------
        MemoryError
            If compiled code ran out of memory.
        """
        counts, cut, layout = self.state.counts, self._cut, layout_of(self._work.x)
        while True:
            # Another sweep than the ordinary one a launch at a time, because the next pass is ordinary again.
            kernels, sweep = self._at_hand()
            nanoseconds = LAUNCH_NANOSECONDS if sweep is self._kernels.sweep else 0.0
            unfinished = self.launches(tasks_of(kernels, sweep, self.plan.dtype, layout), last, nanoseconds)
            if self._watch is not None and not counts[slots.GIVEN]:
                n_seen = min(int(counts[slots.ITEM]) * self.plan.rows, len(self._work.x))
                self._watch(Underway(EM, int(counts[slots.N_ITER]) + 1, n_seen, len(self._work.x)))
            if not unfinished:
                break
            if self.phase == slots.RAISE:
                raise_to_floor(self.plan, self._bench, cut, self._n_threads)
            if (self.phase == slots.HELD and cut.held) or (self.phase == slots.SWEEP and cut.n_superblocks == 0):
                return True
        self._check_status()
        return False

    def _check_status(self) -> None:
        check(int(self.state.counts[slots.STATUS] != BROKEN))

    def launches(self, tasks: Tasks, last: int, nanoseconds: float) -> bool:
        """Go on for about so many nanoseconds, one launch at least; return whether in the middle of something."""
        return bool(self._launched(tasks, self._bench.context, self._work.x, self._cut, last, nanoseconds))

    def _launched(self, tasks: Tasks, context: Any, x: NDArray[Any], cut: Cut, last: int, nanoseconds: float) -> Any:
        return launched(rounds.advance, (tasks,), context, x, cut, self._n_threads, last, nanoseconds)

    def _at_hand(self) -> tuple[Kernels, Any]:
        """Return what is summed in the pass at hand, and the sweep that does."""
        counts = self.state.counts
        kernels = self.plan.kernels if counts[slots.SUMMED] else self._kernels
        return kernels, kernels.apart if counts[slots.REPEATED] and self._cut.fused else kernels.sweep

    def add(self, x: NDArray[Any], weights: Array = UNWEIGHTED, **given: NDArray[Any]) -> None:
        """Sweep rows `x` (n, D), as the kernels take them, while the run waits in SWEEP.

        Given may be their `labels` (n,) or `responsibilities` (n, K). All but the last must be whole superblocks, so
        that the sums do not depend on how rows are cut.
        """
        rows = self._work.rows._replace(**{"weights": weights, "labels": NO_LABELS, **given})
        tasks = tasks_of(*self._at_hand(), self.plan.dtype, layout_of(x))
        context = packed_work(self._work._replace(x=x, rows=rows))
        whole = self._cut._replace(n_superblocks=-(-len(x) // self.plan.rows), added=1)
        while True:
            self._launched(tasks, context, x, whole, 0, LAUNCH_NANOSECONDS)
            self._check_status()
            if self.phase == slots.SWEEP and self.state.counts[slots.ITEM] == 0:
                return

    def workspace(self) -> Workspace:
        """Return what compiled code of a user's own can work on, in the calling thread."""
        key, cut = (self.plan.dtype, layout_of(self._work.x)), self._cut._replace(n_workers=1, held=0, added=0)
        evaluate = address_of(self._kernels.density.evaluate, *key)
        tasks, apart = (tasks_of(self._kernels, each, *key) for each in (self._kernels.sweep, self._kernels.apart))
        return Workspace(driver_of(*key, False), tasks, apart, evaluate, *self._work[1:], cut)

    def added_all(self) -> None:
        """Say that there are no more rows in this pass."""
        self.state.counts[slots.PHASE], self.state.counts[slots.ITEM] = slots.UNPACK, 0

    def give(self, means: Array, spread: Array, n_passes: int) -> None:
        """Begin with passes over given labels or responsibilities, about `means` (K, D) at first."""
        self.state.means[:] = means
        # One variance for all features is in one unit, that of the largest.
        self.state.spread[:] = spread if self.plan.structure.n_axes else spread.max()
        self.state.counts[slots.GIVEN], self.state.counts[slots.PHASE] = n_passes, slots.OPEN
