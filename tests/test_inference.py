import numpy as np
import pytest
from conftest import make_problem
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from fastgmm import Mixture
from fastgmm._numba.options import JIT_ENABLED


def log_joint(X, p):
    return np.stack(
        [
            np.log(w) + multivariate_normal(m, c).logpdf(X).reshape(len(X))
            for w, m, c in zip(p.weights, p.means, p.covariances, strict=True)
        ],
        axis=1,
    )


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 7, 20])
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_against_scipy_in_the_log_domain(n_features, scale):
    X, p = make_problem(3000 if JIT_ENABLED else 60, n_features, 3)
    X = scale * X  # at 100, every density underflows
    logs = log_joint(X, p)
    np.testing.assert_allclose(p.log_density(X), logsumexp(logs, axis=1), rtol=1e-10)
    responsibilities = p.responsibilities(X)
    expected = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
    np.testing.assert_allclose(responsibilities, expected, rtol=1e-7, atol=1e-11)
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_array_equal(p.predict(X), logs.argmax(axis=1))
    assert p.score(X) == pytest.approx(logsumexp(logs, axis=1).mean(), rel=1e-11)


def test_information_criteria_by_hand():
    """One standard normal in one dimension, rows 0 and 2: LL = -log(2 pi) - 2, two free parameters."""
    p = Mixture(np.ones(1), np.zeros((1, 1)), np.ones((1, 1, 1)))
    log_likelihood = -np.log(2.0 * np.pi) - 2.0
    assert p.n_free == 2
    assert p.aic([0.0, 2.0]) == pytest.approx(-2.0 * log_likelihood + 4.0)
    assert p.bic([0.0, 2.0]) == pytest.approx(-2.0 * log_likelihood + 2.0 * np.log(2.0))


def test_a_component_of_weight_zero_takes_no_rows():
    X, p = make_problem(50, 2, 2)
    p = Mixture(np.array([1.0, 0.0]), p.means, p.covariances)
    np.testing.assert_array_equal(p.responsibilities(X), np.repeat([[1.0, 0.0]], 50, axis=0))
    np.testing.assert_allclose(
        p.log_density(X),
        log_joint(X, Mixture(p.weights[:1], p.means[:1], p.covariances[:1]))[:, 0],
        rtol=1e-12,
    )


def test_ties_go_to_the_first_component():
    p = Mixture(np.full(2, 0.5), np.zeros((2, 2)), np.array([np.eye(2)] * 2))
    np.testing.assert_array_equal(p.predict(np.ones((3, 2))), 0)


@pytest.mark.parametrize("structure", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize(("dtype", "held", "beyond"), [(np.float64, 1e150, 1e200), (np.float32, 1e15, 1e25)])
def test_rows_beyond_every_density_belong_to_the_nearest_component(structure, dtype, held, beyond):
    means, variances = np.array([[-1.0, 0.0], [1.0, 0.0]]), 4.0 * np.ones((2, 2))
    covariances = {"full": [4.0 * np.eye(2)] * 2, "tied": 4.0 * np.eye(2), "diag": variances, "spherical": [4.0, 4.0]}
    p = Mixture([0.5, 0.5], means, covariances[structure], structure)
    X = np.array([[held, 0.0], [-held, 0.0], [beyond, 0.0], [-beyond, beyond]], dtype)
    densities = p.log_density(X)
    # Beside such rows the means and the weights are nothing.
    np.testing.assert_allclose(densities[:2], -(held**2) / 8.0, rtol=1e-6 if dtype == np.float32 else 1e-14)
    assert (densities[2:] == -np.inf).all()
    responsibilities = p.responsibilities(X)
    np.testing.assert_array_equal(responsibilities.sum(axis=1), 1.0)
    np.testing.assert_array_equal(responsibilities[2:].argmax(axis=1), p.predict(X[2:]))
    assert (p.predict(X) >= 0).all()


def test_the_nearest_component_is_nearest_in_its_own_units():
    p = Mixture([0.5, 0.5], np.zeros((2, 1)), np.array([1.0, 4.0]), "spherical")
    X = np.array([[1e200], [-1e300]])
    np.testing.assert_array_equal(p.predict(X), 1)
    np.testing.assert_array_equal(p.responsibilities(X), [[0.0, 1.0]] * 2)
    # A component without weight has no rows, however near it is.
    without = Mixture([1.0, 0.0], p.means, p.covariances, "spherical")
    np.testing.assert_array_equal(without.predict(X), 0)


def test_sample_has_the_mixtures_moments():
    _, p = make_problem(1, 3, 2)
    X, labels = p.sample(100_000, random_state=0)
    np.testing.assert_allclose(np.bincount(labels) / len(X), p.weights, atol=0.01)
    for k in range(2):
        np.testing.assert_allclose(X[labels == k].mean(axis=0), p.means[k], atol=0.05)
        np.testing.assert_allclose(np.cov(X[labels == k].T), p.covariances[k], atol=0.1)
    again, _ = p.sample(100_000, random_state=0)
    np.testing.assert_array_equal(X, again)


def test_wrong_number_of_features():
    _, p = make_problem(1, 3, 2)
    with pytest.raises(ValueError, match="X has 2 features, but the model has 3"):
        p.predict(np.zeros((4, 2)))
