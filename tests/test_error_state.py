"""What `np.seterr` says outside stays outside, and no warning of NumPy's gets out."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from conftest import make_problem

import fastgmm
from fastgmm import GaussianMixture, Mixture

ROWS, START = make_problem(80, 2, 2)
WEIGHTS = np.where(np.arange(80) % 2, 1e-200, 1e200)
TINY = np.where(np.arange(80) % 2, 1e-310, 1.0)
SMALL = (1e-19 * ROWS).astype(np.float32)  # variances below float32's normal numbers
SPAN = np.linspace(-3e38, 3e38, 40, dtype=np.float32)[:, np.newaxis]
SPREAD = Mixture([0.5, 0.5], [[-1e308], [1e308]], [1e-300, 1e300], "spherical")
HUGE = np.array([[0.0, 0.0], [np.longdouble("1e400"), 0.0]])  # overflows where it becomes float64


def estimator(X, **options):
    return GaussianMixture(2, random_state=0, tol=0.1, reg_covar=0.0, **options).fit(X)


CALLS = {
    "fit with weights": lambda: fastgmm.fit(ROWS, 2, random_state=0, sample_weight=WEIGHTS).mixture.means,
    "fit of small rows": lambda: fastgmm.fit(SMALL, 2, random_state=0).mixture.means,
    "fit of rows as far apart as float32 goes": lambda: (
        fastgmm.fit(SPAN, 3, sample_weight=np.ones(40), random_state=2).mixture.means
    ),
    "fit of rows too large": lambda: fastgmm.fit(HUGE, 1),
    "fit_many of rows whose sum overflows": lambda: fastgmm.fit_many(np.abs(SPAN)[np.newaxis], 1).means,
    "select": lambda: fastgmm.select(SMALL, [1, 2], random_state=0).best.mixture.means,
    "accumulate": lambda: fastgmm.accumulate(HUGE, START),
    "maximize": lambda: fastgmm.maximize(
        replace(fastgmm.accumulate(ROWS, START), first_moments=HUGE, second_moments=np.ones((2, 2, 2)))
    ),
    "Mixture": lambda: Mixture([0.5, 0.5], HUGE, START.covariances),
    "score": lambda: START.score(ROWS, sample_weight=TINY),
    "predict": lambda: START.predict(HUGE),
    "conditional": lambda: START.conditional({0: 1e200}).weights,
    "conditional too far": lambda: START.conditional({0: -1.7e308}).means,
    "icl": lambda: START.icl(ROWS, sample_weight=TINY),
    "cdf": lambda: SPREAD.cdf([-1.7e308, 0.0, np.inf]),
    "quantile": lambda: SPREAD.quantile([5e-324, 0.5, 1.0 - 2.0**-53]),
    "crossings": lambda: SPREAD.crossings(),
    "estimator": lambda: estimator(SMALL).means_,
    "estimator's score": lambda: estimator(ROWS).score(ROWS, sample_weight=TINY),
    "estimator's predict": lambda: estimator(ROWS).predict_proba(HUGE),
    "estimator with precisions": lambda: estimator(ROWS, precisions_init=np.array([1e-320 * np.eye(2)] * 2)).means_,
}


def outcome(call):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return np.asarray(call())
        except ValueError as error:
            return str(error)


@pytest.mark.filterwarnings("ignore:Best performing initialization did not converge")
@pytest.mark.parametrize("name", CALLS)
def test_every_door_behaves_as_without(name):
    with np.errstate(all="ignore"):
        expected = outcome(CALLS[name])
    for state in ("raise", "warn"):
        with np.errstate(all=state):
            np.testing.assert_array_equal(outcome(CALLS[name]), expected)
            assert set(np.geterr().values()) == {state}


def test_a_callback_runs_in_the_callers_state():
    seen = []

    def callback(state):
        seen.append(np.geterr()["over"])
        return np.float64(1e308) * 10.0 > 0.0

    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        fastgmm.fit(ROWS, 2, random_state=0, callback=callback)
    with np.errstate(over="ignore"):
        assert fastgmm.select(ROWS, [2], random_state=0, callback=callback).best.n_iter == 1
    assert seen == ["raise", "ignore"]


def test_a_callback_is_a_function():
    with pytest.raises(TypeError, match="callback must be a function or None, got 3"):
        fastgmm.fit(ROWS, 2, callback=3)
    with pytest.raises(TypeError, match="callback must be a function or None, got 3"):
        fastgmm.select(ROWS, [2], callback=3)
