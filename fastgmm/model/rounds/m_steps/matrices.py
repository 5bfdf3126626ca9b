"""Moments along turned axes, and volumes to go on from: for ``own_axes.py`` and ``shared_axes.py``."""

from ...._numba.options import part
from ...._numba.pointers import view
from ....kernels.slots import ROUNDING
from ....kernels.work import STATE
from .common import inverse
from .held import ALMOST, HIDDEN


@part
def moments_of(context, k, out):
    """Write S_k into `out` (D, D), see this folder's docstring."""
    state = view(context, STATE)
    scale, moments, shift = inverse(state.sums[k]), state.second[k], state.first[k]
    for i in range(out.shape[0]):
        for j in range(i + 1):
            out[i, j] = moments[i, j] * scale - (shift[i] * scale) * (shift[j] * scale)
            out[j, i] = out[i, j]
        out[i, i] += state.added[i]


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
