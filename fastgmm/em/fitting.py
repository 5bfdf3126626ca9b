"""A fit of checked arguments: what `fastgmm.fit`, `select` and the estimator have in common."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.parameters import Parameters
from ..model.plan import Plan, plan_of
from ..model.regulariser import Regulariser, ridge
from ..model.rounds.state import COMPONENT, GIVEN
from ..model.statistics import PassSums
from ..rows.array import ArraySource
from ..rows.source import Rounds, Source, Start
from . import loop, start
from .degenerate import degeneracy
from .options import Options
from .outcome import FitFailure, FitWarning, Outcome
from .regulariser import regularisation

Array = NDArray[np.float64]


def fit_rows(rows: NDArray[Any], sample_weight: Array, options: Options) -> Outcome:
    """Fit to `rows` (N, D), weighted where `sample_weight` is (N,) and not (0,); see `fit_source`."""
    return fit_source(ArraySource(rows, options.n_threads, sample_weight, options.watch), options)


def fit_source(source: Source, options: Options) -> Outcome:
    """Fit to the rows of a source.

    Nothing is warned of here: that is for who calls it, or fits many times and says it in other words.

    Raises
    ------
    FitFailure
        If every start failed.
    """
    plan = plan_of(options.covariance_type, options.n_components, source.n_features, source.dtype)
    if options.n_init > 1 and start.is_the_same(source, options):
        options = options._replace(n_init=1)
    outcome = loop.best_of(source, plan, lambda: begin(source, plan, options), options)
    if not source.weight_exponent:
        return outcome
    return outcome._replace(log_likelihood=float(np.ldexp(outcome.log_likelihood, source.weight_exponent)))


def begin(source: Source, plan: Plan, options: Options) -> Rounds:
    """Return a run that begins with what is asked for, see `start`; ValueError if that leaves a component empty."""
    whole = None
    if isinstance(options.init, str) and options.init == "kmeans":
        # What is found in more rows may be of use to other fits; of many, a start looks at a sample.
        only_few = options.shared is not None or source.n_samples > start.most_rows(plan)
        whole = source.begin_whole(plan, options.reg_covar, options.generator, only_few)
    if whole is not None:
        return whole
    regulariser = regularisation(options.reg_covar, source)
    found = start.start(source, plan, options, regulariser)
    if options.shared is None or isinstance(found, Parameters) or plan.is_small(source.n_samples):
        run = source.begin(plan, found, regulariser)
    else:
        run = _begin_alike(source, plan, found, regulariser, options)
    # Weights that are nowhere together could not be looked at by `check_init`.
    if isinstance(options.init, np.ndarray) and not len(source.weights) and source.n_counted < source.n_samples:
        run.advance(0)
        _check_sums(run.state.sums, "labels" if options.init.ndim == 1 else "responsibilities")
    return run


def _begin_alike(source: Source, plan: Plan, found: Start, regulariser: Regulariser, options: Options) -> Rounds:
    """Return a run that begins from what was found; structures with the same moments sum those of given rows once."""
    first: Rounds | None = None

    def given() -> PassSums | None:
        nonlocal first
        first = source.begin(plan, found, regulariser)
        if not first.state.counts[GIVEN]:  # with missing values these are no sums of a pass
            return None
        first.advance(0)
        return PassSums.of(first.state)

    sums = options.once((plan.n_components, plan.kernels.moments.name), given)
    return first or source.begin(plan, found if sums is None else sums, regulariser)


def _check_sums(sums: Array, what: str) -> None:
    """Raise ValueError if what is given of the rows leaves a component without any, by their sums (K,)."""
    if not sums.all():
        raise ValueError(f"init {what} leave component {int(np.argmin(sums))} without rows; each needs one")


def warn_of(outcome: Outcome, n_init: int, feature_names: tuple[str, ...] | None = None) -> None:
    """Warn, in the line that called the caller's door, of starts that failed and of degenerate components."""
    if outcome.failures:
        warnings.warn(
            f"{len(outcome.failures)} of {n_init} starts failed and were set aside; the last: {outcome.failures[-1]}",
            FitWarning,
            stacklevel=4,
        )
    if outcome.degenerate_components:
        said = degeneracy(outcome.parameters, outcome.degenerate_components, outcome.regulariser, feature_names)
        warnings.warn(said, FitWarning, stacklevel=4)


def in_single(outcome: Outcome) -> Outcome:
    """Return `outcome` with parameters of float32, which must still be usable; FitFailure where they are not."""
    fitted = outcome.parameters
    weights, means, covariances = (np.asarray(array, np.float32) for array in fitted[:3])
    single: Any = Parameters(weights, means, covariances, fitted.covariance_type)  # type: ignore[arg-type]
    if not np.isfinite(single.covariances).all():
        raise FitFailure("the covariances exceed what float32 holds; rescale X or convert it to float64")
    plan = plan_of(fitted.covariance_type, *fitted.means.shape, np.dtype(np.float32))
    probe = ArraySource(np.zeros((1, plan.n_features), np.float32)).begin(plan, single, ridge(0.0, plan.n_features))
    probe.advance(1)
    if probe.state.counts[COMPONENT] >= 0:
        raise FitFailure(
            f"the covariance of component {int(probe.state.counts[COMPONENT])} is not positive definite in float32; "
            "increase reg_covar, rescale X or convert it to float64"
        )
    return outcome._replace(parameters=single)
