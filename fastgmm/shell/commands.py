"""The ``fastgmm`` command: fit a mixture to a file, and label the rows of a file with a fitted mixture.

Whatever a user can get wrong ends in one line on standard error and exit code 2.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from .. import __version__, api, data, initialization, model_selection
from ..inference import CRITERIA
from ..parameters import SHAPES, Mixture
from . import files, tables
from .input import blaming, columns_of, load_start, read_rows

_EXTRA_MISSING = "Error: {} is missing; install it with: python -m pip install 'fastgmm[cli]'"

try:
    import typer
except ModuleNotFoundError as error:
    print(_EXTRA_MISSING.format(error.name), file=sys.stderr)
    sys.exit(2)

from .options import (  # noqa: E402
    Columns,
    Header,
    Threads,
    at_least,
    components,
    each_of,
    number_or_auto,
    one_of,
    spelled,
)

app = typer.Typer(name="fastgmm", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the ``fastgmm`` command and return its exit code."""
    return run(app, "fastgmm", arguments)


def run(application: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command under its `name` and return its exit code: 0, 2 after bad input, 130 after Ctrl-C."""
    try:
        return application(arguments, prog_name=name, standalone_mode=False) or 0
    except typer.TyperException as error:
        message = error.format_message()
    except OSError as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except ValueError as error:
        message = str(error)
    except ModuleNotFoundError as error:
        print(_EXTRA_MISSING.format(error.name), file=sys.stderr)
        return 2
    print("Error:", " ".join(message.split()), file=sys.stderr)
    return 2


@app.callback(invoke_without_command=True)
def fastgmm(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Fit Gaussian mixtures by expectation-maximisation, and label rows with them."""
    if version:
        print(f"fastgmm {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())
    else:
        return
    raise typer.Exit


@app.command()
def fit(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            show_default=False,
            help="Rows to fit: .csv, .npy, .parquet, .feather, or text separated by white space or tabs.",
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
    covariance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            callback=each_of(SHAPES),
            help=f"Covariance structure: {', '.join(SHAPES)}. Repeat it for more: the best is kept. "
            "By default that of the model in --init, or full.",
            show_default=False,
        ),
    ] = None,
    criterion: Annotated[
        str, typer.Option(callback=one_of(CRITERIA), help="What is best where several mixtures are fitted: bic, aic.")
    ] = "bic",
    init: Annotated[
        str, typer.Option(help=f"Start: {', '.join(initialization.METHODS)}, or the path of a model.json.")
    ] = "kmeans",
    n_init: Annotated[int, typer.Option(callback=at_least(1), help="Number of starts; the best is kept.")] = 5,
    seed: Annotated[int, typer.Option(callback=at_least(0), help="Seed of the random numbers.")] = 0,
    tol: Annotated[
        float, typer.Option(callback=at_least(0), help="Stop when the mean log-likelihood changes by less, in nats.")
    ] = 1e-3,
    max_iter: Annotated[int, typer.Option(callback=at_least(1), help="Rounds at most.")] = 100,
    stopping: Annotated[
        str,
        typer.Option(
            callback=one_of(("change", "aitken")),
            help="What --tol is compared to: the last change, or the estimated distance to the limit.",
        ),
    ] = "change",
    reg_covar: Annotated[
        str,
        typer.Option(
            metavar="NUMBER",
            parser=number_or_auto,
            help="Added to the diagonal of every covariance, in units of the data²; auto: a share of the variance.",
        ),
    ] = "auto",
    weights: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The column that says how often each row counts.", show_default=False),
    ] = None,
    threads: Threads = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Directory for model.json, labels.csv (rows and labels counted from 0) and pictures.",
        ),
    ] = None,
    plots: Annotated[bool, typer.Option("--plots/--no-plots", help="Whether --out gets pictures.")] = True,
    header: Header = None,
    example: Annotated[
        str | None,
        typer.Option(
            callback=one_of(data.EXAMPLES),
            help=f"Fit data that ships with fastgmm instead of DATA: {', '.join(data.EXAMPLES)}.",
        ),
    ] = None,
) -> None:
    """Fit a mixture to the rows of DATA and print it; of several, the best by a criterion."""
    start = load_start(init)
    wanted: Sequence[str] | None = columns
    if isinstance(start, Mixture):
        wanted = columns_of(start, columns)
        _check_start(init, start, n_components, covariance)
        n_components, n_init = range(start.n_components, start.n_components + 1), 1
        covariance = [start.covariance_type]
    elif not covariance:
        covariance = ["full"]
    if n_components is None:
        raise ValueError("-k is missing: give the number of components, 1 or more, or a range such as 1-8")
    rows = read_rows(source, example, columns=wanted, weights=weights, header=header)

    from . import report

    with ExitStack() as stack:
        directory = stack.enter_context(files.new_directory(out)) if out else None
        if directory and plots:
            from ..pictures import plot  # before the fit, which would be lost if matplotlib were missing
        began = time.perf_counter()
        with (
            blaming(rows.origin),
            report.progress_callback(n_init=n_init, max_iter=max_iter) as callback,
            warnings.catch_warnings(),
        ):
            # The printed tables count the starts and fits that failed, and name degenerate components.
            warnings.filterwarnings("ignore", ".* (restarts|fits) failed|.*components .* have lost", RuntimeWarning)
            options: dict[str, Any] = {
                "init": start,
                "tol": tol,
                "stopping": stopping,
                "reg_covar": reg_covar,
                "max_iter": max_iter,
                "n_init": n_init,
                "random_state": seed,
                "n_threads": threads,
                "callback": callback,
                "sample_weight": rows.sample_weight,
            }
            selection = None
            if len(n_components) == len(covariance) == 1:
                result = api.fit(rows.X, n_components[0], covariance_type=covariance[0], **options)
            else:
                selection = model_selection.select(rows.X, n_components, covariance, criterion=criterion, **options)
                result = selection.best
        seconds = time.perf_counter() - began
        parameters = replace(result.mixture, feature_names=rows.feature_names)
        result = replace(result, mixture=parameters)
        if directory:
            responsibilities = parameters.responsibilities(rows.X, n_threads=threads)
            parameters.save(directory / "model.json")
            files.write_labels(directory / "labels.csv", responsibilities)
            if plots:
                labels = responsibilities.argmax(axis=1)
                plot.save_pictures(directory, rows.X, result, labels, responsibilities, selection=selection)
    # Printed last: a reader who closes the pipe early loses no file.
    report.print_tables(
        *([] if selection is None else [report.selection_table(selection)]),
        report.parameters_table(parameters),
        report.summary_table(result, total_weight=rows.total_weight, seconds=seconds, out=out),
    )


