"""Labels that most components are left out for: those of all components, to the last tie."""

import contextlib

import hypothesis
import numpy as np
import pytest
from conftest import random_covariances
from hypothesis import strategies as st

from fastgmm import Mixture
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.kernels.work import OK
from fastgmm.model import plan
from fastgmm.rows.launch import pieces
from fastgmm.rows.pruning import guess, labels, nearby

EXAMPLES, MOST_ROWS, MOST_COMPONENTS = (60, 3000, 40) if JIT_ENABLED else (4, 300, 5)


@contextlib.contextmanager
def pruned(always=True):
    """Prune the labels of all matrices, or with `always` off as long as that is worth it; yield what came of each."""
    found = []
    label = labels.label

    def noted(*arguments):
        found.append(label(*arguments))
        return found[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labels, "label", noted)
        for name in ("LONG_COMPONENTS", "LONG_ROW_WORK", "LONG_ROUND_WORK"):
            patch.setattr(plan, name, 0)
        patch.setattr(guess, "are_worth_it", lambda plan, n_samples: plan.kernels.density.name == "full")
        if always:
            patch.setattr(labels, "MOST", 2.0)
        yield found


def problem(n_samples, n_features, n_components, spread, seed=0, dtype=np.float64):
    generator = np.random.default_rng(seed)
    means = spread * generator.normal(size=(n_components, n_features))
    X = means[generator.integers(n_components, size=n_samples)] + generator.normal(size=(n_samples, n_features))
    weights = generator.dirichlet(np.full(n_components, 2.0))
    return X.astype(dtype), Mixture(weights, means, random_covariances(generator, n_components, n_features))


def assert_same_labels(X, mixture, n_threads=None):
    dense = mixture.predict(X)
    with pruned() as found:
        np.testing.assert_array_equal(mixture.predict(X, n_threads=n_threads), dense)
    assert found != [None]
    assert found


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([np.float64, np.float32]),
    n_samples=st.integers(1, MOST_ROWS),
    n_features=st.integers(4, 11),
    n_components=st.integers(2, MOST_COMPONENTS),
    spread=st.floats(0.0, 8.0),
    offset=st.sampled_from([0.0, 1e4]),
    scale=st.sampled_from([1.0, 1e-9, 1e9, 1e-155]),
    doubled=st.booleans(),
)
def test_labels_are_those_of_all_components(
    seed, dtype, n_samples, n_features, n_components, spread, offset, scale, doubled
):
    X, p = problem(n_samples, n_features, n_components, spread, seed, dtype)
    scale = max(scale, 1e-9) if dtype == np.float32 else scale
    weights, means, covariances = p.weights, scale * (p.means + offset), scale**2 * p.covariances
    if doubled:  # each row has two components that are the most probable
        means, covariances = np.concatenate([means, means]), np.concatenate([covariances, covariances])
        weights = np.concatenate([weights, weights]) / 2.0
    assert_same_labels((scale * (X.astype(np.float64) + offset)).astype(dtype), Mixture(weights, means, covariances))


def hostile(case):
    X, p = problem(2000, 5, 12, 4.0)
    weights, means, covariances = (np.array(each) for each in (p.weights, p.means, p.covariances))
    if case == "rows beyond all":
        X[::3] *= 1e300
    elif case == "rows that underflow":
        X[:5] = 1e160
    elif case == "all rows far":
        X += 1e20
    elif case == "components without weight":
        weights[[0, 4]] = 0.0
        weights /= weights.sum()
    elif case == "a component far from all":
        means[3] = 1e200
    elif case == "a component on a point":
        means[7], covariances[7] = X[0], 1e-14 * np.eye(5)
    elif case == "a component as wide as can be":
        covariances[2] = 1e200 * np.eye(5)
    elif case == "needles":
        covariances += 1e8 * np.eye(5)[0] * np.eye(5)[:, :1]
    elif case == "equal rows":
        X[:] = X[0]
    elif case == "one component with nearly all rows":
        weights[:] = 1e-12 / 11
        weights[5] = 1.0 - 1e-12
    return X, Mixture(weights, means, covariances)


@pytest.mark.compiled
@pytest.mark.parametrize(
    "case",
    [
        "rows beyond all",
        "rows that underflow",
        "all rows far",
        "components without weight",
        "a component far from all",
        "a component on a point",
        "a component as wide as can be",
        "needles",
        "equal rows",
        "one component with nearly all rows",
    ],
)
def test_hostile_rows_and_components(case):
    assert_same_labels(*hostile(case))


