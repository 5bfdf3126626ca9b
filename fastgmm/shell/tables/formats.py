"""Rows from ``.npy``, Parquet and Feather."""

from __future__ import annotations

import os
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import ipc, parquet, types

ARROW_FORMATS = {".parquet": "parquet", ".pq": "parquet", ".feather": "feather", ".arrow": "feather"}


class _Binary:
    """A file whose rows have no lines, and in which nothing is guessed."""

    names: tuple[str, ...] | None = None
    words: Set[int] = frozenset()
    notes: tuple[str, ...] = ()

    def where(self, row: int) -> str:
        """Return where in the file a row is."""
        return f"row {row} (counted from 0)"

    def example(self, position: int) -> str:
        """Return what shows a user that a column holds no numbers."""
        return ""


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
        if self._X.dtype in (np.float32, np.float64):
            return self._X
        with np.errstate(over="ignore"):  # what is beyond float64 is refused as infinite
            return self._X.astype(np.float64)

    def kept(self, positions: Sequence[int]) -> list[Any]:
        """Return columns as Arrow arrays."""
        # Arrow has neither swapped bytes nor long doubles.
        native = self._X.dtype.newbyteorder("=")
        known = np.float64 if native == np.longdouble else native
        return [pa.chunked_array([self._X[:, position].astype(known)]) for position in positions]


class ArrowFile(_Binary):
    """Parquet or Feather."""

    def __init__(self, path: Path, origin: str) -> None:
        self._format, self._origin = ARROW_FORMATS[path.suffix.lower()], origin
        self._file = pa.OSFile(os.fsencode(path))  # pyarrow refuses a name that is not UTF-8 as text
        try:
            if self._format == "parquet":
                schema = parquet.ParquetFile(self._file).schema_arrow
            else:
                schema = ipc.open_file(self._file).schema
        except (pa.ArrowException, OSError):
            raise ValueError(f"{origin} is not a {self._format.capitalize()} file") from None
        self.names: tuple[str, ...] = tuple(schema.names)
        self.n_columns = len(self.names)
        self._types = schema.types
        numeric = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
        self.words = {i for i, kind in enumerate(self._types) if not any(is_such(kind) for is_such in numeric)}

    def example(self, position: int) -> str:
        """Return the type of a column."""
        return f" ({self._types[position]})"

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
        names = [self.names[position] for position in positions]
        try:
            if self._format == "parquet":
                table = parquet.ParquetFile(self._file).read(columns=names)
            else:
                wanted = ipc.IpcReadOptions(included_fields=sorted(positions))
                table = ipc.open_file(self._file, options=wanted).read_all()
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{self._origin} is a damaged {self._format.capitalize()} file ({error})") from None
        return [table.column(name) for name in names]
