"""Rows from a file: text, ``.npy``, Parquet and Feather; and from an example."""

from __future__ import annotations

import csv
import gzip
import shutil
import sys
import tempfile
import textwrap
import zlib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from ... import data
from ...rows.missing.options import MARGINAL
from ..application import note
from .columns import Reading, Table, choose, label, listed, origin_of, refuse_equal
from .formats import ARROW_FORMATS, ArrowFile, NpyFile
from .text import TextFile

File = NpyFile | ArrowFile | TextFile

_CHUNK = 1 << 16  # rows looked at together


def read_example(name: str, reading: Reading) -> Table:
    """Read an example set that ships with the package."""
    with resources.as_file(resources.files(data) / f"{name}.csv") as path:
        return read_table(path, reading, f"example {name!r}")


def read_table(path: Path, reading: Reading, origin: str | None = None) -> Table:
    """Read the rows of a file: ``.npy``, ``.parquet`` (``.pq``), ``.feather`` (``.arrow``), all others are text.

    Text may be compressed, with the suffix ``.gz``; that of a pipe, or of standard input for -, may not.

    Integers and booleans become float64. What is left out or guessed is noted on standard error.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If what is wanted is not there, or is missing, infinite or not a number; or if it could be read in two ways.
    """
    origin = origin or origin_of(path)
    if str(path) == "-" or path.is_fifo():
        return _read_stream(path, reading, origin)
    if not path.exists():
        raise FileNotFoundError(f"{origin}: no such file")
    if not path.is_file():
        raise IsADirectoryError(f"{origin} is not a file; data must be a CSV, text, .npy, Parquet or Feather file")
    if path.stat().st_size == 0:
        raise ValueError(f"{origin} is empty; data must have at least one row of numbers")
    try:
        return _read(_open(path, reading, origin), reading, origin)
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise ValueError(f"{origin} is not a whole gzip file") from None
    except (UnicodeError, csv.Error) as error:
        raise ValueError(
            f"{origin} is neither a table of {reading.encoding or 'UTF-8'} text, which --encoding can change, nor "
            f"by its suffix .npy, Parquet or Feather ({error})"
        ) from None


def _read_stream(path: Path, reading: Reading, origin: str) -> Table:
    """Read text that comes once: it is read several times over, so from a copy."""
    if str(path) == "-" and sys.stdin is None:
        raise ValueError("standard input is closed; give the path of a data file")
    with tempfile.TemporaryDirectory(prefix="fastgmm-") as directory:
        copy = Path(directory) / "copy"
        try:
            with sys.stdin.buffer if str(path) == "-" else path.open("rb") as stream, copy.open("wb") as file:
                shutil.copyfileobj(stream, file)
        except OSError as error:
            raise type(error)(f"{origin} cannot be copied into {directory} ({error.strerror})") from None
        return read_table(copy, reading, origin)


def _open(path: Path, reading: Reading, origin: str) -> File:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return NpyFile(path, origin)
    return ArrowFile(path, origin) if suffix in ARROW_FORMATS else TextFile(path, reading, origin)


