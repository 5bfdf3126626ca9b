"""`fit_many`: checks what the user passed, then hands it on."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from .._checks import check_integer, distinct, own_error_state
from ..em.options import checked_options
from ..em.outcome import FitWarning, Interrupted
from ..em.progress import telling
from ..model.regulariser import ridge, rounding_of
from ..model.structures import STRUCTURES, check_structure
from ..rows.source import Watch
from ..selection.arguments import seed_of
from .batch import batch_of
from .fit import CODES, bic_of, fit_batch
from .result import FitManyResult, label_of
from .starts import starts_of
from .streams import check_seed, streams_of


@own_error_state
def fit_many(
    X: Any,
    n_components: int | Iterable[int],
    *,
    groups: Any = None,
    covariance_type: str = "full",
    init: Any = "kmeans",
    tol: float = 1e-3,
    stopping: str = "change",
    reg_covar: float | str = "auto",
    max_iter: int = 100,
    n_init: int = 1,
    random_state: Any = 0,
    n_threads: int | None = None,
    sample_weight: Any = None,
    progress: bool | Watch = False,
) -> FitManyResult:
    """Fit a Gaussian mixture to each of many small problems, one per thread.

    Problem b becomes ``fit(X_b, n_components, random_state=stream(random_state, keys[b]))``, to the bit, whatever the
    others are, their order and the number of threads. What cannot be fitted has a status and leaves the others alone.

    Parameters
    ----------
    X : array of shape (B, N, D), list of array-likes, or array-like of shape (R, D) or (R,) with `groups`
        B problems of N rows; or the rows of each, (N_b, D) or (N_b,); or the rows of all. Dtypes are as for `fit`.
        Rows that are not finite fail their problem alone.
    n_components : int or iterable of int
        Number of components, K; of several, each problem gets that with the lowest BIC.
    groups : array-like of shape (R,), optional
        A label for each row, in any order: integers, strings, dates, tuples of these. Rows with the same label are a
        problem, in their order.
    init : "kmeans", Mixture, sequence of Mixture, or FitManyResult
        Where problems start: from k-means, from one mixture all of them, from a mixture each, or from the fits of the
        same problems, such as those of yesterday's rows; a problem that has none there has no fit.
    covariance_type, tol, stopping, reg_covar, max_iter, n_init, n_threads
        As for `fit`, the same for every problem.
    random_state : int, None or NumPy random generator
        The seed, below 2**64; of anything else than an integer one is drawn.
    sample_weight : array-like, optional
        How often each row counts, in the shape that the rows of X have: (B, N), a list of (N_b,), or (R,).
    progress : bool or callable
        As for `fit`: True shows on standard error how many problems a second have been fitted, and the time left; a
        function is called with that now and then, by the thread that called `fit_many`.

    Returns
    -------
    FitManyResult

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it may be.
    Interrupted
        On Ctrl-C, a KeyboardInterrupt whose `outcome` is the result, in which the problems that had not been fitted
        have none. With several numbers of components, it is that of the numbers which all had been fitted with.

    Warns
    -----
    FitWarning
        If some problems have no fit, or degenerate components.
    """
    began = time.perf_counter()
    numbers = distinct("n_components", n_components, lambda k: check_integer("n_components", k, 1))
    seed = check_seed("random_state", seed_of(random_state))
    options = checked_options(
        n_components=numbers[0],
        covariance_type=check_structure("covariance_type", covariance_type),
        init="kmeans",
        tol=tol,
        stopping=stopping,
        reg_covar=reg_covar,
        max_iter=max_iter,
        n_init=n_init,
        random_state=0,
        n_threads=n_threads,
        callback=None,
    )
    batch = batch_of(X, groups, sample_weight)
    check_structure("covariance_type", covariance_type, batch.rows.shape[1])
    starts = starts_of(init, batch, numbers, options.covariance_type)
    with telling(progress) as watch:
        fitted = fit_batch(batch, numbers, options._replace(watch=watch), seed, streams_of(batch.keys), starts)
    fits, n_features = fitted.fits, batch.rows.shape[1]
    structure = STRUCTURES[options.covariance_type]
    has_floor = isinstance(options.reg_covar, str)
    statuses = np.empty(max(CODES.values()) + 1, object)
    for status, code in CODES.items():
        statuses[code] = status
    result = FitManyResult(
        keys=batch.keys,
        n_components=fitted.n_components,
        weights=fits.weights,
        means=fits.means,
        covariances=fits.covariances[structure.from_core],
        log_likelihood=fits.log_likelihood,
        bic=bic_of(fitted, batch.totals, structure),
        n_iter=fits.n_iter,
        status=statuses[fits.status],
        n_samples=np.diff(batch.offsets),
        total_weight=batch.totals,
        degenerate=fits.degenerate,
        n_passed_over=fits.n_passed_over,
        errors=fitted.errors,
        covariance_type=options.covariance_type,
        feature_names=batch.feature_names,
        seconds=time.perf_counter() - began,
        _traces=(fitted.trace_starts, fitted.trace_values),
        _floors=fits.floors,
        _added=ridge(0.0 if has_floor else float(options.reg_covar), n_features).added,
        _rounding=rounding_of(batch.rows.dtype, n_features) if has_floor else 0.0,
        _set_aside=fitted.set_aside,
    )
    if fitted.interrupted:
        raise Interrupted(result)
    _warn_of(result)
    return result


def _warn_of(result: FitManyResult) -> None:
    """Warn, in the line that called `fit_many`, of problems without a fit and of degenerate components."""
    n_problems, n_failed = len(result), len(result.errors)
    if n_failed:
        first = min(result.errors)
        warnings.warn(
            f"{n_failed} of {n_problems} problems {'has' if n_failed == 1 else 'have'} no fit; the first, "
            f"{label_of(result.keys[first])}: {result.errors[first]}",
            FitWarning,
            stacklevel=4,
        )
    n_degenerate = int(np.count_nonzero(result.degenerate.any(axis=1)))
    if n_degenerate:
        first = int(np.argmax(result.degenerate.any(axis=1)))
        warnings.warn(
            f"{n_degenerate} of {n_problems} problems {'has' if n_degenerate == 1 else 'have'} degenerate "
            f"components; in the first, {label_of(result.keys[first])}, {result[first].degeneracy}",
            FitWarning,
            stacklevel=4,
        )
