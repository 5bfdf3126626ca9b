"""The pass of two components of one feature, which is what many small fits are of: a block is two loops.

``passes.py`` makes a dozen loops of a block, which hand each other arrays, and computes all of its lanes. Problems of
200 x 1 in `fit_many` take an eighth less in one loop (AMD Zen 4), and 3 % less than that in two, because a division
at the end of one waits for all of it, and the processor holds too few rows to go on with meanwhile.
"""

import math

import numpy as np

from .._numba.options import kernel
from .._numba.pointers import member
from .._numba.width import wide_vectors
from .blocks.limits import cut_off, lowest
from .blocks.loading import clear, clear_lanes, load_line
from .blocks.posterior import LARGE
from .primitives.exp import exp_or_zero
from .sizes import STEP, lanes
from .slots import GIVEN, REPEATED, RUNNING, STATUS
from .work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, X


@kernel
def are_two(context):
    """Whether a pass of one feature is of two components, and its rows are not weighted."""
    return member(context, ROWS).weights.shape[0] == 0 and member(context, MODEL).means.shape[0] == 2


@kernel
def sweep_two(density, moments, context, worker, first, end):
    """Do what ``passes.sweep`` does, where `are_two`."""
    wide_vectors()
    x, rows, model = member(context, X), member(context, ROWS), member(context, MODEL)
    scratch, sums = member(context, SCRATCH), member(context, SUMS)
    counts = member(context, STATE).counts
    is_given = counts[GIVEN] > 0
    are_wanted = is_given or counts[STATUS] == RUNNING or counts[REPEATED] != 0
    most = x.dtype.type(1.0) if is_given else x.dtype.type(2.0)
    if scratch.block.shape[2] != lanes(x) or scratch.half_logs.shape[2] != lanes(x):
        return WRONG_SCRATCH
    block, shares = scratch.block[worker], scratch.half_logs[worker]
    for s in range(first, end):
        slab = sums.slabs[s % sums.slabs.shape[0]]
        clear(slab)
        total, product = 0.0, 1.0
        begin, stop = s * sums.rows, min((s + 1) * sums.rows, x.shape[0])
        for start in range(begin, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            load_line(x, start, n_rows, model.scales, model.origin, block)
            if is_given:
                load_shares(rows, start, n_rows, shares)
            else:
                height, block_product = weigh_two(density, block, n_rows, shares)
                total += 2.0 * height
                product *= block_product
            if are_wanted:
                add_two(moments, block, n_rows, shares, most, slab)
            if product > LARGE:
                total += math.log(product)
                product = 1.0
        slab[2, 0] = total + math.log(product) + model.unit[1] * np.float64(stop - begin)
    return OK


@kernel
def load_shares(rows, start, n_rows, shares):
    """Let `shares` (2, B) be what is given of ``rows[start : start + n_rows]``: responsibilities, or labels."""
    zero, one = shares.dtype.type(0.0), shares.dtype.type(1.0)
    first, second = shares[0], shares[1]
    if rows.responsibilities.shape[0] > 0:
        given = rows.responsibilities[start : start + n_rows]
        for b in range(n_rows):
            first[b] = given[b, 0]
            second[b] = given[b, 1]
    else:
        labels = rows.labels[start : start + n_rows]
        for b in range(n_rows):
            first[b] = one if labels[b] == 0 else zero
            second[b] = zero if labels[b] == 0 else one
    clear_lanes(n_rows, shares[:, : STEP * -(-n_rows // STEP)])


@kernel
def weigh_two(density, block, n_rows, shares):
    """Write exp(l - m) of both components and each lane into `shares` (2, B); return the sum of m / 2, and all s.

    A row takes one exponential: that of the component that leads is 1. So s, the sum of a row, lies in [1, 2], and
    the product of those of a block stays below 2^512: see ``blocks/posterior.py``. Lanes beyond the last row have no
    shares, nor do rows whose densities are both 0; m / 2 of these is -inf.
    """
    least, last = lowest(block), cut_off(block)
    zero, one = block.dtype.type(0.0), block.dtype.type(1.0)
    a, other_a = density.factors[0, 0, 0], density.factors[1, 0, 0]
    offset, other_offset = density.offsets[0, 0], density.offsets[1, 0]
    constant, other_constant = density.constants[0], density.constants[1]
    height, product = 0.0, 1.0
    for b in range(STEP * -(-n_rows // STEP)):
        x = block[0, b]
        y, other_y = offset + a * x, other_offset + other_a * x
        half_log, other_half_log = constant - y * y, other_constant - other_y * other_y
        largest = max(max(least, half_log), other_half_log)
        ahead = half_log - other_half_log
        root = exp_or_zero(-abs(ahead), last)
        rest = root * root
        is_row, is_near = b < n_rows, largest > least
        height += (np.float64(largest) if is_near else -math.inf) if is_row else 0.0
        product *= np.float64(one + rest) if is_row else 1.0
        counts, leads = is_row and is_near, ahead >= zero
        shares[0, b] = (one if leads else rest) if counts else zero
        shares[1, b] = (rest if leads else one) if counts else zero
    return height, product


@kernel
def add_two(moments, block, n_rows, shares, most, slab):
    """Add the moments of a block to `slab`: r are the `shares` of a row, divided by their sum unless `most` is 1."""
    zero, one = block.dtype.type(0.0), block.dtype.type(1.0)
    mean, other_mean = moments.means[0, 0], moments.means[1, 0]
    n = first = second = other_n = other_first = other_second = zero
    for b in range(STEP * -(-n_rows // STEP)):
        x, share, other_share = block[0, b], shares[0, b], shares[1, b]
        scale = one / min(most, max(one, share + other_share))
        r, other_r = share * scale, other_share * scale
        z, other_z = x - mean, x - other_mean
        w, other_w = r * z, other_r * other_z
        n += r
        first += w
        second += w * z
        other_n += other_r
        other_first += other_w
        other_second += other_w * other_z
    slab[0, 0] += n
    slab[0, 1] += first
    slab[0, 3] += second
    slab[1, 0] += other_n
    slab[1, 1] += other_first
    slab[1, 3] += other_second
