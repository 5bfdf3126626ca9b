"""Rows that come once: stepwise EM by `partial_fit`."""

import pickle

import numpy as np
import pytest
from conftest import make_problem

import fastgmm
from fastgmm.em import stepwise
from fastgmm.model.regulariser import ridge
from fastgmm.model.structures import STRUCTURES
from fastgmm.rows.check import check_sample_weight


@pytest.mark.compiled
def test_a_stream_ends_where_the_batch_fit_of_the_same_start_does():
    X, start = make_problem(1_100_000, 2, 3)
    held_out, X = X[:100_000], X[100_000:]
    given = {
        "weights_init": start.weights,
        "means_init": start.means,
        "precisions_init": np.linalg.inv(start.covariances),
    }
    batch = fastgmm.GaussianMixture(3, **given, tol=1e-6, max_iter=500).fit(X)
    stream = fastgmm.GaussianMixture(3, **given)
    for rows in np.array_split(X, 100):
        assert stream.partial_fit(rows) is stream
    assert stream.score(held_out) == pytest.approx(batch.score(held_out), abs=0.01)
    assert abs(start.log_density(held_out).mean() - batch.score(held_out)) > 0.01  # there was something to learn
    assert stream.n_iter_ == 100 * -(-10_000 // stepwise.STEP_ROWS)


@pytest.mark.compiled  # thousands of rounds
@pytest.mark.parametrize("covariance_type", sorted(STRUCTURES))
def test_a_fixed_point_of_em_is_one_of_its_steps(covariance_type):
    X, _ = make_problem(3000, 2, 3)
    fitted = fastgmm.fit(
        X, 3, covariance_type=covariance_type, tol=1e-14, max_iter=3000, reg_covar=1e-3, n_init=1
    ).mixture.parameters
    moved, bound = stepwise.step(fitted, 0, X, check_sample_weight(None, 3000), ridge(1e-3, 2), None)
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(moved, name), getattr(fitted, name), rtol=1e-4, atol=1e-4)
    assert bound == pytest.approx(fastgmm.Mixture(*fitted).log_density(X).mean())


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "EEI", "VEI"])
def test_a_step_is_the_m_step_of_a_share_of_old_rows_and_one_of_new(covariance_type):
    X, _ = make_problem(2000, 2, 3)
    before = fastgmm.fit(X[:1000], 3, covariance_type=covariance_type, max_iter=3, reg_covar=0.1, random_state=0)
    seen = fastgmm.accumulate(X[1000:], before.mixture)
    plain, none = before.mixture.parameters, check_sample_weight(None, 1000)
    moved, _ = stepwise.step(plain, 0, X[1000:], none, ridge(0.1, 2), None)
    eta = 1000 / stepwise.STEP_ROWS * 2.0**-stepwise.DECAY
    weights = (1 - eta) * plain.weights + eta * seen.responsibility_sums / 1000
    np.testing.assert_allclose(moved.weights, weights)
    first = eta * seen.first_moments / 1000
    np.testing.assert_allclose(moved.means, plain.means + first / weights[:, np.newaxis])
    if covariance_type == "diag":
        second = (1 - eta) * plain.weights[:, np.newaxis] * (
            plain.covariances - 0.1
        ) + eta * seen.second_moments / 1000
        expected = second / weights[:, np.newaxis] - (first / weights[:, np.newaxis]) ** 2 + 0.1
        np.testing.assert_allclose(moved.covariances, expected)


def test_the_first_call_starts_as_fit_does_and_later_ones_go_on():
    X, _ = make_problem(3000, 2, 3)
    model = fastgmm.GaussianMixture(3, random_state=0).partial_fit(X[:1000])
    assert (model.n_iter_, model.converged_, model.n_features_in_) == (1, False, 2)
    assert len(model.lower_bounds_) == 1
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.partial_fit(X[1000:])
    np.testing.assert_array_equal(model.means_, again.means_)
    assert model.n_iter_ == 2
    fitted = fastgmm.GaussianMixture(3, random_state=0).fit(X)
    before = fitted.means_.copy()
    fitted.partial_fit(X[:500])
    assert fitted.n_iter_ == 1
    assert 0.0 < np.abs(fitted.means_ - before).max() < 0.5
    assert fitted.fit(X).n_iter_ != 1
    np.testing.assert_array_equal(fitted.means_, before)


