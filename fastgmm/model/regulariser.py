"""What keeps covariances from vanishing: a ridge under all of them, or a floor that most of them never meet."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Of a component's own variances: for each feature in double, because that is what a factorisation rounds; rows in
# single precision are summed in it within a block.
ROUNDING, ROUNDING_SINGLE = 2.0**-48, 1e-6


class Regulariser(NamedTuple):
    """What every M step does to covariances, in the squared units of the data.

    Attributes
    ----------
    added : (D,) float64
        Added to the variance of each feature in every component, as ``reg_covar`` of scikit-learn is; where
        components have something in common to their moments, before that is found.
    floor : (D,) float64
        Covariances minus ``diag(floor)`` stay positive semidefinite: variances in every direction stay above it.
        Of one variance for all features, and of turned axes, the mean is the floor. All positive, or all zero for
        no floor.
    rounding : float
        The share of a component's own variances that is added to its floor: what sums over rows do not resolve.
    """

    added: Array
    floor: Array
    rounding: float = 0.0


def rounding_of(dtype: Any, n_features: int) -> float:
    """Return the share of a component's own variances that sums over rows of a dtype do not resolve."""
    return ROUNDING * n_features if dtype == np.float64 else ROUNDING_SINGLE


def last_place(dtype: Any) -> float:
    """Return two units in the last place of a number of a dtype, as a share of it."""
    return 2.0**-51 if dtype == np.float64 else 2.0**-22


def ridge(added: float, n_features: int) -> Regulariser:
    """Return the regulariser that adds a number to all variances."""
    return Regulariser(np.full(n_features, added), np.zeros(n_features))