def _read(file: File, reading: Reading, origin: str) -> Table:
    names = file.names
    weights = [] if reading.weights is None else choose(names, [reading.weights], origin)
    kept = list(range(file.n_columns)) if reading.keep else []
    if reading.keep and list(reading.keep) != ["all"]:
        kept = choose(names, listed(reading.keep, names or ()), origin)
    labels = [] if reading.by is None else choose(names, [reading.by], origin)
    if reading.columns is None:
        features = _columns_of_numbers(file, reading, origin, [*weights, *labels], kept)
    else:
        features = choose(names, reading.columns if reading.exact else listed(reading.columns, names or ()), origin)
    if not features:
        raise ValueError(f"no columns of {origin} are left to use; name columns of numbers with --columns")
    if set(weights) & set(features):
        raise ValueError(
            f"--weights names {reading.weights!r}, which --columns names too; a column is one or the other"
        )
    if set(labels) & {*features, *weights}:
        raise ValueError(
            f"--by names {reading.by!r}, which --columns or --weights names too; a column is one of these"
        )
    kept += labels
    feature_names = tuple(names[position] for position in features) if names else None
    refuse_equal(feature_names or (), origin)

    X = file.numbers([*features, *weights])
    if len(X) == 0:
        raise ValueError(f"{origin} has no rows; data must have at least one row of numbers")
    chunks = range(0, len(X), _CHUNK)
    present = np.concatenate([np.isfinite(X[i : i + _CHUNK]).all(axis=1) for i in chunks])
    if not present.all():
        present = _used(file, X, ~present, features, weights, reading, origin)
        X = X[present]
    sample_weight = None
    if weights:
        X, sample_weight = np.ascontiguousarray(X[:, :-1]), np.asarray(X[:, -1], np.float64)
    kept_names = [names[position] if names else f"x{position}" for position in kept]
    refuse_equal(kept_names, origin)
    columns = file.kept(kept) if kept else []
    if kept:
        try:  # before a long fit
            arrow_csv.write_csv(pa.table(columns, kept_names).slice(0, 1), pa.BufferOutputStream())
        except pa.ArrowException as error:
            raise ValueError(f"the columns of {origin} to keep cannot be written as CSV ({error})") from None
    return Table(origin, X, feature_names, sample_weight, present, dict(zip(kept_names, columns, strict=True)))


def _columns_of_numbers(file: File, reading: Reading, origin: str, weights: list[int], kept: list[int]) -> list[int]:
    """Return the columns to use where none are named; a note says which are not."""
    features = [i for i in range(file.n_columns) if i not in file.words and i not in weights]
    if reading.keep and list(reading.keep) != ["all"] and set(kept) & set(features):
        name = label(file.names, min(set(kept) & set(features)))
        raise ValueError(f"--keep names {name}, a column of numbers; say with --columns which columns to use")
    for text in file.notes:
        note(text)
    words = sorted(set(file.words) - set(weights))
    if words:
        left_out = ", ".join(label(file.names, position) + file.example(position) for position in words)
        note(
            f"columns of {origin} left out, which hold no numbers or have no name: {textwrap.shorten(left_out, 200)}"
        )
    return features


def _used(
    file: File,
    X: NDArray[Any],
    absent: NDArray[np.bool_],
    features: list[int],
    weights: list[int],
    reading: Reading,
    origin: str,
) -> NDArray[np.bool_]:
    """Return which rows are used, if not all are whole; ValueError if what is not there, or infinite, is refused."""
    rows, positions = X[absent], [*features, *weights]
    missing = np.isnan(rows)
    bad = np.isinf(rows)
    if reading.missing == MARGINAL:
        bad[:, len(features) :] |= missing[:, len(features) :]
    elif reading.missing == "refuse":
        bad |= missing
    if bad.any():
        i, j = divmod(int(bad.argmax()), bad.shape[1])
        where = f"{origin}, {file.where(int(np.flatnonzero(absent)[i]))}, column {label(file.names, positions[j])}"
        if np.isinf(rows[i, j]):
            raise ValueError(f"{where}: {rows[i, j]} is not finite")
        if j >= len(features) and reading.missing == MARGINAL:
            raise ValueError(f"{where}: a weight is missing")
        first = f", the first of {n_missing}" if (n_missing := int(missing.sum())) > 1 else ""
        others = "" if reading.by else f", --missing {MARGINAL} uses what is observed of them"
        raise ValueError(f"{where}: a value is missing{first}; --missing drop leaves such rows out{others}")
    used, kind, what = ~absent, "without a missing value", "values are missing"
    if reading.missing == MARGINAL:
        used[absent] = ~missing[:, : len(features)].all(axis=1)
        kind, what = "with a value", "all values are missing"
    if not used.any():
        raise ValueError(f"{origin} has no row {kind}")
    if not used.all():
        note(f"{len(used) - int(used.sum())} of {len(used)} rows of {origin} left out, in which {what}")
    return used
