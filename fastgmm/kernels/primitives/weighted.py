"""Weighted first and second moments of a block: sum_b r z and sum_b r z z^T, z = x - mean, for full covariances.

With s = sqrt(r) z the second are the symmetric product of ``products.py``. Of a processor with 16 vector registers it
follows in a pass of its own, after s was written. With 32 of them (`WIDE`) the first moments and the triangles on the
diagonal, 14 accumulators, are summed while s is written, and what is left are tiles of four by four. One Zen 5 core,
nanoseconds of a block of 256 rows, apart and together: D = 8 260 and 240, D = 16 1013 and 804, D = 32 3395 and 3084,
D = 64 11612 and 10944. (4 x 3 beside 4 x 4, as below 32 registers 4 x 2 beside 4 x 3, gained nothing; half blocks,
which would stay in the first-level cache, lost more by twice as many sums over lanes.)
"""

from ..._numba.options import kernel
from ..._numba.width import WIDE
from ..sizes import STEP
from .products import first_moments, moments_1x4, moments_4x2, second_moments
from .scaling import scale_1, scale_2, scale_4


@kernel
def weighted_products(roots, block, steps, mean, scaled, first, second, pitch):
    """Add sum_b r z to `first` (P,) and the lower triangle of sum_b r z z^T to the flat `second`, rows `pitch` apart.

    Over 16 `steps` lanes of `block` (P, B), P >= 4 as `tiled` says, given `roots` sqrt(r) (B,). Leaves sqrt(r) z in
    `scaled` (P, B).
    """
    size = block.shape[0]
    if WIDE:
        whole = size - size % 4
        for i in range(0, whole, 4):
            scale_4(roots, block, steps, mean, scaled, i, first, second, pitch)
            for j in range(0, i, 4):
                moments_4x4(scaled, steps, i, j, second, pitch)
        if size - whole == 2:
            scale_2(roots, block, steps, mean, scaled, whole, first, second, pitch)
            for j in range(4, whole, 4):
                moments_4x2(scaled, steps, j, whole, second, pitch, 1)
        elif size > whole:
            scale_1(roots, block, steps, mean, scaled, whole, first, second, pitch)
            for j in range(4, whole, 4):
                moments_1x4(scaled, steps, whole, j, second, pitch)
    else:
        first_moments(roots, block, steps, mean, scaled, first)
        second_moments(scaled, steps, size, pitch, second)


@kernel
def moments_4x4(s, steps, i, j, out, pitch):
    """``out[i + p, j + q] += sum_b s[i + p, b] s[j + q, b]`` for p, q = 0..3; `out` is flat."""
    c00 = c01 = c02 = c03 = c10 = c11 = c12 = c13 = s.dtype.type(0.0)
    c20 = c21 = c22 = c23 = c30 = c31 = c32 = c33 = s.dtype.type(0.0)
    for b in range(STEP * steps):
        u0, u1, u2, u3 = s[i, b], s[i + 1, b], s[i + 2, b], s[i + 3, b]
        v0, v1, v2, v3 = s[j, b], s[j + 1, b], s[j + 2, b], s[j + 3, b]
        c00 += u0 * v0
        c01 += u0 * v1
        c02 += u0 * v2
        c03 += u0 * v3
        c10 += u1 * v0
        c11 += u1 * v1
        c12 += u1 * v2
        c13 += u1 * v3
        c20 += u2 * v0
        c21 += u2 * v1
        c22 += u2 * v2
        c23 += u2 * v3
        c30 += u3 * v0
        c31 += u3 * v1
        c32 += u3 * v2
        c33 += u3 * v3
    p = i * pitch + j
    out[p] += c00
    out[p + 1] += c01
    out[p + 2] += c02
    out[p + 3] += c03
    p += pitch
    out[p] += c10
    out[p + 1] += c11
    out[p + 2] += c12
    out[p + 3] += c13
    p += pitch
    out[p] += c20
    out[p + 1] += c21
    out[p + 2] += c22
    out[p + 3] += c23
    p += pitch
    out[p] += c30
    out[p + 1] += c31
    out[p + 2] += c32
    out[p + 3] += c33
