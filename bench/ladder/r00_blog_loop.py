"""Rung 0: the blog's loop.

What changed: nothing yet; two loops, over rows and components, with NumPy calls on two numbers inside.
Why it is faster: it is not. Every later rung is measured against it.
What it costs: about a microsecond for each NumPy call, and the inverse of a covariance for every row.
What to look at: how little of `em_round` is arithmetic.
"""

import numpy as np


def density(x, mean, covariance):
    """Density of one Gaussian at one row."""
    difference = x - mean
    determinant = np.linalg.det(covariance)
    inverse = np.linalg.inv(covariance)
    return np.exp(-0.5 * difference @ inverse @ difference) / np.sqrt((2.0 * np.pi) ** len(x) * determinant)


def em_round(X, weights, means, covariances):
    """One E step and one M step; the log-likelihood is that of the arguments, in nats."""
    n_samples, n_features = X.shape
    n_components = len(weights)
    responsibilities = np.zeros((n_samples, n_components))
    log_likelihood = 0.0
    for i in range(n_samples):
        for k in range(n_components):
            responsibilities[i, k] = weights[k] * density(X[i], means[k], covariances[k])
        total = np.sum(responsibilities[i])
        responsibilities[i] /= total
        log_likelihood += np.log(total)

    new_weights = np.zeros(n_components)
    new_means = np.zeros((n_components, n_features))
    new_covariances = np.zeros((n_components, n_features, n_features))
    for k in range(n_components):
        count = 0.0
        for i in range(n_samples):
            count += responsibilities[i, k]
            new_means[k] += responsibilities[i, k] * X[i]
        new_means[k] /= count
        for i in range(n_samples):
            difference = X[i] - new_means[k]
            new_covariances[k] += responsibilities[i, k] * np.outer(difference, difference)
        new_covariances[k] /= count
        new_weights[k] = count / n_samples
    return new_weights, new_means, new_covariances, log_likelihood
