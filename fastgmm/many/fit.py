"""A batch fitted: by compiled code as far as that goes, the rest like any other fit; of several K the best by BIC."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..em.fitting import fit_rows
from ..em.options import Options
from ..em.outcome import FitFailure, Outcome, Status
from ..model.plan import Plan, plan_of
from ..model.rounds.desk import UNUSUAL, Fits, Problems
from ..model.rounds.state import CONVERGED, MAX_ITER_REACHED
from ..model.structures import Structure
from ..summary.contents import counted
from .batch import Batch
from .launch import fit_whole, joined, new_fits
from .starts import Starts
from .streams import generator_of

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

INTERRUPTED = "it had not been fitted when the call was interrupted"
# Of a problem without a fit, `UNUSUAL` remains.
CODES = {Status.FAILED: UNUSUAL, Status.CONVERGED: CONVERGED, Status.MAX_ITER: MAX_ITER_REACHED}


class Fitted(NamedTuple):
    """The fits of a batch, padded where K differs: NaN for numbers and False for flags.

    n_components (B,)
        K of each, 0 without a fit.
    trace_starts (B,), trace_values
        The trace of problem b is ``trace_values[trace_starts[b]:][:n_iter[b]]``.
    errors, set_aside
        Why a problem has no fit, and the errors of starts that failed beside better ones, by position.
    interrupted
        Whether Ctrl-C came before all problems had been fitted.
    """

    n_components: Indices
    fits: Fits
    trace_starts: Indices
    trace_values: Array
    errors: dict[int, str]
    set_aside: dict[int, tuple[str, ...]]
    interrupted: bool = False


def fit_batch(
    batch: Batch,
    numbers: list[int],
    options: Options,
    seed: int,
    streams: NDArray[np.uint64],
    starts: Starts | None = None,
) -> Fitted:
    """Fit each problem with each of the `numbers` of components, and keep what has the lowest BIC.

    After an interrupt of several, the numbers are those that all problems have been fitted with.
    """
    problems = Problems(
        batch.rows, batch.scaled, batch.offsets, batch.scaled_totals, np.array([seed], np.uint64), streams
    )
    several = len(numbers) > 1
    best: Fitted | None = None
    for k in sorted(numbers):
        plan = plan_of(options.covariance_type, k, batch.rows.shape[1], batch.rows.dtype)
        fitted = _with(plan, batch, problems, options._replace(n_components=k), several, starts)
        if best is None:
            best = fitted
        elif not fitted.interrupted:
            best = _better(best, fitted, batch.totals, plan)
        if fitted.interrupted:
            return best._replace(interrupted=True)
    assert best is not None
    return best


def _with(
    plan: Plan, batch: Batch, problems: Problems, options: Options, several: bool, given: Starts | None
) -> Fitted:
    """Fit each problem with the number of components of a plan."""
    k, n_problems = plan.n_components, len(batch.totals)
    fits, errors, set_aside = new_fits(plan, n_problems), dict(batch.faults), {}
    few = batch.n_counted < k
    if several:  # as in `select`, where the total weight counts as the number of rows
        few |= batch.totals < k
    for b, n_counted in zip(np.flatnonzero(few).tolist(), batch.n_counted[few].tolist(), strict=True):
        # In words of its own, because the number is right for other problems.
        errors.setdefault(b, f"{k} components are too many for {counted(n_counted, 'row')}")
    if given is not None:
        errors = given.faults | errors
        fits.weights[:], fits.means[:], fits.covariances[:] = given[:3]
        options = options._replace(n_init=1)  # it would be the same fit every time
    able = np.full(n_problems, True)
    able[list(errors)] = False
    chosen = np.flatnonzero(able)
    traces = fit_whole(plan, problems, chosen, options, fits, started=given is not None)
    starts = np.zeros(n_problems, np.int64)
    starts[chosen] = traces.starts
    values, n_values, interrupted = [traces.values], len(traces.values), traces.interrupted
    fits.status[~np.isfinite(fits.covariances).reshape(n_problems, -1).all(axis=1)] = UNUSUAL
    for b in chosen[fits.status[chosen] == UNUSUAL].tolist():
        if interrupted:
            errors[b] = INTERRUPTED
            continue
        rows = slice(batch.offsets[b], batch.offsets[b + 1])
        weights = batch.scaled[rows] if len(batch.scaled) else batch.scaled
        generator = generator_of(int(problems.seed[0]), int(problems.streams[b]))
        init = "kmeans" if given is None else given.of(b, plan.covariance_type)
        try:
            alone = options._replace(generator=generator, init=init, watch=None)
            outcome = fit_rows(batch.rows[rows], weights, alone)
        except FitFailure as failure:
            errors[b] = str(failure)
            continue
        except KeyboardInterrupt:
            errors[b], interrupted = INTERRUPTED, True
            continue
        _put(fits, b, outcome)
        if outcome.failures:
            set_aside[b] = outcome.failures
        starts[b] = n_values
        values.append(outcome.trace)
        n_values += outcome.n_iter
    if len(batch.scaled):
        np.ldexp(fits.log_likelihood, batch.exponents, out=fits.log_likelihood)
    without = fits.status == UNUSUAL
    for array in (fits.weights, fits.means, fits.covariances, fits.log_likelihood, fits.floors):
        array[without] = np.nan
    for array in (fits.n_iter, fits.degenerate, fits.n_passed_over):
        array[without] = 0
    n_components = np.where(without, 0, k)
    return Fitted(n_components, fits, starts, joined(values), errors, set_aside, interrupted)


def _put(fits: Fits, b: int, outcome: Outcome) -> None:
    weights, means, covariances, _ = outcome.parameters
    fits.weights[b], fits.means[b] = weights, means
    fits.covariances[b] = covariances.reshape(fits.covariances[b].shape)
    fits.log_likelihood[b], fits.n_iter[b] = outcome.log_likelihood, outcome.n_iter
    fits.status[b], fits.floors[b] = CODES[outcome.status], outcome.regulariser.floor
    fits.degenerate[b] = np.isin(np.arange(len(weights)), outcome.degenerate_components)
    fits.n_passed_over[b] = outcome.n_passed_over


def bic_of(fitted: Fitted, totals: Array, structure: Structure) -> Array:
    """Return the Bayesian information criterion of each problem, `totals` (B,) for N; NaN without a fit."""
    n_features = fitted.fits.means.shape[2]
    most = fitted.fits.weights.shape[1]
    n_free = np.array([0, *(structure.n_free(k, n_features) for k in range(1, most + 1))])
    return np.asarray(-2.0 * fitted.fits.log_likelihood + np.log(totals) * n_free[fitted.n_components])


def _better(one: Fitted, other: Fitted, totals: Array, plan: Plan) -> Fitted:
    """Return of each problem that of two fits with the lower BIC; of equal ones the first, with fewer parameters."""
    before, after = (bic_of(each, totals, plan.structure) for each in (one, other))
    better = (after < before) | (np.isnan(before) & ~np.isnan(after))
    most = max(one.fits.weights.shape[1], other.fits.weights.shape[1])
    names = {"weights", "means", "degenerate"} | (set() if plan.structure.pooled else {"covariances"})
    arrays = {}
    for name, old, new in zip(Fits._fields, one.fits, other.fits, strict=True):
        kept = _padded(old, most) if name in names else old
        kept[better] = (_padded(new, most) if name in names else new)[better]
        arrays[name] = kept
    starts = np.where(better, other.trace_starts + len(one.trace_values), one.trace_starts)
    values = np.concatenate([one.trace_values, other.trace_values])
    n_components = np.where(better, other.n_components, one.n_components)
    # Why a problem has none is asked of those alone that have no fit at all.
    errors = {b: text for b, text in one.errors.items() if not better[b] and n_components[b] == 0}
    set_aside = {b: text for b, text in one.set_aside.items() if not better[b]}
    set_aside |= {b: text for b, text in other.set_aside.items() if better[b]}
    return Fitted(n_components, Fits(**arrays), starts, values, errors, set_aside)


def _padded(array: NDArray[Any], n_components: int) -> NDArray[Any]:
    """Return (B, K, ...) with more components: NaN, or False."""
    if array.shape[1] == n_components:
        return array
    shape = (array.shape[0], n_components, *array.shape[2:])
    padded = np.full(shape, False if array.dtype == np.bool_ else np.nan, array.dtype)
    padded[:, : array.shape[1]] = array
    return padded
