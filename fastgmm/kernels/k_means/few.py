"""What a pass of Lloyd's does with a block of one or two features and few clusters: one loop, and nothing in memory.

Distances, labels, counts and sums of clusters one after another are a dozen loops, which for a block take longer to
begin and to end than to do. Nanoseconds of a pass over 200 x 1, K = 2, and 300 x 2, K = 3, on one Zen 5 core: 342 and
876 so, 238 and 544 in one loop.
"""

import numpy as np

from ..._numba.options import kernel
from ..sizes import STEP

# Clusters at most; their centres and sums fit into 32 vector registers.
FEW = 4


@kernel
def place(centers, k, d):
    """Return a coordinate of a centre; centres that there are not are infinitely far."""
    return centers[k, d] if k < centers.shape[0] else centers.dtype.type(np.inf)


@kernel
def count_lanes(block, n_rows):
    """Return the number of lanes in the steps that hold so many rows, in the dtype of the block."""
    return block.dtype.type(STEP * -(-n_rows // STEP))


@kernel
def assign_few_1(block, centers, n_rows, label, slab):
    """Do what `assign` and `add_by_mask` do for up to `FEW` clusters of one feature, in one loop.

    Returns the sum of the squared distances. Lanes beyond the last row are zero, as the first centre is but for
    rounding: they add nothing to sums.
    """
    m0, m1, m2, m3 = place(centers, 0, 0), place(centers, 1, 0), place(centers, 2, 0), place(centers, 3, 0)
    zero, one, two, three = block.dtype.type(0), block.dtype.type(1), block.dtype.type(2), block.dtype.type(3)
    n1 = n2 = n3 = s0 = s1 = s2 = s3 = total = zero
    for b in range(STEP * -(-n_rows // STEP)):
        x = block[0, b]
        q0, q1, q2, q3 = (x - m0) * (x - m0), (x - m1) * (x - m1), (x - m2) * (x - m2), (x - m3) * (x - m3)
        near, q = (one, q1) if q1 < q0 else (zero, q0)
        other, p = (three, q3) if q3 < q2 else (two, q2)
        near, q = (other, p) if p < q else (near, q)
        label[b] = near
        total += q
        n1 += one if near == one else zero
        n2 += one if near == two else zero
        n3 += one if near == three else zero
        s0 += x if near == zero else zero
        s1 += x if near == one else zero
        s2 += x if near == two else zero
        s3 += x if near == three else zero
    counts, sums = (count_lanes(block, n_rows) - n1 - n2 - n3, n1, n2, n3), (s0, s1, s2, s3)
    for k in range(centers.shape[0]):
        slab[k, 0] += counts[k]
        slab[k, 1] += sums[k]
    return total


@kernel
def assign_few_2(block, centers, n_rows, label, slab):
    """Do what `assign_few_1` does, for two features."""
    m0, m1, m2, m3 = place(centers, 0, 0), place(centers, 1, 0), place(centers, 2, 0), place(centers, 3, 0)
    o0, o1, o2, o3 = place(centers, 0, 1), place(centers, 1, 1), place(centers, 2, 1), place(centers, 3, 1)
    zero, one, two, three = block.dtype.type(0), block.dtype.type(1), block.dtype.type(2), block.dtype.type(3)
    n1 = n2 = n3 = s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = total = zero
    for b in range(STEP * -(-n_rows // STEP)):
        x, y = block[0, b], block[1, b]
        q0, q1 = (x - m0) * (x - m0) + (y - o0) * (y - o0), (x - m1) * (x - m1) + (y - o1) * (y - o1)
        q2, q3 = (x - m2) * (x - m2) + (y - o2) * (y - o2), (x - m3) * (x - m3) + (y - o3) * (y - o3)
        near, q = (one, q1) if q1 < q0 else (zero, q0)
        other, p = (three, q3) if q3 < q2 else (two, q2)
        near, q = (other, p) if p < q else (near, q)
        label[b] = near
        total += q
        n1 += one if near == one else zero
        n2 += one if near == two else zero
        n3 += one if near == three else zero
        s0 += x if near == zero else zero
        s1 += x if near == one else zero
        s2 += x if near == two else zero
        s3 += x if near == three else zero
        t0 += y if near == zero else zero
        t1 += y if near == one else zero
        t2 += y if near == two else zero
        t3 += y if near == three else zero
    counts, sums = (count_lanes(block, n_rows) - n1 - n2 - n3, n1, n2, n3), (s0, s1, s2, s3)
    others = t0, t1, t2, t3
    for k in range(centers.shape[0]):
        slab[k, 0] += counts[k]
        slab[k, 1] += sums[k]
        slab[k, 2] += others[k]
    return total
