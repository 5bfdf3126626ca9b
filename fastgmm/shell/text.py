"""Rows from CSV and from text separated by white space or tabs.

Text is parsed by pyarrow; only when that fails does a slow reader walk the lines in Python, to say which line
and column are at fault.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .columns import Table, choose, not_a_number

MISSING_VALUES = ("", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan")


def read_text(path: Path, separator: str | None, columns: Sequence[str] | None, header: bool | None) -> Table:
    """Read a text file, see `tables.read_table`; `separator` is a comma, a tab, or None to find out."""
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
    positions = choose(names, len(first), columns, path)

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
                    return not_a_number(where, labels[position], record[position])
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
