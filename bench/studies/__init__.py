"""The programs that fastgmm grew from, each a short script on it: ``python -m bench.studies.p0_assignments --help``.

This file is what the scripts share: the frame of a command, tables, pictures, and how fits from many starts compare.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

from fastgmm.shell import application  # before the extras: it says in one line what to install where they are missing

# isort: split
import numpy as np
import typer
from numpy.typing import NDArray

from fastgmm.shell import report
from fastgmm.shell.options.parsing import path

Out = Annotated[
    Path, typer.Option("--out", parser=path, metavar="DIR", help="Directory for the files.", show_default=False)
]


def run(study: Callable[..., None], arguments: Sequence[str] | None = None) -> int:
    """Run a study as a command and return its exit code: 0, or 2 after one line about bad input.

    The parameters of the function become arguments and options, the docstring of its module the help.
    """
    module = sys.modules[study.__module__]
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    command.command(help=module.__doc__)(study)
    return application.run(command, f"python -m {module.__spec__.name}", arguments)


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; cells are text, or numbers that are already rounded."""
    table = report.ruled_table()
    table.title, table.title_justify = title, "left"
    for name in header:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*map(str, row))
    report.print_tables(table)


def plateaus(log_likelihoods: NDArray, apart: float) -> list[NDArray]:
    """Group the positions of values that lie less than `apart` from the next, the highest group first."""
    order = np.argsort(-log_likelihoods)
    return np.split(order, np.flatnonzero(-np.diff(log_likelihoods[order]) > apart) + 1)
