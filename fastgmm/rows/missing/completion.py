"""Statistics of the observed features, completed: what the missing ones add in expectation.

Given its component and what is observed of it, a row has in its missing features m the conditional mean
mu_m + B (x_o - mu_o) and the covariance C,

    B = Sigma_mo Sigma_oo^-1,    C = Sigma_mm - B Sigma_om,

which depend on its pattern only. So expected sums over the rows of a pattern follow from those of their observed
features: Ghahramani & Jordan (1994), Supervised learning from incomplete data via an EM approach, NIPS 6, 120-127.
With z_o about any centres, z = A z_o + e, A = [1; B], and N, F = A sum r z_o and S the sums over the observed,

    sum r z = F + N e,    sum r z z^T = A S A^T + F e^T + e F^T + N e e^T + N C.

Matrices: as it stands, for each component; of one for all components B and C are the same, and pooled moments are
sums of both sides. Variances: B is 0, and each missing feature adds N (variance + e^2), to its own sum or, of a
spherical component, to the one there is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...model.check import first_indefinite
from ...model.statistics import PassSums
from .patterns import Indices

Array = NDArray[np.float64]


class Gaussians(NamedTuple):
    """Components in float64: `means` (K, D), `covariances` (K or 1, D or 1, D or 1) as compiled code has them."""

    means: Array
    covariances: Array

    @property
    def has_matrices(self) -> bool:
        """Whether covariances are matrices; of one feature that is the same as a variance."""
        return bool(self.covariances.shape[1] == self.means.shape[1])


def regressions(covariances: Array, n_observed: int) -> tuple[Array, Array]:
    """Return B (..., D - d, d) and C of covariances (..., D, D) whose first d = `n_observed` features are observed.

    From one Cholesky factor, so that C has no negative variance, however little is left unexplained.

    Raises
    ------
    LinAlgError
        If a covariance is not positive definite.
    """
    factors, d = np.linalg.cholesky(covariances), n_observed
    upper = factors[..., :d, :d].swapaxes(-1, -2)
    slopes = np.linalg.solve(upper, factors[..., d:, :d].swapaxes(-1, -2)).swapaxes(-1, -2)
    rest = factors[..., d:, d:]
    return slopes, rest @ rest.swapaxes(-1, -2)


def indefinite(covariances: Array, orders: Indices) -> int:
    """Return the first component with a covariance that has no Cholesky factor in one of the `orders` (P, D)."""
    return first_indefinite(each[orders[:, :, np.newaxis], orders[:, np.newaxis]] for each in covariances)


def completed(components: Gaussians, centers: Array, orders: Indices, observed: PassSums) -> PassSums:
    """Return the sums over all features, about `centers` (K, D), of the rows of P patterns together.

    `orders` (P, D) are the features of each pattern, the d observed ones first; `observed` has sums of these for each
    pattern, (P, K, ...).
    """
    n_features, d = orders.shape[1], observed.first.shape[2]
    counts = observed.sums[:, :, np.newaxis]
    means, about = (each[:, orders].swapaxes(0, 1) for each in (components.means, centers))
    offsets = means - about
    offsets[..., :d] = observed.centers - about[..., :d]
    first = np.zeros(means.shape)
    first[..., :d] = observed.first
    inverse = np.argsort(orders, axis=1)
    if components.has_matrices:
        covariances = components.covariances[:, orders[:, :, np.newaxis], orders[:, np.newaxis]].swapaxes(0, 1)
        slopes, rest = regressions(covariances, d)
        offsets[..., d:] += (slopes @ (observed.centers - means[..., :d])[..., np.newaxis])[..., 0]
        first[..., d:] = (slopes @ observed.first[..., np.newaxis])[..., 0]
        maps = np.zeros((*slopes.shape[:2], n_features, d))
        maps[..., :d, :], maps[..., d:, :] = np.eye(d), slopes
        second = maps @ observed.second @ maps.swapaxes(-1, -2)
        shifts = first + 0.5 * counts * offsets
        if slopes.shape[1] == 1:
            moved = (shifts.swapaxes(1, 2) @ offsets)[:, np.newaxis]
            second[..., d:, d:] += counts.sum(axis=1, keepdims=True)[..., np.newaxis] * rest
        else:
            moved = shifts[..., np.newaxis] * offsets[..., np.newaxis, :]
            second[..., d:, d:] += counts[..., np.newaxis] * rest
        second += moved + moved.swapaxes(-1, -2)
        places = np.arange(len(orders))[:, np.newaxis, np.newaxis]
        second = second.swapaxes(0, 1)[:, places, inverse[:, :, np.newaxis], inverse[:, np.newaxis]].sum(axis=1)
        second = 0.5 * (second + second.swapaxes(-1, -2))
    else:
        variances = np.broadcast_to(components.covariances[:, 0], centers.shape)[:, orders].swapaxes(0, 1)
        each = (2.0 * first + counts * offsets) * offsets
        each[..., d:] += counts * variances[..., d:]
        if components.covariances.shape[2] == 1:
            second = (each.sum(axis=2, keepdims=True)[:, :, np.newaxis] + observed.second).sum(axis=0)
        else:
            each[..., :d] += observed.second[:, :, 0]
            second = _in_order(each, inverse)[:, np.newaxis]
    return PassSums(centers, counts[..., 0].sum(axis=0), _in_order(first + counts * offsets, inverse), second)


def _in_order(values: Array, inverse: Indices) -> Array:
    """Return the sum over patterns of values (P, K, D), with features in the order that they have in rows."""
    ordered: Any = np.take_along_axis(values, inverse[:, np.newaxis], axis=2)
    return np.asarray(ordered.sum(axis=0))
