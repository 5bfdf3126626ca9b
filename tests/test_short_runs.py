"""Several starts of which only the best goes on after some iterations."""

import numpy as np
import pytest
from conftest import assert_same_bits, make_problem

import fastgmm
from fastgmm import GaussianMixture
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em.outcome import Status

X, _ = make_problem(400 if JIT_ENABLED else 80, 2, 3)
OPTIONS = {"init": "random_from_data", "tol": 1e-4, "max_iter": 60}


def starts(n_init, n_iter, seed=5):
    """Each start as a fit of its own, with the random numbers that it has among others."""
    generator = np.random.default_rng(seed)
    return [fastgmm.fit(X, 3, random_state=generator, **{**OPTIONS, "max_iter": n_iter}) for _ in range(n_init)]


def where(state):
    return state.start, state.iteration


def test_the_best_after_a_few_iterations_goes_on_to_its_end():
    heights = [each.trace[-1] for each in starts(4, 3)]
    whole = starts(4, 60)[int(np.argmax(heights))]
    result = fastgmm.fit(X, 3, n_init=4, short_iter=3, random_state=5, **OPTIONS)
    assert_same_bits(result.mixture, whole.mixture)
    np.testing.assert_array_equal(result.trace, whole.trace)
    assert (result.n_iter, result.status, result.log_likelihood) == (whole.n_iter, whole.status, whole.log_likelihood)
    model = GaussianMixture(3, init_params="random_from_data", tol=1e-4, n_init=4, random_state=5)
    assert len(model.set_params(short_iter=3).fit(X).lower_bounds_) == model.n_iter_ > 3


def test_only_one_start_is_seen_after_the_short_runs():
    seen = []
    fastgmm.fit(
        X, 3, n_init=3, short_iter=2, random_state=5, callback=lambda state: seen.append(where(state)), **OPTIONS
    )
    assert seen[:6] == [(start, iteration) for start in range(3) for iteration in (1, 2)]
    assert len(seen) > 6
    assert [iteration for _, iteration in seen[6:]] == list(range(3, 3 + len(seen) - 6))
    assert len({start for start, _ in seen[6:]}) == 1


@pytest.mark.parametrize("options", [{"n_init": 1, "short_iter": 2}, {"n_init": 3, "short_iter": 500}])
def test_short_runs_of_one_start_or_as_long_as_others_change_nothing(options):
    expected = fastgmm.fit(X, 3, n_init=options["n_init"], random_state=5, **OPTIONS)
    result = fastgmm.fit(X, 3, random_state=5, **OPTIONS, **options)
    assert_same_bits(result.mixture, expected.mixture)
    assert result.n_iter == expected.n_iter


def test_a_callback_stops_short_runs_and_what_follows():
    def fitted(stop):
        return fastgmm.fit(
            X, 3, n_init=3, short_iter=2, random_state=5, callback=lambda state: where(state) == stop, **OPTIONS
        )

    for stop in ((1, 1), (0, 1)):
        result = fitted(stop)
        assert result.status is Status.STOPPED
        assert result.n_iter <= 2


def test_the_next_best_goes_on_where_the_best_fails(monkeypatch):
    from fastgmm.em import loop
    from fastgmm.em.outcome import Failed

    run = loop.run
    went_on = []

    def failing(*arguments):
        if len(arguments) > 5:
            went_on.append(arguments[4])
            if len(went_on) == 1:
                raise Failed("the first fails", stopped=False)
        return run(*arguments)

    monkeypatch.setattr(loop, "run", failing)
    order = np.argsort([-each.trace[-1] for each in starts(3, 2)])
    with pytest.warns(fastgmm.FitWarning, match="1 of 3 starts failed and were set aside; the last: the first fails"):
        fastgmm.fit(X, 3, n_init=3, short_iter=2, random_state=5, **OPTIONS)
    assert went_on == list(order[:2])


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True])
def test_bad_numbers_of_short_iterations(value):
    with pytest.raises((TypeError, ValueError), match="short_iter"):
        fastgmm.fit(X, 3, n_init=2, short_iter=value)
    if value is not True:
        with pytest.raises(ValueError, match="'short_iter' parameter of GaussianMixture must be an int in the range"):
            GaussianMixture(3, short_iter=value).fit(X)
