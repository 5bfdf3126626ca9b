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
    covariances = parameters.covariances.reshape(structure.core(*parameters.means.shape))
    try:
        roots = np.linalg.cholesky(covariances) if structure.has_matrices else np.sqrt(covariances)
    except np.linalg.LinAlgError:
        return None
    if not structure.has_matrices and not (roots > 0.0).all():
        return None
    return Point(np.log(parameters.weights), parameters.means, np.asarray(roots, np.float64))


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
        (_, n_rows, n_columns), (k, d) = reference.roots.shape, reference.means.shape
        self._matrices = n_rows == d > 1
        # Variances of a component are one coordinate for all features, or one for each.
        n_alike = d if n_columns < d else 1
        self._inverses = np.linalg.inv(reference.roots) if self._matrices else 1.0 / reference.roots
        self._by_weight = np.exp(0.5 * reference.logs)
        by_covariance = self._by_weight if len(reference.roots) == k else np.ones(1)
        self._by_root = math.sqrt(2.0 * n_alike) * by_covariance[:, np.newaxis]
        self._by_entry = by_covariance[:, np.newaxis]
        self._below = np.tril_indices(n_rows, -1)

    def vector(self, point: Point) -> Array:
        """Return the coordinates of a point, (P,)."""
        shift = (point.means - self._reference.means)[:, :, np.newaxis]
        if self._matrices:
            roots, shift = self._inverses @ point.roots, self._inverses @ shift
            scales, below = np.diagonal(roots, axis1=1, axis2=2), roots[:, *self._below]
        else:
            scales, shift = (point.roots * self._inverses)[:, 0], shift[:, :, 0] * self._inverses[:, 0]
            below = np.empty((len(scales), 0))
        parts = (
            self._by_weight * (point.logs - self._reference.logs),
            self._by_weight[:, np.newaxis] * shift.reshape(point.means.shape),
            self._by_root * np.log(scales),
            self._by_entry * below,
        )
        return np.concatenate([part.ravel() for part in parts])

    def mixture(self, vector: Array) -> tuple[Array, Array, Array]:
        """Return weights, means and covariances (K or 1, D or 1, D or 1) of coordinates; weights add up to 1."""
        logs, means, roots = self._reference
        (k, d), scales = means.shape, roots[:, 0]
        n_scales = self._by_root.shape[0] * roots.shape[2]
        weights = np.exp(logs + vector[:k] / self._by_weight)
        shift = vector[k : k + k * d].reshape(k, d) / self._by_weight[:, np.newaxis]
        ratios = np.exp(vector[k + k * d :][:n_scales].reshape(len(roots), -1) / self._by_root)
        if self._matrices:
            moved = np.zeros(roots.shape)
            moved[:, range(d), range(d)] = ratios
            moved[:, *self._below] = vector[k + k * d + n_scales :].reshape(len(roots), -1) / self._by_entry
            shift, moved = (roots @ shift[:, :, np.newaxis])[:, :, 0], roots @ moved
            covariances = moved @ moved.transpose(0, 2, 1)
        else:
            shift, covariances = shift * scales, ((scales * ratios) ** 2)[:, np.newaxis]
        return weights / weights.sum(), means + shift, covariances
