"""Full covariance, any D: the products run as the register tiles of ``tiles.py``."""

import math

import numpy as np

from .._jit import driver, kernel, prange
from .blocks import LANES, fold, load_block
from .cholesky import OK, cholesky, invert_lower
from .posterior import (
    SMALLEST,
    collect,
    exponentiate,
    log_sum,
    row_maxima,
    store_labels,
    store_log_density,
    store_responsibilities,
)
from .tiles import mahalanobis, second_moments


@kernel
def prepare(weights, covariances, factors, constants):
    """See ``kernels``: A = L^-1 row by row in `factors` (K, P, P), P = D rounded up to even."""
    n_components, n_features = covariances.shape[0], covariances.shape[1]
    factor = np.empty((n_features, n_features))
    for k in range(n_components):
        if cholesky(covariances[k], factor) != OK:
            return k
        invert_lower(factor, factors[k])
        log_weight = math.log(weights[k]) if weights[k] > 0.0 else -math.inf
        constants[k] = log_weight - 0.5 * n_features * math.log(2.0 * math.pi)
        for d in range(n_features):
            constants[k] -= math.log(factor[d, d])
    return -1


@kernel
def center(block, lanes, mean, z):
    """Write ``block - mean`` into the first D rows of `z`; its padding stays zero."""
    for d in range(mean.shape[0]):
        m = mean[d]
        for b in range(lanes):
            z[d, b] = block[d, b] - m


@kernel
def log_density(block, lanes, means, factors, constants, z, y, log_joint):
    """Write ``log_joint[:, :lanes]``; `z`, `y` are scratch."""
    for k in range(means.shape[0]):
        center(block, lanes, means[k], z)
        distances = log_joint[k]
        mahalanobis(factors[k], z, lanes, y, distances)
        constant = constants[k]
        for b in range(lanes):
            distances[b] = constant - 0.5 * distances[b]


@kernel
def accumulate(block, lanes, means, exponentials, inverse_sums, z, w, slab):
    """Add the moments of the block, r = exponentials * inverse_sums, to the rows of `slab`."""
    n_components, n_features = means.shape
    size = z.shape[0]
    for k in range(n_components):
        r = exponentials[k]
        total = 0.0
        for b in range(lanes):
            r[b] *= inverse_sums[b]
            total += r[b]
        slab[k, 0] += total
        for d in range(n_features):
            m = means[k, d]
            first = 0.0
            for b in range(lanes):
                value = block[d, b] - m
                weighted = r[b] * value
                z[d, b] = value
                w[d, b] = weighted
                first += weighted
            slab[k, 1 + d] += first
        second_moments(w, z, lanes, size, slab[k, 1 + size :])


@kernel
def maximize(sums, first, second, centers, reg_covar, weights, means, covariances):
    """Carry out the M step.

    With delta = first / N_k,

        w_k = N_k / sum N,    mu_k = centers_k + delta,    Sigma_k = second / N_k - delta delta^T + reg_covar I.

    delta tends to 0 with convergence, so the subtraction does not cancel, wherever the data lie. A component
    without rows keeps its centre and gets weight 0 and covariance reg_covar I.
    """
    n_components, n_features = centers.shape
    total = 0.0
    for k in range(n_components):
        total += sums[k]
    for k in range(n_components):
        alive = sums[k] > SMALLEST
        scale = 1.0 / sums[k] if alive else 0.0
        weights[k] = sums[k] / total if alive else 0.0
        for i in range(n_features):
            means[k, i] = centers[k, i] + first[k, i] * scale
            for j in range(i + 1):
                value = second[k, i, j] * scale - (first[k, i] * scale) * (first[k, j] * scale)
                if i == j:
                    value += reg_covar
                covariances[k, i, j] = value
                covariances[k, j, i] = value


def unpack(accumulator, n_components, n_features):
    """Return N_k (K,), first (K, D) and symmetric second moments (K, D, D); copies."""
    size = n_features + n_features % 2
    rows = accumulator[:n_components]
    square = rows[:, 1 + size : 1 + size + size * size].reshape(n_components, size, size)
    lower = np.tril(square[:, :n_features, :n_features])
    second = np.ascontiguousarray(lower + np.tril(lower, -1).transpose(0, 2, 1))
    return rows[:, 0].copy(), rows[:, 1 : 1 + n_features].copy(), second


