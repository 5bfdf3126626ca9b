"""A run of EM over partitions: the rounds of any other run, with sums that Dask has added up."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model.parameters import Parameters
from ...model.plan import Plan
from ...model.regulariser import Regulariser
from ...model.rounds.state import GIVEN, N_ITER, REPEATED
from ...model.statistics import PassSums
from ..run import Run
from ..source import ASSIGN, EM, Centers, Columns, Partition, Responsibilities, Start, Underway, Watch
from .partitions import Partitions
from .tasks import Nearby, Sweep, added, sums_of

Array = NDArray[np.float64]

# Bytes of the sums of all partitions that are added up here. More are where they are made: what travels is less then.
LITTLE = 1 << 20


class DaskRun(Run):
    """Rounds over `partitions`, from `start`, with `regulariser` in every M step; `columns` are all rows' moments.

    Here components are prepared and maximised, and there rows are swept: what travels is the model to every
    partition, and an accumulator back, both in the graph of the round, so that what is lost can be computed again.
    """

    def __init__(
        self,
        plan: Plan,
        n_threads: int | None,
        partitions: Partitions,
        start: Start,
        *,
        regulariser: Regulariser,
        columns: Columns,
        watch: Watch | None,
    ) -> None:
        super().__init__(plan, n_threads, most=1)
        self.regularise(regulariser)
        self._partitions, self._tell = partitions, watch
        self._n_samples = sum(facts.n_samples for facts in partitions.facts)
        self._given: list[Any] = []
        if isinstance(start, Parameters):
            self.put(start)
            return
        if isinstance(start, PassSums):
            start.begin(self.state)
            return
        means = start.means if isinstance(start, Partition | Centers) else None
        self.give(columns.means if means is None else means, columns.deviations, 2 if means is None else 1)
        # To a partition goes what is given of its own rows.
        firsts = partitions.firsts
        if isinstance(start, Partition):
            self._given = np.split(start.labels, firsts[1:])
        elif isinstance(start, Responsibilities):
            self._given = list(map(Responsibilities, np.split(start.values, firsts[1:]), firsts))
        else:
            each = Nearby(start, columns.deviations) if isinstance(start, Centers) else start
            self._given = [each] * len(firsts)

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done or the run is over, see `Run.advance`."""
        while super().advance(last):
            counts = self.state.counts
            given = int(counts[GIVEN])
            sweep = Sweep(self.plan.covariance_type, self._work.model, given, bool(counts[REPEATED]))
            sums = functools.partial(sums_of, sweep=sweep)
            beside = self._given if given else [None] * len(self._partitions.firsts)
            accumulator = self._work.sums.accumulator
            little = accumulator.nbytes * len(self._partitions.firsts) <= LITTLE
            accumulator[:] = self._partitions.joined("pass", sums, added, beside, together=little)
            if self._tell is not None:
                stage, number = (ASSIGN, 3 - given) if given else (EM, int(counts[N_ITER]) + 1)
                self._tell(Underway(stage, number, self._n_samples, self._n_samples))
            self.added_all()
        return False
