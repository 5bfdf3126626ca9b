"""The fused pass against the naive original, over odd sizes of everything."""

import numpy as np
import pytest
from conftest import assert_same_parameters, make_problem

import fastgmm
from fastgmm import Mixture, naive
from fastgmm.kernels import blocks
from fastgmm.steps import Plan

FEATURES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33]


def naive_round(X, start):
    responsibilities = naive.e_step(X, start.weights, start.means, start.covariances)
    return Mixture(*naive.m_step(X, responsibilities)), responsibilities


@pytest.mark.parametrize("n_features", FEATURES)
def test_one_round_is_the_originals(n_features):
    lanes = blocks.LANES_DOUBLE
    for n_samples in (lanes - 1, lanes + 1):
        X, start = make_problem(n_samples, n_features, 3, seed=n_features)
        expected, responsibilities = naive_round(X, start)
        statistics = fastgmm.accumulate(X, start)
        assert statistics.log_likelihood == pytest.approx(
            naive.log_likelihood(X, start.weights, start.means, start.covariances), rel=1e-11
        )
        np.testing.assert_allclose(statistics.responsibility_sums, responsibilities.sum(axis=0), rtol=1e-10)
        assert_same_parameters(fastgmm.maximize(statistics, reg_covar=0.0), expected)
        np.testing.assert_allclose(start.responsibilities(X), responsibilities, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_features", [1, 2, 3, 5])
@pytest.mark.parametrize("n_samples", [1, 2, 3, 5])
def test_a_handful_of_rows(n_features, n_samples):
    X, start = make_problem(n_samples, n_features, 2)
    statistics = fastgmm.accumulate(X, start)
    expected = naive.log_likelihood(X, start.weights, start.means, start.covariances)
    assert statistics.log_likelihood == pytest.approx(expected, rel=1e-11)
    assert statistics.responsibility_sums.sum() == pytest.approx(n_samples, rel=1e-13)


@pytest.mark.parametrize("n_components", [1, 2, 17, 40])
@pytest.mark.parametrize("n_features", [2, 5])
def test_any_number_of_components(n_components, n_features):
    X, start = make_problem(90, n_features, n_components)
    expected, _ = naive_round(X, start)
    assert_same_parameters(
        fastgmm.maximize(fastgmm.accumulate(X, start), reg_covar=0.0), expected, rtol=1e-7, atol=1e-9
    )


def test_small_and_general_kernels_agree():
    from fastgmm.kernels import full, passes, structure

    n_features = 3  # the general kernels are for four features or more, and three are padded to that

    X, start = make_problem(700, n_features, 3)
    X.flags.writeable = False
    expected = fastgmm.accumulate(X, start)
    general = full.Full(*full.allocate(3, n_features, np.float64))
    assert structure.prepare(general, start.weights, start.means, start.covariances) == -1
    slab = np.zeros(Plan("full", 3, n_features).slab_shape)
    passes.superblock(general, X, np.empty((0, 3)), np.empty(0, np.int64), np.empty(0), slab)
    sums, first, second = np.empty(3), np.empty((3, n_features)), np.empty((3, n_features, n_features))
    structure.unpack(general, slab, sums, first, second)
    np.testing.assert_allclose(sums, expected.responsibility_sums, rtol=1e-11)
    np.testing.assert_allclose(first, expected.first_moments, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(second, expected.second_moments, rtol=1e-11, atol=1e-11)
    assert slab[3, 0] == pytest.approx(expected.log_likelihood, rel=1e-13)


def test_second_moments_are_symmetric_and_positive():
    X, start = make_problem(300, 5, 2)
    second = fastgmm.accumulate(X, start).second_moments
    np.testing.assert_array_equal(second, second.transpose(0, 2, 1))
    assert np.linalg.eigvalsh(second).min() > 0.0


def test_far_rows_do_not_underflow():
    """Rows 1000 standard deviations away: every density is 0 in float64, the log-domain answer is not."""
    from scipy.stats import multivariate_normal

    generator = np.random.default_rng(0)
    X = np.concatenate([generator.normal(size=(50, 3)), 1000.0 + generator.normal(size=(5, 3))])
    start = Mixture(np.array([0.5, 0.5]), np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), np.array([np.eye(3)] * 2))
    logs = np.stack(
        [
            np.log(w) + multivariate_normal(m, c).logpdf(X)
            for w, m, c in zip(start.weights, start.means, start.covariances, strict=True)
        ]
    )
    expected = np.logaddexp.reduce(logs)
    np.testing.assert_allclose(start.log_density(X), expected, rtol=1e-12)
    assert fastgmm.accumulate(X, start).log_likelihood == pytest.approx(expected.sum(), rel=1e-12)


@pytest.mark.parametrize("n_features", [1, 2, 3, 16, 64, 128])
@pytest.mark.parametrize("n_components", [1, 4, 256])
def test_plan_invariants(n_features, n_components):
    plan = Plan("full", n_components, n_features)
    assert plan.rows % blocks.LANES_DOUBLE == 0
    assert plan.rows % blocks.LANES_SINGLE == 0
    assert plan.rows <= blocks.MAX_ROWS
    assert plan.launch_rows(1) % plan.rows == 0
    assert plan.launch_rows(8) >= 8 * plan.rows
    assert plan.slab_shape[1] * 8 % 128 == 0
    # A launch of two threads stays within a fraction of a second, or is the shortest there is.
    seconds = plan.launch_rows(2) * plan.row_nanoseconds / 2 * 1e-9
    assert seconds <= 0.1 or plan.launch_rows(2) == 2 * plan.rows
