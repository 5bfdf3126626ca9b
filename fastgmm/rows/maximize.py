"""The M step by itself, for statistics that were added up elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels.launch import launch_items
from ..model.parameters import Parameters
from ..model.plan import plan_of
from ..model.statistics import SufficientStatistics
from .launch.work import address_of, check, launched, layout_of
from .run import Run


def maximize_statistics(statistics: SufficientStatistics, added: NDArray[np.float64]) -> Parameters:
    """Return the parameters of checked statistics, with `added` (D,) on the diagonals of the covariances."""
    plan = plan_of(statistics.covariance_type, *statistics.centers.shape, np.dtype(np.float64))
    return _Maximization(plan, 1, most=1).maximize(statistics, added)


class _Maximization(Run):
    """A run without rows, for its state and its buffers."""

    def maximize(self, statistics: SufficientStatistics, added: NDArray[np.float64]) -> Parameters:
        state, work = self.state, self._work
        state.centers[:], state.sums[:] = statistics.centers, statistics.responsibility_sums
        state.first[:], state.added[:] = statistics.first_moments, added
        state.second[:] = np.reshape(statistics.second_moments, state.second.shape)
        task = address_of(self._kernels.maximize, work.x.dtype, layout_of(work.x))
        cut = self._cut._replace(n_workers=1)
        check(
            launched(
                launch_items, (task,), self._bench.context, work.x, cut, self._n_threads, 0, cut.n_maximized, 0.0
            )
        )
        parameters = self.parameters()
        self.close()
        return parameters
