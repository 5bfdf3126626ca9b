"""Pictures of how a fit went: the climb of the log-likelihood, the responsibilities, the criterion over a grid.

Made without pyplot, as in ``plot.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from . import drawing


def plot_log_likelihood(trace: ArrayLike, log_likelihood: float, status: str) -> Figure:
    """Draw the mean log-likelihood per row that each round of EM saw.

    Parameters
    ----------
    trace : (n_iter,) array_like
        Mean log-likelihood per row after each round, in nats.
    log_likelihood : float
        Total log-likelihood at the end, in nats.
    status : str
        How the fit ended: "converged", or why it stopped before.

    Returns
    -------
    Figure
        One curve; the title gives the final total log-likelihood and how the fit ended.
    """
    figure = Figure(figsize=(6.8, 4.4), layout="constrained")
    axes = drawing.despine(figure.add_subplot())
    trace = np.asarray(trace, dtype=np.float64)
    marker = "o" if len(trace) <= 60 else None
    axes.plot(np.arange(1, len(trace) + 1), trace, marker=marker, markersize=4, color=drawing.COLORS[0])
    axes.set_xlim(0.5, max(len(trace), 1) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", alpha=0.3)
    axes.set_xlabel("round of EM")
    axes.set_ylabel("mean log-likelihood per row (nats)")
    outcome = status if status == "converged" else f"not converged ({status})"
    rounds = drawing.counted(len(trace), "round")
    drawing.write_title(figure, [f"Log-likelihood {log_likelihood:.8g}", f"{outcome} after {rounds}"])
    return figure


def plot_responsibilities(responsibilities: ArrayLike) -> Figure:
    """Draw how surely the rows belong to each component.

    Parameters
    ----------
    responsibilities : (N, K) array_like
        Posterior probability of each component for each row.

    Returns
    -------
    Figure
        One histogram per component, on common axes; counts on a logarithmic scale, because most rows sit
        in the first and the last bin and the doubtful ones, in between, are those to look at.
    """
    r = np.asarray(responsibilities)
    if r.ndim != 2:
        raise ValueError(f"responsibilities must have shape (N, K); got {r.shape}")
    n_rows, n_components = r.shape
    n_panels = min(n_components, drawing.MAX_PANELS)
    n_columns = max(min(n_panels, 3), math.ceil(math.sqrt(n_panels)))
    n_lines = math.ceil(n_panels / n_columns)
    figure = Figure(figsize=(max(5.0, 1.2 + 2.3 * n_columns), 1.2 + 2.0 * n_lines), layout="constrained")
    edges = np.linspace(0.0, 1.0, 21)
    for k in range(n_panels):
        axes = drawing.despine(figure.add_subplot(n_lines, n_columns, k + 1))
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda count, _: drawing.thousands(count))
        # Rounding can leave a responsibility an ulp above one, outside the last bin.
        counts = np.histogram(np.minimum(r[:, k], 1.0), edges)[0]
        axes.stairs(counts, edges, fill=True, color=drawing.cluster_style(k)[0], alpha=0.8)
        axes.set_xlim(0, 1)
        axes.set_ylim(0.7, 1.5 * max(n_rows, 10))
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.tick_params(labelleft=k % n_columns == 0, labelbottom=k + n_columns >= n_panels)
        axes.set_title(f"component {k}", fontsize=10)
    figure.supxlabel("responsibility (0: surely not its row, 1: surely its row)", fontsize=10)
    figure.supylabel("rows (logarithmic)", fontsize=10)
    left_out = n_panels < n_components
    notes = [f"first {n_panels} of {n_components} components"] if left_out else []
    drawing.write_title(figure, [drawing.counted(n_rows, "row"), *notes])
    return figure


def plot_selection(
    criterion: str,
    n_components: ArrayLike,
    covariance_types: Sequence[str],
    values: ArrayLike,
    *,
    degenerate: ArrayLike,
    structures: Sequence[str],
) -> Figure:
    """Draw the criterion of each candidate against its number of components.

    Parameters
    ----------
    criterion : str
        Its name, "bic" or "aic".
    n_components : (C,) array_like of int
        Number of components of each candidate, the best candidate first.
    covariance_types : (C,) sequence of str
        Its covariance structure.
    values : (C,) array_like
        Its criterion; NaN where there is no fit.
    degenerate : (C,) array_like of bool
        Whether it has degenerate components.
    structures : sequence of str
        All structures that there are: a structure has its own colour whichever others are drawn.

    Returns
    -------
    Figure
        One curve per covariance structure, a ring around the best candidate, a white dot where components are
        degenerate, and where there is no fit a gap in the curve and a cross in a strip above.
    """
    numbers, heights, names = np.asarray(n_components), np.asarray(values), np.asarray(covariance_types)
    styles = {name: _style(position) for position, name in enumerate(structures)}
    figure = Figure(figsize=(6.8, 4.4), layout="constrained")
    missing = np.isnan(heights)
    axes = _axes_below_missing(figure, numbers[missing], names[missing].tolist(), styles)
    for covariance_type, style in styles.items():
        (chosen,) = np.nonzero(names == covariance_type)
        if len(chosen):
            chosen = chosen[np.argsort(numbers[chosen])]
            axes.plot(numbers[chosen], heights[chosen], **style, label=covariance_type)
    marked = np.asarray(degenerate, dtype=bool)
    if marked.any():
        (dots,) = axes.plot(numbers[marked], heights[marked], "o", markersize=4, label="degenerate\ncomponents")
        dots.set(markerfacecolor="white", markeredgecolor=drawing.MIXTURE_COLOR)
    (ring,) = axes.plot(numbers[0], heights[0], "o", markersize=14, label="best")
    ring.set(markerfacecolor="none", markeredgecolor=drawing.MIXTURE_COLOR)
    figure.legend(loc="outside right upper", fontsize=9)

    axes.set_xlim(numbers.min() - 0.5, numbers.max() + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    axes.grid(axis="y", alpha=0.3)
    axes.set_xlabel("components")
    axes.set_ylabel(f"{criterion.upper()} (lower is better)")
    number = drawing.counted(int(numbers[0]), "component")
    drawing.write_title(figure, [f"Best by {criterion.upper()}: {number}", f"{names[0]} covariance"])
    return figure


def _axes_below_missing(
    figure: Figure, numbers: NDArray[Any], covariance_types: list[str], styles: dict[str, dict[str, Any]]
) -> Axes:
    """Make axes for the candidates that were fitted, below a strip with a cross for each of the others, if any."""
    if not covariance_types:
        return drawing.despine(figure.add_subplot())
    lines = [covariance_type for covariance_type in styles if covariance_type in covariance_types]
    strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=(len(lines), 16))
    strip.scatter(
        numbers,
        [lines.index(covariance_type) for covariance_type in covariance_types],
        color=[styles[covariance_type]["color"] for covariance_type in covariance_types],
        marker="x",
    )
    strip.set_ylim(len(lines) - 0.5, -0.5)
    strip.set_yticks(range(len(lines)), [f"{covariance_type}: no fit" for covariance_type in lines], fontsize=9)
    strip.tick_params(length=0, labelbottom=False)
    strip.spines[:].set_visible(False)
    return drawing.despine(axes)


def _style(position: int) -> dict[str, Any]:
    """Colour and marker of the structure at a position."""
    color, marker = drawing.cluster_style(position)
    return {"color": color, "marker": marker}
