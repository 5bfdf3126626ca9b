"""Pooled second moments from the total scatter of the rows, which does not change between rounds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._numba.options import entry

Array = NDArray[np.float64]


class Scatter(NamedTuple):
    """Sum z z^T of all rows, (D, D), z = x - mean, and that mean (D,)."""

    total: Array
    mean: Array


@entry
def pooled_about(
    centers: Array, sums: Array, first: Array, scatter: Array, mean: Array, least: float, out: Array
) -> bool:
    """Write pooled second moments about the `centers` (K, D) into `out` (D, D), from the total `scatter` (D, D).

    With e_k = centers_k - mean,

        sum_ik r z z^T = scatter - sum_k ((N_k e + first_k) e^T + e first_k^T).

    Returns whether the subtraction leaves more than `least` of the scatter of every feature.
    """
    n_components, n_features = centers.shape
    for i in range(n_features):
        row, rows_scatter = out[i], scatter[i]
        for j in range(i + 1):
            row[j] = rows_scatter[j]
        for k in range(n_components):
            center, shift, offset = centers[k], first[k], centers[k, i] - mean[i]
            moved = sums[k] * offset + shift[i]
            for j in range(i + 1):
                row[j] -= moved * (center[j] - mean[j]) + offset * shift[j]
        if row[i] <= least * scatter[i, i]:
            return False
        for j in range(i):
            out[j, i] = row[j]
    return True


def least_left(dtype: Any) -> float:
    """Return what `pooled_about` must leave: all but six of a double's digits, or two of the seven of a block's sums.

    `dtype` is that of the blocks.
    """
    return 1e-6 if dtype == np.float64 else 1e-2
