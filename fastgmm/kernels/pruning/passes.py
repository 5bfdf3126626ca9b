"""The pruned pass over superblocks of rows in the order of `Bounds`, for every density and moments kind."""

import math

from ..._numba.options import exact_task, kernel, part
from ..._numba.pointers import member, read_only, view
from ..._numba.width import wide_vectors
from ..blocks.limits import lowest
from ..blocks.loading import load_block
from ..blocks.posterior import collect, collect_weighted, exponentiate, log_sum, row_maxima
from ..densities.kinds import log_density_of
from ..moments.kinds import accumulate_of
from ..passes import is_as_wide
from ..sizes import lanes
from ..slots import FILLED
from ..work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, ZERO, X
from .bounds import BOUNDS, COUNTED, EVALUATED, LONGEST, MOVED, ROUNDED_DOWN, SEEN, SLOPE


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
    limits, labels, shares = bounds.limits, bounds.labels, member(context, STATE).weights
    is_weighted = rows.weights.shape[0] > 0
    for s in range(first, end):
        place = s % sums.slabs.shape[0]
        slab, touched = sums.slabs[place], bounds.touched[place]
        for k in range(n_components):
            touched[k] = 0
        clear_row(slab, n_components)
        for b in range(lanes(x)):
            products[b] = 1.0
        total = weight = 0.0
        stop = min((s + 1) * sums.rows, x.shape[0])
        for start in range(s * sums.rows, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            gather_rows(x, rows.weights, bounds.order, start, n_rows, tile, row_weights)
            load_block(read_only(tile), ZERO, lanes(x), model.scales, model.origin, block)
            lengths = bounds.lengths[start // lanes(x)]
            move_lengths(lengths, bounds.shrink, bounds.shift)
            n = take_labels(labels, start, n_rows, lengths, components)
            done, least = 0, float(lowest(half_logs))
            for turn in range(2):
                if turn == 1:
                    n = take_near(lengths, limits, least, n, components)
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
                    clear_row(slab, k)
                    touched[k] = 1
            accumulate_of(moments, components[:n], block, roots, row_sums, spare, index, slab, shares, here / n_rows)
        slab[n_components, 0] = total + log_sum(products) + model.unit[1] * weight
    return OK


@part
def clear_row(slab, k):
    """Set what a slab holds of one component to 0."""
    for i in range(slab.shape[1]):
        slab[k, i] = 0.0


@part
def gather_rows(x, weights, order, start, n_rows, tile, row_weights):
    """Copy rows ``order[start:start + n_rows]`` and their weights, 1 without any; other lanes repeat the last row.

    So every lane bears on bounds as a row does. A repeated row has no weight.
    """
    for b in range(tile.shape[0]):
        i = order[start + min(b, n_rows - 1)]
        for d in range(x.shape[1]):
            tile[b, d] = x[i, d]
        row_weights[b] = weights[i] if weights.shape[0] > 0 else 1.0
        if b >= n_rows:
            row_weights[b] = 0.0


@kernel
def move_lengths(lengths, shrink, shift):
    """Turn bounds (K,) under the model before into those under this one."""
    zero = lengths.dtype.type(0.0)
    for k in range(lengths.shape[0]):
        lengths[k] = max(shrink[k] * lengths[k] - shift[k], zero)


@part
def take_labels(labels, start, n_rows, lengths, components):
    """List the labels of rows from `start` on in `components`; return how many they are; their bounds become -1."""
    n = 0
    for b in range(start, start + n_rows):
        k = labels[b]
        if k >= 0 and lengths[k] >= 0.0:
            lengths[k] = -1.0
            components[n] = k
            n += 1
    return n


@part
def take_near(lengths, limits, least, n, components):
    """List behind `n` components those whose bounds do not exclude them; return how many there are then."""
    for k in range(lengths.shape[0]):
        length = float(lengths[k])
        components[n] = k
        n += 1 if length >= 0.0 and SLOPE * length * length < limits[k] - 2.0 * least else 0
    return n


@kernel
def least_of(maxima, row_weights):
    """Return the least of `maxima` (B,) among rows with weight; of all if none has any."""
    high = maxima.dtype.type(math.inf)
    least = lightest = high
    for b in range(lanes(maxima)):
        value = maxima[b]
        lightest = min(lightest, value)
        least = min(least, value if row_weights[b] > 0.0 else high)
    return float(least if least < high else lightest)


@kernel
def take_counting(half_logs, maxima, constants, cuts, lengths, components):
    """Move together those of n components, (n, B) and in `components`, that count, and bound all of them anew.

    Returns how many count, and in how many rows.
    """
    kept = n_seen = 0
    for j in range(half_logs.shape[0]):
        k = components[j]
        values = half_logs[j]
        high = lowest(half_logs)
        cut = half_logs.dtype.type(cuts[k])
        seen = 0
        for b in range(lanes(half_logs)):
            high = max(high, values[b])
            seen += 1 if values[b] - maxima[b] > cut else 0
        square = float(constants[k]) - float(high)
        lengths[k] = min(math.sqrt(square) * ROUNDED_DOWN, LONGEST) if square > 0.0 else 0.0
        n_seen += seen
        if seen > 0:
            if kept < j:
                target = half_logs[kept]
                for b in range(lanes(half_logs)):
                    target[b] = values[b]
                components[kept] = k
            kept += 1
    return kept, n_seen


@kernel
def relabel(half_logs, maxima, components, start, n_rows, labels, index):
    """Write the first component that attains the maximum, of n (n, B), into `labels`; return how many changed."""
    for b in range(lanes(half_logs)):
        index[b] = 0
    for j in range(half_logs.shape[0] - 1, -1, -1):
        values = half_logs[j]
        for b in range(lanes(half_logs)):
            index[b] = j if values[b] == maxima[b] else index[b]
    moved = 0
    for b in range(n_rows):
        k = components[index[b]]
        moved += 1 if labels[start + b] != k else 0
        labels[start + b] = k
    return moved


@exact_task
def fold_pruned(context, worker, first, end):
    """Task: add rows `first` to `end` of those slabs that hold anything of them to the accumulator."""
    sums, touched = view(context, SUMS), view(context, BOUNDS).touched
    accumulator, slabs = sums.accumulator, sums.slabs
    n_components = touched.shape[1]
    for s in range(view(context, STATE).counts[FILLED]):
        for k in range(first, end):
            if k == n_components or touched[s, k] != 0:
                for i in range(accumulator.shape[1]):
                    accumulator[k, i] += slabs[s, k, i]
    return OK
