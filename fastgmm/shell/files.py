"""Where ``--out`` goes: whole or not at all, and the labels file."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
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


def label_names(table: Table, n_components: int) -> list[str]:
    """Return the header of a labels file; ValueError if a column that is kept has a name of its own columns."""
    own = ["row", "label", *(f"responsibility_{k}" for k in range(n_components))]
    for name in table.kept:
        if name in own:
            raise ValueError(f"--keep names a column {name!r}, which labels have themselves; keep others by name")
    return [*table.kept, *own]


def write_labels(path: Path, responsibilities: NDArray[Any], table: Table) -> None:
    """Write one line per row of data: what is kept of it, its number from 0, its label, and its responsibilities.

    Parameters
    ----------
    path : Path
        The CSV file to write, with the header ``row,label,responsibility_0,...`` after the names of kept columns.
    responsibilities : (n, K) float64
        Posterior probability of each component; the label is the first largest.
    table : Table
        The N rows of the file. Those that are not present get neither a label nor responsibilities.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    columns = [pa.array(column) for column in (responsibilities.argmax(axis=1), *responsibilities.T)]
    if not table.present.all():
        positions = pa.array(np.cumsum(table.present) - 1, mask=~table.present)
        columns = [column.take(positions) for column in columns]
    names = label_names(table, responsibilities.shape[1])
    rows = pa.table([*table.kept.values(), pa.array(np.arange(len(table.present))), *columns], names)
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(names)  # pyarrow would put quotes around each
    for quoting in ("none", "needed"):  # with "needed" pyarrow puts quotes around every string
        try:
            with path.open("wb") as file:
                file.write(header.getvalue().encode())
                arrow_csv.write_csv(rows, file, arrow_csv.WriteOptions(include_header=False, quoting_style=quoting))
            break
        except pa.ArrowInvalid:
            if quoting == "needed":
                raise
