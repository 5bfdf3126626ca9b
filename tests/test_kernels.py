"""The fused pass against the naive original, over odd sizes of everything."""

import itertools

import numpy as np
import pytest
from conftest import assert_same_parameters, make_problem

import fastgmm
from fastgmm import Mixture, naive
from fastgmm.kernels import sizes, tasks
from fastgmm.kernels.blocks.few import exponentiate_few
from fastgmm.kernels.blocks.limits import cut_off
from fastgmm.kernels.blocks.posterior import exponentiate, row_maxima
from fastgmm.model import kinds
from fastgmm.model import plan as plans
from fastgmm.model.plan import MOST_SLAB_BYTES, Plan, plan_of
from fastgmm.model.rounds.m_steps.plain import maximize_full
from fastgmm.model.rounds.state import COMPONENT, LOG_LIKELIHOOD
from fastgmm.model.structures import Kernels
from fastgmm.rows.run import Run

FEATURES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33]


def naive_round(X, start):
    responsibilities = naive.e_step(X, start.weights, start.means, start.covariances)
    return Mixture(*naive.m_step(X, responsibilities)), responsibilities


@pytest.mark.parametrize("n_features", FEATURES)
def test_one_round_is_the_originals(n_features):
    lanes = sizes.LANES_DOUBLE
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


def general_plan(n_components, n_features):
    """A plan of the general kernels where others would be taken; they pad three features to four."""
    plan = Plan("full", n_components, n_features, np.dtype(np.float64))
    kernels = Kernels(kinds.FULL[0], kinds.FULL_MOMENTS[0], tasks.sweep_full, tasks.sweep_full, maximize_full)
    vars(plan)["kernels"] = kernels
    return plan


