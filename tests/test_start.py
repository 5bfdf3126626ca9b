"""Starts on a sample: which rows it has, and that EM begins with all of them assigned to what was found on it."""

import numpy as np
import pytest
from conftest import assert_same_bits, assert_same_parameters, make_problem

import fastgmm
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em import start as starts
from fastgmm.kernels.keys import APART, LOST, MULTIPLIERS, SHIFTS, UNIT
from fastgmm.model.plan import plan_of
from fastgmm.model.regulariser import ridge
from fastgmm.model.rounds.state import N_ITER, N_TRACED
from fastgmm.rows.array import ArraySource
from fastgmm.rows.source import Centers, Partition
from fastgmm.rows.start.sample import Sampling
from fastgmm.rows.start.smallest import nth

SIZE, N = (500, 9000) if JIT_ENABLED else (250, 1200)
ROWS = np.arange(2.0 * N).reshape(N, 2)
WEIGHTS = np.where(np.arange(N) % 3 == 0, 0.0, np.random.default_rng(0).gamma(0.3, size=N) / 16.0)
NONE = np.empty(0)


def sampled(*cuts, weights=NONE, size=SIZE, n_threads=None, seed=7):
    """The sample of `ROWS` that come in pieces."""
    sampling, begin = Sampling(size, seed, 2, np.float64), 0
    for end in (*cuts, N):
        sampling.add(ROWS[begin:end], weights[begin:end], n_threads)
        begin = end
    return sampling.finish()


def assert_same_sample(a, b):
    np.testing.assert_array_equal(a.rows, b.rows)
    np.testing.assert_array_equal(a.weights, b.weights)
    assert a.whole == b.whole


@pytest.mark.parametrize("weights", [NONE, WEIGHTS], ids=["alike", "weighted"])
def test_a_sample_is_the_same_however_rows_arrive(weights):
    expected = sampled(weights=weights)
    assert expected.rows.shape == (SIZE, 2)
    assert np.all(np.diff(expected.rows[:, 0]) > 0.0)  # in their order, none twice
    assert_same_sample(sampled(1, 2, 499, 501, 1100, weights=weights, n_threads=1), expected)
    for first in (0, 1):
        parts = [Sampling(SIZE, 7, 2, np.float64, a) for a in (0, 1000)]
        parts[0].add(ROWS[:1000], weights[:1000])
        parts[1].add(ROWS[1000:], weights[1000:])
        parts[first].merge(parts[1 - first])
        assert_same_sample(parts[first].finish(), expected)
    assert not np.array_equal(sampled(weights=weights, seed=8).rows, expected.rows)


