"""Bounds of a block whose distances are not known yet, or not any more, from where its rows lie.

Rows are in the order of their labels: those of a block that have the same are a segment, c is their mean, z = x - c
and y_k = H (c - mu_k). As in ``nearby.py``, w is no less than the norm of H and s no more than the least eigenvalue
of H^T H, so that in each row

    |H (x - mu_k)| >= |y_k| - w |z|,    |H (x - mu_k)|^2 >= |y_k|^2 + 2 H^T y_k . z + s |z|^2.

The first is of all rows at once by the largest |z|, and takes as long as the density of one row; where it does not
leave the component out, the second takes D multiply-adds of each row in single precision.
"""

import math

import numpy as np

from ..._numba.options import entry, generic, implements, part
from ..._numba.width import wide_vectors
from ..densities.diagonal import DiagonalDensity
from ..densities.full import FullDensity
from ..densities.spherical import SphericalDensity
from ..densities.whitened import WhitenedDensity
from ..sizes import STEP
from .bounds import LONGEST, ROUNDED_DOWN, SLOPE
from .nearby import LARGEST, SINGLE, TINY, least_sum, put_apart, put_slope, put_white

# Segments of a block at most: a dozen rows take as long in all components as what is saved by that.
MOST_SEGMENTS = 8


@generic
def keep_near(density, bounds, worker, vectors, block, labels, least, lengths, n_done, components):
    """Return how many of `components` (n,) are left, beyond the first `n_done`, by where the rows of a block lie.

    `labels` are those of its rows, `least` their least row maximum; `lengths` (K,) become better. `vectors` (D, D)
    is scratch.
    """


@implements(keep_near, DiagonalDensity, SphericalDensity, WhitenedDensity)
def keep_near_whatever(density, bounds, worker, vectors, block, labels, least, lengths, n_done, components):
    """Return them all: a density takes as long as such a bound."""
    return components.shape[0]


@implements(keep_near, FullDensity)
def keep_near_full(density, bounds, worker, vectors, block, labels, least, lengths, n_done, components):
    """See above."""
    n = components.shape[0]
    if bounds.widths.shape[0] == 0 or n == n_done or segments_of(labels) > MOST_SEGMENTS:
        return n
    found = bounds.found[worker]
    for j in range(n_done, n):
        found[components[j]] = LONGEST
    start = 0
    while start < labels.shape[0]:
        end = end_of(labels, start)
        bound_segment(density, bounds, worker, vectors, block, start, end, least, found, components[n_done:])
        start = end
    kept = n_done
    for j in range(n_done, n):
        k = components[j]
        length = min(found[k] * ROUNDED_DOWN, LONGEST)
        lengths[k] = length if length > lengths[k] else lengths[k]
        components[kept] = k
        kept += 1 if not SLOPE * length * length >= bounds.limits[k] - 2.0 * least else 0
    return kept


@part
def end_of(labels, start):
    """Return where the segment of `labels` (n,) that begins at `start` ends."""
    end = start + 1
    while end < labels.shape[0] and labels[end] == labels[start]:
        end += 1
    return end


@part
def segments_of(labels):
    """Return how many segments `labels` (n,) are of."""
    n = 1
    for b in range(1, labels.shape[0]):
        n += 1 if labels[b] != labels[b - 1] else 0
    return n


@entry
def bound_segment(density, bounds, worker, vectors, block, start, end, least, found, components):
    """Let what is `found` (K,) of `components` hold for rows `start` to `end` of a block, too."""
    wide_vectors()
    factors, offsets, single, slope = density.factors, density.offsets, bounds.single[worker], bounds.slopes[worker]
    center, white = vectors[0], vectors[1]
    size, n_rows = center.shape[0], end - start
    n_lanes = -(-n_rows // STEP) * STEP
    square = put_apart(block, start, n_rows, n_lanes, center, single)
    rounding = (size + 8) * SINGLE
    radius = math.sqrt(square) * (1.0 + rounding) + size * TINY
    epsilon = size * (1e-6 if block.itemsize == 4 else 2e-15)
    norm = 0.0
    for d in range(size):
        norm += center[d] * center[d]
    # Of rows less the origin, and what the sum of D numbers may be beyond its own length.
    longest = math.sqrt(float(size)) * (math.sqrt(norm) + radius)
    for j in range(components.shape[0]):
        k = components[j]
        width = bounds.widths[k]
        length = put_white(factors[k], offsets[k], center, white)
        limit = bounds.limits[k] - 2.0 * least
        is_inside = not SLOPE * length > limit
        square_length = length
        length = math.sqrt(length)
        off = epsilon * (bounds.sizes[k] + width * longest)
        closest = length - width * radius - off
        # What is not a number bounds nothing.
        closest = closest if closest > 0.0 else 0.0
        far = length + width * radius
        if not SLOPE * closest * closest > limit and not is_inside and far < LARGEST and width < LARGEST:
            put_slope(factors[k], white, slope)
            curve = bounds.least[k]
            error = 4.0 * off * (far + off) + rounding * (2.0 * length * width * radius + curve * square)
            bound = square_length + least_sum(slope, np.float32(curve), n_lanes, single) - error
            if bound > closest * closest:
                closest = math.sqrt(bound)
        found[k] = min(found[k], closest)
