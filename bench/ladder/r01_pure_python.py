"""Rung 1: the same loops on plain Python floats.

What changed: rows are lists of floats, arithmetic is Python's own, `math` takes the place of NumPy.
Why it is faster: a Python multiplication takes some 30 ns, a NumPy call on an array of two numbers 1000.
What it costs: every loop that NumPy ran in C is now Python; from about ten features on that is slower.
What to look at: the elimination in `invert`, done once more for every row, as in rung 0.
"""

import math

import numpy as np


def invert(matrix):
    """Inverse and determinant of a positive definite matrix, by Gauss-Jordan elimination."""
    n = len(matrix)
    inverse = [[1.0 if i == j else 0.0 for j in range(n)] for i in range(n)]
    left = [row[:] for row in matrix]
    determinant = 1.0
    for i in range(n):
        pivot = left[i][i]
        determinant *= pivot
        for j in range(n):
            left[i][j] /= pivot
            inverse[i][j] /= pivot
        for row in range(n):
            if row != i:
                factor = left[row][i]
                for j in range(n):
                    left[row][j] -= factor * left[i][j]
                    inverse[row][j] -= factor * inverse[i][j]
    return inverse, determinant


def density(x, mean, covariance):
    """Density of one Gaussian at one row."""
    n_features = len(x)
    inverse, determinant = invert(covariance)
    distance = 0.0
    for i in range(n_features):
        for j in range(n_features):
            distance += (x[i] - mean[i]) * inverse[i][j] * (x[j] - mean[j])
    return math.exp(-0.5 * distance) / math.sqrt((2.0 * math.pi) ** n_features * determinant)


def em_round(X, weights, means, covariances):
    """One E step and one M step; the log-likelihood is that of the arguments, in nats."""
    X, weights, means, covariances = X.tolist(), weights.tolist(), means.tolist(), covariances.tolist()
    n_components, n_features = len(means), len(means[0])
    responsibilities = []
    log_likelihood = 0.0
    for x in X:
        densities = [weights[k] * density(x, means[k], covariances[k]) for k in range(n_components)]
        total = sum(densities)
        responsibilities.append([value / total for value in densities])
        log_likelihood += math.log(total)

    new_weights, new_means, new_covariances = [], [], []
    for k in range(n_components):
        count = 0.0
        mean = [0.0] * n_features
        for x, r in zip(X, responsibilities, strict=True):
            count += r[k]
            for i in range(n_features):
                mean[i] += r[k] * x[i]
        mean = [value / count for value in mean]
        covariance = [[0.0] * n_features for _ in range(n_features)]
        for x, r in zip(X, responsibilities, strict=True):
            for i in range(n_features):
                for j in range(n_features):
                    covariance[i][j] += r[k] * (x[i] - mean[i]) * (x[j] - mean[j])
        new_weights.append(count / len(X))
        new_means.append(mean)
        new_covariances.append([[value / count for value in row] for row in covariance])
    return np.array(new_weights), np.array(new_means), np.array(new_covariances), log_likelihood
