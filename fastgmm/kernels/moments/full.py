"""Full moments, any D from 4 on: the symmetric product runs as the register tiles of ``primitives/weighted.py``."""

import math
from typing import Any, NamedTuple

from ..._numba.options import exact_task, implements
from ..._numba.pointers import view
from ..._numba.width import tile_vectors
from ..blocks.ahead import fetch
from ..blocks.posterior import scale_roots, take_roots
from ..blocks.significant import NEGLIGIBLE, significant
from ..primitives.weighted import weighted_products
from ..sizes import lanes, tiled
from ..work import MODEL, OK, STATE, SUMS
from .kinds import accumulate, unit_of, unpack_first


class FullMoments(NamedTuple):
    """Row k of a slab: N_k, sum r z (P), sum r z z^T (P x P, lower triangle). `means` are (K, P), P see `tiled`."""

    means: Any


def full_sums(n_components, n_features):
    """Rows of sums, and numbers in one."""
    size = tiled(n_features)
    return n_components + 1, 1 + size + size * size


def full_spare(n_components, n_features):
    """Rows of scratch: scaled rows (P); rows that count (P) and their values, or the four rows of the density."""
    return 2 * tiled(n_features) + 4


@implements(accumulate, FullMoments)
def accumulate_full(moments, block, roots, scales, spare, index, slab, ahead):
    """See ``kinds``."""
    tile_vectors()
    size = moments.means.shape[1]
    # Always so: LLVM learns how far rows are apart, and that those read and those written do not overlap.
    if block.shape[1] != lanes(block) or roots.shape[1] != lanes(block) or spare.shape[1] != lanes(block):
        return
    scaled = spare[:size]
    take_roots(scales)
    most = lanes(block) // 2 if size >= 12 else 0
    for k in range(roots.shape[0]):
        fetch(ahead, roots.shape[0] + k)
        slab[k, 0] += scale_roots(roots[k], scales)
        floor = math.sqrt(NEGLIGIBLE * slab[k, 0])
        rows, kept, steps = significant(block, roots[k], floor, most, spare[size:], index)
        first, second = slab[k, 1:], slab[k, 1 + size :]
        weighted_products(kept, rows, steps, moments.means[k], scaled, first, second, size)


@exact_task
def unpack_full(context, worker, first, end):
    """Task, see ``kinds``; also of D = 1, 2, 3."""
    model, state, sums = view(context, MODEL), view(context, STATE), view(context, SUMS)
    n_features, size = model.scales.shape[0], model.means.shape[1]
    for k in range(first, end):
        unpack_first(context, k)
        for i in range(n_features):
            unit = unit_of(model.scales, i)
            for j in range(i + 1):
                value = sums.accumulator[k, 1 + size + i * size + j] * unit * unit_of(model.scales, j)
                state.second[k, i, j] = value
                state.second[k, j, i] = value
    return OK
