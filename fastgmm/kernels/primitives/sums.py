"""First moments over the rows of a block, eight features at a time, for structures whose second need no tiles."""

import numpy as np

from ..._numba.options import kernel
from ..sizes import STEP


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
    subtract_mean(total, mean, row)


@kernel
def subtract_mean(total, mean, row):
    """Make `row` (D,) of sum_b r x sum_b r (x - mean), given the `total` of r."""
    for d in range(row.shape[0]):
        row[d] -= total * np.float64(mean[d])
