"""Where problems start that do not start from k-means: parameters for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._checks import shown
from ..em.start import check_parameters
from ..mixture import Mixture
from ..model.parameters import Parameters
from ..model.structures import STRUCTURES
from .batch import Batch
from .result import FitManyResult, label_of

Array = NDArray[np.float64]


class Starts(NamedTuple):
    """Parameters for each of B problems, as `Fits` have them, and why some problems have none, by position."""

    weights: Array
    means: Array
    covariances: Array
    faults: dict[int, str]

    def of(self, b: int, covariance_type: str) -> Parameters:
        """Return the parameters that problem `b` starts from."""
        covariances = self.covariances[b][STRUCTURES[covariance_type].from_core]
        return Parameters(self.weights[b], self.means[b], covariances, covariance_type)


def starts_of(init: Any, batch: Batch, numbers: list[int], covariance_type: str) -> Starts | None:
    """Return the starts that `init` of `fit_many` gives, None for k-means; TypeError or ValueError otherwise."""
    if isinstance(init, str) and init == "kmeans":
        return None
    if len(numbers) > 1:
        raise ValueError(f"init must be 'kmeans' where n_components has {len(numbers)} values to choose from")
    n_problems, k, d = len(batch.keys), numbers[0], batch.rows.shape[1]
    if isinstance(init, FitManyResult):
        return _of_result(init, batch, k, covariance_type)
    if isinstance(init, Mixture):
        init = [init] * n_problems
    if not isinstance(init, Sequence) or isinstance(init, str) or not all(isinstance(each, Mixture) for each in init):
        raise TypeError(
            f"init must be 'kmeans', a Mixture, a Mixture for each problem, or a FitManyResult, got {shown(init)}"
        )
    if len(init) != n_problems:
        raise ValueError(f"init must have a Mixture for each of {n_problems} problems, got {len(init)}")
    structure = STRUCTURES[covariance_type]
    core = structure.core(k, d)
    starts = Starts(np.empty((n_problems, k)), np.empty((n_problems, k, d)), np.empty((n_problems, *core)), {})
    for b, mixture in enumerate(init):
        check_parameters(mixture.parameters, k, d, covariance_type)
        _check_names(mixture.feature_names, batch)
        starts.weights[b], starts.means[b] = mixture.weights, mixture.means
        starts.covariances[b] = mixture.covariances[structure.to_core]
    return starts


def _of_result(result: FitManyResult, batch: Batch, k: int, covariance_type: str) -> Starts:
    """Return the fits of the same problems as starts; a problem without one has a fault."""
    if len(result) != len(batch.keys) or not np.array_equal(result.keys, batch.keys):
        raise ValueError(
            f"init has the fits of {len(result)} problems, {_listed(result.keys)}, but X has {len(batch.keys)}, "
            f"{_listed(batch.keys)}"
        )
    d = batch.rows.shape[1]
    if result.covariance_type != covariance_type:
        raise ValueError(
            f"init has covariance_type {result.covariance_type!r}, but the fit asks for {covariance_type!r}"
        )
    if result.means.shape[2] != d:
        raise ValueError(f"init has {result.means.shape[2]} features, but X has {d}")
    _check_names(result.feature_names, batch)
    faults = {}
    for b in np.flatnonzero(result.n_components != k).tolist():
        found = int(result.n_components[b])
        faults[b] = f"init has {found} components, but the fit asks for {k}" if found else "init has no fit for it"
    structure = STRUCTURES[covariance_type]
    weights, means = result.weights[:, :k], result.means[:, :k]
    # Without a fit they are not of these shapes, and are not looked at.
    covariances = result.covariances if structure.shared else _widened(result.covariances[:, :k], k)
    complete = np.empty((len(result), *structure.core(k, d)))
    complete[:] = covariances[structure.to_core]
    return Starts(_widened(weights, k), _widened(means, k), complete, faults)


def _widened(array: Array, k: int) -> Array:
    """Return (B, K, ...) in C order, with NaN for components that are not there."""
    widened = np.full((array.shape[0], k, *array.shape[2:]), np.nan)
    widened[:, : array.shape[1]] = array
    return widened


def _check_names(names: tuple[str, ...] | None, batch: Batch) -> None:
    if None not in (names, batch.feature_names) and names != batch.feature_names:
        raise ValueError(f"init has the features {shown(names)}, but X has {shown(batch.feature_names)}")


def _listed(keys: NDArray[Any]) -> str:
    first = [label_of(key) for key in keys[:3]]
    return ", ".join(first) + (", ..." if len(keys) > len(first) else "")
