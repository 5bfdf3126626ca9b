"""The pruned pass over superblocks of rows in the order of `Bounds`, for every density and moments kind."""

import numpy as np

from ..._numba.options import exact_task, kernel
from ..._numba.pointers import member, read_only, view
from ..._numba.width import wide_vectors
from ..blocks.limits import lowest
from ..blocks.loading import clear, load_block
from ..blocks.posterior import collect, collect_weighted, exponentiate, log_sum, row_maxima
from ..passes import is_as_wide
from ..sizes import lanes
from ..work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, ZERO, X
from .blocks import (
    forget_lengths,
    gather_rows,
    least_of,
    mark_of,
    move_lengths,
    relabel,
    take_counting,
    take_labels,
    take_near,
)
from .bounds import BOUNDS, COUNTED, EVALUATED, MOVED, SEEN
from .densities import log_density_of
from .moments import accumulate_of
from .segments import keep_near


@kernel
def sweep_pruned(density, moments, context, worker, first, end):
    """Fused E and M pass: superblocks `first` to `end` of rows in the order of the bounds, into their slabs.

    Of each block the components come first that are the most probable of one of its rows; then those whose bounds
    reach the least maximum of its rows. What has been evaluated has a new bound, and counts unless that is too low.
    """
    wide_vectors()
    x, rows, model = member(context, X), member(context, ROWS), member(context, MODEL)
    scratch, sums, bounds = member(context, SCRATCH), member(context, SUMS), member(context, BOUNDS)
    if not is_as_wide(scratch, lanes(x)) or bounds.tile.shape[1] != lanes(x):
        return WRONG_SCRATCH
    n_components = scratch.half_logs.shape[1]
    block, spare, half_logs = scratch.block[worker], scratch.spare[worker], scratch.half_logs[worker]
    maxima, row_sums = scratch.maxima[worker], scratch.row_sums[worker]
    products, index = scratch.products[worker], scratch.index[worker]
    tile, row_weights, components = bounds.tile[worker], bounds.row_weights[worker], bounds.components[worker]
    words, vectors = tile.reshape(tile.size).view(np.int64), scratch.matrices[worker, 0]
    limits, labels, shares = bounds.limits, bounds.labels, member(context, STATE).weights
    is_weighted = rows.weights.shape[0] > 0
    for s in range(first, end):
        place = s % sums.slabs.shape[0]
        slab, touched = sums.slabs[place], bounds.touched[place]
        for k in range(n_components):
            touched[k] = 0
        clear(slab[n_components : n_components + 1])
        for b in range(lanes(x)):
            products[b] = 1.0
        total = weight = 0.0
        stop = min((s + 1) * sums.rows, x.shape[0])
        for start in range(s * sums.rows, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            gather_rows(x, rows.weights, bounds.order, bounds.window, start, n_rows, tile, row_weights)
            load_block(read_only(tile), ZERO, lanes(x), model.scales, model.origin, block)
            place_of_block = start // lanes(x)
            lengths, mark = bounds.lengths[place_of_block], mark_of(words)
            if mark == bounds.marks[place_of_block]:
                move_lengths(lengths, bounds.shrink, bounds.shift)
            else:
                bounds.marks[place_of_block] = mark
                forget_lengths(lengths)
            n = take_labels(labels, start, n_rows, lengths, components)
            done, least = 0, float(lowest(half_logs))
            for turn in range(2):
                if turn == 1:
                    n = take_near(lengths, limits, least, n, components)
                    own, near = labels[start : start + n_rows], components[:n]
                    n = keep_near(density, bounds, worker, vectors, block, own, least, lengths, done, near)
                if n > done:
                    fresh, out = components[done:n], half_logs[done:n]
                    log_density_of(density, fresh, block, spare, out, done == 0)
                    row_maxima(half_logs[:n], row_sums, maxima)
                    least = least_of(maxima, row_weights)
                done = n
            slab[n_components, EVALUATED] += n
            n, n_seen = take_counting(half_logs[:n], maxima, model.constants, bounds.cuts, lengths, components)
            slab[n_components, COUNTED] += n
            slab[n_components, SEEN] += n_seen
            roots = half_logs[:n]
            slab[n_components, MOVED] += relabel(roots, maxima, components, start, n_rows, labels, index)
            exponentiate(roots, maxima, row_sums)
            if is_weighted:
                total += collect_weighted(maxima, row_sums, row_weights, ZERO, n_rows)
            else:
                total += collect(maxima, row_sums, n_rows, products)
            here = 0.0
            for b in range(n_rows):
                here += row_weights[b]
            weight += here
            for j in range(n):
                k = components[j]
                if touched[k] == 0:
                    clear(slab[k : k + 1])
                    touched[k] = 1
            accumulate_of(moments, components[:n], block, roots, row_sums, spare, index, slab, shares, here / n_rows)
        total += log_sum(products, n_components, -(-(stop - s * sums.rows) // lanes(x)))
        slab[n_components, 0] = total + model.unit[1] * weight
    return OK


@exact_task
def fold_pruned(context, worker, first, end):
    """Task: add rows `first` to `end` of those slabs that hold anything of them to the accumulator."""
    sums, touched, filled = view(context, SUMS), view(context, BOUNDS).touched, view(context, BOUNDS).filled
    accumulator, slabs = sums.accumulator, sums.slabs
    n_components = touched.shape[1]
    for s in range(filled[0], filled[1]):
        for k in range(first, end):
            if k == n_components or touched[s, k] != 0:
                for i in range(accumulator.shape[1]):
                    accumulator[k, i] += slabs[s, k, i]
    return OK
