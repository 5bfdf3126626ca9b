"""What the command line shows of a fit: tables."""

from __future__ import annotations

import textwrap
from pathlib import Path

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from ..em.outcome import Status
from ..mixture import Mixture
from ..model.criteria import CRITERIA, criterion_value
from ..model.parameters import names_or_numbers
from ..results import FitResult
from ..selection import Selection
from ..summary.contents import counted
from ..summary.layout import MOST_CANDIDATES, shortened, visible

MOST_FEATURES = 2  # printed with their covariances, which then fit a terminal of 80 columns
HEADING_WIDTH = 12  # columns of that terminal, as wide as a number can be
_ROOM = 79 - len("component  weight    ")  # what is left for a feature's name and numbers


def print_tables(*tables: Table | str) -> None:
    """Print to standard output, as wide as it takes: rich would cut numbers at the width of the terminal."""
    # Column names are the user's: brackets in them are not markup, colons no emoji.
    console = Console(markup=False, emoji=False, highlight=False)
    unlimited = console.options.update(max_width=10_000)
    console.width = max(console.width, *(Measurement.get(console, unlimited, table).maximum for table in tables))
    for table in tables:
        console.print(table)
        console.print()


def parameters_table(mixture: Mixture) -> Table | str:
    """Tabulate weights, means and covariances, a line per component and feature; of many, what `print` says."""
    k, d = mixture.means.shape
    if d > MOST_FEATURES:
        return str(mixture)
    means = [[f"{value:.6g}" for value in each] for each in mixture.means.tolist()]
    room = _ROOM - max(len(mean) for each in means for mean in each) - d * (2 + HEADING_WIDTH)
    names = [shortened(visible(name), room) for name in names_or_numbers(mixture.feature_names, d)]
    matrices = mixture.full_covariances()
    table = ruled_table()
    table.add_column("component", justify="right")
    table.add_column("weight", justify="right")
    table.add_column("feature")
    table.add_column("mean", justify="right")
    for name in names:
        table.add_column(
            textwrap.fill("variance" if d == 1 else f"covariance with {name}", HEADING_WIDTH), justify="right"
        )
    for component in range(k):
        for j in range(d):
            first = (str(component), f"{mixture.weights[component]:.4f}") if j == 0 else ("", "")
            numbers = (f"{value:.6g}" for value in matrices[component, j])
            table.add_row(*first, names[j], means[component][j], *numbers, end_section=j == d - 1)
    return table


def selection_table(selection: Selection) -> Table:
    """Tabulate the best fits of a grid, best first, and say below why others could not be fitted."""
    table = ruled_table()
    table.title, table.title_justify = f"Best first, by {selection.criterion.upper()}", "left"
    second = "icl" if selection.criterion == "icl" else "aic"
    for heading in ("K", "covariance", "n_free", "log-likelihood", "BIC", second.upper(), "iter.", "ended by"):
        table.add_column(heading, justify="left" if heading in ("covariance", "ended by") else "right")
    notes: dict[str, list[str]] = {}  # by what they say, which of many may be the same
    for position, candidate in enumerate(selection.candidates):
        if position >= MOST_CANDIDATES and candidate.error is None:
            continue
        cells = [str(candidate.n_components), candidate.covariance_type, str(candidate.n_free)]
        if candidate.status is None:
            cells += ["", "", "", "", "no fit"]
        else:
            values = candidate.log_likelihood, candidate.bic, getattr(candidate, second)
            cells += [_number(value) for value in values]
            cells += [str(candidate.n_iter), str(candidate.status)]
        if position < MOST_CANDIDATES:
            table.add_row(*cells)
        said = [candidate.error] if candidate.error is not None else []
        if candidate.error is None and candidate.n_failed:
            said.append(f"failed starts: {candidate.n_failed}")
        if candidate.degenerate_components:
            said.append(f"degenerate components: {', '.join(map(str, candidate.degenerate_components))}")
        for note in said:
            notes.setdefault(note, []).append(f"K={candidate.n_components} {candidate.covariance_type}")
    lines = [f"{', '.join(points)}: {note}" for note, points in notes.items()]
    if len(selection.candidates) > MOST_CANDIDATES:
        lines.insert(0, f"Not shown: {counted(len(selection.candidates) - MOST_CANDIDATES, 'more candidate')}.")
    table.caption = "\n".join(lines) or None
    return table


def ruled_table() -> Table:
    """Return an empty table in the style of all tables here: a line under the headings, and no frame."""
    return Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), caption_justify="left")


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 1e9 else f"{value:.6e}"


def _converged(status: Status) -> str:
    return "yes" if status is Status.CONVERGED else f"no ({status})"


def summary_table(result: FitResult, *, total_weight: float, out: Path | None) -> Table:
    """Tabulate how well the mixture fits, how the fit went, and where its files are."""
    table = Table.grid(padding=(0, 2), pad_edge=True)
    score = result.log_likelihood / total_weight
    table.add_row("log-likelihood", f"{result.log_likelihood:.4f} ({score:.6f} per row, {total_weight:g} rows)")
    for name in CRITERIA:
        value = criterion_value(name, result.log_likelihood, result.mixture.n_free, total_weight)
        table.add_row(name.upper(), f"{value:.4f}")
    table.add_row("iterations", str(result.n_iter))
    table.add_row("converged", _converged(result.status))
    if result.n_failed:
        table.add_row("failed starts", str(result.n_failed))
    if result.degenerate_components:
        table.add_row("degenerate", textwrap.fill(result.degeneracy, 60))
    if out:
        table.add_row("written to", str(out))
    return table
