"""Memory of a launch: models, states, buffers of each worker, and slabs, allocated before compiled code runs.

So running out of memory is an ordinary MemoryError, before a single row was touched.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.sizes import slab_pitch
from ...kernels.work import SPREAD, Model, Scratch, State, Sums
from ...model.plan import Plan
from ...model.rounds.state import begin_state, state_shapes

# A cache line, and the widest vector there is.
ALIGNMENT = 64
# What arrays shorter than a line are aligned to: side by side, so that there is less of what a problem of `fit_many`
# begins with a copy of.
SHORT_ALIGNMENT = 16
# Bytes between two arrays in one piece of memory. Side by side, loads from one and stores into another meet at the
# same place of a page: a round of 200000 x 16, K = 16 took 9.9 ms, and 9.55 with half a page and a line between.
GAP = 2112
# Arrays smaller than a page need none.
PAGE = 4096


class Sizes(NamedTuple):
    """What decides how large the buffers of a launch are, and what they begin with.

    Blocks have `block_rows`, P; the scratch of each of `n_workers` has `spare` rows of a block more, `n_logs` rows of
    ``half_logs``, and two matrices of `order`. `core` is the shape of covariances; `least` is LEAST; `scattered` says
    whether the state holds the total scatter.
    """

    dtype: Any
    n_components: int
    n_features: int
    block_rows: int
    lanes: int
    n_workers: int
    n_slabs: int
    slab_shape: tuple[int, int]
    superblock_rows: int
    spare: int = 0
    n_logs: int = 0
    order: int = 0
    core: tuple[int, int, int] = (0, 0, 0)
    factors: tuple[int, int, int] = (0, 0, 0)
    offsets: tuple[int, int] = (0, 0)
    least: float = 0.0
    scattered: bool = False


@functools.lru_cache(maxsize=256)
def sizes_of(plan: Plan, n_workers: int, n_slabs: int) -> Sizes:
    """Return the sizes of the buffers of a run."""
    k, d, kernels = plan.n_components, plan.n_features, plan.kernels
    block_rows, factors, offsets = kernels.density.shape(k, d)
    return Sizes(
        dtype=plan.dtype,
        n_components=k,
        n_features=d,
        block_rows=block_rows,
        lanes=plan.lanes,
        n_workers=n_workers,
        n_slabs=n_slabs,
        slab_shape=plan.slab_shape,
        superblock_rows=plan.rows,
        spare=max(kernels.density.spare(k, d), kernels.moments.spare(k, d)),
        n_logs=k,
        order=plan.order,
        core=plan.structure.core(k, d),
        factors=factors,
        offsets=offsets,
        least=plan.digits_left,
        scattered=plan.structure.without_second is not None,
    )


def column_sizes(plan: Plan, n_workers: int, n_slabs: int) -> Sizes:
    """Return the sizes of the buffers of the moments of columns."""
    d, slab_shape = plan.n_features, (2, slab_pitch(plan.n_features))
    return Sizes(plan.dtype, 1, d, d, plan.lanes, n_workers, n_slabs, slab_shape, plan.rows)


class Buffers(NamedTuple):
    """All of a `Work` but the rows; `begins` are those of its `n_bytes` that have a value before the first launch."""

    model: Model
    state: State
    scratch: Scratch
    sums: Sums
    begins: NDArray[np.uint8]
    n_bytes: int


def new_buffers(sizes: Sizes) -> Buffers:
    """Return buffers as they begin: an empty model, no sums, a run that is about to begin its first round."""
    n_bytes, n_begins, shapes = _layout(sizes)
    raw = np.empty(n_bytes + ALIGNMENT, np.uint8)
    begin = -raw.ctypes.data % ALIGNMENT
    begins = raw[begin : begin + n_begins]
    begins.fill(0)
    arrays = [np.ndarray(shape, dtype, raw, begin + offset) for shape, dtype, offset in shapes]
    model, (accumulator, codes, trace), slabs = Model(*arrays[:7]), arrays[21:24], arrays[-1]
    state = State(*(*arrays[7:21], trace))
    arrays[24].fill(0)  # of a block that is padded: there it stays so
    model.scales.fill(1.0)
    model.unit.fill(1.0)
    begin_state(state, sizes.least)
    sums = Sums(slabs, accumulator, sizes.superblock_rows, codes)
    return Buffers(model, state, Scratch(*arrays[24:-1]), sums, begins, n_bytes)


def bytes_of(sizes: Sizes) -> int:
    """Return what buffers of these sizes take."""
    return _layout(sizes)[0]


@functools.lru_cache(maxsize=256)
def _layout(sizes: Sizes) -> tuple[int, int, list[tuple[tuple[int, ...], Any, int]]]:
    """Return all bytes, those of what begins with a value, and shape, dtype and offset of each array.

    Kept, because the same sizes come again and again.
    """
    k, d, p, dtype = sizes.n_components, sizes.n_features, sizes.block_rows, sizes.dtype
    workers, lanes, double, integer = sizes.n_workers, sizes.lanes, np.float64, np.int64
    places = SPREAD * workers if workers > 1 else 1
    # The trace is behind what begins with a value: a problem of `fit_many` begins with a copy of all that.
    *states, trace = state_shapes(k, d, sizes.core, sizes.scattered)
    wanted: list[tuple[tuple[int, ...], Any]] = [
        *Model(
            scales=((d,), dtype),
            origin=((p,), dtype),
            means=((k, p), dtype),
            unit=((2,), double),
            factors=(sizes.factors, dtype),
            offsets=(sizes.offsets, dtype),
            constants=((k,), dtype),
        ),
        *states,
        (sizes.slab_shape, double),
        ((workers,), integer),
        trace,
        *Scratch(
            block=((places, p, lanes), dtype),
            spare=((places, sizes.spare, lanes), dtype),
            half_logs=((places, sizes.n_logs, lanes), dtype),
            maxima=((places, lanes), dtype),
            row_sums=((places, lanes), dtype),
            products=((places, lanes), double),
            index=((places, lanes), integer),
            matrices=((places, 2, sizes.order, sizes.order), double),
        ),
        ((sizes.n_slabs, *sizes.slab_shape), double),
    ]
    n_bytes, arrays, ends = 0, [], []
    for shape, kind in wanted:
        size = math.prod(shape) * np.dtype(kind).itemsize
        alignment = SHORT_ALIGNMENT if size < ALIGNMENT else ALIGNMENT
        begin = -(-n_bytes // alignment) * alignment
        arrays.append((shape, np.dtype(kind), begin))
        n_bytes = begin + -(-size // alignment) * alignment + (GAP if size >= PAGE else 0)
        ends.append(n_bytes)
    return n_bytes, ends[22], arrays
