"""The one table of covariance structures.

Whoever needs to know something about a structure asks its row; names are compared nowhere else. A row chooses apart
from each other a density, the moments that a pass sums, and an M step: a structure whose moments exist is an M step
and a row.
"""

from __future__ import annotations

import functools
from typing import Any

from .._checks import shown
from ..kernels.densities.floor import raise_matrices, raise_variances
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
    Kernels,
    Moments,
    of_size,
)
from .rounds.m_steps.axes import maximize_evi, maximize_pooled_variances, maximize_vei
from .rounds.m_steps.held import mark_matrices, mark_variances
from .rounds.m_steps.own_axes import maximize_eev, maximize_evv, maximize_vev
from .rounds.m_steps.plain import maximize_diagonal, maximize_full, maximize_spherical, maximize_tied
from .rounds.m_steps.shared_axes import maximize_eve, maximize_vee, maximize_vve
from .structure import Structure

__all__ = ["ALIASES", "NAMES", "STRUCTURES", "UNIVARIATE", "Structure", "check_structure", "kernels_of"]

_POOLED = WHITENED, POOLED_MOMENTS
_FULL = FULL, FULL_MOMENTS
_DIAGONAL = DIAGONAL, DIAGONAL_MOMENTS
_SPHERICAL = SPHERICAL, SPHERICAL_MOMENTS

STRUCTURES: dict[str, Structure] = {
    structure.name: structure
    for structure in (
        Structure("full", "VVV", *_FULL, maximize_full, raise_matrices),
        Structure("tied", "EEE", *_POOLED, maximize_tied, raise_matrices, FIRST_MOMENTS),
        Structure("diag", "VVI", *_DIAGONAL, maximize_diagonal, raise_variances),
        Structure("spherical", "VII", *_SPHERICAL, maximize_spherical, raise_variances),
        Structure("EII", "EII", *_SPHERICAL, maximize_pooled_variances, raise_variances),
        Structure("EEI", "EEI", *_DIAGONAL, maximize_pooled_variances, raise_variances),
        Structure("VEI", "VEI", *_DIAGONAL, maximize_vei, mark_variances),
        Structure("EVI", "EVI", *_DIAGONAL, maximize_evi, mark_variances),
        Structure("VEE", "VEE", *_FULL, maximize_vee, mark_matrices),
        Structure("EVE", "EVE", *_FULL, maximize_eve, mark_matrices),
        Structure("VVE", "VVE", *_FULL, maximize_vve, mark_matrices),
        Structure("EEV", "EEV", *_FULL, maximize_eev, mark_matrices),
        Structure("VEV", "VEV", *_FULL, maximize_vev, mark_matrices),
        Structure("EVV", "EVV", *_FULL, maximize_evv, mark_matrices),
    )
}
# mclust's names of those that scikit-learn names otherwise, and of those of one feature; and what users may say, by
# what it means.
ALIASES = {row.model: name for name, row in STRUCTURES.items() if row.model != name}
OF_ONE_FEATURE = {"E": "EII", "V": "spherical"}
UNIVARIATE = frozenset((*ALIASES.values(), *OF_ONE_FEATURE.values()))  # all others have a shape or axes to speak of
NAMES = {name: name for name in STRUCTURES} | ALIASES | OF_ONE_FEATURE


def check_structure(name: str, value: Any, n_features: int | None = None) -> str:
    """Return the one name of the structure `value`, which may be mclust's; ValueError if there is none.

    `name` is what the argument is called. One feature has the structures E and V, also by scikit-learn's names, and
    several have all others; where the number is not known yet, both are allowed.
    """
    if not isinstance(value, str) or value not in NAMES:
        plain, models = ", ".join(map(repr, ALIASES.values())), ", ".join(row.model for row in STRUCTURES.values())
        raise ValueError(
            f"{name} must be one of {plain}, or of mclust's {models}, or E or V of one feature, got {shown(value)}"
        )
    found = NAMES[value]
    if n_features == 1 and found not in UNIVARIATE:
        raise ValueError(f"{name} {value!r} is for several features; of one there are 'E', equal variances, and 'V'")
    if n_features is not None and n_features > 1 and value in OF_ONE_FEATURE:
        raise ValueError(f"{name} {value!r} is for one feature, got {n_features}; of several there is {found!r}")
    return found


@functools.cache
def kernels_of(covariance_type: str, n_features: int, moments: Moments | None = None) -> Kernels:
    """Return the kernels of a structure, with `moments` in place of its own where these are given."""
    structure = STRUCTURES[covariance_type]
    density = of_size(structure.density, n_features)
    moments = moments or of_size(structure.moments, n_features)
    sweep = SWEEPS[density.name, moments.name]
    apart = SWEEPS[density.name, APART[moments.name].name] if moments.name in APART else sweep
    return Kernels(density, moments, sweep, apart, structure.maximize)
