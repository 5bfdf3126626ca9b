"""Lloyd's pass over two clusters of one feature, which is what many small fits are of.

A row belongs to the second cluster if it lies on that side of the middle of both centres, and what squared distances
sum to follows from sums of clusters and of squares. So there are no distances, and no block: 200 rows take 54
nanoseconds instead of 79 on an AMD Zen 4.
"""

import numpy as np

from ..._numba.options import kernel


@kernel
def middle_of(centers):
    """Return 1 if the second centre is above the first, -1 if below, else 0, and times that the middle of both."""
    one, half = centers.dtype.type(1), centers.dtype.type(0.5)
    low, high = centers[0, 0], centers[1, 0]
    side = one if high > low else (-one if high < low else centers.dtype.type(0))
    return side, side * (low + half * (high - low))


@kernel
def sum_two(x, start, n_rows, scales, origin, centers, slab):
    """Add counts and sums of rows ``x[start : start + n_rows]`` to `slab`, and their squared distances.

    These to the rounding of squares about the origin: a share of the variance, which is what ends Lloyd's rounds.
    """
    rows, c0, o0 = x[start : start + n_rows], scales[0], origin[0]
    zero, one = x.dtype.type(0), x.dtype.type(1)
    side, middle = middle_of(centers)
    n1 = s0 = s1 = squares = zero
    for b in range(n_rows):
        z = rows[b, 0] * c0 - o0
        share = one if side * z > middle else zero  # products, because LLVM makes branches of choices
        n1 += share
        s0 += (one - share) * z
        s1 += share * z
        squares += z * z
    count, first, second = np.float64(n1), np.float64(centers[0, 0]), np.float64(centers[1, 0])
    slab[0, 0] += n_rows - count
    slab[0, 1] += s0
    slab[1, 0] += count
    slab[1, 1] += s1
    within = first * (first * (n_rows - count) - 2.0 * s0) + second * (second * count - 2.0 * s1)
    slab[2, 0] += squares + within


@kernel
def label_two(x, start, n_rows, scales, origin, centers, labels):
    """Write which of two clusters rows ``x[start : start + n_rows]`` belong to into `labels` (n_rows,)."""
    rows, c0, o0 = x[start : start + n_rows], scales[0], origin[0]
    side, middle = middle_of(centers)
    for b in range(n_rows):
        labels[b] = np.int64(1) if side * (rows[b, 0] * c0 - o0) > middle else np.int64(0)
