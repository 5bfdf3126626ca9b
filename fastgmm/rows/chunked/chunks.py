"""A pass over chunks: arrays and tables of any kind, whose rows are checked as they come."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._checks import as_numbers
from ..check import as_columns, first_fault
from ..launch.work import UNWEIGHTED
from ..tables import column_names_of, feature_names_of, listed, tabulated, with_columns

Array = NDArray[np.float64]


class Part(NamedTuple):
    """What is read at once, a table or an array, from row `first` on of what messages call `where`.

    It is `lasting` if the next is not read into the same memory.
    """

    table: Any
    where: str
    first: int
    lasting: bool = True


class Chunk(NamedTuple):
    """Rows `X` (n, D) of float32 or float64, finite, with weights (n,) or (0,)."""

    X: NDArray[Any]
    weights: Array


# What reads all parts anew in each pass.
Reading = Callable[[], Iterable[Part]]


class Chunks:
    """Chunks that `reading` reads: of tables the `columns`, and weights from a column of that name.

    All have the columns and the dtype of the first that has rows. Chunks without names of columns take the
    `feature_names`, if these are known, but cannot be asked for `columns`.
    """

    def __init__(
        self,
        reading: Reading,
        columns: tuple[str, ...] | None = None,
        feature_names: tuple[str, ...] | None = None,
        weights: str | None = None,
    ) -> None:
        self._reading, self._columns, self._weights = reading, columns, weights
        self._all = columns is None and feature_names is None
        self._checked = False
        self.feature_names = columns or feature_names
        self.n_features = 0
        self.dtype: Any = None

    def __call__(self) -> Generator[Chunk]:
        """Yield the chunks that have rows; their values are checked unless they were in an earlier pass."""
        for part in self._reading():
            chunk = self.checked(part)
            if len(chunk.X):
                yield chunk
        self._checked = True

    def checked(self, part: Part) -> Chunk:
        """Return the rows of a part; TypeError or ValueError, which names it, if they are not what they may be."""
        try:
            chunk = self._chunk(part.table)
            if not part.lasting and _is_elsewhere(part.table, chunk.X):
                chunk = chunk._replace(X=chunk.X.copy())
            if not self._checked:
                self._refuse_faults(chunk, part.first)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{part.where}: {error}") from None
        return chunk

    def _chunk(self, table: Any) -> Chunk:
        table = tabulated(table)
        names = column_names_of(table)
        weights = UNWEIGHTED
        for name in (*([] if self._weights is None else [self._weights]), *(self._columns or ())):
            if names is None or name not in names:
                its = "; the columns have no names" if names is None else f"; its columns are {listed(names)}"
                raise ValueError(f"it has no column {name!r}{its}")
        if self._weights is not None and names is not None:
            weights = as_numbers("weights", as_columns(table, (self._weights,))[0][:, 0])
            names = tuple(name for name in names if name != self._weights)
        known = self.feature_names
        if names is not None and len(table):
            if self._all and known is not None and set(names) != set(known):
                other = next(name for name in (*known, *names) if (name in names) != (name in known))
                which = "no column" if other in known else "a column"
                raise ValueError(
                    f"it has {which} {other!r}, unlike the chunks before; its columns are {listed(names)}"
                )
            table = with_columns(table, known or names)
        X, names = as_columns(table)
        if self.dtype is None and len(X):
            self.n_features, self.dtype = X.shape[1], X.dtype
            self.feature_names = feature_names_of(names) or known
            if not self.n_features:
                raise ValueError("it has no columns to use")
        elif len(X) and X.shape[1] != self.n_features:
            raise ValueError(f"it has {X.shape[1]} columns, but the chunks before have {self.n_features}")
        elif len(X) and X.dtype != self.dtype:
            raise ValueError(f"it is {X.dtype}, but the chunks before are {self.dtype}; convert all to one of these")
        return Chunk(X, weights)

    def _refuse_faults(self, chunk: Chunk, first: int) -> None:
        fault = first_fault(chunk.X, self.feature_names, first)
        if fault:
            raise ValueError(f"NaN or infinite in {fault[1]}; drop or impute such rows first")
        wrong = ~(np.isfinite(chunk.weights) & (chunk.weights >= 0.0))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"the weight in row {first + row} (counted from 0) is {chunk.weights[row]}; weights must be finite "
                "and not negative"
            )


def _is_elsewhere(table: Any, X: NDArray[Any]) -> bool:
    """Whether the rows `X` of a table may lie in memory that whoever made it can write into."""
    if isinstance(table, np.ndarray):
        return table.flags.writeable and bool(np.may_share_memory(table, X))
    return not hasattr(type(table), "column_names")  # Arrow's is for good
