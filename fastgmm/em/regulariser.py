"""What is added to the diagonal of every covariance: a number, or a share of the variance of each feature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels.moments.columns import mark_held_up, share_of_variances
from ..model.parameters import Parameters
from ..rows.source import Source

Array = NDArray[np.float64]

# Of a feature's variance: on standardised features what scikit-learn's default adds.
SHARE = 1e-6
# No smaller regulariser has a reciprocal that leaves room for sums.
LEAST = 1e-290


def regularisation(reg_covar: float | str, source: Source) -> Array:
    """Return what is added to the variance of each feature, (D,).

    "auto" is `SHARE` of each feature's variance. A constant feature, or one whose variance underflows, takes the
    smallest variance of the others; without others the square of the largest mean; and for rows of zeros 1.
    """
    if not isinstance(reg_covar, str):
        return np.full(source.n_features, reg_covar)
    columns, added = source.moments(), np.empty(source.n_features)
    share_of_variances(columns.means, columns.deviations, SHARE, LEAST, added)
    return added


def widened_by_rounding(parameters: Parameters) -> Parameters:
    """Return `parameters` with variances larger by the square of two units in the last place of the means."""
    added = (2.0 * np.finfo(np.float64).eps * parameters.means) ** 2
    return parameters._replace(covariances=parameters.structure.add_variances(parameters.covariances, added))


def degenerate_components(parameters: Parameters, added: Array) -> tuple[int, ...]:
    """Return the components without weight, or with a variance of which at least half is the regulariser."""
    structure = parameters.structure
    if structure.n_axes == 0:
        added = added.mean(keepdims=True)
    covariances = parameters.covariances.reshape(structure.core(*parameters.means.shape))
    held_up = np.empty(parameters.n_components, np.bool_)
    if not mark_held_up(parameters.weights, parameters.means, covariances, added, held_up):
        return ()
    return tuple(np.flatnonzero(held_up).tolist())
