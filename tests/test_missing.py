"""Missing values: exact EM by patterns against an EM row by row, certificates at its end, and what is refused."""

import itertools

import numpy as np
import pytest
from conftest import assert_same_bits, assert_same_parameters, make_problem

import fastgmm
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em.outcome import Interrupted
from fastgmm.model.structures import STRUCTURES
from fastgmm.rows.missing.patterns import patterns_of
from fastgmm.rows.missing.source import MissingSource

PLAIN = ("full", "tied", "diag", "spherical")
MARGINAL = {"missing": "marginal"}


def with_gaps(X, share=0.3, seed=0):
    """Return rows with values missing at random, at least one of each left."""
    generator = np.random.default_rng(seed)
    gaps = generator.random(X.shape) < share
    gaps[np.arange(len(X)), generator.integers(X.shape[1], size=len(X))] = False
    return np.where(gaps, np.nan, X)


def structured(start, covariance_type):
    """Return `start` in a structure: of its covariances the mean, the diagonals, or the means of these."""
    covariances = {
        "full": start.covariances,
        "tied": start.covariances.mean(axis=0),
        "diag": np.diagonal(start.covariances, axis1=1, axis2=2),
        "spherical": np.diagonal(start.covariances, axis1=1, axis2=2).mean(axis=1),
    }
    return fastgmm.Mixture(start.weights, start.means, covariances[covariance_type], covariance_type)


@pytest.fixture(scope="module")
def problem():
    """Rows of three clusters with gaps, in all seven patterns, and a start in each structure."""
    X, start = make_problem(400, 3, 3)
    return with_gaps(X), {name: structured(start, name) for name in PLAIN}


def round_by_rows(Y, mixture, row_weights=None):
    """Return the mixture after an iteration of EM that takes row by row, and the log-likelihood before."""
    weights, means, covariances = mixture.weights, mixture.means, mixture.full_covariances()
    k, d = means.shape
    logs, filled, rest = np.empty((len(Y), k)), np.empty((len(Y), k, d)), np.zeros((len(Y), k, d, d))
    for i, row in enumerate(Y):
        o, m = np.flatnonzero(~np.isnan(row)), np.flatnonzero(np.isnan(row))
        for c in range(k):
            S, z = covariances[c][np.ix_(o, o)], row[o] - means[c, o]
            solved = np.linalg.solve(S, z)
            logs[i, c] = np.log(weights[c]) - 0.5 * (z @ solved + np.linalg.slogdet(2 * np.pi * S)[1])
            across = covariances[c][np.ix_(m, o)]
            filled[i, c, o], filled[i, c, m] = row[o], means[c, m] + across @ solved
            rest[i, c][np.ix_(m, m)] = covariances[c][np.ix_(m, m)] - across @ np.linalg.solve(S, across.T)
    highest = logs.max(axis=1, keepdims=True)
    totals = highest + np.log(np.exp(logs - highest).sum(axis=1, keepdims=True))
    row_weights = np.ones(len(Y)) if row_weights is None else row_weights
    r = np.exp(logs - totals) * row_weights[:, np.newaxis]
    sums = r.sum(axis=0)
    new = np.einsum("ik,ikd->kd", r, filled) / sums[:, np.newaxis]
    z = filled - new
    scatters = np.einsum("ik,ikd,ike->kde", r, z, z) + np.einsum("ik,ikde->kde", r, rest)
    full = scatters / sums[:, np.newaxis, np.newaxis]
    if mixture.covariance_type == "tied":
        full = np.repeat(scatters.sum(axis=0)[np.newaxis] / sums.sum(), k, axis=0)
    new = structured(fastgmm.Mixture(sums / sums.sum(), new, full), mixture.covariance_type)
    return new, float(row_weights @ totals[:, 0])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("covariance_type", PLAIN)
