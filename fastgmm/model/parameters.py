"""The parameters of a mixture as plain data, which loops pass around; what a user holds is a `fastgmm.Mixture`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .structures import STRUCTURES, Structure

Array = NDArray[np.float64]


class Parameters(NamedTuple):
    """Parameters of a Gaussian mixture, unchecked; ``fastgmm.Mixture(*parameters)`` checks them.

    Attributes
    ----------
    weights : (K,) float64
        Mixing proportions; float32 where a fit to float32 rows hands them out, like the others.
    means : (K, D)
        Component means, in the units of the data.
    covariances : array
        In the squared units of the data, in the shape of the structure.
    covariance_type : str
        The covariance structure, a key of `STRUCTURES`.
    """

    weights: Array
    means: Array
    covariances: Array
    covariance_type: str

    @property
    def n_components(self) -> int:
        """Number of components, K."""
        return len(self.means)

    @property
    def n_features(self) -> int:
        """Number of features, D."""
        return int(self.means.shape[1])

    @property
    def structure(self) -> Structure:
        """The row of the table of structures."""
        return STRUCTURES[self.covariance_type]

    def components(self, chosen: Sequence[int] | NDArray[np.int64], weights: Array) -> Parameters:
        """Return the parameters of the `chosen` components with other `weights`."""
        covariances = self.covariances if self.structure.shared else self.covariances[chosen]
        return Parameters(weights, self.means[chosen], covariances, self.covariance_type)


def names_or_numbers(feature_names: Sequence[str] | None, n_features: int) -> tuple[str, ...]:
    """Return one name per feature: x0, x1, ... where they have none."""
    return tuple(feature_names or (f"x{feature}" for feature in range(n_features)))
