"""The original: EM for a Gaussian mixture, one sample and one component at a time.

This is the textbook program that fastgmm grew from, kept as plain functions of plain arrays. Every step
is a Python loop over samples and components with NumPy calls inside it; the determinant and the inverse
of a covariance are computed again for each sample. It is the oracle of the tests and the baseline of
the benchmarks, so it is never optimised.

Densities are not taken in the log domain. For many features, or for rows far from every mean, they
underflow to zero: responsibilities then become NaN and the log-likelihood minus infinity, with NumPy's
warnings. Where that can happen the tests compare with a log-domain reference instead.

Throughout, N samples, D features, K components; all arrays are float64:

    X                (N, D)      samples
    weights          (K,)        mixing proportions, summing to one
    means            (K, D)      component means
    covariances      (K, D, D)   component covariances, positive definite
    responsibilities (N, K)      posterior probability of each component for each sample

Nothing is modified in place. A singular covariance raises ``numpy.linalg.LinAlgError``.
"""

import numpy as np


def density(x, mean, covariance):
    """Density of a Gaussian at one sample.

    Parameters
    ----------
    x, mean : (D,) float64
    covariance : (D, D) float64

    Returns
    -------
    float
        The density itself, not its logarithm; zero where it underflows.
    """
    difference = x - mean
    determinant = np.linalg.det(covariance)
    inverse = np.linalg.inv(covariance)
    normalisation = np.sqrt((2.0 * np.pi) ** len(x) * determinant)
    return np.exp(-0.5 * difference @ inverse @ difference) / normalisation


def e_step(X, weights, means, covariances):
    """Responsibilities under the given parameters, (N, K); each row sums to one."""
    n_samples, n_components = len(X), len(weights)
    responsibilities = np.zeros((n_samples, n_components))
    for i in range(n_samples):
        for k in range(n_components):
            responsibilities[i, k] = weights[k] * density(X[i], means[k], covariances[k])
        responsibilities[i] /= np.sum(responsibilities[i])
    return responsibilities


def m_step(X, responsibilities):
    """Parameters that maximise the expected log-likelihood under the given responsibilities.

    Returns
    -------
    weights, means, covariances : (K,), (K, D) and (K, D, D) float64

    Notes
    -----
    Covariances are taken about the new means, which is the exact maximum. See `fit` on the program this
    module descends from.
    """
    n_samples, n_features = X.shape
    n_components = responsibilities.shape[1]
    weights = np.zeros(n_components)
    means = np.zeros((n_components, n_features))
    covariances = np.zeros((n_components, n_features, n_features))
    for k in range(n_components):
        responsibility_sum = 0.0
        for i in range(n_samples):
            responsibility_sum += responsibilities[i, k]
            means[k] += responsibilities[i, k] * X[i]
        means[k] /= responsibility_sum
        for i in range(n_samples):
            difference = X[i] - means[k]
            covariances[k] += responsibilities[i, k] * np.outer(difference, difference)
        covariances[k] /= responsibility_sum
        weights[k] = responsibility_sum / n_samples
    return weights, means, covariances


def log_likelihood(X, weights, means, covariances):
    """Total log-likelihood of the samples under the given parameters, in nats."""
    total = 0.0
    for i in range(len(X)):
        mixture_density = 0.0
        for k in range(len(weights)):
            mixture_density += weights[k] * density(X[i], means[k], covariances[k])
        total += np.log(mixture_density)
    return total


def em_round(X, weights, means, covariances):
    """One round: E step, M step, then a second double loop for the log-likelihood.

    Returns
    -------
    weights, means, covariances : (K,), (K, D) and (K, D, D) float64
        The parameters after the M step.
    log_likelihood : float
        Total log-likelihood in nats of the parameters *returned*. What the round's E step saw, which
        the traces of the rest of the package hold, is ``log_likelihood`` of the parameters passed in.
    """
    responsibilities = e_step(X, weights, means, covariances)
    weights, means, covariances = m_step(X, responsibilities)
    return weights, means, covariances, log_likelihood(X, weights, means, covariances)


def fit(X, weights, means, covariances, *, tol=0.01, min_iter=6, max_iter=100):
    """EM from the given start until the log-likelihood settles.

    Parameters
    ----------
    X, weights, means, covariances : float64 arrays
        The samples and the start.
    tol : float
        Stop when the total log-likelihood changes by less than this from one round to the next, in nats.
    min_iter : int
        First round at which that may happen, counted from 1.
    max_iter : int
        Last round in any case.

    Returns
    -------
    weights, means, covariances : (K,), (K, D) and (K, D, D) float64
        The parameters after the last round.
    trace : (number of rounds,) float64
        Total log-likelihood after each round's M step, in nats.

    Notes
    -----
    The program this module descends from published its trace on four clusters (round 1 -9672.165,
    2 -7516.917, ..., 49 -1946.228) but not its data. On a data set drawn from its result, that trace is
    met from round 1 on if the log-likelihood is taken after the M step and the covariances about the
    means of *before* it, which is how that program is therefore taken to have worked. Its order climbs
    too, but more slowly: 50 to 76 rounds on five drawn data sets, where the exact M step used here takes
    20 to 40. ``tests/test_naive.py`` repeats the comparison.
    """
    trace = []
    for iteration in range(1, max_iter + 1):
        weights, means, covariances, value = em_round(X, weights, means, covariances)
        trace.append(value)
        if iteration >= max(min_iter, 2) and abs(trace[-1] - trace[-2]) < tol:
            break
    return weights, means, covariances, np.array(trace)
