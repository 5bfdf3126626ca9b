"""The start from a tree of rows: Ward's mergers against a search through all pairs, partitions, and every door."""

import numpy as np
import pytest
from conftest import assert_same_bits, make_problem

import fastgmm
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em import start
from fastgmm.kernels.agglomeration import agglomerate
from fastgmm.rows.array import ArraySource
from fastgmm.rows.source import Sample
from fastgmm.rows.start import tree as trees
from fastgmm.shell import commands

NONE = np.empty(0)
X, _ = make_problem(120, 4, 3)


def tree_of(rows, weights=NONE, n_leaves=2000, seed=0):
    columns = ArraySource(rows, weights=weights).moments()
    return trees.Tree(Sample(rows, weights, True), columns, n_leaves, np.random.default_rng(seed))


def greedy(points, weights):
    """The partitions of n, n - 1, ..., 1 clusters, by the least that a merger of any two adds: O(n^3)."""
    clusters = [[i] for i in range(len(points))]
    yield clusters
    while len(clusters) > 1:
        w = np.array([weights[each].sum() for each in clusters])
        means = np.array([weights[each] @ points[each] / weights[each].sum() for each in clusters])
        added = np.outer(w, w) / np.add.outer(w, w) * ((means[:, None] - means) ** 2).sum(axis=2)
        a, b = sorted(divmod(int((added + np.diag(np.full(len(w), np.inf))).argmin()), len(w)))
        clusters = [each for i, each in enumerate(clusters) if i not in (a, b)] + [clusters[a] + clusters[b]]
        yield clusters


def sets_of(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_features", [1, 2, 5])
def test_the_mergers_are_those_of_the_greedy_method(n_features, weighted):
    generator = np.random.default_rng(n_features)
    rows = generator.normal(size=(40, n_features)) * generator.uniform(0.1, 100.0, n_features)
    weights = generator.gamma(1.0, size=40) if weighted else NONE
    tree = tree_of(rows, weights)
    for clusters in greedy(tree._points, weights if weighted else np.ones(40)):
        labels = tree.partition(len(clusters))
        assert sets_of(labels) == {frozenset(each) for each in clusters}
        assert np.unique(labels, return_index=True)[1].tolist() == sorted(min(each) for each in clusters)


@pytest.mark.parametrize("scale", [1.0, 1e200])
@pytest.mark.parametrize("n_rows", [2, 3, 6])
def test_a_chain_may_hold_all_rows(n_rows, scale):
    """Each row is nearer to the next than to the one before; with the larger scale squares are infinite."""
    points = scale * np.cumsum(0.4 ** np.arange(n_rows))[:, np.newaxis]
    with np.errstate(all="ignore"):  # interpreted, NumPy's numbers warn of it
        mergers = trees._mergers(points, np.ones(n_rows))
    assert sorted(np.unique(mergers)) == list(range(n_rows))
    if scale == 1.0:
        assert sets_of_mergers(mergers) == [set(range(i, n_rows)) for i in range(n_rows - 2, -1, -1)]


def sets_of_mergers(mergers):
    clusters, made = {}, []
    for a, b in mergers.tolist():
        clusters[a] = clusters.get(a, {a}) | clusters.get(b, {b})
        clusters[b] = clusters[a]
        made.append(clusters[a])
    return made


def test_steps_can_be_taken_one_at_a_time():
    points = np.random.default_rng(0).normal(size=(3, 30))

    def agglomerated(most):
        merged, added, counts = np.empty((29, 2), np.int64), np.empty(29), np.zeros(2, np.int64)
        scratch = np.zeros(30), np.empty(30), np.empty(30, np.int64)
        means, weights, n_calls = points.copy(), np.ones(30), 0
        while counts[0] < 29:
            agglomerate(means, weights, merged, added, *scratch, counts, most)
            n_calls += 1
        np.testing.assert_allclose(means[:, weights > 0.0][:, 0], points.mean(axis=1), atol=1e-14)
        # What all mergers add is the sum of squares about the mean.
        assert added.sum() == pytest.approx(((points - points.mean(axis=1, keepdims=True)) ** 2).sum(), rel=1e-12)
        return merged, added, n_calls

    (merged, added, n_calls), (others, other, once) = agglomerated(1), agglomerated(1000)
    np.testing.assert_array_equal(merged, others)
    np.testing.assert_array_equal(added, other)
    assert n_calls > 29 > once == 1


@pytest.mark.parametrize("kind", ["grid", "duplicates", "constant", "far", "one value", "huge"])
def test_rows_that_tie_or_cancel_have_nested_partitions(kind):
    rows = {
        "grid": np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), axis=-1).reshape(-1, 2),
        "duplicates": np.repeat([[0.0, 1.0], [2.0, 5.0], [2.0, 6.0]], 20, axis=0),
        "constant": np.column_stack([X[:60, 0], np.full(60, 3.0)]),
        "far": X[:60, :2] + 1e9,
        "one value": np.full((20, 2), 7.0),
        "huge": np.where(np.arange(40).reshape(20, 2) % 3 == 0, 1.7e308, -1.7e308),
    }[kind]
    tree = tree_of(rows)
    before = np.zeros(len(rows), np.int64)
    for k in range(1, len(rows) + 1):
        labels = tree.partition(k)
        assert np.unique(labels).tolist() == list(range(k))
        assert len(np.unique(np.stack([before, labels]), axis=1).T) == k  # each lies in one of those before
        before = labels


