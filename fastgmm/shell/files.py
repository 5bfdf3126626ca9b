"""Where ``--out`` goes: whole or not at all, and the labels file."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _files
from ..rows.chunked.datasets import FORMATS
from ..rows.evaluate import uncertainties
from . import interrupt
from .tables import places
from .tables.columns import Table

_OPTION = "--out "  # how messages call the destination
_CSV_ROWS = 1 << 16  # made into text at once


@contextmanager
def new_directory(out: Path, source: Path | None = None, *, several: bool = False) -> Iterator[Path]:
    """Yield an empty directory whose files become those of `out`, see `_files.new_directory`.

    ValueError if one would replace the data in `source` or become a part of them; of `several` fits there is a table
    more.
    """
    names = [places.MODEL, *[places.CANDIDATES] * several]
    if source is not None:
        for name in names if places.is_dataset(source) else [*names, places.LABELS]:
            places.refuse_inside(out / name, source)
    with _files.new_directory(out, _OPTION) as directory, _without(directory.parent):
        yield directory


@contextmanager
def new_file(out: Path, source: Path) -> Iterator[Path]:
    """Yield the path of a file that becomes `out`, see `_files.new_file`; directories above it are made.

    ValueError if it would replace the data or become a part of them.
    """
    places.refuse_inside(out, source)
    with _files.new_file(out, _OPTION, parents=True) as path, _without(path.parent):
        yield path


def _without(scratch: Path) -> AbstractContextManager[None]:
    return interrupt.last_act(lambda: shutil.rmtree(scratch, ignore_errors=True))


def refuse_other_formats(out: Path) -> None:
    """Refuse a labels file whose suffix is of no format that can be written; ValueError."""
    if out.suffix.lower() not in FORMATS:
        raise ValueError(f"--out {out} must end in {', '.join(FORMATS)}")


def label_names(kept: Iterable[str], n_components: int, uncertainty: bool = False) -> list[str]:
    """Return the header of a labels file; ValueError if a column that is kept has the name of one of its own."""
    own = ["row", "label", *["uncertainty"] * uncertainty, *(f"responsibility_{k}" for k in range(n_components))]
    for name in kept:
        if name in own:
            raise ValueError(f"--keep names a column {name!r}, which labels have themselves; keep others by name")
    return [*kept, *own]


def write_labels(
    path: Path, responsibilities: NDArray[Any], table: Table | None = None, *, uncertainty: bool = False
) -> None:
    """Write one line per row of data: what is kept of it, its number from 0, its label, and its responsibilities.

    Parameters
    ----------
    path : Path
        The file to write, in the format of its suffix, one of `FORMATS`; its columns are ``row``, ``label`` and
        ``responsibility_0``, ... after those kept.
    responsibilities : (n, K) float64
        Posterior probability of each component; the label is the first largest.
    table : Table, optional
        The N rows of the file. Those that are not present get neither a label nor responsibilities.
    uncertainty : bool
        Whether the label is followed by a column ``uncertainty``, the responsibility of all other components.
    """
    import pyarrow as pa

    of_all, kept = (pa.array, {}) if table is None else (table.of_all, table.kept)
    columns = [of_all(column) for column in _columns(responsibilities, uncertainty)]
    names = label_names(kept, responsibilities.shape[1], uncertainty)
    rows = pa.table([*kept.values(), pa.array(np.arange(len(columns[0]))), *columns], names)
    with _writer(path, rows.schema) as write:
        write(rows)


def write_candidates(path: Path, columns: dict[str, NDArray[Any]]) -> None:
    """Write a line per candidate of a selection, with these columns, see `Selection.table`."""
    import pyarrow as pa

    table = pa.table(columns)
    with _writer(path, table.schema) as write:
        write(table)


def _columns(responsibilities: NDArray[Any], uncertainty: bool) -> list[NDArray[Any]]:
    doubts = [uncertainties(responsibilities)] if uncertainty else []
    return [responsibilities.argmax(axis=1), *doubts, *responsibilities.T]


def write_labels_of(
    path: Path,
    parts: Iterable[tuple[list[Any], NDArray[Any]]],
    kept: Sequence[str],
    *,
    uncertainty: bool = False,
) -> int:
    """Write what `write_labels` does, of parts with columns to keep and responsibilities; return how many rows."""
    import pyarrow as pa

    n_rows = 0
    with ExitStack() as stack:
        write = None
        for columns, responsibilities in parts:
            rows = np.arange(n_rows, n_rows + len(responsibilities))
            labels = map(pa.array, (rows, *_columns(responsibilities, uncertainty)))
            names = label_names(kept, responsibilities.shape[1], uncertainty)
            table = pa.table([*columns, *labels], names)
            write = write or stack.enter_context(_writer(path, table.schema))
            write(table)
            n_rows += len(responsibilities)
    return n_rows


@contextmanager
def _writer(path: Path, schema: Any) -> Iterator[Callable[[Any], object]]:
    """Yield what writes tables of Arrow, in the format that the suffix of the path says."""
    kind = FORMATS[path.suffix.lower()]
    if kind == "parquet":
        from pyarrow.parquet import ParquetWriter

        with ParquetWriter(path, schema) as writer:
            yield writer.write_table
        return
    with path.open("wb") as file:
        if kind == "feather":
            import pyarrow as pa

            # A file of Arrow holds one dictionary of a column, and parts may have their own.
            kinds = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in schema.types]
            plain = pa.schema(list(zip(schema.names, kinds, strict=True)))
            with pa.ipc.new_file(file, plain) as writer:
                yield lambda table: writer.write_table(table.cast(plain))
            return
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(schema.names)  # pyarrow would put quotes around each
        file.write(header.getvalue().encode())
        yield lambda table: file.writelines(_as_csv(table))


def _as_csv(table: Any) -> Iterator[bytes]:
    """Yield the rows of a table as text; strings are in quotes where one near them needs it."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    for first in range(0, len(table), _CSV_ROWS):
        for quoting in ("none", "needed"):  # with "needed" pyarrow puts quotes around every string
            text = io.BytesIO()
            options = arrow_csv.WriteOptions(include_header=False, quoting_style=quoting)
            try:
                arrow_csv.write_csv(table.slice(first, _CSV_ROWS), text, options)
                break
            except pa.ArrowInvalid:
                if quoting == "needed":
                    raise
        yield text.getvalue()
