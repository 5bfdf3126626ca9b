"""`accumulate` and `maximize`: statistics that may be added, and what is no statistics."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from conftest import assert_same_bits, assert_same_parameters, make_problem

import fastgmm
from fastgmm import FitFailure, Mixture

STRUCTURES = ("full", "tied", "diag", "spherical")
X, START = make_problem(120, 3, 2)
OTHER = {
    "weights": Mixture(START.weights[::-1], START.means, START.covariances),
    "covariances": Mixture(START.weights, START.means, 1.5 * START.covariances),
}


def start_of(covariance_type):
    covariances = {
        "full": START.covariances,
        "tied": START.covariances[0],
        "diag": np.diagonal(START.covariances, axis1=1, axis2=2),
        "spherical": START.covariances[:, 0, 0],
    }[covariance_type]
    return Mixture(START.weights, START.means, covariances, covariance_type)


def test_sum_of_chunks_is_the_whole():
    whole = fastgmm.accumulate(X, START)
    parts = sum([fastgmm.accumulate(chunk, START) for chunk in np.split(X, [7, 50])])
    assert (parts.n_samples, parts.total_weight) == (120, 120.0)
    np.testing.assert_allclose(parts.second_moments, whole.second_moments, rtol=1e-12, atol=1e-12)
    assert parts.fingerprint == whole.fingerprint
    assert_same_parameters(fastgmm.maximize(parts), fastgmm.maximize(whole))
    for wrong in (1, 0.0, "0"):
        with pytest.raises(TypeError):
            wrong + whole


def test_total_weight_is_the_sum_of_weights():
    weights = np.linspace(0.0, 2.0, len(X))
    weighted = fastgmm.accumulate(X, START, sample_weight=weights)
    assert weighted.total_weight == pytest.approx(weights.sum())
    assert (weighted + fastgmm.accumulate(X, START)).total_weight == pytest.approx(weights.sum() + len(X))


@pytest.mark.parametrize("n_components", [2, 3])
def test_a_row_without_density_has_no_responsibilities(n_components):
    means = np.arange(float(n_components))[:, np.newaxis]
    start = Mixture(np.full(n_components, 1.0 / n_components), means, np.ones((n_components, 1, 1)))
    rows = np.array([[0.0], [1.0], [1e200]])
    statistics, without = fastgmm.accumulate(rows, start), fastgmm.accumulate(rows[:2], start)
    assert statistics.log_likelihood == -np.inf
    np.testing.assert_array_equal(statistics.responsibility_sums, without.responsibility_sums)
    np.testing.assert_array_equal(statistics.second_moments, without.second_moments)


@pytest.mark.parametrize("differs", OTHER)
def test_statistics_under_other_parameters_do_not_add_up(differs):
    with pytest.raises(ValueError, match="under different weights, covariances or dtypes do not add up"):
        fastgmm.accumulate(X, START) + fastgmm.accumulate(X, OTHER[differs])


def test_the_fingerprint_is_of_values():
    """Not of memory, signs of zero, precision or names: what gives the same statistics may be added."""
    means = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)
    weights, covariances = np.full(2, 0.5, np.float32), np.array([np.eye(2)] * 2, np.float32)
    rows = np.zeros((3, 2))
    single = fastgmm.accumulate(rows, Mixture(weights, means, covariances))
    double = Mixture(weights.tolist(), [[-0.0, 1.0], [2.0, 3.0]], covariances.tolist(), feature_names=("a", "b"))
    assert (single + pickle.loads(pickle.dumps(fastgmm.accumulate(rows, double)))).n_samples == 6


WRONG = [
    ({"responsibility_sums": np.ones(20)}, ValueError, r"responsibility_sums must be of shape \(2,\) for"),
    ({"responsibility_sums": np.ones((2, 1))}, ValueError, r"responsibility_sums must be of shape \(2,\)"),
    ({"responsibility_sums": np.zeros(2)}, ValueError, "with a positive and finite total"),
    ({"responsibility_sums": np.array([-1.0, 121.0])}, ValueError, "must be non-negative"),
    ({"responsibility_sums": np.array([np.nan, 120.0])}, ValueError, "responsibility_sums must be finite"),
    ({"responsibility_sums": np.array([1.0, 2.0])}, ValueError, "must add up to total_weight, 120, got 3"),
    ({"responsibility_sums": "sums"}, TypeError, "responsibility_sums must be an array of numbers, got str"),
    ({"first_moments": np.zeros((2, 2))}, ValueError, r"first_moments must be of shape \(2, 3\)"),
    ({"first_moments": np.full((2, 3), np.inf)}, ValueError, "first_moments must be finite"),
    ({"second_moments": np.zeros((2, 3))}, ValueError, r"second_moments must be of shape \(2, 3, 3\)"),
    ({"second_moments": np.arange(18.0).reshape(2, 3, 3)}, ValueError, "second_moments must be symmetric"),
    ({"centers": np.zeros((2, 4))}, ValueError, r"first_moments must be of shape \(2, 4\)"),
    ({"centers": np.zeros(3)}, ValueError, "centers must be of shape"),
    ({"centers": None}, ValueError, "centers must be finite"),
    ({"covariance_type": "diag"}, ValueError, r"second_moments must be of shape \(2, 3\)"),
    ({"covariance_type": "round"}, ValueError, "covariance_type must be one of"),
    ({"covariance_type": []}, ValueError, "covariance_type must be one of"),
    ({"n_samples": 1.5}, TypeError, "n_samples must be an integer"),
    ({"total_weight": "all"}, TypeError, "total_weight must be an array of numbers"),
    ({"second_moments": np.array([-np.eye(3)] * 2)}, ValueError, "must not be negative"),
]


@pytest.mark.parametrize(("changes", "error", "message"), WRONG)
def test_what_no_pass_can_have_left(changes, error, message):
    """Compiled code indexes by the shape of the centres: sums of another one corrupted the heap."""
    with pytest.raises(error, match=message):
        fastgmm.maximize(replace(fastgmm.accumulate(X, START), **changes))


def test_negative_sums_of_squares_are_refused():
    statistics = fastgmm.accumulate(X, start_of("diag"))
    with pytest.raises(ValueError, match="second_moments of variances must not be negative"):
        fastgmm.maximize(replace(statistics, second_moments=-statistics.second_moments))


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_arrays_of_any_layout_and_dtype(covariance_type):
    statistics = fastgmm.accumulate(X, start_of(covariance_type))
    fields = ("responsibility_sums", "first_moments", "second_moments", "centers")
    changed = {name: np.asfortranarray(getattr(statistics, name)) for name in fields}
    changed["responsibility_sums"] = statistics.responsibility_sums.tolist()
    frozen = changed["centers"].copy()
    frozen.flags.writeable = False
    expected = fastgmm.maximize(statistics)
    assert_same_bits(fastgmm.maximize(replace(statistics, **changed | {"centers": frozen})), expected)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("exponent", [-900, -30, 30, 900])
def test_a_power_of_two_in_the_weights_changes_no_bit(covariance_type, exponent):
    start = start_of(covariance_type)
    expected = fastgmm.maximize(fastgmm.accumulate(X, start))
    scaled = fastgmm.accumulate(X, start, sample_weight=np.full(len(X), 2.0**exponent))
    assert_same_bits(fastgmm.maximize(scaled), expected)


def test_weights_below_the_normal_numbers():
    tiny = fastgmm.maximize(fastgmm.accumulate(X, START, sample_weight=np.full(len(X), 1e-320)))
    expected = fastgmm.maximize(fastgmm.accumulate(X, START))
    np.testing.assert_allclose(tiny.weights, expected.weights, rtol=1e-3)
    np.testing.assert_allclose(tiny.means, expected.means, rtol=1e-2, atol=1e-2)


def test_sums_that_overflow_are_refused():
    with pytest.raises(ValueError, match="must be finite"):
        fastgmm.maximize(fastgmm.accumulate(X, START, sample_weight=np.full(len(X), 1e307)))


@pytest.mark.parametrize("start", [START, Mixture(START.weights, 1e160 * START.means, START.covariances)])
def test_far_rows_leave_weights_or_one_sentence(start):
    """Once the weights were (0, 0)."""
    statistics = fastgmm.accumulate(1e160 * X, start)
    if statistics.responsibility_sums.sum() == pytest.approx(len(X)):
        assert fastgmm.maximize(statistics).weights.sum() == pytest.approx(1.0)
    else:
        with pytest.raises(ValueError, match="responsibility_sums must"):
            fastgmm.maximize(statistics)


def test_a_collapse_is_a_failure():
    rows = np.zeros((5, 2))
    start = Mixture([1.0], [[0.0, 0.0]], [np.eye(2)])
    with pytest.raises(FitFailure, match=r"statistics with reg_covar=0\.0: the covariance of"):
        fastgmm.maximize(fastgmm.accumulate(rows, start), reg_covar=0.0)
    assert fastgmm.maximize(fastgmm.accumulate(rows, start), reg_covar=1e-6).covariances[0, 0, 0] == 1e-6
