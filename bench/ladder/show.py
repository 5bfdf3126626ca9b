"""From the JSON of a climb to tables in Markdown, a sentence for each rung, and a picture."""

import statistics
from pathlib import Path

from bench import markdown
from bench.markdown import number, with_spread

COLUMNS = (
    "rung",
    "the idea",
    "ns per row and component",
    "times the rung before (least–most)",
    "times the blog loop",
)
DETAILS = ("error", "share of the limit", "packed / scalar instructions", "rows")


def nanoseconds(problem: dict, rung: dict) -> float:
    """Time per row and component."""
    return 1e9 * statistics.median(rung["seconds_per_row"]) / problem["n_components"]


def size(problem: dict) -> str:
    """Name a problem by its size."""
    return f"{number(problem['n_samples'])} rows × {problem['n_features']}, K = {problem['n_components']}"


def table(problem: dict) -> str:
    """All there is to know about the rungs at one problem."""
    lines = []
    for rung in problem["rungs"]:
        code = rung["instructions"]
        cells = [
            *(f"`{rung['name']}`", rung["idea"], number(nanoseconds(problem, rung))),
            *(with_spread(rung["times_before"]), number(rung["times_first"][1])),
            *(f"{rung['error']:.0e}", f"{rung['share_of_limit'][1]:.2g}"),
            *(f"{code['packed']} / {code['scalar']}" if code else "", f"{rung['rows']}"),
        ]
        lines.append(cells)
    return markdown.table(COLUMNS + DETAILS, lines, n_left=2)


def sentence(results: dict, name: str) -> str:
    """Say what a rung gained at each problem."""
    parts = []
    for problem in results["problems"]:
        rung = next(rung for rung in problem["rungs"] if rung["name"] == name)
        part = f"{number(nanoseconds(problem, rung))} ns per row and component at {size(problem)}"
        if rung["times_before"]:
            part += f", within a turn {number(rung['times_before'][1])} times as fast as the rung before"
        parts.append(part)
    return f"*Measured: {'; '.join(parts)}.*"


def plot(results: dict, path: Path) -> None:
    """Draw the time of each rung, one panel a problem, on a log axis; each bar says how much it won."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    problems = results["problems"]
    figure = Figure(figsize=(2.0 + 4.2 * len(problems), 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(problems), sharey=True, squeeze=False)[0]
    for axes, problem in zip(panels, problems, strict=True):
        rungs = problem["rungs"]
        times = [nanoseconds(problem, rung) for rung in rungs]
        bars = axes.barh([rung["name"][4:].replace("_", " ") for rung in rungs], times, color="#2a78d6", height=0.7)
        bars[-1].set_color("#eb6834")
        for bar, rung in zip(bars, rungs, strict=True):
            before = rung["times_before"]
            text = f" {number(bar.get_width())} ns" + (f"  ×{number(before[1])}" if before else "")
            axes.annotate(text, (bar.get_width(), bar.get_y() + bar.get_height() / 2), va="center", fontsize=8)
        best = times[-1] * rungs[-1]["share_of_limit"][1]
        axes.axvline(best, color="#555555", linestyle="--", linewidth=1.0)
        axes.annotate("limit", (best, -0.75), fontsize=8, ha="center", color="#555555", annotation_clip=False)
        axes.set_xscale("log")
        axes.set_xlim(min(best, min(times)) / 3.0, max(times) * 30.0)
        axes.set_title(size(problem), fontsize=10)
        axes.set_xlabel("nanoseconds per row and component")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    figure.savefig(path, dpi=130)
