"""Expectation-maximisation: one loop for every covariance structure and every source of rows.

Reference: Dempster, Laird & Rubin (1977), Maximum likelihood from incomplete data via the EM algorithm,
J. R. Stat. Soc. B 39, 1-38.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .parameters import Callback, FitResult, IterationState, MixtureParameters, Status
from .sources import Source, Start, WholeRun
from .steps import IllDefinedCovariance, converged, maximize


class FitFailure(ValueError):
    """A fit, or one of its restarts, that ended without parameters."""


def run(
    source: Source,
    start: Start,
    *,
    tol: float,
    reg_covar: float,
    max_iter: int,
    restart: int = 0,
    callback: Callback | None = None,
) -> FitResult:
    """Run EM from `start` until the mean log-likelihood changes by less than `tol`.

    As in scikit-learn the log-likelihood compared is the one an E step sees, so that of the parameters
    before the last M step. ``log_likelihood`` of the result may be NaN until `best_of` fills it in.

    A small problem without a callback runs as a whole in compiled code, with the same bits.

    Raises
    ------
    FitFailure
        If a covariance is not positive definite or the log-likelihood is not finite.
    """
    if callback is None:
        finished = source.run_whole(start, tol, reg_covar, max_iter)
        if finished is not None:
            return _result_of(finished, reg_covar)
    parameters = start if isinstance(start, MixtureParameters) else start.parameters()
    trace: list[float] = []
    previous = -math.inf
    status = Status.MAX_ITER
    for iteration in range(1, max_iter + 1):
        try:
            statistics = source.statistics(parameters)
        except IllDefinedCovariance as error:
            raise FitFailure(_ill_defined(error, iteration, reg_covar)) from None
        mean_log_likelihood = statistics.log_likelihood / source.n_samples
        if not math.isfinite(mean_log_likelihood):
            raise FitFailure(_not_finite(mean_log_likelihood, iteration))
        parameters = maximize(statistics, reg_covar)
        change = mean_log_likelihood - previous
        previous = mean_log_likelihood
        trace.append(mean_log_likelihood)
        if callback is not None and callback(
            IterationState(restart, iteration, mean_log_likelihood, change, parameters)
        ):
            status = Status.STOPPED
            break
        if converged(change, tol):
            status = Status.CONVERGED
            break
    return FitResult(parameters, math.nan, np.array(trace), status)


def best_of(
    source: Source,
    start: Callable[[], Start],
    *,
    n_init: int,
    tol: float,
    reg_covar: float,
    max_iter: int,
    callback: Callback | None,
) -> FitResult:
    """Run EM from `n_init` starts and return the run that ended highest.

    A restart that fails is set aside with a warning; only when all fail is that an error.
    """
    best: FitResult | None = None
    failures: list[str] = []
    for restart in range(n_init):
        try:
            result = run(
                source,
                start(),
                tol=tol,
                reg_covar=reg_covar,
                max_iter=max_iter,
                restart=restart,
                callback=callback,
            )
            if math.isnan(result.log_likelihood):
                result = replace(result, log_likelihood=_final_log_likelihood(source, result, reg_covar))
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
    if failures:
        warnings.warn(
            f"{len(failures)} of {n_init} restarts failed and were set aside; the last: {failures[-1]}",
            RuntimeWarning,
            stacklevel=3,
        )
    return replace(best, n_failed=len(failures)) if failures else best


def _result_of(finished: WholeRun, reg_covar: float) -> FitResult:
    """Return the result of a run that was compiled as a whole; FitFailure if it failed."""
    if finished.component >= 0:
        error = IllDefinedCovariance(finished.component)
        raise FitFailure(_ill_defined(error, finished.n_iter, reg_covar))
    if finished.status is None:
        raise FitFailure(_not_finite(finished.log_likelihood, finished.n_iter))
    return FitResult(finished.parameters, finished.log_likelihood, finished.trace, finished.status)


def _height(result: FitResult) -> float:
    """Return what restarts are compared by: scikit-learn's `lower_bound_`, or without rounds the start's own."""
    return float(result.trace[-1]) if len(result.trace) else result.log_likelihood


def _final_log_likelihood(source: Source, result: FitResult, reg_covar: float) -> float:
    """Log-likelihood of the parameters after the last M step, which also proves that they can be used."""
    try:
        return source.statistics(result.parameters).log_likelihood
    except IllDefinedCovariance as error:
        raise FitFailure(_ill_defined(error, result.n_iter, reg_covar)) from None


def _not_finite(mean_log_likelihood: float, iteration: int) -> str:
    return (
        f"the log-likelihood is {mean_log_likelihood} in round {iteration}: some rows are too many "
        "standard deviations from every component for float64; rescale X or start closer"
    )


def _ill_defined(error: IllDefinedCovariance, iteration: int, reg_covar: float) -> str:
    return (
        f"{error} in round {iteration}: it has collapsed onto too few distinct rows; decrease n_components or "
        f"increase reg_covar (now {reg_covar:g})"
    )