def test_units_and_origin_do_not_matter():
    expected = tree_of(X).partition(5)
    units = np.array([1e-6, 3.0, 1e5, 0.7])
    np.testing.assert_array_equal(tree_of(X * units + 10.0 * units).partition(5), expected)


def test_weights_are_rows_repeated_and_rows_without_any_say_nothing():
    weights = np.random.default_rng(0).integers(0, 4, len(X)).astype(float)
    repeated = np.repeat(np.arange(len(X)), weights.astype(int))
    for k in (2, 3, 7):
        labels = tree_of(X, weights).partition(k)
        np.testing.assert_array_equal(sets_of(labels[repeated]), sets_of(tree_of(X[repeated]).partition(k)))
    lying = np.where(weights[:, np.newaxis] > 0.0, X, 1e6)
    np.testing.assert_array_equal(
        tree_of(lying, weights).partition(3)[weights > 0.0], tree_of(X, weights).partition(3)[weights > 0.0]
    )


def test_other_rows_belong_to_the_nearest_mean_of_the_leaves():
    tree = tree_of(X, n_leaves=50, seed=3)
    labels, leaves = tree.partition(3), tree._leaves
    assert len(leaves) == 50
    means = np.array([tree._points[leaves][labels[leaves] == k].mean(axis=0) for k in range(3)])
    nearest = ((tree._points[:, np.newaxis] - means) ** 2).sum(axis=2).argmin(axis=1)
    others = np.setdiff1d(np.arange(len(X)), leaves)
    np.testing.assert_array_equal(labels[others], nearest[others])
    means = [X[labels == k].mean(axis=0) for k in range(3)]
    np.testing.assert_allclose(tree.centers(labels, 3).means, means, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_fit_begins_with_the_partition(dtype):
    rows = X.astype(dtype)
    fitted = fastgmm.fit(rows, 3, init="tree")
    given = fastgmm.fit(rows, 3, init=tree_of(rows).partition(3))
    assert_same_bits(fitted.mixture, given.mixture)
    assert fitted.n_iter == given.n_iter


def test_every_door_has_it(tmp_path, monkeypatch, capsys):
    fitted = fastgmm.fit(X, 3, init="tree", reg_covar=1e-6)
    model = fastgmm.GaussianMixture(3, init_params="tree").fit(X)
    np.testing.assert_array_equal(model.means_, fitted.mixture.means)
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    assert commands.main(["fit", "x.npy", "-k", "3", "--init", "tree", "--reg-covar", "1e-6", "--out", "x"]) == 0
    np.testing.assert_array_equal(fastgmm.Mixture.load("x/model.json").means, fitted.mixture.means)
    assert commands.main(["fit", "--help"]) == 0
    assert "random_from_data, tree" in " ".join(capsys.readouterr().out.split())


def test_a_tree_of_all_rows_is_one_start():
    seen = set()
    fastgmm.fit(X, 3, init="tree", n_init=4, callback=lambda state: seen.add(state.start))
    assert seen == {0}


def test_a_selection_grows_one_tree(monkeypatch):
    grown, grow = [], trees.Tree
    monkeypatch.setattr(start, "Tree", lambda *given: grown.append(1) or grow(*given))
    selection = fastgmm.select(X, (4, 2, 3), ("full", "tied"), init="tree", max_iter=3, tol=0.0)
    assert len(grown) == 1
    for each in selection.candidates:
        options = {"covariance_type": each.covariance_type, "init": "tree", "max_iter": 3, "tol": 0.0}
        assert_same_bits(each.result.mixture, fastgmm.fit(X, each.n_components, **options).mixture)


@pytest.mark.parametrize(("sizes", "n_trees"), [((60, 60, 80), 1), ((50, 50, 50), 2), ((50, 50, 55), 3)])
def test_trees_of_samples_are_shared_where_they_would_be_the_same(sizes, n_trees, monkeypatch):
    """Of four times as many rows a start looks at all where K D <= 8, for K = 2; else of twice as many."""
    monkeypatch.setattr(start, "sample_size", lambda plan: sizes[plan.n_components - 2])
    monkeypatch.setattr(start, "n_leaves", lambda n_components: 40)
    grown, grow = [], trees.Tree
    monkeypatch.setattr(start, "Tree", lambda *given: grown.append(1) or grow(*given))
    options = {"init": "tree", "max_iter": 3, "tol": 0.0, "n_init": 2}
    selection = fastgmm.select(X, (2, 3, 4), ("full", "tied"), **options)
    assert len(grown) == 2 * n_trees
    for each in selection.candidates:
        alone = fastgmm.fit(X, each.n_components, covariance_type=each.covariance_type, **options)
        assert_same_bits(each.result.mixture, alone.mixture)
    seeds = [fastgmm.fit(X, 3, init="tree", max_iter=0, random_state=seed).mixture.means for seed in (0, 1)]
    assert not np.array_equal(*seeds)


@pytest.mark.skipif(not JIT_ENABLED, reason="a distance takes a microsecond")
def test_of_many_rows_the_tree_is_that_of_a_sample():
    rows, _ = make_problem(50_000, 4, 3)
    fitted = fastgmm.fit(rows, 3, init="tree")
    labels = fitted.mixture.predict(rows)
    expected = fastgmm.fit(rows, 3, init="kmeans", n_init=3)
    assert fitted.log_likelihood >= expected.log_likelihood - 0.01 * len(rows)
    assert np.bincount(labels).min() > 1000


def test_a_component_where_nothing_is_observed_of_a_feature_is_not_without_spread():
    """Filled with the mean of the column, as rows of a sample are, the feature would have no variance there."""
    generator = np.random.default_rng(0)
    rows = np.concatenate([generator.normal(0.0, 1.0, (60, 2)), generator.normal(20.0, 1.0, (60, 2))])
    rows[60:, 1] = np.nan
    fitted = fastgmm.fit(rows, 2, init="tree", missing="marginal", max_iter=0)
    assert fitted.mixture.full_covariances()[:, 1, 1].min() > 0.1


def test_an_unknown_start_names_it():
    with pytest.raises(ValueError, match=r"init must be one of 'kmeans', .*, 'tree', got 'forest'"):
        fastgmm.fit(X, 2, init="forest")
