import numpy as np
import pytest
from conftest import assert_same_bits, assert_same_parameters, k_means_of
from sklearn.cluster import KMeans as SklearnKMeans

import fastgmm
from fastgmm import Mixture, naive
from fastgmm._numba.options import JIT_ENABLED, exact
from fastgmm.kernels.k_means import lloyd
from fastgmm.kernels.k_means.plus_plus import draw_row, draw_superblock
from fastgmm.kernels.k_means.two import label_two, sum_two
from fastgmm.rows import array as array_module
from fastgmm.rows import array_run, whole_run
from fastgmm.rows import run as run_module
from fastgmm.rows.check import check_labels
from fastgmm.rows.start import k_means as k_means_module
from fastgmm.rows.start.k_means import KMeans


def clouds(n_samples, n_features, n_components, spread=10.0, seed=0):
    generator = np.random.default_rng(seed)
    centers = spread * generator.normal(size=(n_components, n_features))
    labels = generator.integers(n_components, size=n_samples)
    return centers[labels] + generator.normal(size=(n_samples, n_features)), labels


def inertia(X, labels):
    return sum(((X[labels == k] - X[labels == k].mean(axis=0)) ** 2).sum() for k in np.unique(labels))


def k_means(X, n_components, seed=0, n_threads=None):
    """Labels of one start."""
    labels, _ = k_means_of(X, n_components, n_threads=n_threads).fit(np.random.default_rng(seed))
    return labels


@pytest.mark.parametrize("n_features", [1, 2, 5, 12])
def test_k_means_finds_what_scikit_learn_finds(n_features):
    X, _ = clouds(400 if JIT_ENABLED else 100, n_features, 4)
    ours = min(inertia(X, k_means(X, 4, seed)) for seed in range(5))
    theirs = SklearnKMeans(4, n_init=5, random_state=0).fit(X).inertia_
    assert ours <= theirs * 1.02


def test_k_means_separates_far_clouds_at_any_offset():
    for offset in (0.0, 1e8):
        X, truth = clouds(100, 2, 3, spread=100.0)
        labels = k_means(X + offset, 3)
        assert len({(int(a), int(b)) for a, b in zip(labels, truth, strict=True)}) == 3


def test_k_means_layouts_and_threads_change_no_bit():
    X, _ = clouds(20_000 if JIT_ENABLED else 200, 2, 3)
    expected = k_means(X, 3)
    np.testing.assert_array_equal(k_means(np.asfortranarray(X), 3), expected)
    np.testing.assert_array_equal(k_means(X, 3, n_threads=1), expected)


@pytest.mark.parametrize("n_features", [2, 9])  # 9 x 4 is too many to sum by mask
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_k_means_labels_are_of_the_nearest_centres_and_means_are_theirs(n_features, offset):
    """Overlapping clouds of several superblocks, so that Lloyd's rounds have something to do."""
    X, _ = clouds(5001 if JIT_ENABLED else 150, n_features, 4, spread=1.0)
    X += offset
    labels, means = k_means_of(X, 4).fit(np.random.default_rng(3))
    np.testing.assert_allclose(means, [X[labels == k].mean(axis=0) for k in range(4)], atol=1e-9 + 4e-16 * offset)
    nearest = np.argmin(((X[:, None] - means[None]) ** 2).sum(axis=2), axis=1)
    assert np.mean(nearest != labels) < 0.02  # the labels are those of the centres one round before


