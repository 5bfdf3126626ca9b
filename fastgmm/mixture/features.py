"""Features that a user names or counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._checks import check_integer, distinct, shown


def positions_of(argument: str, features: Any, names: Sequence[str]) -> list[int]:
    """Return the positions of features that are given by their names or by numbers from 0, in the order given.

    TypeError or ValueError if there is no such feature, or one twice, or none at all.
    """
    return distinct(argument, features, lambda feature: position_of(argument, feature, names))


def position_of(argument: str, feature: Any, names: Sequence[str]) -> int:
    """Return the position of a feature that is given likewise."""
    if isinstance(feature, str):
        if feature not in names:
            raise ValueError(
                f"{argument} must be among those of the mixture, {shown(list(names))}, got {shown(feature)}"
            )
        return names.index(feature)
    number = check_integer(argument, feature, 0)
    if number >= len(names):
        raise ValueError(f"{argument} must be less than the number of features, {len(names)}, got {number}")
    return number
