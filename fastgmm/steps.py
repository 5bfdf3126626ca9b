"""The two steps of EM in Python terms: parameters made ready for a pass, and statistics made parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernels import STRUCTURES, blocks, structure
from .kernels.convergence import converged
from .parameters import SHAPES, Mixture, SufficientStatistics

Array = NDArray[np.float64]

# A launch lasts about this long per thread: compiled code cannot be interrupted, so between launches Ctrl-C
# and callbacks get their turn.
LAUNCH_NANOSECONDS = 1e8
# Slabs of a launch together; a launch is at least one superblock per thread all the same.
SLAB_BYTES = 16 << 20


# A fit of at most so much work runs as a whole in compiled code (``kernels/whole.py``), which Ctrl-C cannot
# interrupt.
SMALL_NANOSECONDS = 2e8
SMALL_ROUND_NANOSECONDS = 1e5

__all__ = ["IllDefinedCovariance", "Plan", "Prepared", "converged", "maximize", "plan_of", "prepare", "unprepared"]


class IllDefinedCovariance(ValueError):
    """A covariance that is not positive definite."""

    def __init__(self, component: int) -> None:
        super().__init__(f"the covariance of component {component} is not positive definite")
        self.component = component


@dataclass(frozen=True)
class Plan:
    """How a pass is cut for a structure, K components, D features and a dtype; nothing in it depends on N.

    Small fits ask again and again: take plans from `plan_of`.
    """

    covariance_type: str
    n_components: int
    n_features: int
    dtype: Any = np.float64

    @cached_property
    def rows(self) -> int:
        """Rows in a superblock."""
        return blocks.superblock_rows(self.n_components * (self._multiply_adds + 32))

    @cached_property
    def slab_shape(self) -> tuple[int, int]:
        """Shape of the sums of one superblock."""
        rows, length = STRUCTURES[self.covariance_type].sums_shape(self.n_components, self.n_features)
        return rows, blocks.slab_pitch(length)

    @cached_property
    def row_nanoseconds(self) -> float:
        """Rough time of one row on one core: right to a factor of three, which is all a launch length needs."""
        return self.n_components * (2.0 + 0.06 * self._multiply_adds)

    @property
    def _multiply_adds(self) -> int:
        """Multiply-adds of a row and component."""
        per_feature = self.n_features + 3 if self.covariance_type == "full" else 4
        return self.n_features * per_feature

    def is_small(self, n_samples: int) -> bool:
        """Whether a round over `n_samples` rows is short beside the work of Python around it."""
        return n_samples * self.row_nanoseconds <= SMALL_ROUND_NANOSECONDS

    def superblocks(self, n_samples: int) -> list[tuple[int, int]]:
        """First row and end of each superblock of `n_samples` rows."""
        return [(a, min(a + self.rows, n_samples)) for a in range(0, n_samples, self.rows)]

    def launch_rows(self, n_threads: int) -> int:
        """Rows in a launch: a whole number of superblocks for each thread."""
        by_time = LAUNCH_NANOSECONDS / (self.rows * self.row_nanoseconds)
        by_memory = SLAB_BYTES / (8 * n_threads * self.slab_shape[0] * self.slab_shape[1])
        return self.rows * n_threads * max(1, int(min(by_time, by_memory)))


@lru_cache(maxsize=256)
def plan_of(covariance_type: str, n_components: int, n_features: int, dtype: Any = np.float64) -> Plan:
    """Return the `Plan` for these."""
    return Plan(covariance_type, n_components, n_features, dtype)


@dataclass(frozen=True)
class Prepared:
    """Parameters in the form the kernels take."""

    plan: Plan
    model: Any

    def statistics(self, accumulator: Array, n_samples: int) -> SufficientStatistics:
        """Return the sums of a pass of `n_samples` rows as arrays of their own."""
        k, d = self.plan.n_components, self.plan.n_features
        centers, sums, first = np.empty((k, d)), np.empty(k), np.empty((k, d))
        second = np.zeros(SHAPES[self.plan.covariance_type].covariances(k, d))
        structure.centers_of(self.model, centers)
        structure.unpack(self.model, accumulator, sums, first, second)
        return SufficientStatistics(
            covariance_type=self.plan.covariance_type,
            centers=centers,
            n_samples=n_samples,
            log_likelihood=float(accumulator[k, 0]),
            responsibility_sums=sums,
            first_moments=first,
            second_moments=second,
        )


def prepare(parameters: Mixture, dtype: Any = np.float64, **options: Any) -> Prepared:
    """Factorise the covariances for rows of `dtype`; `IllDefinedCovariance` if one is not positive definite.

    `options` are those of the structure's `allocate`.
    """
    prepared = _allocate(parameters.means, parameters.covariance_type, dtype, **options)
    failed = structure.prepare(prepared.model, parameters.weights, parameters.means, parameters.covariances)
    if failed >= 0:
        raise IllDefinedCovariance(failed)
    return prepared


def unprepared(centers: Array, covariance_type: str, dtype: Any) -> Prepared:
    """Return means alone, for a pass over given responsibilities.

    Without a density there is nothing to gain from an origin, and without one the centred rows are exact.
    """
    prepared = _allocate(centers, covariance_type, dtype)
    prepared.model.means[:, : centers.shape[1]] = centers
    return prepared


def _allocate(means: Array, covariance_type: str, dtype: Any, **options: Any) -> Prepared:
    k, d = means.shape
    model = STRUCTURES[covariance_type].allocate(k, d, dtype, **options)
    return Prepared(plan_of(covariance_type, k, d, dtype), model)


def maximize(statistics: SufficientStatistics, reg_covar: Array) -> Mixture:
    """M step, see `fastgmm.maximize`, with what is added to the variance of each feature, (D,)."""
    k, d = statistics.centers.shape
    covariance_type = statistics.covariance_type
    weights, means = np.empty(k), np.empty((k, d))
    covariances = np.empty(SHAPES[covariance_type].covariances(k, d))
    structure.maximize(
        # The model only chooses the structure; the smallest there is does.
        STRUCTURES[covariance_type].allocate(1, d, np.float64),
        statistics.responsibility_sums,
        statistics.first_moments,
        statistics.second_moments,
        statistics.centers,
        reg_covar,
        weights,
        means,
        covariances,
    )
    return Mixture(weights, means, covariances, covariance_type)
