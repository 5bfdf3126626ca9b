"""Lloyd's rounds that look at near centres only: what ordinary rounds find, to the last bit."""

import contextlib

import hypothesis
import numpy as np
import pytest
from conftest import clouds, k_means_of
from hypothesis import strategies as st

from fastgmm._numba.options import JIT_ENABLED
from fastgmm.kernels.k_means.lloyd import CHEAP, MASKED
from fastgmm.model import plan
from fastgmm.rows.launch import pieces
from fastgmm.rows.launch.work import UNWEIGHTED
from fastgmm.rows.start import near
from fastgmm.rows.start.near import NearRounds

EXAMPLES, MOST_ROWS, MOST_CLUSTERS = (40, 3000, 60) if JIT_ENABLED else (5, 300, 12)


@contextlib.contextmanager
def near_only(always=True):
    """Look at near centres in every k-means, with `always` off as long as that is worth it; yield what each found."""
    found = []
    find = NearRounds._find

    def noted(self):
        is_known = self._before is not None
        is_good = find(self)
        found.append((self, is_known, is_good, float(self._near.counts[:, 0].sum()) / self._near.lengths.size))
        return is_good

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NearRounds, "_find", noted)
        patch.setattr(near, "are_worth_it", lambda plan, n_samples: plan.n_components > 1)
        if always:
            patch.setattr(near, "MOST", 1.0)
            patch.setattr(near, "HOPELESS", 1.0)
        yield found


def k_means(X, n_clusters, weights=UNWEIGHTED, n_threads=None):
    rounds = k_means_of(X, n_clusters, weights, n_threads)
    labels, means = rounds.fit(np.random.default_rng(0))
    return rounds.n_rounds, labels, means


def assert_same(ours, dense):
    assert ours[0] == dense[0]
    np.testing.assert_array_equal(ours[1], dense[1])
    np.testing.assert_array_equal(ours[2], dense[2])


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([np.float64, np.float32]),
    n_samples=st.integers(60, MOST_ROWS),
    n_features=st.integers(1, 12),
    n_clusters=st.integers(9, MOST_CLUSTERS),
    spread=st.floats(0.0, 8.0),
    offset=st.sampled_from([0.0, 1e6]),
    weighted=st.booleans(),
    on_a_grid=st.booleans(),
)
def test_rounds_find_what_ordinary_ones_do(
    seed, dtype, n_samples, n_features, n_clusters, spread, offset, weighted, on_a_grid
):
    hypothesis.assume((n_clusters - CHEAP) * n_features > MASKED)  # fewer have sums by mask, in another order
    X = (offset + clouds(n_samples, n_features, n_clusters, spread, seed)).astype(dtype)
    if on_a_grid:  # many rows are as near to several centres
        X = np.round(X)
    weights = np.random.default_rng(seed).integers(0, 4, n_samples) + 0.5 if weighted else UNWEIGHTED
    dense = k_means(X, n_clusters, weights)
    with near_only() as found:
        ours = k_means(X, n_clusters, weights)
    assert found or dense[0] <= 1
    assert_same(ours, dense)


@pytest.mark.parametrize("n_distinct", [3, 20])
def test_duplicates_leave_clusters_empty(n_distinct):
    X = clouds(400, 20, 8, 3.0)
    X[: len(X) - n_distinct] = X[-1]
    dense = k_means(X, 10)
    with near_only():
        ours = k_means(X, 10)
    assert_same(ours, dense)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_units_do_not_matter(scale):
    X = scale * clouds(500, 8, 16, 3.0)
    dense = k_means(X, 16)
    with near_only():
        assert_same(k_means(X, 16), dense)


@pytest.mark.compiled
def test_threads_change_no_bit():
    X = clouds(70000, 8, 16, 2.0)
    with near_only() as found:
        one = k_means(X, 16, n_threads=1)
        assert_same(k_means(X, 16, n_threads=2), one)
    assert found


@pytest.mark.skipif(JIT_ENABLED, reason="layouts differ in types alone, and each takes the compiler ten seconds")
def test_layouts_change_no_bit():
    X = clouds(300, 5, 9, 2.0)
    with near_only() as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "COPY_BYTES", 0)
        one = k_means(X, 9)
        for other in (np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]):
            assert_same(k_means(other, 9), one)
    assert found


@pytest.mark.compiled
def test_few_centres_are_looked_at_where_clusters_are_apart():
    X = clouds(40000, 8, 64, 5.0)
    with near_only(always=False) as found:
        k_means(X, 64)
    _, is_known, _, evaluated = found[-1]
    assert is_known
    assert evaluated < 0.2


@pytest.mark.compiled
def test_rounds_of_clusters_that_are_not_apart_are_ordinary():
    X = clouds(20000, 16, 64, 0.1)
    dense = k_means(X, 64)
    with near_only(always=False) as found:
        ours = k_means(X, 64)
    assert_same(ours, dense)
    # Then so many look at all, and twice as many after the next.
    assert 0 < len(found) <= near.TRIES * (2 + np.log2(1 + ours[0] / near.PAUSE))


@pytest.mark.parametrize(("n_components", "n_samples", "expected"), [(1024, 2**20, True), (8, 2**20, False)])
def test_near_centres_are_for_long_rounds(n_components, n_samples, expected):
    assert near.are_worth_it(plan.plan_of("spherical", n_components, 16), n_samples) is expected


def test_more_centres_than_blocks_are_all_looked_at():
    spherical = plan.plan_of("spherical", 20_000, 16)
    assert spherical.is_long(200_000)
    assert not near.are_worth_it(spherical, 200_000)


@pytest.mark.compiled
def test_bounds_are_below_all_distances():
    X, lanes, ratios = clouds(3000, 5, 30, 3.0), plan.plan_of("spherical", 30, 5).lanes, []
    with near_only() as found, pytest.MonkeyPatch.context() as patch:
        find = NearRounds._find

        def checked(self):
            is_good = find(self)
            kept, model = self._near, self._bench.work.model
            rows = X * model.scales - model.origin
            distances = np.sqrt(np.square(rows[kept.order][:, np.newaxis] - model.means).sum(axis=2))
            for b, lengths in enumerate(kept.lengths):
                least = distances[b * lanes : (b + 1) * lanes].min(axis=0)
                assert (lengths <= least * (1.0 + 1e-6)).all()
                ratios.append((lengths / least).max())
            return is_good

        patch.setattr(NearRounds, "_find", checked)
        k_means(X, 30)
    assert len(found) > 3
    assert max(ratios) > 0.99
