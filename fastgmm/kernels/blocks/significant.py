"""Leave out of the statistics the rows that cannot change them.

A row whose responsibility for a component is below 2^-80 of that component's N_k so far adds less than a rounding
error to its moments: even 8192 such rows, each with a squared distance of 1000 variances, add 1e-17 of them. The
threshold is relative, so that a component far from all rows, whose responsibilities are all tiny, is not starved.

Where few of a block's lanes count they are moved together. With well separated components nearly all of a row's
responsibilities are that small, and the statistics take a small part of their time. Moving takes longer than the
statistics of few features, so it is left out below D = 12 or 16. Share of the limit with and without it: full D = 16
1.04 and 0.76, D = 8 0.59 and 0.65; at D = 8 diagonal 0.50 and 0.65, tied 0.34 and 0.65, spherical 0.42 and 0.66; at
D = 64 diagonal 0.92 and 0.65.
"""

import numpy as np

from ..._numba.options import kernel, part
from ..sizes import STEP, lanes

NEGLIGIBLE = 2.0**-80


@kernel
def count_above(values, floor):
    """Return how many of `values` (B,) exceed `floor`."""
    count = 0
    for b in range(lanes(values)):
        count += 1 if values[b] > floor else 0
    return count


@kernel
def find_above(values, floor, index):
    """Write the places of the `values` (B,) that exceed `floor` into `index` (B,), and return how many there are."""
    n = 0
    for b in range(lanes(values)):
        index[n] = b
        n += 1 if values[b] > floor else 0
    return n


@kernel
def weighted_sums(r, block, steps, mean, total, row):
    """Add sum_b r (x - mean) over 16 `steps` lanes to `row` (D,), given r (B,) and their `total`.

    The mean is subtracted from the sum: that costs no digits which the new mean, an offset from the same origin,
    could hold, and leaves registers for eight features at a time. Four that are left over are a tile, too: one by
    one rounds of D = 4 took a fifth longer (AMD Zen 4, two threads, K = 9, spherical and tied).
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
    if n_features - whole >= 4:
        d = whole
        s0 = s1 = s2 = s3 = zero
        for b in range(STEP * steps):
            s0 += r[b] * block[d, b]
            s1 += r[b] * block[d + 1, b]
            s2 += r[b] * block[d + 2, b]
            s3 += r[b] * block[d + 3, b]
        row[d] += s0
        row[d + 1] += s1
        row[d + 2] += s2
        row[d + 3] += s3
        whole += 4
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


@kernel
def weighted_sums_of_significant(r, block, floor, most, index, mean, total, row):
    """Do what `weighted_sums` does over all lanes, or over those above `floor` where these are at most `most`.

    Few are summed where they lie, not moved together as for second moments, which read them again and again: of 64
    features that took four times as long as the sums.
    """
    if most > 0 and count_above(r, floor) <= most:
        add_few(r, block, index, find_above(r, floor, index), row)
        subtract_mean(total, mean, row)
    else:
        weighted_sums(r, block, lanes(block) // STEP, mean, total, row)


@part
def add_few(r, block, index, n, row):
    """Add sum_b r x over the lanes ``index[:n]`` to `row` (D,)."""
    n_features = row.shape[0]
    whole = n_features - n_features % 8
    zero = r.dtype.type(0.0)
    for d in range(0, whole, 8):
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = zero
        for i in range(n):
            b = index[i]
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
        for i in range(n):
            s0 += r[index[i]] * block[d, index[i]]
        row[d] += s0


@kernel
def significant(block, values, floor, most, scratch, index):
    """Return rows (P, B), their values (B,) and the 16-lane steps that hold every lane with a value above `floor`.

    These are `block` and `values` themselves, or where at most `most` lanes count, copies in the P + 1 rows of
    `scratch` with these lanes moved together and zeros behind them. `index` (B,) is scratch.
    """
    if most == 0 or count_above(values, floor) > most:
        return block, values, lanes(values) // STEP
    n = find_above(values, floor, index)
    steps = -(-n // STEP)
    for d in range(block.shape[0]):
        gather(block[d], index, n, steps, scratch[d])
    gather(values, index, n, steps, scratch[block.shape[0]])
    return scratch[: block.shape[0]], scratch[block.shape[0]], steps


@kernel
def gather(values, index, n, steps, out):
    """Write ``values[index[:n]]`` and zeros up to 16 `steps` into `out` (B,)."""
    for i in range(n):
        out[i] = values[index[i]]
    for i in range(n, STEP * steps):
        out[i] = values.dtype.type(0.0)
