"""One covariance for all components: spherical after one whitening of the block."""

import math
from typing import Any, NamedTuple

from ..._numba.options import entry, exact_task, implements, kernel
from ..._numba.pointers import view
from ..._numba.width import tile_vectors
from ..primitives.cholesky import NOT_POSITIVE_DEFINITE, cholesky, invert_lower
from ..primitives.distances import GROUP, distances_of_group
from ..primitives.tiles import set_4x4, tile_4x4
from ..sizes import lanes
from ..work import MODEL, OK, SCRATCH, STATE, ZERO
from .floor import against_floor
from .kinds import log_density, log_weight


class WhitenedDensity(NamedTuple):
    """log(w phi(x)) / 2 = constant - |factor x - offset|^2, P = D rounded up to a multiple of four.

    factors (1, P, P) are A / 2 with A = L^-1 and Sigma = L L^T; offsets (K, P) are A (mean - origin) / 2; constants
    (K,) are (log w + log det u A) / 2. `scales` (D,) tell D.
    """

    factors: Any
    offsets: Any
    constants: Any
    scales: Any


def whitened_shape(n_components, n_features):
    """Rows of a block, and the shapes of factors and offsets."""
    size = -(-n_features // 4) * 4
    return size, (1, size, size), (n_components, size)


def whitened_spare(n_components, n_features):
    """Rows of scratch: whitened rows (P)."""
    return -(-n_features // 4) * 4


@entry
def whiten_means(inverse_factor, means, out):
    """Write A mean / 2 of each of `means` (K, P) into `out` (K, P), A (D, D) lower triangular, for one thread.

    Components by pairs, the last with itself where K is odd, which read A once: 14 us at K = 64, D = 64, and 19 one
    by one.
    """
    last = means.shape[0] - 1
    for k in range(0, last + 1, 2):
        mean, next_mean = means[k], means[min(k + 1, last)]
        white, next_white = out[k], out[min(k + 1, last)]
        for i in range(inverse_factor.shape[0]):
            row = inverse_factor[i]
            value, next_value = 0.0, 0.0
            for j in range(i + 1):
                value += row[j] * float(mean[j])
                next_value += row[j] * float(next_mean[j])
            white[i] = 0.5 * value
            next_white[i] = 0.5 * next_value


@exact_task
def prepare_whitened(context, worker, first, end):
    """Task of one item, see ``kinds``; a failure is component 0's."""
    model, state, scratch = view(context, MODEL), view(context, STATE), view(context, SCRATCH)
    n_features = model.scales.shape[0]
    factor, inverse_factor = scratch.matrices[worker, 0], scratch.matrices[worker, 1]
    definite = cholesky(state.covariances[0], factor) != NOT_POSITIVE_DEFINITE
    if definite:
        invert_lower(factor, inverse_factor)
    code = against_floor(context, ZERO, definite, inverse_factor, OK)
    if not definite:
        return code
    constant = 0.0
    for i in range(n_features):
        constant += math.log(inverse_factor[i, i] * model.unit[0])
        for j in range(i + 1):
            inverse_factor[i, j] /= float(model.scales[j])
            model.factors[0, i, j] = 0.5 * inverse_factor[i, j]
    for k in range(state.weights.shape[0]):
        model.constants[k] = 0.5 * (log_weight(state.weights[k]) + constant)
    whiten_means(inverse_factor, model.means, model.offsets)
    return code


@kernel
def whiten(whitener, block, white):
    """Write ``whitener @ block`` into `white` (P, B); the whitener is lower triangular with zeros above."""
    for j in range(0, whitener.shape[0], 4):
        rows = white[j : j + 4]
        set_4x4(whitener, j, block, rows)
        for d in range(4, j + 4, 4):
            tile_4x4(whitener, j, d, block, rows)


@implements(log_density, WhitenedDensity)
def log_density_whitened(density, block, spare, half_logs, ahead):
    """See ``kinds``."""
    tile_vectors()
    whiten(density.factors[0], block, spare)
    n_components, n_features = half_logs.shape[0], density.scales.shape[0]
    for first in range(0, n_components, GROUP):
        last = min(first + GROUP, n_components)
        distances_of_group(spare, density.offsets[first:last], n_features, half_logs[first:])
        for k in range(first, last):
            constant = density.constants[k]
            for b in range(lanes(block)):
                half_logs[k, b] = constant - half_logs[k, b]
