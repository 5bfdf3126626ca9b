"""Steps of k-means++ that look at most rows on a grid only: they choose the same rows."""

import contextlib

import hypothesis
import numpy as np
import pytest
from conftest import clouds, k_means_of
from hypothesis import strategies as st

from fastgmm._numba.options import JIT_ENABLED
from fastgmm.model import plan
from fastgmm.rows.launch import pieces
from fastgmm.rows.launch.work import UNWEIGHTED
from fastgmm.rows.start import sieve

EXAMPLES, MOST_ROWS, MOST_CLUSTERS = (40, 5000, 60) if JIT_ENABLED else (5, 300, 12)


@contextlib.contextmanager
def sifted(most=2.0):
    """Sift all rows in k-means++ as long as it fetches no more than `most` of them; yield what steps did so."""
    found = []
    run = sieve.SiftedSteps.run

    def noted(self, *arguments):
        found.append(self)
        run(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sieve.SiftedSteps, "run", noted)
        patch.setattr(sieve, "are_worth_it", lambda plan, *_: plan.dtype == np.float64)
        patch.setattr(sieve, "MOST", most)
        yield found


def seed(X, n_clusters, weights=UNWEIGHTED, n_threads=None):
    """Return the rows chosen, squared distances to the nearest of all but the last, and the sums of the last step."""
    k_means = k_means_of(X, n_clusters, weights, n_threads)
    bench_of, benches = k_means._bench, []

    def noted(*arguments):
        benches.append(bench_of(*arguments))
        benches[-1].put_back = lambda: None  # which would forget them
        return benches[-1]

    k_means._bench = noted
    chosen = k_means.seed(np.random.default_rng(0))
    return chosen, k_means._values, benches[0].work.sums.slabs[:, 0]


def assert_same(ours, dense):
    for a, b in zip(ours, dense, strict=True):
        np.testing.assert_array_equal(a, b)


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    seed_of_rows=st.integers(0, 2**32 - 1),
    n_samples=st.integers(60, MOST_ROWS),
    n_features=st.integers(1, 18),
    n_clusters=st.integers(2, MOST_CLUSTERS),
    spread=st.sampled_from([0.0, 1.0, 4.0, 1e4]),
    offset=st.sampled_from([0.0, 1e6]),
    scale=st.sampled_from([1.0, 1e-200, 1e150]),
    weighted=st.booleans(),
    on_a_grid=st.booleans(),
)
def test_the_same_rows_are_chosen(
    seed_of_rows, n_samples, n_features, n_clusters, spread, offset, scale, weighted, on_a_grid
):
    X = offset + clouds(n_samples, n_features, n_clusters, spread, seed_of_rows)
    if on_a_grid:  # many rows are as far from several centres, or are one
        X = np.round(X)
    weights = np.random.default_rng(seed_of_rows).integers(0, 4, n_samples) + 0.5 if weighted else UNWEIGHTED
    dense = seed(scale * X, n_clusters, weights)
    with sifted() as found:
        assert_same(seed(scale * X, n_clusters, weights), dense)
    assert found


@pytest.mark.compiled
def test_threads_change_no_bit_and_few_rows_are_fetched():
    X = clouds(70000, 9, 50, 4.0)
    dense = seed(X, 100)
    with sifted(sieve.MOST) as found:
        for n_threads in (1, 2):
            assert_same(seed(X, 100, n_threads=n_threads), dense)
    assert len(found) == 2
    assert all(steps.share() < 0.2 for steps in found)


@pytest.mark.parametrize("case", ["a row beyond all", "rows that are one", "two rows apart from the rest"])
def test_rows_that_the_grid_does_not_tell_apart(case):
    X = clouds(400, 4, 5, 3.0)
    weights = np.ones(len(X))
    if case == "a row beyond all":
        X[7], weights[7] = 1e150, 0.0
    elif case == "rows that are one":
        X[:397] = X[0]
    else:
        X[:2] += 1e9
    dense = seed(X, 9, weights)
    for most in (2.0, 0.1):  # with 0.1 steps go on without the grid
        with sifted(most) as found, pytest.MonkeyPatch.context() as patch:
            patch.setattr(sieve, "FIRST", 1)
            patch.setattr(sieve, "LAUNCH_NANOSECONDS", 1.0)  # a pass, or the draw of a row
            assert_same(seed(X, 9, weights), dense)
        assert found


@pytest.mark.skipif(JIT_ENABLED, reason="layouts differ in types alone, and each takes the compiler ten seconds")
def test_layouts_change_no_bit():
    X = clouds(300, 5, 9, 2.0)
    with sifted() as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "COPY_BYTES", 0)
        one = seed(X, 9)
        for other in (np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]):
            assert_same(seed(other, 9), one)
    assert len(found) == 3


@pytest.mark.parametrize(
    ("n_components", "n_features", "n_samples", "dtype", "expected"),
    [
        (1024, 16, 10**6, np.float64, True),
        (1024, 16, 10**6, np.float32, False),  # as short as it is
        (8, 16, 10**6, np.float64, False),
        (1024, 64, 10**6, np.float64, False),  # a copy of 128 MB
    ],
)
def test_long_steps_are_sifted_where_the_copy_is_not_large(n_components, n_features, n_samples, dtype, expected):
    spherical = plan.plan_of("spherical", n_components, n_features, np.dtype(dtype))
    assert sieve.are_worth_it(spherical, n_samples, 9) is expected
