"""Rows from text, parsed by pyarrow; a slow reader walks the lines in Python only to say in which one a fault is."""

from __future__ import annotations

import csv
import io
import itertools
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute
from pyarrow import csv as arrow_csv

from .columns import Reading, label
from .opening import open_bytes, open_text
from .sniff import MISSING, decimal_mark, is_missing, looks_like_a_number, number_pattern, records, sniff

END = "end"  # a record of its own below the last line, unless that is inside a quote


class TextFile:
    """A text whose columns are separated by a character or by white space.

    It has `names`, if the first line names the columns; `words` are columns without numbers or without a name.
    """

    def __init__(self, path: Path, reading: Reading, origin: str) -> None:
        self._path, self._reading, self._origin = path, reading, origin
        self._dialect = dialect = sniff(path, reading, origin)
        self._refuse_an_open_quote()
        self.n_columns, self.notes, self.names = dialect.n_columns, dialect.notes, None
        cells = [self._cells(position) for position in range(self.n_columns)]
        self.words = {i for i, column in enumerate(cells) if column and not any(map(looks_like_a_number, column))}
        if dialect.names is not None:
            self.names = tuple(name or f"column {i + 1}" for i, name in enumerate(dialect.names))
            self.words |= {i for i, name in enumerate(dialect.names) if not name}
        # Of one column an empty line is a missing value.
        self._skips_empty = self.n_columns > 1 or dialect.separator == " "

    def example(self, position: int) -> str:
        """Return the first value of a column, for a note."""
        return next((f' ("{textwrap.shorten(cell, 20, placeholder="...")}")' for cell in self._cells(position)), "")

    def numbers(self, positions: Sequence[int]) -> NDArray[np.float64]:
        """Return columns as an array (N, D), with NaN for missing values."""
        cells = (cell for position in positions for cell in self._cells(position))
        decimal = decimal_mark(cells, self._dialect, self._reading, self._origin)
        thousands = self._reading.thousands or ""
        if not thousands and self._skips_empty:
            try:
                return np.column_stack([column.to_numpy() for column in self._read(positions, pa.float64(), decimal)])
            except pa.ArrowInvalid:  # a fault, or a missing value between spaces
                pass
        columns, faults = [], []
        for position, written in zip(positions, self.kept(positions), strict=True):
            column = compute.utf8_trim_whitespace(written)
            good = compute.match_substring_regex(column, number_pattern(decimal, thousands))
            row = compute.index(compute.or_(good, compute.is_in(column, pa.array(MISSING))), False).as_py()
            if row >= 0:
                faults.append((row, position, column[row].as_py()))
            if thousands:
                column = compute.replace_substring(column, thousands, "")
            column = compute.replace_substring(column, decimal, ".")
            columns.append(compute.cast(compute.if_else(good, column, None), pa.float64()).to_numpy())
        if faults:
            row, position, value = min(faults)
            raise ValueError(self._not_a_number(row, position, value))
        return np.column_stack(columns)

    def kept(self, positions: Sequence[int]) -> list[Any]:
        """Return columns as they are written, as Arrow arrays of N strings."""
        columns = self._read(positions, pa.string())
        if self._skips_empty:
            return columns
        n_rows = len(columns[0])
        while n_rows and columns[0][n_rows - 1].as_py() == "":  # lines below the last row
            n_rows -= 1
        return [column[:n_rows] for column in columns]

    def where(self, row: int) -> str:
        """Return where in the file a row begins."""
        return self._first(lambda i, _: i == row)[0]

    def _cells(self, position: int) -> list[str]:
        """Return the fields of a column in the first records, without missing values."""
        fields = (record[position] for record in self._dialect.records if position < len(record))
        return [field for field in fields if not is_missing(field)]

    def _read(self, positions: Sequence[int], arrow_type: Any, decimal: str = ".") -> list[Any]:
        """Return columns as Arrow arrays of a type; `ArrowInvalid` if a field cannot be converted."""
        dialect, white = self._dialect, self._dialect.separator == " "
        keys = [str(position) for position in positions]  # names may occur twice
        try:
            with self._as_csv() if white else open_bytes(self._path) as file:
                table = arrow_csv.read_csv(
                    file,
                    read_options=arrow_csv.ReadOptions(
                        column_names=[str(position) for position in range(self.n_columns)],
                        skip_rows=dialect.lines_above,
                        block_size=1 << 24,  # bytes, more than a line
                        encoding="utf8" if white or dialect.encoding == "utf-8-sig" else dialect.encoding,
                    ),
                    parse_options=arrow_csv.ParseOptions(
                        delimiter="," if white else dialect.separator,
                        newlines_in_values=True,
                        ignore_empty_lines=self._skips_empty,
                    ),
                    convert_options=arrow_csv.ConvertOptions(
                        include_columns=keys,
                        column_types=dict.fromkeys(keys, arrow_type),
                        null_values=MISSING,
                        strings_can_be_null=False,
                        decimal_point=decimal,
                    ),
                )
            return list(table.columns)
        except pa.ArrowInvalid as error:
            if "CSV parse error" not in str(error):
                raise csv.Error(error) if arrow_type == pa.string() else error from None
            line, record = self._first(lambda _, record: len(record) != self.n_columns)
            raise ValueError(
                f"{self._origin}, {line}: the number of fields is {len(record)}, but {self.n_columns} in the lines "
                "above"
            ) from None

    def _as_csv(self) -> io.BytesIO:
        """Rewrite columns between white space as CSV in memory, line for line: pyarrow takes a single character."""
        buffer = io.StringIO()
        with open_text(self._path, self._dialect.encoding) as file:
            csv.writer(buffer, lineterminator="\n").writerows(records(file, " "))
        return io.BytesIO(buffer.getvalue().encode())

    def _refuse_an_open_quote(self) -> None:
        """Refuse a field that a quote begins and none ends: it would be all of the rest of the file."""
        # The number of quotes is even then, or some field has one inside, as in 5" wide.
        with open_text(self._path, self._dialect.encoding, "replace") as file:
            if sum(part.count('"') for part in iter(lambda: file.read(1 << 20), "")) % 2 == 0:
                return
        with open_text(self._path, self._dialect.encoding, "replace") as file:
            above = sum(1 for _ in itertools.islice(file, self._dialect.lines_above))
            reader = records(itertools.chain(file, [END]), self._dialect.separator)
            start = line = 0
            record: list[str] = []
            try:
                for record in reader:  # noqa: B007
                    start, line = line, reader.line_num  # type: ignore[attr-defined]
            except csv.Error:  # the field is too long
                start, record = line, []
            if record != [END]:
                raise ValueError(f"{self._origin}, line {above + start + 1}: a quote begins a field that none ends")

    def _first(self, wanted: Callable[[int, list[str]], bool]) -> tuple[str, list[str]]:
        """Return the first record that is `wanted` by its row and fields, and the line of the file it begins in."""
        with open_text(self._path, self._dialect.encoding) as file:
            above = sum(1 for _ in itertools.islice(file, self._dialect.lines_above))
            reader = records(file, self._dialect.separator)
            row = -1
            for record in reader:
                row += bool(record) or not self._skips_empty
                if (record or not self._skips_empty) and wanted(row, record):
                    break
        # A record may go on over several lines.
        line = above + reader.line_num - sum(field.count("\n") for field in record)  # type: ignore[attr-defined]
        return f"line {line}", record

    def _not_a_number(self, row: int, position: int, value: str) -> str:
        hint = "choose numeric columns with --columns NAME"
        if looks_like_a_number(value):
            hint = "--thousands and --decimal say how numbers are written"
        where = f"{self._origin}, {self.where(row)}, column {label(self.names, position)}"
        return f"{where}: {value[:40]!r} is not a number; {hint}"
