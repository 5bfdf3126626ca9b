"""The picture of how uncertain labels are, over two features. Made without pyplot, as in ``plot.py``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from . import drawing

SIDE = 240  # points of the plane along each axis
DOUBTFUL = 0.1
MAX_NAMED = 20  # components in the legend: a column


def points_of_plane(X: ArrayLike) -> NDArray[np.float64]:
    """Return the points, (SIDE * SIDE, 2), at which `plot_uncertainty` is to be told how uncertain labels are."""
    rows = np.asarray(X, dtype=np.float64)
    sides = [
        np.linspace(*drawing.widened_interval(x.min(), x.max(), margin=0.05), SIDE) for x in (rows[:, 0], rows[:, 1])
    ]
    return np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)


def plot_uncertainty(
    X: ArrayLike,
    labels: ArrayLike,
    uncertainties: ArrayLike,
    points: ArrayLike,
    uncertainties_of_points: ArrayLike,
    *,
    feature_names: Sequence[str] | None = None,
) -> Figure:
    """Draw the rows by cluster, the larger the less certain, over the uncertainty of the plane in grey.

    Parameters
    ----------
    X : (N, 2) array_like
        The rows.
    labels : (N,) array_like of int
        The component of each row.
    uncertainties : (N,) array_like
        Probability that it is wrong.
    points : (SIDE * SIDE, 2) array_like
        Those of `points_of_plane`.
    uncertainties_of_points : (SIDE * SIDE,) array_like
        Probability that the label of each would be wrong.
    feature_names : sequence of str, optional
        Labels of the axes; ``x0`` and ``x1`` if not given.

    Returns
    -------
    Figure
    """
    rows, labels, doubts = drawing.as_rows(X), np.asarray(labels), np.asarray(uncertainties, dtype=np.float64)
    corners = np.asarray(points)[[0, -1]]
    limits = [(corners[0, f], corners[1, f]) for f in (0, 1)]
    components, counts = np.unique(labels, return_counts=True)
    legend = _legend(components, counts)
    figure, panels = drawing.make_panels(drawing.names_or_numbers(feature_names, 2), limits, legend)
    (axes,) = panels.values()
    plane = np.asarray(uncertainties_of_points).reshape(SIDE, SIDE)
    most = float(plane.max()) or 1.0
    image = axes.imshow(
        plane, cmap="Greys", vmin=0.0, vmax=most, extent=(*limits[0], *limits[1]), origin="lower", aspect="auto"
    )
    bar = figure.colorbar(image, ax=axes, location="bottom", aspect=40)
    bar.set_label("uncertainty: probability that the label is wrong")
    chosen = drawing.rows_to_draw(len(rows))
    drawn, labels_drawn, doubts_drawn = np.asarray(rows[chosen], dtype=np.float64), labels[chosen], doubts[chosen]
    sizes = (5.0 + 45.0 * np.minimum(doubts_drawn / most, 1.0)) * max(0.3, min(1.0, 1000 / len(drawn)) ** 0.5)
    for k in components.tolist():
        members = labels_drawn == k
        color, marker = drawing.cluster_style(k)
        x, y = drawn[members].T
        symbols = axes.scatter(x, y, s=sizes[members], c=color, marker=marker, rasterized=True, zorder=2)
        symbols.set(edgecolor="white", linewidth=0.2)
    doubtful = drawing.thousands(int(np.count_nonzero(doubts > DOUBTFUL)))
    drawing.write_title(
        figure, [*drawing.data_notes(len(drawn), rows.shape), f"{doubtful} with uncertainty above {DOUBTFUL:g}"]
    )
    return figure


def _legend(components: NDArray[np.int64], counts: NDArray[np.int64]) -> list[Line2D]:
    handles = []
    for k, count in list(zip(components.tolist(), counts, strict=True))[:MAX_NAMED]:
        color, marker = drawing.cluster_style(k)
        label = f"component {k} ({drawing.counted(count, 'row')})"
        handles.append(Line2D([], [], linestyle="none", color=color, marker=marker, label=label))
    if len(components) > MAX_NAMED:
        handles.append(Line2D([], [], linestyle="none", label=f"and {len(components) - MAX_NAMED} more"))
    return handles
