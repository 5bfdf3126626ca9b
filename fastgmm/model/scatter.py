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
        for j in range(i + 1):
            out[i, j] = scatter[i, j]
    if n_features % 2 == 1:
        for k in range(n_components):
            offset = centers[k, 0] - mean[0]
            out[0, 0] -= (sums[k] * offset + first[k, 0]) * offset + offset * first[k, 0]
    # Rows by pairs, which read a component once: 26 us at K = 64, D = 64, and 35 one by one.
    for i in range(n_features % 2, n_features, 2):
        row, next_row = out[i], out[i + 1]
        for k in range(n_components):
            center, shift = centers[k], first[k]
            offset, next_offset = center[i] - mean[i], center[i + 1] - mean[i + 1]
            moved, next_moved = sums[k] * offset + shift[i], sums[k] * next_offset + shift[i + 1]
            for j in range(i + 2):  # one more than there is of the first, which is mirrored below
                away = center[j] - mean[j]
                row[j] -= moved * away + offset * shift[j]
                next_row[j] -= next_moved * away + next_offset * shift[j]
    for i in range(n_features):
        if out[i, i] <= least * scatter[i, i]:
            return False
        for j in range(i):
            out[j, i] = out[i, j]
    return True


def least_left(dtype: Any) -> float:
    """Return what `pooled_about` must leave: all but six of a double's digits, or two of the seven of a block's sums.

    `dtype` is that of the blocks.
    """
    return 1e-6 if dtype == np.float64 else 1e-2
