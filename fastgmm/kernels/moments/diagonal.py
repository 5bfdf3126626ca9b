"""Diagonal moments: two multiply-adds per row and feature."""

from typing import Any, NamedTuple

from ..._numba.options import exact_task, implements, kernel
from ..._numba.pointers import view
from ..._numba.width import tile_vectors
from ..blocks.ahead import fetch
from ..blocks.posterior import responsibilities
from ..blocks.significant import NEGLIGIBLE, significant
from ..sizes import STEP, lanes
from ..work import MODEL, OK, STATE, SUMS
from .kinds import accumulate, unit_of, unpack_first


class DiagonalMoments(NamedTuple):
    """Row k of a slab: N_k, sum r z (D), sum r z^2 (D). `means` are (K, D)."""

    means: Any


def diagonal_sums(n_components, n_features):
    """Rows of sums, and numbers in one."""
    return n_components + 1, 1 + 2 * n_features


def diagonal_spare(n_components, n_features):
    """Rows of scratch: rows that count (D) and their responsibilities."""
    return n_features + 1


@kernel
def weighted_moments(r, block, steps, mean, first, second):
    """Add sum_b r z and sum_b r z^2, z = x - mean, over 16 `steps` lanes to `first` and `second` (D,).

    Given r (B,).
    """
    n_features = block.shape[0]
    zero = block.dtype.type(0.0)
    whole = n_features - n_features % 4
    for d in range(0, whole, 4):
        m0, m1, m2, m3 = mean[d], mean[d + 1], mean[d + 2], mean[d + 3]
        s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = zero
        for b in range(STEP * steps):
            z0, z1, z2, z3 = block[d, b] - m0, block[d + 1, b] - m1, block[d + 2, b] - m2, block[d + 3, b] - m3
            w0, w1, w2, w3 = r[b] * z0, r[b] * z1, r[b] * z2, r[b] * z3
            s0 += w0
            s1 += w1
            s2 += w2
            s3 += w3
            t0 += w0 * z0
            t1 += w1 * z1
            t2 += w2 * z2
            t3 += w3 * z3
        first[d] += s0
        first[d + 1] += s1
        first[d + 2] += s2
        first[d + 3] += s3
        second[d] += t0
        second[d + 1] += t1
        second[d + 2] += t2
        second[d + 3] += t3
    for d in range(whole, n_features):
        m0 = mean[d]
        s0 = t0 = zero
        for b in range(STEP * steps):
            z0 = block[d, b] - m0
            w0 = r[b] * z0
            s0 += w0
            t0 += w0 * z0
        first[d] += s0
        second[d] += t0


@implements(accumulate, DiagonalMoments)
def accumulate_diagonal(moments, block, roots, scales, spare, index, slab, ahead):
    """See ``kinds``."""
    tile_vectors()
    n_features = block.shape[0]
    most = lanes(block) // 4 if n_features >= 16 else 0
    for k in range(roots.shape[0]):
        fetch(ahead, roots.shape[0] + k)
        slab[k, 0] += responsibilities(roots[k], scales)
        first, second = slab[k, 1:], slab[k, 1 + n_features :]
        rows, kept, steps = significant(block, roots[k], NEGLIGIBLE * slab[k, 0], most, spare, index)
        weighted_moments(kept, rows, steps, moments.means[k], first, second)


@exact_task
def unpack_diagonal(context, worker, first, end):
    """Task, see ``kinds``."""
    model, state, sums = view(context, MODEL), view(context, STATE), view(context, SUMS)
    n_features = model.scales.shape[0]
    for k in range(first, end):
        unpack_first(context, k)
        for d in range(n_features):
            unit = unit_of(model.scales, d)
            state.second[k, 0, d] = sums.accumulator[k, 1 + n_features + d] * unit * unit
    return OK
