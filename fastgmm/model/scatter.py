"""Pooled second moments from the total scatter of the rows, which does not change between rounds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Scatter(NamedTuple):
    """Sum z z^T of all rows, (D, D), z = x - mean, and that mean (D,)."""

    total: Array
    mean: Array


def from_scatter(scatter: Scatter, sums: Array, first: Array, centers: Array, dtype: Any) -> Array | None:
    """Pooled second moments about the `centers` (K, D).

    With e_k = centers_k - mean,

        sum_ik r z z^T = total - sum_k (N_k e e^T + first_k e^T + e first_k^T).

    Returns None where the subtraction loses more than six of a double's digits in a feature, or two of the seven that
    sums over blocks of float32 `dtype` have.
    """
    offset = centers - scatter.mean
    cross = first.T @ offset
    pooled = scatter.total - ((sums[:, np.newaxis] * offset).T @ offset + cross + cross.T)
    least = 1e-6 if dtype == np.float64 else 1e-2
    if (np.diagonal(pooled) <= least * np.diagonal(scatter.total)).any():
        return None
    return pooled