def test_an_iteration_is_that_of_rows_one_by_one(problem, covariance_type, weighted):
    Y, starts = problem
    weights = np.random.default_rng(1).integers(0, 4, size=len(Y)).astype(float) if weighted else None
    start = starts[covariance_type]
    options = {"covariance_type": covariance_type, "init": start, "tol": 0.0, "sample_weight": weights, **MARGINAL}
    result = fastgmm.fit(Y, 3, max_iter=1, **options)
    expected, before = round_by_rows(Y, start, weights)
    assert_same_parameters(result.mixture, expected, rtol=1e-10)
    assert result.trace[0] * result.total_weight == pytest.approx(before, rel=1e-12)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag"])
def test_a_start_far_from_the_rows_loses_no_digits(problem, covariance_type):
    """The sums are taken once more about the new means; feature 0 is always observed, and so forgets the start."""
    Y, starts = problem
    Y = np.column_stack([np.where(np.isnan(Y[:, 0]), 0.5, Y[:, 0]), Y[:, 1:]])
    covariances = starts["full"].covariances[:1]
    far = structured(fastgmm.Mixture([1.0], starts["full"].means[:1] + 3e6, covariances), covariance_type)
    result = fastgmm.fit(Y, 1, covariance_type=covariance_type, init=far, max_iter=1, reg_covar=0.0, **MARGINAL)
    expected, _ = round_by_rows(Y, far)
    np.testing.assert_allclose(result.mixture.means, expected.means, rtol=1e-9)
    variances = (mixture.full_covariances()[0, 0, 0] for mixture in (result.mixture, expected))
    np.testing.assert_allclose(*variances, rtol=1e-9)


def numbers_of(mixture):
    """Return a function that makes a mixture of a shift in each of its free parameters, and how many there are."""
    k, d = mixture.means.shape
    shifts = []
    for place in itertools.product(range(k), range(d)):
        means = np.zeros((k, d))
        means[place] = 1.0
        shifts.append((np.zeros(k), means, np.zeros(mixture.covariances.shape)))
    for place in np.ndindex(mixture.covariances.shape):
        covariances = np.zeros(mixture.covariances.shape)
        covariances[place] = 1.0
        if STRUCTURES[mixture.covariance_type].has_matrices:
            covariances = 0.5 * (covariances + covariances.swapaxes(-1, -2))
        shifts.append((np.zeros(k), np.zeros((k, d)), covariances))
    for c in range(1, k):
        weights = np.zeros(k)
        weights[0], weights[c] = 1.0, -1.0
        shifts.append((weights, np.zeros((k, d)), np.zeros(mixture.covariances.shape)))
    return shifts


@pytest.mark.parametrize("covariance_type", PLAIN)
def test_the_end_is_a_maximum_and_the_way_never_falls(problem, covariance_type):
    Y, starts = problem
    options = {"covariance_type": covariance_type, "init": starts[covariance_type], **MARGINAL}
    result = fastgmm.fit(Y, 3, tol=0.0, max_iter=3000 if JIT_ENABLED else 20, **options)
    mixture = result.mixture
    densities = mixture.log_density(Y, **MARGINAL)
    assert densities.sum() == pytest.approx(result.log_likelihood, rel=1e-12)
    assert np.diff(result.trace).min() > -1e-13
    if not JIT_ENABLED:
        return

    def height(shift, step):
        parts = zip(mixture.parameters[:3], shift, strict=True)
        return fastgmm.Mixture(*(a + step * b for a, b in parts), covariance_type).score(Y, **MARGINAL)

    step = 3e-6
    slopes = [(height(shift, step) - height(shift, -step)) / (2 * step) for shift in numbers_of(mixture)]
    assert np.abs(slopes).max() < 1e-8


