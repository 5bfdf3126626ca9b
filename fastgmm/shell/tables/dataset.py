"""Many files as one table, which is never in memory as a whole: a directory, or a pattern."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from ...rows.chunked.ahead import made_ahead
from ...rows.chunked.chunks import Chunks
from ...rows.chunked.datasets import dataset_of, is_number, reading_of
from ..application import note
from .columns import Reading, choose, listed, refuse_equal, shown

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


def is_dataset(path: Path) -> bool:
    """Whether a path is a directory, or a pattern and no file."""
    return path.is_dir() or (glob.has_magic(str(path)) and not path.exists())


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
    try:
        dataset = dataset_of(path)
    except pa.ArrowException as error:
        raise ValueError(f"{origin}: {error}") from None
    names = dataset.schema.names
    if reading.weights is not None:
        choose(names, [reading.weights], origin)
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
    read = reading_of(dataset.X, dataset.origin, names, None)
    chunks = Chunks(read, dataset.feature_names)
    with made_ahead((chunks.checked(part).X, part.table) for part in read()) as ahead:
        for X, table in ahead:
            if len(X):
                yield X, [table.column(name) for name in dataset.kept]
