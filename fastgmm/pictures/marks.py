"""What stands in the panels: points, ellipses, numbered centres, histograms and density curves."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from .drawing import CROSSING_STYLE, ELLIPSE_STYLES, MIXTURE_COLOR, cluster_style, widened_interval

Array = NDArray[np.float64]


def bin_edges(values: Array) -> Array:
    """Edges of equal bins by the Rice rule, 2 N^(1/3): enough to show modes, indifferent to outliers."""
    n_bins = int(np.clip(math.ceil(2 * len(values) ** (1 / 3)), 10, 60))
    return np.linspace(*widened_interval(values.min(), values.max()), n_bins + 1)


def draw_points(axes: Axes, x: Array, y: Array, n_drawn: int, color: str, marker: str) -> None:
    """Draw points, the smaller and the more transparent the more of them the picture holds."""
    crowding = min(1.0, 300 / n_drawn) ** 0.5
    size, alpha = max(3.0, 24 * crowding), max(0.3, 0.75 * crowding**0.5)
    axes.scatter(x, y, s=size, c=color, marker=marker, alpha=alpha, linewidths=0, rasterized=True, zorder=1)


def make_ellipse(center: Array, covariance: Array, n_deviations: int, color: str) -> Ellipse:
    """Outline of the points at a Mahalanobis distance of `n_deviations` from the centre."""
    variances, directions = np.linalg.eigh(covariance)
    # A nearly singular covariance may have an eigenvalue a rounding below zero.
    width, height = 2 * n_deviations * np.sqrt(np.maximum(variances, 0.0))
    angle = math.degrees(math.atan2(directions[1, 0], directions[0, 0]))
    ellipse = Ellipse((center[0], center[1]), width, height, angle=angle, fill=False, zorder=2)
    ellipse.set(edgecolor=color, linewidth=1.8, linestyle=ELLIPSE_STYLES[n_deviations])
    ellipse.set_path_effects([withStroke(linewidth=2.8, foreground="white")])
    return ellipse


def draw_badge(axes: Axes, x: float, y: float, k: int) -> None:
    """Mark a centre with the component's number in a circle, which needs no colour to be read."""
    axes.plot(x, y, "o", markersize=13, color="white", markeredgecolor=cluster_style(k)[0], zorder=3)
    text = axes.text(x, y, str(k), fontsize=8, weight="bold", clip_on=True, zorder=3)
    text.set(horizontalalignment="center", verticalalignment="center_baseline")


def stacked_histogram(axes: Axes, x: Array, clusters: list[NDArray[np.int64]]) -> None:
    """Draw the histogram of x as a density, each bar divided by cluster."""
    edges = bin_edges(x)
    scale = 1 / (len(x) * (edges[1] - edges[0]))
    floor = np.zeros(len(edges) - 1)
    for k, members in enumerate(clusters):
        top = floor + scale * np.histogram(x[members], edges)[0]
        axes.stairs(top, edges, baseline=floor, fill=True, color=cluster_style(k)[0], alpha=0.35, zorder=1)
        floor = top
    axes.set_ylim(0, 1.1 * floor.max())


def density_curves(axes: Axes, weights: Array, means: Array, deviations: Array, limits: tuple[float, float]) -> float:
    """Draw a one-dimensional mixture and its components over a histogram; return its highest density."""
    # A component with no variance at all is drawn as a line: any floor above underflow will do.
    deviations = np.maximum(deviations, 1e-150)
    # A component can be far narrower than a pixel: the grid follows each, or its peak would be missed.
    around = means + np.linspace(-6, 6, 121)[:, np.newaxis] * deviations
    grid = np.unique(np.concatenate([np.linspace(*limits, 400), around.ravel()]))
    # Beyond 40 deviations the density underflows to the zero it is; the clip keeps the square finite.
    z = np.clip((grid - means[:, np.newaxis]) / deviations[:, np.newaxis], -40, 40)
    peaks = weights / (deviations * math.sqrt(2 * math.pi))
    components = peaks[:, np.newaxis] * np.exp(-0.5 * z * z)
    mixture = components.sum(axis=0)

    histogram_top = axes.get_ylim()[1]
    top = max(histogram_top, min(1.1 * mixture.max(), 2 * histogram_top))
    axes.set_ylim(0, top)
    axes.plot(grid, mixture, color=MIXTURE_COLOR, linewidth=1.4, zorder=2)
    for k, curve in enumerate(components):
        axes.plot(grid, curve, color=cluster_style(k)[0], linewidth=1.8, linestyle="--", zorder=2)
        draw_badge(axes, means[k], min(peaks[k], 0.94 * top), k)
    return float(mixture.max())


def draw_crossings(axes: Axes, crossings: Array) -> None:
    """Mark points of an axis by lines, each with its number where there is room for it."""
    low, high = axes.get_xlim()
    decimals = max(3 - math.floor(math.log10(high - low)), 0)
    height = axes.get_xaxis_transform()
    axes.vlines(crossings, 0.0, 1.0, **CROSSING_STYLE, zorder=2, transform=height)
    room = low
    for x in crossings:
        if x >= room:
            text = axes.text(x, 1.0, f"{x:.{decimals}f}", fontsize=8, rotation=90, clip_on=True, transform=height)
            text.set(horizontalalignment="left", verticalalignment="top")
            text.set_path_effects([withStroke(linewidth=2.8, foreground="white")])
            room = x + 0.04 * (high - low)
