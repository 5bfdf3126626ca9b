"""What is wanted of a table, what comes of it, and how its columns are named."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...rows.missing.options import MARGINAL

_MOST_NAMES = 20  # listed in a message


@dataclass(frozen=True)
class Reading:
    """What is wanted of a table, in the words of the options; None is found out.

    `columns` are the features, all columns of numbers by default: names, or if not `exact` values of an option, each
    of which may list several. `keep` are columns to carry along as they are written, ("all",) for all.
    """

    columns: Sequence[str] | None = None
    keep: Sequence[str] | None = None
    missing: str = "refuse"  # or "drop" the rows, or "marginal"
    header: str | None = None  # "yes" or "no"
    separator: str | None = None  # " " is any white space
    decimal: str | None = None
    thousands: str | None = None  # none if not given
    encoding: str | None = None  # UTF-8 if not given, or what a byte order mark says
    weights: str | None = None
    by: str | None = None  # a column of labels: no feature, and carried along like those of `keep`
    exact: bool = False

    def __post_init__(self) -> None:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"--decimal and --thousands must differ, got {self.decimal!r} for both")

    @property
    def gaps(self) -> str:
        """What the `missing` of fits and of inference is."""
        return MARGINAL if self.missing == MARGINAL else "error"


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of a file that are used, X (n, D), with names and weights (n,) if there are any.

    They are finite, but for NaN where missing values are wanted.

    Of all N rows of the file there are `present` (N,) bool, which says which ones X has, and the columns to carry
    along, `kept`, as Arrow arrays by name. Messages call the file `origin`.
    """

    origin: str
    X: NDArray[Any]
    feature_names: tuple[str, ...] | None
    sample_weight: NDArray[np.float64] | None
    present: NDArray[np.bool_]
    kept: dict[str, Any]

    def of_all(self, values: NDArray[Any]) -> Any:
        """Return numbers of the rows that are used as an Arrow array of all N, null where a row is not."""
        import pyarrow as pa

        column = pa.array(values)
        return (
            column if self.present.all() else column.take(pa.array(np.cumsum(self.present) - 1, mask=~self.present))
        )

    @property
    def total_weight(self) -> float:
        """Number of rows, or the sum of their weights."""
        return float(len(self.X) if self.sample_weight is None else self.sample_weight.sum())


def origin_of(path: Path) -> str:
    """Return what messages call a file; - is standard input."""
    return "standard input" if str(path) == "-" else str(path)


def listed(values: Iterable[str], names: Sequence[str]) -> list[str]:
    """Return the names that values of an option stand for: each is one of `names`, or lists several as CSV does."""
    return [
        name.strip() for value in values for name in ([value] if value in names else next(csv.reader([value]), [""]))
    ]


def choose(names: Sequence[str] | None, wanted: Sequence[str], origin: str) -> list[int]:
    """Return the positions of the columns of these names, each of which must be there, and be asked for, once."""
    if names is None:
        raise ValueError(f"{origin} does not name its columns, so {shown(wanted)} cannot be chosen by name")
    for name in wanted:
        if name not in names:
            raise ValueError(f"{origin} has no column {name!r}; its columns are {shown(names)}")
    refuse_equal(wanted, "the choice")
    refuse_equal([name for name in names if name in wanted], origin)
    return [names.index(name) for name in wanted]


def refuse_equal(names: Iterable[str], origin: str) -> None:
    """Refuse columns of the same name."""
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"{origin} has {count} columns named {name!r}; names must differ")


def shown(names: Sequence[str]) -> str:
    """Return names for a message, a long list cut."""
    text = ", ".join(repr(name) for name in names[:_MOST_NAMES])
    return text if len(names) <= _MOST_NAMES else f"{text} and {len(names) - _MOST_NAMES} more"


def label(names: Sequence[str] | None, position: int) -> str:
    """Return what messages call a column: its name, or its number, from 1."""
    return repr(names[position]) if names else str(position + 1)
