"""A run of EM over an array, from any start; pooled moments follow from the total scatter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.parameters import Parameters
from ..model.plan import Plan
from ..model.regulariser import Regulariser
from ..model.rounds.state import GIVEN, MAXIMIZE, N_ITER
from ..model.statistics import PassSums
from ..model.structures import kernels_of
from .launch.pieces import COPY_BYTES
from .launch.work import NO_LABELS
from .run import Run
from .source import ASSIGN, Centers, Memberships, Partition, Responsibilities, Scatter, Start, Underway, Watch
from .start.k_means import Nearest

Array = NDArray[np.float64]
# What stands in for the E step in the first passes.
Given = Memberships | Responsibilities | Nearest | Partition


class ArrayRun(Run):
    """Rounds over the rows `x` (N, D), as the kernels take them, weighted by `weights` (N,) or (0,), from `start`.

    Where `x` is None, the `n_samples` rows are added in each pass (`chunked.run`). `regulariser` is of every M step;
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
        self._given: Given | None = None
        self._watch = watch
        follows = plan.structure.without_second is not None and not plan.is_small(n_samples)
        self._scatter = scatter if follows else None
        if isinstance(start, Parameters):
            self.put(start)
            return
        if isinstance(start, PassSums):
            start.begin(self.state)
            return
        assert spread is not None  # a start without parameters needs to know how far rows spread
        means = start.means if isinstance(start, Partition | Centers) else None
        self.give(first if means is None else means, spread, 2 if means is None else 1)
        if isinstance(start, Centers):
            self._given = Nearest(start, plan.dtype, spread, n_threads)
        elif not isinstance(start, Partition) or x is None:
            self._given = start

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done or the run is over, see `Run.advance`."""
        if self._given is not None:
            self._add_given(self._given)
            self._given = None
        elif self.state.counts[GIVEN]:
            super().advance(0)
        # Compiled code looks after a round, not before.
        if self.state.counts[N_ITER] >= last and self.phase != MAXIMIZE:
            return False
        self._subtract()
        return self._go_on(last)

    def _subtract(self) -> None:
        """Let second moments follow from the total scatter from now on, where they do."""
        plan, scatter, self._scatter = self.plan, self._scatter, None
        if scatter is not None:
            self.state.scatter[:-1], self.state.scatter[-1] = scatter()
            self.use(kernels_of(plan.covariance_type, plan.n_features, plan.structure.without_second))

    def _go_on(self, last: int) -> bool:
        """Go on until the statistics of a pass are held, if they are wanted, or round `last` is done."""
        return Run.advance(self, last)

    def _add_given(self, given: Given) -> None:
        """Do the passes over what is given, for one piece of rows at a time."""
        x, weights, whole = self._work.x, self._work.rows.weights, self._cut.n_superblocks
        # A piece of an array in Fortran order has strides of its own: one more signature.
        in_place = isinstance(given, Nearest) and not x.flags.c_contiguous
        rows = len(x) if in_place else self._rows_at_once(given)
        self._cut = self._cut._replace(n_superblocks=0)
        while super().advance(0):
            for a in range(0, len(x), rows):
                self._add_with(given, a, x[a : a + rows], weights[a : a + rows])
                if self._watch is not None:
                    self._watch(Underway(ASSIGN, 1, min(a + rows, len(x)), len(x)))
            self.added_all()
        self._cut = self._cut._replace(n_superblocks=whole)

    def _add_with(self, given: Given, first: int, x: NDArray[Any], weights: Array) -> None:
        """Add rows `x` (n, D), from row `first` on, with what is given of them."""
        if isinstance(given, Nearest):
            self.add(x, weights, labels=given.labels(x))
        elif isinstance(given, Partition):
            self.add(x, weights, labels=given.labels[first : first + len(x)])
        else:
            # Copies, because a writeable or strided array would be one more signature to compile.
            responsibilities = np.array(given(first, first + len(x)), self.plan.dtype, order="C")
            x = np.ascontiguousarray(x).view()
            x.flags.writeable = False
            self.add(x, weights, responsibilities=responsibilities)

    def _rows_at_once(self, given: Given) -> int:
        """Return for how many rows what is given is made."""
        row_bytes = 8 if isinstance(given, Nearest | Partition) else 8 * self.plan.n_components
        unit = self.plan.rows
        return min(self.rows_a_launch, max(1, COPY_BYTES // (row_bytes * unit)) * unit)
