"""How a pass is cut, and what it takes: functions of the structure, K, D, the dtype and the processor, never of N."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from .._numba.stamps import machine
from ..kernels import sizes
from .kinds import Kernels
from .structures import STRUCTURES, Structure, kernels_of

# Compiled code cannot be interrupted, so it comes back to Python after about this long: Ctrl-C and callbacks get
# their turn.
LAUNCH_NANOSECONDS = 1e8
# Slabs of a launch together; a launch is at least one superblock per thread all the same, up to the second bound.
SLAB_BYTES = 16 << 20
MOST_SLAB_BYTES = 256 << 20
# A round of at most so many multiply-adds is short beside the work of Python around it.
SMALL_ROUND_WORK = 1.6e6
# Rounds of at least so many components, multiply-adds of a row, and of all may leave out what cannot matter
# (``rows/pruning``): fewer components gain little, few multiply-adds take less than what a row costs there beside
# them, and shorter fits end before that is compiled. Rows are numbered in 32 bits there. Milliseconds of a dense
# round of 2^32 and of a pruned one, two threads, clusters of unit scale, means N(0, 4^2 I), by multiply-adds of a
# row: full, D = 16, K = 8 (2688) 42 41, 16 (5376) 34 21, 32 (10752) 32 11, 64 30 6; D = 4, K = 32 (1920) 33 82,
# 96 (5760) 32 64; D = 8, K = 16 (1920) 46 64, 48 (5760) 44 35; diag, D = 16, K = 16 (1536) 62 65, 32 (3072) 55 34,
# 64 (6144) 51 20.
LONG_COMPONENTS, LONG_ROW_WORK, LONG_ROUND_WORK, LONG_ROWS = 16, 5000, 2**32, 2**31 - 1
# How long what takes a nanosecond on a Zen 5 takes on others, by their name or by features, in LLVM's words:
# the first that fits counts. Measured (``bench/costs.py``): a Zen 4, which does 512 bits in two halves, 1.0 to 2.6 by
# structure, K and D; a Zen 3 with AVX2, full covariances of D = 16 to 128, 2.7 to 3.6. It sets how long launches
# are, and no bit of an answer.
SLOWER = {"znver4": 1.6, "+avx512f": 1.0, "+avx2": 2.5, "": 5.0}


class Cut(NamedTuple):
    """How the launches of a run are cut, for compiled code; whether something is so is 1 or 0.

    n_workers
        Threads that may take part.
    parallel_nanoseconds
        Work that is worth sharing out.
    n_prepared, prepared_a_launch, prepare_nanoseconds
        Items of preparing a density, components or 1; in a launch at most; what one takes.
    n_superblocks, superblock_nanoseconds
        Superblocks of all rows, and what one takes; a launch has as many as there are slabs.
    n_maximized
        Items of the M step.
    fused
        Whether moments read what their density left, and so are about its means only.
    held
        Whether compiled code comes back when the statistics of a pass are in the state.
    added
        Whether the rows are added from outside: it comes back when they have been, for more.
    """

    n_workers: int
    parallel_nanoseconds: float
    n_prepared: int
    prepared_a_launch: int
    prepare_nanoseconds: float
    n_superblocks: int
    superblock_nanoseconds: float
    n_maximized: int
    fused: int
    held: int
    added: int


@dataclass(frozen=True, eq=False)
class Plan:
    """How a pass is cut for a structure, K components, D features and a dtype; nothing in it depends on N.

    Small fits ask again and again: take plans from `plan_of`.
    """

    covariance_type: str
    n_components: int
    n_features: int
    dtype: Any = np.float64

    @cached_property
    def structure(self) -> Structure:
        """The row of the table of structures."""
        return STRUCTURES[self.covariance_type]

    @cached_property
    def kernels(self) -> Kernels:
        """The compiled side of the structure."""
        return kernels_of(self.covariance_type, self.n_features)

    @cached_property
    def lanes(self) -> int:
        """Rows in a block."""
        return sizes.LANES_SINGLE if np.dtype(self.dtype).itemsize == 4 else sizes.LANES_DOUBLE

    @cached_property
    def rows(self) -> int:
        """Rows in a superblock."""
        return sizes.superblock_rows(self.n_components * (self._multiply_adds + 32), self.lanes)

    @cached_property
    def slab_shape(self) -> tuple[int, int]:
        """Shape of the sums of one superblock."""
        rows, length = self.kernels.moments.sums(self.n_components, self.n_features)
        return rows, sizes.slab_pitch(length)

    @cached_property
    def row_nanoseconds(self) -> float:
        """Time of one row on one core if it counts for every component, right to a factor of two.

        See ``bench/costs.py``. Rows that are left out (``kernels/blocks/significant.py``) take less.
        """
        d = self.n_features
        # What a row takes whatever the number of components: to be loaded, and to be whitened or multiplied once.
        once = (0.3 if d < 4 else 0.4) * d + (0.02 * d * d if self.structure.pooled else 0.0)
        single = 0.5 if self.lanes == sizes.LANES_SINGLE else 1.0
        return slower() * single * (once + self.n_components * (0.55 + 0.025 * self._multiply_adds))

    @property
    def order(self) -> int:
        """Order of the matrices that preparing a density factorises, 0 if there are none."""
        return self.n_features if self.structure.has_matrices else 0

    @property
    def digits_left(self) -> float:
        """Below which share of the square of a shift a variance has lost its digits: half of those that sums have."""
        return 1e-6 if self.lanes == sizes.LANES_DOUBLE else 1e-2

    @property
    def raise_nanoseconds(self) -> float:
        """Time of an item of raising covariances to their floor on one core: up to twelve sweeps of rotations."""
        return slower() * (100.0 + (6.0 * self.n_features**3 if self.structure.has_matrices else 0.0))

    @cached_property
    def prepare_nanoseconds(self) -> float:
        """Time of an item of preparing the density on one core."""
        d = self.n_features
        return slower() * (100.0 + 3.0 * d * d + 0.1 * d**3 if self.structure.has_matrices else 100.0 + 10.0 * d)

    @property
    def _multiply_adds(self) -> int:
        """Multiply-adds of a row and component."""
        per_component = self.structure.has_matrices and not self.structure.pooled
        return self.n_features * (self.n_features + 3 if per_component else 4)

    def is_small(self, n_samples: int) -> bool:
        """Whether a round over `n_samples` rows is short beside the work of Python around it."""
        return self.work(n_samples) <= SMALL_ROUND_WORK

    def is_long(self, n_samples: int) -> bool:
        """Whether rounds over `n_samples` rows are worth what may shorten them."""
        many = self.n_components >= LONG_COMPONENTS and self.work(1) >= LONG_ROW_WORK
        return many and self.work(n_samples) >= LONG_ROUND_WORK and n_samples <= LONG_ROWS

    def work(self, n_samples: int) -> int:
        """Multiply-adds of a round over `n_samples` rows, an exponential counted as 32."""
        return n_samples * self.n_components * (self._multiply_adds + 32)

    def launch_superblocks(self, n_threads: int) -> int:
        """Superblocks in a launch at most: by time, and by what their slabs take."""
        slab = 8 * self.slab_shape[0] * self.slab_shape[1]
        by_time = n_threads * int(LAUNCH_NANOSECONDS / (self.rows * self.row_nanoseconds))
        by_memory = max(SLAB_BYTES // slab, min(n_threads, MOST_SLAB_BYTES // slab))
        return max(1, min(max(n_threads, by_time), by_memory))

    def cut(self, n_samples: int, n_threads: int, parallel_nanoseconds: float, row_nanoseconds: float) -> Cut:
        """Return how launches over `n_samples` rows, each of so many nanoseconds, are cut."""
        prepared = self.structure.n_prepared(self.n_components)
        by_time = max(1, int(LAUNCH_NANOSECONDS / self.prepare_nanoseconds))
        return Cut(
            n_workers=n_threads,
            parallel_nanoseconds=parallel_nanoseconds,
            n_prepared=prepared,
            prepared_a_launch=min(prepared, by_time * n_threads),
            prepare_nanoseconds=self.prepare_nanoseconds,
            n_superblocks=-(-n_samples // self.rows),
            superblock_nanoseconds=float(min(self.rows, n_samples) * row_nanoseconds),
            n_maximized=self.structure.n_maximized(self.n_components),
            fused=int(self.kernels.apart is not self.kernels.sweep),
            held=0,
            added=0,
        )


@cache
def slower() -> float:
    """Return how many times as long as on a Zen 5 code takes on this processor."""
    name, features = machine()
    return next(times for known, times in SLOWER.items() if known in name or known in features)


@lru_cache(maxsize=256)
def plan_of(covariance_type: str, n_components: int, n_features: int, dtype: Any = np.float64) -> Plan:
    """Return the `Plan` for these."""
    return Plan(covariance_type, n_components, n_features, dtype)
