"""Fits of few rows, which are one call of compiled code: the bits are those of the calls one by one."""

import warnings

import numpy as np
import pytest
from conftest import assert_same_bits, make_problem

import fastgmm
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em.outcome import Interrupted
from fastgmm.kernels.k_means import lloyd
from fastgmm.model.plan import plan_of
from fastgmm.rows import array as array_module
from fastgmm.rows import whole_run
from fastgmm.rows.array import ArraySource
from fastgmm.rows.launch import pieces, threads
from fastgmm.rows.start import at_once
from fastgmm.rows.whole_run import WholeRun

BLOCK = 256


def fit_both_ways(monkeypatch, X, n_components, **options):
    """Return fits in one call and in several, and how many runs were of the first kind."""
    begun = []

    class Counted(WholeRun):
        def __init__(self, *arguments):
            begun.append(arguments)
            super().__init__(*arguments)

    monkeypatch.setattr(array_module, "WholeRun", Counted)
    whole = fastgmm.fit(X, n_components, **options)
    n_begun = len(begun)
    with monkeypatch.context() as patch:
        patch.setattr(array_module, "team_for", lambda *arguments: None)
        apart = fastgmm.fit(X, n_components, **options)
    assert len(begun) == n_begun
    return whole, apart, n_begun


def assert_same_fit(a, b):
    assert_same_bits(a.mixture, b.mixture)
    np.testing.assert_array_equal(a.trace, b.trace)
    assert (a.log_likelihood, a.status, a.degenerate_components) == (
        b.log_likelihood,
        b.status,
        b.degenerate_components,
    )
    for ours, theirs in zip(a.regulariser, b.regulariser, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_call_gives_the_bits_of_many(covariance_type, dtype, monkeypatch):
    for n_samples in (5, BLOCK - 1, BLOCK, BLOCK + 1) if JIT_ENABLED else (5, 40):
        X = (make_problem(n_samples, 2, 3)[0] * [1.0, 100.0] + 7.0).astype(dtype)
        options = {"covariance_type": covariance_type, "max_iter": 6, "random_state": 1}
        for more in ({}, {"reg_covar": 0.5}, {"sample_weight": np.arange(float(n_samples))}):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", fastgmm.FitWarning)  # of few rows some components are degenerate
                whole, apart, n_begun = fit_both_ways(monkeypatch, X, 3, **options, **more)
            assert_same_fit(whole, apart)
            assert n_begun == 1


@pytest.mark.parametrize("n_features", [1, 3, 4])
def test_one_call_for_any_number_of_features_components_and_starts(n_features, monkeypatch):
    X, _ = make_problem(60, n_features, 2)
    for n_components in (1, 2, 4):
        whole, apart, n_begun = fit_both_ways(
            monkeypatch, X, n_components, covariance_type="diag", n_init=2, max_iter=4, reg_covar=1e-3
        )
        assert_same_fit(whole, apart)
        assert n_begun == 2


@pytest.mark.compiled
def test_rounds_of_k_means_have_one_limit(monkeypatch):
    X = np.random.default_rng(0).normal(size=(1500, 2))
    for limit in (lloyd.MOST_ROUNDS, 300):  # of calls one by one; the one call has it compiled in
        monkeypatch.setattr(lloyd, "MOST_ROUNDS", limit)
        whole, apart, n_begun = fit_both_ways(monkeypatch, X, 6, max_iter=1, random_state=1)
        assert n_begun == 1
        if limit == 20:
            assert_same_fit(whole, apart)
    assert abs(whole.mixture.means - apart.mixture.means).max() > 1e-6


def test_a_callback_and_other_ends_of_a_run(monkeypatch):
    X, _ = make_problem(80, 2, 3)
    for options in (
        {"callback": lambda state: state.iteration == 3},
        {"max_iter": 0},
        {"max_iter": 300, "tol": 0.0, "stopping": "aitken"},
    ):
        whole, apart, _ = fit_both_ways(monkeypatch, X, 3, **options)
        assert_same_fit(whole, apart)


def test_components_that_are_held_up_in_one_call(monkeypatch):
    X = np.concatenate([make_problem(40, 2, 2)[0], np.full((9, 2), 30.0)])
    with pytest.warns(fastgmm.FitWarning, match="no spread"):
        whole, apart, n_begun = fit_both_ways(monkeypatch, X, 3, max_iter=50)
    assert n_begun == 1
    assert whole.degenerate_components
    assert_same_fit(whole, apart)


def test_duplicates_leave_clusters_that_have_no_means(monkeypatch):
    X = np.repeat([[0.0, 0.0], [5.0, 5.0]], 3, axis=0)
    with pytest.warns(fastgmm.FitWarning, match="no spread"):
        whole, apart, _ = fit_both_ways(monkeypatch, X, 3)
    assert_same_fit(whole, apart)


def test_what_is_not_few_rows_goes_another_way(monkeypatch):
    X, _ = make_problem(3000, 2, 2)
    for options in ({"init": "random"}, {"init": "k-means++"}, {"progress": lambda underway: None}):
        assert fit_both_ways(monkeypatch, X[:50], 2, max_iter=2, **options)[2] == 0
    assert fit_both_ways(monkeypatch, np.tile(X, (44, 1)), 2, max_iter=2)[2] == 0  # a start looks at a sample
    # Where a row takes longer than it does anywhere, one is too many.
    monkeypatch.setattr(at_once, "PARALLEL_NANOSECONDS", 0.0)
    monkeypatch.setattr(at_once, "MOST_NANOSECONDS", 0.0)
    assert fit_both_ways(monkeypatch, X[:50], 2, max_iter=2)[2] == 0


def begun_at_once(monkeypatch, X, n_components, **options):
    """Return both fits, of which the first was a single call."""
    fastgmm.fit(X[:50], n_components, max_iter=1)  # few rows, for which that call is compiled
    whole, apart, n_begun = fit_both_ways(monkeypatch, X, n_components, **options)
    assert n_begun == 1
    return whole, apart


@pytest.mark.compiled
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("covariance_type", ["full", "tied", "spherical"])
def test_one_call_is_shared_out_where_rounds_are(covariance_type, n_threads, monkeypatch):
    plan = plan_of(covariance_type, 3, 2)
    X, _ = make_problem(5 * plan.rows + 17, 2, 3)
    assert not at_once.is_whole(plan, len(X))
    monkeypatch.setattr(threads, "worth_sharing", lambda: threads.PARALLEL_NANOSECONDS)  # of whatever layer
    assert max(at_once.shared_among(plan, len(X), n_threads, threads.worth_sharing()).n_workers) == n_threads
    options = {"covariance_type": covariance_type, "n_threads": n_threads, "max_iter": 6}
    for more in ({}, {"sample_weight": np.arange(len(X)) % 5.0, "reg_covar": 1e-3}, {"max_iter": 0}):
        assert_same_fit(*begun_at_once(monkeypatch, X, 3, random_state=1, **options | more))


@pytest.mark.compiled
def test_one_call_runs_serially_where_no_threads_may_be_begun(monkeypatch):
    """As in a forked child."""
    X, _ = make_problem(12_000, 2, 3)
    expected = fastgmm.fit(X, 3, max_iter=4, n_threads=2)
    monkeypatch.setattr(threads, "worth_sharing", lambda: threads.PARALLEL_NANOSECONDS)
    contexts, begin = [], WholeRun._begin

    def noted(self, context, draws, last):
        contexts.append((context is self._start.parallel, self._start.parallel is self._start.context))
        return begin(self, context, draws, last)

    monkeypatch.setattr(WholeRun, "_begin", noted)
    for pid, is_parallel in ((threads._import_pid, True), (0, False)):
        monkeypatch.setattr(threads, "_import_pid", pid)
        contexts.clear()
        assert_same_fit(begun_at_once(monkeypatch, X, 3, max_iter=4, n_threads=2)[0], expected)
        assert contexts[-1] == (is_parallel, False)


@pytest.mark.parametrize("n_samples", [50, 12_000])
def test_rows_in_another_order_are_not_begun_at_once(n_samples, monkeypatch):
    """Rows of more than some megabytes are not copied, and the one call is compiled for C order."""
    monkeypatch.setattr(pieces, "COPY_BYTES", 0)
    monkeypatch.setattr(at_once, "has_entry", lambda function, key: True)
    X, _ = make_problem(n_samples, 2, 3)
    plan, generator = plan_of("full", 3, 2, X.dtype), np.random.default_rng(0)
    assert ArraySource(X).begin_whole(plan, "auto", generator, False) is not None
    for rows in (X[::-1], np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]):
        assert ArraySource(rows).begin_whole(plan, "auto", generator, False) is None


