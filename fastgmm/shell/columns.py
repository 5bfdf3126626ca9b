"""A table of numbers, and how its columns are chosen by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

_MOST_NAMES = 20  # listed in an error message


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers and the names of their columns.

    Attributes
    ----------
    X : (N, D) float64 or float32
        The rows; possibly a read-only memory map.
    feature_names : tuple of str, or None
        Names of the D columns, where the file has names.
    """

    X: NDArray[Any]
    feature_names: tuple[str, ...] | None


def choose(names: Sequence[str] | None, n_columns: int, columns: Sequence[str] | None, source: object) -> list[int]:
    """Return the positions of the wanted columns in a source of `n_columns`; all of them by default."""
    if columns is None:
        return list(range(n_columns))
    if names is None:
        raise ValueError(f"{source} does not name its columns, so {_listed(columns)} cannot be chosen by name")
    for column in columns:
        if column not in names:
            raise ValueError(f"{source} has no column {column!r}; its columns are {_listed(names)}")
        if names.count(column) > 1:
            raise ValueError(f"{source} has {names.count(column)} columns named {column!r}; names must differ")
    return [names.index(column) for column in columns]


def _listed(names: Sequence[str]) -> str:
    listed = ", ".join(repr(name) for name in names[:_MOST_NAMES])
    return listed if len(names) <= _MOST_NAMES else f"{listed} and {len(names) - _MOST_NAMES} more"


def not_a_number(where: str, column: str, value: object) -> str:
    """Say that a cell is not a number; `where` begins the sentence."""
    shown = repr(str(value)[:40])
    return f"{where}, column {column}: {shown} is not a number; choose numeric columns with --columns NAME"
