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
from ..model.scatter import Scatter, from_scatter
from ..model.structures import kernels_of
from .launch.pieces import COPY_BYTES
from .launch.work import NO_LABELS
from .run import Run
from .source import Memberships, Partition, Start, Watch

Array = NDArray[np.float64]


class ArrayRun(Run):
    """Rounds over the rows `x` (N, D), as the kernels take them, weighted by `weights` (N,) or (0,), from `start`.

    Where `x` is None, the `n_samples` rows are added in each pass (`chunked.run`). `regulariser` acts in every M step;
    `first` is a row that counts, and `spread` the standard deviations of the columns, (D,), where the start is no
    parameters. `scatter` is asked for where it can be used.
    """

    def __init__(
        self,
        plan: Plan,
        n_threads: int | None,
        x: NDArray[Any] | None,
        weights: Array,
        start: Start,
        *,
        n_samples: int,
        regulariser: Regulariser,
        first: NDArray[Any],
        spread: Array | None,
        scatter: Callable[[], Scatter],
        watch: Watch | None = None,
    ) -> None:
        labels = start.labels if isinstance(start, Partition) and x is not None else NO_LABELS
        super().__init__(plan, n_threads, x, weights, labels)
        self.regularise(regulariser)
        self._memberships: Memberships | None = None
        self._scatter = scatter
        self._watch = watch
        self._by_scatter = plan.structure.without_second is not None and not plan.is_small(n_samples)
        if isinstance(start, Parameters):
            self.put(start)
            return
        assert spread is not None  # a start without parameters needs to know how far rows spread
        means = start.means if isinstance(start, Partition) else None
        self.give(first if means is None else means, spread, 2 if means is None else 1)
        if not isinstance(start, Partition) and x is not None:
            self._memberships = start

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done or the run is over, see `Run.advance`."""
        if self._memberships is not None:
            self._add_memberships(self._memberships)
            self._memberships = None
        if not self._by_scatter:
            return self._go_on(last)
        plan = self.plan
        if self.state.counts[GIVEN]:
            self._go_on(0)
        first = kernels_of(plan.covariance_type, plan.n_features, plan.structure.without_second)
        self.use(first, held=True)
        while self._go_on(last):
            state, scatter = self.state, self._scatter()
            pooled = from_scatter(scatter, state.sums, state.first, state.centers, plan.dtype)
            if pooled is not None:
                state.second[0] = pooled
            else:
                self.use(plan.kernels, held=True)
                self.sweep_again()
                self._go_on(last)
                self.use(first, held=True)
        return False

    def _go_on(self, last: int) -> bool:
        """Go on until the statistics of a pass are held, if they are wanted, or round `last` is done."""
        return Run.advance(self, last)

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
                self.add(x, work.rows.weights[a:b], responsibilities=given)
            self.added_all()
        self._cut = self._cut._replace(n_superblocks=whole)
