"""Fits of many problems as columns, and the points at which one component takes over from the next."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.parameters import names_or_numbers
from ..model.structures import STRUCTURES

Array = NDArray[np.float64]


def crossings_of(weights: Array, means: Array, variances: Array) -> Array:
    """Return where components (B, K) of one feature take over from each other, (B, K - 1), by increasing means.

    Between neighbours i and j that is the root, downwards, of the quadratic log(w_i N(x | i)) - log(w_j N(x | j)),
    NaN where one of them has the higher density everywhere, or is none.
    """
    order = np.argsort(means, axis=1)  # NaN, where there is no component, comes last
    w, m, v = (np.take_along_axis(array, order, axis=1) for array in (weights, means, variances))
    # About the lower mean, so that nothing cancels far from zero.
    shift, v_i, v_j = np.diff(m, axis=1), v[:, :-1], v[:, 1:]
    a = 0.5 * (1.0 / v_j - 1.0 / v_i)
    b = -shift / v_j
    c = np.log(w[:, :-1] / w[:, 1:]) + 0.5 * np.log(v_j / v_i) + 0.5 * shift * shift / v_j
    # b is not positive, so this form of the root cancels nothing either, and needs no a.
    return np.asarray(m[:, :-1] + 2.0 * c / (np.sqrt(b * b - 4.0 * a * c) - b))


def columns_of_covariances(covariances: Array, names: tuple[str, ...]) -> dict[str, Array]:
    """Return the columns of covariances (C, D, D), variances (C, D), or one variance (C,)."""
    if covariances.ndim == 1:
        return {"variance": covariances}
    if covariances.ndim == 2:
        return {f"variance_{name}": covariances[:, d] for d, name in enumerate(names)}
    columns: dict[str, Any] = {f"variance_{name}": covariances[:, d, d] for d, name in enumerate(names)}
    for d, name in enumerate(names):
        columns |= {f"covariance_{name}_{names[e]}": covariances[:, d, e] for e in range(d + 1, len(names))}
    return columns


def columns_of(result: Any) -> dict[str, NDArray[Any]]:
    """Return the columns of `FitManyResult.table`."""
    lines = np.maximum(result.n_components, 1)
    problem = np.repeat(np.arange(len(result)), lines)
    component = np.arange(len(problem)) - np.repeat(np.cumsum(lines) - lines, lines)
    names = names_or_numbers(result.feature_names, result.means.shape[2])
    structure = STRUCTURES[result.covariance_type]
    covariances = result.covariances[problem] if structure.shared else result.covariances[problem, component]
    columns = {
        "key": result.keys[problem],
        "component": np.where(result.fitted[problem], component, -1),
        "weight": result.weights[problem, component],
        **{f"mean_{name}": result.means[problem, component, d] for d, name in enumerate(names)},
        **columns_of_covariances(covariances, names),
    }
    if len(names) == 1:
        ranks = np.argsort(np.argsort(result.means[:, :, 0], axis=1), axis=1)
        padded = np.pad(result.crossings, ((0, 0), (0, 1)), constant_values=np.nan)
        columns["crossing"] = padded[problem, ranks[problem, component]]
    for name in ("n_components", "n_samples", "total_weight", "log_likelihood", "bic", "n_iter"):
        columns[name] = getattr(result, name)[problem]
    columns["status"] = result.status[problem].astype(str)
    columns["degenerate"] = result.degenerate[problem, component]
    errors = np.full(len(result), "", object)
    for b, error in result.errors.items():
        errors[b] = error
    return {**columns, "error": errors[problem]}
