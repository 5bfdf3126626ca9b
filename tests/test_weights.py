"""Sample weights: repeated and removed rows, units, and what is refused."""

import numpy as np
import pytest
from conftest import assert_same_parameters, k_means_of, make_problem, random_covariances
from sklearn.preprocessing import StandardScaler

import fastgmm
from fastgmm import GaussianMixture, Mixture
from fastgmm._numba.options import JIT_ENABLED

STRUCTURES = ("full", "tied", "diag", "spherical")
ROWS = 700 if JIT_ENABLED else 180


def start_of(covariance_type, n_features, n_components=3, seed=5):
    generator = np.random.default_rng(seed)
    full = random_covariances(generator, n_components, n_features)
    covariances = {
        "full": full,
        "tied": full[0],
        "diag": np.diagonal(full, axis1=1, axis2=2).copy(),
        "spherical": full[:, 0, 0].copy(),
    }[covariance_type]
    return Mixture(
        np.full(n_components, 1.0 / n_components),
        3.0 * generator.normal(size=(n_components, n_features)),
        covariances,
        covariance_type,
    )


def weighted_rows(n_features, dtype=np.float64, seed=0):
    X, _ = make_problem(ROWS, n_features, 3, seed=seed)
    counts = np.random.default_rng(seed).integers(0, 4, size=len(X))
    return X.astype(dtype), counts


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 7, 17])
@pytest.mark.filterwarnings("ignore::fastgmm.FitWarning")
def test_integer_weights_are_repeated_rows(covariance_type, n_features):
    X, counts = weighted_rows(n_features)
    start = start_of(covariance_type, n_features)
    # With a number, because rounding is a ten-thousandth of the floor: of few rows each component meets it.
    options = {"covariance_type": covariance_type, "init": start, "tol": 0.0, "max_iter": 5, "reg_covar": 1e-5}
    ours = fastgmm.fit(X, 3, sample_weight=counts, **options)
    repeated = fastgmm.fit(np.repeat(X, counts, axis=0), 3, **options)
    assert_same_parameters(ours.mixture, repeated.mixture, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(ours.trace, repeated.trace, rtol=1e-11)
    assert ours.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-11)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_weights_are_removed_rows_and_units_do_not_matter(covariance_type, dtype):
    X, counts = weighted_rows(5, dtype)
    counts = np.minimum(counts, 1).astype(float)
    # What a row without weight holds must not matter, not even through its log-density of -inf.
    X[counts == 0.0] = 1e15
    start = start_of(covariance_type, 5)
    options = {"covariance_type": covariance_type, "init": start, "tol": 0.0, "max_iter": 5}
    tolerance = {"rtol": 1e-9, "atol": 1e-10} if dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-4}
    kept = fastgmm.fit(X[counts > 0.0], 3, **options).mixture
    ours = fastgmm.fit(X, 3, sample_weight=counts, **options)
    assert_same_parameters(ours.mixture, kept, **tolerance)
    for unit in (2.0**-30, 7.0, 1e-300, 1e300):
        scaled = fastgmm.fit(X, 3, sample_weight=unit * counts, **options)
        assert_same_parameters(scaled.mixture, ours.mixture, **tolerance)
        assert scaled.log_likelihood == pytest.approx(unit * ours.log_likelihood, rel=1e-6)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_statistics_of_weighted_rows_add_up(covariance_type):
    X, counts = weighted_rows(3)
    start = start_of(covariance_type, 3)
    whole = fastgmm.accumulate(X, start, sample_weight=counts)
    halves = fastgmm.accumulate(X[:41], start, sample_weight=counts[:41]) + fastgmm.accumulate(
        np.repeat(X[41:], counts[41:], axis=0), start
    )
    for field in ("log_likelihood", "responsibility_sums", "first_moments", "second_moments"):
        np.testing.assert_allclose(getattr(halves, field), getattr(whole, field), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_weighted_chunks_are_weighted_rows(n_threads):
    from fastgmm.rows.accumulation import Accumulation

    X, counts = make_problem(20_000 if JIT_ENABLED else 300, 2, 3)[0], None
    counts = np.random.default_rng(0).random(len(X))
    start = start_of("full", 2)
    expected = fastgmm.accumulate(X, start, sample_weight=counts, n_threads=n_threads)
    accumulation = Accumulation(start.parameters, n_threads)
    for a, b in ((0, 7), (7, 9001), (9001, len(X))):
        accumulation.add(X[a:b], counts[a:b])
    np.testing.assert_array_equal(accumulation.finish().second_moments, expected.second_moments)


@pytest.mark.parametrize("init", ["kmeans", "k-means++", "random", "random_from_data", "tree"])
def test_named_starts_take_no_row_without_weight(init):
    X, counts = weighted_rows(2)
    X[counts == 0] += 1e6
    start = fastgmm.fit(X, 3, init=init, sample_weight=counts, max_iter=0, random_state=0).mixture
    assert np.abs(start.means).max() < 1e3


@pytest.mark.parametrize("init", ["kmeans", "k-means++", "random", "random_from_data", "tree"])
@pytest.mark.parametrize("weights", [(1e-320, 1e300, 1e-320), (0.0, 1.0, 5e-324)])
def test_weights_that_vanish_beside_the_largest_are_none(init, weights):
    with pytest.raises(ValueError, match=r"^n_components must be at most the number of rows, 1, got 2$"):
        fastgmm.fit(np.eye(3)[:, :2], 2, init=init, sample_weight=weights, random_state=0)
    with pytest.raises(ValueError, match=r"1"):
        fastgmm.GaussianMixture(2, random_state=0).fit(np.eye(3)[:, :2], sample_weight=weights)
    with pytest.warns(RuntimeWarning, match="^component 0 has no spread at all"):  # one row is all there is
        assert fastgmm.fit(np.eye(3)[:, :2], 1, init=init, sample_weight=weights).n_iter > 0


def test_k_means_of_weighted_rows():
    X, counts = weighted_rows(2)
    repeated = np.repeat(X, counts, axis=0)

    def inertia(centers):
        return ((repeated[:, None] - centers[None]) ** 2).sum(axis=2).min(axis=1).sum()

    weighted = min(
        inertia(k_means_of(X, 3, counts.astype(float)).fit(np.random.default_rng(seed)).means) for seed in range(5)
    )
    alone = min(inertia(k_means_of(repeated, 3).fit(np.random.default_rng(seed)).means) for seed in range(5))
    assert weighted == pytest.approx(alone, rel=1e-3)


def test_k_means_gives_an_empty_cluster_a_row_that_counts():
    X = np.array([[0.0], [0.0], [0.0], [5.0], [5.0]])
    weights = np.array([0.0, 1.0, 1.0, 1.0, 0.0])
    labels, means = k_means_of(X, 3, weights).fit(np.random.default_rng(0))
    assert means is None
    assert set(labels[weights > 0.0]) == {0, 1, 2}


def test_weighted_score_and_estimator():
    X, counts = weighted_rows(2)
    X = StandardScaler().fit_transform(X)
    repeated = np.repeat(X, counts, axis=0)
    ours = GaussianMixture(1).fit(X, sample_weight=counts)
    theirs = GaussianMixture(1).fit(repeated)
    np.testing.assert_allclose(ours.covariances_, theirs.covariances_, rtol=1e-10)
    assert ours.score(X, sample_weight=counts) == pytest.approx(theirs.score(repeated), rel=1e-12)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (np.ones(5), ValueError, r"sample_weight must be of shape \(6,\), got \(5,\)"),
        (np.ones((6, 1)), ValueError, r"must be of shape \(6,\), got \(6, 1\)"),
        (1.0, ValueError, r"must be of shape \(6,\), got \(\)"),
        ([1, 1, 1, 1, 1, -1], ValueError, "must be finite and not negative"),
        ([1, 1, 1, 1, 1, np.nan], ValueError, "must be finite and not negative"),
        ([1, 1, 1, 1, 1, np.inf], ValueError, "must be finite and not negative"),
        (np.zeros(6), ValueError, "must not be zero for every row"),
        (["a"] * 6, TypeError, "must be an array of numbers"),
        ([1, 0, 0, 0, 0, 0], ValueError, "n_components must be at most the number of rows, 1, got 2"),
    ],
)
def test_bad_weights(weights, error, message):
    X = np.arange(12.0).reshape(6, 2)
    with pytest.raises(error, match=message):
        fastgmm.fit(X, 2, sample_weight=weights)
    with pytest.raises(error, match="n_components = 2, n_samples = 1" if "n_components" in message else message):
        GaussianMixture(2).fit(X, sample_weight=weights)


