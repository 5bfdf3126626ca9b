"""What the command line reads: rows from a file or an example, and models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..em.start import METHODS
from ..mixture import Mixture
from .options import spelled
from .tables.columns import Reading, Table, listed, shown
from .tables.read import read_example, read_table


def read_rows(source: Path | None, example: str | None, reading: Reading) -> Table:
    """Read the rows of a file, or if there is none of an example."""
    return read_table(source, reading) if source else read_example(str(example), reading)


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
    if covariance_types and list(covariance_types) != [start.covariance_type]:
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
        subject, verb = (f"{origin}", message[2:]) if message.startswith("X ") else (f"{origin}:", message)
        raise ValueError(f"{subject} {verb}") from None
