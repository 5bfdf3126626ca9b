"""EM by hand, for rows that are not in one place: one pass over some of them, and the M step of the sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._checks import check_nonnegative, own_error_state
from .em.outcome import FitFailure
from .mixture import Mixture
from .model.statistics import SufficientStatistics, check_statistics, fingerprint_of
from .rows.accumulation import Accumulation
from .rows.check import as_rows, check_sample_weight
from .rows.launch.threads import check_n_threads
from .rows.maximize import maximize_statistics


@own_error_state
def accumulate(
    X: Any, parameters: Mixture, *, sample_weight: Any = None, n_threads: int | None = None
) -> SufficientStatistics:
    """Sufficient statistics of the rows of `X` under `parameters`: one E step.

    Statistics of different rows under the same parameters add up with ``+``.

    Parameters
    ----------
    X : array-like of shape (N, D) or (N,)
        As for `fit`, but computed in double whatever the dtype.
    parameters : Mixture
        The current parameters; the moments are taken about their means.
    sample_weight : array-like of shape (N,), optional
        How often each row counts; statistics of weighted and unweighted rows add up.
    n_threads : int, optional
        As for `fit`.

    Returns
    -------
    SufficientStatistics

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it may be.
    """
    if not isinstance(parameters, Mixture):
        raise TypeError(f"parameters must be Mixture, got {type(parameters).__name__}")
    plain = parameters.parameters
    rows = as_rows(X, n_features=plain.n_features)
    weights = check_sample_weight(sample_weight, len(rows))
    accumulation = Accumulation(plain, check_n_threads(n_threads))
    accumulation.add(rows, weights)
    return accumulation.finish(fingerprint_of(plain, np.float64))


@own_error_state
def maximize(statistics: SufficientStatistics, *, reg_covar: float = 1e-6) -> Mixture:
    """Parameters that maximise the expected log-likelihood given `statistics`: one M step.

    Parameters
    ----------
    statistics : SufficientStatistics
        From `accumulate`, or a sum of such.
    reg_covar : float
        Added to the diagonal of every covariance, in the squared units of the data.

    Returns
    -------
    Mixture

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it may be.
    FitFailure
        If no mixture comes of it: a covariance is not positive definite, or exceeds what float64 holds.
    """
    added = check_nonnegative("reg_covar", reg_covar)
    checked = check_statistics(statistics)
    parameters = maximize_statistics(checked, np.full(checked.centers.shape[1], added))
    try:
        return Mixture(*parameters)
    except ValueError as error:
        raise FitFailure(f"no mixture maximises these statistics with reg_covar={added:g}: {error}") from None
