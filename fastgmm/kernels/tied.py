"""Tied covariance, one matrix for all components: spherical after one whitening of the block.

The pooled second moments of a pass follow from the total scatter of the rows, which does not change between rounds
(``from_scatter``). Where that subtraction would cancel, and for the total scatter itself, the pass sums them
directly.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from .._jit import implements, kernel
from .blocks import lanes
from .cholesky import OK, cholesky, invert_lower
from .distances import squared_distances, weighted_sums
from .moments import second_moments
from .posterior import responsibilities, scale_roots, take_roots
from .significant import NEGLIGIBLE, significant
from .structure import (
    accumulate,
    center,
    first_moments,
    log_density,
    log_weight,
    maximize,
    maximize_means,
    prepare,
    scratch_rows,
    set_unit,
    unpack,
)
from .tiles import tile_4x4


class Tied(NamedTuple):
    """log(w phi(x)) / 2 = constant - |whitener x - white_mean|^2, P = D rounded up to a multiple of four.

    whitener (P, P) is A / 2 with A = L^-1 and Sigma = L L^T; white_means (K, P) are A (mean - origin) / 2; constants
    (K,) are (log w + log det u A) / 2. `direct` says whether a pass sums second moments.
    """

    origin: Any
    means: Any
    unit: Any
    whitener: Any
    white_means: Any
    constants: Any
    direct: bool


def allocate(n_components, n_features, dtype, direct=True):
    """Return an unfilled model."""
    size = -(-n_features // 4) * 4
    return Tied(
        origin=np.zeros(n_features, dtype),
        means=np.zeros((n_components, size), dtype),
        unit=np.ones(2),
        whitener=np.zeros((size, size), dtype),
        white_means=np.zeros((n_components, size), dtype),
        constants=np.zeros(n_components, dtype),
        direct=direct,
    )


def sums_shape(n_components, n_features):
    """Rows of sums, and numbers in one: N_k, first moments; below the log-likelihood the pooled moments (P, P)."""
    size = -(-n_features // 4) * 4
    return n_components + 1 + size, 1 + size


@implements(prepare, Tied)
def prepare_tied(model, weights, means, covariances):
    """See ``structure``; `covariances` is (D, D), and a failure is component 0's."""
    n_components, n_features = means.shape
    center(model, means)
    factor = np.empty((n_features, n_features), covariances.dtype)
    inverse_factor = np.empty((n_features, n_features), covariances.dtype)
    if cholesky(covariances, factor) != OK:
        return 0
    invert_lower(factor, inverse_factor)
    set_unit(model, inverse_factor[0, 0])
    constant = 0.0
    for i in range(n_features):
        constant += math.log(inverse_factor[i, i] * model.unit[0])
        for j in range(i + 1):
            model.whitener[i, j] = 0.5 * inverse_factor[i, j]
    for k in range(n_components):
        model.constants[k] = 0.5 * (log_weight(weights[k]) + constant)
        for i in range(n_features):
            value = 0.0
            for j in range(i + 1):
                value += 0.5 * inverse_factor[i, j] * np.float64(model.means[k, j])
            model.white_means[k, i] = value
    return -1


@implements(scratch_rows, Tied)
def scratch_rows_tied(model):
    """Whitened rows, later scaled rows (P); rows that count (P) and their values."""
    return 2 * model.means.shape[1] + 1


@kernel
def whiten(whitener, block, white):
    """Write ``whitener @ block`` into `white` (P, B); the whitener is lower triangular with zeros above."""
    for j in range(0, whitener.shape[0], 4):
        rows = white[j : j + 4]
        rows[:, :] = white.dtype.type(0.0)
        for d in range(0, j + 4, 4):
            tile_4x4(whitener, j, d, block, rows)


@implements(log_density, Tied)
def log_density_tied(model, block, scratch, half_logs):
    """See ``structure``."""
    whiten(model.whitener, block, scratch)
    n_components, n_features = half_logs.shape[0], model.origin.shape[0]
    for first in range(0, n_components, 2):
        squared_distances(scratch, model.white_means[first : first + 2], n_features, half_logs[first:])
        for k in range(first, min(first + 2, n_components)):
            constant = model.constants[k]
            for b in range(lanes(block)):
                half_logs[k, b] = constant - half_logs[k, b]


@implements(accumulate, Tied)
def accumulate_tied(model, block, roots, scales, scratch, index, slab):
    """See ``structure``."""
    n_components, size = model.means.shape
    most = lanes(block) // 4 if size >= 16 else 0
    pooled = slab[n_components + 1 :].reshape(-1)
    if model.direct:
        take_roots(scales)
    for k in range(n_components):
        if model.direct:
            slab[k, 0] += scale_roots(roots[k], scales)
            floor = math.sqrt(NEGLIGIBLE * slab[k, 0])
            rows, kept, steps = significant(block, roots[k], floor, most, scratch[size:], index)
            first_moments(kept, rows, steps, model.means[k], scratch, slab[k, 1:])
            second_moments(scratch, steps, size, slab.shape[1], pooled)
        else:
            total = responsibilities(roots[k], scales)
            slab[k, 0] += total
            rows, kept, steps = significant(block, roots[k], NEGLIGIBLE * slab[k, 0], most, scratch[size:], index)
            weighted_sums(kept, rows, steps, model.means[k], total, slab[k, 1 : 1 + model.origin.shape[0]])


@implements(unpack, Tied)
def unpack_tied(model, accumulator, sums, first, second):
    """See ``structure``; `second` is (D, D), the sum over components, 0 if the model is not `direct`."""
    n_components, n_features = first.shape
    for k in range(n_components):
        sums[k] = accumulator[k, 0]
        for i in range(n_features):
            first[k, i] = accumulator[k, 1 + i]
    for i in range(n_features):
        for j in range(i + 1):
            second[i, j] = accumulator[n_components + 1 + i, j]
            second[j, i] = second[i, j]


@implements(maximize, Tied)
def maximize_tied(model, sums, first, second, centers, reg_covar, weights, means, covariances):
    """See ``structure``: one covariance, weighted by N_k."""
    n_components, n_features = centers.shape
    maximize_means(sums, first, centers, weights, means)
    total = 0.0
    for k in range(n_components):
        total += sums[k]
    for i in range(n_features):
        for j in range(i + 1):
            value = second[i, j]
            for k in range(n_components):
                value -= first[k, i] * (means[k, j] - centers[k, j])
            covariances[i, j] = value / total
            covariances[j, i] = covariances[i, j]
        covariances[i, i] += reg_covar[i]


def from_scatter(scatter, grand_mean, sums, first, centers, dtype):
    """Pooled second moments about the `centers` (K, D) from the total `scatter` (D, D) about `grand_mean` (D,).

    With e_k = centers_k - grand_mean,

        sum_ik r z z^T = scatter - sum_k (N_k e e^T + first_k e^T + e first_k^T).

    Returns None where the subtraction loses more than six of a double's digits in a feature, or two of the seven that
    sums over blocks of float32 `dtype` have.
    """
    offset = centers - grand_mean
    cross = first.T @ offset
    pooled = scatter - ((sums[:, np.newaxis] * offset).T @ offset + cross + cross.T)
    least = 1e-6 if dtype == np.float64 else 1e-2
    if (np.diagonal(pooled) <= least * np.diagonal(scatter)).any():
        return None
    return pooled
