"""What the command line reads: rows from a file or an example, and models."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..em.progress import telling
from ..em.start import METHODS
from ..mixture import Mixture
from ..model.parameters import names_or_numbers
from ..model.structures import NAMES
from ..rows.source import Underway
from .options.parsing import spelled
from .tables.columns import Reading, Table, listed, shown
from .tables.dataset import Dataset, open_dataset, parts_of
from .tables.places import is_dataset
from .tables.read import read_example, read_table

__all__ = [
    "Dataset",
    "blaming",
    "check_columns",
    "check_start",
    "imputed",
    "is_dataset",
    "labelled",
    "load_start",
    "open_dataset",
    "read_rows",
    "read_table",
    "reading_for",
]


def read_rows(source: Path | None, example: str | None, reading: Reading) -> Table | Dataset:
    """Read the rows of a file, or if there is none of an example; many files are opened and read in each round."""
    if source is None:
        return read_example(str(example), reading)
    return open_dataset(source, reading) if is_dataset(source) else read_table(source, reading)


def check_columns(table: Table) -> None:
    """Raise ValueError if a column has no value, of which a fit learns nothing."""
    empty = np.isnan(table.X).all(axis=0)
    if empty.any():
        name = names_or_numbers(table.feature_names, table.X.shape[1])[int(np.argmax(empty))]
        raise ValueError(f"{table.origin}: column {name!r} has no value; leave it out by --columns")


def labelled(dataset: Dataset, mixture: Mixture, n_threads: int | None) -> Iterator[tuple[list[Any], NDArray[Any]]]:
    """Yield the columns to carry along and the responsibilities of the rows of many files, part by part."""
    n_rows = 0
    with telling(sys.stderr is not None and sys.stderr.isatty()) as watch:
        for X, kept in parts_of(dataset):
            yield kept, mixture.responsibilities(X, n_threads=n_threads)
            n_rows += len(X)
            if watch is not None:
                watch(Underway("labels", 1, n_rows, n_rows))
    if not n_rows:
        raise ValueError(f"{dataset.origin} has no rows")


def imputed(table: Table, mixture: Mixture, n_threads: int | None) -> Table:
    """Return a table that also keeps the features, with what is expected in place of each missing value."""
    names = names_or_numbers(table.feature_names, table.X.shape[1])
    for name in names:
        if name in table.kept:
            raise ValueError(f"--keep names a column {name!r}, which --impute writes itself; keep others by name")
    columns = mixture.impute(table.X, n_threads=n_threads).T
    return replace(table, kept=table.kept | dict(zip(names, map(table.of_all, columns), strict=True)))


def load_start(init: str) -> str | Mixture:
    """Return the method that ``--init`` names, or load the model where it names none."""
    if init in METHODS:
        return init
    if not Path(init).is_file():
        methods = ", ".join(METHODS)
        raise ValueError(f"--init {init!r} is neither one of {methods} nor the path of a model.json")
    return Mixture.load(init)


def reading_for(mixture: Mixture, reading: Reading) -> Reading:
    """Return how to read rows for a model: its own columns by name, if it has names."""
    own = mixture.feature_names
    if own is None:
        return reading
    if reading.columns is not None and tuple(listed(reading.columns, own)) != own:
        raise ValueError(
            f"--columns must be left out or name the columns of the model, {shown(own)}; got {shown(reading.columns)}"
        )
    return replace(reading, columns=own, exact=True)


def check_start(
    init: str, start: Mixture, n_components: range | None, covariance_types: Sequence[str] | None
) -> None:
    """Refuse to fit several mixtures, or one of another number of components or structure, from a model."""
    if n_components is not None and n_components != range(start.n_components, start.n_components + 1):
        raise ValueError(f"-k is {spelled(n_components)}, but the model {init} has {start.n_components} components")
    if covariance_types and [NAMES.get(each) for each in covariance_types] != [start.covariance_type]:
        raise ValueError(
            f"--covariance-type is {', '.join(covariance_types)}, but the model {init} is {start.covariance_type}"
        )


@contextmanager
def blaming(origin: object) -> Iterator[None]:
    """Let errors about the rows name where they came from: a user of the shell has no X."""
    try:
        yield
    except ValueError as error:
        message = str(error)
        if message.startswith(f"{origin}"):  # a file of a directory
            raise
        subject, verb = (f"{origin}", message[2:]) if message.startswith("X ") else (f"{origin}:", message)
        raise ValueError(f"{subject} {verb}") from None