@pytest.mark.parametrize("covariance_type", [name for name in STRUCTURES if name not in PLAIN])
def test_structures_of_common_volumes_shapes_and_axes_climb(problem, covariance_type):
    Y, starts = problem
    labels = starts["full"].predict(Y, **MARGINAL)
    result = fastgmm.fit(Y, 3, covariance_type=covariance_type, init=labels, tol=1e-9, max_iter=200, **MARGINAL)
    assert np.diff(result.trace).min() > -1e-11
    assert result.mixture.score(Y, **MARGINAL) * len(Y) == pytest.approx(result.log_likelihood, rel=1e-12)
    again = fastgmm.fit(Y, 3, covariance_type=covariance_type, init=result.mixture, max_iter=1, tol=0.0, **MARGINAL)
    assert_same_parameters(again.mixture, result.mixture, rtol=1e-2, atol=1e-2)


@pytest.mark.compiled
@pytest.mark.parametrize("covariance_type", PLAIN)
def test_quasi_newton_steps_end_as_high(problem, covariance_type):
    Y, starts = problem
    options = {"covariance_type": covariance_type, "init": starts[covariance_type], "tol": 1e-11, **MARGINAL}
    a, b = (fastgmm.fit(Y, 3, max_iter=5000, acceleration=name, **options) for name in ("none", "quasi-newton"))
    assert b.log_likelihood == pytest.approx(a.log_likelihood, abs=1e-4)
    assert b.n_iter < a.n_iter


def test_one_component_with_monotone_patterns_is_the_closed_form():
    """Anderson (1957): each feature's regression on those before it, over the rows that have it."""
    generator = np.random.default_rng(3)
    X = generator.normal(size=(500, 3)) @ generator.normal(size=(3, 3)) + [1.0, 2.0, 3.0]
    X[300:, 1] = X[120:, 2] = np.nan
    mean, covariance = np.array([X[:, 0].mean()]), np.array([[X[:, 0].var()]])
    for d in (1, 2):
        rows = X[~np.isnan(X[:, d])]
        before = np.column_stack([np.ones(len(rows)), rows[:, :d]])
        slopes, (rest,) = np.linalg.lstsq(before, rows[:, d], rcond=None)[:2]
        across = covariance @ slopes[1:]
        mean = np.append(mean, slopes[0] + slopes[1:] @ mean)
        variance = rest / len(rows) + slopes[1:] @ across
        covariance = np.block([[covariance, across[:, np.newaxis]], [across, variance]])
    result = fastgmm.fit(X, 1, tol=0.0, max_iter=2000, **MARGINAL)
    np.testing.assert_allclose(result.mixture.means[0], mean, rtol=1e-9)
    np.testing.assert_allclose(result.mixture.covariances[0], covariance, rtol=1e-9)


def test_rows_without_gaps_have_the_bits_of_a_fit_without_the_option():
    X, _ = make_problem(400, 3, 3)
    a, b = (fastgmm.fit(X, 3, n_init=2, **options) for options in ({}, MARGINAL))
    assert_same_bits(a.mixture, b.mixture)
    np.testing.assert_array_equal(a.trace, b.trace)
    np.testing.assert_array_equal(a.mixture.predict(X), a.mixture.predict(X, **MARGINAL))
    a, b = (fastgmm.select(X, [2, 3], **options) for options in ({}, MARGINAL))
    assert a.table()["bic"].tolist() == b.table()["bic"].tolist()


@pytest.mark.parametrize("covariance_type", ["full", "tied"])
def test_threads_change_no_bit(covariance_type):
    X, start = make_problem(100_000 if JIT_ENABLED else 500, 3, 3)
    Y, start = with_gaps(X), structured(start, covariance_type)
    options = {"covariance_type": covariance_type, "init": start, "max_iter": 3, **MARGINAL}
    a, b = (fastgmm.fit(Y, 3, n_threads=n_threads, **options) for n_threads in (1, 2))
    assert_same_bits(a.mixture, b.mixture)
    assert a.log_likelihood == b.log_likelihood


