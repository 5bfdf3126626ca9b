"""Rung 8: an exp that fills the lanes.

What changed: `math.exp`, a call for one number, becomes a polynomial and a shift, written out in the loop.
Why it is faster: multiply-adds and integer shifts exist for four numbers at a time, calls do not.
What it costs: twenty lines, an error of about one unit in the last place, and 0 below -708.
What to look at: the calls to exp are gone from the machine code; few features, where exp was most of a row.
"""

import math

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from bench.ladder.r04_cholesky import prepare
from bench.ladder.r06_fused import allocate_sums, maximize
from bench.ladder.r07_lanes import LANES, REORDER, add_moments, load, log_density

# exp(t) = 1 + t + t^2 (C[2] + C[3] t + ...) for |t| <= ln(2)/2: Taylor's coefficients, the rest is below 4e-18.
C = tuple(1.0 / math.factorial(n) for n in range(14))
LN2_HIGH, LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # n times the first is exact
ROUNDER = 1.5 * 2.0**52  # added to x it leaves round(x) in the last bits


def bit_cast(to, of):
    """Make a function that reads the bits of one type as another."""

    @intrinsic
    def cast(context, value):
        def generate(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], context.get_value_type(to))

        return to(of), generate

    return cast


bits_of = bit_cast(types.int64, types.float64)
from_bits = bit_cast(types.float64, types.int64)


@njit(fastmath={"contract"}, error_model="numpy")
def exp_nonpositive(x):
    """exp(x) for x <= 0: x = n ln 2 + t, and exp(x) = 2^n exp(t)."""
    inside = x >= -708.0
    x = x if inside else -708.0
    shifted = x * 1.4426950408889634 + ROUNDER
    n = shifted - ROUNDER
    t = (x - n * LN2_HIGH) - n * LN2_LOW
    t2 = t * t
    t4 = t2 * t2
    low = (C[2] + C[3] * t) + (C[4] + C[5] * t) * t2
    high = (C[6] + C[7] * t) + (C[8] + C[9] * t) * t2
    top = (C[10] + C[11] * t) + (C[12] + C[13] * t) * t2
    p = 1.0 + (t + t2 * (low + (high + top * t4) * t4))
    value = from_bits(bits_of(p) + (bits_of(shifted) << 52))
    return value if inside else 0.0


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
            r[k, b] = exp_nonpositive(r[k, b] - largest[b])
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
