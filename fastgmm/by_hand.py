"""EM by hand, for rows that are not in one place: one pass over some of them, and the M step of the sums."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ._checks import as_numbers, check_nonnegative, own_error_state, shown
from .em.outcome import FitFailure
from .mixture import Mixture
from .model.regulariser import Regulariser, ridge
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
        As for `fit`, but computed in double whatever the dtype. Of a table with names the columns that `parameters`
        names.
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
        If an argument is not what it may be, or columns are missing.
    """
    if not isinstance(parameters, Mixture):
        raise TypeError(f"parameters must be Mixture, got {type(parameters).__name__}")
    plain = parameters.parameters
    rows, names = as_rows(X, feature_names=parameters.feature_names, n_features=plain.n_features)
    weights = check_sample_weight(sample_weight, len(rows))
    accumulation = Accumulation(plain, check_n_threads(n_threads))
    accumulation.add(rows, weights)
    return replace(accumulation.finish(fingerprint_of(plain, np.float64)), feature_names=names)


@own_error_state
def maximize(statistics: SufficientStatistics, *, reg_covar: float | Regulariser = 1e-6) -> Mixture:
    """Parameters that maximise the expected log-likelihood given `statistics`: one M step.

    Parameters
    ----------
    statistics : SufficientStatistics
        From `accumulate`, or a sum of such.
    reg_covar : float or Regulariser
        Added to the diagonal of every covariance, in the squared units of the data; or the `regulariser` of a
        `FitResult`, to go on as that fit did.

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
    checked = check_statistics(statistics)
    regulariser = _regulariser_of(reg_covar, checked.centers.shape[1])
    parameters = maximize_statistics(checked, regulariser)
    try:
        return Mixture(*parameters, feature_names=checked.feature_names)
    except ValueError as error:
        raise FitFailure(f"no mixture maximises these statistics with reg_covar={reg_covar}: {error}") from None


def _regulariser_of(reg_covar: Any, n_features: int) -> Regulariser:
    if isinstance(reg_covar, str):
        raise ValueError(
            f"reg_covar must be a number or the regulariser of a FitResult here, got {shown(reg_covar)}: statistics "
            "do not tell the variances of all rows"
        )
    if not isinstance(reg_covar, Regulariser):
        return ridge(check_nonnegative("reg_covar", reg_covar), n_features)
    added, floor = (as_numbers(f"reg_covar.{name}", getattr(reg_covar, name)) for name in ("added", "floor"))
    for name, values in (("added", added), ("floor", floor)):
        if values.shape != (n_features,) or not (np.isfinite(values) & (values >= 0.0)).all():
            raise ValueError(
                f"reg_covar.{name} must be {n_features} finite numbers, none of them negative, got {values.tolist()}"
            )
    if floor.any() and not floor.all():
        raise ValueError(f"reg_covar.floor must be positive for all features or zero for all, got {floor.tolist()}")
    return Regulariser(added, floor, check_nonnegative("reg_covar.rounding", reg_covar.rounding))
