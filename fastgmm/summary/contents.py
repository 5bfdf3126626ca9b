"""What is said of a mixture, of a fit and of a grid of fits, as plain tables and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from ..model.parameters import Parameters, names_or_numbers
from .layout import MOST_CANDIDATES, MOST_LINES, Summary, Table, shortened, visible

NAME_WIDTH = 24  # columns of a terminal that a feature's name may take
MOST_DECIMALS = 8
FEW_DECIMALS = 5  # of a narrow component beside others: more would take the place of whole features


def counted(number: int, noun: str) -> str:
    """Spell a number of things: ``1 component``, ``2 components``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def summary_of_mixture(parameters: Parameters, feature_names: Sequence[str] | None) -> Summary:
    """Return a line per component: its weight, and mean and standard deviation of each feature."""
    k, d = parameters.means.shape
    names = [shortened(visible(name), NAME_WIDTH) for name in names_or_numbers(feature_names, d)[:MOST_LINES]]
    variances = parameters.structure.variances(parameters.covariances, k, d)[:MOST_LINES, :MOST_LINES].tolist()
    means, weights = parameters.means[:MOST_LINES, :MOST_LINES].tolist(), parameters.weights[:MOST_LINES].tolist()

    def cells(brief: bool) -> list[tuple[str, ...]]:
        lines = [("component", "weight", *names)]
        for component, weight in enumerate(weights):
            spread = zip(means[component], variances[component], strict=True)
            lines.append(
                (str(component), share(weight), *(mean_and_deviation(*each, brief=brief) for each in spread))
            )
        return lines

    more = max(k - MOST_LINES, 0), max(d - MOST_LINES, 0)
    title = f"{counted(k, 'component')}, {counted(d, 'feature')}, {parameters.covariance_type} covariance"
    table = Table(cells(False), ("component", "feature"), more, "means and covariances", cells(True))
    return Summary("Gaussian mixture", title, [table, "Features: mean ± standard deviation."])


def share(weight: float) -> str:
    """Write a weight; a tiny one is not nought."""
    return f"{weight:.4f}" if weight >= 0.001 or weight == 0.0 else f"{weight:.1e}"


def mean_and_deviation(mean: float, variance: float, *, brief: bool = False) -> str:
    """Return a mean to the digits that its standard deviation gives a meaning: ``4.290 ± 0.411``.

    With `brief` a narrow component has four digits only: ``7.029 ± 3.1e-06``.
    """
    deviation = math.sqrt(variance)
    decimals = 2 - math.floor(math.log10(deviation))
    if brief and decimals > FEW_DECIMALS:
        return f"{mean:#.4g} ± {deviation:.1e}"
    if decimals <= MOST_DECIMALS and max(abs(mean), deviation) < 1e7:
        return f"{mean:.{max(decimals, 0)}f} ± {deviation:.{max(decimals, 0)}f}"
    digits = decimals + math.floor(math.log10(abs(mean))) if mean else 2
    return f"{mean:.{min(max(digits, 2), MOST_DECIMALS)}e} ± {deviation:.2e}"


def number(value: float) -> str:
    """Write a log-likelihood or a criterion."""
    return f"{value:.3f}" if abs(value) < 1e12 else f"{value:.9g}"


def summary_of_grid(criterion: str, table: Mapping[str, NDArray[Any]]) -> Summary:
    """Return the candidates of a selection, best first, from the columns of `Selection.table`."""
    rows = [
        dict(zip(table, values, strict=True))
        for values in zip(*(each.tolist() for each in table.values()), strict=True)
    ]
    headings = ("K", "covariance", "parameters", "log-likelihood", criterion.upper(), "iterations", "converged")
    cells: list[tuple[str, ...]] = [headings]
    for row in rows[:MOST_CANDIDATES]:
        sizes = str(row["n_components"]), row["covariance_type"], str(row["n_free"])
        if row["error"]:
            cells.append((*sizes, "", "", "", "no fit"))
        else:
            values = number(row["log_likelihood"]), number(row[criterion]), str(row["n_iter"])
            cells.append((*sizes, *values, "yes" if row["converged"] else "no"))
    more = max(len(rows) - MOST_CANDIDATES, 0), 0
    parts: list[Table | str] = [
        f"{criterion.upper()}: lower is better.",
        Table(cells, ("candidate", "column"), more, "table() of the selection"),
    ]
    degenerate = [row for row in rows[:MOST_CANDIDATES] if row["n_degenerate"]]
    if degenerate:
        parts.append(f"With degenerate components: {', '.join(map(_point, degenerate))}.")
    failed = [row for row in rows if row["error"]]
    if failed:
        first = f"{_point(failed[0])}: {failed[0]['error']}"
        parts.append(f"No fit for {len(failed)} of {counted(len(rows), 'candidate')}; the first: {first}")
    best = f"{counted(rows[0]['n_components'], 'component')}, {rows[0]['covariance_type']} covariance"
    return Summary("Selection", f"best of {counted(len(rows), 'candidate')} by {criterion.upper()}: {best}", parts)


def _point(row: Mapping[str, Any]) -> str:
    return f"K={row['n_components']} {row['covariance_type']}"
