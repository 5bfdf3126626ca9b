"""The four covariance structures and the two precisions, against scikit-learn, the naive original and each other."""

import numpy as np
import pytest
from conftest import assert_same_parameters, make_problem, random_covariances

import fastgmm
from fastgmm import Mixture, naive
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.kernels import sizes
from fastgmm.kernels.blocks import significant
from fastgmm.model.plan import Plan, plan_of
from fastgmm.model.structures import STRUCTURES as TABLE

STRUCTURES = ("full", "tied", "diag", "spherical")
FEATURES = [1, 2, 3, 4, 5, 8, 13, 33]


def problem(covariance_type, n_samples, n_features, n_components=3, seed=0):
    X, start = make_problem(n_samples, n_features, n_components, seed)
    covariances = {
        "full": start.covariances,
        "tied": start.covariances[0],
        "diag": np.diagonal(start.covariances, axis1=1, axis2=2).copy(),
        "spherical": start.covariances[:, 0, 0].copy(),
    }[covariance_type]
    return X, Mixture(start.weights, start.means, covariances, covariance_type)


def of_structure(covariance_type, weights, matrices):
    """Maximum-likelihood covariances of a structure from those of the components, (K, D, D)."""
    diagonals = np.diagonal(matrices, axis1=1, axis2=2)
    return {
        "full": matrices,
        "tied": np.einsum("k,kij->ij", weights, matrices),
        "diag": diagonals,
        "spherical": diagonals.mean(axis=1),
    }[covariance_type]


