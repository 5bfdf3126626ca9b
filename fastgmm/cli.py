"""The ``fastgmm`` command: fit a mixture to a file, and label the rows of a file with a fitted mixture.

Whatever a user can get wrong ends in one line on standard error and exit code 2.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from . import __version__, api, data, initialization, outputs, tables
from .parameters import SHAPES, MixtureParameters

_EXTRA_MISSING = "Error: {} is missing; install it with: python -m pip install 'fastgmm[cli]'"

try:
    import typer
except ModuleNotFoundError as error:
    print(_EXTRA_MISSING.format(error.name), file=sys.stderr)
    sys.exit(2)

from .cli_options import Columns, Header, Threads, at_least, number_or_auto, one_of  # noqa: E402

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
        int | None, typer.Option("-k", "--n-components", callback=at_least(1), help="Number of components.")
    ] = None,
    columns: Columns = None,
    covariance: Annotated[
        str, typer.Option(callback=one_of(SHAPES), help=f"Covariance structure: {', '.join(SHAPES)}.")
    ] = "full",
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
            help="Directory for model.json, labels.csv (rows and labels counted from 0) and four pictures.",
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
    """Fit a mixture to the rows of DATA and print it."""
    start: str | MixtureParameters = init if init in initialization.METHODS else _load_start(init)
    wanted: Sequence[str] | None = columns
    if isinstance(start, MixtureParameters):
        wanted = _columns_of(start, columns)
        if n_components not in (None, start.n_components):
            raise ValueError(f"-k is {n_components}, but the model {init} has {start.n_components} components")
        n_components, n_init = start.n_components, 1
    if n_components is None:
        raise ValueError("-k is missing: give the number of components, 1 or more")
    if weights is not None and wanted is not None:
        wanted = [*wanted, weights]
    if source is not None and example is None:
        table = tables.read_table(source, columns=wanted, header=header)
    elif source is None and example is not None:
        table = tables.read_example(example, columns=wanted)
    else:
        raise ValueError("give the path of a data file or --example NAME, one of the two")
    sample_weight = None
    if weights is not None:
        table, sample_weight = _without_column(table, weights, source or f"example {example!r}")

    from . import report

    with ExitStack() as stack:
        directory = stack.enter_context(outputs.new_directory(out)) if out else None
        if directory and plots:
            from . import plot  # before the fit, which would be lost if matplotlib were missing
        began = time.perf_counter()
        with (
            _blaming(source or f"example {example!r}"),
            report.progress_callback(n_init=n_init, max_iter=max_iter) as callback,
            warnings.catch_warnings(),
        ):
            # The printed table counts the starts that failed and names degenerate components.
            warnings.filterwarnings("ignore", ".* restarts failed|components .* have lost", RuntimeWarning)
            result = api.fit(
                table.X,
                n_components,
                covariance_type=covariance,
                init=start,
                tol=tol,
                stopping=stopping,
                reg_covar=reg_covar,
                max_iter=max_iter,
                n_init=n_init,
                random_state=seed,
                n_threads=threads,
                callback=callback,
                sample_weight=sample_weight,
            )
        seconds = time.perf_counter() - began
        parameters = replace(result.parameters, feature_names=table.feature_names)
        result = replace(result, parameters=parameters)
        if directory:
            responsibilities = parameters.responsibilities(table.X, n_threads=threads)
            parameters.save(directory / "model.json")
            outputs.write_labels(directory / "labels.csv", responsibilities)
            if plots:
                labels = responsibilities.argmax(axis=1)
                plot.save_pictures(directory, table.X, result, labels, responsibilities, table.feature_names)
    # Printed last: a reader who closes the pipe early loses no file.
    report.print_tables(
        report.parameters_table(parameters),
        report.summary_table(
            result,
            total_weight=len(table.X) if sample_weight is None else float(sample_weight.sum()),
            seconds=seconds,
            out=out,
        ),
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
    parameters = MixtureParameters.load(model)
    table = tables.read_table(source, columns=_columns_of(parameters, columns), header=header)
    with outputs.new_file(out) as path:
        with _blaming(source):
            responsibilities = parameters.responsibilities(table.X, n_threads=threads)
        outputs.write_labels(path, responsibilities)
    print(f"{len(responsibilities)} rows labelled in {out}")


def _load_start(init: str) -> MixtureParameters:
    """Load the model that ``--init`` names where it names no method."""
    if not Path(init).is_file():
        methods = ", ".join(initialization.METHODS)
        raise ValueError(f"--init {init!r} is neither one of {methods} nor the path of a model.json")
    return MixtureParameters.load(init)


def _columns_of(parameters: MixtureParameters, columns: list[str] | None) -> Sequence[str] | None:
    """Return the columns to read for a model: its own by name, if it has names."""
    if parameters.feature_names is None:
        return columns
    if columns is not None and tuple(columns) != parameters.feature_names:
        own = ", ".join(map(repr, parameters.feature_names))
        raise ValueError(f"--columns must be left out or name the columns of the model, {own}; got {columns}")
    return parameters.feature_names


def _without_column(table: tables.Table, column: str, source: object) -> tuple[tables.Table, NDArray[np.float64]]:
    """Return `table` without the named column, and that column, (N,)."""
    names = table.feature_names or ()
    if names.count(column) != 1 or len(names) == 1:
        raise ValueError(
            f"--weights must name one of several columns of {source}, {', '.join(map(repr, names))}; got {column!r}"
        )
    position = names.index(column)
    kept = tables.Table(np.delete(table.X, position, axis=1), tuple(name for name in names if name != column))
    return kept, np.asarray(table.X[:, position], dtype=np.float64)


@contextmanager
def _blaming(source: object) -> Iterator[None]:
    """Let errors about the rows name where they came from: a user of the shell has no X."""
    try:
        yield
    except ValueError as error:
        message = str(error)
        subject, verb = (f"{source}", message[2:]) if message.startswith("X ") else (f"{source}:", message)
        raise ValueError(f"{subject} {verb}") from None
