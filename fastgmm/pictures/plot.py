"""Pictures of the rows and the clusters; how a fit went is in ``plot_fit.py``.

Every function returns a ``matplotlib.figure.Figure`` made without pyplot: no display, no backend and no
global state is touched. The pictures can be drawn without a screen and off the main thread, and a notebook
shows them.

Data of any dimension share one layout. A panel ``(row, column)`` shows feature ``row`` against feature
``column``: a scatter below the diagonal, a histogram on it. One feature is a single panel on the diagonal,
two are a single panel below it, more are the lower triangle of the first few features. The marginal of a
Gaussian mixture on some features is the mixture of the marginals, so each panel is exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from . import drawing, marks


def plot_data(X: ArrayLike, *, feature_names: Sequence[str] | None = None) -> Figure:
    """Draw the rows as they are: histogram, scatter or scatter matrix.

    Parameters
    ----------
    X : (N, D) or (N,) array_like
        The rows.
    feature_names : sequence of str, optional
        Labels of the axes; ``x0``, ``x1``, ... if not given.

    Returns
    -------
    Figure
    """
    rows = drawing.as_rows(X)
    drawn = np.asarray(rows[drawing.rows_to_draw(len(rows))], dtype=np.float64)
    limits = [drawing.widened_interval(x.min(), x.max(), margin=0.05) for x in drawn.T]
    figure, panels = drawing.make_panels(drawing.names_or_numbers(feature_names, rows.shape[1]), limits)
    for (row, column), axes in panels.items():
        x = drawn[:, column]
        if row != column:
            marks.draw_points(axes, x, drawn[:, row], len(drawn), drawing.ROWS_COLOR, "o")
            continue
        edges = marks.bin_edges(x)
        axes.stairs(np.histogram(x, edges)[0], edges, fill=True, color=drawing.ROWS_COLOR, alpha=0.6)
        if len(panels) == 1:
            axes.set_ylabel("rows")
            if len(x) <= drawing.MAX_RUG:
                floor = axes.get_xaxis_transform()
                axes.plot(x, np.zeros_like(x), "|", color="black", markersize=14, transform=floor)
    drawing.write_title(figure, drawing.data_notes(len(drawn), rows.shape))
    return figure


def plot_clusters(
    X: ArrayLike,
    weights: ArrayLike,
    means: ArrayLike,
    covariances: ArrayLike,
    labels: ArrayLike,
    *,
    feature_names: Sequence[str] | None = None,
    crossings: ArrayLike = (),
) -> Figure:
    """Draw the rows by cluster, with each component's centre and spread.

    Scatters carry the ellipses of 1 and 2 standard deviations. Histograms are stacked by cluster, under the
    densities of the mixture and of each weighted component.

    Parameters
    ----------
    X : (N, D) or (N,) array_like
        The rows.
    weights : (K,) array_like
        Mixing proportions.
    means : (K, D) array_like
        Centres.
    covariances : (K, D, D) array_like
        A matrix for each component, whatever the structure.
    labels : (N,) array_like of int
        The component of each row.
    feature_names : sequence of str, optional
        Labels of the axes; ``x0``, ``x1``, ... if not given.
    crossings : (M,) array_like, optional
        Where the most probable component of one feature changes: marked by lines with their numbers.

    Returns
    -------
    Figure

    Notes
    -----
    The axis of densities ends at twice the histogram's height: a component that collapsed onto a few equal
    values has a peak so tall that nothing else would be seen. For D = 1 the title says where this happens.
    """
    rows = drawing.as_rows(X)
    n_rows, n_features = rows.shape
    weights, means, covariances, labels = (np.asarray(each) for each in (weights, means, covariances, labels))
    n_components = len(weights)
    wanted = {"means": (n_components, n_features), "covariances": (n_components, n_features, n_features)}
    for (name, shape), array in zip(wanted.items(), (means, covariances), strict=True):
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, for {n_components} weights and X; got {array.shape}")
    if labels.shape != (n_rows,):
        raise ValueError(f"labels must have shape ({n_rows},), one per row of X; got {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got dtype {labels.dtype}")
    if labels.min() < 0 or labels.max() >= n_components:
        raise ValueError(f"labels must lie in 0..{n_components - 1}; got {labels.min()}..{labels.max()}")

    chosen = drawing.rows_to_draw(n_rows)
    drawn = np.asarray(rows[chosen], dtype=np.float64)
    clusters = [np.flatnonzero(labels[chosen] == k) for k in range(n_components)]
    deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    low = np.minimum(drawn.min(axis=0), (means - 2 * deviations).min(axis=0))
    high = np.maximum(drawn.max(axis=0), (means + 2 * deviations).max(axis=0))
    limits = [drawing.widened_interval(low[f], high[f], margin=0.05) for f in range(n_features)]
    names = drawing.names_or_numbers(feature_names, n_features)
    legend = drawing.cluster_legend(np.bincount(labels, minlength=n_components), n_features)
    crossed = np.asarray(crossings, dtype=np.float64)
    crossed = crossed[(limits[0][0] < crossed) & (crossed < limits[0][1])]
    if len(crossed):
        legend.append(drawing.Line2D([], [], **drawing.CROSSING_STYLE, label="line: the label changes"))
    figure, panels = drawing.make_panels(names, limits, legend)
    notes = [*drawing.data_notes(len(drawn), rows.shape), drawing.counted(n_components, "component")]
    for (row, column), axes in panels.items():
        x = drawn[:, column]
        if row == column:
            marks.stacked_histogram(axes, x, clusters)
            marginal = (weights, means[:, column], deviations[:, column])
            peak = marks.density_curves(axes, *marginal, limits[column])
            if n_features == 1:
                axes.set_ylabel("density")
                marks.draw_crossings(axes, crossed)
                if peak > axes.get_ylim()[1]:
                    notes.append(f"density peaks at {peak:.3g}")
            continue
        for k, members in enumerate(clusters):
            marks.draw_points(axes, x[members], drawn[members, row], len(drawn), *drawing.cluster_style(k))
        for k in range(n_components):
            center, covariance = means[k, [column, row]], covariances[k][np.ix_([column, row], [column, row])]
            for n_deviations in drawing.ELLIPSE_STYLES:
                axes.add_patch(marks.make_ellipse(center, covariance, n_deviations, drawing.cluster_style(k)[0]))
            marks.draw_badge(axes, center[0], center[1], k)
    drawing.write_title(figure, notes)
    return figure
