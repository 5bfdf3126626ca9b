"""Spherical covariance, one variance a component: distances, first moments, and sum_b r |z|^2."""

import math
from typing import Any, NamedTuple

import numpy as np

from .._jit import implements
from .blocks import lanes
from .distances import squared_distances, weighted_sums
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


class Spherical(NamedTuple):
    """log(w phi(x)) / 2 - unit[1] / 2 = constant - scale |x - mean|^2.

    scales (K,) are 1 / (4 variance); constants (K,) are (log w - D log(sd / u)) / 2.
    """

    origin: Any
    means: Any
    unit: Any
    scales: Any
    constants: Any


def allocate(n_components, n_features, dtype):
    """Return an unfilled model."""
    return Spherical(
        origin=np.zeros(n_features, dtype),
        means=np.zeros((n_components, n_features), dtype),
        unit=np.ones(2),
        scales=np.zeros(n_components, dtype),
        constants=np.zeros(n_components, dtype),
    )


def sums_shape(n_components, n_features):
    """Rows of sums, and numbers in one: N_k, first moments (D), sum r |z|^2."""
    return n_components + 1, 2 + n_features


@implements(prepare, Spherical)
def prepare_spherical(model, weights, means, covariances):
    """See ``structure``; `covariances` are variances (K,)."""
    center(model, means)
    for k in range(means.shape[0]):
        variance = covariances[k]
        if not variance > 0.0:
            return k
        model.scales[k] = 0.25 / variance
        inverse_deviation = 1.0 / math.sqrt(variance)
        if k == 0:
            set_unit(model, inverse_deviation)
        logarithm = math.log(inverse_deviation * model.unit[0])
        model.constants[k] = 0.5 * (log_weight(weights[k]) + means.shape[1] * logarithm)
    return -1


@implements(scratch_rows, Spherical)
def scratch_rows_spherical(model):
    """Distances (K), which the statistics use again; rows that count (D) and their responsibilities."""
    return model.means.shape[0] + model.means.shape[1] + 1


@implements(log_density, Spherical)
def log_density_spherical(model, block, scratch, half_logs):
    """See ``structure``."""
    n_components = half_logs.shape[0]
    for first in range(0, n_components, 2):
        squared_distances(block, model.means[first : first + 2], block.shape[0], scratch[first:])
        for k in range(first, min(first + 2, n_components)):
            constant, scale = model.constants[k], model.scales[k]
            for b in range(lanes(block)):
                half_logs[k, b] = constant - scale * scratch[k, b]


@implements(accumulate, Spherical)
def accumulate_spherical(model, block, roots, scales, scratch, index, slab):
    """See ``structure``."""
    n_components, n_features = roots.shape[0], block.shape[0]
    most = lanes(block) // 4 if n_features >= 16 else 0
    for k in range(n_components):
        total = second = block.dtype.type(0.0)
        for b in range(lanes(block)):
            r = roots[k, b] * roots[k, b] * scales[b]
            roots[k, b] = r
            total += r
            second += r * scratch[k, b]
        slab[k, 0] += total
        slab[k, 1 + n_features] += second
        rows, kept, steps = significant(block, roots[k], NEGLIGIBLE * slab[k, 0], most, scratch[n_components:], index)
        weighted_sums(kept, rows, steps, model.means[k], total, slab[k, 1 : 1 + n_features])


@implements(unpack, Spherical)
def unpack_spherical(model, accumulator, sums, first, second):
    """See ``structure``; `second` is (K,), sum r |z|^2."""
    n_components, n_features = first.shape
    for k in range(n_components):
        sums[k] = accumulator[k, 0]
        second[k] = accumulator[k, 1 + n_features]
        for d in range(n_features):
            first[k, d] = accumulator[k, 1 + d]


@implements(maximize, Spherical)
def maximize_spherical(model, sums, first, second, centers, reg_covar, weights, means, covariances):
    """See ``structure``: the variance is the mean over features of the diagonal."""
    n_components, n_features = centers.shape
    maximize_means(sums, first, centers, weights, means)
    for k in range(n_components):
        scale = inverse(sums[k])
        value = second[k] * scale
        for d in range(n_features):
            value += reg_covar[d] - (first[k, d] * scale) ** 2
        covariances[k] = value / n_features
