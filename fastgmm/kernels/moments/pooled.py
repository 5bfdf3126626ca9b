"""Moments pooled over components: N_k and sum r z of each, and one sum of r z z^T.

The pooled second moments follow from the total scatter of the rows, which does not change between rounds: a pass
needs first moments only. Where that subtraction would cancel, and for the total scatter itself, a pass sums them
directly.
"""

import math
from typing import Any, NamedTuple

from ..._numba.options import exact_task, implements, part, task
from ..._numba.pointers import view
from ..._numba.width import tile_vectors
from ..blocks.ahead import fetch
from ..blocks.posterior import responsibilities, scale_roots, take_roots
from ..blocks.significant import NEGLIGIBLE, significant, weighted_sums_of_significant
from ..primitives.weighted import weighted_products
from ..sizes import lanes
from ..slots import LEAST
from ..work import CANCELS, MODEL, OK, STATE, SUMS
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
    tile_vectors()
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
    tile_vectors()
    n_components, size = moments.means.shape
    most = lanes(block) // 4 if size >= 16 else 0
    for k in range(n_components):
        # Both parts of a component here: the density is too quick for them.
        fetch(ahead, 2 * k)
        total = responsibilities(roots[k], scales)
        fetch(ahead, 2 * k + 1)
        slab[k, 0] += total
        floor, row = NEGLIGIBLE * slab[k, 0], slab[k, 1 : 1 + moments.scales.shape[0]]
        weighted_sums_of_significant(roots[k], block, floor, most, index, moments.means[k], total, row)


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


@task
def unpack_first_moments(context, worker, first, end):
    """Task, see ``kinds``; whoever has component 0 does all, second moments from the total scatter, or it CANCELS."""
    if first > 0:
        return OK
    for k in range(view(context, STATE).means.shape[0]):
        unpack_first(context, k)
    return OK if subtract(context) else CANCELS


@part
def subtract(context):
    """Write pooled second moments about the centres c_k, from the total scatter about the mean m of all rows.

    With e_k = c_k - m,

        sum_ik r z z^T = scatter - sum_k ((N_k e + first_k) e^T + e first_k^T).

    Returns whether the subtraction leaves more than LEAST of the scatter of every feature.
    """
    state = view(context, STATE)
    centers, sums, first, out, least = state.centers, state.sums, state.first, state.second[0], state.numbers[LEAST]
    n_components, n_features = centers.shape
    scatter, mean = state.scatter[:n_features], state.scatter[n_features]
    for i in range(n_features):
        for j in range(i + 1):
            out[i, j] = scatter[i, j]
    if n_features % 2 == 1:
        for k in range(n_components):
            offset = centers[k, 0] - mean[0]
            out[0, 0] -= (sums[k] * offset + first[k, 0]) * offset + offset * first[k, 0]
    # Rows by pairs, which read a component once: 26 us at K = 64, D = 64, and 35 one by one.
    for i in range(n_features % 2, n_features, 2):
        row, next_row = out[i], out[i + 1]
        for k in range(n_components):
            center, shift = centers[k], first[k]
            offset, next_offset = center[i] - mean[i], center[i + 1] - mean[i + 1]
            moved, next_moved = sums[k] * offset + shift[i], sums[k] * next_offset + shift[i + 1]
            for j in range(i + 2):  # one more than there is of the first, which is mirrored below
                away = center[j] - mean[j]
                row[j] -= moved * away + offset * shift[j]
                next_row[j] -= next_moved * away + next_offset * shift[j]
    for i in range(n_features):
        if out[i, i] <= least * scatter[i, i]:
            return False
        for j in range(i):
            out[j, i] = out[i, j]
    return True
