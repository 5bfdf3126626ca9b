"""Diagonal covariance: two multiply-adds per row and feature for the density."""

import math
from typing import Any, NamedTuple

from ..._numba.options import exact_task, implements, kernel
from ..._numba.pointers import view
from ..._numba.width import tile_vectors
from ..blocks.ahead import fetch
from ..sizes import lanes
from ..work import MODEL, OK, STATE
from .floor import variances_against_floor
from .kinds import log_density, log_weight


class DiagonalDensity(NamedTuple):
    """log(w phi(x)) / 2 - unit[1] / 2 = constant - sum_d (factor_d x_d + offset_d)^2.

    factors (K, 1, D) are 1 / (2 sd); offsets (K, D) are -(mean - origin) / (2 sd); constants (K,) are
    (log w - sum_d log(sd_d / u)) / 2.
    """

    factors: Any
    offsets: Any
    constants: Any


def diagonal_shape(n_components, n_features):
    """Rows of a block, and the shapes of factors and offsets."""
    return n_features, (n_components, 1, n_features), (n_components, n_features)


@exact_task
def prepare_diagonal(context, worker, first, end):
    """Task, see ``kinds``."""
    model, state = view(context, MODEL), view(context, STATE)
    code = OK
    for k in range(first, end):
        code = variances_against_floor(context, k, code)
        if code != OK:
            continue
        constant = log_weight(state.weights[k])
        for d in range(model.scales.shape[0]):
            inverse_deviation = 1.0 / math.sqrt(state.covariances[k, 0, d])
            factor = 0.5 * inverse_deviation / float(model.scales[d])
            model.factors[k, 0, d] = factor
            model.offsets[k, d] = -factor * float(model.means[k, d])
            constant += math.log(inverse_deviation * model.unit[0])
        model.constants[k] = 0.5 * constant
    return code


@kernel
def less_squares(constant, factor, offset, block, out):
    """Write ``constant - sum_d (factor[d] x[d] + offset[d])^2`` of each lane into `out` (B,)."""
    n_features = block.shape[0]
    whole = n_features - n_features % 4
    for b in range(lanes(block)):
        out[b] = constant
    for d in range(0, whole, 4):
        a0, a1, a2, a3 = factor[d], factor[d + 1], factor[d + 2], factor[d + 3]
        c0, c1, c2, c3 = offset[d], offset[d + 1], offset[d + 2], offset[d + 3]
        for b in range(lanes(block)):
            y0 = c0 + a0 * block[d, b]
            y1 = c1 + a1 * block[d + 1, b]
            y2 = c2 + a2 * block[d + 2, b]
            y3 = c3 + a3 * block[d + 3, b]
            out[b] -= (y0 * y0 + y1 * y1) + (y2 * y2 + y3 * y3)
    for d in range(whole, n_features):
        a0, c0 = factor[d], offset[d]
        for b in range(lanes(block)):
            y0 = c0 + a0 * block[d, b]
            out[b] -= y0 * y0


@kernel
def less_squares_of_two(constants, factors, offsets, block, out, other_out):
    """Do what `less_squares` does for two, by ``constants[:2]``, ``factors[:2, 0]`` and ``offsets[:2]``."""
    n_features = block.shape[0]
    whole = n_features - n_features % 4
    constant, other_constant = constants[0], constants[1]
    for b in range(lanes(block)):
        out[b] = constant
        other_out[b] = other_constant
    for d in range(0, whole, 4):
        a0, a1, a2, a3 = factors[0, 0, d], factors[0, 0, d + 1], factors[0, 0, d + 2], factors[0, 0, d + 3]
        c0, c1, c2, c3 = offsets[0, d], offsets[0, d + 1], offsets[0, d + 2], offsets[0, d + 3]
        p0, p1, p2, p3 = factors[1, 0, d], factors[1, 0, d + 1], factors[1, 0, d + 2], factors[1, 0, d + 3]
        q0, q1, q2, q3 = offsets[1, d], offsets[1, d + 1], offsets[1, d + 2], offsets[1, d + 3]
        for b in range(lanes(block)):
            x0, x1, x2, x3 = block[d, b], block[d + 1, b], block[d + 2, b], block[d + 3, b]
            y0, y1, y2, y3 = c0 + a0 * x0, c1 + a1 * x1, c2 + a2 * x2, c3 + a3 * x3
            z0, z1, z2, z3 = q0 + p0 * x0, q1 + p1 * x1, q2 + p2 * x2, q3 + p3 * x3
            out[b] -= (y0 * y0 + y1 * y1) + (y2 * y2 + y3 * y3)
            other_out[b] -= (z0 * z0 + z1 * z1) + (z2 * z2 + z3 * z3)
    for d in range(whole, n_features):
        a0, c0, p0, q0 = factors[0, 0, d], offsets[0, d], factors[1, 0, d], offsets[1, d]
        for b in range(lanes(block)):
            y0, z0 = c0 + a0 * block[d, b], q0 + p0 * block[d, b]
            out[b] -= y0 * y0
            other_out[b] -= z0 * z0


@implements(log_density, DiagonalDensity)
def log_density_diagonal(density, block, spare, half_logs, ahead):
    """See ``kinds``."""
    tile_vectors()
    if block.shape[1] != lanes(block) or half_logs.shape[1] != lanes(block):  # as in ``moments/full.py``
        return
    constants, factors, offsets = density.constants, density.factors, density.offsets
    n_components = half_logs.shape[0]
    # Where the block has left the first-level cache two share what is loaded of it: at D = 64 a round took 0.62 to
    # 0.88 of the processor time (a Zen 5, busy with other work besides), at D = 8 and 16 1.05 to 1.1.
    alone = n_components % 2 if block.shape[0] >= 32 else n_components
    for k in range(alone):
        fetch(ahead, k)
        less_squares(constants[k], factors[k, 0], offsets[k], block, half_logs[k])
    for k in range(alone, n_components, 2):
        fetch(ahead, k)
        fetch(ahead, k + 1)
        less_squares_of_two(constants[k:], factors[k:], offsets[k:], block, half_logs[k], half_logs[k + 1])
