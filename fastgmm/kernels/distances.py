"""Squared Euclidean distances and first moments over the rows of a block, four features at a time.

Shared by ``spherical.py``, ``tied.py`` and ``kmeans.py``. Always by differences: |x|^2 - 2 x c + |c|^2 would be a
matrix product, but it cancels where the centres are far from each other.
"""

import numpy as np

from .._jit import kernel
from .blocks import STEP, lanes


@kernel
def squared_distances(block, center, n_features, out):
    """Write |x - center|^2 over the first `n_features` rows of `block` (P, B) into `out` (B,)."""
    rest = n_features % 4
    m0, m1, m2 = center[0], center[min(1, n_features - 1)], center[min(2, n_features - 1)]
    if rest == 1:
        for b in range(lanes(block)):
            z0 = block[0, b] - m0
            out[b] = z0 * z0
    elif rest == 2:
        for b in range(lanes(block)):
            z0, z1 = block[0, b] - m0, block[1, b] - m1
            out[b] = z0 * z0 + z1 * z1
    elif rest == 3:
        for b in range(lanes(block)):
            z0, z1, z2 = block[0, b] - m0, block[1, b] - m1, block[2, b] - m2
            out[b] = z0 * z0 + z1 * z1 + z2 * z2
    for d in range(rest, n_features, 4):
        m0, m1, m2, m3 = center[d], center[d + 1], center[d + 2], center[d + 3]
        if d == 0:
            for b in range(lanes(block)):
                z0, z1, z2, z3 = block[d, b] - m0, block[d + 1, b] - m1, block[d + 2, b] - m2, block[d + 3, b] - m3
                out[b] = (z0 * z0 + z1 * z1) + (z2 * z2 + z3 * z3)
        else:
            for b in range(lanes(block)):
                z0, z1, z2, z3 = block[d, b] - m0, block[d + 1, b] - m1, block[d + 2, b] - m2, block[d + 3, b] - m3
                out[b] += (z0 * z0 + z1 * z1) + (z2 * z2 + z3 * z3)


@kernel
def weighted_sums(r, block, steps, mean, total, row):
    """Add sum_b r (x - mean) over 16 `steps` lanes to `row` (D,), given r (B,) and their `total`.

    The mean is subtracted from the sum: that costs no digits which the new mean, an offset from the same origin,
    could hold, and leaves registers for eight features at a time.
    """
    n_features = row.shape[0]
    zero = block.dtype.type(0.0)
    whole = n_features - n_features % 8
    for d in range(0, whole, 8):
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = zero
        for b in range(STEP * steps):
            s0 += r[b] * block[d, b]
            s1 += r[b] * block[d + 1, b]
            s2 += r[b] * block[d + 2, b]
            s3 += r[b] * block[d + 3, b]
            s4 += r[b] * block[d + 4, b]
            s5 += r[b] * block[d + 5, b]
            s6 += r[b] * block[d + 6, b]
            s7 += r[b] * block[d + 7, b]
        row[d] += s0
        row[d + 1] += s1
        row[d + 2] += s2
        row[d + 3] += s3
        row[d + 4] += s4
        row[d + 5] += s5
        row[d + 6] += s6
        row[d + 7] += s7
    for d in range(whole, n_features):
        s0 = zero
        for b in range(STEP * steps):
            s0 += r[b] * block[d, b]
        row[d] += s0
    for d in range(n_features):
        row[d] -= total * np.float64(mean[d])
