"""Passes that slow fits take, without and with quasi-Newton steps between them: ``python -m bench.rounds``.

Every problem is fitted from the default start until nothing moves. Passes are counted until the mean log-likelihood
is within `NEAR` of the limit that EM reaches. Table and picture go into ``docs/speed.md``, and what they are made of
into ``bench/rounds.json``.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastgmm
from bench import markdown, report
from bench.environment import machine
from fastgmm.data import load_example

Array = NDArray[np.float64]

N = 100_000
# Nats a row.
NEAR = 1e-8
LIMIT = {"tol": 1e-13, "max_iter": 1_000_000}
STEPS = {"acceleration": "quasi-newton"}
# What a user might ask for instead of the default tolerance.
CLOSE = {"tol": 1e-6, "max_iter": 10_000}
# Points of a curve in the picture.
MOST_POINTS = 200
OUT = Path(__file__).with_suffix(".json")
SPEED = Path(__file__).parent.parent / "docs" / "speed.md"
PICTURE = "rounds.png"


class Problem(NamedTuple):
    """Rows, and what is fitted to them."""

    rows: Callable[[], NDArray[Any]]
    n_components: int
    covariance_type: str = "full"


def iris() -> Array:
    from sklearn.datasets import load_iris

    return np.asarray(load_iris().data)


def geyser() -> Array:
    return load_example("geyser")[0]


def stored(name: str) -> Callable[[], Array]:
    path = Path(__file__).parent / "data" / f"{name}.csv"
    return lambda: np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)


def overlapping(seed: int, n_features: int, n_components: int) -> Problem:
    """As many clusters of nearly one shape as are fitted, their means about a standard deviation apart."""

    def rows() -> Array:
        generator = np.random.default_rng(seed)
        means = generator.normal(size=(n_components, n_features))
        roots = np.eye(n_features) + 0.1 * generator.normal(size=(n_components, n_features, n_features))
        labels = generator.integers(n_components, size=N)
        noise = generator.normal(size=(N, n_features))
        return means[labels] + np.einsum("nij,nj->ni", roots[labels], noise)

    return Problem(rows, n_components)


PROBLEMS = {
    "iris, K = 3": Problem(iris, 3),
    "iris, K = 3, tied": Problem(iris, 3, "tied"),
    "Old Faithful, K = 3": Problem(geyser, 3),
    "galaxies, K = 4": Problem(stored("galaxies"), 4),
    "diabetes, K = 3": Problem(stored("diabetes"), 3),
    "overlapping, D = 2, K = 3": overlapping(0, 2, 3),
    "overlapping, D = 3, K = 3": overlapping(2, 3, 3),
    "overlapping, D = 3, K = 4": overlapping(3, 3, 4),
    "overlapping, D = 3, K = 5": overlapping(6, 3, 5),
    "overlapping, D = 4, K = 4": overlapping(5, 4, 4),
}


def measure(problem: Problem) -> dict[str, Any]:
    """Return passes, seconds and distances of the fits of a problem, and the courses of the two long ones."""
    X = problem.rows()
    # One thread, because whatever else runs on the machine would make the launches of two wait for each other.
    known = {"n_components": problem.n_components, "covariance_type": problem.covariance_type, "n_threads": 1}
    fastgmm.fit(X, **known, max_iter=2)  # compiles
    plain, near, default, close = (
        fastgmm.fit(X, **known, **options) for options in (LIMIT, {**LIMIT, **STEPS}, {}, {**CLOSE, **STEPS})
    )
    limit = plain.log_likelihood / len(X)
    course, course_near = (np.append(fit.trace, fit.log_likelihood / len(X)) for fit in (plain, near))
    passes, passes_near = passes_until(course, limit - NEAR), passes_until(course_near, limit - NEAR)
    return {
        "passes": passes,
        "passes_near": passes_near,
        "taken_back": int((np.diff(course_near[:passes_near]) == 0.0).sum()),
        "seconds": seconds_of(X, known, passes, {}),
        "seconds_near": seconds_of(X, known, passes_near, STEPS),
        "higher": float(course_near[-1] - limit),
        "default": [default.n_iter, default.seconds, limit - default.log_likelihood / len(X)],
        "close": [close.n_iter, close.seconds, limit - close.log_likelihood / len(X)],
        "curve": thinned(limit - course[:passes]),
        "curve_near": thinned(limit - course_near[:passes_near]),
    }


def passes_until(course: Array, height: float) -> int:
    """Return the pass, from 1 on, that saw a mean log-likelihood of that height, or the number of all + 1."""
    reached = course >= height
    return int(np.argmax(reached)) + 1 if reached.any() else len(course) + 1


def seconds_of(X: NDArray[Any], known: dict[str, Any], passes: int, options: dict[str, str]) -> float:
    """Return the seconds of a whole fit of so many passes."""
    began = time.perf_counter()
    fastgmm.fit(X, **known, tol=0.0, max_iter=passes, **options)
    return time.perf_counter() - began


def thinned(gaps: Array) -> list[list[float]]:
    """Return passes and what they lack, of long courses at equal ratios of passes."""
    at = np.unique(np.geomspace(1, len(gaps), MOST_POINTS).astype(int))
    return [at.tolist(), [float(f"{gap:.3g}") for gap in gaps[at - 1]]]


def table(problems: dict[str, dict[str, Any]]) -> str:
    """Return a line for each problem, and the median."""
    header = ("data", "passes of EM", "quasi-Newton", "taken back", "ratio", "seconds of EM", "quasi-Newton")
    header += ("default fit: passes", "short of the limit", "quasi-Newton, tol 1e-6: passes", "short of the limit")
    rows, ratios = [], []
    for name, each in problems.items():
        ratios.append(each["passes_near"] / each["passes"])
        cells = [name, str(each["passes"]), str(each["passes_near"]), str(each["taken_back"]), f"{ratios[-1]:.3f}"]
        cells += [f"{each['seconds']:.3g}", f"{each['seconds_near']:.3g}"]
        for fit in ("default", "close"):
            n_iter, _, short = each[fit]
            cells += [str(n_iter), f"{short:.0e}"]
        rows.append(cells)
    rows.append(["**median**", "", "", "", f"**{statistics.median(ratios):.3f}**", *[""] * 6])
    return markdown.table(header, rows)


def draw(problems: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw for each problem what is missing to the limit against passes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, (name, each) in zip(figure.subplots(2, 5, sharey=True).flat, problems.items(), strict=True):
        for curve, style, label in (
            ("curve", {"color": "#eb6834", "linestyle": "--"}, "EM"),
            ("curve_near", {"color": "#2a78d6"}, "with quasi-Newton steps"),
        ):
            panel.loglog(*each[curve], **style, label=label)
        panel.set_title(name, fontsize="small")
        panel.grid(True, color="#dddddd", linewidth=0.6)
    figure.supxlabel("passes over the rows", fontsize="medium")
    figure.supylabel("short of the limit, nats a row", fontsize="medium")
    figure.legend(*panel.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    figure.savefig(path, dpi=130)


def text_of(results: dict[str, Any]) -> str:
    """Return what stands between the markers."""
    where = results["machine"]
    picture = f"![How far fits are from their limit, against passes, ten problems]({PICTURE})"
    made = f"{where['processor']}, one thread, {where['date']}; `{where['command']}`."
    return f"{table(results['problems'])}\n\n{picture}\n\n{made}"


def main() -> int:
    """Measure all problems, and write table and picture."""
    problems = {}
    for name, problem in PROBLEMS.items():
        print(name, file=sys.stderr)
        problems[name] = measure(problem)
    results = {"machine": {**machine(), "command": "python -m bench.rounds"}, "problems": problems}
    OUT.write_text(json.dumps(results) + "\n")
    draw(problems, SPEED.parent / PICTURE)
    SPEED.write_text(report.between(SPEED.read_text(), "rounds", text_of(results), SPEED))
    print(table(problems))
    return 0


if __name__ == "__main__":
    sys.exit(main())
