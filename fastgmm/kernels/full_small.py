"""Full covariance, D = 2, written out: everything of a component sits in registers.

The general kernels of ``full.py`` fill small triangles badly and write the centred rows to memory twice;
here the density is one loop over the rows of a block and the statistics are another.
Measured on one AVX2 core, nanoseconds per row and component: 3.9 against 5.2 at K = 4, 3.2 against 4.6 at K = 16.
"""

import math

import numpy as np

from .._jit import driver, kernel, prange
from .blocks import LANES, fold, load_block
from .cholesky import OK, cholesky_2x2
from .posterior import (
    collect,
    exponentiate,
    log_sum,
    row_maxima,
    store_labels,
    store_log_density,
    store_responsibilities,
)


@kernel
def prepare(weights, covariances, factors, constants):
    """See ``kernels``: the closed-form factor A = L^-1, and log w - log 2 pi + log det A."""
    for k in range(weights.shape[0]):
        status, l00, l10, l11 = cholesky_2x2(covariances[k, 0, 0], covariances[k, 1, 0], covariances[k, 1, 1])
        if status != OK:
            return k
        factors[k, 0, 0] = 1.0 / l00
        factors[k, 1, 0] = -l10 / (l00 * l11)
        factors[k, 1, 1] = 1.0 / l11
        log_weight = math.log(weights[k]) if weights[k] > 0.0 else -math.inf
        constants[k] = log_weight - math.log(2.0 * math.pi) - math.log(l00) - math.log(l11)
    return -1


@kernel
def load_pairs(x, start, lanes, block):
    """`blocks.load_block` for D = 2 in one sweep over the rows, which takes half its time."""
    for b in range(lanes):
        block[0, b] = x[start + b, 0]
        block[1, b] = x[start + b, 1]


@kernel
def log_density(block, lanes, means, factors, constants, log_joint):
    """Write ``log_joint[:, :lanes]``."""
    for k in range(means.shape[0]):
        m0, m1, constant = means[k, 0], means[k, 1], constants[k]
        a00, a10, a11 = factors[k, 0, 0], factors[k, 1, 0], factors[k, 1, 1]
        for b in range(lanes):
            z0 = block[0, b] - m0
            z1 = block[1, b] - m1
            y0 = a00 * z0
            y1 = a10 * z0 + a11 * z1
            log_joint[k, b] = constant - 0.5 * (y0 * y0 + y1 * y1)


@kernel
def accumulate(block, lanes, means, exponentials, inverse_sums, slab):
    """Add the moments of the block, r = exponentials * inverse_sums, to the rows of `slab`."""
    for k in range(means.shape[0]):
        m0, m1 = means[k, 0], means[k, 1]
        n = s0 = s1 = s00 = s10 = s11 = 0.0
        for b in range(lanes):
            r = exponentials[k, b] * inverse_sums[b]
            z0 = block[0, b] - m0
            z1 = block[1, b] - m1
            w0 = r * z0
            w1 = r * z1
            n += r
            s0 += w0
            s1 += w1
            s00 += w0 * z0
            s10 += w1 * z0
            s11 += w1 * z1
        slab[k, 0] += n
        slab[k, 1] += s0
        slab[k, 2] += s1
        slab[k, 3] += s00
        slab[k, 5] += s10
        slab[k, 6] += s11


@kernel
def superblock(x, given, means, factors, constants, slab):
    """One fused E and M pass over the rows `x` (S, 2) into `slab`, which is overwritten.

    Where `given` (S, K) has rows, they are the responsibilities and the E step is left out.
    """
    n_components = means.shape[0]
    block = np.empty((2, LANES))
    log_joint = np.empty((n_components, LANES))
    maxima = np.empty(LANES)
    sums = np.empty(LANES)
    products = np.ones(LANES)
    slab[:, :] = 0.0
    total = 0.0
    for start in range(0, x.shape[0], LANES):
        n = min(LANES, x.shape[0] - start)
        load_pairs(x, start, n, block)
        if given.shape[0] > 0:
            load_block(given, start, n, log_joint)
            sums[:] = 1.0
        else:
            log_density(block, n, means, factors, constants, log_joint)
            row_maxima(log_joint, n, sums, maxima)
            exponentiate(log_joint, n, maxima, sums)
            total += collect(maxima, sums, n, products)
        accumulate(block, n, means, log_joint, sums, slab)
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
    block = np.empty((2, LANES))
    log_joint = np.empty((means.shape[0], LANES))
    maxima = np.empty(LANES)
    sums = np.empty(LANES)
    for start in range(0, x.shape[0], LANES):
        n = min(LANES, x.shape[0] - start)
        load_pairs(x, start, n, block)
        log_density(block, n, means, factors, constants, log_joint)
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
