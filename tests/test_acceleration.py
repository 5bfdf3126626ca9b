"""Quasi-Newton steps between rounds: the limit of EM in fewer passes, and nothing that EM does not promise lost."""

import inspect
import itertools

import numpy as np
import pytest
from conftest import assert_same_bits, assert_same_parameters

import fastgmm
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em.acceleration import quadratic, rounds
from fastgmm.em.acceleration.coordinates import Frame, point_of, ridge_share, second_moments
from fastgmm.em.outcome import Interrupted, Status
from fastgmm.kernels.slots import N_ITER
from fastgmm.model.structures import STRUCTURES
from fastgmm.rows.run import Run
from fastgmm.shell.fit import fit as shell_fit

N = 600 if JIT_ENABLED else 100
# Every direction is one in which their covariances may go.
UNRESTRICTED = ("full", "tied", "diag", "spherical")
STEPS = {"acceleration": "quasi-newton"}
LONG = {"tol": 1e-9, "max_iter": 5000 if JIT_ENABLED else 60}


def overlapping(n=N, seed=0, n_features=2):
    """Two clusters that EM takes hundreds of rounds to tell apart."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, n_features))
    X[n // 2 :] += 1.5
    return X


def passes_until(fit, limit):
    """How many passes it took to reach a mean log-likelihood."""
    trace = np.append(fit.trace, fit.log_likelihood / fit.total_weight)
    assert trace[-1] >= limit
    return int(np.argmax(trace >= limit)) + 1


def random_mixture(covariance_type, k=3, d=2, seed=0):
    generator = np.random.default_rng(seed)
    structure = STRUCTURES[covariance_type]
    covariances = generator.gamma(2.0, size=structure.shape(k, d))
    if structure.has_matrices:
        factors = generator.normal(size=structure.shape(k, d))
        covariances = factors @ np.swapaxes(factors, -1, -2) + np.eye(d)
    weights = generator.dirichlet(np.full(k, 5.0))
    return fastgmm.Mixture(weights, generator.normal(size=(k, d)), covariances, covariance_type)


@pytest.mark.compiled  # hundreds of rounds
@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_the_limit_is_that_of_em_and_the_passes_are_few(covariance_type):
    X = overlapping()
    plain = fastgmm.fit(X, 2, covariance_type=covariance_type, tol=1e-12, max_iter=20_000)
    fit = fastgmm.fit(X, 2, covariance_type=covariance_type, **LONG, **STEPS)
    assert fit.converged
    assert np.diff(fit.trace).min() >= -1e-14
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-8 * N)
    limit = plain.log_likelihood / N - 1e-8
    assert 3 * passes_until(fit, limit) < passes_until(plain, limit)
    # What it ends in is a fixed point of EM, in the structure.
    again = fastgmm.fit(X, 2, covariance_type=covariance_type, init=fit.mixture, max_iter=1)
    assert_same_parameters(again.mixture, fit.mixture, rtol=1e-3, atol=1e-4)


@pytest.mark.compiled
@pytest.mark.parametrize("n_features", [1, 4])
def test_other_numbers_of_features(n_features):
    X = overlapping(n_features=n_features)
    plain = fastgmm.fit(X, 2, tol=1e-12, max_iter=20_000)
    fit = fastgmm.fit(X, 2, **LONG, **STEPS)
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-8 * N)
    assert 3 * fit.n_iter < plain.n_iter


@pytest.mark.parametrize("max_iter", [0, 1, 2, 3, 5, 8, 13, 21, 34])
def test_every_pass_is_an_iteration_whether_it_is_kept_or_not(max_iter):
    X = overlapping()
    options = {"tol": 0.0, "init": "random", **STEPS}
    whole = fastgmm.fit(X, 3, max_iter=40, **options)
    fit = fastgmm.fit(X, 3, max_iter=max_iter, **options)
    assert (np.diff(whole.trace) == 0.0).any()  # one was taken back
    assert (fit.n_iter, fit.status) == (max_iter, Status.MAX_ITER)
    np.testing.assert_array_equal(fit.trace, whole.trace[:max_iter])
    assert max_iter == 0 or fit.log_likelihood / N >= fit.trace[-1] - 1e-14
    assert fit.log_likelihood == pytest.approx(fit.mixture.score(X) * N, rel=1e-12)


def test_a_callback_sees_every_pass_and_stops_the_fit():
    X, seen = overlapping(), []
    options = {"tol": 0.0, "init": "random", "max_iter": 40, **STEPS}

    def callback(state):
        seen.append(state)
        return state.iteration == 30

    fit = fastgmm.fit(X, 3, callback=callback, **options)
    assert (fit.status, fit.n_iter) == (Status.STOPPED, 30)
    np.testing.assert_array_equal([state.mean_log_likelihood for state in seen], fit.trace)
    np.testing.assert_array_equal([state.change for state in seen[1:]], np.diff(fit.trace))
    np.testing.assert_array_equal(fit.trace, fastgmm.fit(X, 3, **options).trace[:30])
    # What it is shown is at least as high as what it is told.
    for state in seen:
        assert fastgmm.Mixture(*state.parameters).score(X) >= state.mean_log_likelihood - 1e-14


@pytest.mark.parametrize("n_passes", range(2, 12))
def test_an_interrupt_carries_parameters_that_have_been_kept(n_passes):
    X = overlapping()
    n_read = itertools.count()

    def read():
        yield X[: N // 3]
        # Three passes come before the first iteration: variances, a sample, the start.
        if next(n_read) == n_before + n_passes:
            raise KeyboardInterrupt
        yield X[N // 3 :]

    options = {"init": start_of_two(X), "tol": 0.0, "max_iter": 40, **STEPS}
    n_before = passes_before(X, options)
    with pytest.raises(Interrupted) as caught:
        fastgmm.fit(read, 3, **options)
    outcome = caught.value.outcome
    assert outcome.n_iter == n_passes
    assert fastgmm.Mixture(*outcome.parameters).score(X) >= outcome.trace[-1] - 1e-14


@pytest.mark.parametrize("n_passes", range(2, 20))
def test_an_interrupt_at_the_end_of_a_pass_counts_no_step_that_nobody_has_judged(monkeypatch, n_passes):
    """Ctrl-C in compiled code arrives when that is over, so after the pass and its M step."""
    X, launches = overlapping(), Run.launches

    def interrupted(run, *arguments):
        unfinished = launches(run, *arguments)
        if run.state.counts[N_ITER] == n_passes:
            monkeypatch.undo()
            raise KeyboardInterrupt
        return unfinished

    options = {"init": start_of_two(X), "tol": 0.0, "max_iter": 40, **STEPS}
    monkeypatch.setattr(Run, "launches", interrupted)
    with pytest.raises(Interrupted) as caught:
        fastgmm.fit(X, 3, **options)
    outcome = caught.value.outcome
    assert outcome.n_iter in (n_passes, n_passes - 1)
    assert np.diff(outcome.trace).min(initial=0.0) >= -1e-14
    assert fastgmm.Mixture(*outcome.parameters).score(X) >= outcome.trace[-1] - 1e-14


def start_of_two(X):
    return fastgmm.fit(X, 3, init="random", max_iter=1).mixture


def passes_before(X, options):
    """Passes over chunks before the first iteration."""
    n_read = itertools.count()

    def read():
        next(n_read)
        yield X

    fastgmm.fit(read, 3, **options | {"max_iter": 0})
    return next(n_read) - 1


@pytest.mark.parametrize("covariance_type", UNRESTRICTED)
def test_chunks_and_threads_give_the_same_bits(covariance_type):
    n = 9000 if JIT_ENABLED else 300
    X = overlapping(n)
    options = {"covariance_type": covariance_type, "init": "random", "tol": 0.0, "max_iter": 15, **STEPS}
    fit = fastgmm.fit(X, 3, **options)
    assert not np.array_equal(fit.trace, fastgmm.fit(X, 3, **options | {"acceleration": "none"}).trace)
    for other in (
        fastgmm.fit([X[: n // 7], X[n // 7 :]], 3, **options),
        fastgmm.fit(X, 3, **options, n_threads=1),
        fastgmm.fit(X, 3, **options, callback=lambda state: False),
    ):
        np.testing.assert_array_equal(other.trace, fit.trace)
        assert_same_bits(other.mixture, fit.mixture)


def test_partitions_give_the_same_fit():
    array = pytest.importorskip("dask.array")
    X = overlapping()
    options = {"init": start_of_two(X), "tol": 0.0, "max_iter": 12, **STEPS}
    fit = fastgmm.fit(X, 3, **options)
    parts = fastgmm.fit(array.from_array(X, chunks=(N // 2, 2)), 3, **options)
    np.testing.assert_allclose(parts.trace, fit.trace, rtol=1e-9)


def test_moments_that_follow_from_the_scatter_of_all_rows():
    X = overlapping(n=40_000 if JIT_ENABLED else 200, n_features=4)
    plain = fastgmm.fit(X, 3, covariance_type="tied", tol=0.0, max_iter=30)
    fit = fastgmm.fit(X, 3, covariance_type="tied", tol=0.0, max_iter=30, **STEPS)
    assert np.diff(fit.trace).min() >= -1e-14
    assert fit.log_likelihood > plain.log_likelihood


@pytest.mark.compiled
def test_a_weight_is_how_often_a_row_counts_in_any_unit():
    X, counts = overlapping(), np.random.default_rng(1).integers(0, 4, size=N)
    options = {"init": start_of_two(X), **LONG, **STEPS}
    repeated = fastgmm.fit(np.repeat(X, counts, axis=0), 3, **options)
    weighted = fastgmm.fit(X, 3, sample_weight=counts, **options)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-9)
    tiny = fastgmm.fit(X, 3, sample_weight=counts * 2.0**-900, **options)
    np.testing.assert_array_equal(tiny.trace, weighted.trace)
    assert_same_bits(tiny.mixture, weighted.mixture)


@pytest.mark.parametrize("units", [np.full(2, 2.0**-20), np.array([1e-100, 1e100])])
def test_units_change_no_step(units):
    X = overlapping()
    options = {"init": "random", "tol": 0.0, "max_iter": 20, **STEPS}
    fit, scaled = fastgmm.fit(X, 3, **options), fastgmm.fit(X * units, 3, **options)
    rtol = 0.0 if units[0] == units[1] else 1e-6
    np.testing.assert_allclose(scaled.mixture.means, fit.mixture.means * units, rtol=rtol)
    np.testing.assert_allclose(scaled.mixture.weights, fit.mixture.weights, rtol=rtol)


@pytest.mark.compiled
def test_single_precision():
    X = overlapping()
    double = fastgmm.fit(X, 2, **LONG, **STEPS)
    single = fastgmm.fit(X.astype(np.float32), 2, tol=1e-7, max_iter=5000, **STEPS)
    assert single.converged
    assert single.log_likelihood == pytest.approx(double.log_likelihood, abs=1e-5 * N)
    assert np.diff(single.trace).min() >= -1e-6


@pytest.mark.compiled
@pytest.mark.parametrize("far", [9999.0, 1e6])
def test_a_component_on_a_point_stays_on_its_floor_and_slows_nothing_down(far):
    X = np.concatenate([overlapping(), np.full((1 if far == 1e6 else 20, 2), far)])
    with pytest.warns(fastgmm.FitWarning, match="component"):
        plain = fastgmm.fit(X, 3, **LONG)
    with pytest.warns(fastgmm.FitWarning, match="component"):
        fit = fastgmm.fit(X, 3, **LONG, **STEPS)
    assert fit.degenerate_components == plain.degenerate_components != ()
    assert fit.log_likelihood >= plain.log_likelihood - 1e-3
    assert 4 * fit.n_iter < plain.n_iter
    floor = fit.regulariser.floor
    assert (np.diagonal(fit.mixture.covariances, axis1=1, axis2=2) >= floor * (1.0 - 1e-9)).all()


def test_nothing_is_tried_while_a_component_dies():
    X = overlapping()
    start = fastgmm.Mixture([0.5, 0.5, 1e-9], [[0.0, 0.0], [1.5, 1.5], [30.0, 30.0]], [np.eye(2)] * 3)
    options = {"init": start, "tol": 0.0, "max_iter": 10}
    with pytest.warns(fastgmm.FitWarning):
        plain = fastgmm.fit(X, 3, **options)
    with pytest.warns(fastgmm.FitWarning):
        fit = fastgmm.fit(X, 3, **options, **STEPS)
    np.testing.assert_array_equal(fit.trace, plain.trace)
    assert_same_bits(fit.mixture, plain.mixture)


@pytest.mark.parametrize("reg_covar", ["auto", 0.0, 1e-4])
@pytest.mark.parametrize("factor", [1e2, 1e8, np.nan])
def test_steps_that_lead_astray_are_taken_back(monkeypatch, factor, reg_covar):
    """Whatever is tried, what is kept is as high as before, and few passes are lost."""
    X = overlapping()
    best = rounds.best_step

    def astray(*arguments):
        step = best(*arguments)
        return step._replace(vector=step.vector * -factor)

    monkeypatch.setattr(rounds, "best_step", astray)
    options = {"init": start_of_two(X), "tol": 0.0, "max_iter": 60, "reg_covar": reg_covar}
    fit = fastgmm.fit(X, 3, **options, **STEPS)
    plain = fastgmm.fit(X, 3, **options)
    assert fit.n_iter == 60
    assert np.diff(fit.trace).min() >= (-1e-14 if reg_covar != 1e-4 else -1e-6)
    kept = np.unique(fit.trace)
    assert len(kept) > 45
    np.testing.assert_allclose(kept, plain.trace[: len(kept)], rtol=1e-12)


@pytest.mark.compiled
def test_it_does_not_stop_because_convergence_is_slow():
    generator = np.random.default_rng(0)
    X = np.concatenate([generator.normal(size=500), 2.3 + generator.normal(size=500)])
    limit = fastgmm.fit(X, 2, tol=1e-15, max_iter=5000).trace[-1]
    for tol in (1e-5, 1e-7, 1e-9):
        plain = fastgmm.fit(X, 2, tol=tol, max_iter=5000)
        fit = fastgmm.fit(X, 2, tol=tol, **STEPS)
        assert limit - fit.trace[-1] < tol < limit - plain.trace[-1]
        assert fit.remaining < tol
    assert fastgmm.fit(X, 2, max_iter=2, **STEPS).remaining == np.inf


@pytest.mark.parametrize("n_components", [1, 5])
def test_where_there_is_nothing_to_gain_it_ends_as_soon(n_components):
    X = overlapping(5)
    options = {"reg_covar": 1e-3} if n_components == 5 else {}
    with pytest.warns(fastgmm.FitWarning) if n_components == 5 else np.errstate():
        fit = fastgmm.fit(X, n_components, **options, **STEPS)
    assert fit.converged
    assert fit.n_iter <= 4


@pytest.mark.parametrize("covariance_type", UNRESTRICTED)
def test_where_rounds_of_em_do_not_end_in_a_maximum_nothing_is_tried(covariance_type):
    """A large number for `reg_covar` moves the fixed point of EM away from where the likelihood is highest."""
    X = overlapping()
    options = {"covariance_type": covariance_type, "init": "random", "tol": 0.0, "max_iter": 30}
    for reg_covar, tried in ((0.1, False), (1e-5, True)):
        plain, fit = (fastgmm.fit(X, 3, reg_covar=reg_covar, **options, **steps) for steps in ({}, STEPS))
        assert np.array_equal(fit.trace, plain.trace) != tried


@pytest.mark.compiled  # hundreds of rounds
@pytest.mark.parametrize("seed", range(4))
def test_a_number_for_reg_covar_takes_no_more_passes_than_without_steps(seed):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=600) * np.repeat([1.5, 1.0], [150, 450]) + np.repeat([0.0, 1.6], 300)
    for reg_covar in (1e-6, 1e-4, 1e-2, 0.3):
        options = {"reg_covar": reg_covar, "tol": 1e-8, "max_iter": 3000, "covariance_type": "diag"}
        plain, fit = (fastgmm.fit(X, 4, **options, **steps) for steps in ({}, STEPS))
        assert fit.n_iter <= 1.1 * plain.n_iter + 5


def test_where_nothing_is_tried_it_ends_where_em_does():
    """Components on two rows each are flat, and their densities rounded from one iteration to the next."""
    X = overlapping(30)
    options = {"init": np.arange(30) // 2 % 8, "tol": 1e-9, "max_iter": 200}
    with pytest.warns(fastgmm.FitWarning):
        plain = fastgmm.fit(X, 8, **options)
    with pytest.warns(fastgmm.FitWarning):
        fit = fastgmm.fit(X, 8, **options, **STEPS)
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-4)
    assert fit.n_iter <= 1.1 * plain.n_iter


def test_short_starts_and_warm_starts_go_on_with_it():
    X = overlapping()
    fit = fastgmm.fit(X, 3, init="random", n_init=3, short_iter=4, tol=0.0, max_iter=20, **STEPS)
    assert fit.n_iter == 20
    assert np.diff(fit.trace).min() >= -1e-14
    options = {"warm_start": True, "tol": 1e-8, "reg_covar": 0.0, "max_iter": 1000, "random_state": 0}
    model = fastgmm.GaussianMixture(2, **options, **STEPS).fit(X)
    before = model.lower_bound_
    assert model.fit(X).lower_bound_ >= before - 1e-14
    assert model.n_iter_ < 10


def test_every_door_has_it():
    X = overlapping()
    options = {"tol": 1e-4, "max_iter": 300}
    fit = fastgmm.fit(X, 2, **options, **STEPS)
    assert_same_bits(fastgmm.select(X, 2, **options, **STEPS).best.mixture, fit.mixture)
    model = fastgmm.GaussianMixture(2, random_state=0, reg_covar=0.0, **options, **STEPS).fit(X)
    np.testing.assert_array_equal(model.means_, fastgmm.fit(X, 2, reg_covar=0.0, **options, **STEPS).mixture.means)
    doors = fastgmm.fit, fastgmm.select, fastgmm.GaussianMixture, shell_fit
    assert {inspect.signature(door).parameters["acceleration"].default for door in doors} == {"none"}


@pytest.mark.parametrize("acceleration", ["squarem", None, 3, ["none"], np.array(["none"])])
def test_another_name_is_one_error(acceleration):
    X = overlapping()
    for door in (lambda **options: fastgmm.fit(X, 2, **options), lambda **options: fastgmm.select(X, 2, **options)):
        with pytest.raises(ValueError, match="acceleration must be one of 'none', 'quasi-newton', got"):
            door(acceleration=acceleration)
    with pytest.raises(ValueError, match="'acceleration' parameter of GaussianMixture must be a str"):
        fastgmm.GaussianMixture(2, acceleration=acceleration).fit(X)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_what_is_added_is_told_in_units_of_a_covariance(covariance_type):
    mixture, added = random_mixture(covariance_type), np.array([0.3, 0.7])
    shares = np.linalg.inv(mixture.full_covariances()) * np.diag(added)
    expected = np.trace(shares, axis1=1, axis2=2).max()
    assert ridge_share(point_of(mixture.parameters), added) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_coordinates_there_and_back(covariance_type):
    reference, other = (random_mixture(covariance_type, seed=seed).parameters for seed in (0, 1))
    frame = Frame(point_of(reference))
    np.testing.assert_allclose(frame.vector(point_of(reference)), 0.0, atol=1e-14)
    weights, means, covariances = frame.mixture(frame.vector(point_of(other)))
    np.testing.assert_allclose(weights, other.weights)
    np.testing.assert_allclose(means, other.means)
    np.testing.assert_allclose(covariances.ravel(), other.covariances.ravel(), atol=1e-14)


@pytest.mark.parametrize("covariance_type", UNRESTRICTED)
def test_a_round_of_em_is_a_step_along_the_gradient(covariance_type):
    """The slope of the mean log-likelihood in any direction is the product of that and the round."""
    X = overlapping()
    here = fastgmm.fit(X, 3, covariance_type=covariance_type, max_iter=30 if JIT_ENABLED else 3).mixture
    there = fastgmm.fit(X, 3, covariance_type=covariance_type, init=here, max_iter=1).mixture
    frame, structure = Frame(point_of(here.parameters)), STRUCTURES[covariance_type]
    gradient = frame.vector(point_of(there.parameters))

    def height(vector):
        weights, means, covariances = frame.mixture(vector)
        return fastgmm.Mixture(weights, means, covariances.reshape(structure.shape(3, 2)), covariance_type).score(X)

    direction = np.random.default_rng(0).normal(size=len(gradient))
    # Tangent to what weights can do: they add up to 1.
    direction[:3] -= np.sqrt(here.weights) * (np.sqrt(here.weights) @ direction[:3])
    for way in (direction, gradient / np.linalg.norm(gradient)):
        slope = (height(1e-4 * way) - height(-1e-4 * way)) / 2e-4
        assert slope == pytest.approx(gradient @ way, abs=0.1 * np.linalg.norm(gradient))


@pytest.mark.parametrize("covariance_type", UNRESTRICTED)
def test_an_m_step_of_moments_gives_their_covariances(covariance_type):
    mixture = random_mixture(covariance_type)
    structure, sums = STRUCTURES[covariance_type], 10.0 * mixture.weights
    shape = structure.core(3, 2)
    moments = second_moments(structure, mixture.covariances, sums, (3, 2), shape)
    assert moments.shape == shape
    statistics = fastgmm.accumulate(np.zeros((10, 2)), mixture)
    statistics = type(statistics)(
        covariance_type, mixture.means, 10, 0.0, sums, np.zeros((3, 2)), moments.reshape(structure.shape(3, 2)), 10.0
    )
    assert_same_parameters(fastgmm.maximize(statistics, reg_covar=0.0), mixture, rtol=1e-12)


def quadratic_moves(hessian, n, seed=0):
    """Random steps in a quadratic function, and how far its gradient falls in each."""
    moves = list(np.random.default_rng(seed).normal(size=(n, len(hessian))))
    return moves, [hessian @ move for move in moves]


def test_a_quadratic_function_is_known_after_as_many_steps_as_it_has_slow_directions():
    axes, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(9, 9)))
    curvatures = np.array([1e-4, 0.01, 0.3, *[1.0] * 6])
    hessian = (axes * curvatures) @ axes.T
    gradient = np.random.default_rng(2).normal(size=9)
    step = quadratic.best_step(*quadratic_moves(hessian, 3), gradient, np.inf)
    np.testing.assert_allclose(hessian @ step.vector, gradient, atol=1e-6)
    assert not step.bounded
    assert step.gain == pytest.approx(step.remaining)
    assert step.gain == pytest.approx(0.5 * gradient @ np.linalg.solve(hessian, gradient))
    bounded = quadratic.best_step(*quadratic_moves(hessian, 3), gradient, 1.0)
    assert bounded.bounded
    assert bounded.length == pytest.approx(1.0)
    assert 0.0 < bounded.gain < step.gain
    assert bounded.remaining == pytest.approx(step.remaining)


def test_it_leaves_a_saddle_upwards():
    """A root of the gradient would be below: Newton's step leads there."""
    hessian, gradient = np.diag([-0.2, 0.5, 1.0, 1.0]), np.array([0.1, 0.1, 0.0, 0.1])
    step = quadratic.best_step(*quadratic_moves(hessian, 2), gradient, 3.0)
    assert step.vector[0] > 0.0 > np.linalg.solve(hessian, gradient)[0]
    assert step.gain == pytest.approx(gradient @ step.vector - 0.5 * step.vector @ hessian @ step.vector)
    assert step.length == pytest.approx(3.0)
    assert step.remaining == np.inf
