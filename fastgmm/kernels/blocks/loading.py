"""Rows into a block: features outer, rows inner."""

from ..._numba.options import JIT_ENABLED, entry, kernel, part
from ..._numba.width import VECTOR_BYTES, transpose_four, wide_vectors
from ..sizes import STEP

# Rows that are transposed before the next features of them are, see `load_block`.
PIECE = 64


@entry
def load_block(x, start, n_rows, scales, origin, block):
    """Transpose ``x[start:start + n_rows]`` times `scales`, less `origin`, into ``block[:D]``; other lanes get 0.

    The scales (D,) are powers of two, so that both orders of the two steps round alike, and this one overflows for no
    row of finite numbers.

    Four features or more of rows in one piece are transposed in registers. One Zen 5 core, nanoseconds of a block of
    256 rows so and value by value: D = 4 138 and 300, D = 5 210 and 356, D = 8 235 and 558, D = 16 563 and 1094, D =
    64 2310 and 4588; of 512 rows in single precision D = 8 419 and 1068, D = 32 1670 and 4157. Where the distance of
    rows is known to be 1, 2 or 3, LLVM makes as good code of a loop: D = 1 66, D = 2 76, D = 3 97.

    64 rows at a time: of all rows D = 64 took 4497, where rows are a power of two apart and evict each other from
    the first-level cache.

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
        whole = 0
        if JIT_ENABLED and x.strides[1] == x.itemsize:
            whole = n_rows - n_rows % (VECTOR_BYTES // x.itemsize)
            transpose(rows, whole, scales, origin, block)
        for a in range(whole, n_rows, PIECE):
            load_features(rows[a : a + PIECE], scales, origin, block[:, a:])
    clear_lanes(n_rows, block)


@kernel
def load_line(x, start, n_rows, scales, origin, block):
    """Do what `load_block` does for one feature, in line; only lanes up to the end of a step (`STEP`) get 0.

    Of a block of 200 rows the call takes longer than the rows: 51 nanoseconds, and 20 in line, on one AMD Zen 4 core.
    """
    rows, line, c0, o0 = x[start : start + n_rows], block[0], scales[0], origin[0]
    for b in range(n_rows):
        line[b] = rows[b, 0] * c0 - o0
    clear_lanes(n_rows, block[:1, : STEP * -(-n_rows // STEP)])


@kernel
def transpose(rows, n_rows, scales, origin, block):
    """Do what `load_features` does for the first `n_rows` of C-contiguous rows of at least four features.

    `n_rows` is a multiple of what a vector holds.
    """
    n_features, itemsize = rows.shape[1], rows.itemsize
    pitch, block_pitch = rows.strides[0], block.strides[0]
    source, target = rows.ctypes.data, block.ctypes.data
    for a in range(0, n_rows, PIECE):
        for first in range(0, n_features, 4):
            # Where D is no multiple of four the last four overlap those before, and write the same once more.
            d = min(first, n_features - 4)
            factors = scales[d], scales[d + 1], scales[d + 2], scales[d + 3]
            offsets = origin[d], origin[d + 1], origin[d + 2], origin[d + 3]
            for b in range(a, min(a + PIECE, n_rows), VECTOR_BYTES // itemsize):
                read, written = source + b * pitch + d * itemsize, target + d * block_pitch + b * itemsize
                transpose_four(read, pitch, factors, offsets, written, block_pitch)


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
    """Set what lies beyond the last row of a block to 0.

    In views, whose indices begin at 0: from a number of rows on, LLVM scatters them, because that might be negative,
    which took half of the time of a block of 200 x 1.
    """
    for d in range(block.shape[0]):
        beyond = block[d][n_rows:]
        for b in range(beyond.shape[0]):
            beyond[b] = block.dtype.type(0.0)


@part
def clear(sums):
    """Set sums (R, pitch) to zero; an array assignment compiles code that checks shapes in each of its callers."""
    for k in range(sums.shape[0]):
        for i in range(sums.shape[1]):
            sums[k, i] = 0.0