@pytest.mark.parametrize("n_features", [4, 5, 7, 10, 16])
def test_sums_of_clusters_are_those_of_numpy(n_features):
    """Pairs of clusters and an odd one, whole fours of features and each rest, by mask and by cluster."""
    for n_samples in (255, 257, 600) if JIT_ENABLED else (257,):
        for n_components in (1, 2, 3, 8, 17):
            X = clouds(n_samples, n_features, n_components, spread=1.0)[0]
            labels, means = k_means_of(X, n_components).fit(np.random.default_rng(3))
            np.testing.assert_allclose(means, [X[labels == k].mean(axis=0) for k in range(n_components)], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_k_means_of_few_features_and_clusters(n_features, dtype, monkeypatch):
    """Ends of blocks and of steps of 16, and each number of clusters: one loop sums up to 4, pairs of sums more."""
    monkeypatch.setattr(lloyd, "MOST_ROUNDS", 50)  # labels are those of the centres one round before
    epsilon = np.finfo(dtype).eps
    for n_samples in (15, 16, 17, 255, 256, 257, 513) if JIT_ENABLED else (17, 257):
        for n_components in (1, 2, 3, 4, 5):
            X = clouds(n_samples, n_features, n_components, spread=1.0)[0].astype(dtype)
            labels, means = k_means_of(X, n_components).fit(np.random.default_rng(3))
            assert len(labels) == n_samples
            of_labels = [X[labels == k].mean(axis=0, dtype=float) for k in range(n_components)]
            np.testing.assert_allclose(means, of_labels, rtol=100 * epsilon, atol=10 * epsilon)
            nearest = np.argmin(((X[:, None] - means[None]) ** 2).sum(axis=2), axis=1)
            assert np.count_nonzero(nearest != labels) <= 0.02 * n_samples


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("centers", [(-0.25, 0.5), (0.5, -0.25), (0.25, 0.25), (0.0, 3.0)])
def test_two_clusters_of_one_feature_are_told_apart_by_the_middle(centers, dtype):
    x = np.random.default_rng(0).normal(size=(300, 1)).astype(dtype)
    x.flags.writeable = False
    centers = np.array(centers, dtype)[:, np.newaxis]
    scales, origin = np.array([0.5], dtype), np.array([0.125], dtype)
    for first, n_rows in ((0, 1), (3, 17), (0, 255), (44, 256)):
        slab, labels = np.ones((3, 8)), np.full(n_rows, 7)
        sum_two(x, first, n_rows, scales, origin, centers, slab)
        label_two(x, first, n_rows, scales, origin, centers, labels)
        z = (x[first : first + n_rows, 0] * scales - origin).astype(float)
        squares = (z - centers.astype(float)) ** 2
        np.testing.assert_array_equal(labels, squares.argmin(axis=0))
        sums = [[np.count_nonzero(labels == k), z[labels == k].sum()] for k in range(2)]
        epsilon = 8 * np.finfo(dtype).eps * n_rows
        np.testing.assert_allclose(slab[:2, :2] - 1.0, sums, rtol=epsilon, atol=epsilon)
        np.testing.assert_allclose(slab[2, 0] - 1.0, squares.min(axis=0).sum(), rtol=epsilon, atol=epsilon)


@exact
def draw(uniform, sums, closest, unit):
    s, target = draw_superblock(uniform, sums)
    return s * unit + draw_row(target, closest[s * unit : (s + 1) * unit], sums[:0])


def test_k_means_centres_are_drawn_by_squared_distance():
    """Rows at distances 1 and 3 of the many at 0, superblocks apart: one is nine times as likely as the other."""
    closest, unit = np.zeros(50), 20
    closest[1], closest[-2] = 1.0, 9.0
    sums = np.array([closest[a : a + unit].sum() for a in range(0, len(closest), unit)])
    rows = [draw(uniform, sums, closest, unit) for uniform in np.linspace(0.0, 1.0, 100, endpoint=False)]
    assert rows == [1] * 10 + [48] * 90


def test_plus_plus_rows_are_distinct_and_spread_out():
    X, truth = clouds(100, 2, 4, spread=100.0)
    for seed in range(10):
        rows = X[k_means_of(X, 4).seed(np.random.default_rng(seed))]
        found = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in rows]
        assert len(set(truth[found])) == 4


def test_k_means_and_rounds_go_on_where_they_left_off(monkeypatch):
    """Compiled code comes back after a launch; however short launches are, the bits are the same."""
    X, _ = clouds(9000 if JIT_ENABLED else 700, 2, 4)
    expected = fastgmm.fit(X, 4, random_state=0, max_iter=3)
    for module in (k_means_module, run_module, array_module, whole_run):
        monkeypatch.setattr(module, "LAUNCH_NANOSECONDS", 1.0)
    result = fastgmm.fit(X, 4, random_state=0, max_iter=3)
    assert_same_bits(result.mixture, expected.mixture)
    assert result.log_likelihood == expected.log_likelihood


