"""What a run that is over has come to: an outcome, or why it failed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..model.plan import Plan
from ..model.rounds.state import (
    COMPONENT,
    ILL_DEFINED,
    LOG_LIKELIHOOD,
    MEAN,
    N_ITER,
    NOT_FINITE,
    STATUS,
    STOPPED,
)
from ..rows.source import Rounds, Source
from .degenerate import degenerate_components
from .outcome import STATUSES, Failed, Outcome
from .regulariser import widened_by_rounding

Array = NDArray[np.float64]

# A floor, a share of 1e-12 of the variance of all rows, from which on that of some may exceed what float64 holds.
_LARGE = 1e200


def outcome_of(source: Source, plan: Plan, going: Rounds, trace: Array) -> Outcome:
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
    # A list, as in `degenerate_components`. Far below, a floor says that no variance of the rows is so large.
    if not 0.0 < max(regulariser.floor.tolist()) < _LARGE and not np.isfinite(parameters.covariances).all():
        raise Failed(f"the covariances exceed what float64 holds in iteration {n_iter}; rescale X", stopped=stopped)
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
