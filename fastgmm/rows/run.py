"""A run of EM: what one restart keeps between rounds, and the calls of compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.launch import fold
from ..kernels.work import Tasks, Work
from ..model.parameters import Parameters
from ..model.plan import LAUNCH_NANOSECONDS, Plan
from ..model.rounds import em as rounds
from ..model.rounds.small import Workspace
from ..model.rounds.state import (
    BROKEN,
    GIVEN,
    HELD,
    ITEM,
    OPEN,
    PHASE,
    REPEATED,
    STATUS,
    SWEEP,
    UNPACK,
    allocate_state,
)
from ..model.structures import Kernels
from .launch import threads
from .launch.buffers import new_model, new_scratch, new_sums
from .launch.work import (
    NO_LABELS,
    UNWEIGHTED,
    address_of,
    check,
    driver_of,
    driving,
    layout_of,
    no_rows,
    nothing,
    packed_work,
    tasks_of,
)

Array = NDArray[np.float64]


class Run:
    """Rounds over the rows `x` (N, D), as the kernels take them, with `weights` (N,) or (0,) and `labels` likewise.

    Without rows of its own it waits in SWEEP for those that are added.
    """

    def __init__(
        self,
        plan: Plan,
        n_threads: int | None,
        x: NDArray[Any] | None = None,
        weights: Array = UNWEIGHTED,
        labels: NDArray[np.int64] = NO_LABELS,
    ) -> None:
        k, d, dtype = plan.n_components, plan.n_features, plan.dtype
        self.plan = plan
        self._n_threads = n_threads
        self._kernels = kernels = plan.kernels
        n_workers = threads.available(n_threads)
        cut = plan.cut(0 if x is None else len(x), n_workers, threads.worth_sharing())
        n_slabs = plan.launch_superblocks(n_workers)
        if x is not None:
            n_slabs = max(1, min(n_slabs, cut.n_superblocks))
        # What is worth sharing out at most: a launch of superblocks, or of components.
        self._shared = max(
            n_slabs * cut.superblock_nanoseconds if n_slabs > 1 else 0.0,
            cut.n_prepared * cut.prepare_nanoseconds if cut.n_prepared > 1 else 0.0,
        )
        if self._shared < cut.parallel_nanoseconds:
            n_workers = 1
        self._cut = cut._replace(n_workers=n_workers)
        size, factors, offsets = kernels.density.shape(k, d)
        spare = max(kernels.density.spare(k, d), kernels.moments.spare(k, d))
        self.state = allocate_state(k, d, plan.structure.core(k, d), plan.digits_left)
        self._work = Work(
            x=nothing(d, dtype) if x is None else x,
            rows=no_rows(dtype, k)._replace(weights=weights, labels=labels),
            model=new_model(k, d, size, dtype, factors, offsets),
            state=self.state,
            scratch=new_scratch(n_workers, size, spare, k, plan.lanes, dtype, plan.order),
            sums=new_sums(n_slabs, plan.slab_shape, plan.rows, n_workers),
        )
        self._context = packed_work(self._work)

    @property
    def phase(self) -> int:
        """Where the run is, see ``kernels/slots.py``."""
        return int(self.state.counts[PHASE])

    @property
    def rows_a_launch(self) -> int:
        """Rows that can be added at once."""
        return self.plan.rows * len(self._work.sums.slabs)

    def use(self, kernels: Kernels, *, held: bool) -> None:
        """Sum other moments from now on; come back, or not, when the statistics of a pass are in the state."""
        self._kernels, self._cut = kernels, self._cut._replace(held=held)

    def put(self, parameters: Parameters) -> None:
        """Go on from parameters."""
        self.state.weights[:], self.state.means[:] = parameters.weights, parameters.means
        self.state.covariances[:] = np.reshape(parameters.covariances, self.state.covariances.shape)
        self.state.counts[PHASE] = OPEN

    def parameters(self) -> Parameters:
        """Return a copy of the parameters."""
        state, plan = self.state, self.plan
        covariances = state.covariances.reshape(plan.shape).copy()
        return Parameters(state.weights.copy(), state.means.copy(), covariances, plan.covariance_type)

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done or the run is over; return whether the caller has to do something first.

        That is so where it holds the statistics, and where rows are to be added. Python has its turn every tenth of a
        second.

        Raises
        ------
        MemoryError
            If compiled code ran out of memory.
        """
        counts, cut = self.state.counts, self._cut
        while True:
            unfinished = self._call(self._kernels.sweep, last, LAUNCH_NANOSECONDS)
            while counts[REPEATED] and cut.fused:
                # A launch at a time, because the next pass is the ordinary one again.
                unfinished = self._call(self._kernels.apart, last, 0.0)
            if not unfinished:
                break
            if (self.phase == HELD and cut.held) or (self.phase == SWEEP and cut.n_superblocks == 0):
                return True
        if counts[STATUS] == BROKEN:
            check(0)
        return False

    def _call(self, sweep: Any, last: int, nanoseconds: float) -> bool:
        tasks = self._tasks(sweep, layout_of(self._work.x))
        with driving(self._n_threads, self._work, self._cut, self._shared) as (drive, cut):
            return bool(rounds.advance(drive, tasks, self._context, cut, last, nanoseconds * cut.n_workers))

    def _tasks(self, sweep: Any, layout: str) -> Tasks:
        kernels = self._kernels
        tasks = Tasks(kernels.density.prepare, sweep, fold, kernels.moments.unpack, kernels.maximize)
        return tasks_of(tasks, self.plan.dtype, layout)

    def add(self, x: NDArray[Any], weights: Array = UNWEIGHTED, responsibilities: NDArray[Any] | None = None) -> None:
        """Sweep rows `x` (n, D), as the kernels take them, while the run waits in SWEEP.

        All but the last must be whole superblocks, so that the sums do not depend on how rows are cut.
        """
        rows = self._work.rows._replace(weights=weights, labels=NO_LABELS)
        if responsibilities is not None:
            rows = rows._replace(responsibilities=responsibilities)
        work, tasks = self._work._replace(x=x, rows=rows), self._tasks(self._kernels.sweep, layout_of(x))
        context = packed_work(work)
        whole = self._cut._replace(n_superblocks=-(-len(x) // self.plan.rows), added=True)
        while True:
            with driving(self._n_threads, work, whole, self._shared) as (drive, cut):
                rounds.advance(drive, tasks, context, cut, 0, LAUNCH_NANOSECONDS * cut.n_workers)
            if self.state.counts[STATUS] == BROKEN:
                check(0)
            if self.phase == SWEEP and self.state.counts[ITEM] == 0:
                return

    def workspace(self) -> Workspace:
        """Return what compiled code of a user's own can work on, in the calling thread."""
        key = (self.plan.dtype, layout_of(self._work.x))
        evaluate = address_of(self._kernels.density.evaluate, *key)
        tasks, apart = (self._tasks(sweep, key[1]) for sweep in (self._kernels.sweep, self._kernels.apart))
        return Workspace(driver_of(*key, False), tasks, apart, evaluate, *self._work[1:], self._cut)

    def added_all(self) -> None:
        """Say that there are no more rows in this pass."""
        self.state.counts[PHASE], self.state.counts[ITEM] = UNPACK, 0

    def sweep_again(self) -> None:
        """Begin the sums of a pass anew, with the density as it is."""
        self._work.sums.accumulator.fill(0.0)
        self.state.counts[PHASE], self.state.counts[ITEM] = SWEEP, 0

    def give(self, means: Array, spread: Array, n_passes: int) -> None:
        """Begin with passes over given labels or responsibilities, about `means` (K, D) at first."""
        self.state.means[:], self.state.spread[:] = means, spread
        self.state.counts[GIVEN], self.state.counts[PHASE] = n_passes, OPEN
