"""Rung 9: register tiles.

What changed: products are taken four rows of a matrix by four (moments: by two) features at a time.
Why it is faster: a number loaded from the cache takes part in four multiply-adds; rung 8 loads two for each.
What it costs: features are padded with zeros to a multiple of four, so that up to three features gain nothing.
What to look at: eight sums in registers in `moments_4x2`; with 4 x 4 of them AVX2 runs out of its sixteen registers.
"""

import numpy as np
from numba import njit

from bench.ladder.r04_cholesky import prepare
from bench.ladder.r06_fused import allocate_sums, maximize
from bench.ladder.r07_lanes import LANES, REORDER, load
from bench.ladder.r08_vector_exp import normalize


@njit(fastmath=REORDER, error_model="numpy")
def tile_4x4(a, i, j, z, y):
    """``y[p] += sum_q a[i + p, j + q] z[j + q]`` for p, q = 0..3."""
    a00, a01, a02, a03 = a[i, j], a[i, j + 1], a[i, j + 2], a[i, j + 3]
    a10, a11, a12, a13 = a[i + 1, j], a[i + 1, j + 1], a[i + 1, j + 2], a[i + 1, j + 3]
    a20, a21, a22, a23 = a[i + 2, j], a[i + 2, j + 1], a[i + 2, j + 2], a[i + 2, j + 3]
    a30, a31, a32, a33 = a[i + 3, j], a[i + 3, j + 1], a[i + 3, j + 2], a[i + 3, j + 3]
    for b in range(LANES):
        z0, z1, z2, z3 = z[j, b], z[j + 1, b], z[j + 2, b], z[j + 3, b]
        y[0, b] += a00 * z0 + a01 * z1 + a02 * z2 + a03 * z3
        y[1, b] += a10 * z0 + a11 * z1 + a12 * z2 + a13 * z3
        y[2, b] += a20 * z0 + a21 * z1 + a22 * z2 + a23 * z3
        y[3, b] += a30 * z0 + a31 * z1 + a32 * z2 + a33 * z3


@njit(fastmath=REORDER, error_model="numpy")
def log_density(z, log_peak, inverse, y, out):
    """``out = log_peak - |inverse z|^2 / 2`` of the rows of a block; `y` is scratch for four features."""
    for b in range(LANES):
        out[b] = log_peak
    for i in range(0, inverse.shape[0], 4):
        for p in range(4):
            for b in range(LANES):
                y[p, b] = 0.0
        for j in range(0, i + 1, 4):
            tile_4x4(inverse, i, j, z, y)
        for b in range(LANES):
            out[b] -= 0.5 * ((y[0, b] * y[0, b] + y[1, b] * y[1, b]) + (y[2, b] * y[2, b] + y[3, b] * y[3, b]))


@njit(fastmath=REORDER, error_model="numpy")
def moments_4x2(scaled, z, i, j, second):
    """``second[i + p, j + q] += sum scaled[p] z[j + q]`` for p = 0..3 and q = 0, 1."""
    s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = 0.0
    for b in range(LANES):
        r0, r1, r2, r3 = scaled[0, b], scaled[1, b], scaled[2, b], scaled[3, b]
        z0, z1 = z[j, b], z[j + 1, b]
        s00 += r0 * z0
        s01 += r0 * z1
        s10 += r1 * z0
        s11 += r1 * z1
        s20 += r2 * z0
        s21 += r2 * z1
        s30 += r3 * z0
        s31 += r3 * z1
    for p, (left, right) in enumerate(((s00, s01), (s10, s11), (s20, s21), (s30, s31))):
        second[i + p, j] += left
        second[i + p, j + 1] += right


@njit(fastmath=REORDER, error_model="numpy")
def add_moments(z, r, scaled, first, second):
    """Add ``sum r``, ``sum r z`` and the lower triangle of ``sum r z z^T``; return the first of them."""
    count = 0.0
    for b in range(LANES):
        count += r[b]
    for i in range(0, z.shape[0], 4):
        for p in range(4):
            total = 0.0
            for b in range(LANES):
                scaled[p, b] = r[b] * z[i + p, b]
                total += scaled[p, b]
            first[i + p] += total
        for j in range(0, i + 4, 2):
            moments_4x2(scaled, z, i, j, second)
    return count


@njit
def em_pass(X, log_weights, means, inverses, peaks, counts, first, second):
    """Add up N_k (K,), first (K, P) and second moments (K, P, P), lower triangle; return the log-likelihood."""
    n_components, size = first.shape
    z = np.zeros((size, LANES))
    r = np.empty((n_components, LANES))
    scratch = np.empty((4, LANES))
    log_likelihood = 0.0
    for start in range(0, X.shape[0], LANES):
        n = min(LANES, X.shape[0] - start)
        for k in range(n_components):
            load(X, start, n, means[k], z)
            log_density(z, log_weights[k] + peaks[k], inverses[k], scratch, r[k])
        log_likelihood += normalize(r, n, scratch[0], scratch[1])
        for k in range(n_components):
            load(X, start, n, means[k], z)
            counts[k] += add_moments(z, r[k], scratch, first[k], second[k])
    return log_likelihood


def pad(inverses):
    """Inverse factors (K, D, D) with rows and columns of zeros up to P, a multiple of four."""
    more = -inverses.shape[1] % 4
    return np.pad(inverses, ((0, 0), (0, more), (0, more)))


def em_round(X, weights, means, covariances):
    """One E step and one M step; the log-likelihood is that of the arguments, in nats."""
    n_features = means.shape[1]
    inverses, peaks = prepare(covariances)
    inverses = pad(inverses)
    counts, first, second = allocate_sums(*inverses.shape[:2])
    log_likelihood = em_pass(X, np.log(weights), means, inverses, peaks, counts, first, second)
    sums = counts, first[:, :n_features], second[:, :n_features, :n_features]
    return *maximize(*sums, means), log_likelihood
