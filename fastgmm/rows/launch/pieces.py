"""Rows of any layout and dtype, piece by piece, in the form that kernels take: of one dtype, read-only, aligned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Pieces that have to be converted: large enough to run in parallel, small enough to stay in a shared cache.
COPY_BYTES = 4 << 20
# Weights that are summed as one, so that the sum of all does not depend on how they arrive.
WEIGHTS = 8192


def pieces(X: NDArray[Any], rows: int, unit: int, dtype: Any) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield (start, ``X[start:start + rows]``) as the kernels take it.

    Rows of `dtype` in any memory layout are yielded as views: the kernels copy a block of rows at a time into a
    buffer of their own (`kernels.blocks.loading`) and go by the strides, so that a large Fortran-ordered frame
    costs no second copy of the data. Another dtype, values that are not aligned, and small arrays that are not in C
    order are converted into one buffer of about `COPY_BYTES`, which is used again: a piece is valid until the next
    is taken.

    C order meets one compiled signature and strided rows a second. A piece that is a whole Fortran-ordered array
    would be a third, so a large one makes at least two pieces.

    Parameters
    ----------
    X : (N, D)
        Rows in any memory layout.
    rows : int
        Rows in a piece at most, a multiple of `unit`.
    unit : int
        Pieces are a multiple of this many rows, except the last.
    dtype : float32 or float64
        What the kernels compute in.
    """
    n_samples, n_features = X.shape
    in_order = X.flags.c_contiguous
    large = X.nbytes > COPY_BYTES and n_samples > unit
    ready = X.dtype == dtype and X.flags.aligned and (in_order or large)
    if ready and not in_order:
        rows = min(rows, max(unit, n_samples // 2 // unit * unit))
    if not ready:
        rows = min(rows, max(unit, COPY_BYTES // (np.dtype(dtype).itemsize * n_features) // unit * unit))
        buffer = np.empty((min(rows, n_samples), n_features), dtype)
    for start in range(0, n_samples, rows):
        piece = X[start : start + rows].view()
        if not ready:
            piece = buffer[: len(piece)].view()
            piece[...] = X[start : start + rows]
        piece.flags.writeable = False
        yield start, piece


def in_place(X: NDArray[Any]) -> NDArray[Any]:
    """Return rows of float32 or float64 as the kernels take them: read-only, where they lie if that is possible.

    C order is one compiled signature, Fortran order and strided rows are one each, met by large arrays only: small
    ones that are not in C order, and values that are not aligned, are copied.
    """
    ready = X.flags.aligned and (X.flags.c_contiguous or X.nbytes > COPY_BYTES)
    x = X.view() if ready else np.array(X, order="C")
    x.flags.writeable = False
    return x


def sum_of_blocks(weights: NDArray[np.float64], total: float = 0.0) -> tuple[float, NDArray[np.float64]]:
    """Return `total` and the sum of blocks of `WEIGHTS`, one after the other, and the weights that are left over."""
    whole = len(weights) - len(weights) % WEIGHTS
    for block in weights[:whole].reshape(-1, WEIGHTS).sum(axis=1).tolist():
        total += block
    return total, weights[whole:]


def sum_of_parts(parts: Iterable[NDArray[np.float64]]) -> float:
    """Return the sum of numbers that arrive in `parts` (n,), the same however they are cut."""
    total, left = 0.0, np.empty(0)
    for part in parts:
        total, left = sum_of_blocks(np.concatenate([left, part]), total)
    return total + float(left.sum())