@pytest.mark.compiled
def test_one_call_of_more_than_few_rows_is_compiled_for_few_or_where_all_else_is_on_disk(monkeypatch):
    X, _ = make_problem(12_000, 2, 3)
    plan = plan_of("full", 3, 2, X.dtype)
    fastgmm.fit(X[:50], 3, max_iter=1)
    monkeypatch.setattr(at_once, "_are_calls_on_disk", lambda dtype: False)
    assert at_once.team_for(plan, len(X), 2, False) is not None
    assert at_once.team_for(plan, len(X), 2, True) is None
    monkeypatch.setattr(at_once, "has_entry", lambda function, key: False)
    assert at_once.team_for(plan, len(X), 2, False) is None
    assert at_once.team_for(plan, 50, 2, False) is at_once.ALONE
    monkeypatch.setattr(at_once, "_are_calls_on_disk", lambda dtype: True)
    assert at_once.team_for(plan, len(X), 2, False) is not None


@pytest.mark.compiled
def test_what_structures_share_is_found_apart(monkeypatch):
    """But where rows are few."""
    X, _ = make_problem(12_000, 2, 3)
    fastgmm.fit(X[:50], 3, max_iter=1)
    begun = []
    monkeypatch.setattr(array_module, "WholeRun", lambda *arguments: begun.append(arguments) or WholeRun(*arguments))
    for rows, expected in ((X, 0), (X[:50], 2)):
        fastgmm.select(rows, [3], ["full", "spherical"], max_iter=1)
        assert len(begun) == expected


def test_an_interrupt_before_there_is_a_start_carries_no_parameters(monkeypatch):
    """As while compiled code is looked for, which may take seconds."""
    X, _ = make_problem(80, 2, 3)
    expected = fastgmm.fit(X, 3, max_iter=4)

    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(whole_run, "entry_of", interrupt)
        with pytest.raises(KeyboardInterrupt) as caught:
            fastgmm.fit(X, 3, max_iter=4)
    assert not isinstance(caught.value, Interrupted)
    assert_same_fit(fastgmm.fit(X, 3, max_iter=4), expected)