@pytest.mark.parametrize("n_features", FEATURES)
@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_one_round_is_the_originals(covariance_type, n_features):
    for n_samples in (sizes.LANES_DOUBLE - 1, sizes.LANES_DOUBLE + 1):
        X, start = problem(covariance_type, n_samples, n_features)
        responsibilities = naive.e_step(X, start.weights, start.means, start.full_covariances())
        weights, means, matrices = naive.m_step(X, responsibilities)
        fitted = fastgmm.maximize(fastgmm.accumulate(X, start), reg_covar=0.0)
        np.testing.assert_allclose(fitted.weights, weights, rtol=1e-10)
        np.testing.assert_allclose(fitted.means, means, rtol=1e-9, atol=1e-12)
        expected = of_structure(covariance_type, weights, matrices)
        np.testing.assert_allclose(fitted.covariances, expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(start.responsibilities(X), responsibilities, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_rounds_are_scikit_learns(covariance_type, n_features):
    mixture = pytest.importorskip("sklearn.mixture")
    X, start = problem(covariance_type, 1500, n_features)
    matrices = covariance_type in ("full", "tied")
    other = mixture.GaussianMixture(
        3,
        covariance_type=covariance_type,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=np.linalg.inv(start.covariances) if matrices else 1.0 / start.covariances,
        init_params="random_from_data",
        tol=0.0,
        max_iter=4,
    )
    with pytest.warns(match="did not converge"):
        other.fit(X)
    for tolerance, rows in ((1e-9, X), (1e-5, X.astype(np.float32))):
        fitted = fastgmm.fit(
            rows, 3, covariance_type=covariance_type, init=start, tol=0.0, max_iter=4, reg_covar=1e-6
        ).mixture
        for name in ("weights", "means", "covariances"):
            assert getattr(fitted, name).dtype == np.float64
            np.testing.assert_allclose(
                getattr(fitted, name), getattr(other, name + "_"), rtol=tolerance, atol=tolerance
            )
        np.testing.assert_allclose(fitted.responsibilities(X), other.predict_proba(X), atol=100 * tolerance)
        assert fitted.n_free == other._n_parameters()


@pytest.mark.parametrize("n_features", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_a_whole_compiled_fit_has_the_bits_of_the_loop_in_python(covariance_type, dtype, n_features):
    X, _ = make_problem(300, n_features, 2, seed=n_features)
    X = X.astype(dtype)
    whole = fastgmm.fit(X, 2, covariance_type=covariance_type, random_state=0)
    looped = fastgmm.fit(X, 2, covariance_type=covariance_type, random_state=0, callback=lambda state: None)
    np.testing.assert_array_equal(whole.trace, looped.trace)
    assert whole.log_likelihood == looped.log_likelihood
    assert whole.status == looped.status
    np.testing.assert_array_equal(whole.mixture.covariances, looped.mixture.covariances)


def test_tied_by_total_scatter_is_tied_by_moments():
    n = 60_000 if JIT_ENABLED else 1500
    X, start = problem("tied", n, 4)
    assert plan_of("tied", 3, 4).is_small(n) is not JIT_ENABLED
    options = {"covariance_type": "tied", "init": start, "reg_covar": 0.0, "max_iter": 1, "tol": 0.0}
    by_scatter = fastgmm.fit(X, 3, **options).mixture
    direct = fastgmm.maximize(fastgmm.accumulate(X, start), reg_covar=0.0)
    assert_same_parameters(by_scatter, direct, rtol=1e-10, atol=1e-12)


def far_groups(n_samples):
    """Two groups at a distance beside which their spread has few digits."""
    X, start = problem("tied", n_samples, 2)
    far = X.copy()
    far[n_samples // 2 :] += 1e5
    return far, Mixture(start.weights, np.array([[0.0, 0.0], [1e5, 1e5], [1.0, 1.0]]), np.eye(2), "tied")


def test_where_the_scatter_cancels_the_pass_sums_moments(monkeypatch):
    monkeypatch.setattr(Plan, "is_small", lambda plan, n_samples: False)
    far, start = far_groups(500)
    options = {"covariance_type": "tied", "init": start, "reg_covar": 0.0, "max_iter": 3, "tol": 0.0}
    fitted = fastgmm.fit(far, 3, **options).mixture
    expected = start
    for _ in range(3):
        expected = fastgmm.maximize(fastgmm.accumulate(far, expected), reg_covar=0.0)
    assert_same_parameters(fitted, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_data_far_from_zero_keep_their_digits(covariance_type):
    X, start = problem(covariance_type, 600, 3)
    X = np.round(X * 2**20) / 2**20  # so that the shift is exact
    shift = 2.0**26
    moved = Mixture(start.weights, start.means + shift, start.covariances, covariance_type)
    here, there = (fastgmm.maximize(fastgmm.accumulate(*each)) for each in ((X, start), (X + shift, moved)))
    np.testing.assert_allclose(there.covariances, here.covariances, rtol=1e-6)
    np.testing.assert_allclose(there.means - shift, here.means, atol=1e-7)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_well_separated_components_in_many_features(covariance_type):
    """Here most rows are left out of most components' statistics, which must not show."""
    generator = np.random.default_rng(0)
    k, d = 6, 17
    means = 20.0 * generator.normal(size=(k, d))
    X = means[generator.integers(k, size=1100)] + generator.normal(size=(1100, d))
    matrices = random_covariances(generator, k, d)
    weights = np.full(k, 1.0 / k)
    start = Mixture(weights, means + 0.1, of_structure(covariance_type, weights, matrices), covariance_type)
    responsibilities = naive.e_step(X, start.weights, start.means, start.full_covariances())
    weights, means, matrices = naive.m_step(X, responsibilities)
    fitted = fastgmm.maximize(fastgmm.accumulate(X, start), reg_covar=0.0)
    np.testing.assert_allclose(fitted.weights, weights, rtol=1e-10)
    np.testing.assert_allclose(fitted.means, means, rtol=1e-9, atol=1e-10)
    expected = of_structure(covariance_type, weights, matrices)
    np.testing.assert_allclose(fitted.covariances, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("n_features", [2, 16])
@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_a_component_far_from_all_rows_is_not_starved(covariance_type, n_features):
    """Its responsibilities are all tiny, and still it moves to where they say."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(700, n_features))
    covariances = of_structure(covariance_type, np.full(2, 0.5), np.array([np.eye(n_features)] * 2))
    means = np.zeros((2, n_features))
    means[1, 0] = 18.0
    start = Mixture(np.full(2, 0.5), means, covariances, covariance_type)
    statistics = fastgmm.accumulate(X, start)
    assert 0.0 < statistics.responsibility_sums[1] < 2.0**-60
    responsibilities = naive.e_step(X, start.weights, start.means, start.full_covariances())
    expected = naive.m_step(X, responsibilities)[1][1]
    np.testing.assert_allclose(fastgmm.maximize(statistics).means[1], expected, rtol=1e-8)


def test_rows_that_do_not_count_are_left_out():
    values = np.zeros(sizes.LANES_DOUBLE)
    values[[3, 70, 255]] = [0.5, 0.25, 1.0]
    block = np.arange(2.0 * len(values)).reshape(2, -1)
    scratch, index = np.full((3, len(values)), np.nan), np.empty(len(values), np.int64)
    few = len(values) // 4
    rows, kept, steps = significant.significant(block, values, 0.1, few, scratch, index)
    assert steps == 1
    np.testing.assert_array_equal(kept[:3], [0.5, 0.25, 1.0])
    np.testing.assert_array_equal(kept[3:16], 0.0)
    np.testing.assert_array_equal(rows[:, :3], block[:, [3, 70, 255]])
    for many, most in ((values + 1.0, few), (values, 0)):
        same, _, steps = significant.significant(block, many, 0.1, most, scratch, index)
        assert same is block or np.shares_memory(same, block)
        assert steps == len(values) // sizes.STEP


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_estimator_attributes(covariance_type):
    X, _ = make_problem(300, 3, 2)
    model = fastgmm.GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)
    shape = TABLE[covariance_type].shape(2, 3)
    assert model.covariances_.shape == model.precisions_.shape == model.precisions_cholesky_.shape == shape
    if covariance_type in ("full", "tied"):
        identity = np.broadcast_to(np.eye(3), shape)
        np.testing.assert_allclose(model.covariances_ @ model.precisions_, identity, atol=1e-10)
    else:
        np.testing.assert_allclose(model.covariances_ * model.precisions_, 1.0)


def test_samples_have_the_covariances_of_the_structure():
    generator = np.random.default_rng(0)
    matrices = random_covariances(generator, 2, 2)
    for covariance_type in STRUCTURES:
        covariances = of_structure(covariance_type, np.full(2, 0.5), matrices)
        model = Mixture(np.full(2, 0.5), np.array([[0.0, 0.0], [9.0, 9.0]]), covariances, covariance_type)
        rows, labels = model.sample(20_000, random_state=1)
        drawn = np.array([np.cov(rows[labels == k].T) for k in range(2)])
        np.testing.assert_allclose(drawn, model.full_covariances(), atol=0.1)
