"""What a selection is asked for: checks of its grid and its seed."""

from __future__ import annotations

import numbers
from typing import Any

from .._checks import check_random_state, distinct
from ..model.structures import check_structure
from ..rows.check import check_n_components


def grid_of(n_components: Any, covariance_types: Any, n_counted: int) -> list[tuple[int, str]]:
    """Return every number of components with every structure; TypeError or ValueError where either is not allowed."""
    components = distinct("n_components", n_components, lambda k: check_n_components(k, n_counted))
    types = distinct(
        "covariance_types",
        covariance_types,
        lambda name: check_structure("covariance_types", name),
    )
    return [(k, covariance_type) for covariance_type in types for k in components]


def seed_of(random_state: Any) -> Any:
    """Return an integer as it is, to be checked like any seed; of anything else an integer that is drawn from it."""
    if isinstance(random_state, numbers.Integral):
        return random_state
    return int(check_random_state(random_state).integers(2**63))
