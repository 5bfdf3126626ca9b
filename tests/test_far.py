"""Rows, starts and scales far from what densities and sums can hold: the digits are kept, or it is said."""

import numpy as np
import pytest

import fastgmm
from fastgmm import Mixture
from fastgmm._numba.options import JIT_ENABLED

STRUCTURES = ("full", "tied", "diag", "spherical")
DTYPES = (np.float64, np.float32)


def unit_covariances(covariance_type, n_components, n_features):
    return {
        "full": np.array([np.eye(n_features)] * n_components),
        "tied": np.eye(n_features),
        "diag": np.ones((n_components, n_features)),
        "spherical": np.ones(n_components),
    }[covariance_type]


def two_clouds(n_features=2, dtype=np.float64, distance=8.0):
    generator = np.random.default_rng(0)
    n = 300 if JIT_ENABLED else 60
    X = np.concatenate([generator.normal(size=(n, n_features)), distance + generator.normal(size=(n, n_features))])
    return X.astype(dtype)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize(("dtype", "shift"), [(np.float64, 1e9), (np.float32, 1e4)])
def test_a_start_far_from_the_data_loses_no_digits(covariance_type, dtype, shift):
    """Moments about means at 0 of rows at 1e9 would leave nothing of a variance of 1."""
    X = (two_clouds(3, dtype) + dtype(shift)).astype(dtype)
    start = Mixture(np.ones(1), np.zeros((1, 3)), unit_covariances(covariance_type, 1, 3), covariance_type)
    options = {"covariance_type": covariance_type, "init": start, "reg_covar": 0.0, "tol": 0.0, "max_iter": 1}
    fitted = fastgmm.fit(X, 1, **options).mixture
    exact = X.astype(np.float64)
    centred = exact - exact.mean(axis=0)
    matrix = centred.T @ centred / len(X)
    expected = {
        "full": matrix[np.newaxis],
        "tied": matrix,
        "diag": np.diag(matrix)[np.newaxis],
        "spherical": np.array([np.trace(matrix) / 3]),
    }[covariance_type]
    tolerance = 1e-6 if dtype == np.float64 else 1e-3
    np.testing.assert_allclose(fitted.covariances, expected, rtol=tolerance)
    np.testing.assert_allclose(
        fitted.means[0] - shift, exact.mean(axis=0) - shift, atol=1e-6 if shift > 1e5 else 1e-2
    )


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize(("dtype", "far", "beyond"), [(np.float64, 1e150, 1.7e308), (np.float32, 1e15, 3e38)])
def test_every_finite_row_belongs_to_a_component(covariance_type, dtype, far, beyond):
    means = np.array([[0.0, 0.0], [4.0, 4.0]])
    mixture = Mixture(np.array([0.5, 0.5]), means, unit_covariances(covariance_type, 2, 2), covariance_type)
    rows = np.array([[0.0, 0.0], [far, far], [-far, 3.0], [beyond, -beyond], [-beyond, beyond], [5.0, 4.0]], dtype)
    responsibilities = mixture.responsibilities(rows)
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1.0, rtol=4.0 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(mixture.predict(rows), responsibilities.argmax(axis=1))
    densities = mixture.log_density(rows)
    assert densities.dtype == dtype
    np.testing.assert_array_equal(np.isfinite(densities), [True, True, True, False, False, True])
    assert (densities[3:5] == -np.inf).all()


@pytest.mark.compiled
@pytest.mark.parametrize("reg_covar", ["auto", 0.0])
def test_no_fit_has_covariances_that_are_no_numbers(reg_covar):
    """The last two rows are a component whose variance exceeds float64; the other is wide enough for all rows."""
    X = np.array([-1e153, 1e153] * 50 + [-1.5e154, 1.5e154])[:, np.newaxis]
    options = {"covariance_type": "diag", "reg_covar": reg_covar}
    with pytest.raises(
        fastgmm.FitFailure, match="the covariances exceed what float64 holds in iteration 0; rescale X"
    ):
        fastgmm.fit(X, 2, init=np.repeat([0, 1], [100, 2]), max_iter=0, **options)
    start = Mixture([0.5, 0.5], [[0.0], [0.0]], [[1e306], [1.7e308]], "diag")
    with pytest.warns(fastgmm.FitWarning, match="1 of 2 problems has no fit"):
        many = fastgmm.fit_many([X, X / 1e153], 2, init=start, max_iter=1, **options)
    assert many.fitted.tolist() == [False, True]
    assert "the covariances exceed what float64 holds in iteration 1; rescale X" in many.errors[0]


def test_a_row_whose_densities_underflow_belongs_to_the_nearest_component():
    mixture = Mixture(np.array([0.5, 0.5]), np.array([[0.0], [0.0]]), np.array([[[1.0]], [[100.0]]]))
    rows = np.array([[1e200], [-1e200]])
    assert (mixture.log_density(rows) == -np.inf).all()
    np.testing.assert_array_equal(mixture.predict(rows), [1, 1])
    np.testing.assert_array_equal(mixture.responsibilities(rows), [[0.0, 1.0]] * 2)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-18, 1e-15, 1.0, 1e15, 1e18])
def test_what_a_fit_returns_can_be_used_at_any_scale(covariance_type, dtype, scale):
    X = two_clouds(3)
    expected = fastgmm.fit(X.astype(dtype), 2, covariance_type=covariance_type, random_state=0).mixture
    scaled = (X * scale).astype(dtype)
    mixture = fastgmm.fit(scaled, 2, covariance_type=covariance_type, random_state=0).mixture
    np.testing.assert_array_equal(mixture.predict(scaled), expected.predict(X.astype(dtype)))
    np.testing.assert_allclose(mixture.means / scale, expected.means, rtol=1e-3)