def _check_start(
    init: str, start: Mixture, n_components: range | None, covariance_types: Sequence[str] | None
) -> None:
    """Refuse to fit several mixtures, or one of another number of components or structure, from a model."""
    if n_components is not None and n_components != range(start.n_components, start.n_components + 1):
        raise ValueError(f"-k is {spelled(n_components)}, but the model {init} has {start.n_components} components")
    if covariance_types and list(covariance_types) != [start.covariance_type]:
        raise ValueError(
            f"--covariance is {', '.join(covariance_types)}, but the model {init} is {start.covariance_type}"
        )


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="The model.json of a fit.", show_default=False)],
    source: Annotated[
        Path, typer.Argument(metavar="DATA", help="Rows to label, in any format of fit.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The labels.csv to write; rows and labels count from 0.")],
    columns: Columns = None,
    header: Header = None,
    threads: Threads = None,
) -> None:
    """Write the label and the responsibilities of each row of DATA under MODEL.

    Columns are chosen by the names in the model, in any order; only if it has none do they go by position.
    """
    parameters = Mixture.load(model)
    table = tables.read_table(source, columns=columns_of(parameters, columns), header=header)
    with files.new_file(out) as path:
        with blaming(source):
            responsibilities = parameters.responsibilities(table.X, n_threads=threads)
        files.write_labels(path, responsibilities)
    print(f"{len(responsibilities)} rows labelled in {out}")
