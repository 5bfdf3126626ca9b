"""Moments for full covariances at D = 1, 2, 3, written out: one loop over the rows of a block for each component.

The general kernels of ``full.py`` would write the scaled rows to memory.
"""

from typing import Any, NamedTuple

from ..._numba.options import implements
from ..._numba.width import tile_vectors, wide_vectors
from ..blocks.ahead import fetch
from ..sizes import lanes
from .kinds import accumulate


class Full1Moments(NamedTuple):
    """`FullMoments` for D = 1; P = 2, as there."""

    means: Any


class Full2Moments(NamedTuple):
    """`FullMoments` for D = 2."""

    means: Any


class Full3Moments(NamedTuple):
    """`FullMoments` for D = 3; P = 4."""

    means: Any


@implements(accumulate, Full1Moments)
def accumulate_full_1(moments, block, roots, scales, spare, index, slab, ahead):
    """See ``kinds``."""
    wide_vectors()
    for k in range(roots.shape[0]):
        m0 = moments.means[k, 0]
        n = s0 = s00 = block.dtype.type(0.0)
        for b in range(lanes(block)):
            r = roots[k, b] * roots[k, b] * scales[b]
            z0 = block[0, b] - m0
            w0 = r * z0
            n += r
            s0 += w0
            s00 += w0 * z0
        slab[k, 0] += n
        slab[k, 1] += s0
        slab[k, 3] += s00


@implements(accumulate, Full2Moments)
def accumulate_full_2(moments, block, roots, scales, spare, index, slab, ahead):
    """See ``kinds``."""
    wide_vectors()
    for k in range(roots.shape[0]):
        fetch(ahead, roots.shape[0] + k)
        m0, m1 = moments.means[k, 0], moments.means[k, 1]
        n = s0 = s1 = s00 = s10 = s11 = block.dtype.type(0.0)
        for b in range(lanes(block)):
            r = roots[k, b] * roots[k, b] * scales[b]
            z0, z1 = block[0, b] - m0, block[1, b] - m1
            w0, w1 = r * z0, r * z1
            n += r
            s0 += w0
            s1 += w1
            s00 += w0 * z0
            s10 += w1 * z0
            s11 += w1 * z1
        slab[k, 0] += n
        slab[k, 1] += s0
        slab[k, 2] += s1
        slab[k, 3] += s00
        slab[k, 5] += s10
        slab[k, 6] += s11


@implements(accumulate, Full3Moments)
def accumulate_full_3(moments, block, roots, scales, spare, index, slab, ahead):
    """See ``kinds``."""
    tile_vectors()
    for k in range(roots.shape[0]):
        fetch(ahead, roots.shape[0] + k)
        m0, m1, m2 = moments.means[k, 0], moments.means[k, 1], moments.means[k, 2]
        n = s0 = s1 = s2 = s00 = s10 = s11 = s20 = s21 = s22 = block.dtype.type(0.0)
        for b in range(lanes(block)):
            r = roots[k, b] * roots[k, b] * scales[b]
            z0, z1, z2 = block[0, b] - m0, block[1, b] - m1, block[2, b] - m2
            w0, w1, w2 = r * z0, r * z1, r * z2
            n += r
            s0 += w0
            s1 += w1
            s2 += w2
            s00 += w0 * z0
            s10 += w1 * z0
            s11 += w1 * z1
            s20 += w2 * z0
            s21 += w2 * z1
            s22 += w2 * z2
        slab[k, 0] += n
        slab[k, 1] += s0
        slab[k, 2] += s1
        slab[k, 3] += s2
        slab[k, 5] += s00
        slab[k, 9] += s10
        slab[k, 10] += s11
        slab[k, 13] += s20
        slab[k, 14] += s21
        slab[k, 15] += s22
