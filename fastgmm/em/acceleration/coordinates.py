"""Mixtures as vectors without constraints, in which a round of EM is a step along the gradient.

About a reference with weights w and covariances L L^T a mixture has the coordinates

    sqrt(w_k) log(weight_k / w_k),    sqrt(w_k) L_k^-1 (mean_k - reference's),

and, with R = L^-1 chol(covariance), sqrt(2 w_k) log R_ii and sqrt(w_k) R_ij below the diagonal, where w_k is 1 for a
covariance that components share. The Fisher information of rows whose component is known is the identity there, so
that at the reference, to first order, the step of EM is the gradient of the mean log-likelihood (Jamshidian &
Jennrich, 1997, Acceleration of the EM algorithm by using quasi-Newton methods, J. R. Stat. Soc. B 59, 569-587). No
unit of a feature matters.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...model.parameters import Parameters
from ...model.structures import Structure

Array = NDArray[np.float64]

# Standard deviations that a mean moves, or the logarithm of what a weight or a root is multiplied with.
FARTHEST = 20.0


class Point(NamedTuple):
    """A mixture: logarithms of its weights (K,), means (K, D), and roots of its covariances.

    Roots are lower triangular matrices (K or 1, D, D), or standard deviations (K or 1, 1, D or 1).
    """

    logs: Array
    means: Array
    roots: Array


def point_of(parameters: Parameters) -> Point | None:
    """Return the point of a mixture whose weights are positive; None if a covariance is not positive definite."""
    structure = parameters.structure
    covariances = parameters.covariances[structure.to_core]
    try:
        roots = np.linalg.cholesky(covariances) if structure.has_matrices else np.sqrt(covariances)
    except np.linalg.LinAlgError:
        return None
    if not structure.has_matrices and not (roots > 0.0).all():
        return None
    return Point(np.log(parameters.weights), parameters.means, np.asarray(roots, np.float64))


def ridge_share(point: Point, added: Array) -> float:
    """Return the largest trace of what is `added` to variances (D,) in units of a covariance: at least its share."""
    roots = point.roots
    inverses = _inverses_of(roots) if roots.shape[1] > 1 else 1.0 / roots
    return float((added * inverses * inverses).sum(axis=(1, 2)).max())


def second_moments(
    structure: Structure, covariances: Array, sums: Array, size: tuple[int, ...], shape: tuple[int, ...]
) -> Array:
    """Return moments about the means from which an M step makes these covariances, for `sums` (K,).

    `size` is (K, D); `shape` that of the moments in a state, (K or 1, D or 1, D or 1).
    """
    (k, d), (n_matrices, n_rows, n_columns) = size, shape
    if n_rows == d:
        each = structure.complete(covariances, k, d)
    else:
        each = structure.variances(covariances, k, d)[:, np.newaxis]
        if n_columns < d:
            each = each.sum(axis=2, keepdims=True)
    each = sums[:, np.newaxis, np.newaxis] * each
    return each if n_matrices == k else each.sum(axis=0, keepdims=True)


class Frame:
    """Coordinates about a reference, of mixtures of K components with the same structure."""

    def __init__(self, reference: Point) -> None:
        self._reference = reference
        (n_roots, n_rows, n_columns), (k, d) = reference.roots.shape, reference.means.shape
        self._matrices = n_rows == d > 1
        self._inverses = _inverses_of(reference.roots) if self._matrices else 1.0 / reference.roots
        self._below = np.tril_indices(n_rows, -1)
        by_weight = np.exp(0.5 * reference.logs)
        by_covariance = by_weight if n_roots == k else np.ones(1)
        # A variance that is that of all features counts for each.
        by_root = math.sqrt(2.0 * (d if n_columns < d else 1)) * by_covariance
        entries = np.repeat(by_covariance, len(self._below[0]))
        self._scales = np.concatenate([by_weight, np.repeat(by_weight, d), np.repeat(by_root, n_columns), entries])

    def vector(self, point: Point) -> Array:
        """Return the coordinates of a point, (P,)."""
        shift = point.means - self._reference.means
        if self._matrices:
            ratios, shift = self._inverses @ point.roots, (self._inverses @ shift[:, :, np.newaxis])[:, :, 0]
            roots, below = np.diagonal(ratios, axis1=1, axis2=2), ratios[:, *self._below]
        else:
            roots, shift = (point.roots * self._inverses)[:, 0], shift * self._inverses[:, 0]
            below = np.empty(0)
        parts = point.logs - self._reference.logs, shift, np.log(roots), below
        vector: Array = self._scales * np.concatenate([part.ravel() for part in parts])
        return vector

    def mixture(self, vector: Array) -> tuple[Array, Array, Array] | None:
        """Return weights, means and covariances (K or 1, D or 1, D or 1) of coordinates; weights add up to 1.

        None where that is `FARTHEST` from the reference, or farther.
        """
        logs, means, roots = self._reference
        (k, d), (n_roots, _, n_columns) = means.shape, roots.shape
        plain = vector / self._scales
        if not np.abs(plain).max() < FARTHEST:
            return None
        weights, shift, ratios, below = np.split(plain, np.cumsum([k, k * d, n_roots * n_columns]))
        weights, shift, ratios = np.exp(logs + weights), shift.reshape(k, d), np.exp(ratios).reshape(n_roots, -1)
        if self._matrices:
            moved = np.zeros(roots.shape)
            moved[:, range(d), range(d)] = ratios
            moved[:, *self._below] = below.reshape(n_roots, -1)
            shift, moved = (roots @ shift[:, :, np.newaxis])[:, :, 0], roots @ moved
            covariances = moved @ moved.transpose(0, 2, 1)
        else:
            shift, covariances = shift * roots[:, 0], ((roots[:, 0] * ratios) ** 2)[:, np.newaxis]
        return weights / weights.sum(), means + shift, covariances


def _inverses_of(roots: Array) -> Array:
    """Return the inverses of matrices (., D, D), which units of the features do not make worse."""
    deviations = np.linalg.norm(roots, axis=2)
    inverses: Array = np.linalg.inv(roots / deviations[:, :, np.newaxis]) / deviations[:, np.newaxis]
    return inverses
