"""What the default start takes, in rounds of EM of the same fit: ``python -m bench.beginnings``.

The start is what a fit of one round from nothing takes longer than one from given parameters; a round is what twenty
more take. The table goes into ``docs/speed.md``, what was measured into ``bench/beginnings.json``; names of cases
measure these anew.
"""

import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastgmm
from bench import markdown, report

OUT = Path(__file__).with_suffix(".json")
SPEED = Path(__file__).parent.parent / "docs" / "speed.md"
STRUCTURES = ("full", "diag", "spherical", "tied")
SEEDS = range(5)
TURNS = 7
MORE_ROUNDS = 20
# Short fits are timed several at once, so that a turn takes about this long.
TURN_SECONDS = 0.005


class Case(NamedTuple):
    """Rows of as many clusters as are fitted, of unit variance, their means of N(0, apart^2 I)."""

    n_samples: int
    n_features: int
    n_components: int
    apart: float = 1.0
    dtype: Any = np.float64


CASES = {
    f"{case.n_samples:.0e} x {case.n_features}, K = {case.n_components}": case
    for case in (
        Case(2_000, 16, 8),
        Case(3_000, 1, 2, 1.5),
        Case(3_000, 8, 8),
        Case(10_000, 1, 2, 1.5),
        Case(10_000, 2, 2),
        Case(10_000, 4, 2),
        Case(10_000, 4, 8),
        Case(10_000, 64, 4, 0.3),
        Case(10_000, 128, 8, 0.3),
        Case(30_000, 2, 4, 1.5),
        Case(30_000, 16, 8),
        Case(30_000, 16, 64),
        Case(100_000, 1, 2, 1.5),
        Case(100_000, 2, 2),
        Case(100_000, 4, 8),
        Case(100_000, 16, 8),
        Case(200_000, 1, 2, 1.5),
        Case(200_000, 2, 4),
        Case(1_000_000, 1, 2, 1.5),
        Case(1_000_000, 4, 8),
        Case(10_000_000, 4, 8, 1.0, np.float32),
    )
}


def rows_of(case: Case) -> NDArray[Any]:
    """Return rows of a case."""
    generator = np.random.default_rng(0)
    means = case.apart * generator.normal(size=(case.n_components, case.n_features))
    X = generator.standard_normal((case.n_samples, case.n_features), np.float32).astype(case.dtype)
    X += means[generator.integers(case.n_components, size=case.n_samples)].astype(case.dtype)
    return X


def seconds(function: Callable[[], Any], n_times: int) -> float:
    """Return what a call takes, of so many."""
    begin = time.perf_counter()
    for _ in range(n_times):
        function()
    return (time.perf_counter() - begin) / n_times


def measured(X: NDArray[Any], n_components: int, covariance_type: str) -> dict[str, float]:
    """Return milliseconds of a round, and mean and most of what starts take, in rounds: medians over turns."""
    rule = {"covariance_type": covariance_type, "tol": 0.0}

    def fit(**options: Any) -> Any:
        return fastgmm.fit(X, n_components, **rule, **options)

    given = [fit(max_iter=0, random_state=seed).mixture for seed in SEEDS]
    for seed, start in zip(SEEDS, given, strict=True):  # which compiles besides
        reached, again = fit(max_iter=1, random_state=seed), fit(max_iter=1, init=start)
        if not np.isclose(reached.log_likelihood, again.log_likelihood, rtol=1e-4 if X.dtype == np.float32 else 1e-9):
            found = f"{reached.log_likelihood} and {again.log_likelihood}"
            raise SystemExit(f"{covariance_type}: one round gives {found}")
    short, long = (lambda: fit(max_iter=1, init=given[0])), (lambda: fit(max_iter=1 + MORE_ROUNDS, init=given[0]))
    n_times = max(1, int(TURN_SECONDS / seconds(long, 1)))
    rounds, starts = [], []
    for _ in range(TURNS if len(X) < 5_000_000 else 3):
        first, last = seconds(short, n_times), seconds(long, n_times)
        rounds.append((last - first) / MORE_ROUNDS)
        starts.append([seconds(lambda s=seed: fit(max_iter=1, random_state=s), n_times) - first for seed in SEEDS])
    each = np.median(starts, axis=0) / statistics.median(rounds)
    return {
        "milliseconds": 1e3 * statistics.median(rounds),
        "mean": float(each.mean()),
        "most": float(each.max()),
    }


def measure(name: str) -> dict[str, dict[str, float]]:
    """Measure a case in all structures."""
    case = CASES[name]
    X = rows_of(case)
    return {each: measured(X, case.n_components, each) for each in STRUCTURES}


def cell(found: dict[str, float]) -> str:
    """Return the mean over seeds and the most, and milliseconds of a round."""
    return f"{found['mean']:.1f} ({found['most']:.1f}); {markdown.number(found['milliseconds'])}"


def table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return a line for each case, with a cell for each structure."""
    rows = [[name, *(cell(of[each]) for each in STRUCTURES)] for name, of in found.items()]
    return markdown.table(("rows x features, components", *STRUCTURES), rows)


def write(found: dict[str, dict[str, dict[str, float]]]) -> None:
    """Write the JSON, and the table between its markers."""
    report.keep(OUT, SPEED, "cases", found, table(found))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of fits that have not converged after so few rounds
    sys.exit(report.measure_named(sys.argv[1:], CASES, OUT, measure, write))
