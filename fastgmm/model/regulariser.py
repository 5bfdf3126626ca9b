"""What keeps covariances from vanishing: a ridge under all of them, or a floor that most of them never meet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Regulariser(NamedTuple):
    """What every M step does to covariances, in the squared units of the data.

    Attributes
    ----------
    added : (D,) float64
        Added to the variance of each feature in every component, as ``reg_covar`` of scikit-learn is.
    floor : (D,) float64
        Covariances minus ``diag(floor)`` stay positive semidefinite: variances in every direction stay above it.
        Of one variance for all features the mean is the floor. All positive, or all zero for no floor.
    rounding : float
        The share of a component's own variances that is added to its floor: what sums over rows do not resolve.
    """

    added: Array
    floor: Array
    rounding: float = 0.0


def ridge(added: float, n_features: int) -> Regulariser:
    """Return the regulariser that adds a number to all variances."""
    return Regulariser(np.full(n_features, added), np.zeros(n_features))