@pytest.mark.parametrize("covariance_type", PLAIN)
def test_single_precision_is_close(problem, covariance_type):
    Y, starts = problem
    options = {"covariance_type": covariance_type, "init": starts[covariance_type], "max_iter": 5, **MARGINAL}
    a, b = (fastgmm.fit(rows, 3, **options).mixture for rows in (Y, Y.astype(np.float32)))
    assert_same_parameters(a, b, rtol=1e-4, atol=1e-4)
    assert a.impute(Y.astype(np.float32)).dtype == np.float32


def test_integer_weights_are_repeated_rows(problem):
    Y, starts = problem
    weights = np.random.default_rng(2).integers(0, 3, size=len(Y))
    options = {"init": starts["full"], "max_iter": 5, **MARGINAL}
    a = fastgmm.fit(Y, 3, sample_weight=weights * 1e5, **options)
    b = fastgmm.fit(np.repeat(Y, weights, axis=0), 3, **options)
    assert_same_parameters(a.mixture, b.mixture)
    assert a.log_likelihood == pytest.approx(1e5 * b.log_likelihood, rel=1e-12)


@pytest.mark.parametrize("covariance_type", PLAIN)
def test_a_pattern_without_weight_does_not_count(covariance_type):
    X, start = make_problem(60_000 if JIT_ENABLED else 300, 3, 3)
    Y, weights = with_gaps(X), np.ones(len(X))
    weights[np.isnan(Y[:, 1])] = 0.0
    options = {
        "covariance_type": covariance_type,
        "init": structured(start, covariance_type),
        "max_iter": 3,
        **MARGINAL,
    }
    a = fastgmm.fit(Y, 3, sample_weight=weights, **options).mixture
    b = fastgmm.fit(Y[weights > 0.0], 3, **options).mixture
    assert_same_parameters(a, b)


def many_and_few_of_a_pattern():
    """Patterns of several superblocks, whose moments may follow from their scatter, and one of 100 rows, too few."""
    X, _ = make_problem(60_000 if JIT_ENABLED else 400, 3, 3)
    Y = with_gaps(X)
    of_one_value = np.flatnonzero(np.isnan(Y[:, 1:]).all(axis=1))[100:]
    Y[of_one_value] = X[of_one_value]
    return Y


@pytest.mark.parametrize(
    ("covariance_type", "shift", "is_long"),
    [*((name, 0.0, False) for name in PLAIN), ("full", 3e6, False), ("tied", 0.0, True), ("tied", 3e6, True)],
)
def test_how_often_a_pass_comes_back_to_python_changes_no_bit(problem, covariance_type, shift, is_long, monkeypatch):
    """From a start far away the sums of a round are taken twice."""
    Y, starts = problem
    Y = many_and_few_of_a_pattern() if is_long else Y
    start = starts[covariance_type]
    if shift:
        far = fastgmm.Mixture([1.0], starts["full"].means[:1] + shift, starts["full"].covariances[:1])
        start = structured(far, covariance_type)
    k, options = start.n_components, {"covariance_type": covariance_type, "init": start, "max_iter": 3, **MARGINAL}
    at_once = fastgmm.fit(Y, k, **options)
    monkeypatch.setattr("fastgmm.rows.missing.run.LAUNCH_NANOSECONDS", 1.0)
    monkeypatch.setattr("fastgmm.rows.missing.run.KEPT_BYTES", 0)
    again = fastgmm.fit(Y, k, **options)
    assert_same_bits(again.mixture, at_once.mixture)
    assert again.log_likelihood == at_once.log_likelihood


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_units_of_the_features_do_not_matter(problem, scale):
    Y, _ = problem
    scales = np.array([1.0, scale, 1.0])
    a, b = (fastgmm.fit(rows, 3, init="random", max_iter=3, **MARGINAL).mixture for rows in (Y, Y * scales))
    np.testing.assert_allclose(b.means / scales, a.means, rtol=1e-9)


