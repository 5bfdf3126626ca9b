"""Pictures of how a fit went: the climb of the log-likelihood, the responsibilities, the criterion over a grid.

Made without pyplot, as in ``plot.py``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ..parameters import SHAPES
from . import drawing

if TYPE_CHECKING:
    from ..results import FitResult
    from ..selection import Selection


def plot_log_likelihood(result: FitResult) -> Figure:
    """Draw the mean log-likelihood per row that each round of EM saw.

    Parameters
    ----------
    result : FitResult
        What a fit returned.

    Returns
    -------
    Figure
        One curve; the title gives the final total log-likelihood and how the fit ended.
    """
    figure = Figure(figsize=(6.8, 4.4), layout="constrained")
    axes = drawing.despine(figure.add_subplot())
    trace = np.asarray(result.trace, dtype=np.float64)
    marker = "o" if len(trace) <= 60 else None
    axes.plot(np.arange(1, len(trace) + 1), trace, marker=marker, markersize=4, color=drawing.COLORS[0])
    axes.set_xlim(0.5, max(len(trace), 1) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", alpha=0.3)
    axes.set_xlabel("round of EM")
    axes.set_ylabel("mean log-likelihood per row (nats)")
    outcome = "converged" if result.converged else f"not converged ({result.status})"
    rounds = drawing.counted(len(trace), "round")
    drawing.write_title(figure, [f"Log-likelihood {result.log_likelihood:.8g}", f"{outcome} after {rounds}"])
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


def plot_selection(selection: Selection) -> Figure:
    """Draw the criterion of each candidate against its number of components.

    Parameters
    ----------
    selection : Selection
        What `fastgmm.select` returned.

    Returns
    -------
    Figure
        One curve per covariance structure, a ring around the best candidate, a white dot where components are
        degenerate, and where there is no fit a gap in the curve and a cross in a strip above.
    """
    candidates, criterion = selection.candidates, selection.criterion
    figure = Figure(figsize=(6.8, 4.4), layout="constrained")
    axes = _axes_below_missing(figure, selection)
    for covariance_type in SHAPES:
        curve = [(c.n_components, getattr(c, criterion)) for c in candidates if c.covariance_type == covariance_type]
        if curve:
            axes.plot(*np.array(sorted(curve)).T, **_style(covariance_type), label=covariance_type)
    _mark_degenerate(axes, selection)
    best = candidates[0]
    (ring,) = axes.plot(best.n_components, getattr(best, criterion), "o", markersize=14, label="best")
    ring.set(markerfacecolor="none", markeredgecolor=drawing.MIXTURE_COLOR)
    figure.legend(loc="outside right upper", fontsize=9)

    numbers = [candidate.n_components for candidate in candidates]
    axes.set_xlim(min(numbers) - 0.5, max(numbers) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    axes.grid(axis="y", alpha=0.3)
    axes.set_xlabel("components")
    axes.set_ylabel(f"{criterion.upper()} (lower is better)")
    number = drawing.counted(best.n_components, "component")
    drawing.write_title(figure, [f"Best by {criterion.upper()}: {number}", f"{best.covariance_type} covariance"])
    return figure


def _mark_degenerate(axes: Axes, selection: Selection) -> None:
    """Put a white dot on the candidates with degenerate components."""
    marked = [candidate for candidate in selection.candidates if candidate.degenerate_components]
    if marked:
        numbers = [candidate.n_components for candidate in marked]
        values = [getattr(candidate, selection.criterion) for candidate in marked]
        (dots,) = axes.plot(numbers, values, "o", markersize=4, label="degenerate\ncomponents")
        dots.set(markerfacecolor="white", markeredgecolor=drawing.MIXTURE_COLOR)


def _axes_below_missing(figure: Figure, selection: Selection) -> Axes:
    """Make axes for the candidates that were fitted, below a strip with a cross for each of the others, if any."""
    missing = [candidate for candidate in selection.candidates if candidate.result is None]
    if not missing:
        return drawing.despine(figure.add_subplot())
    concerned = {candidate.covariance_type for candidate in missing}
    lines = [covariance_type for covariance_type in SHAPES if covariance_type in concerned]
    strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=(len(lines), 16))
    strip.scatter(
        [candidate.n_components for candidate in missing],
        [lines.index(candidate.covariance_type) for candidate in missing],
        color=[_style(candidate.covariance_type)["color"] for candidate in missing],
        marker="x",
    )
    strip.set_ylim(len(lines) - 0.5, -0.5)
    strip.set_yticks(range(len(lines)), [f"{covariance_type}: no fit" for covariance_type in lines], fontsize=9)
    strip.tick_params(length=0, labelbottom=False)
    strip.spines[:].set_visible(False)
    return drawing.despine(axes)


def _style(covariance_type: str) -> dict[str, Any]:
    """Colour and marker of a structure, whichever others are there."""
    color, marker = drawing.cluster_style(list(SHAPES).index(covariance_type))
    return {"color": color, "marker": marker}
