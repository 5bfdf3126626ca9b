"""The two steps of EM in Python terms: parameters made ready for a pass, and statistics made parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .kernels import Kernels, blocks, kernels_for, padded
from .parameters import SHAPES, MixtureParameters, SufficientStatistics

Array = NDArray[np.float64]

# A launch lasts about this long per thread: compiled code cannot be interrupted, so between launches Ctrl-C
# and callbacks get their turn.
LAUNCH_NANOSECONDS = 1e8
# Slabs of a launch together; a launch is at least one superblock per thread all the same.
SLAB_BYTES = 16 << 20


class IllDefinedCovariance(ValueError):
    """A covariance that is not positive definite."""

    def __init__(self, component: int) -> None:
        super().__init__(f"the covariance of component {component} is not positive definite")
        self.component = component


@dataclass(frozen=True)
class Plan:
    """How a pass is cut for K components and D features; nothing in it depends on N."""

    n_components: int
    n_features: int

    @property
    def rows(self) -> int:
        """Rows in a superblock."""
        return blocks.superblock_rows(self.n_components, self.n_features)

    @property
    def slab_shape(self) -> tuple[int, int]:
        """Shape of the sums of one superblock."""
        size = padded(self.n_features)
        return self.n_components + 1, blocks.slab_pitch(1 + size + size * size)

    @property
    def row_nanoseconds(self) -> float:
        """Rough time of one row on one core: right to a factor of three, which is all a launch length needs."""
        return self.n_components * (4.0 + 0.1 * self.n_features * (self.n_features + 8))

    def launch_rows(self, n_threads: int) -> int:
        """Rows in a launch: a whole number of superblocks for each thread."""
        by_time = LAUNCH_NANOSECONDS / (self.rows * self.row_nanoseconds)
        by_memory = SLAB_BYTES / (8 * n_threads * self.slab_shape[0] * self.slab_shape[1])
        return self.rows * n_threads * max(1, int(min(by_time, by_memory)))


@dataclass(frozen=True)
class Prepared:
    """Parameters in the form the kernels take."""

    parameters: MixtureParameters
    kernels: Kernels
    plan: Plan
    factors: Array
    constants: Array


def prepare(parameters: MixtureParameters) -> Prepared:
    """Factorise the covariances; `IllDefinedCovariance` if one is not positive definite."""
    k, d = parameters.means.shape
    kernels = kernels_for(parameters.covariance_type, d)
    factors = np.zeros((k, padded(d), padded(d)))
    constants = np.zeros(k)
    failed = kernels.prepare(parameters.weights, parameters.covariances, factors, constants)
    if failed >= 0:
        raise IllDefinedCovariance(failed)
    return Prepared(parameters, kernels, Plan(k, d), factors, constants)


def unprepared(centers: Array, covariance_type: str) -> Prepared:
    """Return means alone, for a pass over given responsibilities."""
    k, d = centers.shape
    nothing = MixtureParameters(np.zeros(k), centers, np.empty(0), covariance_type)
    size = padded(d)
    return Prepared(nothing, kernels_for(covariance_type, d), Plan(k, d), np.zeros((k, size, size)), np.zeros(k))


def maximize(statistics: SufficientStatistics, reg_covar: float) -> MixtureParameters:
    """M step; see `fastgmm.maximize`."""
    k, d = statistics.centers.shape
    weights, means = np.empty(k), np.empty((k, d))
    covariances = np.empty(SHAPES[statistics.covariance_type].covariances(k, d))
    kernels_for(statistics.covariance_type, d).maximize(
        statistics.responsibility_sums,
        statistics.first_moments,
        statistics.second_moments,
        statistics.centers,
        reg_covar,
        weights,
        means,
        covariances,
    )
    return MixtureParameters(weights, means, covariances, statistics.covariance_type)
