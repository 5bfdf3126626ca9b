"""The ``fastgmm`` command: fit a mixture to a file (``fit.py``), label a file's rows, compile (``warmup.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from .. import __version__
from . import application  # before typer: it says in one line what to install where that is missing

# isort: split
import typer

from ..mixture import Mixture
from ..rows.missing.options import MARGINAL
from . import files
from .fit import fit
from .many import fit_many
from .options import Columns, Decimal, Encoding, Header, Keep, Missing, Separator, Thousands, Threads
from .options.parsing import path
from .tables.columns import Reading
from .warmup import warmup

app = typer.Typer(name="fastgmm", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the ``fastgmm`` command and return its exit code."""
    return application.run(app, "fastgmm", arguments)


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


app.command()(fit)
app.command("fit-many")(fit_many)
app.command()(warmup)


@app.command()
def predict(
    model: Annotated[
        Path, typer.Argument(parser=path, metavar="MODEL", help="The model.json of a fit.", show_default=False)
    ],
    source: Annotated[
        Path,
        typer.Argument(
            parser=path,
            metavar="DATA",
            help="Rows to label, in any format of fit; of a directory or a pattern part by part.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            parser=path,
            metavar="FILE",
            help="The labels to write, .csv, .parquet or .feather; rows and labels count from 0.",
        ),
    ],
    columns: Columns = None,
    keep: Keep = None,
    missing: Missing = "refuse",
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="Also write the probability that each label is wrong.")
    ] = False,
    impute: Annotated[
        bool,
        typer.Option(
            "--impute", help="Also write the columns used, with what is expected in place of each missing value."
        ),
    ] = False,
    header: Header = None,
    separator: Separator = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    encoding: Encoding = None,
    threads: Threads = None,
) -> None:
    """Write the label and the responsibilities of each row of DATA under MODEL.

    Columns are chosen by the names in the model, in any order; only if it has none do they go by position.
    """
    from . import input

    mixture = Mixture.load(model)
    reading = Reading(columns, keep, missing, header, separator, decimal, thousands, encoding)
    reading = input.reading_for(mixture, reading)
    if impute and missing != MARGINAL:
        raise ValueError(f"--impute is for --missing {MARGINAL}, got --missing {missing}")
    if input.is_dataset(source):
        dataset = input.open_dataset(source, reading)
        with files.new_file(out, source) as labels:
            files.refuse_other_formats(out)
            files.label_names(dataset.kept, mixture.n_components, uncertainty)  # before the work
            parts = input.labelled(dataset, mixture, threads)
            n_rows = files.write_labels_of(labels, parts, dataset.kept, uncertainty=uncertainty)
        print(f"{n_rows} rows labelled in {out}")
        return
    with files.new_file(out, source) as labels:
        files.refuse_other_formats(out)
        table = input.read_table(source, reading)
        files.label_names(table.kept, mixture.n_components, uncertainty)  # before the work
        with input.blaming(table.origin):
            responsibilities = mixture.responsibilities(table.X, n_threads=threads, missing=reading.gaps)
        if impute:
            table = input.imputed(table, mixture, threads)
        files.write_labels(labels, responsibilities, table, uncertainty=uncertainty)
    print(f"{len(table.X)} rows labelled in {out}")
