"""Fits of many problems as columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.parameters import names_or_numbers
from ..model.structures import STRUCTURES

Array = NDArray[np.float64]


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
