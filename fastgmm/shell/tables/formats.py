"""Rows from ``.npy``, Parquet and Feather."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import dataset, fs, types

ARROW_FORMATS = {".parquet": "parquet", ".pq": "parquet", ".feather": "feather", ".arrow": "feather"}


class _Binary:
    """A file whose rows have no lines, and in which nothing is guessed."""

    names: tuple[str, ...] | None = None
    words: Set[int] = frozenset()
    notes: tuple[str, ...] = ()

    def where(self, row: int) -> str:
        """Return where in the file a row is."""
        return f"row {row} (counted from 0)"


class NpyFile(_Binary):
    """An array that is mapped, not read."""

    def __init__(self, path: Path, origin: str) -> None:
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError):
            raise ValueError(f"{origin} is not a .npy file of numbers") from None
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise ValueError(f"{origin} is not a .npy file of real numbers")
        if array.ndim not in (1, 2):
            raise ValueError(f"{origin} holds an array of shape {array.shape}; data must be one- or two-dimensional")
        self._X = array if array.ndim == 2 else array[:, np.newaxis]
        self.n_columns = self._X.shape[1]

    def numbers(self, positions: Sequence[int]) -> NDArray[Any]:
        """Return all columns: they have no names to choose by."""
        return self._X if self._X.dtype in (np.float32, np.float64) else self._X.astype(np.float64)

    def kept(self, positions: Sequence[int]) -> list[Any]:
        """Return columns as Arrow arrays."""
        return [pa.chunked_array([self._X[:, position]]) for position in positions]


class ArrowFile(_Binary):
    """Parquet or Feather."""

    def __init__(self, path: Path, origin: str) -> None:
        file_format = ARROW_FORMATS[path.suffix.lower()]
        try:
            self._dataset = dataset.dataset(path, format=file_format, filesystem=fs.LocalFileSystem())
        except (pa.ArrowException, OSError):
            raise ValueError(f"{origin} is not a {file_format.capitalize()} file") from None
        self._origin = origin
        self.names: tuple[str, ...] = tuple(self._dataset.schema.names)
        self.n_columns = len(self.names)
        numeric = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
        self.words = {
            i for i, kind in enumerate(self._dataset.schema.types) if not any(is_such(kind) for is_such in numeric)
        }

    def numbers(self, positions: Sequence[int]) -> NDArray[Any]:
        """Return columns as an array (N, D), with NaN for missing values."""
        for position in self.words & set(positions):
            (column,) = self.kept([position])
            row, value = next(((i, v.as_py()) for i, v in enumerate(column) if v.is_valid), (0, None))
            raise ValueError(
                f"{self._origin}, row {row}, column {self.names[position]!r}: {str(value)[:40]!r} is not a number; "
                "choose numeric columns with --columns NAME"
            )
        columns = self.kept(positions)
        target = pa.float32() if all(column.type == pa.float32() for column in columns) else pa.float64()
        # An unsafe cast rounds integers beyond 2**53 to the nearest double, as NumPy does.
        return np.column_stack([column.cast(target, safe=False).to_numpy() for column in columns])

    def kept(self, positions: Sequence[int]) -> list[Any]:
        """Return columns as Arrow arrays."""
        return list(self._dataset.to_table(columns=[self.names[position] for position in positions]).columns)