def test_rows_without_weight_are_sampled_only_where_all_rows_are():
    assert np.all(WEIGHTS[(sampled(weights=WEIGHTS).rows[:, 0] / 2.0).astype(int)] > 0.0)
    few = np.where(np.arange(N) % 10 == 0, 1.0, 0.0)
    rows, weights, whole, _ = sampled(weights=few, size=N // 2)
    np.testing.assert_array_equal(rows, ROWS[::10])
    np.testing.assert_array_equal(weights, 1.0)
    assert not whole
    rows, weights, whole, _ = sampled(700, weights=few, size=N)
    np.testing.assert_array_equal(rows, ROWS)
    np.testing.assert_array_equal(weights, few)
    assert whole


def test_samples_stand_for_all_rows():
    """Weighted sums of a sample are right on average: the mean of 200 samples is within four standard errors."""
    value = np.cos(np.arange(N))
    for weights in (NONE, WEIGHTS):
        full = weights if len(weights) else np.ones(N)
        expected = full @ value / full.sum()
        means = []
        for seed in range(200):
            rows, own, *_ = sampled(weights=weights, seed=seed)
            means.append(np.average(value[(rows[:, 0] / 2.0).astype(int)], weights=own if len(own) else None))
        assert abs(np.mean(means) - expected) < 4.0 * np.std(means) / np.sqrt(len(means))
    assert sampled(weights=WEIGHTS).weights.sum() == pytest.approx(WEIGHTS.sum(), rel=0.1)


@pytest.fixture
def small_sample(monkeypatch):
    monkeypatch.setattr(starts, "sample_size", lambda plan: SIZE)


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize("covariance_type", ["full", "tied"])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_row_is_assigned_to_what_was_found_on_a_sample(covariance_type, weighted):
    X, _ = make_problem(N, 2, 3)
    weights = WEIGHTS if weighted else None
    options = {"covariance_type": covariance_type, "sample_weight": weights, "max_iter": 0}
    begun = fastgmm.fit(X, 3, random_state=0, **options).mixture
    source = ArraySource(X, None, NONE if weights is None else np.ldexp(weights, -np.frexp(weights.max())[1]))
    sample = source.sample(SIZE, int(np.random.default_rng(0).integers(2**63)))
    assert len(sample.rows) == SIZE
    # The same start from the labels that the centres give: those of the components' means, all but a few.
    labels = np.argmin(((X[:, None] - begun.means) ** 2).sum(axis=2), axis=1)
    again = fastgmm.fit(X, 3, init=labels, **options).mixture
    np.testing.assert_allclose(again.means, begun.means, atol=0.1)
    np.testing.assert_allclose(again.weights, begun.weights, atol=0.03)


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize("init", ["kmeans", "k-means++", "random_from_data", "tree"])
def test_threads_and_layouts_change_no_bit_of_a_start_on_a_sample(init):
    X, _ = make_problem(N, 2, 3)
    expected = fastgmm.fit(X, 3, init=init, random_state=3, max_iter=2)
    for rows, n_threads in ((X, 1), (np.asfortranarray(X), 2)):
        result = fastgmm.fit(rows, 3, init=init, random_state=3, max_iter=2, n_threads=n_threads)
        assert_same_bits(result.mixture, expected.mixture)


@pytest.mark.usefixtures("small_sample")
def test_fewer_distinct_rows_than_components_in_a_sample():
    X = np.repeat([[0.0, 0.0], [5.0, 5.0]], N // 2, axis=0)
    with pytest.warns(RuntimeWarning, match="no spread at all"):
        result = fastgmm.fit(X, 3, random_state=0)
    assert np.isfinite(result.log_likelihood)


def test_few_rows_are_all_looked_at_and_draw_no_number_for_it(monkeypatch):
    X, _ = make_problem(2500 if JIT_ENABLED else 300, 2, 3)
    generators = [np.random.default_rng(0), np.random.default_rng(0)]
    monkeypatch.setattr(starts, "sample_size", lambda plan: len(X))
    a = fastgmm.fit(X, 3, init="k-means++", random_state=generators[0], max_iter=1)
    monkeypatch.setattr(starts, "sample_size", lambda plan: 10 * len(X))
    b = fastgmm.fit(X, 3, init="k-means++", random_state=generators[1], max_iter=1)
    assert_same_bits(a.mixture, b.mixture)
    assert generators[0].random() == generators[1].random()


@pytest.mark.parametrize(("n_components", "times"), [(4, 4), (5, 2)])
def test_a_start_looks_at_all_of_so_many_samples(n_components, times, monkeypatch):
    X, _ = make_problem(801, 2, 3)
    for size, is_all in ((800 // times, False), (-(-801 // times), True)):
        monkeypatch.setattr(starts, "sample_size", lambda plan, size=size: size)
        generator = np.random.default_rng(0)
        fastgmm.fit(X, n_components, init="random_from_data", random_state=generator, max_iter=0)
        expected = np.random.default_rng(0)
        expected.choice(len(X), size=n_components, replace=False)
        assert (generator.random() == expected.random()) == is_all


@pytest.mark.parametrize("kind", ["labels", "responsibilities", "centres", "parameters"])
@pytest.mark.parametrize("covariance_type", ["full", "tied"])
def test_a_run_that_is_to_begin_does_no_round(covariance_type, kind):
    """Tied rounds of many rows take another way than others."""
    X, start = make_problem(30_000 if JIT_ENABLED else 1200, 2, 3)
    labels = np.argmin(((X[:, None] - start.means) ** 2).sum(axis=2), axis=1)
    source, plan = ArraySource(X), plan_of(covariance_type, 3, 2)
    given = {
        "labels": Partition(labels),
        "responsibilities": lambda a, b: np.eye(3)[labels[a:b]],
        "centres": Centers(start.means),
        "parameters": fastgmm.fit(X, 3, init=labels, covariance_type=covariance_type, max_iter=0).mixture.parameters,
    }
    run = source.begin(plan, given[kind], ridge(1e-6, 2))
    run.advance(0)
    assert run.state.counts[N_ITER] == 0
    assert run.state.counts[N_TRACED] == 0
    expected = source.begin(plan, given["labels"], ridge(1e-6, 2))
    expected.advance(0)
    assert_same_parameters(run.parameters(), expected.parameters(), rtol=1e-4 if kind == "parameters" else 1e-9)


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize("stage", ["sample", "assign"])
def test_a_start_on_a_sample_is_watched_and_can_be_interrupted(stage):
    """Before there are parameters an interrupt is an ordinary one."""
    X, _ = make_problem(N, 2, 3)
    seen = []
    fastgmm.fit(X, 3, random_state=0, max_iter=1, progress=lambda underway: seen.append(underway.stage))
    assert list(dict.fromkeys(seen)) == ["variances", "sample", "k-means++", "k-means", "assign", "EM"]

    def interrupted(underway):
        if underway.stage == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        fastgmm.fit(X, 3, random_state=0, progress=interrupted)
    assert type(caught.value) is KeyboardInterrupt


def test_extreme_weights_are_sampled():
    """Keys beyond what float64 holds tie, and fall to the first rows; none weighs too much or nothing."""
    weights = np.full(N, 5e-324)
    weights[-3:] = 0.5
    rows, own, whole, _ = sampled(weights=weights)
    assert (len(rows), whole) == (SIZE, False)
    np.testing.assert_array_equal(rows[-3:], ROWS[-3:])
    np.testing.assert_allclose(own[-3:], 0.5)
    assert np.all(np.isfinite(own))


@pytest.mark.skipif(not JIT_ENABLED, reason="as many rows as a launch has take too long")
def test_rows_that_weigh_more_and_more_are_sampled():
    """More keys up to the bound than those before let expect."""
    n = 100_000
    rows, weights = np.arange(1.0 * n)[:, None], np.exp(np.arange(n) / 5000.0)
    keys = -np.log1p(-(keys_of(n, 7))) / weights
    sampling = Sampling(SIZE, 7, 1, np.float64)
    sampling.add(rows, weights)
    np.testing.assert_array_equal(sampling.finish().rows[:, 0], np.sort(np.argsort(keys)[:SIZE]))


def keys_of(n, seed):
    """SplitMix64, by NumPy."""
    bits = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * APART
    for shift, multiplier in zip(SHIFTS, MULTIPLIERS, strict=False):
        bits = (bits ^ (bits >> shift)) * multiplier
    return ((bits ^ (bits >> SHIFTS[2])) >> LOST) * UNIT


@pytest.mark.parametrize("kind", ["alike", "ties", "sorted", "gaps", "nothing"])
def test_the_nth_key_is_that_of_a_sort(kind):
    keys = np.random.default_rng(0).random((20, 900))
    if kind == "ties":
        keys = np.round(keys, 1)
    if kind == "sorted":
        keys = np.sort(keys.ravel())
    if kind == "gaps":
        keys[:, 850:] = np.nan
    if kind == "nothing":
        keys[:, 1:] = np.inf
        keys[:, 0] = np.nan
        keys[:, 5] = 0.5
    expected = np.sort(keys, axis=None)
    for n in (0, 1, 19) if kind == "nothing" else (0, 1, 500, 9000, 16990):
        assert nth(keys, n) == expected[n]
