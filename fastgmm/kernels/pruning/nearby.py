"""By which rule a component is left out that can be the most probable one of no row of a block.

A guess at the label of each row, in single precision, takes all components for as wide as each other, so that it is
a product of D numbers; rows are put in the order of their guesses, and those of a block have the same, a. Let a
component's half log joint density be l_k = c_k - |y|^2, y = H (x - mu) as in ``densities/full.py``, z = x - mu_a and
y_k that of component k at mu_a. Then

    |y|^2 = |y_k|^2 + 2 y_k . H z + |H z|^2 >= |y_k|^2 + g . z + s |z|^2,    g = 2 H^T y_k,

where s is no more than the least eigenvalue of H^T H, and

    |y| >= |y_k| - w |z|,

where w is no less than the norm of H. A component is left out where by the second, of the largest |z| of the block,
or by the first, of each row, l_k is below l_a in all of its rows. The first takes D multiply-adds in single precision
where a density takes D^2 / 2, and is exact for components that are round and as wide as each other.

So labels are those of `passes.evaluate`, as long as what is left out is so by more than the rounding of densities: a
length |H x + o| is as good as D roundings of |o| and of the largest that the absolute values of H and x can make,
sqrt(D) w |x|, which is more than what a factor rounded to single precision adds to s |z|^2; and the sum of D + 2
numbers in single precision as D + 8 roundings of the largest they can be.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from ..._numba.options import entry, kernel
from ..._numba.width import wide_vectors
from ..sizes import STEP
from ..work import Model, Rows, Scratch, State, Sums
from .guess import FIRST

# What is larger is left to the densities: its square would not be finite in single precision.
LARGEST = 1e15
# Rounding of a sum in single precision, and a length above all whose squares are 0 or subnormal there.
SINGLE, TINY = 2.0**-23, 1e-18


class Nearby(NamedTuple):
    """What finds the labels of rows near whose components there are few others.

    order (N,) int32
        Rows in the order of their guesses.
    places, ends (blocks,) int64
        Where in `order` a block begins and ends.
    owners (blocks,) int64
        The guess that rows of a block have in common.
    widths, least (K,) float64
        w and s, see above.
    sizes (K,) float64
        Lengths of the offsets of the density.
    counts (blocks,) int64
        Components that were evaluated.
    tile (W, B, D)
        Scratch of workers, in the dtype of the rows: rows of a block.
    single (W, FIRST + P, B) float32
        Scratch, as of a `Guess`.
    slopes (W, K, P) float32, lengths (W, K)
        Scratch: g and |y_k| for the owner of a block.
    components (W, K) int64
        Scratch: those that are evaluated.
    """

    order: Any
    places: Any
    ends: Any
    owners: Any
    widths: Any
    least: Any
    sizes: Any
    counts: Any
    tile: Any
    single: Any
    slopes: Any
    lengths: Any
    components: Any


NEARBY = 6


class NearbyWork(NamedTuple):
    """`Work`, and what finds labels of many components."""

    x: Any
    rows: Rows
    model: Model
    state: State
    scratch: Scratch
    sums: Sums
    nearby: Nearby


@kernel
def put_apart(block, start, n_rows, n_lanes, center, single):
    """Write the mean of rows from `start` on into `center` (D,), and what they are less that into `single`.

    Returns the largest squared length, in single precision. Lanes from `n_rows` on to `n_lanes` lie on the mean.
    """
    squares = single[4]
    for b in range(n_lanes):
        squares[b] = np.float32(0.0)
    for d in range(center.shape[0]):
        total = 0.0
        for b in range(n_rows):
            total += float(block[d, start + b])
        mean = block.dtype.type(total / n_rows)
        center[d] = float(mean)
        z = single[FIRST + d]
        for b in range(n_rows):
            value = np.float32(block[d, start + b] - mean)
            z[b] = value
            squares[b] += value * value
        for b in range(n_rows, n_lanes):
            z[b] = np.float32(0.0)
    square = 0.0
    for b in range(n_rows):
        square = max(square, float(squares[b])) if squares[b] == squares[b] else math.inf
    return square


@entry
def least_sum(slope, least, n_lanes, single):
    """Return the least of ``slope . z + least |z|^2`` of the lanes that `single` holds."""
    wide_vectors()
    out, squares, z = single[0], single[4], single[FIRST:]
    for b in range(n_lanes):
        out[b] = least * squares[b]
    for d in range(0, z.shape[0], 4):
        s0, s1, s2, s3 = slope[d], slope[d + 1], slope[d + 2], slope[d + 3]
        for b in range(n_lanes):
            out[b] += (s0 * z[d, b] + s1 * z[d + 1, b]) + (s2 * z[d + 2, b] + s3 * z[d + 3, b])
    low = single[6]
    for b in range(STEP):
        low[b] = out[b]
    for first in range(STEP, n_lanes, STEP):
        rest = out[first : first + STEP]
        for b in range(STEP):
            low[b] = min(low[b], rest[b])
    found = low[0]
    for b in range(1, STEP):
        found = min(found, low[b])
    return float(found)


@kernel
def put_white(factor, offset, center, white):
    """Write ``factor center + offset`` into `white` (D,); return its squared length.

    By four rows at once, and whole rows: what is above the diagonal is zero.
    """
    size = center.shape[0]
    square = 0.0
    for i in range(0, size - size % 4, 4):
        v0, v1, v2, v3 = float(offset[i]), float(offset[i + 1]), float(offset[i + 2]), float(offset[i + 3])
        for p in range(size):
            value = float(center[p])
            v0 += float(factor[i, p]) * value
            v1 += float(factor[i + 1, p]) * value
            v2 += float(factor[i + 2, p]) * value
            v3 += float(factor[i + 3, p]) * value
        white[i], white[i + 1], white[i + 2], white[i + 3] = v0, v1, v2, v3
        square += (v0 * v0 + v1 * v1) + (v2 * v2 + v3 * v3)
    for i in range(size - size % 4, size):
        value = float(offset[i])
        for p in range(size):
            value += float(factor[i, p]) * float(center[p])
        white[i] = value
        square += value * value
    return square


@kernel
def put_slope(factor, white, slope):
    """Write ``2 factor^T white`` into `slope`, in single precision."""
    size = white.shape[0]
    for p in range(size):
        slope[p] = np.float32(0.0)
    for i in range(0, size - size % 4, 4):
        v0, v1, v2, v3 = 2.0 * white[i], 2.0 * white[i + 1], 2.0 * white[i + 2], 2.0 * white[i + 3]
        for p in range(size):
            value = (v0 * float(factor[i, p]) + v1 * float(factor[i + 1, p])) + (
                v2 * float(factor[i + 2, p]) + v3 * float(factor[i + 3, p])
            )
            slope[p] += np.float32(value)
    for i in range(size - size % 4, size):
        for p in range(size):
            slope[p] += np.float32(2.0 * white[i] * float(factor[i, p]))