@pytest.mark.parametrize("n_components", [2, 3, 6])
def test_k_means_with_fewer_distinct_rows_than_clusters(n_components):
    X = np.repeat([[0.0, 0.0], [5.0, 5.0]], 3, axis=0)
    labels, means = k_means_of(X, n_components).fit(np.random.default_rng(0))
    assert set(labels) == set(range(n_components))
    assert (means is None) == (n_components > 2)
    with pytest.warns(RuntimeWarning, match="no spread at all"):
        result = fastgmm.fit(X, n_components, random_state=0)
    assert np.isfinite(result.log_likelihood)
    assert result.degenerate_components == tuple(range(n_components))


def test_all_rows_equal_and_one_row():
    with pytest.warns(RuntimeWarning, match="components 0 and 1 have no spread at all"):
        result = fastgmm.fit(np.full((7, 2), 3.0), 2, random_state=0)
    np.testing.assert_allclose(result.mixture.means, 3.0)
    # There is no variance to take a share of: it is one of the square of the mean.
    np.testing.assert_allclose(result.mixture.covariances, [9e-12 * np.eye(2)] * 2, atol=1e-24)
    with pytest.warns(RuntimeWarning, match="component 0 has no spread at all"):
        assert fastgmm.fit([[1.0, 2.0]], 1).mixture.means.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(("n_features", "n_components"), [(3, 3), (1, 2)])
def test_labels_give_the_parameters_of_their_groups(n_features, n_components):
    X, labels = clouds(200 if JIT_ENABLED else 60, n_features, n_components)
    options = {"max_iter": 0, "reg_covar": 0.0}
    start = fastgmm.fit(X, n_components, init=labels, **options).mixture
    one_hot = np.eye(n_components)[labels]
    assert_same_parameters(start, Mixture(*naive.m_step(X, one_hot)))
    assert_same_bits(start, fastgmm.fit(X, n_components, init=one_hot, **options).mixture)
    shared = np.random.default_rng(1).dirichlet(np.ones(n_components), size=len(X))
    start = fastgmm.fit(X, n_components, init=shared, **options).mixture
    assert_same_parameters(start, Mixture(*naive.m_step(X, shared)))


def test_responsibilities_give_one_m_step():
    X, _ = clouds(60, 2, 3)
    responsibilities = np.random.default_rng(1).dirichlet([1.0, 1.0, 1.0], size=len(X))
    start = fastgmm.fit(X, 3, init=responsibilities, max_iter=0, reg_covar=0.0).mixture
    assert_same_parameters(start, Mixture(*naive.m_step(X, responsibilities)))


def test_far_apart_groups_do_not_cancel():
    """One group at 1e9 from the other: moments about a common centre would lose every digit of the variance."""
    generator = np.random.default_rng(0)
    X = np.concatenate([generator.normal(size=(50, 2)), 1e9 + generator.integers(-5, 5, size=(50, 2))])
    labels = np.repeat([0, 1], 50)
    start = fastgmm.fit(X, 2, init=labels, max_iter=0, reg_covar=0.0).mixture
    np.testing.assert_allclose(start.covariances[1], np.cov((X[50:] - 1e9).T, bias=True), rtol=1e-6)


@pytest.mark.parametrize("init", ["k-means++", "random_from_data"])
def test_row_starts_are_rows_with_regularised_covariances(init):
    X, _ = clouds(50, 2, 3)
    start = fastgmm.fit(X, 3, init=init, max_iter=0, reg_covar=0.5, random_state=0).mixture
    for mean in start.means:
        assert (mean == X).all(axis=1).any()
    np.testing.assert_allclose(start.covariances, [0.5 * np.eye(2)] * 3)
    np.testing.assert_allclose(start.weights, 1.0 / 3.0)


def test_random_start_does_not_depend_on_the_pieces(monkeypatch):
    X, _ = clouds(10_000 if JIT_ENABLED else 300, 2, 3)
    expected = fastgmm.fit(X, 3, init="random", max_iter=0, random_state=0).mixture
    monkeypatch.setattr(array_run, "COPY_BYTES", 1)
    assert_same_bits(fastgmm.fit(X, 3, init="random", max_iter=0, random_state=0).mixture, expected)


