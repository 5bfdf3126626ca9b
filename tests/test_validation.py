"""What a user may pass, and the one sentence that anything else gets."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import assert_same_bits, make_problem

import fastgmm

X, START = make_problem(60, 2, 2)


@pytest.mark.parametrize(
    "rows",
    [
        X.tolist(),
        pd.DataFrame(X, columns=["a", "b"]),
        pd.DataFrame({"a": X[:, 0], "b": X[:, 1]}),
        pa.table({"a": X[:, 0], "b": X[:, 1]}),
        np.asfortranarray(X),
        np.ma.array(X),
        X.astype(np.longdouble),
    ],
    ids=["list", "frame", "frame of columns", "arrow", "fortran", "masked", "long double"],
)
def test_any_table_of_numbers(rows):
    result = fastgmm.fit(rows, 2, init=START, max_iter=3)
    assert_same_bits(result.mixture, fastgmm.fit(X, 2, init=START, max_iter=3).mixture)


def test_column_names_are_kept():
    frame = pd.DataFrame(X, columns=["a", "b"])
    assert fastgmm.fit(frame, 2, init=START, max_iter=1).mixture.feature_names == ("a", "b")
    table = pa.table({"a": X[:, 0], "b": X[:, 1]})
    assert fastgmm.fit(table, 2, init=START, max_iter=1).mixture.feature_names == ("a", "b")
    assert fastgmm.fit(X, 2, init=START, max_iter=1).mixture.feature_names is None


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.float16, np.float32, ">f4"])
def test_other_dtypes_become_floating_point(dtype):
    values = np.random.default_rng(0).integers(0, 2, size=(40, 2)).astype(dtype)
    result = fastgmm.fit(values, 1)
    single = np.dtype(dtype).kind == "f" and np.dtype(dtype).itemsize == 4
    assert result.mixture.means.dtype == np.float64
    expected = values.astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(result.mixture.means[0], expected, rtol=1e-7 if single else 1e-13)


def test_one_dimension_is_one_feature():
    result = fastgmm.fit(X[:, 0], 2, random_state=0)
    assert result.mixture.means.shape == (2, 1)
    assert_same_bits(result.mixture, fastgmm.fit(X[:, :1], 2, random_state=0).mixture)


def with_value(value, *places):
    rows = X.copy()
    for place in places:
        rows[place] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (
            with_value(np.nan, (5, 0), (5, 1), (9, 0)),
            ValueError,
            "X has 3 NaN .* the first in row 5",
        ),
        (with_value(-np.inf, (59, 1)), ValueError, "X has 1 NaN or infinite value, the first in row 59"),
        (np.empty((0, 2)), ValueError, r"at least one row and one column, got shape \(0, 2\)"),
        (np.empty((3, 0)), ValueError, r"got shape \(3, 0\)"),
        (np.zeros((2, 2, 2)), ValueError, "got 3 dimensions"),
        (1.0, ValueError, "got 0 dimensions"),
        ([["a", "b"]], TypeError, "X must hold numbers, got dtype <U1"),
        (np.array([[1, "a"]], dtype=object), TypeError, "X must hold numbers only"),
        ([[1.0], [1.0, 2.0]], ValueError, "rectangular"),
        (X + 1j, ValueError, "complex"),
        (np.ma.array(X, mask=X > 0), ValueError, "masked"),
        ([[1.0], [10**400]], ValueError, "X has 1 NaN or infinite value, the first in row 1"),
        ([[1.0], [Fraction(-(10**400), 3)]], ValueError, "X has 1 NaN or infinite value, the first in row 1"),
        (None, ValueError, "got 0 dimensions"),
    ],
)
def test_bad_rows(rows, error, message):
    with pytest.raises(error, match=message):
        fastgmm.fit(rows, 1)


def test_sparse_matrices_are_refused():
    from scipy.sparse import csr_array

    with pytest.raises(TypeError, match="dense"):
        fastgmm.fit(csr_array(X), 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_components": 0}, ValueError, "n_components must be at least 1, got 0"),
        ({"n_components": 2.0}, TypeError, "n_components must be an integer, got 2.0"),
        ({"n_components": True}, TypeError, "n_components must be an integer"),
        ({"n_components": 61}, ValueError, "n_components must be at most the number of rows, 60, got 61"),
        (
            {"covariance_type": "round"},
            ValueError,
            "covariance_type must be one of 'full', 'tied', 'diag', 'spherical', or of mclust's VVV, EEE, VVI, VII, "
            "EII, EEI, VEI, EVI, VEE, EVE, VVE, EEV, VEV, EVV, or E or V of one feature, got 'round'",
        ),
        ({"tol": -1.0}, ValueError, "tol must be finite and not negative"),
        ({"tol": np.nan}, ValueError, "tol must be finite"),
        ({"tol": "small"}, TypeError, "tol must be a number"),
        ({"reg_covar": -1e-6}, ValueError, "reg_covar must be finite and not negative"),
        ({"reg_covar": np.inf}, ValueError, "reg_covar must be finite"),
        ({"max_iter": -1}, ValueError, "max_iter must be at least 0"),
        ({"max_iter": 1.5}, TypeError, "max_iter must be an integer"),
        ({"n_init": 0}, ValueError, "n_init must be at least 1"),
        ({"random_state": -1}, ValueError, "random_state must be None"),
        ({"random_state": "seed"}, ValueError, "random_state must be None"),
        ({"n_threads": 0}, ValueError, "n_threads must be at least 1"),
        ({"n_threads": "2"}, TypeError, "n_threads must be an integer, got '2'"),
        ({"callback": 3}, TypeError, "callback must be a function or None, got 3"),
        ({"tol": 10**400}, ValueError, "tol must be finite and not negative, got inf"),
        ({"tol": 10**5000}, ValueError, "tol must be finite and not negative, got inf"),
        ({"reg_covar": -(10**400)}, ValueError, "reg_covar must be finite and not negative, got -inf"),
        ({"n_components": 10**400}, ValueError, r"at most the number of rows, 60, got 10+\.\.\.$"),
        ({"n_components": 10**5000}, ValueError, "at most the number of rows, 60, got int too long to print"),
        ({"sample_weight": [10**400] * 60}, ValueError, "sample_weight must be finite"),
        (
            {"sample_weight": np.ma.array(np.ones(60), mask=np.arange(60) == 3)},
            ValueError,
            "sample_weight is a masked",
        ),
        ({"sample_weight": np.ones(60) + 0j}, TypeError, "an array of numbers, got ndarray of complex128"),
        ({"sample_weight": ["1"] * 60}, TypeError, "sample_weight must be an array of numbers, got list of <U1"),
        ({"init": np.ma.array(np.full((60, 2), 0.5), mask=X > 0)}, ValueError, "init is a masked array with masked"),
        (
            {"init": np.ma.array(np.arange(60) % 2, mask=X[:, 0] > 0)},
            ValueError,
            "init is a masked array with masked",
        ),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        fastgmm.fit(X, **{"n_components": 2, **arguments})


def test_more_threads_or_rounds_than_there_can_be():
    """A model keeps the number of threads of the machine that it was made on."""
    expected = fastgmm.fit(X, 2, init=START)
    result = fastgmm.fit(X, 2, init=START, n_threads=100_000, max_iter=10**400)
    assert_same_bits(result.mixture, expected.mixture)
    np.testing.assert_array_equal(result.mixture.predict(X, n_threads=10**6), expected.mixture.predict(X))
    assert fastgmm.accumulate(X, START, n_threads=10**6).n_samples == 60
    with pytest.raises(ValueError, match="n_threads must be at least 1, got 0"):
        START.predict(X, n_threads=0)


@pytest.mark.parametrize(
    "random_state",
    [None, 0, np.int64(3), np.random.default_rng(0), np.random.RandomState(0), np.random.SeedSequence(1)],
)
def test_random_states(random_state):
    assert fastgmm.fit(X, 2, random_state=random_state, max_iter=1).n_iter == 1


def test_bad_parameters_are_refused_wherever_they_enter():
    with pytest.raises(ValueError, match="component 0 is not positive definite"):
        fastgmm.Mixture(START.weights, START.means, -START.covariances)
    with pytest.raises(TypeError, match="must be Mixture, got dict"):
        fastgmm.accumulate(X, {})
    with pytest.raises(TypeError, match="must be Mixture, got Parameters"):
        fastgmm.accumulate(X, START.parameters)
    with pytest.raises(TypeError, match="must be a Mixture, got Parameters"):
        fastgmm.fit(X, 2, init=START.parameters)
    with pytest.raises(TypeError, match="must be SufficientStatistics, got dict"):
        fastgmm.maximize({})


def test_parameters_of_any_layout_and_lists():
    p = fastgmm.Mixture(START.weights.tolist(), np.asfortranarray(START.means), START.covariances.tolist())
    np.testing.assert_array_equal(p.log_density(X), START.log_density(X))
