"""A run of EM over patterns: the pass of any other run over what is observed, and its sums completed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...model.parameters import Parameters
from ...model.plan import Plan, plan_of
from ...model.regulariser import Regulariser, ridge
from ...model.rounds.state import (
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
    SUMMED,
)
from ...model.statistics import PassSums
from ..array_run import ArrayRun
from ..run import Run
from ..source import EM, Scatter, Underway, Watch
from .completion import Gaussians, completed, indefinite
from .patterns import Pattern, marginal_of

Array = NDArray[np.float64]
# Numbers in the matrices of the patterns that are completed at once.
BATCH = 1 << 17


class Group(NamedTuple):
    """The rows of a pattern: what is observed of them, `x` (n, d), weights (n,) or (0,), and their total scatter."""

    pattern: Pattern
    x: NDArray[Any]
    weights: Array
    scatter: Callable[[], Scatter]


class MissingRun(Run):
    """Rounds over `groups` of rows, from parameters, with `regulariser` in every M step.

    Components are prepared and maximised here; between the two the statistics of each group, under the marginal
    mixture of its features, are completed and put where a pass would have left them. `groups` are in an order of
    their own, and so are their sums.
    """

    def __init__(
        self,
        plan: Plan,
        n_threads: int | None,
        groups: list[Group],
        start: Parameters,
        *,
        regulariser: Regulariser,
        watch: Watch | None,
    ) -> None:
        super().__init__(plan, n_threads, most=1)
        self.regularise(regulariser)
        self.put(start)
        self._tell, self._n_samples = watch, sum(len(group.x) for group in groups)
        self._batches = batches_of(groups, plan)
        # Of groups that are long beside the buffers of a run it is kept.
        self._kept: dict[int, _Pass] = {}
        self._under = start
        self._components = Gaussians(self.state.means, self.state.covariances)

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done or the run is over, see `Run.advance`."""
        # Compiled code looks after a round, not before.
        if self.state.counts[N_ITER] >= last and self.phase != MAXIMIZE:
            return False
        while super().advance(last):
            self._sum()
        return False

    def _sum(self) -> None:
        """Sum all groups under the parameters of this round, about the means in the state."""
        state, counts = self.state, self.state.counts
        if not counts[REPEATED]:  # else the density is that of the pass before, and the means are new
            self._under = self.parameters()
            self._components = Gaussians(self._under.means, state.covariances.copy())
        centers, total, n_seen = state.means.copy(), 0.0, 0
        sums, first, second = (np.zeros(each.shape) for each in (state.sums, state.first, state.second))
        for batch in self._batches:
            swept = []
            for group in batch:
                log_likelihood, each = self._swept(group, centers)
                if each is None:
                    return
                swept.append(each)
                total += log_likelihood
                n_seen += len(group.x)
            observed = PassSums(*map(np.array, zip(*swept, strict=True)))
            orders = np.array([np.concatenate(group.pattern[:2]) for group in batch])
            try:
                parts = completed(self._components, centers, orders, observed)
            except np.linalg.LinAlgError:
                self._fail(indefinite(self._components.covariances, orders))
                return
            sums, first, second = sums + parts.sums, first + parts.first, second + parts.second
            if self._tell is not None:
                self._tell(Underway(EM, int(counts[N_ITER]) + 1, n_seen, self._n_samples))
        PassSums(centers, sums, first, second).put(state)
        state.numbers[LOG_LIKELIHOOD] = total
        counts[PHASE], counts[ITEM] = HELD, 0

    def _swept(self, group: Group, centers: Array) -> tuple[float, PassSums | None]:
        """Return the log-likelihood of a group, and its sums about `centers` (K, D), for the features it has."""
        features = group.pattern.observed
        marginal = marginal_of(self._under, features)
        run = self._kept.get(id(group)) or _Pass(self.plan, self._n_threads, group, marginal)
        failed = run.over(marginal, centers[:, features] if self.state.counts[REPEATED] else None)
        if failed >= 0:
            self._fail(failed)
            return 0.0, None
        state = run.state
        sums = PassSums.of(state)
        log_likelihood = float(state.numbers[LOG_LIKELIHOOD])
        if len(group.x) > run.plan.rows:
            self._kept[id(group)] = run
        else:
            run.close()
        return log_likelihood, sums

    def _fail(self, component: int) -> None:
        counts = self.state.counts
        if counts[STATUS] == RUNNING:
            counts[STATUS] = ILL_DEFINED
        counts[COMPONENT], counts[PHASE] = component, FINISHED


class _Pass(ArrayRun):
    """A pass over what is observed of a group, under parameters of these features."""

    def __init__(self, plan: Plan, n_threads: int | None, group: Group, start: Parameters) -> None:
        n_samples, d = group.x.shape
        known: Any = {"n_samples": n_samples, "first": group.x[0], "spread": None, "scatter": group.scatter}
        plan = plan_of(plan.covariance_type, plan.n_components, d, plan.dtype)
        super().__init__(plan, n_threads, group.x, group.weights, start, regulariser=ridge(0.0, d), **known)
        self.hold()

    def over(self, parameters: Parameters, about: Array | None) -> int:
        """Leave the sums about the means, or `about` others (K, d), in the state; return what failed, or -1."""
        counts = self.state.counts
        self.put(parameters)
        counts[REPEATED] = counts[SUMMED] = 0
        if about is not None:
            cut, self._cut = self._cut, self._cut._replace(n_superblocks=0)
            self._go_on(1)  # until the density is prepared
            self._cut = cut
            model, d = self._work.model, about.shape[1]
            model.means[:, :d] = about * model.scales - model.origin[:d]
            counts[REPEATED] = 1
        self._subtract()
        return -1 if self._go_on(1) else int(counts[COMPONENT])


def batches_of(groups: list[Group], plan: Plan) -> list[list[Group]]:
    """Return the groups, those with equally many features together, as many as are completed at once."""
    size = plan.n_components * plan.n_features * (plan.n_features if plan.structure.has_matrices else 1)
    most = max(1, BATCH // size)
    alike: dict[int, list[Group]] = {}
    for group in groups:
        alike.setdefault(group.x.shape[1], []).append(group)
    return [each[i : i + most] for each in alike.values() for i in range(0, len(each), most)]
