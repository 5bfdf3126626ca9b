"""Memory of a launch: buffers of each worker, slabs, and models, allocated before compiled code runs.

So running out of memory is an ordinary MemoryError, before a single row was touched.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.work import Model, Scratch, Sums

# A cache line, and the widest vector there is.
ALIGNMENT = 64
# Bytes between two arrays in one piece of memory. Side by side, loads from one and stores into another meet at the
# same place of a page: a round of 200000 x 16, K = 16 took 9.9 ms, and 9.55 with half a page and a line between.
GAP = 2112


Wanted = tuple[tuple[tuple[int, ...], Any], ...]


@functools.lru_cache(maxsize=256)
def _layout(wanted: Wanted) -> tuple[int, list[tuple[tuple[int, ...], Any, int]]]:
    """Return bytes, and shape, dtype and offset of each array; kept, because small fits ask faster than this adds."""
    n_bytes, arrays = 0, []
    for shape, dtype in wanted:
        arrays.append((shape, np.dtype(dtype), n_bytes))
        n_bytes += -(-math.prod(shape) * np.dtype(dtype).itemsize // ALIGNMENT) * ALIGNMENT + GAP
    return n_bytes, arrays


def aligned(*wanted: tuple[tuple[int, ...], Any]) -> list[NDArray[Any]]:
    """Return uninitialised arrays in one piece of memory, each of which begins at a multiple of `ALIGNMENT` bytes."""
    n_bytes, arrays = _layout(wanted)
    raw = np.empty(n_bytes + ALIGNMENT, np.uint8)
    begin = -raw.ctypes.data % ALIGNMENT
    return [np.ndarray(shape, dtype, raw, begin + offset) for shape, dtype, offset in arrays]


def new_model(
    n_components: int,
    n_features: int,
    size: int,
    dtype: Any,
    factors: tuple[int, ...] = (0, 0, 0),
    offsets: tuple[int, int] = (0, 0),
) -> Model:
    """Return an unfilled model whose blocks have `size` rows, P; padding is 0."""
    return Model(
        scales=np.ones(n_features, dtype),
        origin=np.zeros(n_features, dtype),
        means=np.zeros((n_components, size), dtype),
        unit=np.ones(2),
        factors=np.zeros(factors, dtype),
        offsets=np.zeros(offsets, dtype),
        constants=np.zeros(n_components, dtype),
    )


def new_scratch(
    n_workers: int, size: int, spare: int, n_components: int, lanes: int, dtype: Any, order: int = 0
) -> Scratch:
    """Return buffers for workers: blocks of `size` rows, `spare` more, K rows, and two matrices of `order` D."""
    scratch = Scratch(
        *aligned(
            ((n_workers, size, lanes), dtype),
            ((n_workers, spare, lanes), dtype),
            ((n_workers, n_components, lanes), dtype),
            ((n_workers, lanes), dtype),
            ((n_workers, lanes), dtype),
            ((n_workers, lanes), np.float64),
            ((n_workers, lanes), np.int64),
            ((n_workers, 2, order, order), np.float64),
        )
    )
    scratch.block.fill(0.0)
    return scratch


def new_sums(n_slabs: int, shape: tuple[int, int], rows: int, n_workers: int) -> Sums:
    """Return slabs of this shape for superblocks of so many rows, and an accumulator."""
    return Sums(
        slabs=aligned(((n_slabs, *shape), np.float64))[0],
        accumulator=np.zeros(shape),
        rows=rows,
        codes=np.zeros(n_workers, np.int64),
    )
