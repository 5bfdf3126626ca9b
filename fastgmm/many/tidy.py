"""Fits of many problems as columns, and the points at which one component takes over from the next."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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
