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
from .products import first_moments, moments_4x2, second_moments


@kernel
def weighted_products(roots, block, steps, mean, scaled, first, second, pitch):
    """Add sum_b r z to `first` (P,) and the lower triangle of sum_b r z z^T to the flat `second`, rows `pitch` apart.

    Over 16 `steps` lanes of `block` (P, B), P >= 4 even, given `roots` sqrt(r) (B,). Leaves sqrt(r) z in `scaled`
    (P, B).
    """
    size = block.shape[0]
    if WIDE:
        whole = size - size % 4
        for i in range(0, whole, 4):
            scale_4(roots, block, steps, mean, scaled, i, first, second, pitch)
            for j in range(0, i, 4):
                moments_4x4(scaled, steps, i, j, second, pitch)
        if whole < size:
            scale_2(roots, block, steps, mean, scaled, whole, first, second, pitch)
            for j in range(4, whole, 4):
                moments_4x2(scaled, steps, j, whole, second, pitch, 1)
    else:
        first_moments(roots, block, steps, mean, scaled, first)
        second_moments(scaled, steps, size, pitch, second)


@kernel
def scale_4(roots, block, steps, mean, scaled, i, first, second, pitch):
    """Write s of rows `i` to ``i + 3``, add their first moments, and the triangle of their products."""
    m0, m1, m2, m3 = mean[i], mean[i + 1], mean[i + 2], mean[i + 3]
    f0 = f1 = f2 = f3 = c00 = c10 = c11 = c20 = c21 = c22 = c30 = c31 = c32 = c33 = block.dtype.type(0.0)
    for b in range(STEP * steps):
        root = roots[b]
        s0, s1 = root * (block[i, b] - m0), root * (block[i + 1, b] - m1)
        s2, s3 = root * (block[i + 2, b] - m2), root * (block[i + 3, b] - m3)
        scaled[i, b] = s0
        scaled[i + 1, b] = s1
        scaled[i + 2, b] = s2
        scaled[i + 3, b] = s3
        f0 += root * s0
        f1 += root * s1
        f2 += root * s2
        f3 += root * s3
        c00 += s0 * s0
        c10 += s1 * s0
        c11 += s1 * s1
        c20 += s2 * s0
        c21 += s2 * s1
        c22 += s2 * s2
        c30 += s3 * s0
        c31 += s3 * s1
        c32 += s3 * s2
        c33 += s3 * s3
    first[i] += f0
    first[i + 1] += f1
    first[i + 2] += f2
    first[i + 3] += f3
    p = i * pitch + i
    second[p] += c00
    p += pitch
    second[p] += c10
    second[p + 1] += c11
    p += pitch
    second[p] += c20
    second[p + 1] += c21
    second[p + 2] += c22
    p += pitch
    second[p] += c30
    second[p + 1] += c31
    second[p + 2] += c32
    second[p + 3] += c33


@kernel
def scale_2(roots, block, steps, mean, scaled, i, first, second, pitch):
    """Do what `scale_4` does for rows `i` and ``i + 1``, and add their products with rows 0 to 3."""
    m0, m1 = mean[i], mean[i + 1]
    f0 = f1 = c00 = c10 = c11 = block.dtype.type(0.0)
    d00 = d01 = d02 = d03 = d10 = d11 = d12 = d13 = block.dtype.type(0.0)
    for b in range(STEP * steps):
        root = roots[b]
        s0, s1 = root * (block[i, b] - m0), root * (block[i + 1, b] - m1)
        v0, v1, v2, v3 = scaled[0, b], scaled[1, b], scaled[2, b], scaled[3, b]
        scaled[i, b] = s0
        scaled[i + 1, b] = s1
        f0 += root * s0
        f1 += root * s1
        c00 += s0 * s0
        c10 += s1 * s0
        c11 += s1 * s1
        d00 += s0 * v0
        d01 += s0 * v1
        d02 += s0 * v2
        d03 += s0 * v3
        d10 += s1 * v0
        d11 += s1 * v1
        d12 += s1 * v2
        d13 += s1 * v3
    first[i] += f0
    first[i + 1] += f1
    p = i * pitch
    second[p] += d00
    second[p + 1] += d01
    second[p + 2] += d02
    second[p + 3] += d03
    second[p + i] += c00
    p += pitch
    second[p] += d10
    second[p + 1] += d11
    second[p + 2] += d12
    second[p + 3] += d13
    second[p + i] += c10
    second[p + i + 1] += c11


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
