"""Second moments for full covariances: a symmetric product as register tiles over the rows of a block.

sum_b s_i s_j for j <= i, with s = sqrt(r) z, four i by three j in twelve accumulators. Share of the machine's
multiply-adds (``bench/limit.py``) on one AVX2 core at D = 8, 16, 32, 64: as sum w z^T with w = r z stored beside z
0.76, 0.77, 0.81, 0.81; as sum s s^T, which has one operand to load, by 4 x 2 0.97, 0.96, 0.92, 0.92, by 4 x 3 0.97,
0.98, 0.97, 0.96. Sixteen accumulators need more than the 16 vector registers of AVX2: 0.55.
"""

from ..._numba.options import kernel
from ..sizes import STEP


@kernel
def moments_4x3(s, steps, i, j, pitch, out):
    """``out[i + p, j + q] += sum_b s[i + p, b] s[j + q, b]``, p = 0..3, q = 0..2; `out` is flat."""
    c00 = c01 = c02 = c10 = c11 = c12 = c20 = c21 = c22 = c30 = c31 = c32 = s.dtype.type(0.0)
    for b in range(STEP * steps):
        u0, u1, u2, u3 = s[i, b], s[i + 1, b], s[i + 2, b], s[i + 3, b]
        v0, v1, v2 = s[j, b], s[j + 1, b], s[j + 2, b]
        c00 += u0 * v0
        c01 += u0 * v1
        c02 += u0 * v2
        c10 += u1 * v0
        c11 += u1 * v1
        c12 += u1 * v2
        c20 += u2 * v0
        c21 += u2 * v1
        c22 += u2 * v2
        c30 += u3 * v0
        c31 += u3 * v1
        c32 += u3 * v2
    p = i * pitch + j
    out[p] += c00
    out[p + 1] += c01
    out[p + 2] += c02
    p += pitch
    out[p] += c10
    out[p + 1] += c11
    out[p + 2] += c12
    p += pitch
    out[p] += c20
    out[p + 1] += c21
    out[p + 2] += c22
    p += pitch
    out[p] += c30
    out[p + 1] += c31
    out[p + 2] += c32


@kernel
def moments_4x2(s, steps, i, j, out, across, down):
    """``out[(i + p) down + (j + q) across] += sum_b s[i + p, b] s[j + q, b]`` for p = 0..3, q = 0, 1."""
    c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = s.dtype.type(0.0)
    for b in range(STEP * steps):
        u0, u1, u2, u3 = s[i, b], s[i + 1, b], s[i + 2, b], s[i + 3, b]
        v0, v1 = s[j, b], s[j + 1, b]
        c00 += u0 * v0
        c01 += u0 * v1
        c10 += u1 * v0
        c11 += u1 * v1
        c20 += u2 * v0
        c21 += u2 * v1
        c30 += u3 * v0
        c31 += u3 * v1
    p = i * down + j * across
    out[p] += c00
    out[p + across] += c01
    p += down
    out[p] += c10
    out[p + across] += c11
    p += down
    out[p] += c20
    out[p + across] += c21
    p += down
    out[p] += c30
    out[p + across] += c31


@kernel
def moments_1x4(s, steps, i, j, out, pitch):
    """``out[i, j + q] += sum_b s[i, b] s[j + q, b]``, q = 0..3; `out` is flat."""
    c0 = c1 = c2 = c3 = s.dtype.type(0.0)
    for b in range(STEP * steps):
        c0 += s[i, b] * s[j, b]
        c1 += s[i, b] * s[j + 1, b]
        c2 += s[i, b] * s[j + 2, b]
        c3 += s[i, b] * s[j + 3, b]
    p = i * pitch + j
    out[p] += c0
    out[p + 1] += c1
    out[p + 2] += c2
    out[p + 3] += c3


