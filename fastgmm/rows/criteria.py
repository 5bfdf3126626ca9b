"""Sums over all rows of what a mixture says of each: scores, information criteria, entropies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import own_error_state
from ..model.criteria import criterion_value
from ..model.parameters import Parameters
from .check import check_sample_weight, total_weight_of
from .source import Source


def weight_given(source: Source) -> float:
    """Return the number of rows of a source, or the sum of their weights as they were given."""
    total_weight, exponent = source.total_weight, source.weight_exponent
    # NumPy's takes a microsecond, a small fit fifty; and `math.ldexp` does not know infinity.
    return float(np.ldexp(total_weight, exponent)) if exponent else total_weight


@own_error_state
def mean_of(densities: NDArray[Any], sample_weight: Any) -> float:
    """Mean in double of log-densities (N,), weighted by `sample_weight` (N,) unless that is None."""
    densities = np.asarray(densities)  # those of a Dask collection are computed
    weights = check_sample_weight(sample_weight, len(densities))
    if not len(weights):
        return float(np.mean(densities, dtype=np.float64))
    counted = weights > 0.0  # a weight of zero times a log-density of -inf would be NaN
    return float(np.average(densities[counted], weights=weights[counted]))


@own_error_state
def total_of(numbers: NDArray[Any], sample_weight: Any) -> float:
    """Sum in double of a number for each row (N,), weighted likewise."""
    numbers = np.asarray(numbers)
    weights = check_sample_weight(sample_weight, len(numbers))
    if not len(weights):
        return float(numbers.sum(dtype=np.float64))
    counted = weights > 0.0
    return float(weights[counted] @ numbers[counted].astype(np.float64))


@own_error_state
def criterion_of(name: str, densities: NDArray[Any], sample_weight: Any, parameters: Parameters) -> float:
    """Return a criterion of log-densities (N,); with weights (N,) their sum counts as the number of rows."""
    densities = np.asarray(densities)
    k, n_free = parameters.n_components, parameters.structure.n_free(*parameters.means.shape)
    weights = check_sample_weight(sample_weight, len(densities))
    n_samples = total_weight_of(len(densities), weights, k) if len(weights) else len(densities)
    return criterion_value(name, total_of(densities, sample_weight), n_free, n_samples)
