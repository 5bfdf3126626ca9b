"""Moments and variances along turned axes, and volumes to go on from: for ``own_axes.py`` and ``shared_axes.py``."""

import math

from ...._numba.options import part
from ...._numba.pointers import view
from ....kernels.slots import ROUNDING
from ....kernels.work import STATE
from .common import inverse, moments_of
from .held import ALMOST, HIDDEN
from .values import fit_values

# Binary orders of magnitude between floors of standard deviations that are no longer of one kind: a thousand.
APART = 10


@part
def set_units(context, is_free, units):
    """Let all features have one floor, because axes are turned and compared: in `units` (D,) the mean of the floors.

    A structure that `is_free` of units, such as one shape and axes for all, has powers of two for units where floors
    are `APART`: their mean would hold up every component in the features that vary least. Else they are 1.
    """
    floor = view(context, STATE).floor
    first, total, is_level = exponent_of(floor[0]), 0.0, True
    lowest = highest = first
    for d in range(floor.shape[0]):
        lowest, highest = min(lowest, exponent_of(floor[d])), max(highest, exponent_of(floor[d]))
    for d in range(floor.shape[0]):
        units[d] = math.ldexp(1.0, exponent_of(floor[d]) - first) if is_free and highest - lowest >= APART else 1.0
        total += floor[d] / units[d] / units[d]
        is_level = is_level and floor[d] / units[d] / units[d] == floor[0]
    for d in range(floor.shape[0]):
        floor[d] = (floor[0] if is_level else total / floor.shape[0]) * units[d] * units[d]


@part
def exponent_of(floor):
    """Return the binary exponent of the root of a floor; it is still that of the mean in units of it."""
    _, exponent = math.frexp(math.sqrt(floor))
    return exponent


@part
def rescale(matrix, units, into):
    """Take a `matrix` (D, D) `into` units of the features, or out of them."""
    for i in range(units.shape[0]):
        for j in range(units.shape[0]):
            if into:
                matrix[i, j] = matrix[i, j] / units[i] / units[j]
            else:
                matrix[i, j] = matrix[i, j] * units[i] * units[j]


@part
def scaled_moments_of(context, k, units, out):
    """Write S_k, see this folder's docstring, in `units` of the features into `out` (D, D)."""
    moments_of(context, k, out)
    rescale(out, units, True)


@part
def hide(context, k, units, share):
    """Write what rounding hides of the variance of each feature of component `k`, in `units`, into `share` (D,)."""
    state = view(context, STATE)
    scale = inverse(state.sums[k])
    for d in range(share.shape[0]):
        shift = state.first[k, d] * scale
        variance = max(state.second[k, d, d] * scale - shift * shift, 0.0) + state.added[d]
        share[d] = HIDDEN * state.numbers[ROUNDING] * (variance / units[d] / units[d])


@part
def bound(context, k, axes, share, fit):
    """Complete a `fit` that has the moments of component `k` along `axes`: none is negative, and the least values.

    The floor is that of the first feature, whose unit is 1. Of an axis is hidden the `share` of each feature (D,) by
    its part in it: of an axis that is a feature that of its own.
    """
    state = view(context, STATE)
    moments, least, hidden, _, _ = fit
    for i in range(share.shape[0]):
        total = 0.0
        for d in range(share.shape[0]):
            total += axes[i, d] * axes[i, d] * share[d]
        hidden[k, i] = total
        moments[k, i] = max(moments[k, i], 0.0)
        least[k, i] = ALMOST * state.floor[0] + total


@part
def take_volumes(context, volumes):
    """Write the traces of the covariances into `volumes` (K,), in units of the first."""
    covariances = view(context, STATE).covariances
    for k in range(volumes.shape[0]):
        volumes[k] = 0.0
        for d in range(covariances.shape[1]):
            volumes[k] += covariances[k, d, d]
    unit = volumes[0]
    for k in range(volumes.shape[0]):
        volumes[k] /= unit


@part
def fit_along(context, fit, equal_volume, equal_shape):
    """Write the variances along axes, and the volumes, of a `fit`, see ``values.empty_fit``."""
    state = view(context, STATE)
    moments, least, hidden, values, volumes = fit
    fit_values(state.sums, moments, least, hidden, equal_volume, equal_shape, volumes, values)
