"""Providers of "the statistics of these rows under these parameters".

EM asks a provider for nothing else (`Source`); an array in memory is the one there is. A pass
over it is an `Accumulation`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ._address import by_address
from .accumulation import UNWEIGHTED, Accumulation, Given, first_counted
from .kernels import STRUCTURES, passes, tied, whole
from .loading import whole_piece
from .parameters import SHAPES, Mixture, SufficientStatistics
from .results import Status
from .steps import SMALL_NANOSECONDS, Prepared, plan_of, prepare, unprepared

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Partition:
    """A start that assigns each row to one component: `labels` (N,), and the M step that makes `parameters` of it."""

    labels: NDArray[np.int64]
    n_components: int
    covariance_type: str
    parameters: Callable[[], Mixture]


Start = Mixture | Partition


class Source(Protocol):
    """Rows that can be passed over again and again."""

    @property
    def total_weight(self) -> float:
        """Number of rows, or the sum of their weights."""
        ...

    def statistics(self, parameters: Mixture) -> SufficientStatistics:
        """One pass over all rows."""
        ...

    def run_whole(
        self, start: Start, reg_covar: Array, previous: float, tol: float, *, aitken: bool, max_iter: int
    ) -> WholeRun | None:
        """Run EM to its end in one compiled call where the work is small; None where it is not."""
        ...


@dataclass(frozen=True)
class WholeRun:
    """How a run that was compiled as a whole ended, see `kernels.whole.expectation_maximization`.

    `status` is None where it failed in round `n_iter`: with the covariance of `component`, or if that is -1 with a
    `log_likelihood` that is not finite.
    """

    status: Status | None
    n_iter: int
    component: int
    log_likelihood: float
    trace: Array
    parameters: Mixture


_STATUS = {whole.CONVERGED: Status.CONVERGED, whole.MAX_ITER: Status.MAX_ITER}


class ArraySource:
    """An (N, D) array in memory or mapped into it, in any layout; `weights` are (N,), or of length 0 for none."""

    def __init__(self, X: NDArray[Any], n_threads: int | None = None, weights: Array = UNWEIGHTED) -> None:
        self._X = X
        self._weights = weights
        self._n_threads = n_threads
        self._scatter: SufficientStatistics | None = None

    @property
    def total_weight(self) -> float:
        """Number of rows, or the sum of their weights."""
        return float(self._weights.sum()) if len(self._weights) else len(self._X)

    def statistics(self, parameters: Mixture) -> SufficientStatistics:
        """One pass of the fused kernel over all rows."""
        plan = plan_of(parameters.covariance_type, *parameters.means.shape)
        if parameters.covariance_type == "tied" and not plan.is_small(len(self._X)):
            return self._tied_statistics(parameters)
        return self._pass(prepare(parameters, self._X.dtype))

    def statistics_given(
        self, given: Given, n_components: int, covariance_type: str, means: Array | None = None
    ) -> SufficientStatistics:
        """Statistics of given responsibilities or labels, centred on the means they imply.

        Where these are not known, two passes: the first, centred on the first row that counts, finds them; the second
        takes the moments about them, so that nothing cancels when the components lie far apart.
        """
        if means is None:
            row = first_counted(self._weights)
            first_row = np.repeat(self._X[row : row + 1].astype(np.float64), n_components, axis=0)
            statistics = self._given_pass(given, first_row, covariance_type)
            means = statistics.centers + statistics.first_moments / statistics.responsibility_sums[:, np.newaxis]
        return self._given_pass(given, means, covariance_type)

    def run_whole(
        self, start: Start, reg_covar: Array, previous: float, tol: float, *, aitken: bool, max_iter: int
    ) -> WholeRun | None:
        """Run EM to its end in one compiled call where the work is small and unweighted; None where it is not."""
        n_samples = len(self._X)
        dtype, k, d = self._X.dtype, start.n_components, self._X.shape[1]
        plan = plan_of(start.covariance_type, k, d, dtype)
        long = not plan.is_small(n_samples) or n_samples * plan.row_nanoseconds * max_iter > SMALL_NANOSECONDS
        if long or len(self._weights):
            return None
        if isinstance(start, Partition):
            labels = start.labels
            weights, means = np.empty(k), np.empty((k, d))
            covariances = np.empty(SHAPES[plan.covariance_type].covariances(k, d))
        else:
            labels = np.empty(0, np.int64)
            weights, means = start.weights.astype(np.float64), start.means.astype(np.float64)
            covariances = start.covariances.astype(np.float64)
        trace = np.empty(max_iter)
        model = STRUCTURES[plan.covariance_type].allocate(k, d, dtype)
        x = whole_piece(self._X)
        slabs = np.empty((-(-n_samples // plan.rows), *plan.slab_shape))
        status, n_iter, component, log_likelihood = whole.expectation_maximization(
            _superblock_of(plan.covariance_type, min(d, 4), dtype),
            model,
            x,
            labels,
            plan.rows,
            slabs,
            weights,
            means,
            covariances,
            reg_covar,
            previous,
            tol,
            aitken,
            max_iter,
            trace,
        )
        fitted = Mixture(weights, means, covariances, plan.covariance_type)
        return WholeRun(_STATUS.get(status), n_iter, component, log_likelihood, trace[:n_iter], fitted)

    def _tied_statistics(self, parameters: Mixture) -> SufficientStatistics:
        """One pass without second moments: they follow from the total scatter, which is the same every round.

        Where that subtraction would cancel, a second pass sums them directly.
        """
        if self._scatter is None:
            self._scatter = self.statistics_given(lambda a, b: np.ones((b - a, 1)), 1, "tied")
        total = self._scatter
        statistics = self._pass(prepare(parameters, self._X.dtype, direct=False))
        pooled = tied.from_scatter(
            total.second_moments,
            total.centers[0],
            statistics.responsibility_sums,
            statistics.first_moments,
            statistics.centers,
            self._X.dtype,
        )
        if pooled is None:
            return self._pass(prepare(parameters, self._X.dtype))
        return replace(statistics, second_moments=pooled)

    def _given_pass(self, given: Given, centers: Array, covariance_type: str) -> SufficientStatistics:
        accumulation = Accumulation(unprepared(centers, covariance_type, self._X.dtype), self._n_threads)
        accumulation.add_all(self._X, self._weights, given)
        return accumulation.finish()

    def _pass(self, prepared: Prepared) -> SufficientStatistics:
        accumulation = Accumulation(prepared, self._n_threads)
        accumulation.add_all(self._X, self._weights)
        return accumulation.finish()


@functools.cache
def _superblock_of(covariance_type: str, n_features: int, dtype: Any) -> Any:
    """Return what a whole fit calls; kept, because small fits have no time to look it up."""
    model = STRUCTURES[covariance_type].allocate(1, n_features, dtype)
    square = np.empty((1, 1), dtype)
    labels, slab = np.empty(0, np.int64), np.empty((1, 1))
    return by_address(passes.superblock, model, whole_piece(square), square, labels, UNWEIGHTED, slab)
