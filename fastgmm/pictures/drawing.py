"""The frame of the pictures: rows that are drawn, panels, styles, legends, titles, files. ``marks.py`` fills it."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

MAX_POINTS = 20_000  # rows drawn: more only blacken the page and take their time
MAX_RUG = 500  # rows drawn one by one under a histogram
MAX_FEATURES = 4
MAX_PANELS = 16
MAX_NAMED = 48  # components named in a legend
PANEL_CHARACTERS = 24  # of tick labels, and gaps between them, along the side of a panel of several
DPI = 150
TICK_STEPS = [1, 2, 2.5, 5, 10]  # matplotlib's own for automatic ticks; MaxNLocator alone admits 0.8 and 0.6

# Okabe and Ito's colour-blind-safe palette, but grey for its yellow, which white paper swallows.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#808080")
MARKERS = "os^DvP*X"
ROWS_COLOR = "#44546A"
MIXTURE_COLOR = "#222222"
CROSSING_STYLE: dict[str, Any] = {"color": MIXTURE_COLOR, "linewidth": 1.0, "linestyle": ":"}
ELLIPSE_STYLES: dict[int, Literal["-", "--"]] = {1: "-", 2: "--"}  # by number of standard deviations


class Picture(Figure):
    """A figure that a notebook shows although pyplot, which tells notebooks how, was never imported."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


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
        return [f"x{f}" for f in range(n_features)]
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


def make_panels(
    names: list[str], limits: list[tuple[float, float]], legend: Sequence[Line2D] = ()
) -> tuple[Figure, dict[tuple[int, int], Axes]]:
    """Make the figure and its empty panels, labelled with the features' names and keyed (row, column)."""
    n_features = len(names)
    side = 1 if n_features <= 2 else min(n_features, MAX_FEATURES)
    in_corner = side > 1 and len(legend) <= 12  # the empty upper triangle has room
    n_legend_columns = 0 if in_corner else math.ceil(len(legend) / 20)
    width, height = (5.8, 4.8) if side == 1 else (0.8 + 2.3 * side, 0.8 + 2.1 * side)
    figure = Picture(figsize=(width + 2.1 * n_legend_columns, height), layout="constrained")
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
        axes.xaxis.set_major_locator(MaxNLocator(5 if side == 1 else _intervals(*limits[column]), steps=TICK_STEPS))
        if side > 1:
            axes.yaxis.set_major_locator(MaxNLocator(4, steps=TICK_STEPS))
            axes.yaxis.set_visible(row != column)
    return figure, panels


def _intervals(low: float, high: float) -> int:
    """Return how many intervals between ticks, 4 at most, the side of a small panel has room for."""
    before = len(f"{max(abs(low), abs(high)):.0f}") + (low < 0.0)
    after = max(-math.floor(math.log10((high - low) / 4)), 0)
    return min(max(PANEL_CHARACTERS // (before + after + (after > 0) + 1) - 1, 1), 4)


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


def save(directory: Path, **figures: Figure) -> list[Path]:
    """Write each figure into an existing directory as PNG under its name; return the files."""
    paths = [directory / f"{name}.png" for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        figure.savefig(path, dpi=DPI, format="png")
    return paths


def write_title(figure: Figure, notes: Iterable[str]) -> None:
    """Head the figure with its notes."""
    figure.suptitle(", ".join(notes), x=0.02, ha="left", fontsize=11)
