"""What scales, shifts and degenerate rows do to a fit, and when it stops."""

import numpy as np
import pytest
from conftest import assert_same_bits, make_problem

import fastgmm
from fastgmm import Mixture
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em.regulariser import regularisation
from fastgmm.rows.array import ArraySource
from fastgmm.rows.launch.pieces import in_place

STRUCTURES = ("full", "tied", "diag", "spherical")


def rescaled(parameters, scale, shift=0.0):
    return Mixture(
        parameters.weights,
        parameters.means * scale + shift,
        parameters.covariances * scale**2,
        parameters.covariance_type,
    )


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("n_features", [1, 2, 5])
@pytest.mark.parametrize("n_samples", [300, 20_000])
def test_a_power_of_two_changes_no_bit_but_the_scale(covariance_type, n_features, n_samples):
    X, _ = make_problem(n_samples if JIT_ENABLED else 100, n_features, 3)
    options = {"covariance_type": covariance_type, "random_state": 0, "max_iter": 10, "tol": 0.0}
    fitted = fastgmm.fit(X, 3, **options)
    scaled = fastgmm.fit(X * 2.0**-20, 3, **options)
    assert_same_bits(scaled.mixture, rescaled(fitted.mixture, 2.0**-20))


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize(("scale", "why"), [(1e25, "exceed what float32 holds"), (1e-25, "definite in float32")])
def test_single_precision_that_cannot_be_used_is_a_failure(covariance_type, scale, why):
    X = (make_problem(100, 2, 2)[0] * scale).astype(np.float32)
    estimator = fastgmm.GaussianMixture(2, covariance_type=covariance_type, reg_covar=0.0, random_state=0)
    with pytest.raises(fastgmm.FitFailure, match=why):
        estimator.fit(X)
    # `fit` has parameters in double, which hold them.
    result = fastgmm.fit(X, 2, covariance_type=covariance_type, random_state=0)
    assert result.mixture.covariances.dtype == np.float64
    assert np.isfinite(result.mixture.log_density(X)).all()


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_another_unit_changes_the_scale(covariance_type):
    X, _ = make_problem(300 if JIT_ENABLED else 100, 3, 3)
    options = {"covariance_type": covariance_type, "random_state": 0, "max_iter": 10, "tol": 0.0}
    expected = rescaled(fastgmm.fit(X, 3, **options).mixture, 1e-6)
    scaled = fastgmm.fit(X * 1e-6, 3, **options).mixture
    np.testing.assert_allclose(scaled.weights, expected.weights, rtol=1e-9)
    np.testing.assert_allclose(scaled.means, expected.means, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(scaled.covariances, expected.covariances, rtol=1e-9, atol=1e-21)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize(("dtype", "shift", "tolerance"), [(np.float64, 1e8, 1e-6), (np.float32, 1e4, 2e-2)])
def test_shifted_rows_give_the_shifted_fit(covariance_type, dtype, shift, tolerance):
    X, _ = make_problem(2000 if JIT_ENABLED else 150, 3, 3)
    # What the shifted rows still carry, so that both fits see the same rows.
    moved = (X + shift).astype(dtype)
    X = moved.astype(np.float64) - shift
    options = {"covariance_type": covariance_type, "random_state": 0, "max_iter": 20, "tol": 0.0, "reg_covar": 1e-6}
    expected = fastgmm.fit(X, 3, **options).mixture
    fitted = fastgmm.fit(moved, 3, **options).mixture
    np.testing.assert_allclose(fitted.weights, expected.weights, rtol=tolerance)
    scale = np.abs(expected.covariances).max()
    np.testing.assert_allclose(fitted.covariances, expected.covariances, atol=tolerance * scale)
    np.testing.assert_allclose(fitted.means - shift, expected.means, atol=tolerance * np.sqrt(scale))


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("scale", [1e100, 1e-100, 1e-300, 5e-324])
def test_one_feature_of_another_scale(covariance_type, scale):
    X, _ = make_problem(300 if JIT_ENABLED else 100, 3, 2)
    X[:, 1] *= scale
    with np.errstate(under="ignore"), pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *a, **k: None)
        result = fastgmm.fit(X, 2, covariance_type=covariance_type, random_state=0)
    assert np.isfinite(result.log_likelihood)
    assert np.isfinite(result.mixture.means).all()
    assert np.isfinite(result.mixture.covariances).all()


