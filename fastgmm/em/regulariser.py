"""What keeps covariances from vanishing: a number added to all of them, or a floor far below healthy ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels.moments.columns import share_of_variances
from ..model.parameters import Parameters
from ..model.regulariser import Regulariser, ridge
from ..rows.source import Source

Array = NDArray[np.float64]

# Of a feature's variance over all rows. So a standard deviation may be a millionth of that of all rows before the
# floor acts: two clusters 1e5 of their own apart, or a row a million away, leave the others as they are; and what
# rounding does to a sum of squares, 1e-16 of the largest, is a thousandth of it.
FLOOR_SHARE = 1e-12
# Of a component's own variances: for each feature in double, because that is what a factorisation rounds; rows in
# single precision are summed in it within a block.
ROUNDING, ROUNDING_SINGLE = 2.0**-48, 1e-6
# What a component that starts as a single row has for a variance: sharp, so that it takes the rows that are nearest.
START_SHARE = 1e-6
# No smaller regulariser has a reciprocal that leaves room for sums.
LEAST = 1e-290


def regularisation(reg_covar: float | str, source: Source) -> Regulariser:
    """Return the regulariser of a fit: a number is added to variances, "auto" is a floor.

    The floor is `FLOOR_SHARE` of each feature's variance over all rows, and the square of two units in the last place
    of its mean. A constant feature, or one whose variance underflows, takes the smallest variance of the others;
    without others the square of the largest mean; and for rows of zeros 1.
    """
    if not isinstance(reg_covar, str):
        return ridge(reg_covar, source.n_features)
    # Far from zero the values themselves are rounded to more than that.
    double = source.dtype == np.float64
    last_places = source.moments().means * (2.0**-51 if double else 2.0**-22)
    floor = _share(FLOOR_SHARE, source) + last_places * last_places
    rounding = ROUNDING * source.n_features if double else ROUNDING_SINGLE
    return Regulariser(np.zeros(source.n_features), floor, rounding)


def of_single_rows(regulariser: Regulariser, source: Source) -> Regulariser:
    """Return what components that start as a single row each get: the number, or `START_SHARE` of the variances."""
    if not regulariser.floor[0] > 0.0:
        return regulariser
    return Regulariser(_share(START_SHARE, source), np.zeros(source.n_features))


def _share(share: float, source: Source) -> Array:
    columns, out = source.moments(), np.empty(source.n_features)
    share_of_variances(columns.means, columns.deviations, share, LEAST, out)
    return out


def widened_by_rounding(parameters: Parameters) -> Parameters:
    """Return `parameters` with variances larger by the square of two units in the last place of the means."""
    added = (2.0 * np.finfo(np.float64).eps * parameters.means) ** 2
    return parameters._replace(covariances=parameters.structure.add_variances(parameters.covariances, added))
