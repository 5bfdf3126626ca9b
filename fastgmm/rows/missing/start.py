"""Where EM with missing values starts, unless from parameters: means and variances of what is observed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.moments.columns import FLOOR_SHARE
from ...model.parameters import Parameters
from ...model.plan import Plan
from ...model.regulariser import Regulariser
from ...model.statistics import SufficientStatistics
from ..maximize import maximize_statistics
from ..source import Centers, Columns, Memberships, Partition, Responsibilities

Array = NDArray[np.float64]
# Rows that are looked at together.
CHUNK = 1 << 14


def first_parameters(
    X: NDArray[Any],
    weights: Array,
    start: Partition | Centers | Responsibilities | Memberships,
    plan: Plan,
    columns: Columns,
    regulariser: Regulariser,
) -> Parameters:
    """Return what an M step makes of given memberships of rows `X` (N, D), with NaN for what is missing.

    Each component has in each feature the mean and the variance of the values that are observed there; features that
    are not observed in it at all, or without spread, have those of the column. Correlations are 0: the first
    iteration finds them. A row belongs to the centre that is nearest in what is observed of it.
    """
    k, d = plan.n_components, plan.n_features
    units = np.where(columns.deviations > 0.0, columns.deviations, 1.0)
    sums, (counts, first, second) = np.zeros(k), np.zeros((3, k, d))
    for a in range(0, len(X), CHUNK):
        z = (X[a : a + CHUNK] - columns.means) / units
        seen = ~np.isnan(z)
        z[~seen] = 0.0
        shares = _shares(start, a, z, seen, columns.means, units)
        if len(weights):
            shares = shares * weights[a : a + CHUNK, np.newaxis]
        sums += shares.sum(axis=0)
        counts += shares.T @ seen
        first += shares.T @ z
        second += shares.T @ (z * z)
    counts[counts == 0.0] = 1.0
    first, second = first / counts, second / counts
    variances = second - first * first
    variances = np.where(variances > FLOOR_SHARE, variances, 1.0) * units**2 * sums[:, np.newaxis]
    statistics = SufficientStatistics(
        covariance_type=plan.covariance_type,
        centers=columns.means + first * units,
        n_samples=len(X),
        log_likelihood=0.0,
        responsibility_sums=sums,
        first_moments=np.zeros((k, d)),
        second_moments=_second_moments(variances, plan),
    )
    return maximize_statistics(statistics, regulariser)


def _second_moments(variances: Array, plan: Plan) -> Array:
    """Return second moments that are diagonal, (K, D), as compiled code has those of the structure."""
    shape = plan.structure.core(*variances.shape)
    if plan.structure.has_matrices:
        matrices: Array = variances[:, :, np.newaxis] * np.eye(variances.shape[1])
        return matrices if shape[0] == len(variances) else np.asarray(matrices.sum(axis=0, keepdims=True))
    return np.asarray((variances if plan.structure.n_axes else variances.sum(axis=1)).reshape(shape))


def _shares(
    start: Partition | Centers | Responsibilities | Memberships,
    first: int,
    z: Array,
    seen: NDArray[np.bool_],
    means: Array,
    units: Array,
) -> Array:
    """Return memberships (n, K) of rows from `first` on, z (n, D) in `units` about `means`, 0 where not `seen`."""
    if isinstance(start, Centers):
        # k-means has one unit for all features.
        largest = units.max()
        centers, z = (start.means - means) / largest, z * (units / largest)
        labels = np.argmin(seen @ (centers * centers).T - 2.0 * (z @ centers.T), axis=1)
        return np.asarray(np.equal.outer(labels, np.arange(len(centers))), np.float64)
    if isinstance(start, Partition):
        labels = start.labels[first : first + len(z)]
        return np.asarray(np.equal.outer(labels, np.arange(int(start.labels.max()) + 1)), np.float64)
    return np.asarray(start(first, first + len(z)), np.float64)
