"""Rows of any layout and dtype, piece by piece, as the C-contiguous read-only float64 that kernels take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Pieces that have to be copied: large enough to run in parallel, small enough to stay near the caches.
COPY_BYTES = 4 << 20


def pieces(X: NDArray[Any], rows: int, unit: int) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield (start, ``X[start:start + rows]``) in kernel layout.

    Rows that are C-contiguous float64 are yielded as views. Others (Fortran order, float32, strided views)
    are copied into one buffer of about `COPY_BYTES`, never as a whole, so that a Fortran-ordered frame costs
    no second copy of the data. The buffer is used again: a piece is valid until the next is taken.

    Parameters
    ----------
    X : (N, D) float32 or float64
        Rows in any memory layout.
    rows : int
        Rows in a piece at most, a multiple of `unit`.
    unit : int
        Pieces are a multiple of this many rows, except the last.
    """
    n_samples, n_features = X.shape
    ready = X.dtype == np.float64 and X.flags.c_contiguous and X.flags.aligned
    if not ready:
        rows = min(rows, max(unit, COPY_BYTES // (8 * n_features) // unit * unit))
        buffer = np.empty((min(rows, n_samples), n_features))
    for start in range(0, n_samples, rows):
        piece = X[start : start + rows]
        if not ready:
            target = buffer[: len(piece)]
            _copy(piece, target)
            piece = target
        piece = piece.view()
        piece.flags.writeable = False
        yield start, piece


def _copy(source: NDArray[Any], target: NDArray[np.float64]) -> None:
    if abs(source.strides[0]) < abs(source.strides[1]):
        # NumPy would walk along the rows of `target`, D elements at a time; columns are the long way of both.
        for d in range(source.shape[1]):
            target[:, d] = source[:, d]
    else:
        target[...] = source
