"""Expectation-maximisation: one loop for every covariance structure and every source of rows.

Reference: Dempster, Laird & Rubin (1977), Maximum likelihood from incomplete data via the EM algorithm,
J. R. Stat. Soc. B 39, 1-38.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .parameters import Mixture
from .regularisation import widened_by_rounding
from .results import Callback, FitResult, IterationState, Status
from .sources import Source, Start, WholeRun
from .steps import IllDefinedCovariance, converged, maximize

Array = NDArray[np.float64]


class FitFailure(ValueError):
    """A fit, or one of its restarts, that ended without parameters."""


class Rule(NamedTuple):
    """How a run proceeds: what is added to each variance (D,), when it stops, and what watches it.

    `aitken` says what is compared to `tol`, see `kernels.convergence`; `previous` is the mean log-likelihood that the
    first round is compared to, -inf for none.
    """

    reg_covar: Array
    tol: float
    max_iter: int
    aitken: bool = False
    previous: float = -math.inf
    callback: Callback | None = None


def run(source: Source, start: Start, rule: Rule, restart: int = 0) -> FitResult:
    """Run EM from `start` until the mean log-likelihood settles.

    As in scikit-learn the log-likelihood compared is the one an E step sees, so that of the parameters
    before the last M step. ``log_likelihood`` of the result may be NaN until `best_of` fills it in.

    A small problem without a callback runs as a whole in compiled code, with the same bits.

    Raises
    ------
    FitFailure
        If a covariance is not positive definite or the log-likelihood is not finite.
    """
    if rule.callback is None:
        finished = source.run_whole(
            start, rule.reg_covar, rule.previous, rule.tol, aitken=rule.aitken, max_iter=rule.max_iter
        )
        # After a collapse the loop below says what is to be said, or mends it if it was in the last M step.
        if finished is not None and finished.component < 0:
            return _result_of(finished)
    parameters = start if isinstance(start, Mixture) else start.parameters()
    trace: list[float] = []
    previous, change = rule.previous, math.inf
    status = Status.MAX_ITER
    for iteration in range(1, rule.max_iter + 1):
        try:
            statistics = source.statistics(parameters)
        except IllDefinedCovariance as error:
            raise FitFailure(_ill_defined(error, iteration)) from None
        mean_log_likelihood = statistics.log_likelihood / source.total_weight
        if not math.isfinite(mean_log_likelihood):
            raise FitFailure(_not_finite(mean_log_likelihood, iteration))
        parameters = maximize(statistics, rule.reg_covar)
        change_before, change = change, mean_log_likelihood - previous
        previous = mean_log_likelihood
        trace.append(mean_log_likelihood)
        if rule.callback is not None and rule.callback(
            IterationState(restart, iteration, mean_log_likelihood, change, parameters)
        ):
            status = Status.STOPPED
            break
        if converged(change, change_before, rule.tol, rule.aitken):
            status = Status.CONVERGED
            break
    return FitResult(parameters, math.nan, np.array(trace), status)


def best_of(
    source: Source,
    start: Callable[[], Start],
    n_init: int,
    rule: Rule,
) -> FitResult:
    """Run EM from `n_init` starts and return the run that ended highest.

    A restart that fails is set aside, and the result says why; only when all fail is that an error.
    """
    best: FitResult | None = None
    failures: list[str] = []
    for restart in range(n_init):
        try:
            result = run(source, start(), rule, restart)
            if math.isnan(result.log_likelihood):
                result = _completed(source, result)
            if not math.isfinite(result.log_likelihood):
                raise FitFailure(_not_finite(result.log_likelihood, result.n_iter))
        except FitFailure as failure:
            failures.append(str(failure))
            continue
        if best is None or _height(result) > _height(best):
            best = result
        if result.status is Status.STOPPED:
            break
    if best is None:
        prefix = "" if n_init == 1 else f"all {n_init} restarts failed; the last: "
        raise FitFailure(prefix + failures[-1])
    return replace(best, failures=tuple(failures)) if failures else best


def _result_of(finished: WholeRun) -> FitResult:
    """Return the result of a run that was compiled as a whole; FitFailure if it failed."""
    if finished.status is None:
        raise FitFailure(_not_finite(finished.log_likelihood, finished.n_iter))
    return FitResult(finished.parameters, finished.log_likelihood, finished.trace, finished.status)


def _height(result: FitResult) -> float:
    """Return what restarts are compared by: scikit-learn's `lower_bound_`, or without rounds the start's own."""
    return float(result.trace[-1]) if len(result.trace) else result.log_likelihood


def _completed(source: Source, result: FitResult) -> FitResult:
    """Return `result` with the log-likelihood of the parameters after the last M step.

    If that left a component on one point, its variance becomes what the rounding of the rows could hide.
    """
    parameters = result.mixture
    try:
        log_likelihood = source.statistics(parameters).log_likelihood
    except IllDefinedCovariance:
        parameters = widened_by_rounding(parameters)
        try:
            log_likelihood = source.statistics(parameters).log_likelihood
        except IllDefinedCovariance as error:
            raise FitFailure(_ill_defined(error, result.n_iter)) from None
    return replace(result, mixture=parameters, log_likelihood=log_likelihood)


def _not_finite(mean_log_likelihood: float, iteration: int) -> str:
    return (
        f"the log-likelihood is {mean_log_likelihood} in round {iteration}: some rows are too many "
        "standard deviations from every component for float64; rescale X or start closer"
    )


def _ill_defined(error: IllDefinedCovariance, iteration: int) -> str:
    # The first two sentences are scikit-learn's, word for word.
    return (
        "Fitting the mixture model failed because some components have ill-defined empirical covariance (for "
        "instance caused by singleton or collapsed samples). Try to decrease the number of components, increase "
        f"reg_covar, or scale the input data. In round {iteration} {error}."
    )
