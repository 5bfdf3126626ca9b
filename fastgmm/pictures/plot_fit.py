"""Pictures of how a fit went: the climb of the log-likelihood, the responsibilities.

Made without pyplot, as in ``plot.py``.
"""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from . import drawing

FLAT = 1e-5  # relative; a smaller climb would only magnify rounding, with ticks of many digits


def plot_log_likelihood(trace: ArrayLike, log_likelihood: float, status: str) -> Figure:
    """Draw the mean log-likelihood per row that each iteration of EM saw.

    Parameters
    ----------
    trace : (n_iter,) array_like
        Mean log-likelihood per row after each iteration, in nats.
    log_likelihood : float
        Total log-likelihood at the end, in nats.
    status : str
        How the fit ended: "converged", or why it stopped before.

    Returns
    -------
    Figure
        One curve; the title gives the final total log-likelihood and how the fit ended.
    """
    figure = drawing.Picture(figsize=(6.8, 4.4), layout="constrained")
    axes = drawing.despine(figure.add_subplot())
    trace = np.asarray(trace, dtype=np.float64)
    marker = "o" if len(trace) <= 60 else None
    axes.plot(np.arange(1, len(trace) + 1), trace, marker=marker, markersize=4, color=drawing.COLORS[0])
    axes.set_xlim(0.5, max(len(trace), 1) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(trace):
        size = max(float(np.abs(trace).max()), 1.0)
        if trace.max() - trace.min() < FLAT * size:
            axes.set_ylim(trace.min() - 0.05 * size, trace.max() + 0.05 * size)
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    axes.grid(axis="y", alpha=0.3)
    axes.set_xlabel("iteration of EM")
    axes.set_ylabel("mean log-likelihood per row (nats)")
    outcome = status if status == "converged" else f"not converged ({status})"
    iterations = drawing.counted(len(trace), "iteration")
    drawing.write_title(figure, [f"Log-likelihood {log_likelihood:.8g}", f"{outcome} after {iterations}"])
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
    figure = drawing.Picture(figsize=(max(5.0, 1.2 + 2.3 * n_columns), 1.2 + 2.0 * n_lines), layout="constrained")
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
