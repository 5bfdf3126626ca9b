"""A run of EM over an array, from any start; pooled moments follow from the total scatter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.parameters import Parameters
from ..model.plan import Plan
from ..model.regulariser import Regulariser
from ..model.rounds.state import GIVEN
from ..model.scatter import Scatter, least_left, pooled_about
from ..model.structures import kernels_of
from .launch.pieces import COPY_BYTES
from .launch.work import NO_LABELS, entry_of
from .run import Run
from .source import Memberships, Partition, Start, Watch

Array = NDArray[np.float64]


class ArrayRun(Run):
    """Rounds over the rows `x` (N, D), as the kernels take them, weighted by `weights` (N,) or (0,), from `start`.

    `regulariser` acts in every M step; `first` is a row that counts, and `spread` the standard
    deviations of the columns, (D,), where the start is no parameters. `scatter` is asked for where it can be used.
    """

    def __init__(
        self,
        plan: Plan,
        n_threads: int | None,
        x: NDArray[Any],
        weights: Array,
        start: Start,
        *,
        regulariser: Regulariser,
        first: NDArray[Any],
        spread: Array | None,
        scatter: Callable[[], Scatter],
        watch: Watch | None = None,
    ) -> None:
        labels = start.labels if isinstance(start, Partition) else NO_LABELS
        super().__init__(plan, n_threads, x, weights, labels)
        self.regularise(regulariser)
        self._memberships: Memberships | None = None
        self._scatter = scatter
        self._watch = watch
        self._by_scatter = plan.structure.without_second is not None and not plan.is_small(len(x))
        if isinstance(start, Parameters):
            self.put(start)
            return
        assert spread is not None  # a start without parameters needs to know how far rows spread
        means = start.means if isinstance(start, Partition) else None
        self.give(first if means is None else means, spread, 2 if means is None else 1)
        if not isinstance(start, Partition):
            self._memberships = start

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done or the run is over, see `Run.advance`."""
        if self._memberships is not None:
            self._add_memberships(self._memberships)
            self._memberships = None
        if not self._by_scatter:
            return super().advance(last)
        plan = self.plan
        if self.state.counts[GIVEN]:
            super().advance(0)
        first = kernels_of(plan.covariance_type, plan.n_features, plan.structure.without_second)
        self.use(first, held=True)
        while super().advance(last):
            state = self.state
            pooled = *self._scatter(), least_left(plan.dtype), state.second[0]
            moments = state.centers, state.sums, state.first, *pooled
            # All of them float64 in C order, whatever the rows are.
            if not entry_of(pooled_about, (moments[0].dtype, "C"), *moments)(*moments):
                self.use(plan.kernels, held=True)
                self.sweep_again()
                super().advance(last)
                self.use(first, held=True)
        return False

    def _add_memberships(self, memberships: Memberships) -> None:
        """Do the passes over responsibilities, which exist for one piece of rows at a time."""
        work, whole = self._work, self._cut.n_superblocks
        rows = min(
            self.rows_a_launch, max(1, COPY_BYTES // (8 * self.plan.n_components * self.plan.rows)) * self.plan.rows
        )
        self._cut = self._cut._replace(n_superblocks=0)
        while super().advance(0):
            for a in range(0, len(work.x), rows):
                b = min(a + rows, len(work.x))
                # Copies, because a writeable or strided array would be one more signature to compile.
                given = np.array(memberships(a, b), self.plan.dtype, order="C")
                x = np.ascontiguousarray(work.x[a:b]).view()
                x.flags.writeable = False
                self.add(x, work.rows.weights[a:b], given)
            self.added_all()
        self._cut = self._cut._replace(n_superblocks=whole)
