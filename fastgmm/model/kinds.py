"""Kinds of densities and of moments, and the compiled passes of those pairs that structures are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ..kernels import tasks
from ..kernels.densities import diagonal, full, full_small, spherical, whitened
from ..kernels.moments import diagonal as diagonal_moments
from ..kernels.moments import full as full_moments
from ..kernels.moments import pooled
from ..kernels.moments import spherical as spherical_moments

Sizes = Callable[[int, int], Any]


class Density(NamedTuple):
    """A density: tasks, and the sizes of what they work on, functions of K and D.

    prepare, evaluate
        Tasks: a component for the kernels, and what is told of rows.
    shape
        Rows of a block P, and the shapes of factors and offsets of a `Model`.
    spare
        Rows of scratch.
    """

    name: str
    prepare: Any
    evaluate: Any
    shape: Sizes
    spare: Sizes


class Moments(NamedTuple):
    """Moments: a task and sizes.

    unpack
        Task: accumulator to statistics.
    sums
        Shape of a slab: rows, and numbers in one before it is padded.
    spare
        Rows of scratch.
    """

    name: str
    unpack: Any
    sums: Sizes
    spare: Sizes


class Kernels(NamedTuple):
    """The compiled side of a structure for a number of features.

    `sweep` is the pass that sums `moments`; `apart` the same about centres that are not the means of the density.
    """

    density: Density
    moments: Moments
    sweep: Any
    apart: Any
    maximize: Any


def _no_rows(n_components: int, n_features: int) -> int:
    return 0


def _four_rows(n_components: int, n_features: int) -> int:
    return 4


def _rows_of_components(n_components: int, n_features: int) -> int:
    return n_components


# By number of features; 0 for any other.
FULL = {
    0: Density("full", full.prepare_full, tasks.evaluate_full, full.full_shape, _four_rows),
    1: Density("full 1", full_small.prepare_full_1, tasks.evaluate_full_1, full.full_shape, _no_rows),
    2: Density("full 2", full_small.prepare_full_2, tasks.evaluate_full_2, full.full_shape, _no_rows),
    3: Density("full 3", full_small.prepare_full_3, tasks.evaluate_full_3, full.full_shape, _no_rows),
}
DIAGONAL = {
    0: Density("diagonal", diagonal.prepare_diagonal, tasks.evaluate_diagonal, diagonal.diagonal_shape, _no_rows)
}
SPHERICAL = {
    0: Density(
        "spherical",
        spherical.prepare_spherical,
        tasks.evaluate_spherical,
        spherical.spherical_shape,
        _rows_of_components,
    )
}
WHITENED = {
    0: Density(
        "whitened",
        whitened.prepare_whitened,
        tasks.evaluate_whitened,
        whitened.whitened_shape,
        whitened.whitened_spare,
    )
}

FULL_MOMENTS = {
    0: Moments("full", full_moments.unpack_full, full_moments.full_sums, full_moments.full_spare),
    1: Moments("full 1", full_moments.unpack_full, full_moments.full_sums, _no_rows),
    2: Moments("full 2", full_moments.unpack_full, full_moments.full_sums, _no_rows),
    3: Moments("full 3", full_moments.unpack_full, full_moments.full_sums, _no_rows),
}
DIAGONAL_MOMENTS = {
    0: Moments(
        "diagonal",
        diagonal_moments.unpack_diagonal,
        diagonal_moments.diagonal_sums,
        diagonal_moments.diagonal_spare,
    )
}
# From the distances that the density left, and from distances of their own, about centres that are not its means.
SPHERICAL_MOMENTS = {
    0: Moments(
        "spherical",
        spherical_moments.unpack_spherical,
        spherical_moments.spherical_sums,
        spherical_moments.spherical_spare,
    )
}
APART_MOMENTS = SPHERICAL_MOMENTS[0]._replace(name="spherical apart")
# Summed by the pass, and without the second moments, which follow from the total scatter.
POOLED_MOMENTS = {0: Moments("pooled", pooled.unpack_pooled, pooled.pooled_sums, pooled.pooled_spare)}
FIRST_MOMENTS = POOLED_MOMENTS[0]._replace(name="first", unpack=pooled.unpack_first_moments)

# A density with moments: the pass.
SWEEPS = {
    ("full", "full"): tasks.sweep_full,
    ("full 1", "full 1"): tasks.sweep_full_1,
    ("full 2", "full 2"): tasks.sweep_full_2,
    ("full 3", "full 3"): tasks.sweep_full_3,
    ("diagonal", "diagonal"): tasks.sweep_diagonal,
    ("spherical", "spherical"): tasks.sweep_spherical,
    ("spherical", "spherical apart"): tasks.sweep_spherical_apart,
    ("whitened", "pooled"): tasks.sweep_pooled,
    ("whitened", "first"): tasks.sweep_first,
}
# Moments that read what their density left in the scratch are about its means; these are for other centres.
APART = {"spherical": APART_MOMENTS}

Kind = TypeVar("Kind", Density, Moments)


def of_size(kinds: dict[int, Kind], n_features: int) -> Kind:
    """Return the kind for so many features."""
    return kinds.get(n_features, kinds[0])
