"""Spherical moments: first moments, and sum_b r |z|^2 from the distances that the density took."""

from typing import Any, NamedTuple

from ..._numba.options import exact_task, implements, kernel
from ..._numba.pointers import view
from ..._numba.width import tile_vectors
from ..blocks.ahead import fetch
from ..blocks.significant import NEGLIGIBLE, weighted_sums_of_significant
from ..primitives.distances import squared_distances
from ..sizes import lanes
from ..work import MODEL, OK, STATE, SUMS, ZERO
from .kinds import accumulate, unit_of, unpack_first


class SphericalMoments(NamedTuple):
    """Row k of a slab: N_k, sum r z (D), sum r |z|^2. `means` are (K, D).

    Half of a fused pair: |z|^2 is what `SphericalDensity` left in the first K rows of the scratch, so moments are
    about the means of the density.
    """

    means: Any


def spherical_sums(n_components, n_features):
    """Rows of sums, and numbers in one."""
    return n_components + 1, 2 + n_features


def spherical_spare(n_components, n_features):
    """Rows of scratch: distances."""
    return n_components


class ApartMoments(NamedTuple):
    """`SphericalMoments` with distances of their own: about centres that are not the means of the density."""

    means: Any


@implements(accumulate, ApartMoments)
def accumulate_apart(moments, block, roots, scales, spare, index, slab, ahead):
    """See ``kinds``."""
    tile_vectors()
    squared_distances(block, moments.means, block.shape[0], spare)
    add_spherical(moments.means, block, roots, scales, spare, index, slab, ahead)


@implements(accumulate, SphericalMoments)
def accumulate_spherical(moments, block, roots, scales, spare, index, slab, ahead):
    """See ``kinds``."""
    tile_vectors()
    add_spherical(moments.means, block, roots, scales, spare, index, slab, ahead)


@kernel
def add_spherical(means, block, roots, scales, spare, index, slab, ahead):
    """Add the moments of the block to `slab`, given the squared distances to `means` (K, D) in `spare`."""
    n_components, n_features = roots.shape[0], block.shape[0]
    most = lanes(block) // 4 if n_features >= 16 else 0
    for k in range(n_components):
        # Both parts of a component here: the density is too quick for them.
        fetch(ahead, 2 * k)
        total, second = take_squares(roots[k], scales, spare[k])
        fetch(ahead, 2 * k + 1)
        slab[k, 0] += total
        slab[k, 1 + n_features] += second
        floor, row = NEGLIGIBLE * slab[k, 0], slab[k, 1 : 1 + n_features]
        weighted_sums_of_significant(roots[k], block, floor, most, index, means[k], total, row)


@kernel
def take_squares(roots, scales, distances):
    """Do what `responsibilities` does, and also return sum_b r_b |z_b|^2, given `distances` (B,)."""
    total = second = roots.dtype.type(0.0)
    for b in range(lanes(roots)):
        r = roots[b] * roots[b] * scales[b]
        roots[b] = r
        total += r
        second += r * distances[b]
    return total, second


@exact_task
def unpack_spherical(context, worker, first, end):
    """Task, see ``kinds``."""
    model, state, sums = view(context, MODEL), view(context, STATE), view(context, SUMS)
    n_features = model.scales.shape[0]
    unit = unit_of(model.scales, ZERO)
    for k in range(first, end):
        unpack_first(context, k)
        state.second[k, 0, 0] = sums.accumulator[k, 1 + n_features] * unit * unit
    return OK
