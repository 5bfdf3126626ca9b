"""What a selection is asked for: checks of its grid and its seed, and its callback."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

from .._checks import check_random_state, distinct, shown
from ..em.outcome import Callback, IterationState
from ..em.start import METHODS, check_given
from ..model.structures import STRUCTURES, check_structure
from ..rows.check import check_n_components
from ..rows.source import Source

# All structures that there are.
ALL = "all"


def grid_of(n_components: Any, covariance_types: Any, n_counted: int, n_features: int) -> list[tuple[int, str]]:
    """Return every number of components with every structure; TypeError or ValueError where either is not allowed.

    Of structures that coincide one is kept, that with the smallest covariances and most that is equal.
    """
    components = distinct("n_components", n_components, lambda k: check_n_components(k, n_counted))
    types = list(STRUCTURES)
    if not (isinstance(covariance_types, str) and covariance_types == ALL):
        types = distinct(
            "covariance_types", covariance_types, lambda name: check_structure("covariance_types", name, n_features)
        )
    simplest = sorted(types, key=lambda name: (STRUCTURES[name].n_axes, STRUCTURES[name].model), reverse=True)
    kept = {(k, STRUCTURES[name].distinct(k, n_features)): name for name in simplest for k in components}
    return [
        (k, name) for k in components for name in types if kept[k, STRUCTURES[name].distinct(k, n_features)] == name
    ]


def starts_of(init: Any, grid: list[tuple[int, str]], source: Source) -> dict[int, Any]:
    """Return what fits of each number of components start from; TypeError or ValueError if it is not what it may be.

    That is a method for all, or what a mapping has for each: labels or responsibilities.
    """
    components = dict.fromkeys(k for k, _ in grid)
    if isinstance(init, Mapping):
        absent = [k for k in components if k not in init]
        if absent:
            raise ValueError(
                f"init must have labels or responsibilities for each n_components, got none for {absent[0]}"
            )
        return {k: _given_of(k, init[k], source) for k in components}
    if not isinstance(init, str) or init not in METHODS:
        allowed = ", ".join(map(repr, METHODS))
        raise ValueError(
            f"init must be one of {allowed}, or a mapping from n_components to labels or responsibilities, got "
            f"{shown(init)}"
        )
    return dict.fromkeys(components, init)


def _given_of(n_components: int, init: Any, source: Source) -> Any:
    """Return what a mapping has for `n_components`; TypeError or ValueError, which name it, otherwise."""
    try:
        return check_given(init, source, n_components)
    except (TypeError, ValueError) as error:
        raise type(error)(f"for n_components={n_components}, {error}") from None


def seed_of(random_state: Any) -> Any:
    """Return an integer as it is, to be checked like any seed; of anything else an integer that is drawn from it."""
    if isinstance(random_state, numbers.Integral):
        return random_state
    return int(check_random_state(random_state).integers(2**63))


class Stopping:
    """A callback that remembers whether it stopped a fit."""

    def __init__(self, callback: Callback) -> None:
        self._callback = callback
        self.stopped = False

    def __call__(self, state: IterationState) -> bool:
        """Return whether the callback has returned something true, now or before."""
        if self._callback(state):
            self.stopped = True
        return self.stopped
