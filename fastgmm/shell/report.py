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
from ..results import FitResult
from ..selection import Selection
from ..summary.contents import names_or_numbers

MOST_FEATURES = 8  # printed with their covariances; of more, the means of the first few
HEADING_WIDTH = 14  # characters; two features then fit a terminal of 80


def print_tables(*tables: Table) -> None:
    """Print to standard output, as wide as it takes: rich would cut numbers at the width of the terminal."""
    # Column names are the user's: brackets in them are not markup, colons no emoji.
    console = Console(markup=False, emoji=False, highlight=False)
    unlimited = console.options.update(max_width=10_000)
    console.width = max(console.width, *(Measurement.get(console, unlimited, table).maximum for table in tables))
    for table in tables:
        console.print(table)
        console.print()


def parameters_table(parameters: Mixture) -> Table:
    """Tabulate weights, means and covariances: a line per component and feature."""
    k, d = parameters.means.shape
    names = names_or_numbers(parameters.feature_names, d)
    with_covariances = d <= MOST_FEATURES
    matrices = parameters.full_covariances()
    shown = range(min(d, MOST_FEATURES))

    table = ruled_table()
    table.add_column("component", justify="right")
    table.add_column("weight", justify="right")
    table.add_column("feature")
    table.add_column("mean", justify="right")
    if with_covariances:
        for name in names:
            heading = "variance" if d == 1 else f"covariance with {name}"
            table.add_column(textwrap.fill(heading, HEADING_WIDTH, break_long_words=False), justify="right")
    for component in range(k):
        for j in shown:
            first = (str(component), f"{parameters.weights[component]:.4f}") if j == 0 else ("", "")
            covariances = matrices[component, j] if with_covariances else ()
            numbers = (f"{value:.6g}" for value in (parameters.means[component, j], *covariances))
            table.add_row(*first, names[j], *numbers, end_section=j == shown[-1])
    if not with_covariances:
        table.caption = f"{d - MOST_FEATURES} more features and the covariances: in model.json, with --out DIR"
    return table


def selection_table(selection: Selection) -> Table:
    """Tabulate the fits of a grid, best first, and say below why others could not be fitted."""
    candidates = selection.candidates
    some_failed = any(candidate.n_failed for candidate in candidates)
    some_degenerate = any(candidate.degenerate_components for candidate in candidates)
    headings = ["K", "covariance", "parameters", "log-likelihood", "BIC", "AIC", "iterations", "converged"]
    headings += ["failed starts"] * some_failed + ["degenerate components"] * some_degenerate

    table = ruled_table()
    table.title, table.title_justify = f"Best first, by {selection.criterion.upper()}", "left"
    for heading in headings:
        words = textwrap.fill(heading, HEADING_WIDTH)
        table.add_column(words, justify="left" if heading in ("covariance", "converged") else "right")
    for candidate in candidates:
        cells = [str(candidate.n_components), candidate.covariance_type, str(candidate.n_free)]
        if candidate.status is None:
            cells += ["", "", "", "", "no fit"]
        else:
            cells += [f"{value:.2f}" for value in (candidate.log_likelihood, candidate.bic, candidate.aic)]
            cells += [str(candidate.n_iter), _converged(candidate.status)]
        cells += [str(candidate.n_failed)] * some_failed
        cells += [", ".join(map(str, candidate.degenerate_components))] * some_degenerate
        table.add_row(*cells)
    without_fit: dict[str, list[str]] = {}  # by their errors, of which many may be the same
    for candidate in candidates:
        if candidate.error is not None:
            point = f"K={candidate.n_components} {candidate.covariance_type}"
            without_fit.setdefault(candidate.error, []).append(point)
    table.caption = "\n".join(f"{', '.join(points)}: {error}" for error, points in without_fit.items()) or None
    return table


def ruled_table() -> Table:
    """Return an empty table in the style of all tables here: a line under the headings, and no frame."""
    return Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), caption_justify="left")


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
        table.add_row("degenerate", result.degeneracy)
    if out:
        table.add_row("written to", str(out))
    return table
