"""Rows into a block: features outer, rows inner."""

from ..._numba.options import entry, kernel, part
from ..._numba.width import wide_vectors
from ..sizes import lanes


@entry
def load_block(x, start, n_rows, scales, origin, block):
    """Transpose ``x[start:start + n_rows]`` times `scales`, less `origin`, into ``block[:D]``; other lanes get 0.

    The scales (D,) are powers of two, so that both orders of the two steps round alike, and this one overflows for no
    row of finite numbers.

    A value takes as long as 7 multiply-adds, 3 and 4 where the distance of rows is known to be 1 or 2; eight features
    together took 13, an explicit 4 x 4 transposition 8. One feature of 64 rows at a time: of all rows it was 27 at
    D = 64, where rows are a power of two apart and evict each other from the first-level cache, and 10 % slower at
    D = 8.

    Not put in line: a first fit with k-means would compile it five times, for 3 of 25 seconds, and a call a block
    costs nothing that could be measured.
    """
    wide_vectors()
    rows = x[start : start + n_rows]
    if x.shape[1] == 1:
        c0, o0 = scales[0], origin[0]
        for b in range(n_rows):
            block[0, b] = rows[b, 0] * c0 - o0
    elif x.shape[1] == 2:
        c0, c1, o0, o1 = scales[0], scales[1], origin[0], origin[1]
        for b in range(n_rows):
            block[0, b] = rows[b, 0] * c0 - o0
            block[1, b] = rows[b, 1] * c1 - o1
    elif x.shape[1] == 3:
        c0, c1, c2, o0, o1, o2 = scales[0], scales[1], scales[2], origin[0], origin[1], origin[2]
        for b in range(n_rows):
            block[0, b] = rows[b, 0] * c0 - o0
            block[1, b] = rows[b, 1] * c1 - o1
            block[2, b] = rows[b, 2] * c2 - o2
    else:
        for a in range(0, n_rows, 64):
            load_features(rows[a : a + 64], scales, origin, block[:, a:])
    clear_lanes(n_rows, block)


@kernel
def load_features(rows, scales, origin, block):
    """Transpose `rows` times `scales`, less `origin`, into `block`, one feature after another."""
    for d in range(rows.shape[1]):
        # Views, which spare every element the test of a negative index.
        values, out, c, o = rows[:, d], block[d], scales[d], origin[d]
        for b in range(rows.shape[0]):
            out[b] = values[b] * c - o


@kernel
def load_columns(values, start, n_rows, out):
    """Transpose rows ``values[start:start + n_rows]`` (N, K) into `out` (K, B); other lanes get 0."""
    rows = values[start : start + n_rows]
    for k in range(values.shape[1]):
        column, lane = rows[:, k], out[k]
        for b in range(n_rows):
            lane[b] = column[b]
    clear_lanes(n_rows, out)


@kernel
def clear_lanes(n_rows, block):
    """Set what lies beyond the last row of a block to 0."""
    for d in range(block.shape[0]):
        for b in range(n_rows, lanes(block)):
            block[d, b] = block.dtype.type(0.0)


@part
def clear(sums):
    """Set sums (R, pitch) to zero; an array assignment compiles code that checks shapes in each of its callers."""
    for k in range(sums.shape[0]):
        for i in range(sums.shape[1]):
            sums[k, i] = 0.0
