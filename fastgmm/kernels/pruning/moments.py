"""Moments of some of the components, for every kind of moments."""

import math

from ..._numba.options import generic, implements, kernel
from ..._numba.width import tile_vectors
from ..blocks.posterior import responsibilities, scale_roots, take_roots
from ..blocks.significant import NEGLIGIBLE, significant, weighted_sums_of_significant
from ..moments.diagonal import DiagonalMoments, weighted_moments
from ..moments.full import FullMoments
from ..moments.pooled import FirstMoments
from ..moments.spherical import ApartMoments, take_squares
from ..primitives.weighted import weighted_products
from ..sizes import lanes
from .bounds import UNSEEN
from .densities import squared_distances_of


@generic
def accumulate_of(moments, components, block, roots, scales, spare, index, slab, shares, weight):
    """Do what `accumulate` does for some `components` (n,), by `roots` (n, B).

    Components have `shares` (K,) of the rows, which have on average such a `weight` in this block.
    """


@kernel
def unseen(share, weight, total):
    """Return what responsibilities of a component with a `share` of the rows must exceed to count.

    Given the average `weight` of a row of the block, and N_k so far, `total`: that says little in a superblock of few
    rows of the component.
    """
    return max(UNSEEN * share * weight, NEGLIGIBLE * total)


@implements(accumulate_of, FullMoments)
def accumulate_full_of(moments, components, block, roots, scales, spare, index, slab, shares, weight):
    """See above."""
    tile_vectors()
    size = moments.means.shape[1]
    if block.shape[1] != lanes(block) or roots.shape[1] != lanes(block) or spare.shape[1] != lanes(block):
        return
    take_roots(scales)
    for j in range(roots.shape[0]):
        k = components[j]
        slab[k, 0] += scale_roots(roots[j], scales)
        floor = math.sqrt(unseen(shares[k], weight, slab[k, 0]))
        rows, kept, steps = significant(block, roots[j], floor, lanes(block) // 2, spare[size:], index)
        first, second = slab[k, 1:], slab[k, 1 + size :]
        weighted_products(kept, rows, steps, moments.means[k], spare[:size], first, second, size)


@implements(accumulate_of, DiagonalMoments)
def accumulate_diagonal_of(moments, components, block, roots, scales, spare, index, slab, shares, weight):
    """See above."""
    tile_vectors()
    n_features = block.shape[0]
    for j in range(roots.shape[0]):
        k = components[j]
        slab[k, 0] += responsibilities(roots[j], scales)
        floor = unseen(shares[k], weight, slab[k, 0])
        rows, kept, steps = significant(block, roots[j], floor, lanes(block) // 4, spare, index)
        weighted_moments(kept, rows, steps, moments.means[k], slab[k, 1:], slab[k, 1 + n_features :])


@implements(accumulate_of, FirstMoments)
def accumulate_first_of(moments, components, block, roots, scales, spare, index, slab, shares, weight):
    """See above."""
    tile_vectors()
    n_features = moments.scales.shape[0]
    for j in range(roots.shape[0]):
        k = components[j]
        total = responsibilities(roots[j], scales)
        slab[k, 0] += total
        floor = unseen(shares[k], weight, slab[k, 0])
        row = slab[k, 1 : 1 + n_features]
        weighted_sums_of_significant(roots[j], block, floor, lanes(block) // 4, index, moments.means[k], total, row)


@implements(accumulate_of, ApartMoments)
def accumulate_apart_of(moments, components, block, roots, scales, spare, index, slab, shares, weight):
    """See above."""
    tile_vectors()
    n_components, n_features = roots.shape[0], block.shape[0]
    squared_distances_of(block, moments.means, components, n_features, spare[:n_components])
    for j in range(n_components):
        k = components[j]
        total, second = take_squares(roots[j], scales, spare[j])
        slab[k, 0] += total
        slab[k, 1 + n_features] += second
        floor = unseen(shares[k], weight, slab[k, 0])
        row = slab[k, 1 : 1 + n_features]
        weighted_sums_of_significant(roots[j], block, floor, lanes(block) // 4, index, moments.means[k], total, row)
