"""What given parameters say of rows with missing values: by what is observed of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model.check import first_indefinite
from ...model.parameters import Parameters
from ..accumulation import IllDefinedCovariance
from ..evaluate import evaluate_rows, of_responsibilities
from .patterns import marginal_of, patterns_of


def evaluate(X: NDArray[Any], parameters: Parameters, n_threads: int | None, wanted: str, gaps: bool) -> Any:
    """Return one output for checked rows `X` (N, D), see `evaluate_rows`; values may be missing if `gaps`."""
    of_rows = evaluate_observed if gaps and np.isnan(X).any() else evaluate_rows
    return of_rows(X, parameters, n_threads, wanted)


def evaluate_observed(X: NDArray[Any], parameters: Parameters, n_threads: int | None, wanted: str) -> Any:
    """Return one output for rows `X` (N, D), finite or NaN, see `evaluate_rows`; NaN is a missing value.

    Densities are those of the observed features. Of a row of which nothing is observed the density is 1, and the
    responsibilities are the weights.
    """
    outputs = []
    patterns = patterns_of(X)
    for pattern in patterns:
        if len(pattern.observed):
            marginal = marginal_of(parameters, pattern.observed)
            outputs.append(evaluate_rows(pattern.values(X), marginal, n_threads, wanted))
        else:
            outputs.append(np.repeat(_of_nothing(parameters, X.dtype, wanted), len(pattern.places), axis=0))
    whole = np.empty((len(X), *outputs[0].shape[1:]), outputs[0].dtype)
    for pattern, output in zip(patterns, outputs, strict=True):
        whole[pattern.places] = output
    return whole


def _of_nothing(parameters: Parameters, dtype: Any, wanted: str) -> Any:
    """Return the output for a row without a value, (1, ...)."""
    weights = parameters.weights[np.newaxis].astype(dtype)
    if wanted == "log_density":
        return np.zeros(1, dtype)
    if wanted == "component_log_density":
        return np.zeros_like(weights)
    if wanted == "labels":
        return weights.argmax(axis=1)
    return weights if wanted == "responsibilities" else of_responsibilities(weights, wanted).astype(dtype)


def impute_rows(X: NDArray[Any], parameters: Parameters, n_threads: int | None) -> NDArray[Any]:
    """Return rows `X` (N, D) with missing values replaced by their expectations, given what is observed.

    That is the mean of the components' conditional means, weighted by responsibilities; no value that is observed
    changes.

    Raises
    ------
    ValueError
        If an expectation exceeds what the dtype of the rows holds; `IllDefinedCovariance`, too.
    """
    filled = np.array(X, order="C")
    means = parameters.means
    covariances = parameters.structure.complete(parameters.covariances, *means.shape)
    responsibilities = evaluate_observed(X, parameters, n_threads, "responsibilities")
    for observed, missing, places in patterns_of(X):
        order = np.concatenate((observed, missing))
        ordered = covariances[:, order[:, np.newaxis], order]
        try:
            slopes = _regressions(ordered, len(observed))
        except np.linalg.LinAlgError:
            raise IllDefinedCovariance(first_indefinite(ordered)) from None
        values = np.zeros((len(places), len(missing)))
        rows = np.asarray(X[places[:, np.newaxis], observed], np.float64)
        for k, share in enumerate(responsibilities[places].T):
            expected = means[k, missing] + (rows - means[k, observed]) @ slopes[k].T
            values += share[:, np.newaxis] * expected
        filled[places[:, np.newaxis], missing] = values
    finite = np.isfinite(filled).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"what is expected of row {np.argmin(finite)} (counted from 0) exceeds what {filled.dtype} holds; "
            f"{'convert X to float64' if filled.dtype == np.float32 else 'rescale X'}"
        )
    return filled


def _regressions(covariances: NDArray[np.float64], n_observed: int) -> NDArray[np.float64]:
    """Return Sigma_mo Sigma_oo^-1 (K, D - d, d) of covariances (K, D, D) whose first d = `n_observed` are observed.

    Raises
    ------
    LinAlgError
        If a covariance is not positive definite.
    """
    factors, d = np.linalg.cholesky(covariances), n_observed
    upper = factors[..., :d, :d].swapaxes(-1, -2)
    return np.asarray(np.linalg.solve(upper, factors[..., d:, :d].swapaxes(-1, -2)).swapaxes(-1, -2))
