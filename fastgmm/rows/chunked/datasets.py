"""Files and datasets of Arrow, which pyarrow reads a few batches at a time."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..tables import listed
from .chunks import Part, Reading

FORMATS = {".parquet": "parquet", ".pq": "parquet", ".feather": "feather", ".arrow": "feather", ".csv": "csv"}
_NUMBER = re.compile(r"\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?\s*")
# Rows that are read together, and what pyarrow reads ahead of them: with its own numbers it takes 1.5 GB for eight
# columns of float32, and 2.5 times as long. Without a stream it would hold all of a Parquet file.
BATCH_ROWS, BATCHES_AHEAD, FILES_AHEAD = 1 << 17, 4, 1


def reading_of(dataset: Any, origin: str, names: tuple[str, ...], weights: str | None, *, alike: bool) -> Reading:
    """Return what reads columns of a `pyarrow.dataset.Dataset`, in the order of its files and rows.

    Each of its files must have all of them; if they are to be `alike`, float32 where the first has that.
    """
    import pyarrow as pa
    import pyarrow.dataset as ds

    ahead: dict[str, Any] = {"batch_readahead": BATCHES_AHEAD, "fragment_readahead": FILES_AHEAD}
    if isinstance(getattr(dataset, "format", None), ds.ParquetFileFormat):
        streams = ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
        ahead["fragment_scan_options"] = streams

    def read() -> Iterator[Part]:
        columns = list(dict.fromkeys([*names, *([] if weights is None else [weights])]))
        scanner = dataset.scanner(columns=columns, batch_size=BATCH_ROWS, **ahead)
        where, first = origin, 0
        try:
            for batch, fragment in scanner.scan_batches():
                path = getattr(fragment, "path", "") or origin
                if path != where:
                    where, first = path, 0
                    _refuse_other(dataset.schema, fragment, columns, alike)
                yield Part(batch, where, first)
                first += len(batch)
        except pa.ArrowException as error:
            # Files are opened ahead of the rows that come; the name of one may be part of that of another.
            named = [path for path in (where, *getattr(dataset, "files", [])) if path in str(error)]
            faulty = max(named, key=len, default=where)
            raise ValueError(f"{f'{where}, after {first} rows' if faulty == where else faulty}: {error}") from None

    return read


def names_to_read(dataset: Any, origin: str, wanted: tuple[str, ...] | None, weights: str | None) -> tuple[str, ...]:
    """Return the names of the features in a dataset: those `wanted`, by default all but that of weights."""
    schema = dataset.schema
    for name in (*(wanted or ()), *([] if weights is None else [weights])):
        if schema.names.count(name) != 1:
            n = schema.names.count(name) or "no"
            raise ValueError(
                f"{origin} has {n} column{'s' * (n != 'no')} {name!r}; its columns are {listed(schema.names)}"
            )
    if weights is not None and not is_number(schema.field(weights).type):
        raise TypeError(f"{origin}: weights must be numbers, but column {weights!r} is {schema.field(weights).type}")
    names = wanted or tuple(name for name in schema.names if name != weights)
    words = [f"{name!r} ({schema.field(name).type})" for name in names if not is_number(schema.field(name).type)]
    if words:
        raise TypeError(f"{origin} has columns that hold no numbers, {', '.join(words[:5])}; name others by columns=")
    return names


def _refuse_other(schema: Any, fragment: Any, columns: list[str], alike: bool) -> None:
    """Raise ValueError if a file lacks columns, which Arrow would fill, or has others, which it would cast."""
    from pyarrow import dataset, types

    own, of_path = fragment.physical_schema, dataset.get_partition_keys(fragment.partition_expression)
    for name in columns:
        if name in of_path:
            continue
        if name not in own.names:
            raise ValueError(f"{fragment.path} has no column {name!r}; its columns are {listed(own.names)}")
        kinds = own.field(name).type, schema.field(name).type
        if alike and types.is_float32(kinds[0]) != types.is_float32(kinds[1]):
            raise ValueError(
                f"{fragment.path} has {kinds[0]} in column {name!r}, but the first file {kinds[1]}; convert one"
            )


def dataset_of(path: Any) -> Any:
    """Return the dataset of a file, of the files of one format in a directory, or of those that a pattern matches.

    Numbers in CSV are read as float64, whatever the first rows look like.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If files are of no known format, or of several, or are not what their suffix says; if one of CSV has numbers
        where names should be.
    """
    import pyarrow.dataset as ds
    from pyarrow import ArrowException, csv, float64

    files = files_of(path)
    kinds = {FORMATS.get(Path(file).suffix.lower(), "") for file in files}
    if len(kinds) > 1 or "" in kinds:
        suffixes = sorted({Path(file).suffix for file in files})
        raise ValueError(
            f"{path} must be files of one format, by suffix one of {listed(list(FORMATS))}, got {listed(suffixes)}"
        )
    (kind,) = kinds
    try:
        dataset = ds.dataset(files, format=kind)
    except ArrowException as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    if kind != "csv":
        return dataset
    if looks_like_numbers(dataset.schema.names):
        _refuse_a_row(dataset, files[0])
    numbers = {field.name: float64() for field in dataset.schema if is_number(field.type)}
    return ds.dataset(files, format=ds.CsvFileFormat(convert_options=csv.ConvertOptions(column_types=numbers)))


def looks_like_numbers(names: Sequence[str]) -> bool:
    """Whether all names of columns, but empty ones, are numbers."""
    return all(map(_NUMBER.fullmatch, filter(None, names))) and any(names)


def _refuse_a_row(dataset: Any, file: str) -> None:
    """Refuse names that are a row; those that pandas gives, 0, 1, ..., above other numbers are none."""
    names = dataset.schema.names
    start = int(names[0]) if names[0].isdecimal() else 0
    if len(names) > 1 and names == [str(start + i) for i in range(len(names))]:
        values = [value for row in dataset.head(1).to_pylist() for value in row.values()]
        if not all(isinstance(value, int) for value in values):
            return
    raise ValueError(
        f"the first line of {file}, {', '.join(names)[:40]}, holds numbers; give each file of CSV a first line with "
        "the names of its columns"
    )


def files_of(path: str | os.PathLike[str]) -> list[str]:
    """Return the files that a path or a pattern names, sorted; in a directory those of known formats."""
    path = os.fspath(path)
    if os.path.isdir(path):
        found = (each for each in Path(path).rglob("*") if not each.name.startswith((".", "_")) and each.is_file())
        files = [str(each) for each in found if each.suffix.lower() in FORMATS]
    elif os.path.exists(path):
        files = [path]
    else:
        files = [each for each in glob.glob(path, recursive=True) if os.path.isfile(each)]
    if not files:
        raise FileNotFoundError(
            f"{path or 'an empty path'}: no such file, and no directory or pattern of {listed(list(FORMATS))} files"
        )
    return sorted(files)


def is_number(kind: Any) -> bool:
    """Whether a type of Arrow is one of numbers."""
    from pyarrow import types

    tests = types.is_integer, types.is_floating, types.is_boolean, types.is_decimal
    return any(is_such(kind) for is_such in tests)
