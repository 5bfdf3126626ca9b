"""Many fits in one call: each is the fit of its rows alone, to the bit."""

import datetime
import warnings

import numpy as np
import pytest
from conftest import assert_same_bits, run

import fastgmm
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em.outcome import Interrupted
from fastgmm.kernels.primitives import philox
from fastgmm.many import fit as many_fit
from fastgmm.many import launch

N_PROBLEMS = 40 if JIT_ENABLED else 4


def drawn(seed, key, bounds):
    """Return integers below `bounds` and as many uniforms of a stream, as compiled code draws them."""
    state = np.empty(philox.N_WORDS, np.uint64)
    with np.errstate(over="ignore"):  # interpreted, NumPy would tell that 64 bits overflow
        philox.open_stream(np.uint64(seed), np.uint64(key), state)
        return [(philox.below(state, n), philox.uniform(state)) for n in bounds]


@pytest.mark.parametrize("seed", [0, 1, 2**63 + 11])
def test_compiled_random_numbers_are_numpys(seed):
    # Just above 2**31 nearly half of the numbers are drawn anew.
    bounds = [1, 2, 3, 7, 200, 1, 12345, 2**31 + 1, 2**31 + 1, 3_000_000_001, 2**32 - 1] * (40 if JIT_ENABLED else 2)
    for key in (0, 5, 2**64 - 1):
        generator = fastgmm.stream(seed, key)
        assert drawn(seed, key, bounds) == [(generator.integers(n), generator.random()) for n in bounds]


def test_streams_of_labels():
    def number(key):
        return fastgmm.stream(0, key).bit_generator.state["state"]["key"].tolist()[1]

    labels = ["a", "b", "1", b"a", 1, -1, 2**64, 1.5, None, (1, "a"), ("1", "a"), ("1:a",), datetime.date(2024, 1, 2)]
    assert len({number(label) for label in labels}) == len(labels)
    # Equal labels have equal streams, and it is the same stream in every process.
    for same, label in [(True, 1), (1.0, 1), (np.int32(7), 7), (np.str_("a"), "a"), (np.float64(1.5), 1.5)]:
        assert number(same) == number(label)
    assert fastgmm.stream(3, 4).bit_generator.state["state"]["key"].tolist() == [3, 4]
    assert number("TP53") == 1467694571642739229
    with pytest.raises(TypeError, match="a label must be a string, number"):
        fastgmm.stream(0, object())
    with pytest.raises(ValueError, match="seed must be below"):
        fastgmm.stream(2**64, 0)


def make_problems(n_problems=N_PROBLEMS, n_samples=60, n_features=1, seed=0):
    """Rows (B, N, D) around two means each, some of which are close to each other."""
    generator = np.random.default_rng(seed)
    means = 2.0 * generator.normal(size=(n_problems, 2, n_features))
    labels = generator.integers(2, size=(n_problems, n_samples, 1))
    return np.take_along_axis(means, labels, 1) + generator.normal(size=(n_problems, n_samples, n_features))


def assert_same_fit(ours, theirs):
    assert_same_bits(ours.mixture, theirs.mixture)
    np.testing.assert_array_equal(ours.trace, theirs.trace)
    for name in ("log_likelihood", "status", "n_samples", "total_weight", "degenerate_components", "n_passed_over"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.failures == theirs.failures
    for one, other in zip(ours.regulariser, theirs.regulariser, strict=True):
        np.testing.assert_array_equal(one, other)


def assert_fits(result, problems, n_components, *, weights=None, seed=0, starts=None, **options):
    """Hold each fit against `fit` of the same rows, and the arrays against the fits."""
    assert len(result) == len(problems)
    for b, X in enumerate(problems):
        if starts is not None:
            options["init"] = starts[b]
        generator = fastgmm.stream(seed, result.keys[b])
        weight = None if weights is None else weights[b]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fastgmm.FitWarning)
            alone = fastgmm.fit(X, n_components, random_state=generator, sample_weight=weight, **options)
        assert_same_fit(result[b], alone)
        assert result.bic[b] == pytest.approx(alone.bic, rel=1e-14)
        assert result.converged[b] == alone.converged


