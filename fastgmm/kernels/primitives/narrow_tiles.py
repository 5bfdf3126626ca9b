"""The last one or two rows of the triangular product of ``tiles.py``."""

from ..._numba.options import kernel
from ..sizes import lanes


@kernel
def second_2(a, offset, x, out):
    """Subtract ``|A x + offset|^2`` of rows 4 and 5 from `out`, as ``second_4`` does for four."""
    c0, c1 = offset[4], offset[5]
    a00, a01, a02, a03, a04 = a[4, 0], a[4, 1], a[4, 2], a[4, 3], a[4, 4]
    a10, a11, a12, a13, a14, a15 = a[5, 0], a[5, 1], a[5, 2], a[5, 3], a[5, 4], a[5, 5]
    for b in range(lanes(x)):
        x0, x1, x2, x3, x4, x5 = x[0, b], x[1, b], x[2, b], x[3, b], x[4, b], x[5, b]
        y0 = c0 + a00 * x0 + a01 * x1 + a02 * x2 + a03 * x3 + a04 * x4
        y1 = c1 + a10 * x0 + a11 * x1 + a12 * x2 + a13 * x3 + a14 * x4 + a15 * x5
        out[b] -= y0 * y0 + y1 * y1


@kernel
def start_2x4(a, j, offset, x, y):
    """``y[i] = offset[j + i] + sum_p a[j + i, p] x[p]`` for i = 0, 1 and p = 0..3."""
    c0, c1 = offset[j], offset[j + 1]
    a00, a01, a02, a03 = a[j, 0], a[j, 1], a[j, 2], a[j, 3]
    a10, a11, a12, a13 = a[j + 1, 0], a[j + 1, 1], a[j + 1, 2], a[j + 1, 3]
    for b in range(lanes(x)):
        x0, x1, x2, x3 = x[0, b], x[1, b], x[2, b], x[3, b]
        y[0, b] = c0 + a00 * x0 + a01 * x1 + a02 * x2 + a03 * x3
        y[1, b] = c1 + a10 * x0 + a11 * x1 + a12 * x2 + a13 * x3


@kernel
def tile_2x4(a, j, d, x, y):
    """``y[i] += sum_p a[j + i, d + p] x[d + p]`` for i = 0, 1 and p = 0..3."""
    a00, a01, a02, a03 = a[j, d], a[j, d + 1], a[j, d + 2], a[j, d + 3]
    a10, a11, a12, a13 = a[j + 1, d], a[j + 1, d + 1], a[j + 1, d + 2], a[j + 1, d + 3]
    for b in range(lanes(x)):
        x0, x1, x2, x3 = x[d, b], x[d + 1, b], x[d + 2, b], x[d + 3, b]
        y[0, b] += a00 * x0 + a01 * x1 + a02 * x2 + a03 * x3
        y[1, b] += a10 * x0 + a11 * x1 + a12 * x2 + a13 * x3


@kernel
def finish_2(a, j, x, y, out):
    """Finish y with the diagonal triangle of rows j and j + 1 and subtract its squares from `out`."""
    a00, a10, a11 = a[j, j], a[j + 1, j], a[j + 1, j + 1]
    for b in range(lanes(x)):
        x0, x1 = x[j, b], x[j + 1, b]
        y0 = y[0, b] + a00 * x0
        y1 = y[1, b] + a10 * x0 + a11 * x1
        out[b] -= y0 * y0 + y1 * y1


@kernel
def second_1(a, offset, x, out):
    """Subtract ``(A x + offset)^2`` of row 4 from `out`."""
    c0, a00, a01, a02, a03, a04 = offset[4], a[4, 0], a[4, 1], a[4, 2], a[4, 3], a[4, 4]
    for b in range(lanes(x)):
        y0 = c0 + a00 * x[0, b] + a01 * x[1, b] + a02 * x[2, b] + a03 * x[3, b] + a04 * x[4, b]
        out[b] -= y0 * y0


@kernel
def start_1x4(a, j, offset, x, y):
    """``y[0] = offset[j] + sum_p a[j, p] x[p]`` for p = 0..3."""
    c0, a00, a01, a02, a03 = offset[j], a[j, 0], a[j, 1], a[j, 2], a[j, 3]
    for b in range(lanes(x)):
        y[0, b] = c0 + a00 * x[0, b] + a01 * x[1, b] + a02 * x[2, b] + a03 * x[3, b]


@kernel
def tile_1x4(a, j, d, x, y):
    """``y[0] += sum_p a[j, d + p] x[d + p]`` for p = 0..3."""
    a00, a01, a02, a03 = a[j, d], a[j, d + 1], a[j, d + 2], a[j, d + 3]
    for b in range(lanes(x)):
        y[0, b] += a00 * x[d, b] + a01 * x[d + 1, b] + a02 * x[d + 2, b] + a03 * x[d + 3, b]


@kernel
def finish_1(a, j, x, y, out):
    """Finish y with the last element of row j and subtract its square from `out`."""
    a00 = a[j, j]
    for b in range(lanes(x)):
        y0 = y[0, b] + a00 * x[j, b]
        out[b] -= y0 * y0
