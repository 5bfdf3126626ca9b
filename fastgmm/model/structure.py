"""What a covariance structure is; the table of all is ``structures.py``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kinds import Density, Moments

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Structure:
    """A covariance structure.

    Attributes
    ----------
    name : str
        What users call it.
    model : str
        Its name in mclust: whether volume, shape and orientation are equal (E) among components or vary (V); I for a
        shape that is a sphere, and for axes that are the features.
    density, moments : dict
        By number of features, see ``kinds.py``.
    maximize, raise_ : compiled tasks
        The M step, see ``rounds/m_steps/``, and what raises its covariances to their floor, see
        ``kernels/densities/floor.py``, or tells which its M step has kept above it, see ``rounds/m_steps/held.py``.
    without_second : Moments or None
        What a pass sums where second moments follow from the total scatter.
    """

    name: str
    model: str
    density: dict[int, Density]
    moments: dict[int, Moments]
    maximize: Any
    raise_: Any
    without_second: Moments | None = None

    @cached_property
    def shared(self) -> bool:
        """Whether one covariance serves all components."""
        return "V" not in self.model

    @cached_property
    def n_axes(self) -> int:
        """Axes of a single covariance: 2 for a matrix (D, D), 1 for the variances (D,), 0 for one variance ()."""
        return 2 - self.model.count("I")

    @cached_property
    def has_matrices(self) -> bool:
        """Whether covariances are matrices; else they are variances."""
        return self.n_axes == 2

    @cached_property
    def pooled(self) -> bool:
        """Whether compiled code has one covariance, and one sum of second moments, for all components."""
        return self.shared and self.has_matrices

    @cached_property
    def _kept(self) -> tuple[bool, bool, bool]:
        """Which axes of covariances in compiled code those of mixtures have, too."""
        return not self.shared, self.n_axes == 2, self.n_axes > 0

    @cached_property
    def to_core(self) -> tuple[Any, ...]:
        """What indexes covariances, or those of B mixtures, into the axes of `core`: with 1 for equal K."""
        return ..., *(slice(None) if kept else np.newaxis for kept in self._kept)

    @cached_property
    def from_core(self) -> tuple[Any, ...]:
        """What indexes covariances (..., K or 1, D or 1, D or 1) of compiled code as mixtures have them."""
        return ..., *(slice(None) if kept else 0 for kept in self._kept)

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """Return the shape of the covariances of a mixture."""
        return (() if self.shared else (n_components,)) + (n_features,) * self.n_axes

    def moments_shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """Return the shape of the second moments of `SufficientStatistics`."""
        return (() if self.pooled else (n_components,)) + (n_features,) * self.n_axes

    def core(self, n_components: int, n_features: int) -> tuple[int, int, int]:
        """Return the shape of the covariances in compiled code, (K or 1, D or 1, D or 1)."""
        d = n_features
        return 1 if self.pooled else n_components, d if self.n_axes == 2 else 1, d if self.n_axes else 1

    def n_maximized(self, n_components: int) -> int:
        """Return the number of items of the M step: components, or 1 where they have something in common."""
        return 1 if "E" in self.model else n_components

    def n_prepared(self, n_components: int) -> int:
        """Return the number of items of preparing the density: covariances in compiled code."""
        return 1 if self.pooled else n_components

    def n_free_covariances(self, n_components: int, n_features: int) -> int:
        """Return the number of free parameters of the covariances: of volumes, shapes and orientations."""
        numbers = 1, n_features - 1, math.comb(n_features, 2)
        free = {"E": 1, "V": n_components, "I": 0}
        return sum(number * free[letter] for number, letter in zip(numbers, self.model, strict=True))

    def distinct(self, n_components: int, n_features: int) -> str:
        """Return the letters of `model` that matter: structures coincide where these are the same."""
        model = self.model if n_features > 1 else f"{self.model[0]}II"
        return model if n_components > 1 else model.replace("V", "E")

    def n_free(self, n_components: int, n_features: int) -> int:
        """Return the number of free parameters of a mixture: K - 1 weights, K D means and the covariances' own."""
        k, d = n_components, n_features
        return k - 1 + k * d + self.n_free_covariances(k, d)

    def complete(self, covariances: Array, n_components: int, n_features: int) -> Array:
        """Return covariance matrices (K, D, D); those of a structure that has them are not copied."""
        k, d = n_components, n_features
        if not self.has_matrices:
            return self.variances(covariances, k, d)[:, :, np.newaxis] * np.eye(d, dtype=covariances.dtype)
        return np.repeat(covariances[np.newaxis], k, axis=0) if self.shared else covariances

    def variances(self, covariances: Array, n_components: int, n_features: int) -> Array:
        """Return the variance of each component and feature, a view (K, D) that is not to be written to."""
        if self.has_matrices:
            covariances = np.diagonal(covariances, axis1=-2, axis2=-1)
        elif self.n_axes == 0:
            covariances = covariances[..., np.newaxis]
        return np.broadcast_to(covariances, (n_components, n_features))

    def add_variances(self, covariances: Array, added: Array) -> Array:
        """Return `covariances` with `added` on their diagonals, (D,) for all components or (K, D).

        A shared covariance gets the least of the components', a single variance the mean of the features'.
        """
        if self.shared and added.ndim == 2:
            added = added.min(axis=0)
        if self.has_matrices:
            added = added[..., np.newaxis] * np.eye(added.shape[-1])
        elif self.n_axes == 0:
            added = added.mean(axis=-1)
        return np.asarray(covariances + added)
