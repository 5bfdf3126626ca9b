"""One pass in progress: rows in chunks of any length, the same bits however they are cut."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.parameters import Parameters
from ..model.plan import plan_of
from ..model.rounds.state import COMPONENT, LOG_LIKELIHOOD
from ..model.statistics import SufficientStatistics
from .check import total_weight_of
from .launch.cutter import Cutter
from .launch.work import UNWEIGHTED
from .run import Run

Array = NDArray[np.float64]


class IllDefinedCovariance(ValueError):
    """A covariance that is not positive definite."""

    def __init__(self, component: int) -> None:
        super().__init__(f"the covariance of component {component} is not positive definite")
        self.component = component


class Accumulation:
    """One pass in progress, under `parameters`, computed in `dtype`.

    Rows are cut into superblocks counted from the first row ever added; those left over at the end of a chunk wait
    for the next chunk. The accumulator takes the superblocks in row order. So the sums depend on the rows and their
    order only.

    Raises
    ------
    IllDefinedCovariance
        If a covariance is not positive definite.
    """

    def __init__(self, parameters: Parameters, n_threads: int | None = None, dtype: Any = np.float64) -> None:
        plan = plan_of(parameters.covariance_type, *parameters.means.shape, np.dtype(dtype))
        self._run = run = Run(plan, n_threads)
        run.hold()
        run.put(parameters)
        if not run.advance(1):
            raise IllDefinedCovariance(int(run.state.counts[COMPONENT]))
        self._cutter = Cutter(plan.rows, plan.n_features, plan.dtype)
        self._n_samples = 0
        self._total_weight = 0.0

    def add(self, X: NDArray[Any], weights: Array = UNWEIGHTED) -> None:
        """Add the rows of a chunk, (n, D), any n, with weights (n,) or, of length 0, without: each counts once."""
        self._n_samples += len(X)
        self._total_weight += total_weight_of(len(X), weights)
        for piece in self._cutter.cut(X, weights):
            self._run.add(piece.x, piece.weights)

    def finish(self, fingerprint: str = "") -> SufficientStatistics:
        """Return the statistics of all rows added, known by the `fingerprint` of the parameters."""
        for piece in self._cutter.rest():
            self._run.add(piece.x, piece.weights)
        run, plan = self._run, self._run.plan
        run.added_all()
        run.advance(1)
        state, moments_shape = run.state, plan.structure.moments_shape(plan.n_components, plan.n_features)
        # Copies, because the state lies in one piece with the buffers and the slabs.
        statistics = SufficientStatistics(
            covariance_type=plan.covariance_type,
            centers=state.centers.copy(),
            n_samples=self._n_samples,
            log_likelihood=float(state.numbers[LOG_LIKELIHOOD]),
            responsibility_sums=state.sums.copy(),
            first_moments=state.first.copy(),
            second_moments=state.second.reshape(moments_shape).copy(),
            total_weight=self._total_weight,
            fingerprint=fingerprint,
        )
        run.close()
        return statistics
