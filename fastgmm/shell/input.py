"""What the command line reads: rows from a file or an example, their weights, and models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..em.start import METHODS
from ..mixture import Mixture
from . import tables


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to fit, X (N, D), with the names of their columns, their weights (N,) and where they came from."""

    X: NDArray[Any]
    feature_names: tuple[str, ...] | None
    sample_weight: NDArray[np.float64] | None
    origin: Path | str

    @property
    def total_weight(self) -> float:
        """Number of rows, or the sum of their weights."""
        return float(len(self.X) if self.sample_weight is None else self.sample_weight.sum())


def read_rows(
    source: Path | None,
    example: str | None,
    *,
    columns: Sequence[str] | None,
    weights: str | None,
    header: bool | None,
) -> Rows:
    """Read the rows of a file or of an example, of which the column `weights` becomes their weights."""
    if weights is not None and columns is not None:
        columns = [*columns, weights]
    origin: Path | str
    if source is not None and example is None:
        origin, table = source, tables.read_table(source, columns=columns, header=header)
    elif source is None and example is not None:
        origin, table = f"example {example!r}", tables.read_example(example, columns=columns)
    else:
        raise ValueError("give the path of a data file or --example NAME, one of the two")
    if weights is None:
        return Rows(table.X, table.feature_names, None, origin)
    names = table.feature_names
    if names is None:
        raise ValueError(f"{origin} does not name its columns, so --weights cannot choose one, got {weights!r}")
    if names.count(weights) != 1 or len(names) == 1:
        raise ValueError(
            f"--weights must name one of several columns of {origin}, {', '.join(map(repr, names))}; got {weights!r}"
        )
    position = names.index(weights)
    X = np.delete(table.X, position, axis=1)
    sample_weight = np.asarray(table.X[:, position], dtype=np.float64)
    return Rows(X, tuple(name for name in names if name != weights), sample_weight, origin)


def load_start(init: str) -> str | Mixture:
    """Return the method that ``--init`` names, or load the model where it names none."""
    if init in METHODS:
        return init
    if not Path(init).is_file():
        methods = ", ".join(METHODS)
        raise ValueError(f"--init {init!r} is neither one of {methods} nor the path of a model.json")
    return Mixture.load(init)


def columns_of(parameters: Mixture, columns: list[str] | None) -> Sequence[str] | None:
    """Return the columns to read for a model: its own by name, if it has names."""
    if parameters.feature_names is None:
        return columns
    if columns is not None and tuple(columns) != parameters.feature_names:
        own = ", ".join(map(repr, parameters.feature_names))
        raise ValueError(f"--columns must be left out or name the columns of the model, {own}; got {columns}")
    return parameters.feature_names


@contextmanager
def blaming(origin: object) -> Iterator[None]:
    """Let errors about the rows name where they came from: a user of the shell has no X."""
    try:
        yield
    except ValueError as error:
        message = str(error)
        subject, verb = (f"{origin}", message[2:]) if message.startswith("X ") else (f"{origin}:", message)
        raise ValueError(f"{subject} {verb}") from None
