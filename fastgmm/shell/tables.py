"""Rows from a file: CSV, white-space or tab-separated text, ``.npy``, Parquet and Feather.

The suffix decides the format, and everything that is not one of the binary formats is text. Text is
parsed by pyarrow; only when that fails does a slow reader walk the lines in Python, to say which line
and column are at fault. Empty cells become NaN: whether NaN is allowed is not for a reader to decide.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from .. import data

ARROW_FORMATS = {".parquet": "parquet", ".pq": "parquet", ".feather": "feather", ".arrow": "feather"}
SEPARATORS = {".csv": ",", ".tsv": "\t"}
MISSING_VALUES = ("", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan")
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
            table = _read_text(path, SEPARATORS.get(suffix), columns, header)
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
    positions = _choose(names, len(names), columns, f"example {name!r}")
    return Table(X[:, positions], tuple(names[position] for position in positions))


def _choose(names: Sequence[str] | None, n_columns: int, columns: Sequence[str] | None, source: object) -> list[int]:
    """Return the positions of the wanted columns in a source of `n_columns`."""
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
    _choose(None, X.shape[1], columns, path)  # refuses names: an array has none
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
    chosen = tuple(names[position] for position in _choose(names, len(names), columns, path))
    table = dataset.to_table(columns=list(chosen))
    for name, column in zip(chosen, table.columns, strict=True):
        if not _is_numeric(column.type):
            row, value = next(((i, v.as_py()) for i, v in enumerate(column) if v.is_valid), (0, None))
            raise ValueError(_not_a_number(f"{path}, row {row}", repr(name), value))
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


def _read_text(path: Path, separator: str | None, columns: Sequence[str] | None, header: bool | None) -> Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    if separator is None:
        separator = _sniff_separator(path)
    with _open_text(path) as file:
        reader = _records(file, separator)
        first = next((record for record in reader if record), None)
        if first is None:
            raise ValueError(f"{path} has no rows; data must have at least one row of numbers")
        if header is None:
            header = not all(_is_number(field) for field in first)
        names = tuple(field.strip() or f"column {i}" for i, field in enumerate(first)) if header else None
        lines_above = reader.line_num if header else 0
    positions = _choose(names, len(first), columns, path)

    # Columns go by their position here: the names of a header may be empty, or occur twice.
    keys = [str(position) for position in positions]
    try:
        parsed = arrow_csv.read_csv(
            path if separator == "," else _as_csv(path, separator),
            read_options=arrow_csv.ReadOptions(
                column_names=[str(position) for position in range(len(first))], skip_rows=lines_above
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=keys,
                column_types=dict.fromkeys(keys, pa.float64()),
                null_values=MISSING_VALUES,
            ),
        )
    except pa.ArrowInvalid as error:
        labels = [repr(name) for name in names] if names else [str(i + 1) for i in range(len(first))]
        fault = _first_fault(path, separator, lines_above, labels, positions)
        raise ValueError(fault or f"{path}: {error}") from None
    feature_names = tuple(names[position] for position in positions) if names else None
    return Table(np.column_stack([column.to_numpy() for column in parsed.columns]), feature_names)


def _open_text(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", newline="")  # the signature is the mark that Excel writes


def _sniff_separator(path: Path) -> str:
    """Tab if the first line is a header with tabs, whose names may hold spaces; else any white space."""
    with _open_text(path) as file:
        first = next((line for line in file if line.strip() and not _is_comment(line)), "")
    return "\t" if "\t" in first and not all(_is_number(field) for field in first.split()) else " "


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _records(file: Iterable[str], separator: str) -> Any:
    """Return a ``csv.reader`` over the lines; blank lines and comments are empty records."""
    if separator == ",":
        return csv.reader(file)
    content: Iterator[str] = ("" if _is_comment(line) else line for line in file)
    if separator == "\t":
        return csv.reader(content, delimiter="\t")
    plain = (line.replace("\t", " ").strip() for line in content)
    return csv.reader(plain, delimiter=" ", skipinitialspace=True)


def _as_csv(path: Path, separator: str) -> io.BytesIO:
    """Rewrite separated text as CSV in memory, line for line: pyarrow takes a single character only."""
    buffer = io.StringIO()
    with _open_text(path) as file:
        csv.writer(buffer, lineterminator="\n").writerows(_records(file, separator))
    return io.BytesIO(buffer.getvalue().encode())


def _first_fault(
    path: Path, separator: str, lines_above: int, labels: Sequence[str], positions: Sequence[int]
) -> str | None:
    """Say in which line the text stops being a table of numbers."""
    with _open_text(path) as file:
        reader = _records(file, separator)
        for record in reader:
            if not record or reader.line_num <= lines_above:
                continue
            where = f"{path}, line {reader.line_num}"
            if len(record) != len(labels):
                return f"{where}: the number of fields is {len(record)}, but {len(labels)} in the lines above"
            for position in positions:
                if not _is_number(record[position]):
                    return _not_a_number(where, labels[position], record[position])
    return None


def _is_number(field: str) -> bool:
    """Whether pyarrow reads the field as a number or as missing."""
    if field.strip() in MISSING_VALUES:
        return True
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field  # Python alone reads 1_000 as a number


def _not_a_number(where: str, column: str, value: object) -> str:
    shown = repr(str(value)[:40])
    return f"{where}, column {column}: {shown} is not a number; choose numeric columns with --columns NAME"
