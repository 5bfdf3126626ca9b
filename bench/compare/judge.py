"""The judge: EM and log-densities as a textbook has them, in NumPy and in double; no peer is its own."""

from collections.abc import Sequence

import numpy as np

from bench.compare.peer import Parameters


def log_likelihood(X: np.ndarray, mixture: Parameters) -> float:
    """Mean log-likelihood per row, in nats; LinAlgError if a covariance is not positive definite."""
    return float(row_log_likelihoods(joint_log_densities(X, mixture)).mean())


def reference(X: np.ndarray, start: Parameters, n_rounds: int) -> Parameters:
    """Return the parameters after so many rounds of EM, without a regulariser."""
    mixture = start
    for _ in range(n_rounds):
        joint = joint_log_densities(X, mixture)
        mixture = maximize(X, np.exp(joint - row_log_likelihoods(joint)[:, np.newaxis]), start.covariance_type)
    return mixture


def joint_log_densities(X: np.ndarray, mixture: Parameters) -> np.ndarray:
    """Logarithm of weight times density, (N, K)."""
    joint = np.empty((len(X), len(mixture.weights)))
    with np.errstate(divide="ignore"):  # a weight of 0
        log_weights = np.log(np.asarray(mixture.weights, np.float64))
    for k, (log_weight, mean, covariance) in enumerate(
        zip(log_weights, mixture.means, spreads(mixture), strict=True)
    ):
        z = X - np.asarray(mean, np.float64)
        if covariance.ndim == 2:
            inverse = np.linalg.inv(np.linalg.cholesky(covariance))
            z = z @ inverse.T
            log_determinant = -2.0 * np.log(np.diagonal(inverse)).sum()
        else:
            z /= np.sqrt(covariance)
            log_determinant = np.log(covariance).sum()
        distances = np.einsum("nd,nd->n", z, z)
        joint[:, k] = log_weight - 0.5 * (X.shape[1] * np.log(2.0 * np.pi) + log_determinant + distances)
    return joint


def spreads(mixture: Parameters) -> np.ndarray:
    """Covariance matrices (K, D, D) or, where the structure has no others, variances (K, D); in double."""
    matrices = mixture._replace(covariances=np.asarray(mixture.covariances, np.float64)).matrices()
    return matrices if mixture.covariance_type in ("full", "tied") else np.diagonal(matrices, axis1=1, axis2=2)


def row_log_likelihoods(joint: np.ndarray) -> np.ndarray:
    """Log-sum-exp over components, (N,)."""
    largest = joint.max(axis=1)
    return largest + np.log(np.exp(joint - largest[:, np.newaxis]).sum(axis=1))


def maximize(X: np.ndarray, responsibilities: np.ndarray, covariance_type: str) -> Parameters:
    """Return the parameters that responsibilities (N, K) give."""
    sums = responsibilities.sum(axis=0)
    means = responsibilities.T @ X / sums[:, np.newaxis]
    covariances = []
    for mean, r, total in zip(means, responsibilities.T, sums, strict=True):
        z = X - mean
        if covariance_type in ("full", "tied"):
            covariances.append((r[:, np.newaxis] * z).T @ z / total)
        else:
            covariances.append(r @ z**2 / total)
    reduced = {
        "full": np.array,
        "tied": lambda matrices: np.tensordot(sums / len(X), matrices, 1),
        "diag": np.array,
        "spherical": lambda variances: np.mean(variances, axis=1),
    }[covariance_type](covariances)
    return Parameters(sums / len(X), means, reduced, covariance_type)


def difference(actual: Parameters, expected: Parameters) -> float:
    """Largest difference of a parameter, relative to the largest of its kind."""
    return largest_difference(actual[:3], expected[:3])


def largest_difference(actual: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    """Largest difference of arrays from those `expected`, relative to the largest entry of each."""
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(actual, expected, strict=True))
