"""A run of EM over an array, from any start; pooled moments follow from the total scatter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.parameters import Parameters
from ..model.plan import Plan
from ..model.regulariser import Regulariser
from ..model.rounds.state import GIVEN, N_ITER
from ..model.scatter import Scatter, least_left, pooled_about
from ..model.structures import kernels_of
from .launch.pieces import COPY_BYTES
from .launch.work import NO_LABELS, entry_of
from .run import Run
from .source import ASSIGN, Centers, Memberships, Partition, Start, Underway, Watch
from .start.k_means import Nearest

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
        self._given: Memberships | Nearest | None = None
        self._scatter = scatter
        self._watch = watch
        self._by_scatter = plan.structure.without_second is not None and not plan.is_small(len(x))
        if isinstance(start, Parameters):
            self.put(start)
            return
        assert spread is not None  # a start without parameters needs to know how far rows spread
        means = start.means if isinstance(start, Partition | Centers) else None
        self.give(first if means is None else means, spread, 2 if means is None else 1)
        if isinstance(start, Centers):
            self._given = Nearest(start, plan.dtype, spread, n_threads)
        elif not isinstance(start, Partition):
            self._given = start

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done or the run is over, see `Run.advance`."""
        if self._given is not None:
            self._add_given(self._given)
            self._given = None
        elif self.state.counts[GIVEN]:
            super().advance(0)
        if self.state.counts[N_ITER] >= last:  # compiled code looks after a round, not before
            return False
        if not self._by_scatter:
            return super().advance(last)
        plan = self.plan
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

    def _add_given(self, given: Memberships | Nearest) -> None:
        """Do the passes over responsibilities or labels that are made for one piece of rows at a time."""
        x, weights, whole = self._work.x, self._work.rows.weights, self._cut.n_superblocks
        self._cut = self._cut._replace(n_superblocks=0)
        while super().advance(0):
            for a, b in self._pieces(given):
                if isinstance(given, Nearest):
                    self.add(x[a:b], weights[a:b], labels=given.labels(x[a:b]))
                    if self._watch is not None:
                        self._watch(Underway(ASSIGN, 1, b, len(x)))
                    continue
                # Copies, because a writeable or strided array would be one more signature to compile.
                responsibilities = np.array(given(a, b), self.plan.dtype, order="C")
                piece = np.ascontiguousarray(x[a:b]).view()
                piece.flags.writeable = False
                self.add(piece, weights[a:b], responsibilities=responsibilities)
            self.added_all()
        self._cut = self._cut._replace(n_superblocks=whole)

    def _pieces(self, given: Memberships | Nearest) -> Iterator[tuple[int, int]]:
        n_samples, unit = len(self._work.x), self.plan.rows
        row_bytes = 8 if isinstance(given, Nearest) else 8 * self.plan.n_components
        rows = min(self.rows_a_launch, max(1, COPY_BYTES // (row_bytes * unit)) * unit)
        if isinstance(given, Nearest) and not self._work.x.flags.c_contiguous:
            # A piece of an array in Fortran order has strides of its own: one more signature.
            rows = n_samples
        for a in range(0, n_samples, rows):
            yield a, min(a + rows, n_samples)
