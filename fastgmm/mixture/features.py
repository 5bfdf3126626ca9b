"""Features that a user names or counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._checks import check_integer, distinct, shown


def positions_of(features: Any, names: Sequence[str], most: int) -> list[int]:
    """Return the positions of features that are given by their names or by numbers from 0, in the order given.

    TypeError or ValueError if there is no such feature, or one twice, or more than `most`, which a picture has panels
    for.
    """

    def position(feature: Any) -> int:
        if isinstance(feature, str):
            if feature not in names:
                raise ValueError(
                    f"features must be among those of the mixture, {shown(list(names))}, got {feature!r}"
                )
            return names.index(feature)
        number = check_integer("features", feature, 0)
        if number >= len(names):
            raise ValueError(f"features must be less than the number of features, {len(names)}, got {number}")
        return number

    positions = distinct("features", features, position)
    if len(positions) > most:
        raise ValueError(f"features must be at most {most}, as many as a picture shows, got {len(positions)}")
    return positions
