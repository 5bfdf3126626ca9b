"""The pass of two components of one feature, which is what many small fits are of: a block is one loop.

``passes.py`` makes a dozen loops of a block, which hand each other arrays, and computes all of its lanes. Problems of
200 x 1 in `fit_many` took 11.3 microseconds on one AMD Zen 4 core so, and 9.9 in one loop.
"""

import math

import numpy as np

from .._numba.options import kernel
from .._numba.pointers import member
from .._numba.width import wide_vectors
from .blocks.limits import cut_off, lowest
from .blocks.loading import clear, load_line
from .blocks.posterior import LARGE
from .passes import is_as_wide
from .primitives.exp import exp_or_zero
from .sizes import STEP, lanes
from .slots import GIVEN
from .work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, X


@kernel
def are_two(context):
    """Whether a pass of one feature is of two components, and its rows are not weighted and not given."""
    are_plain = member(context, ROWS).weights.shape[0] == 0 and member(context, STATE).counts[GIVEN] == 0
    return are_plain and member(context, MODEL).means.shape[0] == 2


@kernel
def sweep_two(density, moments, context, worker, first, end):
    """Do what ``passes.sweep`` does, where `are_two`."""
    wide_vectors()
    x, model = member(context, X), member(context, MODEL)
    scratch, sums = member(context, SCRATCH), member(context, SUMS)
    if not is_as_wide(scratch, lanes(x)):
        return WRONG_SCRATCH
    least = lowest(x)
    block, maxima, row_sums = scratch.block[worker], scratch.maxima[worker], scratch.row_sums[worker]
    for s in range(first, end):
        slab = sums.slabs[s % sums.slabs.shape[0]]
        clear(slab)
        total, product = 0.0, 1.0
        begin, stop = s * sums.rows, min((s + 1) * sums.rows, x.shape[0])
        for start in range(begin, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            load_line(x, start, n_rows, model.scales, model.origin, block)
            add_two(density, moments, block, n_rows, maxima, row_sums, slab)
            # s lies in [1, 2], so that the product of a block stays below 2^512: see ``blocks/posterior.py``.
            height, block_product = 0.0, 1.0
            for b in range(n_rows):
                height += np.float64(maxima[b]) if maxima[b] > least else -math.inf
                block_product *= np.float64(row_sums[b])
            total += 2.0 * height
            product *= block_product
            if product > LARGE:
                total += math.log(product)
                product = 1.0
        slab[2, 0] = total + math.log(product) + model.unit[1] * np.float64(stop - begin)
    return OK


@kernel
def add_two(density, moments, block, n_rows, maxima, row_sums, slab):
    """Add the moments of a block to `slab`; m / 2 and s of each row go into `maxima` and `row_sums` (B,).

    A row takes one exponential: that of the component that leads is 1. Lanes beyond the last row add nothing, nor do
    rows whose densities are both 0, of which m / 2 is the lowest number there is.
    """
    least, last = lowest(block), cut_off(block)
    zero, one = block.dtype.type(0.0), block.dtype.type(1.0)
    a, other_a = density.factors[0, 0, 0], density.factors[1, 0, 0]
    offset, other_offset = density.offsets[0, 0], density.offsets[1, 0]
    constant, other_constant = density.constants[0], density.constants[1]
    mean, other_mean = moments.means[0, 0], moments.means[1, 0]
    n = first = second = other_n = other_first = other_second = zero
    for b in range(STEP * -(-n_rows // STEP)):
        x = block[0, b]
        y, other_y = offset + a * x, other_offset + other_a * x
        half_log, other_half_log = constant - y * y, other_constant - other_y * other_y
        largest = max(max(least, half_log), other_half_log)
        leads = half_log >= largest
        root = exp_or_zero((other_half_log if leads else half_log) - largest, last)
        rest = root * root
        row_sum = one + rest
        top = (one if b < n_rows and largest > least else zero) / row_sum
        rest *= top
        r, other_r = top if leads else rest, rest if leads else top
        z, other_z = x - mean, x - other_mean
        w, other_w = r * z, other_r * other_z
        maxima[b] = largest
        row_sums[b] = row_sum
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
