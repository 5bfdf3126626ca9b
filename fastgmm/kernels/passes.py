"""The two passes over the rows of superblocks, for every density and moments kind: one for EM, one for inference.

Buffers are the launch's. What a block is as wide as must be told: LLVM then knows how far its rows are apart, that
they do not overlap, and fills SIMD lanes; without the test at the top of a pass rounds took two to eight times as
long. In return buffers that are not allocated anew keep their pages: D = 32 to 128 went up to a third faster.

x may have any strides; it is read-only, so that a dtype has three compiled signatures: rows in C order, in Fortran
order, and any others.
"""

import numpy as np

from .._numba.options import kernel, part
from .._numba.pointers import member
from .._numba.width import wide_vectors
from .blocks.ahead import rows_ahead
from .blocks.few import MOST, exponentiate_few
from .blocks.given import load_memberships
from .blocks.limits import lowest
from .blocks.loading import clear, load_block
from .blocks.outputs import store_labels, store_log_density, store_responsibilities
from .blocks.posterior import (
    collect,
    collect_weighted,
    exponentiate,
    log_sum,
    row_maxima,
)
from .densities.kinds import is_spherical, log_density
from .moments.kinds import accumulate
from .sizes import lanes
from .slots import GIVEN, REPEATED, RUNNING, STATUS
from .work import FAR_ROWS, MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, X


@kernel
def is_as_wide(scratch, size):
    """Whether the buffers hold `size` lanes."""
    return (
        scratch.block.shape[2] == size
        and scratch.spare.shape[2] == size
        and scratch.half_logs.shape[2] == size
        and scratch.maxima.shape[1] == size
        and scratch.row_sums.shape[1] == size
        and scratch.products.shape[1] == size
        and scratch.index.shape[1] == size
    )


@kernel
def sweep(density, moments, context, worker, first, end):
    """Fused E and M pass: superblocks `first` to `end` of `x` (N, D) into their slabs, which are overwritten.

    While responsibilities or labels are given (``counts[GIVEN]``), these are taken and the E step is left out; once
    the run has ended (``counts[STATUS]``), its log-likelihood is all that is wanted, but for what is ``REPEATED`` of
    its last round. Where there are ``rows.weights``, each row counts as often as that says.
    """
    wide_vectors()
    x, rows, model = member(context, X), member(context, ROWS), member(context, MODEL)
    scratch, sums = member(context, SCRATCH), member(context, SUMS)
    if not is_as_wide(scratch, lanes(x)):
        return WRONG_SCRATCH
    n_components = scratch.half_logs.shape[1]
    block, spare, half_logs = scratch.block[worker], scratch.spare[worker], scratch.half_logs[worker]
    maxima, row_sums = scratch.maxima[worker], scratch.row_sums[worker]
    products, index = scratch.products[worker], scratch.index[worker]
    weights = rows.weights
    counts = member(context, STATE).counts
    is_given = counts[GIVEN] > 0
    for s in range(first, end):
        slab = sums.slabs[s % sums.slabs.shape[0]]
        clear(slab)
        for b in range(lanes(x)):
            products[b] = 1.0
        total = 0.0
        begin, stop = s * sums.rows, min((s + 1) * sums.rows, x.shape[0])
        for start in range(begin, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            load_block(x, start, n_rows, model.scales, model.origin, block)
            ahead = rows_ahead(x, start + lanes(x), 2 * n_components)
            # The moments of a fused pair read what its density leaves in `spare`.
            if not is_given or is_spherical(model):
                log_density(density, block, spare, half_logs, ahead)
            if is_given:
                load_memberships(rows, start, n_rows, half_logs, row_sums)
            else:
                if 2 <= n_components <= MOST:
                    exponentiate_few(half_logs, maxima, row_sums)
                else:
                    row_maxima(half_logs, row_sums, maxima)
                    exponentiate(half_logs, maxima, row_sums)
                if weights.shape[0] > 0:
                    total += collect_weighted(maxima, row_sums, weights, start, n_rows)
                else:
                    total += collect(maxima, row_sums, n_rows, products)
            if is_given or counts[STATUS] == RUNNING or counts[REPEATED] != 0:
                accumulate(moments, block, half_logs, row_sums, spare, index, slab, ahead)
        total += log_sum(products, n_components, -(-(stop - begin) // lanes(x)))
        slab[n_components, 0] = total + model.unit[1] * counted(begin, stop, weights)
    return OK


@part
def counted(begin, stop, weights):
    """Return the number of rows `begin` to `stop`, or the sum of their `weights` if there are any."""
    if weights.shape[0] == 0:
        return np.float64(stop - begin)
    total = 0.0
    for i in range(begin, stop):
        total += weights[i]
    return total


@kernel
def evaluate(density, context, worker, first, end):
    """Write what is wanted of each row of superblocks `first` to `end`: arrays of length 0 are not."""
    wide_vectors()
    x, rows, model = member(context, X), member(context, ROWS), member(context, MODEL)
    scratch, sums = member(context, SCRATCH), member(context, SUMS)
    if not is_as_wide(scratch, lanes(x)):
        return WRONG_SCRATCH
    block, spare, half_logs = scratch.block[worker], scratch.spare[worker], scratch.half_logs[worker]
    maxima, row_sums = scratch.maxima[worker], scratch.row_sums[worker]
    labels, responsibilities, log_densities = rows.labels, rows.responsibilities, rows.values
    least = lowest(half_logs)
    n_far = 0
    for s in range(first, end):
        begin, stop = s * sums.rows, min((s + 1) * sums.rows, x.shape[0])
        for start in range(begin, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            load_block(x, start, n_rows, model.scales, model.origin, block)
            log_density(density, block, spare, half_logs, rows_ahead(x, start + lanes(x), half_logs.shape[0]))
            row_maxima(half_logs, row_sums, maxima)
            for b in range(n_rows):
                n_far += 0 if maxima[b] > least else 1
            if labels.shape[0] > 0:
                store_labels(half_logs, n_rows, maxima, labels[start:])
            if log_densities.shape[0] + responsibilities.shape[0] > 0:
                exponentiate(half_logs, maxima, row_sums)
            if log_densities.shape[0] > 0:
                store_log_density(n_rows, maxima, row_sums, model.unit[1], log_densities[start:])
            if responsibilities.shape[0] > 0:
                store_responsibilities(half_logs, n_rows, row_sums, responsibilities[start:])
    return OK if n_far == 0 else FAR_ROWS
