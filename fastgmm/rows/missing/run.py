"""A run of EM over patterns: the pass of any other run over what is observed, and its sums completed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._numba.addresses import by_address
from ..._numba.pointers import kind_of, packed
from ...model.parameters import Parameters
from ...model.plan import LAUNCH_NANOSECONDS, Plan, plan_of
from ...model.regulariser import Regulariser
from ...model.rounds import em as rounds
from ...model.rounds.missing.desk import Patterns, Under
from ...model.rounds.missing.patterns import FAILED, sweep_patterns
from ...model.rounds.state import (
    BROKEN,
    COMPONENT,
    FINISHED,
    HELD,
    ILL_DEFINED,
    ITEM,
    LOG_LIKELIHOOD,
    MAXIMIZE,
    N_ITER,
    PHASE,
    REPEATED,
    RUNNING,
    STATUS,
)
from ...model.structures import kernels_of
from ..launch.bench import KEPT_BYTES, bench_for
from ..launch.buffers import bytes_of, sizes_of
from ..launch.work import check, driver_of, launched, no_rows, nothing, shared_out, tasks_like, tasks_of
from ..run import Run
from ..source import EM, Underway, Watch
from .patterns import Alike, Scatters

# What completing the sums of a pattern takes, as a multiple of preparing a density of all features.
COMPLETED = 3.0


class MissingRun(Run):
    """Rounds over the rows of patterns, from parameters, with `regulariser` in every M step.

    Components are prepared and maximised here; between the two the statistics of each pattern, under the marginal
    mixture of its features, are completed and put where a pass would have left them. Patterns are in an order of
    their own, and so are their sums.
    """

    def __init__(
        self,
        plan: Plan,
        n_threads: int | None,
        patterns: list[tuple[Alike, Scatters]],
        start: Parameters,
        *,
        regulariser: Regulariser,
        watch: Watch | None,
    ) -> None:
        super().__init__(plan, n_threads, most=1)
        self.regularise(regulariser)
        self.put(start)
        self._tell, self._n_samples = watch, sum(len(alike.x) for alike, _ in patterns)
        state, d = self.state, plan.n_features
        self._under = Under(
            np.empty_like(state.weights), np.empty_like(state.means), np.empty_like(state.covariances)
        )
        self._scratch = np.empty((3, d, d)), np.empty((2, d))
        self._patterns = patterns
        # What passes work on is kept if it is small, by itself or beside the rows: of each number of features some.
        self._kept: dict[int, _Pass] = {}

    def close(self) -> None:
        """Give back what the run works on: it ends here, and so does its state."""
        for each in self._kept.values():
            each.close()
        super().close()

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done or the run is over, see `Run.advance`."""
        # Compiled code looks after a round, not before.
        if self.state.counts[N_ITER] >= last and self.phase != MAXIMIZE:
            return False
        while super().advance(last):
            self._sum()
        return False

    def _sum(self) -> None:
        """Sum all patterns under the parameters of this round, about the means in the state."""
        state, counts = self.state, self.state.counts
        repeated = int(counts[REPEATED])
        if not repeated:  # else the density is that of the pass before, and the means are new
            for mine, theirs in zip(self._under, (state.weights, state.means, state.covariances), strict=True):
                mine[...] = theirs
        state.centers[:] = state.means
        state.sums[:], state.first[:], state.second[:] = 0.0, 0.0, 0.0
        state.numbers[LOG_LIKELIHOOD] = 0.0
        n_seen = 0
        for i, (alike, scatters) in enumerate(self._patterns):
            each, done = self._kept.get(i) or self._pass(alike, scatters), 0
            while done < len(alike.orders):
                done = each.advance(done, repeated)
                if done == FAILED:
                    self._fail(each.failed())
                    return
                if self._tell is not None:
                    seen = n_seen + int(alike.offsets[done])
                    self._tell(Underway(EM, int(counts[N_ITER]) + 1, seen, self._n_samples))
            n_seen += len(alike.x)
            if each.n_bytes <= max(KEPT_BYTES, alike.x.nbytes):
                self._kept[i] = each
        counts[PHASE], counts[ITEM] = HELD, 0

    def _pass(self, alike: Alike, scatters: Scatters) -> _Pass:
        return _Pass(self.plan, self._n_threads, alike, scatters, self._bench.context, self._under, *self._scratch)

    def _fail(self, component: int) -> None:
        counts = self.state.counts
        if counts[STATUS] == RUNNING:
            counts[STATUS] = ILL_DEFINED
        counts[COMPONENT], counts[PHASE] = component, FINISHED


class _Pass:
    """A pass over patterns that are alike, whose sums go into the state behind the context `full`."""

    def __init__(
        self,
        plan: Plan,
        n_threads: int | None,
        alike: Alike,
        scatters: Scatters,
        full: Any,
        under: Under,
        matrices: NDArray[np.float64],
        vectors: NDArray[np.float64],
    ) -> None:
        k, d, dtype = plan.n_components, alike.x.shape[1], plan.dtype
        self._n_threads = n_threads
        nanoseconds = COMPLETED * plan.structure.n_prepared(k) * plan.prepare_nanoseconds
        plan = plan_of(plan.covariance_type, k, d, dtype)
        cut, n_slabs = shared_out(plan, int(np.diff(alike.offsets).max()), n_threads)
        self._cut = cut._replace(held=1)
        sizes = sizes_of(plan, cut.n_workers, n_slabs)
        self.n_bytes = bytes_of(sizes)
        self._bench = bench_for(sizes, nothing(d, dtype), no_rows(dtype, k))
        self._bench.work.state.counts[PHASE] = FINISHED
        kernels = following = plan.kernels
        if len(scatters.scatters):
            following = kernels_of(plan.covariance_type, d, plan.structure.without_second)
        sweeps = (kernels, kernels.sweep), (kernels, kernels.apart), (following, following.sweep)
        tasks, apart, follow = (tasks_of(*each, dtype, "C") for each in sweeps)
        drive, like = driver_of(dtype, "C", False), tasks_like(dtype, "C")
        values = Patterns(
            observed=self._bench.context,
            full=full,
            under=under,
            x=alike.x,
            weights=alike.weights,
            offsets=alike.offsets,
            orders=alike.orders,
            places=scatters.places,
            scatters=scatters.scatters,
            matrices=matrices,
            vectors=vectors,
            nanoseconds=nanoseconds,
            tasks=tasks,
            apart=apart,
            following=follow,
            advance=by_address(rounds.advance, drive, like, self._bench.context, cut, 1, 1.0),
        )
        self._context = packed(values, _kinds.get(dtype) or _kinds.setdefault(dtype, kind_of(values)))

    def close(self) -> None:
        """Give back the buffers."""
        self._bench.put_back()

    def advance(self, begin: int, repeated: int) -> int:
        """Go on from a pattern for about a tenth of a second; return which is next, or FAILED."""
        context, x = self._context, self._bench.work.x
        rest = begin, repeated, LAUNCH_NANOSECONDS
        return int(launched(sweep_patterns, (), context, x, self._cut, self._n_threads, *rest))

    def failed(self) -> int:
        """Return the component that failed; MemoryError if something else did."""
        counts = self._bench.work.state.counts
        check(int(counts[STATUS] != BROKEN))
        return int(counts[COMPONENT])


# Kinds of the contexts, by dtype.
_kinds: dict[Any, Any] = {}