@pytest.mark.compiled
def test_threads_and_windows_find_the_same_labels(monkeypatch):
    X, p = problem(70000, 8, 16, 3.0)
    for n_threads in (1, 2):
        assert_same_labels(X, p, n_threads)
    monkeypatch.setattr(labels, "WINDOW_BYTES", 0)
    monkeypatch.setattr(labels, "WINDOW_BLOCKS", 3)
    assert_same_labels(X, p)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layout", ["F", "A"])
def test_layouts_find_the_same_labels(layout, dtype):
    if JIT_ENABLED and (layout == "F") == (dtype == np.float64):
        pytest.skip("each takes the compiler ten seconds: all layouts and dtypes are compiled, not all pairs")
    X, p = problem(700 if JIT_ENABLED else 300, 8, 5, 3.0, dtype=dtype)
    expected = p.predict(X)
    with pytest.MonkeyPatch.context() as patch, pruned() as found:
        patch.setattr(pieces, "COPY_BYTES", 0)
        labels = p.predict(np.asfortranarray(X) if layout == "F" else np.repeat(X, 2, axis=0)[::2])
    assert found == [OK]
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.compiled
def test_few_components_are_evaluated_where_they_are_apart(monkeypatch):
    X, p = problem(20000, 8, 64, 5.0)
    counts = []
    in_order = labels._in_order

    def noted(*arguments):
        counts.append(in_order(*arguments))
        return counts[-1]

    monkeypatch.setattr(labels, "_in_order", noted)
    with pruned(always=False) as found:
        p.predict(X)
    assert found == [labels.OK]
    assert counts[0].counts.mean() < 0.2 * 64


@pytest.mark.compiled
def test_overlapping_components_and_rows_unlike_them_are_left_to_the_dense_pass():
    X, near = problem(20000, 8, 64, 0.3)
    _, apart = problem(100, 8, 64, 20.0)
    with pruned(always=False) as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr(labels, "Guesser", None)
        one = near.predict(X)
        patch.undo()
        other = apart.predict(np.float64(100.0) * X)
    assert found == [None, None]
    np.testing.assert_array_equal(one, near.predict(X))
    np.testing.assert_array_equal(other, apart.predict(100.0 * X))


@pytest.mark.parametrize(
    ("structure", "n_components", "n_features", "n_samples", "expected"),
    [
        ("full", 1024, 16, 10**6, True),
        ("VEV", 1024, 16, 10**6, True),
        ("full", 1024, 16, 40000, False),  # a short pass
        ("full", 20000, 16, 10**6, False),  # fewer rows than blocks would have
        ("full", 1024, 3, 10**7, False),
        ("full", 8, 16, 10**8, False),
        ("diag", 1024, 16, 10**7, False),
        ("full", 1024, 16, 2**31, False),
    ],
)
def test_labels_are_pruned_in_long_passes(structure, n_components, n_features, n_samples, expected):
    assert guess.are_worth_it(plan.plan_of(structure, n_components, n_features), n_samples) is expected


@pytest.mark.parametrize("n_features", [4, 20, 128])
def test_norms_are_bounds(n_features):
    generator = np.random.default_rng(0)
    matrices = random_covariances(generator, 10, n_features) * 10.0 ** generator.integers(-9, 9, (10, 1, 1))
    ratios = nearby._norms(matrices) / np.linalg.norm(matrices, 2, axis=(1, 2))
    assert (ratios > 1.0 - 1e-9).all()
    assert (ratios < n_features ** (1.0 / 32.0)).all()


@pytest.mark.parametrize("n_features", [1, 4, 40])
def test_an_inverse_leaves_out_what_follows(n_features):
    (covariance,) = random_covariances(np.random.default_rng(0), 1, n_features)
    inverse = np.linalg.inv(covariance)
    np.testing.assert_allclose(guess._inverse(covariance), inverse, rtol=1e-10, atol=1e-12)
    twice = np.tile(covariance, (2, 2))  # each feature twice
    expected = np.zeros_like(twice)
    expected[:n_features, :n_features] = inverse
    np.testing.assert_allclose(guess._inverse(twice), expected, rtol=1e-8, atol=1e-10)
    assert not guess._inverse(np.zeros((3, 3))).any()
