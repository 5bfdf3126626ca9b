"""Labels of rows in blocks of one guess each: the components that may be more probable than that in some row."""

import math

import numpy as np

from ..._numba.options import entry, kernel, part, task
from ..._numba.pointers import member, read_only, view
from ..._numba.width import wide_vectors
from ..blocks.loading import load_block
from ..blocks.outputs import store_first
from ..blocks.posterior import row_maxima
from ..densities.full import FullDensity
from ..k_means.near import gather
from ..sizes import lanes
from ..work import FAR_ROWS, MODEL, OK, ROWS, SCRATCH, WRONG_SCRATCH, ZERO, X
from .densities import log_density_of
from .guess import FIRST
from .nearby import LARGEST, NEARBY, SINGLE, TINY, put_slope, put_white


@kernel
def set_slopes(density, mean, white, slopes, lengths):
    """Write g and |y_k| of all components at the `mean` (D,) of one; `white` (D,) float64 is scratch."""
    for k in range(lengths.shape[0]):
        lengths[k] = math.sqrt(put_white(density.factors[k], density.offsets[k], mean, white))
        put_slope(density.factors[k], white, slopes[k])


@entry
def largest(values, block, spare):
    """Return the largest of `values` (B,); `spare` (2, B) is scratch. By halves, as in ``k_means/nearest.py``.

    Not put in line, for the time of the compiler.
    """
    wide_vectors()
    size = lanes(block) // 2
    one, other = spare[0], spare[1]
    for b in range(size):
        one[b] = max(values[b], values[size + b])
    while size > 16:
        size //= 2
        for b in range(size):
            other[b] = max(one[b], one[size + b])
        one, other = other, one
    found = one[0]
    for b in range(1, size):
        found = max(found, one[b])
    return float(found)


@kernel
def largest_sum(slope, least, block, single):
    """Return the largest of ``-slope . z - least |z|^2 - gap`` of the lanes, which `single` holds."""
    out, squares, gaps, z = single[0], single[4], single[5], single[FIRST:]
    for b in range(lanes(block)):
        out[b] = -(least * squares[b]) - gaps[b]
    for d in range(0, z.shape[0], 4):
        s0, s1, s2, s3 = slope[d], slope[d + 1], slope[d + 2], slope[d + 3]
        for b in range(lanes(block)):
            out[b] -= (s0 * z[d, b] + s1 * z[d + 1, b]) + (s2 * z[d + 2, b] + s3 * z[d + 3, b])
    return largest(out, block, single[6:8])


@part
def list_all(n_components, owner, components):
    """List all components behind the first of `components`, the `owner`; return how many there are."""
    n = 1
    for k in range(n_components):
        components[n if k != owner else 0] = k
        n += 1 if k != owner else 0
    return n


@kernel
def list_nearby(density, nearby, owner, mean, block, maxima, single, slopes, lengths, components):
    """List behind `owner` the components that may be as probable as it is in some row; return how many there are.

    `maxima` (B,) are the half log joint densities of the owner.
    """
    n_components, size, constants = lengths.shape[0], nearby.tile.shape[2], density.constants
    squares, gaps = single[4], single[5]
    for b in range(lanes(block)):
        squares[b] = np.float32(0.0)
        gaps[b] = -maxima[b]
    least = -largest(gaps, block, single[6:8])
    for b in range(lanes(block)):
        gaps[b] = maxima[b] - least
    for d in range(size):
        m = mean[d]
        z = single[FIRST + d]
        for b in range(lanes(block)):
            value = np.float32(block[d, b] - m)
            z[b] = value
            squares[b] += value * value
    square, span = largest(squares, block, single[6:8]), largest(gaps, block, single[6:8])
    if not (square < LARGEST * LARGEST and abs(least) < LARGEST and span < LARGEST):
        return list_all(n_components, owner, components)
    # The least is one in single precision; what is tiny is 0 there, or its square is.
    rounding, rest = (size + 8) * SINGLE, SINGLE * abs(least) + TINY
    radius = math.sqrt(square) * (1.0 + rounding) + size * TINY
    epsilon = size * (1e-6 if block.itemsize == 4 else 2e-15)
    norm = 0.0
    for d in range(size):
        norm += float(mean[d]) * float(mean[d])
    # Of rows less the origin, and what the sum of D numbers may be beyond its own length.
    longest = math.sqrt(float(size)) * (math.sqrt(norm) + radius)
    n = 1
    for k in range(n_components):
        length, constant, width = lengths[k], float(constants[k]), nearby.widths[k]
        far = length + width * radius
        closest = max(length - width * radius, 0.0)
        off = epsilon * (nearby.sizes[k] + width * longest)
        error = rest + 4.0 * off * (far + off) + (epsilon * abs(constant) if constant > -math.inf else 0.0)
        # What is not a number is listed.
        near = not constant - closest * closest + error < least
        if near and k != owner:
            if far < LARGEST and width < LARGEST:
                curve = nearby.least[k]
                error += rounding * (2.0 * length * width * radius + curve * square + span)
                top = largest_sum(slopes[k], np.float32(curve), block, single)
                near = not top + (constant - length * length + error - least) < 0.0
            if near:
                components[n] = k
                n += 1
    return n


@task
def label_full(context, worker, first, end):
    """Task: write the labels of rows of blocks `first` to `end`, of which each has an owner; `FullDensity`."""
    wide_vectors()
    x, model, scratch = member(context, X), member(context, MODEL), member(context, SCRATCH)
    nearby = member(context, NEARBY)
    block, spare, half_logs = scratch.block[worker], scratch.spare[worker], scratch.half_logs[worker]
    maxima, row_sums, index = scratch.maxima[worker], scratch.row_sums[worker], scratch.index[worker]
    tile, single, components = nearby.tile[worker], nearby.single[worker], nearby.components[worker]
    slopes, lengths, white = nearby.slopes[worker], nearby.lengths[worker], scratch.matrices[worker]
    if (
        block.shape[1] != lanes(x)
        or spare.shape[1] != lanes(x)
        or half_logs.shape[1] != lanes(x)
        or tile.shape[0] != lanes(x)
        or single.shape[1] != lanes(x)
    ):
        return WRONG_SCRATCH
    density = FullDensity(model.factors, model.offsets, model.constants)
    labels, order = view(context, ROWS).labels, nearby.order
    owner, n_far = np.int64(-1), 0
    for j in range(first, end):
        start, n_rows = nearby.places[j], nearby.ends[j] - nearby.places[j]
        mean = model.means[nearby.owners[j]]
        if nearby.owners[j] != owner:
            owner = nearby.owners[j]
            set_slopes(density, mean[: x.shape[1]], white[0, 0], slopes, lengths)
        gather(x, order, start, n_rows, tile)
        load_block(read_only(tile), ZERO, lanes(x), model.scales, model.origin, block)
        components[0] = owner
        n = 1
        for turn in range(2):
            done = n - 1 if turn == 0 else 1
            if turn == 1:
                n = list_nearby(density, nearby, owner, mean, block, maxima, single, slopes, lengths, components)
            if n > done:
                log_density_of(density, components[done:n], block, spare, half_logs[done:n], turn == 0)
                row_maxima(half_logs[:n], row_sums, maxima)
        n_far += store_first(half_logs[:n], n_rows, maxima, components, index, labels, order[start:])
        nearby.counts[j] = n
    return OK if n_far == 0 else FAR_ROWS


# By the names of densities: what finds their labels; others are not pruned.
LABELS = {"full": label_full}
