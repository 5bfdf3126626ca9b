"""Rung 7: rows as SIMD lanes.

What changed: 256 rows at a time are copied into a block (D, 256); the innermost loop of everything runs over rows.
Why it is faster: that loop has no end after two features and no order to keep, so one instruction does four rows.
What it costs: the copy, a loop written inside out, and `fastmath`: a sum over lanes is a sum in another order.
What to look at: `vmulpd ymm` where there was `vmulsd xmm`; exp alone is still a call for each row.
"""

import math

import numpy as np
from numba import njit

from bench.ladder.r04_cholesky import prepare
from bench.ladder.r06_fused import allocate_sums, maximize

LANES = 256
# May sums be reordered and products fused? Yes. But NaN and infinity keep their meaning, unlike under fastmath=True.
REORDER = {"reassoc", "contract", "arcp", "nsz"}


@njit(fastmath=REORDER, error_model="numpy")
def load(X, start, n, mean, block):
    """Copy rows start to start + n, less `mean`, into a block (D, LANES); lanes beyond them are zero."""
    for j in range(X.shape[1]):
        for b in range(n):
            block[j, b] = X[start + b, j] - mean[j]
        for b in range(n, LANES):
            block[j, b] = 0.0


@njit(fastmath=REORDER, error_model="numpy")
def log_density(z, log_peak, inverse, y, out):
    """``out = log_peak - |inverse z|^2 / 2`` of the rows of a block; `y` is scratch for one feature."""
    for b in range(LANES):
        out[b] = log_peak
    for i in range(z.shape[0]):
        for b in range(LANES):
            y[b] = 0.0
        for j in range(i + 1):
            a = inverse[i, j]
            for b in range(LANES):
                y[b] += a * z[j, b]
        for b in range(LANES):
            out[b] -= 0.5 * y[b] * y[b]


@njit(fastmath=REORDER, error_model="numpy")
def normalize(r, n, largest, totals):
    """Turn log-densities r (K, LANES) into responsibilities, 0 beyond lane n; return the log-likelihood."""
    for b in range(LANES):
        largest[b] = r[0, b]
        totals[b] = 0.0
    for k in range(1, r.shape[0]):
        for b in range(LANES):
            largest[b] = max(largest[b], r[k, b])
    for k in range(r.shape[0]):
        for b in range(LANES):
            r[k, b] = math.exp(r[k, b] - largest[b])
            totals[b] += r[k, b]
    log_likelihood = 0.0
    for b in range(n):
        log_likelihood += largest[b] + math.log(totals[b])
    for b in range(LANES):
        totals[b] = 1.0 / totals[b] if b < n else 0.0
    for k in range(r.shape[0]):
        for b in range(LANES):
            r[k, b] *= totals[b]
    return log_likelihood


@njit(fastmath=REORDER, error_model="numpy")
def add_moments(z, r, scaled, first, second):
    """Add ``sum r``, ``sum r z`` and the lower triangle of ``sum r z z^T``; return the first of them."""
    count = 0.0
    for b in range(LANES):
        count += r[b]
    for i in range(z.shape[0]):
        total = 0.0
        for b in range(LANES):
            scaled[b] = r[b] * z[i, b]
            total += scaled[b]
        first[i] += total
        for j in range(i + 1):
            total = 0.0
            for b in range(LANES):
                total += scaled[b] * z[j, b]
            second[i, j] += total
    return count


@njit
def em_pass(X, log_weights, means, inverses, peaks, counts, first, second):
    """Add up N_k (K,), first (K, D) and second moments (K, D, D), lower triangle; return the log-likelihood."""
    n_components, n_features = means.shape
    z = np.empty((n_features, LANES))
    r = np.empty((n_components, LANES))
    scratch = np.empty((2, LANES))
    log_likelihood = 0.0
    for start in range(0, X.shape[0], LANES):
        n = min(LANES, X.shape[0] - start)
        for k in range(n_components):
            load(X, start, n, means[k], z)
            log_density(z, log_weights[k] + peaks[k], inverses[k], scratch[0], r[k])
        log_likelihood += normalize(r, n, scratch[0], scratch[1])
        for k in range(n_components):
            load(X, start, n, means[k], z)
            counts[k] += add_moments(z, r[k], scratch[0], first[k], second[k])
    return log_likelihood


def em_round(X, weights, means, covariances):
    """One E step and one M step; the log-likelihood is that of the arguments, in nats."""
    sums = allocate_sums(*means.shape)
    log_likelihood = em_pass(X, np.log(weights), means, *prepare(covariances), *sums)
    return *maximize(*sums, means), log_likelihood