@kernel
def superblock(x, given, means, factors, constants, slab):
    """One fused E and M pass over the rows `x` (S, D) into `slab`, which is overwritten.

    Where `given` (S, K) has rows, they are the responsibilities and the E step is left out.
    """
    n_components, n_features = means.shape
    size = factors.shape[1]
    block = np.empty((n_features, LANES))
    z = np.zeros((size, LANES))
    w = np.zeros((size, LANES))
    y = np.empty((4, LANES))
    log_joint = np.empty((n_components, LANES))
    maxima = np.empty(LANES)
    sums = np.empty(LANES)
    products = np.ones(LANES)
    slab[:, :] = 0.0
    total = 0.0
    for start in range(0, x.shape[0], LANES):
        n = min(LANES, x.shape[0] - start)
        load_block(x, start, n, block)
        if given.shape[0] > 0:
            load_block(given, start, n, log_joint)
            sums[:] = 1.0
        else:
            log_density(block, n, means, factors, constants, z, y, log_joint)
            row_maxima(log_joint, n, sums, maxima)
            exponentiate(log_joint, n, maxima, sums)
            total += collect(maxima, sums, n, products)
        accumulate(block, n, means, log_joint, sums, z, w, slab)
    slab[n_components, 0] = total + log_sum(products)


@kernel
def pass_serial(x, given, rows, means, factors, constants, slabs, accumulator):
    """Run superblocks of `rows` rows one after another; fold their slabs into `accumulator`."""
    for s in range(slabs.shape[0]):
        a, b = s * rows, (s + 1) * rows
        superblock(x[a:b], given[a:b], means, factors, constants, slabs[s])
    fold(slabs, accumulator)


@driver
def pass_parallel(x, given, rows, means, factors, constants, slabs, accumulator):
    """`pass_serial`, superblocks in parallel."""
    for s in prange(slabs.shape[0]):
        a, b = s * rows, (s + 1) * rows
        superblock(x[a:b], given[a:b], means, factors, constants, slabs[s])
    fold(slabs, accumulator)


@kernel
def evaluate_superblock(x, means, factors, constants, log_densities, responsibilities, labels):
    """Write what is wanted of each row `x` (S, D): arrays of length 0 are not."""
    block = np.empty((means.shape[1], LANES))
    log_joint = np.empty((means.shape[0], LANES))
    maxima = np.empty(LANES)
    sums = np.empty(LANES)
    z = np.zeros((factors.shape[1], LANES))
    y = np.empty((4, LANES))
    for start in range(0, x.shape[0], LANES):
        n = min(LANES, x.shape[0] - start)
        load_block(x, start, n, block)
        log_density(block, n, means, factors, constants, z, y, log_joint)
        row_maxima(log_joint, n, sums, maxima)
        if labels.shape[0] > 0:
            store_labels(log_joint, n, maxima, labels[start:])
        if log_densities.shape[0] + responsibilities.shape[0] > 0:
            exponentiate(log_joint, n, maxima, sums)
        if log_densities.shape[0] > 0:
            store_log_density(n, maxima, sums, log_densities[start:])
        if responsibilities.shape[0] > 0:
            store_responsibilities(log_joint, n, sums, responsibilities[start:])


@kernel
def evaluate_serial(x, rows, means, factors, constants, log_densities, responsibilities, labels):
    """Write what is wanted of each row of `x`, superblock by superblock."""
    for s in range(-(-x.shape[0] // rows)):
        a, b = s * rows, (s + 1) * rows
        evaluate_superblock(x[a:b], means, factors, constants, log_densities[a:b], responsibilities[a:b], labels[a:b])


@driver
def evaluate_parallel(x, rows, means, factors, constants, log_densities, responsibilities, labels):
    """`evaluate_serial`, superblocks in parallel."""
    for s in prange(-(-x.shape[0] // rows)):
        a, b = s * rows, (s + 1) * rows
        evaluate_superblock(x[a:b], means, factors, constants, log_densities[a:b], responsibilities[a:b], labels[a:b])
