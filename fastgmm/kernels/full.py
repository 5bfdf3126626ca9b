"""Full covariance, any D: the products run as the register tiles of ``tiles.py`` and ``moments.py``."""

import math
from typing import Any, NamedTuple

import numpy as np

from .._jit import exact, implements
from .blocks import lanes
from .cholesky import OK, cholesky, invert_lower
from .moments import second_moments
from .posterior import scale_roots, take_roots
from .significant import NEGLIGIBLE, significant
from .structure import (
    accumulate,
    center,
    first_moments,
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
from .tiles import less_distance


class Full(NamedTuple):
    """log(w phi(x)) / 2 = constant - |factor x + offset|^2, P = D rounded up to even.

    factors (K, P, P) are A / 2 with A = L^-1 and Sigma = L L^T; offsets (K, P) are -A (mean - origin) / 2;
    constants (K,) are (log w + log det u A) / 2.
    """

    origin: Any
    means: Any
    unit: Any
    factors: Any
    offsets: Any
    constants: Any


class Full1(NamedTuple):
    """`Full` for D = 1, by the kernels of ``full_small.py``."""

    origin: Any
    means: Any
    unit: Any
    factors: Any
    offsets: Any
    constants: Any


class Full2(NamedTuple):
    """`Full` for D = 2."""

    origin: Any
    means: Any
    unit: Any
    factors: Any
    offsets: Any
    constants: Any


class Full3(NamedTuple):
    """`Full` for D = 3."""

    origin: Any
    means: Any
    unit: Any
    factors: Any
    offsets: Any
    constants: Any


def allocate(n_components, n_features, dtype):
    """Return an unfilled model, the hand-written one for D up to 3."""
    size = n_features + n_features % 2
    model = {1: Full1, 2: Full2, 3: Full3}.get(n_features, Full)
    return model(
        origin=np.zeros(n_features, dtype),
        means=np.zeros((n_components, size), dtype),
        unit=np.ones(2),
        factors=np.zeros((n_components, size, size), dtype),
        offsets=np.zeros((n_components, size), dtype),
        constants=np.zeros(n_components, dtype),
    )


def sums_shape(n_components, n_features):
    """Rows of sums, and numbers in one: N_k, first moments (P), second moments (P x P, lower triangle)."""
    size = n_features + n_features % 2
    return n_components + 1, 1 + size + size * size


@implements(prepare, Full)
def prepare_full(model, weights, means, covariances):
    """See ``structure``."""
    n_components, n_features = means.shape
    center(model, means)
    factor = np.empty((n_features, n_features), covariances.dtype)
    inverse_factor = np.empty((n_features, n_features), covariances.dtype)
    for k in range(n_components):
        if cholesky(covariances[k], factor) != OK:
            return k
        invert_lower(factor, inverse_factor)
        store_component(model, k, weights[k], inverse_factor)
    return -1


@exact
def store_component(model, k, weight, inverse_factor):
    """Write component `k` into `model`, given A = L^-1 in the lower triangle of `inverse_factor` (D, D)."""
    n_features = inverse_factor.shape[0]
    if k == 0:
        set_unit(model, inverse_factor[0, 0])
    constant = log_weight(weight)
    for i in range(n_features):
        constant += math.log(inverse_factor[i, i] * model.unit[0])
        offset = 0.0
        for j in range(i + 1):
            model.factors[k, i, j] = 0.5 * inverse_factor[i, j]
            offset -= 0.5 * inverse_factor[i, j] * np.float64(model.means[k, j])
        model.offsets[k, i] = offset
    model.constants[k] = 0.5 * constant


@implements(scratch_rows, Full)
def scratch_rows_full(model):
    """Scaled rows s (P); rows that count (P) and their values, or four rows y."""
    return 2 * model.means.shape[1] + 4


@implements(log_density, Full)
def log_density_full(model, block, scratch, half_logs):
    """See ``structure``."""
    y = scratch[model.means.shape[1] :]
    for k in range(half_logs.shape[0]):
        less_distance(model.constants[k], model.factors[k], model.offsets[k], block, y, half_logs[k])


@implements(accumulate, Full)
def accumulate_full(model, block, roots, scales, scratch, index, slab):
    """See ``structure``."""
    size = model.means.shape[1]
    scaled = scratch[:size]
    take_roots(scales)
    most = lanes(block) // 2 if size >= 12 else 0
    for k in range(roots.shape[0]):
        slab[k, 0] += scale_roots(roots[k], scales)
        floor = math.sqrt(NEGLIGIBLE * slab[k, 0])
        rows, kept, steps = significant(block, roots[k], floor, most, scratch[size:], index)
        first_moments(kept, rows, steps, model.means[k], scaled, slab[k, 1:])
        second_moments(scaled, steps, size, size, slab[k, 1 + size :])


@implements(unpack, Full, Full1, Full2, Full3)
def unpack_full(model, accumulator, sums, first, second):
    """See ``structure``; `second` is (K, D, D), symmetric."""
    n_components, n_features = first.shape
    size = model.means.shape[1]
    for k in range(n_components):
        sums[k] = accumulator[k, 0]
        for i in range(n_features):
            first[k, i] = accumulator[k, 1 + i]
            for j in range(i + 1):
                second[k, i, j] = accumulator[k, 1 + size + i * size + j]
                second[k, j, i] = second[k, i, j]


@implements(maximize, Full, Full1, Full2, Full3)
def maximize_full(model, sums, first, second, centers, reg_covar, weights, means, covariances):
    """See ``structure``."""
    n_components, n_features = centers.shape
    maximize_means(sums, first, centers, weights, means)
    for k in range(n_components):
        scale = inverse(sums[k])
        for i in range(n_features):
            for j in range(i + 1):
                value = second[k, i, j] * scale - (first[k, i] * scale) * (first[k, j] * scale)
                covariances[k, i, j] = value
                covariances[k, j, i] = value
            covariances[k, i, i] += reg_covar[i]
