"""``fastgmm fit``: fit a mixture to the rows of a file, print it, and write model, labels and pictures."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import api
from ..em.options import ACCELERATIONS
from ..em.outcome import FitWarning
from ..em.start import METHODS
from ..mixture import Mixture
from ..model.criteria import CRITERIA, ORDERS
from ..rows.missing.options import MARGINAL
from ..selection import ALL, select
from . import files
from .application import note
from .options import (
    Columns,
    CovarianceTypes,
    Decimal,
    Encoding,
    Example,
    Header,
    Keep,
    MaxIter,
    Missing,
    NInit,
    Out,
    RandomState,
    RegCovar,
    Separator,
    ShortIter,
    Stopping,
    Thousands,
    Threads,
    Tol,
    Weights,
)
from .options.parsing import components, one_of, path
from .tables import places
from .tables.columns import Reading, Table, origin_of


def fit(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            parser=path,
            show_default=False,
            help="Rows to fit: .npy, .parquet, .feather; all else is text, as .csv or .csv.gz, any separator; - is "
            "text from standard input. A directory or a pattern of files of one kind is read in each round.",
        ),
    ] = None,
    n_components: Annotated[
        range | None,
        typer.Option(
            "-k",
            "--n-components",
            metavar="K",
            parser=components,
            help="Number of components, or a range such as 1-8: all are fitted and the best is kept.",
        ),
    ] = None,
    columns: Columns = None,
    keep: Keep = None,
    missing: Missing = "refuse",
    covariance_type: CovarianceTypes = None,
    criterion: Annotated[
        str, typer.Option(callback=one_of(ORDERS), help=f"What is best of several mixtures: {', '.join(ORDERS)}.")
    ] = "bic",
    init: Annotated[str, typer.Option(help=f"Start: {', '.join(METHODS)}, or the path of a model.json.")] = "kmeans",
    n_init: NInit = 1,
    short_iter: ShortIter = None,
    random_state: RandomState = 0,
    tol: Tol = 1e-3,
    max_iter: MaxIter = 100,
    stopping: Stopping = "change",
    acceleration: Annotated[
        str, typer.Option(callback=one_of(ACCELERATIONS), help=f"Of slow convergence: {', '.join(ACCELERATIONS)}.")
    ] = "none",
    reg_covar: RegCovar = "auto",
    weights: Weights = None,
    threads: Threads = None,
    out: Out = None,
    plots: Annotated[bool, typer.Option("--plots/--no-plots", help="Whether --out gets pictures.")] = True,
    header: Header = None,
    separator: Separator = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    encoding: Encoding = None,
    example: Example = None,
) -> None:
    """Fit a mixture to the rows of DATA and print it; of several, the best by a criterion."""
    from . import input, report, stages  # they need what may be missing

    if (source is None) == (example is None):
        raise ValueError("give the path of a data file or --example NAME, one of the two")
    start = input.load_start(init)
    reading = Reading(columns, keep, missing, header, separator, decimal, thousands, encoding, weights)
    if isinstance(start, Mixture):
        reading = input.reading_for(start, reading)
        input.check_start(init, start, n_components, covariance_type)
        n_components, n_init = range(start.n_components, start.n_components + 1), 1
        covariance_type = [start.covariance_type]
    elif not covariance_type:
        covariance_type = ["full"]
    if n_components is None:
        raise ValueError("-k is missing: give the number of components, 1 or more, or a range such as 1-8")
    running = stages.Stages(n_init, max_iter)
    with ExitStack() as stack:
        stack.enter_context(running.shown())
        with running.stage("reading", origin_of(source) if source else example):
            rows = input.read_rows(source, example, reading)
            if isinstance(rows, Table) and reading.gaps == MARGINAL:
                input.check_columns(rows)
        files.label_names(rows.kept, n_components[-1])
        if not (in_memory := isinstance(rows, Table)) and out:
            note(f"{out} gets no pictures and no labels, which fastgmm predict writes: the rows are not in memory")
        stack.enter_context(running.telling(rows, criterion if criterion in CRITERIA else "bic"))
        several = len(n_components) * len(covariance_type) > 1 or ALL in covariance_type
        directory = stack.enter_context(files.new_directory(out, source, several=several)) if out else None
        if directory and plots and in_memory:
            with running.stage("importing"):
                from . import figures  # before the fit, which would be lost if matplotlib were missing
        with running.stage(stages.START), input.blaming(rows.origin), warnings.catch_warnings():
            # The printed tables count the starts and fits that failed, and name degenerate components.
            warnings.simplefilter("ignore", FitWarning)
            options: dict[str, Any] = {
                "init": start,
                "tol": tol,
                "stopping": stopping,
                "acceleration": acceleration,
                "reg_covar": reg_covar,
                "max_iter": max_iter,
                "n_init": n_init,
                "short_iter": short_iter,
                "random_state": random_state,
                "n_threads": threads,
                "callback": running.round_done,
                "progress": running.underway,
                "sample_weight": rows.sample_weight,
                "columns": None if in_memory else rows.feature_names,
                "missing": reading.gaps,
            }
            selection = None
            if several:
                structures = ALL if ALL in covariance_type else covariance_type
                selection = select(rows.X, n_components, structures, criterion=criterion, **options)
                result = selection.best
            else:
                result = api.fit(rows.X, n_components[0], covariance_type=covariance_type[0], **options)
        result = replace(result, mixture=replace(result.mixture, feature_names=rows.feature_names))
        if directory:
            with running.stage("writing", out):
                result.mixture.save(directory / places.MODEL)
                if selection is not None:
                    files.write_candidates(directory / places.CANDIDATES, selection.table())
                if isinstance(rows, Table):
                    responsibilities = result.mixture.responsibilities(
                        rows.X, n_threads=threads, missing=reading.gaps
                    )
                    files.write_labels(directory / places.LABELS, responsibilities, rows)
                    if plots:
                        figures.save_pictures(directory, rows.X, result, responsibilities, selection)
    # Printed last: a reader who closes the pipe early loses no file.
    report.print_tables(
        *([] if selection is None else [report.selection_table(selection)]),
        report.parameters_table(result.mixture),
        report.summary_table(result, total_weight=result.total_weight, out=out),
        running.table(),
    )