@pytest.mark.parametrize("unit", [1.0, 2.0**-10, 1e-3])
def test_k_means_moves_light_clusters_all_the_way(unit):
    """A divisor meant for counts, max(N_k, 1), once held back every cluster that weighs less than 1."""
    X, counts = weighted_rows(2)
    weights = unit * counts
    labels, means = k_means_of(X, 3, weights).fit(np.random.default_rng(0))
    expected = [np.average(X[labels == k], axis=0, weights=weights[labels == k]) for k in range(3)]
    np.testing.assert_allclose(means, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(labels, k_means_of(X, 3, counts.astype(float)).fit(np.random.default_rng(0)).labels)


@pytest.mark.parametrize("position", [0, 1, -1])
@pytest.mark.parametrize("init", ["labels", "kmeans"])
def test_a_huge_row_without_weight_may_stand_anywhere(position, init):
    """Passes are centred on the first row that counts: on a huge one, float32 rows would lose all their digits."""
    X = weighted_rows(2)[0][:60].astype(np.float32)
    weights = np.ones(60)
    X[position], weights[position] = 1e15, 0.0
    kept = weights > 0.0
    labels = np.arange(60) % 2
    starts = (labels, labels[kept]) if init == "labels" else ("kmeans", "kmeans")
    ours = fastgmm.fit(X, 2, init=starts[0], sample_weight=weights, max_iter=0, random_state=0).mixture
    expected = fastgmm.fit(X[kept], 2, init=starts[1], max_iter=0, random_state=0).mixture
    if init == "labels":
        assert_same_parameters(ours, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(ours.means).max() < 1e3
    assert np.abs(ours.covariances).max() < 1e3


def test_extreme_units():
    X, counts = weighted_rows(2)
    expected = fastgmm.fit(X, 2, sample_weight=counts, random_state=0).mixture
    for unit in (1e-320, 4e307):
        ours = fastgmm.fit(X, 2, sample_weight=unit * np.sign(counts) * counts, random_state=0).mixture
        np.testing.assert_allclose(ours.means, expected.means, rtol=1e-2)