def quietly(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastgmm.FitWarning)
        return fastgmm.fit_many(*arguments, **options)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_problem_is_the_fit_of_its_rows_alone(covariance_type, dtype):
    X = make_problems(N_PROBLEMS // 2).astype(dtype)
    options = {"covariance_type": covariance_type, "max_iter": 8}
    for more in ({}, {"reg_covar": 1e-3}, {"max_iter": 0}, {"stopping": "aitken", "tol": 1e-5}):
        assert_fits(quietly(X, 2, **(options | more)), X, 2, **(options | more))


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_each_problem_may_have_a_start_of_its_own(covariance_type):
    X = make_problems(N_PROBLEMS // 2)
    options = {"covariance_type": covariance_type, "max_iter": 4}
    before = quietly(X[:, ::2], 2, **options)
    starts = [result.mixture for result in before]
    X[1, :59] = X[1, 0]  # its covariances fall to the floor, which other code has to see to
    for more in ({}, {"reg_covar": 1e-3}, {"max_iter": 0}, {"n_init": 3}):
        expected = {"starts": starts, **options, **more}
        assert_fits(quietly(X, 2, init=before, **(options | more)), X, 2, **expected)
    assert_fits(quietly(X, 2, init=starts, **options), X, 2, starts=starts, **options)
    assert_fits(quietly(X, 2, init=starts[0], **options), X, 2, starts=[starts[0]] * len(X), **options)
    for mixture, result in zip(starts, before, strict=True):
        assert_same_bits(mixture, result.mixture)  # what one starts from is not written to


def test_a_problem_without_a_start_has_no_fit():
    X = make_problems(4)
    before = quietly([X[0], np.full((9, 1), np.nan), X[2], X[3]], [1, 2])
    k = int(before.n_components[0])
    result = quietly(X, k, init=before, max_iter=3)
    assert result.errors[1] == "init has no fit for it"
    others = [b for b in range(4) if before.n_components[b] not in (0, k)]
    assert all(result.errors[b] == f"init has {3 - k} components, but the fit asks for {k}" for b in others)
    assert result.fitted.tolist() == [b != 1 and b not in others for b in range(4)]


@pytest.mark.parametrize(
    ("init", "error", "message"),
    [
        ("random", TypeError, "init must be 'kmeans', a Mixture, a Mixture for each problem, or a FitManyResult"),
        ([1, 2], TypeError, "init must be 'kmeans', a Mixture"),
        (2, TypeError, "init must be 'kmeans', a Mixture"),
        ([fastgmm.Mixture([1.0], [[0.0]], [[[1.0]]])], ValueError, "a Mixture for each of 4 problems, got 1"),
        (fastgmm.Mixture([1.0], [[0.0]], [[[1.0]]]), ValueError, "init has 1 components and 1 features, but the fit"),
        (fastgmm.Mixture([0.5, 0.5], [[0.0], [1.0]], [1.0, 1.0], "spherical"), ValueError, "covariance_type"),
    ],
)
def test_starts_that_are_none(init, error, message):
    with pytest.raises(error, match=message):
        fastgmm.fit_many(make_problems(4), 2, init=init)


def test_starts_of_other_problems():
    X = make_problems(4)
    before = quietly(X, 2, max_iter=1)
    for problems, options, message in [
        (X[:3], {}, "init has the fits of 4 problems, 0, 1, 2, ..., but X has 3, 0, 1, 2"),
        (X, {"covariance_type": "tied"}, "init has covariance_type 'full', but the fit asks for 'tied'"),
        (np.repeat(X, 2, axis=2), {}, "init has 1 features, but X has 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            fastgmm.fit_many(problems, 2, init=before, **options)
    with pytest.raises(ValueError, match="init must be 'kmeans' where n_components has 2 values to choose from"):
        fastgmm.fit_many(X, [1, 2], init=before)


def test_threads_order_and_neighbours_change_no_bit():
    X = make_problems()
    one, two = (fastgmm.fit_many(X, 2, n_threads=n, random_state=3) for n in (1, 2))
    labels = np.arange(len(X))
    turned = fastgmm.fit_many(X[::-1].reshape(-1, 1), 2, groups=np.repeat(labels[::-1], X.shape[1]), random_state=3)
    for name in ("weights", "means", "covariances", "log_likelihood", "n_iter"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
        np.testing.assert_array_equal(getattr(one, name), getattr(turned, name)[::-1], err_msg=name)


def test_several_starts_and_long_traces(monkeypatch):
    X = make_problems(N_PROBLEMS // 4)
    assert_fits(quietly(X, 2, n_init=3, max_iter=5), X, 2, n_init=3, max_iter=5)
    if JIT_ENABLED:  # the trace of a state is taken out after 128 rounds
        assert_fits(quietly(X, 2, tol=0.0, max_iter=300), X, 2, tol=0.0, max_iter=300)
        monkeypatch.setattr(launch, "MOST_ROUNDS", 20)
        assert_fits(quietly(X, 2, tol=0.0, max_iter=300), X, 2, tol=0.0, max_iter=300)


def test_problems_of_different_lengths_and_weights():
    X = [each[:n] for each, n in zip(make_problems(4, 600), (2, 255, 257, 600), strict=True)]
    if not JIT_ENABLED:
        X = [each[:20] for each in X]
    weights = [np.random.default_rng(1).integers(0, 4, len(each)) + 0.25 for each in X]
    assert_fits(quietly(X, 2, max_iter=5), X, 2, max_iter=5)
    result = quietly(X, 2, max_iter=5, sample_weight=weights)
    assert_fits(result, X, 2, weights=weights, max_iter=5)
    rows, labels = np.concatenate(X), np.repeat(list("bacd"), [len(each) for each in X])
    flat = quietly(rows, 2, max_iter=5, sample_weight=np.concatenate(weights), groups=labels)
    assert flat.keys.tolist() == list("bacd")
    assert_fits(flat, X, 2, weights=weights, max_iter=5)


@pytest.mark.compiled
def test_problems_of_many_rows_among_few():
    X = make_problems(3, 30_000)
    X = [X[0], X[1][:50], X[2][:9000]]
    assert_fits(fastgmm.fit_many(X, 2, max_iter=3), X, 2, max_iter=3)


def test_groups_in_any_order():
    X, labels = make_problems(3, 30), [7, -2, 7.5]
    order = np.random.default_rng(0).permutation(90)
    of_row = np.repeat(np.arange(3), 30)[order]
    result = quietly(X.reshape(-1, 1)[order], 2, groups=[labels[b] for b in of_row], max_iter=3)
    first = list(dict.fromkeys(of_row.tolist()))
    assert result.keys.tolist() == [labels[b] for b in first]
    problems = [X.reshape(-1, 1)[order][of_row == b] for b in first]
    assert_fits(result, problems, 2, max_iter=3)
    assert_same_fit(result.of(-2), result[first.index(1)])


def test_labels_of_any_type():
    X = make_problems(2, 30).reshape(-1, 1)
    days = np.repeat(np.array(["2024-01-02", "2024-01-01"], "datetime64[ns]"), 30)
    for labels in (days, [("a", 1)] * 30 + [("a", 2)] * 30, days.astype(object), np.repeat(["b", "a"], 30)):
        result = quietly(X, 1, groups=labels)
        assert len(result) == 2
        alone = fastgmm.fit(X[30:], 1, random_state=fastgmm.stream(0, labels[-1]))
        assert_same_bits(result.of(labels[-1]).mixture, alone.mixture)


def test_what_cannot_be_fitted_leaves_the_others_alone():
    X = [*make_problems(4, 60, seed=1), np.zeros((0, 1)), np.zeros((1, 1))]
    X[1] = X[1].copy()
    X[1][3] = np.nan
    with pytest.warns(fastgmm.FitWarning, match="3 of 6 problems have no fit; the first, 1: X has NaN or infinite"):
        result = fastgmm.fit_many(X, 2, max_iter=3)
    assert result.fitted.tolist() == [True, False, True, True, False, False]
    assert [str(status) for status in result.status[[1, 4, 5]]] == ["failed"] * 3
    assert "the first in row 3" in result.errors[1]
    assert result.errors[4] == "it has no rows"
    assert result.errors[5] == "2 components are too many for 1 row"
    assert np.isnan(result.means[1]).all()
    with pytest.raises(fastgmm.FitFailure, match="problem 1 has no fit: X has NaN"):
        result[1]
    with pytest.raises(IndexError, match=r"the result has problems 0 to \d+, got"):
        result[6]
    assert_same_fit(result[-3], fastgmm.fit(X[3], 2, max_iter=3, random_state=fastgmm.stream(0, 3)))
    table = result.table()
    assert table["component"].tolist() == [0, 1, -1, 0, 1, 0, 1, -1, -1]
    assert "No fit for 1: X has NaN" in str(result)


def test_components_that_are_held_up():
    X = make_problems(3, 30)
    X[1, :9] = 40.0
    with pytest.warns(fastgmm.FitWarning, match="1 of 3 problems has degenerate components; in the first, 1, comp"):
        result = fastgmm.fit_many(X, 2, max_iter=20)
    assert result.degenerate.any(axis=1).tolist() == [False, True, False]
    assert_fits(result, X, 2, max_iter=20)
    ridge = quietly(X, 2, reg_covar=1e-6, max_iter=20)
    assert ridge.degenerate[1].any()
    assert_fits(ridge, X, 2, reg_covar=1e-6, max_iter=20)


def test_k_by_bic():
    X = np.stack([make_problems(1, 60)[0], np.random.default_rng(0).normal(size=(60, 1))])
    X[0, ::2] += 30.0
    result = quietly(X, [2, 1, 3], max_iter=10)
    for b in range(2):
        fits = []
        for k in (1, 2, 3):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", fastgmm.FitWarning)
                fits.append(fastgmm.fit(X[b], k, max_iter=10, random_state=fastgmm.stream(0, b)))
        best = min(fits, key=lambda each: each.bic)
        assert result.n_components[b] == best.mixture.n_components
        assert_same_fit(result[b], best)
    assert np.isnan(result.weights[1, result.n_components[1] :]).all()
    # A problem with fewer rows than the largest K takes what it can have.
    few = quietly([X[0], X[1][:2]], [1, 2, 3], max_iter=3)
    assert few.fitted.all()
    assert few.n_components[1] <= 2


def test_crossings_are_where_densities_are_equal():
    X = make_problems() * [[[1.0]]] + 1e6
    result = quietly(X, 2)
    crossings = result.crossings[:, 0]
    assert np.isfinite(crossings).any()
    for b in np.flatnonzero(np.isfinite(crossings)):
        mixture = result[b].mixture
        low, high = np.argsort(mixture.means[:, 0])
        log = np.log(mixture.weights) - 0.5 * np.log(mixture.covariances[:, 0, 0])
        log -= (crossings[b] - mixture.means[:, 0]) ** 2 / (2.0 * mixture.covariances[:, 0, 0])
        assert log[low] == pytest.approx(log[high], abs=1e-6)
        just_above = mixture.predict([[crossings[b] + 1e-3]])
        assert just_above[0] == high
    with pytest.raises(ValueError, match="crossings are of one feature, these fits have 2"):
        _ = quietly(np.zeros((1, 4, 2)) + np.arange(4.0)[:, None], 1).crossings


def test_tables():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"height": make_problems(3, 30).ravel()})
    result = quietly(frame, 2, groups=pandas.Series(["a", "b", "c"]).repeat(30))
    assert result[0].mixture.feature_names == ("height",)
    tidy = result.to_frame()
    assert tidy["key"].tolist() == ["a", "a", "b", "b", "c", "c"]
    np.testing.assert_array_equal(tidy["mean_height"], result.means.ravel())
    np.testing.assert_array_equal(tidy["variance_height"], result.covariances.ravel())
    of_lower = tidy["crossing"][tidy["mean_height"] == tidy.groupby("key")["mean_height"].transform("min")]
    np.testing.assert_array_equal(of_lower, result.crossings[:, 0])
    plane = quietly(make_problems(2, 30, 2), 2, covariance_type="full").table()
    assert {"mean_x0", "mean_x1", "variance_x0", "variance_x1", "covariance_x0_x1"} <= set(plane)


@pytest.mark.parametrize(
    ("X", "options", "error", "message"),
    [
        (np.zeros((3, 4)), {}, ValueError, r"got 2 dimensions; X\[:, :, None\] is of one feature"),
        (np.zeros((0, 4, 1)), {}, ValueError, "at least one problem and one feature"),
        ([], {}, ValueError, "at least one problem, got none"),
        ([np.zeros((3, 1)), np.zeros((3, 2))], {}, ValueError, "problem 1 of X has 2 features, but the first has 1"),
        ([np.zeros((3, 1)), ["a"]], {}, TypeError, "problem 1 of X: X must hold numbers"),
        (np.zeros((2, 4, 1)), {"random_state": -1}, ValueError, "random_state must be at least 0"),
        (np.zeros((2, 4, 1)), {"n_components": [1, 1]}, ValueError, "n_components must not have a value twice"),
        (np.zeros((2, 4, 1)), {"sample_weight": np.ones(8)}, ValueError, r"sample_weight must be of shape \(2, 4\)"),
        (np.zeros(4), {"groups": [1, 2]}, ValueError, r"groups must be of shape \(4,\), one label for each row"),
        (np.zeros(2), {"groups": [1.0, np.nan]}, ValueError, "groups has 1 missing label, the first in row 1"),
        (np.zeros(2), {"groups": ["a", None]}, ValueError, "groups has 1 missing label, the first in row 1"),
    ],
)
def test_bad_arguments(X, options, error, message):
    with pytest.raises(error, match=message):
        fastgmm.fit_many(X, options.pop("n_components", 2), **options)


@pytest.mark.compiled
def test_an_error_in_a_thread_is_raised(monkeypatch):
    def fails(worker, chosen, begin, end):
        raise MemoryError("none left")

    monkeypatch.setattr(launch._Worker, "fit", fails)
    with pytest.raises(MemoryError, match="none left"):
        fastgmm.fit_many(make_problems(64), 2, n_threads=2)


@pytest.mark.compiled
def test_a_second_process_compiles_nothing():
    program = """
import sys, numpy as np, fastgmm
fastgmm.fit_many(np.random.default_rng(0).normal(size=(4, 30, 1)), 2, reg_covar=1e-3)
stats = [value.stats for name, module in sys.modules.items() if name.startswith("fastgmm.")
         for value in vars(module).values() if hasattr(value, "stats")]
print(sum(sum(each.cache_misses.values()) for each in stats))
"""
    run(program)
    assert run(program) == "0\n"


def test_progress_counts_the_problems():
    X, seen = make_problems(), []
    for n_components in (2, (1, 2)):
        fastgmm.fit_many(X, n_components, reg_covar=1e-3, max_iter=2, n_threads=1, progress=seen.append)
        assert {said.unit for said in seen} == {"problems"}
        assert {said.n_samples for said in seen} == {len(X)}
        stages = [said.stage for said in seen]
        assert list(dict.fromkeys(stages)) == [f"K = {k}" for k in np.atleast_1d(n_components)]
        counts = [said.n_seen for said in seen if said.stage == "K = 2"]
        assert counts == sorted(counts)
        assert counts[-1] == len(X)
        seen.clear()
    with pytest.raises(TypeError, match="progress must be True, False or a function"):
        fastgmm.fit_many(X, 2, progress="yes")


@pytest.mark.compiled
def test_progress_tells_of_what_other_threads_have_fitted(monkeypatch):
    """The calling thread tells after its own problems, and may come too late for any."""
    monkeypatch.setattr(launch, "in_threads", lambda works, blocks: [work() for work in reversed(works)])
    X, seen = make_problems(64), []
    fastgmm.fit_many(X, 2, reg_covar=1e-3, max_iter=2, n_threads=2, progress=seen.append)
    assert seen[-1].n_seen == len(X)


def test_progress_on_a_stream(capsys):
    for progress in (False, True):  # the first compiles
        fastgmm.fit_many(make_problems(), 2, reg_covar=1e-3, max_iter=2, progress=progress)
    said = capsys.readouterr().err
    assert said.startswith("K = 2: 1 pass in ")
    assert said.endswith(" problems/s\n")


def test_an_interrupt_keeps_what_has_been_fitted():
    X = make_problems(24)
    whole = quietly(X, 2, max_iter=3, n_threads=1)

    def interrupt(underway):
        if underway.stage == "K = 2":
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        fastgmm.fit_many(X, 2, max_iter=3, n_threads=1, progress=interrupt)
    result = caught.value.outcome
    fitted = np.flatnonzero(result.fitted)
    assert 0 < len(fitted) < len(X)
    for b in fitted.tolist():
        assert_same_fit(result[b], whole[b])
    assert set(result.errors) == set(range(len(X))) - set(fitted.tolist())
    assert set(result.errors.values()) == {"it had not been fitted when the call was interrupted"}
    # Of several numbers of components those count that all have been fitted with.
    with pytest.raises(Interrupted) as caught:
        fastgmm.fit_many(X, (1, 2), max_iter=3, n_threads=1, progress=interrupt)
    assert caught.value.outcome.fitted.all()
    assert (caught.value.outcome.n_components == 1).all()


def test_an_interrupt_in_a_fit_that_is_like_any_other(monkeypatch):
    X = make_problems(20)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(many_fit, "fit_rows", interrupted)
    # Compiled code alone does not fit so many rows.
    problems = [X[0], np.concatenate([X[7]] * 9000), X[2]]
    with pytest.raises(Interrupted) as caught:
        fastgmm.fit_many(problems, 2, max_iter=2)
    assert caught.value.outcome.fitted.tolist() == [True, False, True]
