"""Moments and variances along turned axes, and volumes to go on from: for ``own_axes.py`` and ``shared_axes.py``."""

from ...._numba.options import part
from ...._numba.pointers import view
from ....kernels.slots import ROUNDING
from ....kernels.work import STATE
from .held import ALMOST, HIDDEN
from .values import fit_values


@part
def take_moments(context, matrix, k, moments, least):
    """Write the diagonal of `matrix` and what its variances are not to fall below into row `k` of both (K, D)."""
    state = view(context, STATE)
    n, average = matrix.shape[0], 0.0
    for i in range(n):
        moments[k, i] = max(matrix[i, i], 0.0)
        average += moments[k, i] / n
    for i in range(n):
        least[k, i] = ALMOST * state.floor[i] + HIDDEN * state.numbers[ROUNDING] * average


@part
def level_floor(context):
    """Let all features have the mean of the floors, because axes are turned and compared with each other."""
    floor = view(context, STATE).floor
    total, is_level = 0.0, True
    for d in range(floor.shape[0]):
        total += floor[d]
        is_level = is_level and floor[d] == floor[0]
    for d in range(floor.shape[0]):
        floor[d] = floor[0] if is_level else total / floor.shape[0]


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
    moments, least, values, volumes = fit
    hidden = HIDDEN * state.numbers[ROUNDING]
    fit_values(state.sums, moments, least, hidden, equal_volume, equal_shape, volumes, values)
