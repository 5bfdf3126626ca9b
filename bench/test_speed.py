"""The speed table and more for pytest-benchmark: ``python -m pytest bench``. No assertion on time.

A table of its output holds what does the same work. ``python -m bench run`` is the one to quote: it verifies, takes
turns and leaves out set-up. This one is for two states of the code, side by side:

    python -m pytest bench --benchmark-save=before
    python -m pytest bench --benchmark-compare
"""

import functools
import json
import statistics
from pathlib import Path

import numpy as np
import pytest

import fastgmm
from bench.cases import CASES, IMPLEMENTATIONS, Case
from fastgmm import naive

FASTGMM, SCIKIT_LEARN = IMPLEMENTATIONS[:2]
# Enough that checks and the last E step, which belong to a fit of so many rounds, are a small part.
ROUNDS = 3
TURNS = 5
STRUCTURES = ("full", "tied", "diag", "spherical")
SMALL = {"300 x 1, K = 2": (300, 1, 2), "200 x 1, K = 2": (200, 1, 2), "300 x 2, K = 3": (300, 2, 3)}
EVALUATIONS = ("log_density", "responsibilities", "predict")
STARTS = ("kmeans", "k-means++", "random", "random_from_data")


@functools.lru_cache(maxsize=1)
def problem(case):
    """Return the rows and the start, kept for the implementations that take turns at a case."""
    return case.problem()


def quick_for_scikit_learn():
    """Names of the cases in which the committed run has scikit-learn below a second a round."""
    committed = json.loads((Path(__file__).parent / "results.json").read_text())["results"]
    seconds = {
        (result["case"]["name"], entry["name"]): statistics.median(entry["seconds_per_round"])
        for result in committed
        for entry in result["implementations"]
    }
    return {name for name in CASES if seconds.get((name, SCIKIT_LEARN.name), 1.0) < 1.0}


def grouped(group, *values, name):
    return pytest.param(*values, marks=pytest.mark.benchmark(group=group), id=name)


def cells():
    """Each cell of the speed table, and who is timed."""
    quick = quick_for_scikit_learn()
    for name, case in CASES.items():
        group = f"{ROUNDS} rounds of EM, {name}"
        yield grouped(group, case, FASTGMM, TURNS, name=f"{name}-fastgmm")
        if name in quick:
            yield grouped(group, case, SCIKIT_LEARN, 1, name=f"{name}-scikit-learn")


@pytest.mark.parametrize(("case", "implementation", "turns"), [*cells()])
def test_rounds(benchmark, case, implementation, turns):
    X, start = problem(case)
    # A turn of scikit-learn takes seconds, beside which its first one costs nothing.
    warm = 1 if turns > 1 else 0
    parameters = benchmark.pedantic(implementation.run, (X, start, ROUNDS), rounds=turns, warmup_rounds=warm)
    assert parameters.weights.sum() == pytest.approx(1.0, rel=1e-5)


def small_fits():
    for size, shape in SMALL.items():
        yield grouped(f"a whole small fit, {size}", shape, functools.partial(fastgmm.fit, random_state=0), name=size)
        estimator = functools.partial(estimated, fastgmm.GaussianMixture)
        yield grouped(f"a whole small fit, {size}", shape, estimator, name=f"{size}-GaussianMixture")
        yield grouped(f"a whole small fit, {size}", shape, scikit_learn, name=f"{size}-scikit-learn")


def estimated(estimator, X, n_components):
    return estimator(n_components, random_state=0).fit(X)


def scikit_learn(X, n_components):
    from sklearn.mixture import GaussianMixture

    return estimated(GaussianMixture, X, n_components)


@pytest.mark.parametrize(("shape", "fit"), [*small_fits()])
def test_small_fits(benchmark, shape, fit):
    n, d, k = shape
    X, _ = Case(n, d, k).problem()
    result = benchmark.pedantic(fit, (X, k), rounds=200 if fit is not scikit_learn else 20, warmup_rounds=3)
    assert result.converged if hasattr(result, "converged") else result.converged_


def naive_rounds(X, start, n_rounds):
    parameters = start.weights, start.means, start.full_covariances()
    for _ in range(n_rounds):
        *parameters, _ = naive.em_round(X, *parameters)
    return parameters


@pytest.mark.benchmark(group=f"{ROUNDS} rounds of EM, 1000 x 2, K = 3: the original and what became of it")
@pytest.mark.parametrize("run", [naive_rounds, FASTGMM.run], ids=["naive", "fastgmm"])
def test_naive(benchmark, run):
    X, start = Case(1000, 2, 3).problem()
    weights, *_ = benchmark.pedantic(run, (X, start, ROUNDS), rounds=TURNS, warmup_rounds=1)
    assert weights.sum() == pytest.approx(1.0)


@pytest.mark.benchmark(group="sufficient statistics of one pass, 200 000 x 8, K = 8")
@pytest.mark.parametrize("structure", STRUCTURES)
def test_pass(benchmark, structure):
    X, start = problem(Case(200_000, 8, 8, structure))
    statistics = benchmark.pedantic(fastgmm.accumulate, (X, start), rounds=2 * TURNS, warmup_rounds=1)
    assert statistics.responsibility_sums.sum() == pytest.approx(len(X))


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("method", [grouped(f"{name}, 200 000 x 8, K = 8", name, name=name) for name in EVALUATIONS])
def test_evaluation(benchmark, structure, method):
    X, start = problem(Case(200_000, 8, 8, structure))
    answer = benchmark.pedantic(getattr(start, method), (X,), rounds=2 * TURNS, warmup_rounds=1)
    assert len(answer) == len(X)


@pytest.mark.benchmark(group="start and first E step, 200 000 x 8, K = 8")
@pytest.mark.parametrize("init", STARTS)
def test_start(benchmark, init):
    X, _ = problem(Case(200_000, 8, 8))
    options = {"init": init, "max_iter": 0, "random_state": 0}
    result = benchmark.pedantic(fastgmm.fit, (X, 8), options, rounds=TURNS, warmup_rounds=1)
    assert np.isfinite(result.log_likelihood)
