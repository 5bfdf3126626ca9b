"""Expectation-maximisation: one loop for every covariance structure and every source of rows.

Reference: Dempster, Laird & Rubin (1977), Maximum likelihood from incomplete data via the EM algorithm,
J. R. Stat. Soc. B 39, 1-38.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..model.plan import Plan
from ..model.rounds.state import (
    CHANGE,
    FINISHED,
    GIVEN,
    MEAN,
    N_ITER,
    STATUS,
    STOPPED,
    set_rule,
    take_trace,
)
from ..rows.source import Rounds, Source
from .acceleration.rounds import AcceleratedRounds
from .ending import outcome_of
from .options import Options
from .outcome import Failed, FitFailure, Interrupted, IterationState, Outcome, Status

Array = NDArray[np.float64]


def run(
    source: Source, plan: Plan, going: Rounds, options: Options, index: int = 0, before: Outcome | None = None
) -> Outcome:
    """Go on with a run that has just begun until the mean log-likelihood settles.

    It may have begun where another has come to, `before`, whose rounds then count.

    As in scikit-learn the log-likelihood compared is the one an E step sees, so that of the parameters
    before the last M step; that of the outcome belongs to its parameters. Accelerated rounds come back to Python one
    by one, and `AcceleratedRounds` says when they have settled.

    Raises
    ------
    Failed
        If a covariance is not positive definite or the log-likelihood is not finite.
    Interrupted
        On Ctrl-C.
    Exception
        What a source or a callback raises, with an attribute `outcome` as that of `Interrupted`.
    """
    state = going.state
    set_rule(
        state,
        tol=0.0 if options.accelerated else options.tol,
        aitken=options.aitken,
        max_iter=options.max_iter,
        previous=options.previous if before is None else before.trace[-1],
        total_weight=source.total_weight,
    )
    if options.replaced:
        going.advance(0)
        going.put(going.parameters()._replace(**dict(options.replaced)))
    accelerated = AcceleratedRounds(going, source, options.tol) if options.accelerated else None
    one_by_one = accelerated is not None or options.callback is not None
    trace: list[Array] = []
    if before is not None:
        trace.append(before.trace)
        state.counts[N_ITER] = before.n_iter
    try:
        while going.phase != FINISHED:
            n_iter = int(state.counts[N_ITER])
            going.advance(n_iter + 1 if one_by_one else options.max_iter + 1)
            if accelerated is not None:
                accelerated.judge(n_iter)
            trace.append(take_trace(state))
            if not one_by_one or state.counts[N_ITER] == n_iter or going.phase == FINISHED:
                continue
            if options.callback is not None and options.callback(_seen(going, index)):
                state.counts[STATUS] = STOPPED
            if accelerated is not None:
                accelerated.propose()
        outcome = outcome_of(
            source, plan, going, trace[0] if len(trace) == 1 else np.concatenate([*trace, np.empty(0)])
        )
    except (Failed, MemoryError):  # which say nothing of the source
        raise
    except (KeyboardInterrupt, Exception) as error:
        if state.counts[GIVEN]:  # not even the start is known
            raise
        reached = partial(_reached, going, accelerated, trace)
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(reached) from None
        error.outcome = reached()  # type: ignore[attr-defined]
        raise
    going.close()
    return outcome if accelerated is None else outcome._replace(expected=accelerated.remaining)


def _reached(going: Rounds, accelerated: AcceleratedRounds | None, trace: list[Array]) -> Outcome:
    """Return where a run that was broken off was after its last whole iteration; `trace` has that of those before."""
    if accelerated is not None:
        accelerated.go_back()
    trace.append(take_trace(going.state))
    parameters, regulariser = going.parameters(), going.regulariser()
    return Outcome(parameters, math.nan, np.concatenate(trace), Status.INTERRUPTED, regulariser)


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

    With `options.short_iter` all do so many rounds at first, and only the best goes on; the next if it fails.
    """
    n_init = options.n_init
    short = options.short_iter if n_init > 1 else None
    at_first = options if short is None else options._replace(max_iter=min(short, options.max_iter))
    ended: list[tuple[int, Outcome]] = []
    failures: list[str] = []
    stopped = False
    for index in range(n_init):
        try:
            ended.append((index, run(source, plan, begin(), at_first, index)))
        except Failed as failure:
            failures.append(str(failure))
            stopped = failure.stopped
        else:
            stopped = ended[-1][1].status is Status.STOPPED
        if stopped:
            break
    passed_over = 0
    if len(ended) > 1:
        ended.sort(key=lambda item: (_is_held_up(item[1]), -_height(item[1])))
        passed_over = sum(_height(outcome) > _height(ended[0][1]) for _, outcome in ended)
    for index, outcome in ended:
        best = outcome
        if short is not None and outcome.status is Status.MAX_ITER and outcome.n_iter < options.max_iter:
            if stopped:
                best = outcome._replace(status=Status.STOPPED)
            else:
                going = source.begin(plan, outcome.parameters, outcome.regulariser)
                try:
                    best = run(source, plan, going, options, index, outcome)
                except Failed as failure:
                    failures.append(str(failure))
                    stopped = failure.stopped
                    continue
        return best._replace(failures=tuple(failures), n_passed_over=passed_over) if failures or passed_over else best
    prefix = "" if len(failures) == 1 else f"all {len(failures)} starts failed; the last: "
    raise FitFailure(prefix + failures[-1])


def _is_held_up(outcome: Outcome) -> bool:
    return bool(outcome.degenerate_components) and outcome.regulariser.floor[0] > 0.0


def _seen(going: Rounds, index: int) -> IterationState:
    numbers, n_iter = going.state.numbers, int(going.state.counts[N_ITER])
    return IterationState(index, n_iter, float(numbers[MEAN]), float(numbers[CHANGE]), going.parameters())


def _height(outcome: Outcome) -> float:
    """Return what starts are compared by: scikit-learn's `lower_bound_`, or without iterations the start's own."""
    return float(outcome.trace[-1]) if len(outcome.trace) else outcome.log_likelihood
