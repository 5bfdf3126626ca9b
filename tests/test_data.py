"""The example data sets: contents, names, and the program that drew ``fourclusters``."""

import numpy as np
import pytest

from fastgmm.data import EXAMPLES, fourclusters, load_example


def draw_fourclusters(seed=0, n_samples=5000):
    """The program that wrote fourclusters.csv; the parameters are the published result of the original."""
    published = fourclusters.RESULT
    rng = np.random.default_rng(seed)
    component = rng.choice(4, size=n_samples, p=published.weights)
    standard_normals = rng.standard_normal((n_samples, 2))
    factors = np.linalg.cholesky(published.covariances)[component]
    return np.round(published.means[component] + np.einsum("nij,nj->ni", factors, standard_normals), 5)


@pytest.mark.parametrize(
    ("name", "shape", "feature_names"),
    [
        ("geyser", (272, 2), ("eruptions (min)", "waiting (min)")),
        ("fourclusters", (5000, 2), ("x1", "x2")),
        ("timeseries", (50, 1), ("value",)),
    ],
)
def test_shape_layout_and_names(name, shape, feature_names):
    X, names = load_example(name)
    assert X.shape == shape
    assert X.dtype == np.float64
    assert X.flags.c_contiguous
    assert np.isfinite(X).all()
    assert names == feature_names


def test_examples_lists_every_data_set():
    assert sorted(EXAMPLES) == ["fourclusters", "geyser", "timeseries"]


def test_each_call_returns_a_new_array():
    first, _ = load_example("timeseries")
    first[:] = 0.0
    second, _ = load_example("timeseries")
    assert second.min() > 0.0


def test_geyser_is_faithful_of_r():
    X, _ = load_example("geyser")
    # colMeans, ranges, first and last row as R prints them.
    np.testing.assert_allclose(X.mean(axis=0), [3.487783, 70.897059], atol=5e-7)
    np.testing.assert_array_equal(X.min(axis=0), [1.6, 43.0])
    np.testing.assert_array_equal(X.max(axis=0), [5.1, 96.0])
    np.testing.assert_array_equal(X[[0, -1]], [[3.6, 79.0], [4.467, 74.0]])


def test_fourclusters_is_redrawn():
    X, _ = load_example("fourclusters")
    # One unit of the last decimal, should another linear-algebra library round a tie the other way.
    np.testing.assert_allclose(X, draw_fourclusters(), rtol=0.0, atol=1.001e-5)


def test_timeseries_repeats_one_value_thirteen_times():
    X, _ = load_example("timeseries")
    values, counts = np.unique(X, return_counts=True)
    assert counts.max() == 13
    assert values[counts.argmax()] == 44.44571429
    np.testing.assert_array_equal(X[[0, 1, -1], 0], [25.31, 24.31, 24.19])


@pytest.mark.parametrize("name", ["iris", "", "geyser.csv", "../geyser"])
def test_unknown_name_lists_the_known_ones(name):
    with pytest.raises(ValueError, match="geyser, fourclusters, timeseries"):
        load_example(name)
