"""Products with a triangle as register tiles over lanes of rows.

Both halves of a round for full covariances are such products, and both run as small tiles with the rows of a
block as the innermost loop, which LLVM turns into SIMD code on its own:

* density: y = A z, four rows of the lower triangular A by four features of z;
* statistics: sum_b (r z)_i z_j for j <= i, four i by two j in eight scalar accumulators.

A 4 x 4 tile of accumulators needs 24 vector registers and so AVX-512; with the 16 of AVX2 it spills. Measured
on one AVX2 core, D = 48, 128 lanes, GFLOP/s: 4 x 4 17, 4 x 3 27, 4 x 2 24. Powers of two are the common D,
hence 4 x 2. The density tile keeps its sums in memory and has no such limit.

Features are padded to an even number with a row of zeros; D mod 4 = 2 or 3 ends in tiles of two rows.
"""

from .._jit import kernel


@kernel
def tile_4x4(a, j, d, z, lanes, y):
    """``y[i] += sum_p a[j + i, d + p] z[d + p]`` for i, p = 0..3."""
    a00, a01, a02, a03 = a[j, d], a[j, d + 1], a[j, d + 2], a[j, d + 3]
    a10, a11, a12, a13 = a[j + 1, d], a[j + 1, d + 1], a[j + 1, d + 2], a[j + 1, d + 3]
    a20, a21, a22, a23 = a[j + 2, d], a[j + 2, d + 1], a[j + 2, d + 2], a[j + 2, d + 3]
    a30, a31, a32, a33 = a[j + 3, d], a[j + 3, d + 1], a[j + 3, d + 2], a[j + 3, d + 3]
    for b in range(lanes):
        z0, z1, z2, z3 = z[d, b], z[d + 1, b], z[d + 2, b], z[d + 3, b]
        y[0, b] += a00 * z0 + a01 * z1 + a02 * z2 + a03 * z3
        y[1, b] += a10 * z0 + a11 * z1 + a12 * z2 + a13 * z3
        y[2, b] += a20 * z0 + a21 * z1 + a22 * z2 + a23 * z3
        y[3, b] += a30 * z0 + a31 * z1 + a32 * z2 + a33 * z3


@kernel
def tile_2x2(a, j, d, z, lanes, y):
    """``y[i] += sum_p a[j + i, d + p] z[d + p]`` for i, p = 0..1."""
    a00, a01 = a[j, d], a[j, d + 1]
    a10, a11 = a[j + 1, d], a[j + 1, d + 1]
    for b in range(lanes):
        z0, z1 = z[d, b], z[d + 1, b]
        y[0, b] += a00 * z0 + a01 * z1
        y[1, b] += a10 * z0 + a11 * z1


@kernel
def triangle_4(a, j, z, lanes, y, distances):
    """Finish y with the diagonal triangle of rows j..j+3 and add its squares to `distances`."""
    a00 = a[j, j]
    a10, a11 = a[j + 1, j], a[j + 1, j + 1]
    a20, a21, a22 = a[j + 2, j], a[j + 2, j + 1], a[j + 2, j + 2]
    a30, a31, a32, a33 = a[j + 3, j], a[j + 3, j + 1], a[j + 3, j + 2], a[j + 3, j + 3]
    for b in range(lanes):
        z0, z1, z2, z3 = z[j, b], z[j + 1, b], z[j + 2, b], z[j + 3, b]
        y0 = y[0, b] + a00 * z0
        y1 = y[1, b] + a10 * z0 + a11 * z1
        y2 = y[2, b] + a20 * z0 + a21 * z1 + a22 * z2
        y3 = y[3, b] + a30 * z0 + a31 * z1 + a32 * z2 + a33 * z3
        distances[b] += (y0 * y0 + y1 * y1) + (y2 * y2 + y3 * y3)


@kernel
def triangle_2(a, j, z, lanes, y, distances):
    """Finish y with the diagonal triangle of rows j, j+1 and add its squares to `distances`."""
    a00 = a[j, j]
    a10, a11 = a[j + 1, j], a[j + 1, j + 1]
    for b in range(lanes):
        z0, z1 = z[j, b], z[j + 1, b]
        y0 = y[0, b] + a00 * z0
        y1 = y[1, b] + a10 * z0 + a11 * z1
        distances[b] += y0 * y0 + y1 * y1


@kernel
def mahalanobis(a, z, lanes, y, distances):
    """Write |A z|^2 of each lane into `distances` (B,); `y` (4, B) is scratch."""
    size = a.shape[0]
    for b in range(lanes):
        distances[b] = 0.0
    for j in range(0, size, 4):
        for i in range(4):
            for b in range(lanes):
                y[i, b] = 0.0
        if j + 4 <= size:
            for d in range(0, j, 4):
                tile_4x4(a, j, d, z, lanes, y)
            triangle_4(a, j, z, lanes, y, distances)
        else:
            for d in range(0, j, 2):
                tile_2x2(a, j, d, z, lanes, y)
            triangle_2(a, j, z, lanes, y, distances)


@kernel
def moments_4x2(w, z, i, j, lanes, size, out):
    """``out[i + p, j + q] += sum_b w[i + p, b] z[j + q, b]``, p = 0..3, q = 0..1; `out` is flat, pitch `size`."""
    c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = 0.0
    for b in range(lanes):
        w0, w1, w2, w3 = w[i, b], w[i + 1, b], w[i + 2, b], w[i + 3, b]
        z0, z1 = z[j, b], z[j + 1, b]
        c00 += w0 * z0
        c01 += w0 * z1
        c10 += w1 * z0
        c11 += w1 * z1
        c20 += w2 * z0
        c21 += w2 * z1
        c30 += w3 * z0
        c31 += w3 * z1
    p = i * size + j
    out[p] += c00
    out[p + 1] += c01
    out[p + size] += c10
    out[p + size + 1] += c11
    out[p + 2 * size] += c20
    out[p + 2 * size + 1] += c21
    out[p + 3 * size] += c30
    out[p + 3 * size + 1] += c31


@kernel
def moments_2x2(w, z, i, j, lanes, size, out):
    """``out[i + p, j + q] += sum_b w[i + p, b] z[j + q, b]`` for p, q = 0..1."""
    c00 = c01 = c10 = c11 = 0.0
    for b in range(lanes):
        w0, w1 = w[i, b], w[i + 1, b]
        z0, z1 = z[j, b], z[j + 1, b]
        c00 += w0 * z0
        c01 += w0 * z1
        c10 += w1 * z0
        c11 += w1 * z1
    p = i * size + j
    out[p] += c00
    out[p + 1] += c01
    out[p + size] += c10
    out[p + size + 1] += c11


@kernel
def second_moments(w, z, lanes, size, out):
    """Add the lower triangle (and one entry beside each diagonal pair) of sum_b w z^T to the flat `out`."""
    for i in range(0, size, 4):
        if i + 4 <= size:
            for j in range(0, i + 2, 2):
                moments_4x2(w, z, i, j, lanes, size, out)
            moments_2x2(w, z, i + 2, i + 2, lanes, size, out)
        else:
            for j in range(0, i + 2, 2):
                moments_2x2(w, z, i, j, lanes, size, out)
