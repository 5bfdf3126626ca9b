"""A run of EM over rows in memory whose passes leave out what cannot matter, in rounds where that is worth it."""

from __future__ import annotations

from typing import Any

from ...kernels.pruning.tasks import PRUNED
from ...model.plan import Plan
from ...model.rounds.state import FINISHED, N_ITER, N_TRACED, REPEATED, SUMMED
from ...model.structures import kernels_of
from ..array_run import ArrayRun
from ..run import Run
from ..source import EM, Underway
from .passes import PrunedPass
from .policy import Policy, Shares


def run_for(plan: Plan) -> type[ArrayRun]:
    """Return the kind of runs whose rounds `Plan.is_long`."""
    kernels = kernels_of(plan.covariance_type, plan.n_features, plan.structure.without_second)
    return PrunedRun if (kernels.density.name, kernels.moments.name) in PRUNED else ArrayRun


class PrunedRun(ArrayRun):
    """An `ArrayRun` of many components."""

    def __init__(self, plan: Plan, *arguments: Any, **known: Any) -> None:
        super().__init__(plan, *arguments, **known)
        self._policy = Policy()
        self._pass: PrunedPass | None = None

    @property
    def shares(self) -> Shares | None:
        """What the last pruned pass has done, None before."""
        return None if self._pass is None else self._pass.shares

    def _go_on(self, last: int) -> bool:
        counts, cut = self.state.counts, self._cut
        while True:
            first = self._policy.first
            if counts[N_ITER] < first:
                waiting = Run.advance(self, min(last, first))
            else:
                # Without superblocks it comes back when a pass is to be swept.
                self._cut = cut._replace(n_superblocks=0)
                try:
                    waiting = Run.advance(self, last)
                finally:
                    self._cut = cut
                if waiting:
                    # About other centres, or of second moments that are summed: a pass is dense.
                    if not (counts[REPEATED] or counts[SUMMED]) and self._sweep():
                        self.added_all()
                        continue
                    waiting = Run.advance(self, int(counts[N_ITER]))
            # What is left is the caller's: a round, a full trace, or the end.
            is_full = counts[N_TRACED] == len(self.state.trace)
            if waiting or is_full or counts[N_ITER] >= last or self.phase == FINISHED:
                return waiting

    def _sweep(self) -> bool:
        if self._pass is None:
            self._pass = PrunedPass(self.plan, self._kernels, self._work, self._cut, self._n_threads)
        return self._pass.sweep(self._policy, self._tell)

    def _tell(self, n_seen: int) -> None:
        if self._watch is not None:
            self._watch(Underway(EM, int(self.state.counts[N_ITER]) + 1, n_seen, len(self._work.x)))
