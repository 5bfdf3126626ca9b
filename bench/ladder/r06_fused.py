"""Rung 6: E and M step in one pass.

What changed: a row adds to N_k, sum r z and sum r z z^T, z = x - old mean, as soon as its responsibilities are known.
Why it is faster: X is read once, the N x K responsibilities are never written, and symmetry halves the moments.
What it costs: moments about the old mean have to be corrected at the end: Sigma = sum r z z^T / N_k - d d^T.
What to look at: moments about zero would cancel for data far from the origin; those about the old mean do not.
"""

import math

import numpy as np
from numba import njit

from bench.ladder.r04_cholesky import prepare, squared_distance


@njit
def em_pass(X, log_weights, means, inverses, peaks, counts, first, second):
    """Add up N_k (K,), first (K, D) and second moments (K, D, D), lower triangle; return the log-likelihood."""
    n_components, n_features = means.shape
    r = np.empty(n_components)
    log_likelihood = 0.0
    for row in range(X.shape[0]):
        largest = -math.inf
        for k in range(n_components):
            r[k] = log_weights[k] + peaks[k] - 0.5 * squared_distance(X[row], means[k], inverses[k])
            largest = max(largest, r[k])
        total = 0.0
        for k in range(n_components):
            r[k] = math.exp(r[k] - largest)
            total += r[k]
        log_likelihood += largest + math.log(total)
        for k in range(n_components):
            share = r[k] / total
            counts[k] += share
            for i in range(n_features):
                scaled = share * (X[row, i] - means[k, i])
                first[k, i] += scaled
                for j in range(i + 1):
                    second[k, i, j] += scaled * (X[row, j] - means[k, j])
    return log_likelihood


def allocate_sums(n_components, n_features):
    """N_k, first and second moments, all zero."""
    return (
        np.zeros(n_components),
        np.zeros((n_components, n_features)),
        np.zeros((n_components, n_features, n_features)),
    )


def maximize(counts, first, second, means):
    """Weights, means and covariances from sums about `means`."""
    step = first / counts[:, np.newaxis]
    lower = np.tril(second)
    moments = lower + np.tril(second, -1).transpose(0, 2, 1)
    covariances = moments / counts[:, np.newaxis, np.newaxis] - step[:, :, np.newaxis] * step[:, np.newaxis, :]
    return counts / counts.sum(), means + step, covariances


def em_round(X, weights, means, covariances):
    """One E step and one M step; the log-likelihood is that of the arguments, in nats."""
    sums = allocate_sums(*means.shape)
    log_likelihood = em_pass(X, np.log(weights), means, *prepare(covariances), *sums)
    return *maximize(*sums, means), log_likelihood
