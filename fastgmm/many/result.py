"""Plain data: what `fit_many` returns."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import own_error_state, shown
from ..em.outcome import FitFailure, Status
from ..mixture import Mixture
from ..mixture.crossings import neighbours_of
from ..model.parameters import Array, Parameters
from ..model.regulariser import Regulariser
from ..model.structures import STRUCTURES
from ..results import FitResult
from ..summary.contents import counted
from ..summary.layout import Summarised, Summary, Table, visible
from .tidy import columns_of


@dataclass(frozen=True, eq=False, repr=False)
class FitManyResult(Summarised):
    """The fits of B problems, as arrays with a row for each.

    ``result[b]`` is the `FitResult` of problem b, ``result.of(key)`` that of a label; FitFailure where there is none.
    Where problems differ in K, what they have less than the largest is NaN.

    Attributes
    ----------
    keys : (B,) array
        Labels of the groups in the order of their first appearance; else 0, 1, ..., B - 1.
    n_components : (B,) int64
        Number of components, K; 0 without a fit.
    weights : (B, K) float64
        Mixing proportions.
    means : (B, K, D) float64
        Component means.
    covariances : float64
        ``(B, K, D, D)`` for "full", ``(B, D, D)`` for "tied", ``(B, K, D)`` for "diag", ``(B, K)`` for "spherical",
        and B of what a mixture of another structure has.
    log_likelihood : (B,) float64
        Total log-likelihood of the rows of each problem, in nats.
    bic : (B,) float64
        Bayesian information criterion, with `total_weight` for N; lower is better.
    n_iter : (B,) int64
        Iterations of EM done.
    status : (B,) array of Status
        Why each fit stopped; `Status.FAILED` without one.
    n_samples, total_weight : (B,)
        Number of rows, and the sum of their weights.
    degenerate : (B, K) bool
        Components that the regulariser holds up.
    n_passed_over : (B,) int64
        Starts that ended higher, but with components that the floor holds up.
    errors : dict
        Why a problem has no fit, by its position.
    covariance_type : str
        The covariance structure of all.
    feature_names : tuple of str, or None
        Names of the D columns, where the rows had names.
    seconds : float
        What all fits took, the compiler included.
    """

    keys: NDArray[Any]
    n_components: NDArray[np.int64]
    weights: Array
    means: Array
    covariances: Array
    log_likelihood: Array
    bic: Array
    n_iter: NDArray[np.int64]
    status: NDArray[Any]
    n_samples: NDArray[np.int64]
    total_weight: Array
    degenerate: NDArray[np.bool_]
    n_passed_over: NDArray[np.int64]
    errors: dict[int, str]
    covariance_type: str
    feature_names: tuple[str, ...] | None
    seconds: float
    _traces: tuple[NDArray[np.int64], Array] = field(repr=False)
    _floors: Array = field(repr=False)
    _added: Array = field(repr=False)
    _rounding: float = field(repr=False)
    _set_aside: dict[int, tuple[str, ...]] = field(repr=False)

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether EM stopped by itself, (B,)."""
        return np.asarray(self.status == Status.CONVERGED)

    @property
    def fitted(self) -> NDArray[np.bool_]:
        """Which problems have a fit, (B,)."""
        return np.asarray(self.n_components > 0)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FitResult:
        b = operator.index(index)
        if not -len(self) <= b < len(self):
            raise IndexError(f"the result has problems 0 to {len(self) - 1}, got {shown(b)}")
        b %= len(self)
        if b in self.errors:
            raise FitFailure(f"problem {label_of(self.keys[b])} has no fit: {self.errors[b]}")
        k, starts_values = int(self.n_components[b]), self._traces
        structure = STRUCTURES[self.covariance_type]
        covariances = self.covariances[b] if structure.shared else self.covariances[b, :k]
        # Copies, because a mixture's arrays cannot be written to.
        parameters = Parameters(
            self.weights[b, :k].copy(), self.means[b, :k].copy(), np.array(covariances), self.covariance_type
        )
        start, floor = int(starts_values[0][b]), self._floors[b].copy()
        return FitResult(
            Mixture._trusted(parameters, self.feature_names),
            float(self.log_likelihood[b]),
            starts_values[1][start : start + int(self.n_iter[b])].copy(),
            self.status[b],
            int(self.n_samples[b]),
            float(self.total_weight[b]),
            self.seconds / len(self),
            self._set_aside.get(b, ()),
            tuple(np.flatnonzero(self.degenerate[b]).tolist()),
            int(self.n_passed_over[b]),
            Regulariser(self._added.copy(), floor, self._rounding),
        )

    def of(self, key: Any) -> FitResult:
        """Return the fit of the problem with a label; KeyError if there is none of this name."""
        return self[self._positions[key]]

    @cached_property
    def _positions(self) -> dict[Any, int]:
        return {key: b for b, key in enumerate(self.keys)}

    @property
    @own_error_state
    def crossings(self) -> Array:
        """Where a component takes over from the one below, in the order of means, (B, K - 1); of one feature alone.

        The point at which weight times density of two neighbours are equal, above which that with the higher mean has
        more; NaN where one has more everywhere. Where deviations differ it may lie beyond both means.
        """
        if self.means.shape[2] != 1:
            raise ValueError(f"crossings are of one feature, these fits have {self.means.shape[2]}")
        structure = STRUCTURES[self.covariance_type]
        variances = self.covariances.reshape(len(self), -1)
        if structure.shared:
            variances = np.broadcast_to(variances, self.weights.shape)
        return neighbours_of(self.weights, self.means[:, :, 0], variances)

    def table(self) -> dict[str, NDArray[Any]]:
        """Return a line for each component of each problem, as a dict of columns.

        A problem without a fit is one line, of component -1. Of one feature `crossing` is where the component with
        the next higher mean takes over.
        """
        return columns_of(self)

    def to_frame(self) -> Any:
        """Return `table` as a data frame of pandas, which must be installed."""
        import pandas

        return pandas.DataFrame(self.table())

    def summary(self) -> Summary:
        """Return how many fits ended how, and the first that failed; what `print` shows."""
        n_failed = len(self.errors)
        names = [str(status) for status in self.status]
        counts = {status: names.count(status) for status in dict.fromkeys(names)}
        n_degenerate = int(np.count_nonzero(self.degenerate.any(axis=1)))
        numbers, times = np.unique(self.n_components[self.fitted], return_counts=True)
        parts: list[Table | str] = [
            Table([("status", "problems"), *((name, str(number)) for name, number in sorted(counts.items()))]),
            f"{self.seconds:.3g} s, {int(self.n_iter.sum())} iterations in all.",
        ]
        if len(numbers) > 1:
            pairs = zip(numbers.tolist(), times.tolist(), strict=True)
            parts.insert(1, Table([("K", "problems"), *((str(k), str(number)) for k, number in pairs)]))
        if n_degenerate:
            parts.append(f"{counted(n_degenerate, 'problem')} with degenerate components, see degenerate.")
        if n_failed:
            first = min(self.errors)
            parts.append(f"No fit for {label_of(self.keys[first])}: {visible(self.errors[first])}")
        k = counted(int(numbers[0]), "component") if len(numbers) == 1 else "one K each"
        features = counted(self.means.shape[2], "feature")
        title = f"{counted(len(self), 'problem')}, {k}, {features}, {self.covariance_type} covariance"
        return Summary("Fits of Gaussian mixtures", title, parts)


def label_of(key: Any) -> str:
    """Return how a label looks in a sentence."""
    return shown(key.item() if isinstance(key, np.generic) else key)
