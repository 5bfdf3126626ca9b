"""Options that commands have in common, or that take some lines, and what they accept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ... import data
from ...model.structures import NAMES
from ...rows.missing.options import MARGINAL
from ...selection import ALL
from .parsing import at_least, character, each_of, known_encoding, number_or_auto, one_of, path, separator

Columns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Columns to use: names separated by commas, or the option repeated. By default all that hold numbers.",
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Columns to carry into the labels as they are written, likewise; all: every one."
    ),
]
Missing = Annotated[
    str,
    typer.Option(
        metavar="HOW",
        callback=one_of(("refuse", "drop", MARGINAL)),
        help="Rows with missing values: refuse the file, drop them, which leaves their labels empty, or marginal: "
        "use what is observed of them.",
    ),
]
Dropped = Annotated[
    str,
    typer.Option(
        metavar="refuse|drop",
        callback=one_of(("refuse", "drop")),
        help="Rows with missing values: refuse the file, or drop them.",
    ),
]
Header = Annotated[
    str | None,
    typer.Option(
        metavar="yes|no",
        callback=one_of(("yes", "no")),
        help="Whether the first line of a text names the columns. By default: if it does not hold numbers.",
        show_default=False,
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(
        metavar="CHAR",
        parser=separator,
        help="What separates columns of a text: , ; tab, space, ... By default found out.",
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        metavar=".|,", callback=one_of((".", ",")), help="What decimals follow: . or , By default found out."
    ),
]
Thousands = Annotated[
    str | None, typer.Option(metavar="CHAR", parser=character, help="What separates thousands, such as , in 1,234.5")
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", callback=known_encoding, help="Encoding of a text. By default UTF-8, or UTF-16 with its mark."
    ),
]
Threads = Annotated[
    int | None, typer.Option(callback=at_least(1), help="Number of threads. The result does not depend on it.")
]
NInit = Annotated[int, typer.Option(callback=at_least(1), help="Number of starts; the best is kept.")]
ShortIter = Annotated[
    int | None,
    typer.Option(
        callback=at_least(1),
        help="Of several starts each does so many iterations, and only the best goes on.",
        show_default=False,
    ),
]
RandomState = Annotated[int, typer.Option(callback=at_least(0), help="Seed of the random numbers.")]
Tol = Annotated[
    float, typer.Option(callback=at_least(0), help="Stop when the mean log-likelihood changes by less, in nats.")
]
MaxIter = Annotated[int, typer.Option(callback=at_least(1), help="Iterations at most.")]
RegCovar = Annotated[
    str,
    typer.Option(
        metavar="NUMBER",
        parser=number_or_auto,
        help="Added to the diagonal of every covariance, in units of the data²; auto: a floor, far below.",
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The column that says how often each row counts.", show_default=False),
]
CovarianceTypes = Annotated[
    list[str] | None,
    typer.Option(
        "--covariance-type",
        "--structures",
        metavar="NAME",
        callback=each_of(NAMES, ALL),
        help=f"Structure: {', '.join(NAMES)}; of several or all the best. Default: that of --init, or full.",
        show_default=False,
    ),
]
Stopping = Annotated[
    str,
    typer.Option(
        callback=one_of(("change", "aitken")),
        help="What --tol is compared to: the last change, or the estimated distance to the limit.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        parser=path,
        help="Directory for model.json, labels.csv (counted from 0), candidates.csv of several fits, pictures.",
    ),
]
Example = Annotated[
    str | None,
    typer.Option(
        callback=one_of(data.EXAMPLES),
        help=f"Fit data that ships with fastgmm instead of DATA: {', '.join(data.EXAMPLES)}.",
    ),
]
