"""Plain data: what a mixture is, and what one pass over the rows yields.

EM is a fixed point of two small objects,

    parameters --(one pass over the rows)--> sufficient statistics --(maximise)--> parameters,

and this file holds both. ``SHAPES`` is the one table of array shapes by covariance type.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import fastgmm._sklearn.conversion as conversion
import fastgmm.inference as inference
import fastgmm.model_file as model_file

Array = NDArray[np.float64]
Seed = int | np.random.Generator | np.random.RandomState | np.random.SeedSequence | None


@dataclass(frozen=True)
class Shape:
    """Shapes of one covariance structure, as functions of K components and D features."""

    covariances: Callable[[int, int], tuple[int, ...]]
    free_covariances: Callable[[int, int], int]


SHAPES: dict[str, Shape] = {
    "full": Shape(
        covariances=lambda k, d: (k, d, d),
        free_covariances=lambda k, d: k * d * (d + 1) // 2,
    ),
    "tied": Shape(
        covariances=lambda k, d: (d, d),
        free_covariances=lambda k, d: d * (d + 1) // 2,
    ),
    "diag": Shape(
        covariances=lambda k, d: (k, d),
        free_covariances=lambda k, d: k * d,
    ),
    "spherical": Shape(
        covariances=lambda k, d: (k,),
        free_covariances=lambda k, d: k,
    ),
}


def n_free_of(covariance_type: str, n_components: int, n_features: int) -> int:
    """Return the number of free parameters of a mixture."""
    k, d = n_components, n_features
    return k - 1 + k * d + SHAPES[covariance_type].free_covariances(k, d)


@dataclass(frozen=True, eq=False)
class Mixture:
    """The parameters of a Gaussian mixture.

    Attributes
    ----------
    weights : (K,) float32 or float64
        Mixing proportions; non-negative, summing to one. The dtype is that of the rows they were fitted to.
    means : (K, D)
        Component means, in the units of the data.
    covariances : array
        In the squared units of the data: ``(K, D, D)`` for ``covariance_type="full"``, ``(D, D)`` for "tied",
        the variances ``(K, D)`` for "diag" and ``(K,)`` for "spherical".
    covariance_type : str
        The covariance structure; a key of ``SHAPES``.
    feature_names : tuple of str, or None
        Names of the D columns the model was fitted on, where the data had names.

    Notes
    -----
    The methods are thin: the work is in ``fastgmm.inference``. Parameters that a user wrote are checked
    where they enter a computation (``fastgmm.validation``), so that the EM loop does not pay for it.
    """

    weights: Array
    means: Array
    covariances: Array
    covariance_type: str = "full"
    feature_names: tuple[str, ...] | None = None

    @property
    def n_components(self) -> int:
        """Number of components, K."""
        return len(self.means)

    @property
    def n_features(self) -> int:
        """Number of features, D."""
        return int(self.means.shape[1])

    @property
    def n_free(self) -> int:
        """Number of free parameters: K - 1 weights, K D means, and the covariances' own."""
        return n_free_of(self.covariance_type, self.n_components, self.n_features)

    def full_covariances(self) -> Array:
        """Covariance matrices (K, D, D), whatever the structure."""
        k, d = self.means.shape
        covariances = self.covariances
        if self.covariance_type == "tied":
            return np.repeat(covariances[np.newaxis], k, axis=0)
        if self.covariance_type == "full":
            return covariances
        variances = (
            covariances if self.covariance_type == "diag" else np.repeat(covariances[:, np.newaxis], d, axis=1)
        )
        return variances[:, :, np.newaxis] * np.eye(d)

    def log_density(self, X: ArrayLike, *, n_threads: int | None = None) -> Array:
        """Log-density of the mixture at each row, (N,), in nats."""
        return inference.log_density(X, self, n_threads=n_threads)

    def responsibilities(self, X: ArrayLike, *, n_threads: int | None = None) -> Array:
        """Posterior probability of each component for each row, (N, K); rows sum to one."""
        return inference.responsibilities(X, self, n_threads=n_threads)

    def predict(self, X: ArrayLike, *, n_threads: int | None = None) -> NDArray[np.int64]:
        """Return the component with the largest responsibility for each row, (N,)."""
        return inference.predict(X, self, n_threads=n_threads)

    def score(self, X: ArrayLike, *, sample_weight: ArrayLike | None = None, n_threads: int | None = None) -> float:
        """Mean log-likelihood per row, in nats, weighted by `sample_weight` (N,) if there is one."""
        return inference.score(X, self, sample_weight=sample_weight, n_threads=n_threads)

    def bic(self, X: ArrayLike, *, n_threads: int | None = None) -> float:
        """Bayesian information criterion, -2 LL + p ln N; lower is better."""
        return inference.bic(X, self, n_threads=n_threads)

    def aic(self, X: ArrayLike, *, n_threads: int | None = None) -> float:
        """Akaike information criterion, -2 LL + 2 p; lower is better."""
        return inference.aic(X, self, n_threads=n_threads)

    def sample(self, n_samples: int, *, random_state: Seed = None) -> tuple[Array, NDArray[np.int64]]:
        """Draw rows, (n_samples, D), and the component each was drawn from, (n_samples,)."""
        return inference.sample(self, n_samples, random_state=random_state)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as JSON; `load` returns the same bits."""
        model_file.save(self, path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Mixture:
        """Read a model that `save` wrote; ``ValueError`` if the file is not one."""
        return model_file.load(path)

    def to_sklearn(self) -> Any:
        """Return a `sklearn.mixture.GaussianMixture` that is fitted with these parameters."""
        return conversion.to_sklearn(self)

    @staticmethod
    def from_sklearn(model: Any) -> Mixture:
        """Return the parameters of a fitted mixture of scikit-learn's, or of `fastgmm.GaussianMixture`.

        TypeError if `model` is not one, ValueError if its parameters are not valid.
        """
        return conversion.from_sklearn(model)


@dataclass(frozen=True, eq=False)
class SufficientStatistics:
    """What one pass over rows x_i under given parameters leaves behind; additive over rows.

    With r_ik the responsibilities and z_ik = x_i - centers_k:

    Attributes
    ----------
    covariance_type : str
        The structure the moments belong to.
    centers : (K, D) float64
        The means the moments are taken about: those of the parameters of the pass, as the kernels hold them.
        Moments about the current means do not cancel, however far from the origin the data are.
    n_samples : int
        Number of rows.
    log_likelihood : float
        Total log-likelihood of the rows, in nats.
    responsibility_sums : (K,) float64
        N_k = sum_i r_ik.
    first_moments : (K, D) float64
        sum_i r_ik z_ik.
    second_moments : float64
        sum_i r_ik z_ik z_ik^T, in the shape of the covariances: symmetric (K, D, D) for "full", summed over
        components (D, D) for "tied", the diagonals (K, D) for "diag" and their sums (K,) for "spherical".
    """

    covariance_type: str
    centers: Array
    n_samples: int
    log_likelihood: float
    responsibility_sums: Array
    first_moments: Array
    second_moments: Array

    def __add__(self, other: SufficientStatistics) -> SufficientStatistics:
        """Statistics of both sets of rows; both must come from the same parameters."""
        if not isinstance(other, SufficientStatistics):
            return NotImplemented
        if self.covariance_type != other.covariance_type:
            raise ValueError(
                f"statistics of covariance_type {self.covariance_type!r} and {other.covariance_type!r} do "
                "not add up; both must be of one structure"
            )
        if not np.array_equal(self.centers, other.centers):
            raise ValueError(
                "statistics centred on different means do not add up; both must be accumulated under the "
                "same parameters"
            )
        return SufficientStatistics(
            covariance_type=self.covariance_type,
            centers=self.centers,
            n_samples=self.n_samples + other.n_samples,
            log_likelihood=self.log_likelihood + other.log_likelihood,
            responsibility_sums=self.responsibility_sums + other.responsibility_sums,
            first_moments=self.first_moments + other.first_moments,
            second_moments=self.second_moments + other.second_moments,
        )
