"""A fit of checked arguments: what `fastgmm.fit` and the estimator have in common."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import em, initialization
from .kernels.variances import count_held_up
from .parameters import Mixture
from .regularisation import regularisation
from .results import Callback, FitResult
from .sources import ArraySource, Start

Array = NDArray[np.float64]


class Options(NamedTuple):
    """What to fit and how; `fastgmm.fit` and scikit-learn's `GaussianMixture` describe the fields.

    `replaced` are parameters that take the place of those of a named start, by their names in `Mixture`;
    `previous` is the mean log-likelihood that a fit goes on from.
    """

    n_components: int
    covariance_type: str
    init: str | Mixture | NDArray[Any]
    tol: float
    reg_covar: float | str
    max_iter: int
    n_init: int
    generator: np.random.Generator
    n_threads: int | None
    callback: Callback | None = None
    aitken: bool = False
    previous: float = -math.inf
    replaced: tuple[tuple[str, Any], ...] = ()


def fit_rows(rows: NDArray[Any], sample_weight: Array, options: Options) -> FitResult:
    """Fit to `rows` (N, D), weighted where `sample_weight` is (N,) and not (0,); parameters in the dtype of the rows.

    Nothing is warned of here: that is for `warn_of`, or for who fits many times and says it in other words.

    Raises
    ------
    FitFailure
        If every restart failed.
    """
    # A power of two, so that nothing is rounded: the kernels then see weights around 1, whatever their unit.
    exponent, weights = 0, sample_weight
    if len(sample_weight):
        exponent = math.frexp(float(sample_weight.max()))[1]
        weights = np.ldexp(sample_weight, -exponent)
    reg_covar = regularisation(options.reg_covar, rows, weights)

    def start() -> Start:
        begun = initialization.start(
            rows,
            options.n_components,
            weights=weights,
            covariance_type=options.covariance_type,
            init=options.init,
            reg_covar=reg_covar,
            generator=options.generator,
            n_threads=options.n_threads,
        )
        if options.replaced:
            named = begun if isinstance(begun, Mixture) else begun.parameters()
            begun = replace(named, **dict(options.replaced))
        return begun

    rule = em.Rule(
        reg_covar=reg_covar,
        tol=options.tol,
        max_iter=options.max_iter,
        aitken=options.aitken,
        previous=options.previous,
        callback=options.callback,
    )
    # An explicit start is the same every time.
    n_init = options.n_init if isinstance(options.init, str) else 1
    result = em.best_of(ArraySource(rows, options.n_threads, weights), start, n_init, rule)
    degenerate = degenerate_components(result.mixture, reg_covar) if result.n_iter else ()
    if exponent or degenerate:
        result = replace(
            result, log_likelihood=float(np.ldexp(result.log_likelihood, exponent)), degenerate_components=degenerate
        )
    if rows.dtype == np.float64:
        return result
    fitted = result.mixture
    with np.errstate(over="ignore"):
        covariances = fitted.covariances.astype(rows.dtype)
    if not np.isfinite(covariances).all():
        raise em.FitFailure("the covariances exceed what float32 holds; rescale X or convert it to float64")
    parameters = Mixture(
        fitted.weights.astype(rows.dtype), fitted.means.astype(rows.dtype), covariances, fitted.covariance_type
    )
    return replace(result, mixture=parameters)


def warn_of(result: FitResult, n_init: int) -> None:
    """Warn, in the line that called the caller, of restarts that failed and of degenerate components."""
    if result.failures:
        warnings.warn(
            f"{result.n_failed} of {n_init} restarts failed and were set aside; the last: {result.failures[-1]}",
            RuntimeWarning,
            stacklevel=3,
        )
    if result.degenerate_components:
        warnings.warn(degeneracy(result.degenerate_components), RuntimeWarning, stacklevel=3)


def degeneracy(components: tuple[int, ...]) -> str:
    """Say what is wrong with degenerate components."""
    return (
        f"components {', '.join(map(str, components))} have lost their rows or sit on rows that are equal in some "
        "feature; reg_covar alone holds up their covariance"
    )


def degenerate_components(parameters: Mixture, reg_covar: Array) -> tuple[int, ...]:
    """Return the components without weight, or with a variance of which at least half is the regulariser."""
    means, covariances, step = parameters.means, parameters.covariances, 1
    if parameters.covariance_type in ("full", "tied"):
        covariances = covariances.reshape(-1, parameters.n_features**2)
        step = parameters.n_features + 1
    elif parameters.covariance_type == "spherical":
        covariances, reg_covar = covariances[:, np.newaxis], reg_covar.mean(keepdims=True)
    held_up = np.empty(parameters.n_components, np.bool_)
    if not count_held_up(parameters.weights, means, covariances, step, reg_covar, held_up):
        return ()
    return tuple(np.flatnonzero(held_up).tolist())
