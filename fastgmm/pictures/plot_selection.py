"""The picture of a grid of fits: the criterion over the number of components. Made without pyplot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from . import drawing

FEW = 4  # curves that can each have a style of their own; of more the best stands out
LABEL_GAP = 0.06  # of the height of the axes, between the names of two curves
# A candidate further from the best than so many times the distance that this share of the candidates keep to would
# flatten all others; of many structures the worst are of no interest, and curves lie close.
FAR, FAR_OF_MANY, NEAR = 20.0, 4.0, 0.4
BEYOND = r"$\uparrow$"
DASH = 8.0  # line widths after which a pattern of dashes returns


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
        Its name, "bic", "aic" or "icl".
    n_components : (C,) array_like of int
        Number of components of each candidate, the best candidate first.
    covariance_types : (C,) sequence of str
        Its covariance structure.
    values : (C,) array_like
        Its criterion; NaN where there is no fit.
    degenerate : (C,) array_like of bool
        Whether it has degenerate components.
    structures : sequence of str
        All structures that there are: one of few has its own colour whichever others are drawn.

    Returns
    -------
    Figure
        One curve per covariance structure, of many all grey but the best candidate's; a ring around the best
        candidate, a white dot where components are degenerate, and where there is no fit a gap in the curve and a
        cross in a strip above. Where candidates far worse than the others would flatten the curves, the axis ends
        below them, and arrows below its end mark them.
    """
    numbers, heights, names = np.asarray(n_components), np.asarray(values), np.asarray(covariance_types)
    drawn = [name for name in structures if name in covariance_types]
    missing, far = np.isnan(heights), _far(heights, FAR if len(drawn) <= FEW else FAR_OF_MANY)
    low, high = _limits(heights[~far & ~missing]) if far.any() else (-np.inf, np.inf)
    beyond = heights > high
    styles = {
        name: _style(structures.index(name), rank, len(drawn)) if len(drawn) <= FEW else _quiet(name == names[0])
        for rank, name in enumerate(drawn)
    }
    n_strips = len(set(names[missing]))
    figure = drawing.Picture(figsize=(6.8, 4.4 + 0.2 * max(n_strips - FEW, 0)), layout="constrained")
    axes = _axes_below_missing(figure, numbers[missing], names[missing].tolist(), styles)
    ends = {}
    for covariance_type, style in styles.items():
        (chosen,) = np.nonzero(names == covariance_type)
        if len(chosen):
            chosen = chosen[np.argsort(numbers[chosen])]
            axes.plot(numbers[chosen], heights[chosen], **style, label=covariance_type)
            fitted = chosen[~missing[chosen]]
            # A curve of which nothing is below the end of the axis has its name in the strip, if it is there.
            if len(fitted) and not (len(fitted) < len(chosen) and beyond[fitted].all()):
                ends[covariance_type] = float(numbers[fitted[-1]]), float(heights[fitted[-1]])
    marked = np.asarray(degenerate, dtype=bool)
    handles = []
    if marked.any():
        (dots,) = axes.plot(numbers[marked], heights[marked], "o", markersize=4, label="degenerate components")
        dots.set(markerfacecolor="white", markeredgecolor=drawing.MIXTURE_COLOR, zorder=4)
        handles.append(dots)
    if beyond.any():
        worst = drawing.thousands(np.nanmax(heights))
        handles.append(Line2D([], [], color=drawing.MIXTURE_COLOR, marker=BEYOND, markersize=9, linestyle="none"))
        handles[-1].set_label(f"beyond the axis, up to {worst}")
    (ring,) = axes.plot(numbers[0], heights[0], "o", markersize=14, label="best")
    ring.set(markerfacecolor="none", markeredgecolor=drawing.MIXTURE_COLOR)
    figure.legend(handles=[ring, *handles], loc="outside lower right", ncols=3, fontsize=9, frameon=False)

    axes.set_xlim(numbers.min() - 0.5, numbers.max() + 0.5)
    if far.any():
        axes.set_ylim(low, high)
        leaving = [name for name in styles if (beyond & (names == name)).any()]
        for line, name in enumerate(leaving):
            above = numbers[beyond & (names == name)]
            # Not on one another where several structures leave at the same number of components, unless all are grey.
            places = np.full(len(above), 0.96 - 0.06 * (line if len(drawn) <= FEW else name != names[0]))
            (arrows,) = axes.plot(above, places, color=styles[name]["color"], transform=axes.get_xaxis_transform())
            arrows.set(marker=BEYOND, markersize=9, linestyle="none")
    _label_ends(axes, ends, styles)
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


def _far(heights: NDArray[Any], most: float) -> NDArray[np.bool_]:
    """Whether each candidate is so much worse than the others that these would lie flat beside it."""
    distances = heights - np.nanmin(heights)
    near = float(np.nanquantile(distances, NEAR))
    return np.asarray(distances > most * near if near > 0.0 else np.zeros(len(heights), dtype=bool))


def _limits(near: NDArray[Any]) -> tuple[float, float]:
    """Return the ends of an axis for these heights, with room for arrows above."""
    low, high = float(near.min()), float(near.max())
    height = max(high - low, 1e-6 * abs(high))
    return low - 0.08 * height, high + 0.25 * height


def _label_ends(axes: Axes, ends: dict[str, tuple[float, float]], styles: dict[str, dict[str, Any]]) -> None:
    """Name each curve to the right of its last point; names of curves that end close together are moved apart."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    ends = {name: (number, min(height, high)) for name, (number, height) in ends.items()}
    in_order = sorted(ends, key=lambda name: ends[name][1])
    places = np.array([(ends[name][1] - low) / (high - low) for name in in_order])
    # Pushed up from the lowest, or down from the highest, they are apart; and so is the average of both.
    gaps = LABEL_GAP * np.arange(len(places))
    upwards = np.maximum.accumulate(places - gaps) + gaps
    downwards = np.minimum.accumulate((places - gaps)[::-1])[::-1] + gaps
    places = np.maximum(np.minimum((upwards + downwards) / 2, 1.0 - gaps[::-1]), gaps)
    for name, place in zip(in_order, places, strict=True):
        axes.annotate(
            name,
            xy=ends[name],
            xytext=(1.05, place),
            textcoords="axes fraction",
            color=styles[name]["color"],
            verticalalignment="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "linestyle": ":",
                "color": styles[name]["color"],
                "shrinkB": 5,
                "relpos": (0.0, 0.5),  # from the middle of a name a line would run through the names below
            },
        )


def _style(position: int, rank: int, n_drawn: int) -> dict[str, Any]:
    """Colour, marker and dashes of a structure: each leaves gaps and margins for those below, which may be equal."""
    color, marker = drawing.cluster_style(position)
    dash = DASH * (n_drawn - rank) / n_drawn
    return {
        "color": color,
        "marker": marker,
        "markersize": 4 + 1.5 * (n_drawn - 1 - rank),
        "linestyle": (0, (dash, DASH - dash)) if rank else "-",
    }


def _quiet(best: bool) -> dict[str, Any]:
    """Style of one of many structures: names beside the curves tell them apart."""
    if best:
        return {"color": drawing.COLORS[0], "linewidth": 2.2, "marker": "o", "markersize": 5, "zorder": 3}
    return {"color": drawing.COLORS[7], "linewidth": 0.9, "marker": "o", "markersize": 2.5, "zorder": 2}