@pytest.mark.parametrize("init", ["kmeans", "k-means++", "random_from_data", "tree", "labels", "responsibilities"])
@pytest.mark.parametrize("covariance_type", PLAIN)
def test_every_start_finds_clusters_that_are_apart(covariance_type, init):
    generator = np.random.default_rng(0)
    labels = generator.integers(3, size=600)
    Y = with_gaps(12.0 * np.eye(3)[labels] + generator.normal(size=(600, 3)), 0.2)
    if init == "labels":
        init = labels
    elif init == "responsibilities":
        init = np.eye(3)[labels] * 0.7 + 0.1
    result = fastgmm.fit(Y, 3, covariance_type=covariance_type, init=init, n_init=8, **MARGINAL)
    order = np.argsort(result.mixture.means.argmax(axis=1))
    np.testing.assert_allclose(result.mixture.means[order], 12.0 * np.eye(3), atol=0.4)
    known = ~np.isnan(Y).any(axis=1)
    assert np.mean(np.argsort(order)[result.mixture.predict(Y, **MARGINAL)][known] == labels[known]) > 0.99


def test_a_start_looks_at_complete_rows_where_these_are_enough(problem):
    Y, _ = problem
    source = MissingSource(Y)
    complete = Y[~np.isnan(Y).any(axis=1)]
    few, many = source.sample(70, 0), source.sample(1 << 15, 0)
    assert {tuple(row) for row in few.rows.tolist()} <= {tuple(row) for row in complete.tolist()}
    assert (len(few.rows), len(many.rows)) == (70, len(Y))
    np.testing.assert_array_equal(many.rows, np.where(np.isnan(Y), source.moments().means, Y))
    np.testing.assert_allclose(source.moments().means, np.nanmean(Y, axis=0), rtol=1e-12)
    np.testing.assert_allclose(source.moments().deviations, np.nanstd(Y, axis=0), rtol=1e-12)


@pytest.mark.parametrize("covariance_type", PLAIN)
def test_answers_about_a_row_are_those_given_what_is_observed(problem, covariance_type):
    Y, starts = problem
    mixture = starts[covariance_type]
    for row in Y[:20]:
        seen, gaps = np.flatnonzero(~np.isnan(row)).tolist(), np.flatnonzero(np.isnan(row))
        density = mixture.marginal(seen).log_density(row[np.newaxis, seen])
        np.testing.assert_allclose(mixture.log_density(row[np.newaxis], **MARGINAL), density, rtol=1e-12)
        filled, shares = mixture.impute(row[np.newaxis])[0], mixture.responsibilities(row[np.newaxis], **MARGINAL)[0]
        np.testing.assert_array_equal(filled[seen], row[seen])
        if len(gaps):
            given = mixture.conditional({feature: row[feature] for feature in seen})
            np.testing.assert_allclose(shares, given.weights, rtol=1e-10)
            np.testing.assert_allclose(filled[gaps], given.weights @ given.means, rtol=1e-10)
    labels = mixture.predict(Y, **MARGINAL)
    np.testing.assert_array_equal(labels, mixture.responsibilities(Y, **MARGINAL).argmax(axis=1))


