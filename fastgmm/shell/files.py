"""Where ``--out`` goes: whole or not at all, and the labels file."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable, Iterator
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
        The CSV file to write, with the header ``row,label,responsibility_0,...`` after the names of kept columns.
    responsibilities : (n, K) float64
        Posterior probability of each component; the label is the first largest.
    table : Table, optional
        The N rows of the file. Those that are not present get neither a label nor responsibilities.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    columns = [pa.array(column) for column in (responsibilities.argmax(axis=1), *responsibilities.T)]
    present, kept = (np.ones(len(responsibilities), bool), {}) if table is None else (table.present, table.kept)
    if not present.all():
        positions = pa.array(np.cumsum(present) - 1, mask=~present)
        columns = [column.take(positions) for column in columns]
    names = label_names(kept, responsibilities.shape[1])
    rows = pa.table([*kept.values(), pa.array(np.arange(len(present))), *columns], names)
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
