"""Where ``--out`` goes: whole or not at all, and the labels file."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _files
from . import interrupt
from .tables.columns import Table

_OPTION = "--out "  # how messages call the destination


@contextmanager
def new_directory(out: Path) -> Iterator[Path]:
    """Yield an empty directory whose files become those of `out`, see `_files.new_directory`."""
    with _files.new_directory(out, _OPTION) as directory, _without(directory.parent):
        yield directory


@contextmanager
def new_file(out: Path) -> Iterator[Path]:
    """Yield the path of a file that becomes `out`, see `_files.new_file`; directories above it are made."""
    with _files.new_file(out, _OPTION, parents=True) as path, _without(path.parent):
        yield path


def _without(scratch: Path) -> AbstractContextManager[None]:
    return interrupt.last_act(lambda: shutil.rmtree(scratch, ignore_errors=True))


def label_names(kept: Iterable[str], n_components: int) -> list[str]:
    """Return the header of a labels file; ValueError if a column that is kept has the name of one of its own."""
    own = ["row", "label", *(f"responsibility_{k}" for k in range(n_components))]
    for name in kept:
        if name in own:
            raise ValueError(f"--keep names a column {name!r}, which labels have themselves; keep others by name")
    return [*kept, *own]


def write_labels(path: Path, responsibilities: NDArray[Any], table: Table | None = None) -> None:
    """Write one line per row of data: what is kept of it, its number from 0, its label, and its responsibilities.

    Parameters
    ----------
    path : Path
        The file to write, Parquet by its suffix or else CSV, with the header ``row,label,responsibility_0,...`` after
        the names of kept columns.
    responsibilities : (n, K) float64
        Posterior probability of each component; the label is the first largest.
    table : Table, optional
        The N rows of the file. Those that are not present get neither a label nor responsibilities.
    """
    import pyarrow as pa

    columns = [pa.array(column) for column in (responsibilities.argmax(axis=1), *responsibilities.T)]
    present, kept = (np.ones(len(responsibilities), bool), {}) if table is None else (table.present, table.kept)
    if not present.all():
        positions = pa.array(np.cumsum(present) - 1, mask=~present)
        columns = [column.take(positions) for column in columns]
    names = label_names(kept, responsibilities.shape[1])
    rows = pa.table([*kept.values(), pa.array(np.arange(len(present))), *columns], names)
    for quoting in ("none", "needed"):  # with "needed" pyarrow puts quotes around every string
        try:
            with _writer(path, rows.schema, quoting) as writer:
                writer.write_table(rows)
            break
        except pa.ArrowInvalid:
            if quoting == "needed":
                raise


def write_labels_of(path: Path, parts: Iterable[tuple[list[Any], NDArray[Any]]], kept: Sequence[str]) -> int:
    """Write what `write_labels` does, of parts with columns to keep and responsibilities; return how many rows."""
    import pyarrow as pa

    n_rows = 0
    with ExitStack() as stack:
        writer = None
        for columns, responsibilities in parts:
            rows = np.arange(n_rows, n_rows + len(responsibilities))
            labels = map(pa.array, (rows, responsibilities.argmax(axis=1), *responsibilities.T))
            batch = pa.record_batch([*columns, *labels], label_names(kept, responsibilities.shape[1]))
            writer = writer or stack.enter_context(_writer(path, batch.schema, "needed"))
            writer.write_batch(batch)
            n_rows += len(responsibilities)
    return n_rows


@contextmanager
def _writer(path: Path, schema: Any, quoting: str) -> Iterator[Any]:
    """Yield what writes tables of Arrow: as Parquet if the suffix of the path says so, else as CSV."""
    if path.suffix.lower() in (".parquet", ".pq"):
        from pyarrow.parquet import ParquetWriter

        with ParquetWriter(path, schema) as writer:
            yield writer
        return
    from pyarrow import csv as arrow_csv

    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(schema.names)  # pyarrow would put quotes around each
    options = arrow_csv.WriteOptions(include_header=False, quoting_style=quoting)
    with path.open("wb") as file:
        file.write(header.getvalue().encode())
        with arrow_csv.CSVWriter(file, schema, write_options=options) as writer:
            yield writer
