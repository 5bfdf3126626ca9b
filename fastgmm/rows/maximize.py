"""The M step by itself, for statistics that were added up elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels.launch import launch_items
from ..kernels.work import MORE
from ..model.parameters import Parameters
from ..model.plan import plan_of
from ..model.regulariser import Regulariser
from ..model.rounds.state import OPEN, PHASE
from ..model.statistics import PassSums, SufficientStatistics
from .launch.work import address_of, check, launched, layout_of
from .run import Run


def maximize_statistics(statistics: SufficientStatistics, regulariser: Regulariser) -> Parameters:
    """Return the parameters of checked statistics."""
    plan = plan_of(statistics.covariance_type, *statistics.centers.shape, np.dtype(np.float64))
    return _Maximization(plan, 1, most=1).maximize(statistics, regulariser)


class _Maximization(Run):
    """A run without rows, for its state and its buffers."""

    def maximize(self, statistics: SufficientStatistics, regulariser: Regulariser) -> Parameters:
        state, work = self.state, self._work
        second = np.reshape(statistics.second_moments, state.second.shape)
        PassSums(statistics.centers, statistics.responsibility_sums, statistics.first_moments, second).put(state)
        self.regularise(regulariser)
        task = address_of(self._kernels.maximize, work.x.dtype, layout_of(work.x))
        cut = self._cut._replace(n_workers=1)
        items = 0, cut.n_maximized, 0.0
        code: Any = MORE
        while code == MORE:
            code = launched(launch_items, (task,), self._bench.context, work.x, cut, self._n_threads, *items)
        check(code)
        state.counts[PHASE] = OPEN
        parameters = self.parameters()
        self.close()
        return parameters
