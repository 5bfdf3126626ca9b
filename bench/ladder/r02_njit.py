"""Rung 2: the same loops, compiled.

What changed: the loops of rung 1 over arrays, with `@njit`; `invert` writes into scratch that is allocated once.
Why it is faster: Numba turns the loops into machine code, and no number is an object in memory any more.
What it costs: a second or two of compilation in every new process.
What to look at: the inverse of a covariance is still found again for every row, only faster.
"""

import math

import numpy as np
from numba import njit


@njit
def invert(matrix, left, inverse):
    """Write the inverse of a positive definite matrix and return its determinant; `left` is scratch."""
    n = matrix.shape[0]
    for i in range(n):
        for j in range(n):
            left[i, j] = matrix[i, j]
            inverse[i, j] = 1.0 if i == j else 0.0
    determinant = 1.0
    for i in range(n):
        pivot = left[i, i]
        determinant *= pivot
        for j in range(n):
            left[i, j] /= pivot
            inverse[i, j] /= pivot
        for row in range(n):
            if row != i:
                factor = left[row, i]
                for j in range(n):
                    left[row, j] -= factor * left[i, j]
                    inverse[row, j] -= factor * inverse[i, j]
    return determinant


@njit
def density(x, mean, covariance, left, inverse):
    """Density of one Gaussian at one row."""
    n_features = x.shape[0]
    determinant = invert(covariance, left, inverse)
    distance = 0.0
    for i in range(n_features):
        for j in range(n_features):
            distance += (x[i] - mean[i]) * inverse[i, j] * (x[j] - mean[j])
    return math.exp(-0.5 * distance) / math.sqrt((2.0 * math.pi) ** n_features * determinant)


@njit
def e_step(X, weights, means, covariances, responsibilities):
    """Fill the responsibilities (N, K); return the log-likelihood."""
    n_components, n_features = means.shape
    left = np.empty((n_features, n_features))
    inverse = np.empty((n_features, n_features))
    log_likelihood = 0.0
    for i in range(X.shape[0]):
        total = 0.0
        for k in range(n_components):
            responsibilities[i, k] = weights[k] * density(X[i], means[k], covariances[k], left, inverse)
            total += responsibilities[i, k]
        for k in range(n_components):
            responsibilities[i, k] /= total
        log_likelihood += math.log(total)
    return log_likelihood


@njit
def m_step(X, responsibilities):
    """Weights, means and covariances under the given responsibilities."""
    n_samples, n_features = X.shape
    n_components = responsibilities.shape[1]
    weights = np.zeros(n_components)
    means = np.zeros((n_components, n_features))
    covariances = np.zeros((n_components, n_features, n_features))
    for k in range(n_components):
        count = 0.0
        for row in range(n_samples):
            r = responsibilities[row, k]
            count += r
            for i in range(n_features):
                means[k, i] += r * X[row, i]
        means[k] /= count
        for row in range(n_samples):
            r = responsibilities[row, k]
            for i in range(n_features):
                for j in range(n_features):
                    covariances[k, i, j] += r * (X[row, i] - means[k, i]) * (X[row, j] - means[k, j])
        covariances[k] /= count
        weights[k] = count / n_samples
    return weights, means, covariances


def em_round(X, weights, means, covariances):
    """One E step and one M step; the log-likelihood is that of the arguments, in nats."""
    responsibilities = np.empty((len(X), len(weights)))
    log_likelihood = e_step(X, weights, means, covariances, responsibilities)
    return *m_step(X, responsibilities), log_likelihood
