"""What a selection is asked for: checks of its grid and its seed."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .._checks import check_choice, check_random_state
from ..model.structures import STRUCTURES
from ..rows.check import check_n_components

Value = TypeVar("Value", int, str)


def grid_of(n_components: Any, covariance_types: Any, n_counted: int) -> list[tuple[int, str]]:
    """Return every number of components with every structure; TypeError or ValueError where either is not allowed."""
    components = _distinct("n_components", n_components, lambda k: check_n_components(k, n_counted))
    types = _distinct(
        "covariance_types",
        covariance_types,
        lambda name: check_choice("covariance_types", name, tuple(STRUCTURES)),
    )
    return [(k, covariance_type) for covariance_type in types for k in components]


def _distinct(name: str, values: Any, check: Callable[[Any], Value]) -> list[Value]:
    """Return the checked values, at least one and none twice."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list, a tuple or a range, got {values!r}")
    checked: dict[Value, None] = {}
    for value in map(check, values):
        if value in checked:
            raise ValueError(f"{name} must not have a value twice, got {value!r} twice")
        checked[value] = None
    if not checked:
        raise ValueError(f"{name} must have at least one value, got none")
    return list(checked)


def seed_of(random_state: Any) -> Any:
    """Return an integer as it is, to be checked like any seed; of anything else an integer that is drawn from it."""
    if isinstance(random_state, numbers.Integral):
        return random_state
    return int(check_random_state(random_state).integers(2**63))


def total_weight_of(rows: NDArray[Any], weights: NDArray[np.float64], largest: int) -> float:
    """Return what a criterion takes for the number of rows; ValueError if it is less than that of components."""
    total_weight = float(weights.sum()) if len(weights) else float(len(rows))
    if total_weight < largest:
        raise ValueError(
            f"sample_weight must sum to at least the largest n_components, {largest}, because the sum counts as the "
            f"number of rows; got {total_weight:g}"
        )
    return total_weight
