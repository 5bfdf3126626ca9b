"""Density for full covariances: a triangular product as register tiles over the rows of a block.

y = A x + offset runs as small tiles, four rows of the lower triangular A by four features, with the rows of the
block as the innermost loop, which LLVM turns into SIMD code on its own. Share of the machine's multiply-adds
(``bench/limit.py``) on one AVX2 core at D = 8, 16, 32, 64: tiles of 4 x 4 0.76, 0.81, 0.86, 0.86; 2 x 4 0.73, 0.79,
0.80, 0.80; 2 x 6 0.74, 0.77, 0.78, 0.79.

D mod 4 = 1 and 2 end in tiles of one or two rows (``narrow_tiles.py``); for 3 there is a row of zeros more, see
`tiled`.
"""

from ..._numba.options import kernel
from ..sizes import lanes
from .narrow_tiles import finish_1, finish_2, second_1, second_2, start_1x4, start_2x4, tile_1x4, tile_2x4


@kernel
def first_4(constant, a, offset, x, out):
    """``out = constant - |A x + offset|^2`` of rows 0 to 3."""
    c0, c1, c2, c3 = offset[0], offset[1], offset[2], offset[3]
    a00, a10, a11 = a[0, 0], a[1, 0], a[1, 1]
    a20, a21, a22 = a[2, 0], a[2, 1], a[2, 2]
    a30, a31, a32, a33 = a[3, 0], a[3, 1], a[3, 2], a[3, 3]
    for b in range(lanes(x)):
        x0, x1, x2, x3 = x[0, b], x[1, b], x[2, b], x[3, b]
        y0 = c0 + a00 * x0
        y1 = c1 + a10 * x0 + a11 * x1
        y2 = c2 + a20 * x0 + a21 * x1 + a22 * x2
        y3 = c3 + a30 * x0 + a31 * x1 + a32 * x2 + a33 * x3
        out[b] = (constant - y0 * y0 - y1 * y1) - (y2 * y2 + y3 * y3)


@kernel
def start_4x4(a, j, offset, x, y):
    """``y[i] = offset[j + i] + sum_p a[j + i, p] x[p]`` for i, p = 0..3."""
    c0, c1, c2, c3 = offset[j], offset[j + 1], offset[j + 2], offset[j + 3]
    a00, a01, a02, a03 = a[j, 0], a[j, 1], a[j, 2], a[j, 3]
    a10, a11, a12, a13 = a[j + 1, 0], a[j + 1, 1], a[j + 1, 2], a[j + 1, 3]
    a20, a21, a22, a23 = a[j + 2, 0], a[j + 2, 1], a[j + 2, 2], a[j + 2, 3]
    a30, a31, a32, a33 = a[j + 3, 0], a[j + 3, 1], a[j + 3, 2], a[j + 3, 3]
    for b in range(lanes(x)):
        x0, x1, x2, x3 = x[0, b], x[1, b], x[2, b], x[3, b]
        y[0, b] = c0 + a00 * x0 + a01 * x1 + a02 * x2 + a03 * x3
        y[1, b] = c1 + a10 * x0 + a11 * x1 + a12 * x2 + a13 * x3
        y[2, b] = c2 + a20 * x0 + a21 * x1 + a22 * x2 + a23 * x3
        y[3, b] = c3 + a30 * x0 + a31 * x1 + a32 * x2 + a33 * x3


@kernel
def set_4x4(a, j, x, y):
    """``y[i] = sum_p a[j + i, p] x[p]`` for i, p = 0..3."""
    a00, a01, a02, a03 = a[j, 0], a[j, 1], a[j, 2], a[j, 3]
    a10, a11, a12, a13 = a[j + 1, 0], a[j + 1, 1], a[j + 1, 2], a[j + 1, 3]
    a20, a21, a22, a23 = a[j + 2, 0], a[j + 2, 1], a[j + 2, 2], a[j + 2, 3]
    a30, a31, a32, a33 = a[j + 3, 0], a[j + 3, 1], a[j + 3, 2], a[j + 3, 3]
    for b in range(lanes(x)):
        x0, x1, x2, x3 = x[0, b], x[1, b], x[2, b], x[3, b]
        y[0, b] = a00 * x0 + a01 * x1 + a02 * x2 + a03 * x3
        y[1, b] = a10 * x0 + a11 * x1 + a12 * x2 + a13 * x3
        y[2, b] = a20 * x0 + a21 * x1 + a22 * x2 + a23 * x3
        y[3, b] = a30 * x0 + a31 * x1 + a32 * x2 + a33 * x3


