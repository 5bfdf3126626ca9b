"""Moments pooled over components: N_k and sum r z of each, and one sum of r z z^T.

The pooled second moments follow from the total scatter of the rows, which does not change between rounds
(``model/scatter.py``): a pass needs first moments only. Where that subtraction would cancel, and for the total
scatter itself, a pass sums them directly.
"""

import math
from typing import Any, NamedTuple

from ..._numba.options import exact_task, implements
from ..._numba.pointers import view
from ..._numba.width import wide_vectors
from ..blocks.ahead import fetch
from ..blocks.posterior import responsibilities, scale_roots, take_roots
from ..blocks.significant import NEGLIGIBLE, significant
from ..primitives.distances import weighted_sums
from ..primitives.weighted import weighted_products
from ..sizes import lanes
from ..work import MODEL, OK, STATE, SUMS
from .kinds import accumulate, unit_of, unpack_first


class PooledMoments(NamedTuple):
    """Row k of a slab: N_k, sum r z (P); below the log-likelihood P rows, the pooled moments. `means` are (K, P)."""

    means: Any


class FirstMoments(NamedTuple):
    """`PooledMoments` without the second ones, for D features, of which `scales` (D,) tell."""

    means: Any
    scales: Any


def pooled_sums(n_components, n_features):
    """Rows of sums, and numbers in one."""
    size = -(-n_features // 4) * 4
    return n_components + 1 + size, 1 + size


def pooled_spare(n_components, n_features):
    """Rows of scratch: scaled rows (P); rows that count (P) and their values."""
    return 2 * (-(-n_features // 4) * 4) + 1


@implements(accumulate, PooledMoments)
def accumulate_pooled(moments, block, roots, scales, spare, index, slab, ahead):
    """See ``kinds``."""
    wide_vectors()
    n_components, size = moments.means.shape
    most = lanes(block) // 4 if size >= 16 else 0
    pooled = slab[n_components + 1 :].reshape(-1)
    take_roots(scales)
    for k in range(n_components):
        fetch(ahead, 2 * k)
        slab[k, 0] += scale_roots(roots[k], scales)
        fetch(ahead, 2 * k + 1)
        floor = math.sqrt(NEGLIGIBLE * slab[k, 0])
        rows, kept, steps = significant(block, roots[k], floor, most, spare[size:], index)
        weighted_products(kept, rows, steps, moments.means[k], spare[:size], slab[k, 1:], pooled, slab.shape[1])


@implements(accumulate, FirstMoments)
def accumulate_first(moments, block, roots, scales, spare, index, slab, ahead):
    """See ``kinds``."""
    wide_vectors()
    n_components, size = moments.means.shape
    most = lanes(block) // 4 if size >= 16 else 0
    for k in range(n_components):
        # Both parts of a component here: the density is too quick for them.
        fetch(ahead, 2 * k)
        total = responsibilities(roots[k], scales)
        fetch(ahead, 2 * k + 1)
        slab[k, 0] += total
        rows, kept, steps = significant(block, roots[k], NEGLIGIBLE * slab[k, 0], most, spare[size:], index)
        weighted_sums(kept, rows, steps, moments.means[k], total, slab[k, 1 : 1 + moments.scales.shape[0]])


@exact_task
def unpack_pooled(context, worker, first, end):
    """Task, see ``kinds``; whoever has component 0 writes the second moments, 0 where the pass did not sum them."""
    model, state, sums = view(context, MODEL), view(context, STATE), view(context, SUMS)
    n_components, n_features = state.means.shape
    for k in range(first, end):
        unpack_first(context, k)
    if first == 0:
        for i in range(n_features):
            unit = unit_of(model.scales, i)
            for j in range(i + 1):
                value = sums.accumulator[n_components + 1 + i, j] * unit * unit_of(model.scales, j)
                state.second[0, i, j] = value
                state.second[0, j, i] = value
    return OK