def test_a_row_without_values_has_the_weights_for_responsibilities(problem):
    _, starts = problem
    mixture, nothing = starts["full"], np.full((2, 3), np.nan)
    np.testing.assert_array_equal(mixture.responsibilities(nothing, **MARGINAL), [mixture.weights] * 2)
    np.testing.assert_array_equal(mixture.log_density(nothing, **MARGINAL), [0.0, 0.0])
    np.testing.assert_array_equal(mixture.component_log_density(nothing, **MARGINAL), np.zeros((2, 3)))
    assert mixture.predict(nothing, **MARGINAL).tolist() == [mixture.weights.argmax()] * 2
    np.testing.assert_allclose(mixture.impute(nothing), [mixture.weights @ mixture.means] * 2, rtol=1e-14)
    np.testing.assert_allclose(mixture.uncertainty(nothing, **MARGINAL), 1.0 - mixture.weights.max(), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_missing_values_of_one_feature_are_found(dtype):
    """From 16 rows on, NumPy's loops of AVX-512 look at them."""
    mixture = fastgmm.Mixture([0.25, 0.75], [[0.0], [4.0]], [[1.0], [1.0]], "diag")
    x = np.where(np.arange(100) % 3 == 0, np.nan, np.arange(100) / 25.0).astype(dtype)
    np.testing.assert_array_equal(mixture.impute(x)[:, 0], np.where(np.isnan(x), dtype(3.0), x))
    assert (mixture.responsibilities(x, **MARGINAL)[::3, 1] == 0.75).all()


def test_what_is_expected_must_be_a_number_of_the_rows():
    mixture = fastgmm.Mixture([1.0], [[0.0, 1e300]], [[1.0, 1e300]], "diag")
    rows = np.array([[0.0, 1.0], [0.0, np.nan]])
    assert mixture.impute(rows)[1, 1] == 1e300
    with pytest.raises(
        ValueError, match=r"^what is expected of row 1 \(counted from 0\) exceeds what float32 holds; "
    ):
        mixture.impute(rows.astype(np.float32))


def test_a_summary_of_the_rows_of_the_fit(problem):
    Y, starts = problem
    result = fastgmm.fit(Y, 3, init=starts["full"], **MARGINAL)
    assert result.bic == pytest.approx(result.mixture.bic(Y, **MARGINAL), rel=1e-12)
    assert f"{result.mixture.icl(Y, **MARGINAL):.3f}" in str(result.summary(Y))


def test_patterns_of_many_features():
    Y = with_gaps(np.random.default_rng(0).normal(size=(40, 70)), 0.1)
    Y[5] = Y[9] = Y[1]
    patterns = patterns_of(Y)
    assert sorted(np.concatenate([pattern.places for pattern in patterns])) == list(range(40))
    assert any({1, 5, 9} <= set(pattern.places) for pattern in patterns)
    for observed, missing, places in patterns:
        assert not np.isnan(Y[places][:, observed]).any()
        assert np.isnan(Y[places][:, missing]).all()


def test_the_estimator_remembers_its_option(problem):
    Y, _ = problem
    model = fastgmm.GaussianMixture(3, random_state=0, missing="marginal").fit(Y)
    mixture = fastgmm.Mixture(model.weights_, model.means_, model.covariances_)
    np.testing.assert_array_equal(model.score_samples(Y), mixture.log_density(Y, **MARGINAL))
    np.testing.assert_array_equal(model.predict(Y), mixture.predict(Y, **MARGINAL))
    with pytest.raises(ValueError, match=r"masked values; drop .*missing='marginal' allows X.astype"):
        model.predict(np.ma.masked_invalid(Y))
    for call in (model.set_params(missing="error").predict, model.fit):
        with pytest.raises(ValueError, match=r"Input X contains NaN.*missing='marginal' allows missing values"):
            call(Y)
    with pytest.raises(ValueError, match="'missing' parameter of GaussianMixture must be a str among"):
        model.set_params(missing="mean").fit(Y)


@pytest.mark.parametrize("missing", ["error", "marginal"])
def test_scikit_learn_knows_whether_nan_is_allowed(missing):
    pytest.importorskip("sklearn")
    tags = fastgmm.GaussianMixture(missing=missing).__sklearn_tags__()
    assert tags.input_tags.allow_nan is (missing == "marginal")


def test_an_interrupt_carries_the_last_whole_round(problem):
    Y, starts = problem

    def stop(state):
        if state.iteration == 3:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        fastgmm.fit(Y, 3, init=starts["full"], tol=0.0, callback=stop, **MARGINAL)
    three = fastgmm.fit(Y, 3, init=starts["full"], tol=0.0, max_iter=3, **MARGINAL)
    assert_same_bits(caught.value.outcome.parameters, three.mixture)


def test_a_component_on_one_point_is_held_up_or_a_failure():
    Y = with_gaps(make_problem(60, 3, 3)[0])
    Y[:20] = np.where(np.isnan(Y[:20]), np.nan, 1.0)
    labels = np.repeat([0, 1, 2], 20)
    with pytest.warns(fastgmm.FitWarning, match="no spread"):
        result = fastgmm.fit(Y, 3, init=labels, tol=1e-8, max_iter=500, **MARGINAL)
    assert 0 in result.degenerate_components
    assert np.isfinite(result.log_likelihood)
    with pytest.raises(fastgmm.FitFailure, match="component 0 is not positive definite"):
        fastgmm.fit(Y, 3, init=labels, reg_covar=0.0, tol=0.0, max_iter=5000, **MARGINAL)


GAPS = np.array([[1.0, np.nan], [2.0, 3.0], [np.nan, 4.0], [3.0, 5.0]])


@pytest.mark.parametrize(
    ("X", "options", "error", "message"),
    [
        (GAPS, {}, ValueError, "X has 2 NaN or infinite values, the first in row 0 .* of column 1; drop or impute"),
        (GAPS * np.inf, {}, ValueError, "drop or impute these rows first, or say missing='marginal'$"),
        (np.where(GAPS > 0.0, np.inf, 1.0), {}, ValueError, "drop or impute these rows first$"),
        (GAPS, {"missing": "mean"}, ValueError, "missing must be one of 'error', 'marginal', got 'mean'"),
        (GAPS * [1.0, np.nan], MARGINAL, ValueError, "X has 1 row without any value, the first row 2"),
        ([*GAPS, [np.nan] * 2], MARGINAL, ValueError, "X has 1 row without any value, the first row 4"),
        (GAPS[:, [0, 0]] + [0.0, np.nan], MARGINAL, ValueError, "X has 1 row without any value"),
        (GAPS[[0, 1]] * [1.0, np.nan], MARGINAL, ValueError, "X has no value of feature 'x1'; leave it out"),
        (np.where(GAPS == 4.0, np.inf, GAPS), MARGINAL, ValueError, "X has 1 infinite value, the first in row 2"),
        ([GAPS, GAPS], MARGINAL, TypeError, "missing='marginal' is for rows in memory, got"),
        (np.ma.masked_invalid(GAPS), MARGINAL, ValueError, r"drop or impute .*, or pass X.astype\(float\).filled"),
        (
            np.ma.masked_equal(GAPS[1:2], 2),
            {},
            ValueError,
            r"or pass X.astype\(float\).filled\(numpy.nan\) and missing=",
        ),
        (GAPS[:, :1], MARGINAL, ValueError, "X has 1 row without any value"),
        (GAPS, {**MARGINAL, "n_components": 5}, ValueError, "n_components must be at most the number of rows, 4"),
    ],
)
def test_bad_input_is_one_sentence(X, options, error, message):
    with pytest.raises(error, match=message):
        fastgmm.fit(X, **{"n_components": 1, **options})


def test_a_feature_without_a_value_that_counts(problem):
    Y = problem[0].copy()
    Y[:100, 1] = 1.0
    Y[100:, 1] = np.nan
    Y = Y[~np.isnan(Y).all(axis=1)]
    with pytest.raises(ValueError, match="X has no value of feature 'x1'"):
        fastgmm.fit(Y, 2, sample_weight=np.arange(len(Y)) >= 100, **MARGINAL)


def test_dask_is_refused(problem):
    array = pytest.importorskip("dask.array").from_array(problem[0], chunks=(100, 3))
    mixture = problem[1]["full"]
    for ask in (lambda: fastgmm.fit(array, 3, **MARGINAL), lambda: mixture.predict(array, **MARGINAL)):
        with pytest.raises(TypeError, match="missing='marginal' is for rows in memory"):
            ask()
    with pytest.raises(TypeError, match="rows must be in memory to be imputed"):
        mixture.impute(array)
