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
from .launch.pieces import pieces
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

    Rows are cut into superblocks counted from the first row ever added. Whole superblocks go to the kernels
    from where they lie; the rows left over at the end of a chunk wait in a carry buffer for the next chunk.
    The accumulator takes the superblocks in row order. So the sums depend on the rows and their order only.

    Raises
    ------
    IllDefinedCovariance
        If a covariance is not positive definite.
    """

    def __init__(self, parameters: Parameters, n_threads: int | None = None, dtype: Any = np.float64) -> None:
        plan = plan_of(parameters.covariance_type, *parameters.means.shape, np.dtype(dtype))
        self._run = run = Run(plan, n_threads)
        run.use(plan.kernels, held=True)
        run.put(parameters)
        if not run.advance(1):
            raise IllDefinedCovariance(int(run.state.counts[COMPONENT]))
        self._carry = np.empty((0, plan.n_features), plan.dtype)
        self._carried_weights = UNWEIGHTED
        self._held = 0
        self._any_weighted = False
        self._n_samples = 0
        self._total_weight = 0.0

    def add(self, X: NDArray[Any], weights: Array = UNWEIGHTED) -> None:
        """Add the rows of a chunk, (n, D), any n, with weights (n,) or, of length 0, without: each counts once."""
        plan = self._run.plan
        rows = plan.rows
        self._n_samples += len(X)
        self._total_weight += total_weight_of(len(X), weights)
        if self._held:
            room = rows - self._held
            self._hold(X[:room], weights[:room])
            X, weights = X[room:], weights[room:]
            if self._held == rows:
                self._flush()
        whole = len(X) - len(X) % rows
        for start, piece in pieces(X[:whole], self._run.rows_a_launch, rows, plan.dtype):
            self._run.add(piece, weights[start : start + len(piece)])
        if whole < len(X):
            self._hold(X[whole:], weights[whole:])

    def finish(self, fingerprint: str = "") -> SufficientStatistics:
        """Return the statistics of all rows added, known by the `fingerprint` of the parameters."""
        if self._held:
            self._flush()
        run, plan = self._run, self._run.plan
        run.added_all()
        run.advance(1)
        state = run.state
        # Copies, because the state lies in one piece with the buffers and the slabs.
        statistics = SufficientStatistics(
            covariance_type=plan.covariance_type,
            centers=state.centers.copy(),
            n_samples=self._n_samples,
            log_likelihood=float(state.numbers[LOG_LIKELIHOOD]),
            responsibility_sums=state.sums.copy(),
            first_moments=state.first.copy(),
            second_moments=state.second.reshape(plan.shape).copy(),
            total_weight=self._total_weight,
            fingerprint=fingerprint,
        )
        run.close()
        return statistics

    def _hold(self, X: NDArray[Any], weights: Array) -> None:
        if not len(self._carry):
            plan = self._run.plan
            self._carry = np.empty((plan.rows, plan.n_features), plan.dtype)
            self._carried_weights = np.ones(plan.rows)
        end = self._held + len(X)
        self._carry[self._held : end] = X
        self._carried_weights[self._held : end] = weights if len(weights) else 1.0
        self._any_weighted |= len(weights) > 0
        self._held = end

    def _flush(self) -> None:
        weights = self._carried_weights[: self._held] if self._any_weighted else UNWEIGHTED
        for _, piece in pieces(self._carry[: self._held], len(self._carry), len(self._carry), self._carry.dtype):
            self._run.add(piece, weights)
        self._held, self._any_weighted = 0, False
