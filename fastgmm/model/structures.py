"""The one table of covariance structures.

Whoever needs to know something about a structure asks its row; names are compared nowhere else. A row chooses apart
from each other a density, the moments that a pass sums, and an M step: a structure whose moments exist is an M step
and a row.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.densities import floor
from .kinds import (
    APART,
    DIAGONAL,
    DIAGONAL_MOMENTS,
    FIRST_MOMENTS,
    FULL,
    FULL_MOMENTS,
    POOLED_MOMENTS,
    SPHERICAL,
    SPHERICAL_MOMENTS,
    SWEEPS,
    WHITENED,
    Density,
    Moments,
    of_size,
)
from .rounds import m_steps

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Structure:
    """A covariance structure.

    Attributes
    ----------
    name : str
        What users call it.
    shared : bool
        Whether one covariance serves all components.
    n_axes : int
        Axes of a single covariance: 2 for a matrix (D, D), 1 for the variances (D,), 0 for one variance ().
    density, moments : dict
        By number of features, see ``kinds.py``.
    maximize, raise_ : compiled tasks
        The M step, see ``rounds/m_steps.py``, and what raises its covariances to their floor, see
        ``kernels/densities/floor.py``.
    without_second : Moments or None
        What a pass sums where second moments follow from the total scatter.
    """

    name: str
    shared: bool
    n_axes: int
    density: dict[int, Density]
    moments: dict[int, Moments]
    maximize: Any
    raise_: Any
    without_second: Moments | None = None

    @property
    def has_matrices(self) -> bool:
        """Whether covariances are matrices; else they are variances."""
        return self.n_axes == 2

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """Return the shape of the covariances of a mixture."""
        return (() if self.shared else (n_components,)) + (n_features,) * self.n_axes

    def core(self, n_components: int, n_features: int) -> tuple[int, int, int]:
        """Return the shape of the covariances in compiled code, (K or 1, D or 1, D or 1)."""
        d = n_features
        return 1 if self.shared else n_components, d if self.n_axes == 2 else 1, d if self.n_axes else 1

    def n_maximized(self, n_components: int) -> int:
        """Return the number of items of the M step: components, or 1 where they share a covariance."""
        return 1 if self.shared else n_components

    def n_free_covariances(self, n_components: int, n_features: int) -> int:
        """Return the number of free parameters of the covariances: of a symmetric matrix the distinct entries."""
        return (1 if self.shared else n_components) * math.comb(n_features + self.n_axes - 1, self.n_axes)

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
        return covariances + added


STRUCTURES: dict[str, Structure] = {
    structure.name: structure
    for structure in (
        Structure("full", False, 2, FULL, FULL_MOMENTS, m_steps.maximize_full, floor.raise_matrices),
        Structure(
            "tied", True, 2, WHITENED, POOLED_MOMENTS, m_steps.maximize_tied, floor.raise_matrices, FIRST_MOMENTS
        ),
        Structure("diag", False, 1, DIAGONAL, DIAGONAL_MOMENTS, m_steps.maximize_diagonal, floor.raise_variances),
        Structure(
            "spherical", False, 0, SPHERICAL, SPHERICAL_MOMENTS, m_steps.maximize_spherical, floor.raise_variances
        ),
    )
}


class Kernels(NamedTuple):
    """The compiled side of a structure for a number of features.

    `sweep` is the pass that sums `moments`; `apart` the same about centres that are not the means of the density.
    """

    density: Density
    moments: Moments
    sweep: Any
    apart: Any
    maximize: Any


@functools.cache
def kernels_of(covariance_type: str, n_features: int, moments: Moments | None = None) -> Kernels:
    """Return the kernels of a structure, with `moments` in place of its own where these are given."""
    structure = STRUCTURES[covariance_type]
    density = of_size(structure.density, n_features)
    moments = moments or of_size(structure.moments, n_features)
    sweep = SWEEPS[density.name, moments.name]
    apart = SWEEPS[density.name, APART[moments.name].name] if moments.name in APART else sweep
    return Kernels(density, moments, sweep, apart, structure.maximize)