@pytest.mark.parametrize(
    ("init", "error", "message"),
    [
        ("kmean", ValueError, "init must be one of 'kmeans', 'k-means\\+\\+'"),
        (3.0, TypeError, "init must be one of"),
        (np.zeros(5, int), ValueError, r"shape \(6,\), got \(5,\)"),
        (np.array([0, 0, 1, 1, 2, 2]), ValueError, r"lie in 0\.\.1, got values from 0 to 2"),
        (np.zeros(6, int), ValueError, "leave component 1 without rows"),
        (np.full((6, 3), 1 / 3), ValueError, r"shape \(6, 2\), got \(6, 3\)"),
        (np.full((6, 2), 0.7), ValueError, "sum to 1"),
        (np.full((6, 2), np.nan), ValueError, "sum to 1"),
        (np.array([[1.0, 0.0]] * 6), ValueError, "leave a component without rows"),
        (Mixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None]), ValueError, "init has 1 components"),
        (Mixture(np.ones(2) / 2, np.zeros((2, 3)), np.array([np.eye(3)] * 2)), ValueError, "3 features"),
    ],
)
def test_bad_init(init, error, message):
    with pytest.raises(error, match=message):
        fastgmm.fit(np.arange(12.0).reshape(6, 2), 2, init=init)


@pytest.mark.parametrize("layout", [lambda y: y, lambda y: np.repeat(y, 2)[::2], lambda y: y.astype(np.uint8)])
def test_labels_of_any_layout_and_read_only(layout):
    X, labels = clouds(60, 2, 3)
    given = layout(labels)
    given.flags.writeable = False
    expected = fastgmm.fit(X, 3, init=labels, max_iter=3).mixture
    assert_same_bits(fastgmm.fit(X, 3, init=given, max_iter=3).mixture, expected)


@pytest.mark.parametrize("weights", [np.empty(0), np.ones(9001)])
def test_a_component_may_have_a_late_row_alone(weights):
    labels = np.zeros(9001, int)
    with pytest.raises(ValueError, match="leave component 1 without rows"):
        check_labels(labels, 9001, 2, weights)
    labels[-1] = 1
    np.testing.assert_array_equal(check_labels(labels, 9001, 2, weights), labels)
    if len(weights):
        with pytest.raises(ValueError, match="leave component 1 without rows"):
            check_labels(labels, 9001, 2, np.append(weights[:-1], 0.0))


def test_fewer_distinct_rows_than_clusters_end_soon():
    X = np.repeat([[0.0, 0.0], [5.0, 5.0]], 3, axis=0)
    X.flags.writeable = False
    k_means_ = KMeans(X, 3, None, np.empty(0), X.std(axis=0))
    k_means_.fit(np.random.default_rng(0))
    assert k_means_.n_rounds < 10


@pytest.mark.parametrize("kind", ["labels", "responsibilities"])
@pytest.mark.parametrize("source", ["chunks", "dask"])
def test_what_is_given_of_rows_elsewhere_must_leave_rows_with_weight(source, kind):
    pandas = pytest.importorskip("pandas")
    labels = np.repeat([1, 0], 50)
    rows, weights = np.random.default_rng(0).normal(size=(100, 2)), np.repeat([0.0, 1.0], 50)
    init = labels if kind == "labels" else np.eye(2)[labels]
    frame = pandas.DataFrame({"a": rows[:, 0], "b": rows[:, 1], "w": weights})
    X = [frame[:40], frame[40:]]
    if source == "dask":
        X = pytest.importorskip("dask.dataframe").from_pandas(frame, npartitions=2)
    with pytest.raises(ValueError, match=f"init {kind} leave component 1 without rows; each needs one"):
        fastgmm.fit(X, 2, init=init, sample_weight="w")
    frame.loc[0, "w"] = frame.loc[1, "w"] = 1.0
    if source == "chunks":
        X = [frame[:40], frame[40:]]
        assert fastgmm.fit(X, 2, init=init, sample_weight="w", reg_covar=0.1).n_iter
