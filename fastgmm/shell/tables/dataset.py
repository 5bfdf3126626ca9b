"""Many files as one table, which is never in memory as a whole: a directory, or a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, csv

from ...rows.chunked.ahead import made_ahead
from ...rows.chunked.chunks import Chunks, Part
from ...rows.chunked.datasets import dataset_of, files_of, is_number, looks_like_numbers, reading_of
from ..application import note
from .columns import Reading, choose, listed, refuse_equal, shown
from .places import refuse_results

_OF_TEXT = ("header", "separator", "decimal", "thousands", "encoding")


@dataclass(eq=False)
class Dataset:
    """What a fit needs to know of many files: `X`, the `columns` that are features, and the name of one of weights.

    `kept` are names of columns to carry along; `total_weight` is the number of rows, once they have been counted.
    """

    origin: str
    X: Any
    feature_names: tuple[str, ...]
    sample_weight: str | None
    kept: tuple[str, ...]
    total_weight: float = 0.0


def open_dataset(path: Path, reading: Reading) -> Dataset:
    """Return the files that a path names, with the columns that are wanted; no row is read but the first of a text.

    Raises
    ------
    OSError
        If there are no files.
    ValueError
        If files are of several formats, or have no such columns.
    """
    origin = str(path)
    for name in _OF_TEXT:
        if getattr(reading, name) is not None:
            raise ValueError(f"--{name} is for a single file of text; {origin} is a directory or a pattern")
    if reading.missing != "refuse":
        raise ValueError(f"--missing {reading.missing} is for a single file; {origin} is a directory or a pattern")
    refuse_results(map(Path, files_of(path)))
    dataset = dataset_of(path)
    names = dataset.schema.names
    if dataset.format.default_extname == "csv" and looks_like_numbers(names):
        note(f"the first line of the files of {origin}, {', '.join(names)[:40]}, is taken for names")
    if reading.weights is not None:
        choose(names, [reading.weights], origin)
        kind = dataset.schema.field(reading.weights).type
        if not is_number(kind):
            raise ValueError(f"--weights {reading.weights}: this column of {origin} holds no numbers ({kind})")
    kept = () if reading.keep is None else tuple(listed(reading.keep, names))
    kept = tuple(names) if kept == ("all",) else kept
    choose(names, kept, origin)
    if reading.columns is not None:
        columns = tuple(reading.columns if reading.exact else listed(reading.columns, names))
        choose(names, columns, origin)
        kinds = {name: dataset.schema.field(name).type for name in columns}
        for name, kind in kinds.items():
            if not is_number(kind):
                raise ValueError(
                    f"column {name!r} of {origin} holds no numbers ({kind}); choose others with --columns"
                )
    else:
        others = {*(name for name in kept if len(kept) < len(names)), reading.weights}
        numbers = [field.name for field in dataset.schema if is_number(field.type)]
        columns = tuple(name for name in numbers if name not in others)
        words = [name for name in names if name not in numbers]
        if words:
            note(f"columns of {origin} left out, which hold no numbers: {shown(words)}")
    if not columns:
        raise ValueError(f"no columns of {origin} are left to use; name columns of numbers with --columns")
    refuse_equal(columns, origin)
    return Dataset(origin, dataset, columns, reading.weights, kept)


def parts_of(dataset: Dataset) -> Iterator[tuple[NDArray[Any], list[Any]]]:
    """Yield rows (n, D), checked, and the Arrow arrays of the columns to carry along; the next are read meanwhile."""
    names = tuple(dict.fromkeys([*dataset.feature_names, *dataset.kept]))
    source = _with_text(dataset.X, dataset.kept)
    texts = [name for name in dataset.feature_names if source.schema.field(name).type == pa.string()]
    read = reading_of(source, dataset.origin, names, None, alike=True)
    chunks = Chunks(read, dataset.feature_names)
    with made_ahead((chunks.checked(_with_numbers(part, texts)).X, part.table) for part in read()) as ahead:
        for X, table in ahead:
            if len(X):
                yield X, [table.column(name) for name in dataset.kept]


def _with_text(dataset: Any, names: Iterable[str]) -> Any:
    """Return a dataset whose columns of these names are as they are written, if it is one of CSV."""
    if dataset.format.default_extname != "csv":
        return dataset
    import pyarrow.dataset as ds  # which a single file does not need

    kinds = {field.name: field.type for field in dataset.schema if is_number(field.type)}
    options = csv.ConvertOptions(column_types={**kinds, **dict.fromkeys(names, pa.string())})
    return ds.dataset(dataset.files, format=ds.CsvFileFormat(convert_options=options))


def _with_numbers(part: Part, names: Sequence[str]) -> Part:
    """Return a part in which the columns of these names, which are text, are numbers."""
    if not names:
        return part
    table = pa.Table.from_batches([part.table])
    missing = pa.array(csv.ConvertOptions().null_values)
    for name in names:
        text = compute.utf8_trim_whitespace(table[name])
        text = compute.if_else(compute.is_in(text, missing), None, text)
        try:
            numbers = text.cast(pa.float64())
        except pa.ArrowInvalid as error:
            raise ValueError(f"{part.where}, column {name!r}: {error}") from None
        table = table.set_column(table.column_names.index(name), name, numbers)
    return part._replace(table=table)
