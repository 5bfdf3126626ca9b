"""Scaled rows s = sqrt(r) z, written four, two or one at a time, with what is summed meanwhile: ``weighted.py``."""

from ..._numba.options import kernel
from ..sizes import STEP


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
def scale_1(roots, block, steps, mean, scaled, i, first, second, pitch):
    """Do what `scale_4` does for row `i`, and add its products with rows 0 to 3."""
    m0 = mean[i]
    f0 = c00 = d00 = d01 = d02 = d03 = block.dtype.type(0.0)
    for b in range(STEP * steps):
        s0 = roots[b] * (block[i, b] - m0)
        scaled[i, b] = s0
        f0 += roots[b] * s0
        c00 += s0 * s0
        d00 += s0 * scaled[0, b]
        d01 += s0 * scaled[1, b]
        d02 += s0 * scaled[2, b]
        d03 += s0 * scaled[3, b]
    first[i] += f0
    p = i * pitch
    second[p] += d00
    second[p + 1] += d01
    second[p + 2] += d02
    second[p + 3] += d03
    second[p + i] += c00
