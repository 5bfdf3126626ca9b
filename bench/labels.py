"""Labels of rows by near components alone, beside those by all components: ``python -m bench.labels``.

Mixtures are those of ``bench/pruning.py``, with the parameters that rows are drawn from, and with covariances of
condition numbers around 20 besides. Labels must be the same before anything is said of their time. The table goes
into ``docs/speed.md``, what was measured into ``bench/labels.json``; names of cases measure these anew.
"""

import sys
import time
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from bench import markdown, report
from fastgmm import Mixture
from fastgmm.rows.pruning import guess

OUT = Path(__file__).with_suffix(".json")
SPEED = Path(__file__).parent.parent / "docs" / "speed.md"
TURNS = 3


class Case(NamedTuple):
    """Clusters around means of N(0, apart^2 I), of unit scale on average, round or not."""

    n_samples: int
    n_features: int
    n_components: int
    apart: float
    is_round: bool = True
    dtype: Any = np.float64


CASES = {
    "round, 4": Case(10**6, 16, 1024, 4.0),
    "round, 3": Case(10**6, 16, 1024, 3.0),
    "round, 2": Case(10**6, 16, 1024, 2.0),
    "round, 1": Case(10**6, 16, 1024, 1.0),
    "long, 4": Case(10**6, 16, 1024, 4.0, False),
    "long, 3": Case(10**6, 16, 1024, 3.0, False),
    "long, 2": Case(10**6, 16, 1024, 2.0, False),
    "single": Case(10**6, 16, 1024, 4.0, True, np.float32),
    "K = 256": Case(10**6, 16, 256, 4.0, False),
    "D = 8": Case(10**6, 8, 256, 6.0, False),
    "D = 64": Case(10**5, 64, 256, 1.5, False),
}


def problem(case: Case) -> tuple[NDArray[Any], Mixture]:
    """Return rows, and the mixture that they are of."""
    generator = np.random.default_rng(0)
    k, d = case.n_components, case.n_features
    means = case.apart * generator.normal(size=(k, d))
    covariances = np.tile(np.eye(d), (k, 1, 1))
    if not case.is_round:
        halves = generator.normal(size=(k, d, d)) / np.sqrt(d)
        covariances = (halves @ halves.transpose(0, 2, 1) + 0.2 * covariances) / 1.2
    X = generator.standard_normal((case.n_samples, d))
    own = generator.integers(k, size=case.n_samples)
    for each, factor in enumerate(np.linalg.cholesky(covariances)):
        rows = own == each
        X[rows] = means[each] + X[rows] @ factor.T
    return X.astype(case.dtype), Mixture(np.full(k, 1.0 / k), means, covariances)


def measure(name: str) -> dict[str, Any]:
    """Verify a case and time it, both ways in turns."""
    X, mixture = problem(CASES[name])
    found, seconds = {}, {True: np.empty(TURNS + 1), False: np.empty(TURNS + 1)}
    for turn in range(TURNS + 1):  # the first compiles
        for is_pruned in (True, False):
            with mock.patch.object(guess, "ROUNDS", 1 if is_pruned else np.inf):
                begin = time.perf_counter()
                found[is_pruned] = mixture.predict(X)
                seconds[is_pruned][turn] = time.perf_counter() - begin
    if not np.array_equal(found[True], found[False]):
        raise SystemExit(f"{name}: labels differ in {np.count_nonzero(found[True] != found[False])} rows")
    return {
        "dense": 1e3 * float(np.median(seconds[False][1:])),
        "pruned": 1e3 * float(np.median(seconds[True][1:])),
    }


def table(measured: dict[str, dict[str, Any]]) -> str:
    """Return a line for each case."""
    rows = []
    for name, found in measured.items():
        case = CASES[name]
        single = ", float32" if case.dtype is np.float32 else ""
        size = f"{case.n_samples:.0e} x {case.n_features}, K = {case.n_components}{single}"
        ratio = f"{found['dense'] / found['pruned']:.1f}"
        shape = "round" if case.is_round else "not round"
        rows.append([size, shape, f"{case.apart:g}", *map(markdown.number, (found["dense"], found["pruned"])), ratio])
    return markdown.table(("rows x features, components", "clusters", "s", "all", "near", "times"), rows)


def write(measured: dict[str, dict[str, Any]]) -> None:
    """Write the JSON, and the table between its markers."""
    report.keep(OUT, SPEED, "cases", measured, table(measured))


if __name__ == "__main__":
    sys.exit(report.measure_named(sys.argv[1:], CASES, OUT, measure, write))
