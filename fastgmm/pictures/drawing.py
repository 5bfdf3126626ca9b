"""The parts that the pictures of ``plot.py`` are put together from: panels, points, ellipses, legends, titles."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from ..parameters import Array

MAX_POINTS = 20_000  # rows drawn: more only blacken the page and take their time
MAX_RUG = 500  # rows drawn one by one under a histogram
MAX_FEATURES = 4
MAX_PANELS = 16
MAX_NAMED = 48  # components named in a legend
DPI = 150
TICK_STEPS = [1, 2, 2.5, 5, 10]  # matplotlib's own for automatic ticks; MaxNLocator alone admits 0.8 and 0.6

# Okabe and Ito's colour-blind-safe palette, but grey for its yellow, which white paper swallows.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#808080")
MARKERS = "os^DvP*X"
ROWS_COLOR = "#44546A"
MIXTURE_COLOR = "#222222"
ELLIPSE_STYLES: dict[int, Literal["-", "--"]] = {1: "-", 2: "--"}  # by number of standard deviations


def as_rows(X: ArrayLike) -> NDArray:
    """View X as (N, D), without converting it: it may be a memory map far larger than memory."""
    rows = np.asanyarray(X)
    if rows.ndim == 1:
        rows = rows[:, np.newaxis]
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"X must have shape (N, D) with at least one row and one column; got {rows.shape}")
    return rows


def rows_to_draw(n_rows: int) -> NDArray[np.int64] | slice:
    """Return the rows to draw: all, or a random sample with a fixed seed, in the order of the data."""
    if n_rows <= MAX_POINTS:
        return slice(None)
    return np.sort(np.random.default_rng(0).choice(n_rows, MAX_POINTS, replace=False))


def names_or_numbers(feature_names: Iterable[object] | None, n_features: int) -> list[str]:
    """Return one name per feature."""
    if feature_names is None:
        return [f"feature {f}" for f in range(n_features)]
    names = [str(name) for name in feature_names]
    if len(names) != n_features:
        raise ValueError(f"feature_names must have {n_features} names, one per column of X; got {len(names)}")
    return names


def widened_interval(low: float, high: float, *, margin: float = 0.0) -> tuple[float, float]:
    """Widen [low, high] by a share of its width, or to a width that can be divided where it has none."""
    size = max(abs(low), abs(high))
    width = high - low
    pad = margin * width if width > 1e3 * np.spacing(size) else max(0.5, 1e-6 * size)
    return float(low - pad), float(high + pad)


def bin_edges(values: Array) -> Array:
    """Edges of equal bins by the Rice rule, 2 N^(1/3): enough to show modes, indifferent to outliers."""
    n_bins = int(np.clip(math.ceil(2 * len(values) ** (1 / 3)), 10, 60))
    return np.linspace(*widened_interval(values.min(), values.max()), n_bins + 1)


def make_panels(
    names: list[str], limits: list[tuple[float, float]], legend: Sequence[Line2D] = ()
) -> tuple[Figure, dict[tuple[int, int], Axes]]:
    """Make the figure and its empty panels, labelled with the features' names and keyed (row, column)."""
    n_features = len(names)
    side = 1 if n_features <= 2 else min(n_features, MAX_FEATURES)
    in_corner = side > 1 and len(legend) <= 12  # the empty upper triangle has room
    n_legend_columns = 0 if in_corner else math.ceil(len(legend) / 20)
    width, height = (5.8, 4.8) if side == 1 else (0.8 + 2.3 * side, 0.8 + 2.1 * side)
    figure = Figure(figsize=(width + 2.1 * n_legend_columns, height), layout="constrained")
    if in_corner and legend:
        figure.legend(handles=legend, loc="upper right", bbox_to_anchor=(0.99, 0.95))
    elif legend:
        figure.legend(handles=legend, loc="outside right upper", ncols=n_legend_columns, fontsize=9)
    if side == 1:
        panels = {(n_features - 1, 0): figure.add_subplot()}
    else:
        panels = {
            (row, column): figure.add_subplot(side, side, row * side + column + 1)
            for row in range(side)
            for column in range(row + 1)
        }

    for (row, column), axes in panels.items():
        despine(axes).set_xlim(limits[column])
        if row != column:
            axes.set_ylim(limits[row])
        at_left, at_bottom = column == 0, row == n_features - 1 or row == side - 1
        axes.tick_params(labelleft=at_left, labelbottom=at_bottom)
        # Two dollar signs in a name, as in "rent (k$), income (k$)", would be read as mathematics.
        if at_bottom:
            axes.set_xlabel(wrapped(names[column], side), parse_math=False)
        if at_left and row != column:
            axes.set_ylabel(wrapped(names[row], side), parse_math=False)
        axes.xaxis.set_major_locator(MaxNLocator(5 if side == 1 else 4, steps=TICK_STEPS))
        if side > 1:
            axes.yaxis.set_major_locator(MaxNLocator(4, steps=TICK_STEPS))
            axes.yaxis.set_visible(row != column)
    return figure, panels