def test_condition_numbers():
    generator = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(generator.normal(size=(4, 4)))
    X = generator.normal(size=(2000 if JIT_ENABLED else 200, 4)) * np.array([1.0, 1e-2, 1e-4, 1e-6]) @ rotation
    result = fastgmm.fit(X, 1, reg_covar=0.0)
    expected = np.cov(X.T, bias=True)
    np.testing.assert_allclose(result.mixture.covariances[0], expected, atol=1e-12)
    _, log_determinant = np.linalg.slogdet(expected)
    assert result.log_likelihood / len(X) == pytest.approx(
        -0.5 * (log_determinant + 4 + 4 * np.log(2 * np.pi)), abs=1e-3
    )


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize(
    "rows",
    {
        "one-hot": np.eye(4)[np.random.default_rng(0).integers(4, size=60)],
        "a constant column": np.column_stack([np.random.default_rng(0).normal(size=60), np.full(60, 3.0)]),
        "as many components as rows": np.random.default_rng(0).normal(size=(3, 2)),
        "all rows equal": np.full((30, 2), 7.0),
        "zeros": np.zeros((30, 2)),
        "two points": np.repeat([[0.0, 1.0], [1e-3, 1.0]], 20, axis=0),
    }.values(),
    ids=lambda rows: f"{len(rows)}x{rows.shape[1]}",
)
def test_degenerate_rows_end_in_an_answer_that_is_reported(rows, covariance_type):
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = fastgmm.fit(rows, 3, covariance_type=covariance_type, random_state=0)
    parameters = result.mixture
    assert np.isfinite(result.log_likelihood)
    assert parameters.weights.sum() == pytest.approx(1.0)
    assert (np.linalg.eigvalsh(parameters.full_covariances()) > 0.0).all()
    assert bool(result.degenerate_components) == bool(caught)


def floor_of(*rows):
    return regularisation("auto", ArraySource(*rows)).floor


def test_a_constant_column_takes_the_smallest_variance_of_the_others():
    X = np.array([[1.0, 5.0, 0.0], [3.0, 5.0, 10.0]])
    np.testing.assert_allclose(floor_of(X), [1e-12, 1e-12, 25e-12])
    np.testing.assert_allclose(floor_of(X[:1]), 25e-12)
    np.testing.assert_allclose(floor_of(np.zeros((2, 2))), 1e-12)
    added, floor, rounding = regularisation(0.5, ArraySource(X))
    np.testing.assert_array_equal(added, [0.5] * 3)
    assert not floor.any()
    assert rounding == 0.0
    np.testing.assert_allclose(floor_of(X, None, np.array([1.0, 3.0])), [0.75e-12, 0.75e-12, 18.75e-12])


@pytest.mark.parametrize("n_samples", [255, 256, 257, 6001])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_floor_is_a_share_of_the_variance(n_samples, dtype):
    generator = np.random.default_rng(0)
    X = (generator.normal(size=(n_samples, 3)) * [1.0, 10.0, 1e-3] + [0.0, 100.0, 1.0]).astype(dtype)
    rounding = (2.0 * np.finfo(dtype).eps * X.astype(np.float64).mean(axis=0)) ** 2
    expected = rounding + 1e-12 * X.astype(np.float64).var(axis=0)
    rtol = 1e-12 if dtype == np.float64 else 1e-3
    for layout in (X, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]):
        np.testing.assert_allclose(floor_of(layout), expected, rtol=rtol)


@pytest.mark.compiled  # thousands of rounds
def test_remaining_estimates_the_distance_to_the_limit():
    generator = np.random.default_rng(0)
    X = np.concatenate([generator.normal(size=500), 2.3 + generator.normal(size=500)])
    options = {"random_state": 0, "max_iter": 5000}
    limit = fastgmm.fit(X, 2, tol=1e-15, **options).trace[-1]
    for tol in (1e-7, 1e-9):
        by_change = fastgmm.fit(X, 2, tol=tol, **options)
        by_estimate = fastgmm.fit(X, 2, tol=tol, stopping="aitken", **options)
        assert by_estimate.remaining < tol
        assert limit - by_estimate.trace[-1] < 2.0 * tol
        assert limit - by_change.trace[-1] > 10.0 * tol
        assert by_estimate.remaining == pytest.approx(limit - by_estimate.trace[-1], rel=0.1)
    assert np.isnan(fastgmm.fit(X, 2, max_iter=2, random_state=0).remaining)


def test_aitken_in_compiled_code_and_in_the_loop():
    X, _ = make_problem(300 if JIT_ENABLED else 80, 2, 3)
    options = {"random_state": 0, "init": "random", "tol": 1e-5, "stopping": "aitken", "max_iter": 500}
    whole = fastgmm.fit(X, 3, **options)
    looped = fastgmm.fit(X, 3, callback=lambda state: False, **options)
    assert whole.n_iter == looped.n_iter > 3
    assert_same_bits(whole.mixture, looped.mixture)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [((0.5, 1.0), 0.5), ((0.1, 1.0), 0.1 / 9.0), ((1.0, 1.0), np.inf), ((0.0, 1.0), 0.0), ((-1e-9, 1.0), np.inf)],
)
def test_remaining_of_two_changes(changes, expected):
    from fastgmm.model.rounds.convergence import remaining

    assert remaining(*changes) == pytest.approx(expected)
    assert np.isnan(remaining(0.5, np.inf))


def test_no_large_array_is_copied():
    X = np.asfortranarray(np.random.default_rng(0).normal(size=(400_000, 2)))
    assert np.shares_memory(in_place(X), X)
    small = X[:1000]
    assert in_place(small).flags.c_contiguous
