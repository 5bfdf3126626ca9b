"""Expectation-maximisation: one loop for every covariance structure and every source of rows.

Reference: Dempster, Laird & Rubin (1977), Maximum likelihood from incomplete data via the EM algorithm,
J. R. Stat. Soc. B 39, 1-38.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model.plan import Plan
from ..model.regulariser import Regulariser
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
from ..rows.source import Rounds, Source, Start
from .degenerate import degenerate_components
from .outcome import STATUSES, Callback, Failed, FitFailure, Interrupted, IterationState, Outcome, Status
from .regulariser import widened_by_rounding

Array = NDArray[np.float64]


class Rule(NamedTuple):
    """How a run proceeds: what keeps covariances from vanishing, when it stops, and what watches it.

    `aitken` says what is compared to `tol`, see `model.rounds.convergence`; `previous` is the mean log-likelihood
    that the first iteration is compared to, -inf for none. `replaced` are parameters that take the place of those of
    the start.
    """

    regulariser: Regulariser
    tol: float
    max_iter: int
    aitken: bool = False
    previous: float = -math.inf
    callback: Callback | None = None
    replaced: tuple[tuple[str, Any], ...] = ()


def run(source: Source, plan: Plan, start: Start, rule: Rule, index: int = 0) -> Outcome:
    """Run EM from `start` until the mean log-likelihood settles.

    As in scikit-learn the log-likelihood compared is the one an E step sees, so that of the parameters
    before the last M step; that of the outcome belongs to its parameters.

    Raises
    ------
    Failed
        If a covariance is not positive definite or the log-likelihood is not finite.
    Interrupted
        On Ctrl-C.
    """
    going = source.begin(plan, start, rule.regulariser)
    state = going.state
    if rule.replaced:
        going.advance(0)
        going.put(going.parameters()._replace(**dict(rule.replaced)))
    set_rule(
        state,
        tol=rule.tol,
        aitken=rule.aitken,
        max_iter=rule.max_iter,
        previous=rule.previous,
        total_weight=source.total_weight,
    )
    trace: list[Array] = []
    try:
        while going.phase != FINISHED:
            n_iter = int(state.counts[N_ITER])
            going.advance(n_iter + 1 if rule.callback is not None else rule.max_iter + 1)
            trace.append(take_trace(state))
            if rule.callback is None or state.counts[N_ITER] == n_iter or going.phase == FINISHED:
                continue
            if rule.callback(_seen(going, index)):
                state.counts[STATUS] = STOPPED
        outcome = _outcome(source, plan, going, np.concatenate(trace) if trace else np.empty(0), rule)
    except KeyboardInterrupt:
        if state.counts[GIVEN]:  # not even the start is known
            raise
        trace.append(take_trace(state))
        raise Interrupted(Outcome(going.parameters(), math.nan, np.concatenate(trace), Status.INTERRUPTED)) from None
    going.close()
    return outcome


def best_of(
    source: Source,
    plan: Plan,
    start: Callable[[], Start],
    n_init: int,
    rule: Rule,
) -> Outcome:
    """Run EM from `n_init` starts and return the run that ended highest.

    A start in which a floor holds components up comes after those without: a component on a single point is as high
    as the floor lets it be, and says nothing of the rows. A start that fails is set aside. The outcome tells of
    both; only when all fail is that an error.
    """
    best: Outcome | None = None
    held_up: list[Outcome] = []
    failures: list[str] = []
    for index in range(n_init):
        try:
            outcome = run(source, plan, start(), rule, index)
        except Failed as failure:
            failures.append(str(failure))
            if failure.stopped:
                break
            continue
        if rule.regulariser.floor[0] > 0.0 and outcome.degenerate_components:
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


def _outcome(source: Source, plan: Plan, going: Rounds, trace: Array, rule: Rule) -> Outcome:
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
    floor = rule.regulariser.floor[0] > 0.0
    if component >= 0 and not floor:
        parameters = widened_by_rounding(parameters)
        widened = source.begin(plan, parameters, rule.regulariser)
        widened.state.counts[STATUS] = status
        widened.advance(n_iter + 1)
        component, numbers = int(widened.state.counts[COMPONENT]), widened.state.numbers
    if component >= 0:
        raise Failed(_ill_defined(component, n_iter), stopped=stopped)
    log_likelihood = float(numbers[LOG_LIKELIHOOD])
    if not math.isfinite(log_likelihood):
        raise Failed(_not_finite(log_likelihood, n_iter), stopped=stopped)
    judged = floor or len(trace) > 0
    degenerate = degenerate_components(parameters, going.state.held, rule.regulariser) if judged else ()
    return Outcome(parameters, log_likelihood, trace, STATUSES[status], degenerate_components=degenerate)


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