def wrapped(name: str, side: int) -> str:
    """Break a long name into at most two lines that fit the side of a panel."""
    return "\n".join(textwrap.wrap(name, 50 if side == 1 else 22, max_lines=2, placeholder="…"))


def despine(axes: Axes) -> Axes:
    """Remove the frame's idle sides."""
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def cluster_style(k: int) -> tuple[str, str]:
    """Colour and marker of component k: 64 pairs before one returns."""
    return COLORS[k % len(COLORS)], MARKERS[(k + k // len(COLORS)) % len(MARKERS)]


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


def cluster_legend(counts: NDArray[np.int64], n_features: int) -> list[Line2D]:
    """Explain the marks of `plot_clusters`: those that a picture of this many features has."""
    handles = []
    for k, count in enumerate(counts[:MAX_NAMED]):
        color, marker = cluster_style(k)
        handle = Line2D([], [], color=color, label=f"component {k} ({counted(count, 'row')})")
        handle.set(**({"linestyle": "--"} if n_features == 1 else {"linestyle": "none", "marker": marker}))
        handles.append(handle)
    if len(counts) > MAX_NAMED:
        handles.append(Line2D([], [], linestyle="none", label=f"and {len(counts) - MAX_NAMED} more"))
    center = Line2D([], [], color="white", marker="o", markersize=11, label="centre")
    center.set_markeredgecolor(MIXTURE_COLOR)
    handles.append(center)
    if n_features > 1:
        for n_deviations, style in ELLIPSE_STYLES.items():
            label = f"ellipse {n_deviations}σ: holds {1 - math.exp(-(n_deviations**2) / 2):.0%}"
            handles.append(Line2D([], [], color=MIXTURE_COLOR, linestyle=style, label=label))
    if n_features != 2:
        handles.append(Line2D([], [], color=MIXTURE_COLOR, label="curve: mixture density"))
    return handles


def thousands(number: float) -> str:
    """Write a whole number in groups of three digits: ``20 000``."""
    return f"{number:,.0f}".replace(",", " ")


def counted(number: int, noun: str) -> str:
    """Spell a number of things: ``1 row``, ``20 000 rows``."""
    return f"{thousands(number)} {noun}{'' if number == 1 else 's'}"


def data_notes(n_drawn: int, shape: tuple[int, ...]) -> list[str]:
    """Say how many rows there are, and which rows and features are left out."""
    n_rows, n_features = shape
    rows = counted(n_rows, "row")
    notes = [rows if n_drawn == n_rows else f"{thousands(n_drawn)} of {rows}"]
    if n_features > MAX_FEATURES:
        notes.append(f"first {MAX_FEATURES} of {n_features} features")
    return notes


def write_title(figure: Figure, notes: Iterable[str]) -> None:
    """Head the figure with its notes."""
    figure.suptitle(", ".join(notes), x=0.02, ha="left", fontsize=11)
