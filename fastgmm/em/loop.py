"""Expectation-maximisation: one loop for every covariance structure and every source of rows.

Reference: Dempster, Laird & Rubin (1977), Maximum likelihood from incomplete data via the EM algorithm,
J. R. Stat. Soc. B 39, 1-38.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..model.plan import Plan
from ..model.rounds.state import (
    CHANGE,
    COMPONENT,
    FINISHED,
    GIVEN,
    ILL_DEFINED,
    LOG_LIKELIHOOD,
    MEAN,
    N_ITER,
    NOT_FINITE,
    STATUS,
    STOPPED,
    set_rule,
    take_trace,
)
from ..rows.source import Rounds, Source
from .degenerate import degenerate_components
from .options import Options
from .outcome import STATUSES, Failed, FitFailure, Interrupted, IterationState, Outcome, Status
from .regulariser import widened_by_rounding

Array = NDArray[np.float64]


def run(source: Source, plan: Plan, going: Rounds, options: Options, index: int = 0) -> Outcome:
    """Go on with a run that has just begun until the mean log-likelihood settles.

    As in scikit-learn the log-likelihood compared is the one an E step sees, so that of the parameters
    before the last M step; that of the outcome belongs to its parameters.

    Raises
    ------
    Failed
        If a covariance is not positive definite or the log-likelihood is not finite.
    Interrupted
        On Ctrl-C.
    """
    state = going.state
    set_rule(
        state,
        tol=options.tol,
        aitken=options.aitken,
        max_iter=options.max_iter,
        previous=options.previous,
        total_weight=source.total_weight,
    )
    if options.replaced:
        going.advance(0)
        going.put(going.parameters()._replace(**dict(options.replaced)))
    trace: list[Array] = []
    try:
        while going.phase != FINISHED:
            n_iter = int(state.counts[N_ITER])
            going.advance(n_iter + 1 if options.callback is not None else options.max_iter + 1)
            trace.append(take_trace(state))
            if options.callback is None or state.counts[N_ITER] == n_iter or going.phase == FINISHED:
                continue
            if options.callback(_seen(going, index)):
                state.counts[STATUS] = STOPPED
        outcome = _outcome(
            source, plan, going, trace[0] if len(trace) == 1 else np.concatenate([*trace, np.empty(0)])
        )
    except KeyboardInterrupt:
        if state.counts[GIVEN]:  # not even the start is known
            raise
        trace.append(take_trace(state))
        parameters, regulariser = going.parameters(), going.regulariser()
        outcome = Outcome(parameters, math.nan, np.concatenate(trace), Status.INTERRUPTED, regulariser)
        raise Interrupted(outcome) from None
    going.close()
    return outcome


def best_of(
    source: Source,
    plan: Plan,
    begin: Callable[[], Rounds],
    options: Options,
) -> Outcome:
    """Run EM as many times as wanted, as `begin` begins it, and return the run that ended highest.

    A start in which a floor holds components up comes after those without: a component on a single point is as high
    as the floor lets it be, and says nothing of the rows. A start that fails is set aside. The outcome tells of
    both; only when all fail is that an error.
    """
    best: Outcome | None = None
    held_up: list[Outcome] = []
    failures: list[str] = []
    # An explicit start is the same every time.
    for index in range(options.n_init if isinstance(options.init, str) else 1):
        try:
            outcome = run(source, plan, begin(), options, index)
        except Failed as failure:
            failures.append(str(failure))
            if failure.stopped:
                break
            continue
        if outcome.degenerate_components and outcome.regulariser.floor[0] > 0.0:
            held_up.append(outcome)
        elif best is None or _height(outcome) > _height(best):
            best = outcome
        if outcome.status is Status.STOPPED:
            break
    if best is None and held_up:
        best = max(held_up, key=_height)
    if best is None:
        prefix = "" if len(failures) == 1 else f"all {len(failures)} starts failed; the last: "
        raise FitFailure(prefix + failures[-1])
    if not failures and not held_up:
        return best
    passed_over = sum(_height(outcome) > _height(best) for outcome in held_up)
    return best._replace(failures=tuple(failures), n_passed_over=passed_over)


def _seen(going: Rounds, index: int) -> IterationState:
    numbers, n_iter = going.state.numbers, int(going.state.counts[N_ITER])
    return IterationState(index, n_iter, float(numbers[MEAN]), float(numbers[CHANGE]), going.parameters())


def _height(outcome: Outcome) -> float:
    """Return what starts are compared by: scikit-learn's `lower_bound_`, or without iterations the start's own."""
    return float(outcome.trace[-1]) if len(outcome.trace) else outcome.log_likelihood


def _outcome(source: Source, plan: Plan, going: Rounds, trace: Array) -> Outcome:
    """Return how a run ended; `Failed` if without parameters that can be used.

    If the last M step left a component on one point, its variance becomes what the rounding of the rows could hide.
    """
    counts, numbers = going.state.counts, going.state.numbers
    status, component, n_iter = int(counts[STATUS]), int(counts[COMPONENT]), int(counts[N_ITER])
    parameters = going.parameters()
    stopped = status == STOPPED
    if status == ILL_DEFINED:
        raise Failed(_ill_defined(component, n_iter + 1), stopped=False)
    if status == NOT_FINITE:
        raise Failed(_not_finite(float(numbers[MEAN]), n_iter), stopped=False)
    regulariser = going.regulariser()
    floor = regulariser.floor[0] > 0.0
    if component >= 0 and not floor:
        parameters = widened_by_rounding(parameters)
        widened = source.begin(plan, parameters, regulariser)
        widened.state.counts[STATUS] = status
        widened.advance(n_iter + 1)
        component, numbers = int(widened.state.counts[COMPONENT]), widened.state.numbers
    if component >= 0:
        raise Failed(_ill_defined(component, n_iter), stopped=stopped)
    log_likelihood = float(numbers[LOG_LIKELIHOOD])
    if not math.isfinite(log_likelihood):
        raise Failed(_not_finite(log_likelihood, n_iter), stopped=stopped)
    judged = floor or len(trace) > 0
    degenerate = degenerate_components(parameters, going.state.held, regulariser) if judged else ()
    return Outcome(parameters, log_likelihood, trace, STATUSES[status], regulariser, degenerate)


def _not_finite(mean_log_likelihood: float, iteration: int) -> str:
    return (
        f"the log-likelihood is {mean_log_likelihood} in iteration {iteration}: some rows are too many "
        "standard deviations from every component for what they are computed in; rescale X or start closer"
    )


def _ill_defined(component: int, iteration: int) -> str:
    # The first two sentences are scikit-learn's, word for word.
    return (
        "Fitting the mixture model failed because some components have ill-defined empirical covariance (for "
        "instance caused by singleton or collapsed samples). Try to decrease the number of components, increase "
        f"reg_covar, or scale the input data. In iteration {iteration} the covariance of component {component} is "
        "not positive definite."
    )