def test_small_and_general_kernels_agree():
    X, start = make_problem(700, 3, 3)
    X.flags.writeable = False
    expected = fastgmm.accumulate(X, start)
    run = Run(general_plan(3, 3), 1, X)
    run.hold()
    run.put(start.parameters)
    assert run.advance(1)
    state = run.state
    np.testing.assert_allclose(state.sums, expected.responsibility_sums, rtol=1e-11)
    np.testing.assert_allclose(state.first, expected.first_moments, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(state.second, expected.second_moments, rtol=1e-11, atol=1e-11)
    assert state.numbers[LOG_LIKELIHOOD] == pytest.approx(expected.log_likelihood, rel=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_pass_of_two_components_of_one_feature_is_the_general_one(dtype):
    for n_samples in (1, 15, 17, 2100):
        X, start = make_problem(n_samples, 1, 2, seed=n_samples)
        X = X.astype(dtype)
        X[n_samples // 2 :] += 40.0  # of one of the components alone, beyond where the other's share is cut off
        start = Mixture(start.weights, start.means + np.array([[0.0], [40.0]]), start.covariances)
        X.flags.writeable = False
        statistics = fastgmm.accumulate(X, start)
        rows = X.astype(np.float64), start.weights, start.means, start.covariances
        responsibilities, z = naive.e_step(*rows), rows[0] - start.means[:, 0]
        rtol, atol = (1e-11, 1e-11) if dtype is np.float64 else (1e-4, 1e-3)
        for moments, power in (("responsibility_sums", 0), ("first_moments", 1), ("second_moments", 2)):
            expected = (responsibilities * z**power).sum(axis=0)
            np.testing.assert_allclose(getattr(statistics, moments).ravel(), expected, rtol, atol)
        assert statistics.log_likelihood == pytest.approx(naive.log_likelihood(*rows), rel=rtol)
        # Weights of one take the general pass.
        general = fastgmm.accumulate(X, start, sample_weight=np.ones(n_samples))
        np.testing.assert_allclose(statistics.second_moments, general.second_moments, 50 * np.finfo(dtype).eps)


def test_a_row_far_from_two_components_of_one_feature_has_no_share():
    X, start = make_problem(30, 1, 2)
    expected = fastgmm.accumulate(X, start).responsibility_sums
    statistics = fastgmm.accumulate(np.concatenate([X, [[1e200]]]), start)
    assert statistics.log_likelihood == -np.inf
    np.testing.assert_array_equal(statistics.responsibility_sums, expected)


def test_what_is_padded():
    assert [sizes.tiled(d) for d in range(1, 14)] == [2, 2, 4, 4, 5, 6, 8, 8, 9, 10, 12, 12, 13]


def test_first_moments_of_few_rows_of_many_features():
    """Of separated components only rows that count are summed, where they lie; N_k and all digits stay."""
    generator = np.random.default_rng(0)
    means = 9.0 * generator.normal(size=(8, 17))
    X = means[generator.integers(8, size=700)] + generator.normal(size=(700, 17))
    start = Mixture(np.full(8, 0.125), means + 0.3, np.ones(8), "spherical")
    statistics = fastgmm.accumulate(X, start)
    responsibilities = start.responsibilities(X)
    assert (responsibilities > 2.0**-80).sum() == len(X)
    expected = np.einsum("nk,nkd->kd", responsibilities, X[:, np.newaxis] - start.means)
    np.testing.assert_allclose(statistics.first_moments, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_closed_form_factors_are_the_general_ones(n_features):
    _, start = make_problem(10, n_features, 4, seed=n_features)
    models = []
    for plan in (Plan("full", 4, n_features, np.dtype(np.float64)), general_plan(4, n_features)):
        run = Run(plan, 1)
        run.put(start.parameters)
        assert run.advance(1)
        models.append(run.workspace().model)
    for actual, expected in zip(*models, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("n_features", [1, 2, 3, 4])
def test_the_first_component_that_is_not_positive_definite_is_named(n_features):
    _, start = make_problem(10, n_features, 4)
    covariances = start.covariances.copy()
    covariances[2:] = -1.0
    run = Run(Plan("full", 4, n_features, np.dtype(np.float64)), 2)
    run.put(start.parameters._replace(covariances=covariances))
    assert not run.advance(1)
    assert run.state.counts[COMPONENT] == 2


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


@pytest.mark.parametrize(("dtype", "shortest"), [(np.float32, 2.0**-24), (np.float64, 2.0**-53)])
def test_products_with_what_is_not_cut_off_are_normal_numbers(dtype, shortest):
    """Subnormal ones take over 100 cycles each; what is cut off is below what the sums leave out anyway."""
    responsibility = np.exp(2.0 * float(cut_off(np.zeros(1, dtype))))
    assert responsibility * shortest**2 >= float(np.finfo(dtype).tiny)
    # Of a row; beside a sum of one row and more that is far below the rounding of either precision.
    assert responsibility <= 2.0**-77


@pytest.mark.parametrize("n_features", [1, 2, 3, 16, 64, 128])
@pytest.mark.parametrize("n_components", [1, 4, 256])
def test_plan_invariants(n_features, n_components):
    plan = Plan("full", n_components, n_features)
    assert plan.rows % sizes.LANES_DOUBLE == 0
    assert plan.rows % sizes.LANES_SINGLE == 0
    assert plan.rows <= sizes.MAX_ROWS
    # A launch has a superblock for every thread, as long as their slabs have room.
    slabs = min(8, MOST_SLAB_BYTES // (8 * plan.slab_shape[0] * plan.slab_shape[1]))
    assert plan.launch_superblocks(8) >= slabs
    assert plan.slab_shape[1] * 8 % 64 == 0
    # A launch of two threads stays within a fraction of a second, or is the shortest there is.
    seconds = plan.launch_superblocks(2) * plan.rows * plan.row_nanoseconds / 2 * 1e-9
    assert seconds <= 0.1 or plan.launch_superblocks(2) == 2


@pytest.mark.parametrize(
    ("name", "features", "times"),
    [
        ("x86-64-v2", "+sse4.2,-avx2", 5.0),
        ("x86-64-v3", "+avx2,-avx512f", 2.5),
        ("znver4", "+avx2,+avx512f", 1.6),
        ("x86-64-v4", "+avx2,+avx512f", 1.0),
    ],
)
def test_the_processor_sets_how_long_launches_are_and_not_the_superblocks(monkeypatch, name, features, times):
    monkeypatch.setattr(plans, "machine", lambda: (name, features))
    plans.slower.cache_clear()
    try:
        plan = Plan("tied", 8, 16)
        assert plan.row_nanoseconds == pytest.approx(times * 28.72, rel=0.01)
        rows, small = plan.rows, plan.is_small(1000)
    finally:
        plans.slower.cache_clear()
    assert (rows, small) == (plan_of("tied", 8, 16).rows, plan_of("tied", 8, 16).is_small(1000))


@pytest.mark.parametrize("n_components", [2, 3, 4])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_few_components_are_as_any_number_of_them(n_components, dtype):
    n = 512 if dtype is np.float32 else 256
    half_logs = np.random.default_rng(0).normal(0.0, 8.0, (n_components, n)).astype(dtype)
    # All that a few of these numbers can be side by side: ties, no density at all, what is not a number.
    corners = np.array(list(itertools.product([0.0, 1.0, -np.inf, np.nan], repeat=n_components))).T[:, :n]
    half_logs[:, : corners.shape[1]] = corners
    half_logs[:, -1] = [0.0, -1e4, *half_logs[2:, -1]]
    roots, (maxima, sums), (wanted_maxima, wanted_sums, spare) = (
        half_logs.copy(),
        *(np.empty((n, half_logs.shape[1]), dtype) for n in (2, 3)),
    )
    exponentiate_few(roots, maxima, sums)
    interpreted(row_maxima)(half_logs, spare, wanted_maxima)
    interpreted(exponentiate)(half_logs, wanted_maxima, wanted_sums)
    rounding = 4 * np.finfo(dtype).eps
    np.testing.assert_array_equal(maxima, wanted_maxima)
    np.testing.assert_allclose(roots, half_logs, rtol=rounding, atol=0.0)
    np.testing.assert_allclose(sums, wanted_sums, rtol=rounding, atol=0.0)


def interpreted(function):
    """Return what Python runs in place of a compiled function."""
    return getattr(function, "py_func", function)
