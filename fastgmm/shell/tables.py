"""Rows from a file: CSV, white-space or tab-separated text, ``.npy``, Parquet and Feather; and from an example.

The suffix decides the format, and everything that is not one of the binary formats is text. Empty cells become
NaN: whether NaN is allowed is not for a reader to decide.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import data
from .columns import Table, choose, not_a_number
from .text import read_text

ARROW_FORMATS = {".parquet": "parquet", ".pq": "parquet", ".feather": "feather", ".arrow": "feather"}
SEPARATORS = {".csv": ",", ".tsv": "\t"}


def read_table(
    path: str | os.PathLike[str], *, columns: Sequence[str] | None = None, header: bool | None = None
) -> Table:
    """Read the numeric columns of a file.

    Parameters
    ----------
    path : path-like
        ``.csv``, ``.npy``, ``.parquet`` (``.pq``), ``.feather`` (``.arrow``), or text with any other suffix.
        Columns of text are separated by tabs where the suffix is ``.tsv`` or the first line is a header
        with tabs in it, else by any white space; there, lines that start with ``#`` are comments.
    columns : sequence of str, optional
        Take exactly these columns, in this order; all columns by default.
    header : bool, optional
        Whether the first line of a text file names the columns. By default it does if any of its fields
        is not a number. Files of other formats know their names or have none.

    Returns
    -------
    Table
        Integers and booleans become float64; missing values become NaN.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If the file has no rows, rows of different lengths, no column of a wanted name, or text in a column.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    if not path.is_file():
        raise IsADirectoryError(f"{path} is not a file; data must be a CSV, text, .npy, Parquet or Feather file")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty; data must have at least one row of numbers")
    suffix = path.suffix.lower()
    if suffix == ".npy":
        table = _read_npy(path, columns)
    elif suffix in ARROW_FORMATS:
        table = _read_arrow(path, ARROW_FORMATS[suffix], columns)
    else:
        try:
            table = read_text(path, SEPARATORS.get(suffix), columns, header)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(
                f"{path} is neither a table in UTF-8 text nor, by its suffix, .npy, Parquet or Feather ({error})"
            ) from None
    if len(table.X) == 0:
        raise ValueError(f"{path} has no rows; data must have at least one row of numbers")
    return table


def read_example(name: str, *, columns: Sequence[str] | None = None) -> Table:
    """Read an example set that ships with the package; `columns` as in `read_table`."""
    X, names = data.load_example(name)
    positions = choose(names, len(names), columns, f"example {name!r}")
    return Table(X[:, positions], tuple(names[position] for position in positions))


def _read_npy(path: Path, columns: Sequence[str] | None) -> Table:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError):
        raise ValueError(f"{path} is not a .npy file of numbers") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise ValueError(f"{path} is not a .npy file of real numbers")
    if array.ndim not in (1, 2):
        raise ValueError(f"{path} holds an array of shape {array.shape}; data must be one- or two-dimensional")
    X = array if array.ndim == 2 else array[:, np.newaxis]
    choose(None, X.shape[1], columns, path)  # refuses names: an array has none
    return Table(X if X.dtype in (np.float32, np.float64) else X.astype(np.float64), None)


def _read_arrow(path: Path, file_format: str, columns: Sequence[str] | None) -> Table:
    import pyarrow as pa
    import pyarrow.dataset
    import pyarrow.fs

    try:
        dataset = pa.dataset.dataset(path, format=file_format, filesystem=pa.fs.LocalFileSystem())
    except (pa.ArrowException, OSError):
        raise ValueError(f"{path} is not a {file_format.capitalize()} file") from None
    names = tuple(dataset.schema.names)
    chosen = tuple(names[position] for position in choose(names, len(names), columns, path))
    table = dataset.to_table(columns=list(chosen))
    for name, column in zip(chosen, table.columns, strict=True):
        if not _is_numeric(column.type):
            row, value = next(((i, v.as_py()) for i, v in enumerate(column) if v.is_valid), (0, None))
            raise ValueError(not_a_number(f"{path}, row {row}", repr(name), value))
    single = all(column.type == pa.float32() for column in table.columns)
    target = pa.float32() if single else pa.float64()
    # An unsafe cast rounds integers beyond 2**53 to the nearest double, as NumPy does.
    arrays = [column.cast(target, safe=False).to_numpy() for column in table.columns]
    return Table(np.column_stack(arrays), chosen)


def _is_numeric(arrow_type: Any) -> bool:
    from pyarrow import types

    return any(
        check(arrow_type)
        for check in (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
    )
