"""Runs of EM whose passes leave out what cannot matter, in rounds where that is worth it."""

from __future__ import annotations

from typing import Any

from ...kernels.pruning.tasks import PRUNED
from ...kernels.work import Work
from ...model.kinds import Kernels
from ...model.plan import Cut, Plan
from ...model.rounds.state import FINISHED, GIVEN, N_ITER, N_TRACED, REPEATED, SUMMED
from ...model.structures import kernels_of
from ..array_run import ArrayRun
from ..chunked.run import ChunkedRun, Passes
from ..run import Run
from ..source import EM, Start, Underway
from .guess import are_worth_it
from .passes import PrunedPass
from .policy import Policy, Shares


def run_for(plan: Plan) -> type[ArrayRun]:
    """Return the kind of runs over rows in memory whose rounds `Plan.is_long`."""
    return PrunedRun if _can_be_pruned(plan) else ArrayRun


def chunked_run_for(plan: Plan) -> type[ChunkedRun]:
    """Return the kind of such runs over rows that are read anew in each pass."""
    return PrunedChunkedRun if _can_be_pruned(plan) else ChunkedRun


def _can_be_pruned(plan: Plan) -> bool:
    kernels = kernels_of(plan.covariance_type, plan.n_features, plan.structure.without_second)
    return (kernels.density.name, kernels.moments.name) in PRUNED


class Pruning:
    """The pruned passes of a run over `n_samples` rows, and which passes these are."""

    def __init__(self, plan: Plan, n_samples: int) -> None:
        self.policy = Policy(plan.work(1), are_worth_it(plan, n_samples))
        self._pass: PrunedPass | None = None
        self._n_samples = n_samples

    @property
    def shares(self) -> Shares | None:
        """What the last pruned pass has done, None before."""
        return None if self._pass is None else self._pass.shares

    def begin(self, plan: Plan, kernels: Kernels, work: Work, cut: Cut, n_threads: int | None) -> PrunedPass | None:
        """Begin a pruned pass of a run that waits in SWEEP, and works on these; return None if it is to be dense."""
        counts = work.state.counts
        # About other centres, or of second moments that are summed, or given labels: a pass is dense.
        if counts[N_ITER] < self.policy.first or counts[REPEATED] or counts[SUMMED] or counts[GIVEN]:
            return None
        if self._pass is None:
            self._pass = PrunedPass(plan, kernels, work, cut, self._n_samples)
        return self._pass if self._pass.begin(self.policy, n_threads) else None


class PrunedRun(ArrayRun):
    """An `ArrayRun` of many components."""

    def __init__(self, plan: Plan, *arguments: Any, n_samples: int, **known: Any) -> None:
        super().__init__(plan, *arguments, n_samples=n_samples, **known)
        self.pruning = Pruning(plan, n_samples)

    def _go_on(self, last: int) -> bool:
        counts, cut = self.state.counts, self._cut
        while True:
            first = self.pruning.policy.first
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
                    if self._sweep():
                        self.added_all()
                        continue
                    waiting = Run.advance(self, int(counts[N_ITER]))
            # What is left is the caller's: a round, a full trace, or the end.
            is_full = counts[N_TRACED] == len(self.state.trace)
            if waiting or is_full or counts[N_ITER] >= last or self.phase == FINISHED:
                return waiting

    def _sweep(self) -> bool:
        """Add all rows in a pruned pass; return whether the sums are good."""
        going = self.pruning.begin(self.plan, self._kernels, self._work, self._cut, self._n_threads)
        if going is None:
            return False
        return going.add(0, self._work.x, self._work.rows.weights, self._tell) and going.finish()

    def _tell(self, n_seen: int) -> None:
        if self._watch is not None:
            self._watch(Underway(EM, int(self.state.counts[N_ITER]) + 1, n_seen, len(self._work.x)))


class PrunedChunkedRun(ChunkedRun):
    """A `ChunkedRun` of many components."""

    def __init__(
        self, plan: Plan, n_threads: int | None, passes: Passes, start: Start, *, n_samples: int, **known: Any
    ) -> None:
        super().__init__(plan, n_threads, passes, start, n_samples=n_samples, **known)
        self.pruning = Pruning(plan, n_samples)

    def _sweep(self) -> None:
        going = self.pruning.begin(self.plan, self._kernels, self._work, self._cut, self._n_threads)
        if going is not None:
            with self._pieces(going.window, EM) as pieces:
                # The source refuses what is not whole, once it is read to the end.
                is_good = all(
                    going.add(piece.first, piece.x, piece.weights)
                    for piece in pieces
                    if going.is_whole(piece.first, len(piece.x))
                )
            if is_good and going.finish():
                return
        super()._sweep()
