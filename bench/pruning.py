"""Rounds that leave out what cannot matter, beside dense ones: ``python -m bench.pruning``.

Of each case the same rounds are done twice from the same parameters, dense and pruned. Log-likelihoods must agree, to
1e-12 in double precision, before anything is said of their time. The table goes into ``docs/speed.md``, what was
measured into ``bench/pruning.json``; names of cases measure these anew and keep the others.
"""

import sys
import time
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from bench import markdown, report
from fastgmm.model.parameters import Parameters
from fastgmm.model.plan import plan_of
from fastgmm.model.regulariser import ridge
from fastgmm.model.rounds.state import set_rule, take_trace
from fastgmm.rows.array import ArraySource
from fastgmm.rows.pruning import guess
from fastgmm.rows.pruning.policy import FIRST

OUT = Path(__file__).with_suffix(".json")
SPEED = Path(__file__).parent.parent / "docs" / "speed.md"
# Dense rounds, and pruned ones after these and the two that find labels and bounds.
N_DENSE, N_PRUNED = FIRST + 2, 4


class Case(NamedTuple):
    """Clusters of unit scale around means of N(0, apart^2 I), and a start near these."""

    n_samples: int
    n_features: int
    n_components: int
    covariance_type: str
    apart: float
    dtype: Any = np.float64


CASES = {
    "full, apart": Case(10**6, 16, 1024, "full", 4.0),
    "full, near": Case(10**6, 16, 1024, "full", 3.0),
    "full, K = 256": Case(10**6, 16, 256, "full", 4.0),
    "full, D = 64": Case(10**5, 64, 128, "full", 1.5),
    "diag": Case(10**6, 16, 1024, "diag", 4.0),
    "tied": Case(10**6, 16, 1024, "tied", 4.0),
    "spherical, single": Case(10**6, 128, 1024, "spherical", 4.0, np.float32),
    "overlapping": Case(10**5, 16, 256, "full", 1.0),
}


def problem(case: Case) -> tuple[NDArray[Any], Parameters]:
    """Return rows, and parameters to begin with."""
    generator = np.random.default_rng(0)
    k, d = case.n_components, case.n_features
    means = case.apart * generator.normal(size=(k, d))
    X = generator.standard_normal((case.n_samples, d), case.dtype)
    X += means.astype(case.dtype)[generator.integers(k, size=case.n_samples)]
    covariances = {
        "full": np.tile(2.0 * np.eye(d), (k, 1, 1)),
        "tied": 2.0 * np.eye(d),
        "diag": np.full((k, d), 2.0),
        "spherical": np.full(k, 2.0),
    }[case.covariance_type]
    weights = np.full(k, 1.0 / k)
    return X, Parameters(weights, means + 0.3 * generator.normal(size=means.shape), covariances, case.covariance_type)


def rounds(
    case: Case, X: NDArray[Any], start: Parameters, n_rounds: int, prune: bool
) -> tuple[Any, list[Any], list[float]]:
    """Return the mean log-likelihoods of rounds, what the last pass until each left out, and milliseconds."""
    plan = plan_of(case.covariance_type, case.n_components, case.n_features, X.dtype)
    source = ArraySource(X)
    least = 0 if prune else np.inf
    with (
        mock.patch.multiple("fastgmm.model.plan", LONG_ROUND_WORK=least, LONG_ROW_WORK=least),
        mock.patch.object(guess, "LONG_ROUND_WORK", least),
    ):
        going = source.begin(plan, start, ridge(1e-6, case.n_features))
        rule = {"tol": 0.0, "aitken": False, "max_iter": n_rounds + 1, "previous": -np.inf}
        set_rule(going.state, **rule, total_weight=source.total_weight)
        milliseconds: list[float] = []
        shares = []
        for n_iter in range(n_rounds):
            begin = time.perf_counter()
            going.advance(n_iter + 1)
            milliseconds.append(1e3 * (time.perf_counter() - begin))
            shares.append(going.pruning.shares if prune else None)
        return take_trace(going.state), shares, milliseconds


def measure(name: str) -> dict[str, Any]:
    """Verify a case and time it."""
    case = CASES[name]
    X, start = problem(case)
    few = X[: 512 * case.n_components]  # in the order of guesses like all of them
    for prune in (False, True):
        rounds(case, few, start, FIRST + 1, prune)  # which compiles
    dense, _, dense_times = rounds(case, X, start, N_DENSE, prune=False)
    pruned, shares, pruned_times = rounds(case, X, start, N_DENSE + N_PRUNED, prune=True)
    difference = float(np.abs(pruned[:N_DENSE] / dense - 1.0).max())
    # Nothing where a look at some rows was enough to leave all rounds dense.
    last = shares[-1]
    first = next((n_iter for n_iter, each in enumerate(shares) if each is not None), 0)
    allowed = 1e-12 if case.dtype is np.float64 else 1e-6
    if not difference <= allowed:
        raise SystemExit(f"{name}: log-likelihoods differ by {difference:.1e}")
    return {
        "dense": float(np.median(dense_times)),
        "round": first + 1,
        "first": pruned_times[first],
        "second": pruned_times[first + 1],
        "pruned": float(np.median(pruned_times[N_DENSE:])),
        "evaluated": last.evaluated if last else None,
        "counted": last.counted if last else None,
        "difference": difference,
    }


def table(measured: dict[str, dict[str, Any]]) -> str:
    """Return a line for each case."""
    rows = []
    for name, found in measured.items():
        case = CASES[name]
        single = ", float32" if case.dtype is np.float32 else ""
        size = f"{case.n_samples:.0e} x {case.n_features}, K = {case.n_components}, {case.covariance_type}{single}"
        times = [markdown.number(found[key]) for key in ("dense", "first", "second", "pruned")]
        times.insert(1, str(found["round"]) if found["evaluated"] is not None else "")
        shares = ("" if found[key] is None else f"{100.0 * found[key]:.1f} %" for key in ("evaluated", "counted"))
        ratio = f"{found['dense'] / found['pruned']:.1f}"
        rows.append([size, f"{case.apart:g}", *times, ratio, *shares, f"{found['difference']:.0e}"])
    header = ("rows x features, components", "s", "dense", "from round", "first", "second", "pruned", "times")
    return markdown.table((*header, "evaluated", "count", "difference"), rows)


def write(measured: dict[str, dict[str, Any]]) -> None:
    """Write the JSON, and the table between its markers."""
    report.keep(OUT, SPEED, "cases", measured, table(measured))


if __name__ == "__main__":
    sys.exit(report.measure_named(sys.argv[1:], CASES, OUT, measure, write))
