"""What keeps covariances from vanishing: a number added to all of them, or a floor far below healthy ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels.moments.columns import floor_of, share_of_variances
from ..model.parameters import Parameters
from ..model.regulariser import Regulariser, last_place, ridge, rounding_of
from ..rows.source import Source

Array = NDArray[np.float64]

# What a component that starts as a single row has for a variance: sharp, so that it takes the rows that are nearest.
START_SHARE = 1e-6


def regularisation(reg_covar: float | str, source: Source) -> Regulariser:
    """Return the regulariser of a fit: a number is added to variances, "auto" is a floor.

    The floor is `FLOOR_SHARE` of each feature's variance over all rows, and the square of two units in the last place
    of its mean; see `share_of_variances` for features without variance.
    """
    if not isinstance(reg_covar, str):
        return ridge(reg_covar, source.n_features)
    columns, floor = source.moments(), np.empty(source.n_features)
    floor_of(columns.means, columns.deviations, last_place(source.dtype), floor)
    return Regulariser(np.zeros(source.n_features), floor, rounding_of(source.dtype, source.n_features))


def of_single_rows(regulariser: Regulariser, source: Source) -> Regulariser:
    """Return what components that start as a single row each get: the number, or `START_SHARE` of the variances."""
    if not regulariser.floor[0] > 0.0:
        return regulariser
    columns, added = source.moments(), np.empty(source.n_features)
    share_of_variances(columns.means, columns.deviations, START_SHARE, added)
    return Regulariser(added, np.zeros(source.n_features))


def widened_by_rounding(parameters: Parameters) -> Parameters:
    """Return `parameters` with variances larger by the square of two units in the last place of the means."""
    added = (2.0 * np.finfo(np.float64).eps * parameters.means) ** 2
    return parameters._replace(covariances=parameters.structure.add_variances(parameters.covariances, added))