@kernel
def moments_triangle_4(s, steps, i, pitch, out):
    """``out[i + p, i + q] += sum_b s[i + p, b] s[i + q, b]`` for q <= p = 0..3."""
    c00 = c10 = c11 = c20 = c21 = c22 = c30 = c31 = c32 = c33 = s.dtype.type(0.0)
    for b in range(STEP * steps):
        u0, u1, u2, u3 = s[i, b], s[i + 1, b], s[i + 2, b], s[i + 3, b]
        c00 += u0 * u0
        c10 += u1 * u0
        c11 += u1 * u1
        c20 += u2 * u0
        c21 += u2 * u1
        c22 += u2 * u2
        c30 += u3 * u0
        c31 += u3 * u1
        c32 += u3 * u2
        c33 += u3 * u3
    p = i * pitch + i
    out[p] += c00
    p += pitch
    out[p] += c10
    out[p + 1] += c11
    p += pitch
    out[p] += c20
    out[p + 1] += c21
    out[p + 2] += c22
    p += pitch
    out[p] += c30
    out[p + 1] += c31
    out[p + 2] += c32
    out[p + 3] += c33


@kernel
def moments_triangle_2(s, steps, i, pitch, out):
    """``out[i + p, i + q] += sum_b s[i + p, b] s[i + q, b]`` for q <= p = 0, 1."""
    c00 = c10 = c11 = s.dtype.type(0.0)
    for b in range(STEP * steps):
        u0, u1 = s[i, b], s[i + 1, b]
        c00 += u0 * u0
        c10 += u1 * u0
        c11 += u1 * u1
    p = i * pitch + i
    out[p] += c00
    out[p + pitch] += c10
    out[p + pitch + 1] += c11


@kernel
def first_moments(roots, block, steps, mean, scaled, first):
    """Write s = sqrt(r) z into `scaled` (P, B) and add sum_b r z to `first` (P,), given `roots` sqrt(r) (B,).

    Over 16 `steps` lanes.
    """
    zero = block.dtype.type(0.0)
    size = block.shape[0]
    for d in range(0, size - 1, 2):
        m0, m1 = mean[d], mean[d + 1]
        sum0 = sum1 = zero
        x0, x1, s0, s1 = block[d], block[d + 1], scaled[d], scaled[d + 1]
        for b in range(STEP * steps):
            value0 = roots[b] * (x0[b] - m0)
            value1 = roots[b] * (x1[b] - m1)
            s0[b] = value0
            s1[b] = value1
            sum0 += roots[b] * value0
            sum1 += roots[b] * value1
        first[d] += sum0
        first[d + 1] += sum1
    if size % 2:
        last, sum0 = mean[size - 1], zero
        for b in range(STEP * steps):
            value0 = roots[b] * (block[size - 1, b] - last)
            scaled[size - 1, b] = value0
            sum0 += roots[b] * value0
        first[size - 1] += sum0


@kernel
def second_moments(s, steps, size, pitch, out):
    """Add the lower triangle of sum_b s s^T, over 16 `steps` lanes, to the flat `out` with rows `pitch` apart.

    `s` has a `size` of rows as `tiled` says.
    """
    for i in range(0, size - 1, 4):
        # The last two rows of D mod 4 = 2 are the same tile with the roles of rows and columns exchanged.
        tail = i + 4 > size
        # Otherwise tiles of two columns until the rest is a multiple of three.
        narrow = i if tail else 4 * i % 6
        for j in range(0, narrow, 4 if tail else 2):
            row, column = (j, i) if tail else (i, j)
            across, down = (pitch, 1) if tail else (1, pitch)
            moments_4x2(s, steps, row, column, out, across, down)
        if tail:
            moments_triangle_2(s, steps, i, pitch, out)
        else:
            for j in range(narrow, i, 3):
                moments_4x3(s, steps, i, j, pitch, out)
            moments_triangle_4(s, steps, i, pitch, out)
    if size % 4 == 1:
        for j in range(0, size - 1, 4):
            moments_1x4(s, steps, size - 1, j, out, pitch)
        square = s.dtype.type(0.0)
        for b in range(STEP * steps):
            square += s[size - 1, b] * s[size - 1, b]
        out[(size - 1) * (pitch + 1)] += square
