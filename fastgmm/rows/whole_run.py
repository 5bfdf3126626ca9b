"""A run of EM from k-means whose rounds are short: start and rounds are one call of compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.work import Rows
from ..model.plan import LAUNCH_NANOSECONDS, Plan
from ..model.rounds import whole
from ..model.rounds.state import GIVEN
from .launch import threads
from .launch.work import check, entry_of, no_rows
from .run import Run
from .start.k_means import Draws
from .start.whole import Team, give_back, start_for

Array = NDArray[np.float64]


class WholeRun(Run):
    """Rounds over rows `x` (N, D) in C order, weighted by `weights` (N,) or (0,), from k-means, by a team of workers.

    `reg_covar` is added to variances, or "auto" for the floor.
    """

    def __init__(
        self,
        plan: Plan,
        n_threads: int | None,
        x: NDArray[Any],
        weights: Array,
        draws: Draws,
        reg_covar: float | str,
        team: Team,
    ) -> None:
        n_samples = len(x)
        self._start = start = start_for(plan, n_samples, len(weights) > 0, team)
        none = no_rows(plan.dtype, plan.n_components).responsibilities
        start.bench.restart(x, Rows(weights, np.empty(n_samples, np.int64), none, np.empty(n_samples, plan.dtype)))
        self._use(plan, n_threads, start.cut, start.bench)
        self.state.counts[GIVEN] = 2  # until compiled code has a start, there are no parameters
        self._draws: Draws | None = draws
        self._reg_covar = -1.0 if isinstance(reg_covar, str) else reg_covar

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done or the run is over, see `Run.advance`."""
        if self._draws is not None:
            draws, self._draws = self._draws, None
            if self._start.context is self._start.parallel:
                code = self._begin(self._start.context, draws, last)
            else:
                with threads.team(self._n_threads) as parallel:
                    code = self._begin(self._start.parallel if parallel else self._start.context, draws, last)
            if code != whole.GOES_ON:
                check(code)
                self._check_status()
                return False
        return super().advance(last)

    def _begin(self, context: Any, draws: Draws, last: int) -> int:
        """Begin, and go on to round `last`, with the driver that a context of a `Whole` has; return its code."""
        bench, rule = self._bench, (self._reg_covar, last, LAUNCH_NANOSECONDS)
        arguments = (context, bench.context, bench.work.x, bench.work.rows, *draws, *rule)
        return int(entry_of(whole.from_k_means, (self.plan.dtype, "C"), *arguments)(*arguments))

    def close(self) -> None:
        """Give back what the run works on: it ends here, and so does its state."""
        give_back(self._start)