@pytest.mark.parametrize("n_rows", [stepwise.STEP_ROWS + 1, 2 * stepwise.STEP_ROWS + 1])
def test_a_row_more_than_a_step_has_no_step_of_its_own(n_rows):
    X, start = make_problem(n_rows, 2, 3)
    model = fastgmm.GaussianMixture(3, random_state=0).partial_fit(X)
    assert model.n_iter_ == -(-n_rows // stepwise.STEP_ROWS)
    assert model.score(X) > start.log_density(X).mean() - 0.01


def test_a_few_rows_weigh_as_few_however_they_come():
    X, _ = make_problem(6000, 2, 3)
    fitted = fastgmm.GaussianMixture(3, random_state=0).fit(X[:3000])
    stream = fastgmm.GaussianMixture(3, random_state=0).partial_fit(X[:3000])
    for model in (fitted, stream):
        before = model.score(X)
        model.partial_fit(X[:3])
        assert abs(model.score(X) - before) < 0.01
    by_steps = pickle.loads(pickle.dumps(fitted)).partial_fit(X[3000:])
    for rows in np.array_split(X[3000:], 30):
        fitted.partial_fit(rows)
    np.testing.assert_allclose(fitted.means_, by_steps.means_, atol=0.1)


def test_the_rows_of_a_fit_count_as_seen(monkeypatch):
    monkeypatch.setattr(stepwise, "STEP_ROWS", 500)
    X, _ = make_problem(3000, 2, 3)
    fitted = fastgmm.GaussianMixture(3, random_state=0).fit(X, sample_weight=np.repeat([1.0, 0.0], 1500))
    parameters = fitted._mixture().parameters
    moved, _ = stepwise.step(parameters, 1500, X[:500], check_sample_weight(None, 500), ridge(1e-6, 2), None)
    np.testing.assert_allclose(fitted.partial_fit(X[:500]).means_, moved.means)


def test_another_number_of_components_is_refused():
    X, _ = make_problem(300, 2, 2)
    model = fastgmm.GaussianMixture(2, random_state=0).partial_fit(X).set_params(n_components=3)
    with pytest.raises(ValueError, match="has 2 components, but now has n_components = 3; set it back, or fit anew"):
        model.partial_fit(X)
    assert len(model.set_params(n_components=2).partial_fit(X).weights_) == 2


def test_steps_are_of_so_many_rows_and_rows_without_weight_are_passed_over(monkeypatch):
    monkeypatch.setattr(stepwise, "STEP_ROWS", 500)
    X, _ = make_problem(1200, 2, 2)
    model = fastgmm.GaussianMixture(2, random_state=0).partial_fit(X)
    assert model.n_iter_ == 3
    weights = np.ones(1200)
    weights[500:1000] = 0.0
    weighted = fastgmm.GaussianMixture(2, random_state=0).partial_fit(X, sample_weight=weights)
    assert weighted.n_iter_ == 2
    twice = fastgmm.GaussianMixture(2, random_state=0).partial_fit(X, sample_weight=2.0 * weights)
    np.testing.assert_allclose(twice.means_, weighted.means_)


def test_single_precision_and_names_of_columns():
    pandas = pytest.importorskip("pandas")
    X, _ = make_problem(600, 2, 2)
    frame = pandas.DataFrame(X.astype(np.float32), columns=["a", "b"])
    model = fastgmm.GaussianMixture(2, random_state=0).partial_fit(frame).partial_fit(frame)
    assert model.feature_names_in_.tolist() == ["a", "b"]
    assert model.means_.dtype == np.float64
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        model.partial_fit(frame[["b", "a"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.partial_fit(frame.to_numpy())


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 2)), "Expected n_samples >= n_components in the first call of partial_fit but got n_comp"),
        (np.full((9, 2), np.nan), "Input X contains NaN"),
        (np.zeros(9), "Expected 2D array"),
    ],
)
def test_what_is_refused_leaves_the_estimator_as_it_was(X, message):
    model = fastgmm.GaussianMixture(3)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X)
    assert not hasattr(model, "weights_")


def test_rows_whose_squares_are_no_numbers_are_a_failure():
    X = np.tile([[-1.0], [1.0]], (5, 1))
    model = fastgmm.GaussianMixture(1, covariance_type="diag", random_state=0).partial_fit(1e153 * X)
    covariances = model.covariances_
    with pytest.raises(fastgmm.FitFailure, match="the covariances exceed what float64 holds; rescale X"):
        model.partial_fit(1e155 * X)
    assert model.covariances_ is covariances
    assert np.isfinite(covariances).all()


def test_other_features_are_refused():
    X, _ = make_problem(300, 2, 2)
    model = fastgmm.GaussianMixture(2, random_state=0).partial_fit(X)
    means = model.means_
    with pytest.raises(ValueError, match="X has 3 features, but GaussianMixture is expecting 2"):
        model.partial_fit(np.zeros((10, 3)))
    assert model.means_ is means
