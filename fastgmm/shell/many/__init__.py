"""``fastgmm fit-many``: a mixture for each group of rows of a file, and a table of all of them."""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ...em.outcome import FitWarning, Interrupted
from ...many import FitManyResult
from ...many import fit_many as fitted_many
from ...model.structures import NAMES
from ...summary.contents import counted
from .. import files, interrupt
from ..application import say
from ..options import (
    Columns,
    Decimal,
    Dropped,
    Encoding,
    Header,
    MaxIter,
    NInit,
    RandomState,
    RegCovar,
    Separator,
    Thousands,
    Threads,
    Tol,
    Weights,
)
from ..options.parsing import components, one_of, path
from ..tables.columns import Reading, Table

__all__ = ["fit_many"]


def fit_many(
    source: Annotated[
        Path,
        typer.Argument(metavar="DATA", parser=path, show_default=False, help="Rows to fit, in any format of fit."),
    ],
    by: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="The column of labels: rows with the same are a group.", show_default=False
        ),
    ],
    n_components: Annotated[
        range,
        typer.Option(
            "-k",
            "--n-components",
            metavar="K",
            parser=components,
            show_default=False,
            help="Number of components, or a range such as 1-3: each group gets that with the lowest BIC.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            parser=path,
            show_default=False,
            help="The table to write, .parquet, .feather or .csv: a line for each component of each group.",
        ),
    ],
    columns: Columns = None,
    missing: Dropped = "refuse",
    covariance_type: Annotated[
        str,
        typer.Option(callback=one_of(NAMES), help=f"Covariance structure: {', '.join(NAMES)}."),
    ] = "full",
    n_init: NInit = 1,
    random_state: RandomState = 0,
    tol: Tol = 1e-3,
    max_iter: MaxIter = 100,
    reg_covar: RegCovar = "auto",
    weights: Weights = None,
    threads: Threads = None,
    header: Header = None,
    separator: Separator = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    encoding: Encoding = None,
) -> None:
    """Fit a mixture to each group of rows of DATA, and write a table of all of them.

    A group that cannot be fitted is a line with its error.
    """
    from .. import input

    write = _writer_of(out)
    reading = Reading(columns, None, missing, header, separator, decimal, thousands, encoding, weights, by)
    with files.new_file(out, source) as written:
        table = input.read_table(source, reading)
        with input.blaming(table.origin), warnings.catch_warnings():
            warnings.simplefilter("ignore", FitWarning)  # the summary counts what they tell
            result, interrupted = _fitted(
                table.X,
                n_components,
                groups=_labels_of(table, by),
                covariance_type=covariance_type,
                tol=tol,
                reg_covar=reg_covar,
                max_iter=max_iter,
                n_init=n_init,
                random_state=random_state,
                n_threads=threads,
                sample_weight=table.sample_weight,
                progress=sys.stderr.isatty(),
            )
        write(_columns_of(result, table, by), written)
    print(result)
    print(f"\n{len(result)} groups written to {out}")
    if interrupted:
        most = result.n_components.max()
        say(f"Interrupted; {result.fitted.sum()} of {counted(len(result), 'group')} are fitted, K = {most} at most")
        raise KeyboardInterrupt


def _fitted(X: Any, n_components: range, **options: Any) -> tuple[FitManyResult, bool]:
    """Return the fits, and whether Ctrl-C came before all were done: those without one have that for an error."""
    try:
        return fitted_many(X, n_components, **options), False
    except Interrupted as interrupted:
        interrupt.arrived.set()  # or the process would be ended while the table is written
        return interrupted.outcome, True


def _writer_of(out: Path) -> Any:
    """Return what writes an Arrow table to a file, by the suffix of `out`; ValueError if that is none of ours."""
    from pyarrow import csv, feather, parquet

    writers = {".parquet": parquet.write_table, ".feather": feather.write_feather, ".csv": csv.write_csv}
    if out.suffix.lower() not in writers:
        raise ValueError(f"--out {out} must end in {', '.join(writers)}")
    return writers[out.suffix.lower()]


def _labels_of(table: Table, by: str) -> Any:
    """Return the labels of the rows that are present, as an array."""
    import pyarrow as pa

    column = table.kept[by].filter(pa.array(table.present))
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.null_count:
        raise ValueError(f"column {by!r} has {counted(column.null_count, 'missing label')}; leave these rows out")
    return column.to_numpy(zero_copy_only=False)


def _columns_of(result: FitManyResult, table: Table, by: str) -> Any:
    """Return the table of a result with the names of the file, as an Arrow table."""
    import pyarrow as pa

    columns = replace(result, feature_names=table.feature_names).table()
    if by in columns:
        raise ValueError(f"--by names a column {by!r}, which the table has itself; rename it")
    return pa.table({by: columns.pop("key"), **columns})
