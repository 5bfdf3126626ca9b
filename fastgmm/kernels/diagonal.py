"""Diagonal covariance: two multiply-adds per row and feature for the density, two for the statistics."""

import math
from typing import Any, NamedTuple

import numpy as np

from .._jit import implements, kernel
from .blocks import STEP, lanes
from .posterior import responsibilities
from .significant import NEGLIGIBLE, significant
from .structure import (
    accumulate,
    center,
    inverse,
    log_density,
    log_weight,
    maximize,
    maximize_means,
    prepare,
    scratch_rows,
    set_unit,
    unpack,
)


class Diagonal(NamedTuple):
    """log(w phi(x)) / 2 - unit[1] / 2 = constant - sum_d (factor_d x_d + offset_d)^2.

    factors (K, D) are 1 / (2 sd); offsets (K, D) are -(mean - origin) / (2 sd); constants (K,) are
    (log w - sum_d log(sd_d / u)) / 2.
    """

    origin: Any
    means: Any
    unit: Any
    factors: Any
    offsets: Any
    constants: Any


def allocate(n_components, n_features, dtype):
    """Return an unfilled model."""
    shape = (n_components, n_features)
    return Diagonal(
        origin=np.zeros(n_features, dtype),
        means=np.zeros(shape, dtype),
        unit=np.ones(2),
        factors=np.zeros(shape, dtype),
        offsets=np.zeros(shape, dtype),
        constants=np.zeros(n_components, dtype),
    )


def sums_shape(n_components, n_features):
    """Rows of sums, and numbers in one: N_k, first moments (D), second moments (D)."""
    return n_components + 1, 1 + 2 * n_features


@implements(prepare, Diagonal)
def prepare_diagonal(model, weights, means, covariances):
    """See ``structure``; `covariances` are variances (K, D)."""
    center(model, means)
    for k in range(means.shape[0]):
        constant = log_weight(weights[k])
        for d in range(means.shape[1]):
            variance = covariances[k, d]
            if not variance > 0.0:
                return k
            inverse_deviation = 1.0 / math.sqrt(variance)
            if k == 0 and d == 0:
                set_unit(model, inverse_deviation)
            factor = 0.5 * inverse_deviation
            model.factors[k, d] = factor
            model.offsets[k, d] = -factor * np.float64(model.means[k, d])
            constant += math.log(inverse_deviation * model.unit[0])
        model.constants[k] = 0.5 * constant
    return -1


@implements(scratch_rows, Diagonal)
def scratch_rows_diagonal(model):
    """Rows that count (D) and their responsibilities."""
    return model.means.shape[1] + 1


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


@implements(log_density, Diagonal)
def log_density_diagonal(model, block, scratch, half_logs):
    """See ``structure``."""
    for k in range(half_logs.shape[0]):
        less_squares(model.constants[k], model.factors[k], model.offsets[k], block, half_logs[k])


@kernel
def weighted_moments(r, block, steps, mean, first, second):
    """Add sum_b r z and sum_b r z^2, z = x - mean, over 16 `steps` lanes to `first` and `second` (D,).

    Given r (B,).
    """
    n_features = block.shape[0]
    zero = block.dtype.type(0.0)
    whole = n_features - n_features % 4
    for d in range(0, whole, 4):
        m0, m1, m2, m3 = mean[d], mean[d + 1], mean[d + 2], mean[d + 3]
        s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = zero
        for b in range(STEP * steps):
            z0, z1, z2, z3 = block[d, b] - m0, block[d + 1, b] - m1, block[d + 2, b] - m2, block[d + 3, b] - m3
            w0, w1, w2, w3 = r[b] * z0, r[b] * z1, r[b] * z2, r[b] * z3
            s0 += w0
            s1 += w1
            s2 += w2
            s3 += w3
            t0 += w0 * z0
            t1 += w1 * z1
            t2 += w2 * z2
            t3 += w3 * z3
        first[d] += s0
        first[d + 1] += s1
        first[d + 2] += s2
        first[d + 3] += s3
        second[d] += t0
        second[d + 1] += t1
        second[d + 2] += t2
        second[d + 3] += t3
    for d in range(whole, n_features):
        m0 = mean[d]
        s0 = t0 = zero
        for b in range(STEP * steps):
            z0 = block[d, b] - m0
            w0 = r[b] * z0
            s0 += w0
            t0 += w0 * z0
        first[d] += s0
        second[d] += t0


@implements(accumulate, Diagonal)
def accumulate_diagonal(model, block, roots, scales, scratch, index, slab):
    """See ``structure``."""
    n_features = block.shape[0]
    most = lanes(block) // 4 if n_features >= 16 else 0
    for k in range(roots.shape[0]):
        slab[k, 0] += responsibilities(roots[k], scales)
        first, second = slab[k, 1:], slab[k, 1 + n_features :]
        rows, kept, steps = significant(block, roots[k], NEGLIGIBLE * slab[k, 0], most, scratch, index)
        weighted_moments(kept, rows, steps, model.means[k], first, second)


@implements(unpack, Diagonal)
def unpack_diagonal(model, accumulator, sums, first, second):
    """See ``structure``; `second` is (K, D)."""
    n_components, n_features = first.shape
    for k in range(n_components):
        sums[k] = accumulator[k, 0]
        for d in range(n_features):
            first[k, d] = accumulator[k, 1 + d]
            second[k, d] = accumulator[k, 1 + n_features + d]


@implements(maximize, Diagonal)
def maximize_diagonal(model, sums, first, second, centers, reg_covar, weights, means, covariances):
    """See ``structure``."""
    n_components, n_features = centers.shape
    maximize_means(sums, first, centers, weights, means)
    for k in range(n_components):
        scale = inverse(sums[k])
        for d in range(n_features):
            covariances[k, d] = second[k, d] * scale - (first[k, d] * scale) ** 2 + reg_covar[d]