@kernel
def tile_4x4(a, j, d, x, y):
    """``y[i] += sum_p a[j + i, d + p] x[d + p]`` for i, p = 0..3."""
    a00, a01, a02, a03 = a[j, d], a[j, d + 1], a[j, d + 2], a[j, d + 3]
    a10, a11, a12, a13 = a[j + 1, d], a[j + 1, d + 1], a[j + 1, d + 2], a[j + 1, d + 3]
    a20, a21, a22, a23 = a[j + 2, d], a[j + 2, d + 1], a[j + 2, d + 2], a[j + 2, d + 3]
    a30, a31, a32, a33 = a[j + 3, d], a[j + 3, d + 1], a[j + 3, d + 2], a[j + 3, d + 3]
    for b in range(lanes(x)):
        x0, x1, x2, x3 = x[d, b], x[d + 1, b], x[d + 2, b], x[d + 3, b]
        y[0, b] += a00 * x0 + a01 * x1 + a02 * x2 + a03 * x3
        y[1, b] += a10 * x0 + a11 * x1 + a12 * x2 + a13 * x3
        y[2, b] += a20 * x0 + a21 * x1 + a22 * x2 + a23 * x3
        y[3, b] += a30 * x0 + a31 * x1 + a32 * x2 + a33 * x3


@kernel
def finish_4(a, j, x, y, out):
    """Finish y with the diagonal triangle of rows j to j + 3 and subtract its squares from `out`."""
    a00, a10, a11 = a[j, j], a[j + 1, j], a[j + 1, j + 1]
    a20, a21, a22 = a[j + 2, j], a[j + 2, j + 1], a[j + 2, j + 2]
    a30, a31, a32, a33 = a[j + 3, j], a[j + 3, j + 1], a[j + 3, j + 2], a[j + 3, j + 3]
    for b in range(lanes(x)):
        x0, x1, x2, x3 = x[j, b], x[j + 1, b], x[j + 2, b], x[j + 3, b]
        y0 = y[0, b] + a00 * x0
        y1 = y[1, b] + a10 * x0 + a11 * x1
        y2 = y[2, b] + a20 * x0 + a21 * x1 + a22 * x2
        y3 = y[3, b] + a30 * x0 + a31 * x1 + a32 * x2 + a33 * x3
        out[b] -= (y0 * y0 + y1 * y1) + (y2 * y2 + y3 * y3)


@kernel
def second_4(a, offset, x, out):
    """Subtract ``|A x + offset|^2`` of rows 4 to 7 from `out`.

    The general tiles would store y and read it again: 3 % of a round of D = 8.
    """
    c0, c1, c2, c3 = offset[4], offset[5], offset[6], offset[7]
    a00, a01, a02, a03 = a[4, 0], a[4, 1], a[4, 2], a[4, 3]
    a10, a11, a12, a13 = a[5, 0], a[5, 1], a[5, 2], a[5, 3]
    a20, a21, a22, a23 = a[6, 0], a[6, 1], a[6, 2], a[6, 3]
    a30, a31, a32, a33 = a[7, 0], a[7, 1], a[7, 2], a[7, 3]
    b00, b10, b11 = a[4, 4], a[5, 4], a[5, 5]
    b20, b21, b22 = a[6, 4], a[6, 5], a[6, 6]
    b30, b31, b32, b33 = a[7, 4], a[7, 5], a[7, 6], a[7, 7]
    for b in range(lanes(x)):
        x0, x1, x2, x3 = x[0, b], x[1, b], x[2, b], x[3, b]
        y0 = c0 + a00 * x0 + a01 * x1 + a02 * x2 + a03 * x3
        y1 = c1 + a10 * x0 + a11 * x1 + a12 * x2 + a13 * x3
        y2 = c2 + a20 * x0 + a21 * x1 + a22 * x2 + a23 * x3
        y3 = c3 + a30 * x0 + a31 * x1 + a32 * x2 + a33 * x3
        x0, x1, x2, x3 = x[4, b], x[5, b], x[6, b], x[7, b]
        y0 += b00 * x0
        y1 += b10 * x0 + b11 * x1
        y2 += b20 * x0 + b21 * x1 + b22 * x2
        y3 += b30 * x0 + b31 * x1 + b32 * x2 + b33 * x3
        out[b] -= (y0 * y0 + y1 * y1) + (y2 * y2 + y3 * y3)


@kernel
def less_distance(constant, a, offset, x, y, out):
    """Write ``constant - |A x + offset|^2`` of each lane into `out` (B,), D >= 4; `y` (4, B) is scratch."""
    size = a.shape[0]
    first_4(constant, a, offset, x, out)
    whole = size - size % 4
    if whole > 4:
        second_4(a, offset, x, out)
    for j in range(8, whole, 4):
        start_4x4(a, j, offset, x, y)
        for d in range(4, j, 4):
            tile_4x4(a, j, d, x, y)
        finish_4(a, j, x, y, out)
    if size - whole == 2:
        if whole == 4:
            second_2(a, offset, x, out)
        else:
            start_2x4(a, whole, offset, x, y)
            for d in range(4, whole, 4):
                tile_2x4(a, whole, d, x, y)
            finish_2(a, whole, x, y, out)
    elif size > whole:
        if whole == 4:
            second_1(a, offset, x, out)
        else:
            start_1x4(a, whole, offset, x, y)
            for d in range(4, whole, 4):
                tile_1x4(a, whole, d, x, y)
            finish_1(a, whole, x, y, out)
