"""How rows are cut, and where a pass leaves its sums.

* A *block* is the 256 rows (512 in single precision) whose features lie in one P x B buffer, features outer and
  rows inner, so that rows are the SIMD lanes and everything a block needs stays in the first or second cache level.
* A *superblock* is the unit of parallel work: a fixed number of rows, a function of the structure, K and D alone. It
  sums into a slab of its own. Slabs are folded into the accumulator in row order, so neither the number of
  threads nor the way the rows arrived changes a bit of the sums.

A slab, like the accumulator, is a float64 array whatever the rows are. Row k < K holds N_k, then what the structure
sums by component; row K holds the log-likelihood. Its pitch is a multiple of 128 bytes: threads that write
neighbouring slabs share no cache line, nor a pair of lines that the prefetcher moves together.
"""

import numpy as np

from .._jit import entry, kernel, replaces

# Rows in a block: 2 kB of each feature. Shorter loops pay for their start and for the sum over SIMD lanes at their
# end (45 to 115 cycles, as much as 40 to 100 rows of a register tile); longer ones leave the caches. One AVX2 core
# with 512 kB of second-level cache, nanoseconds per row and component for 64, 128, 256, 512 rows: D = 8 14.2, 12.8,
# 13.6, 13.3; D = 16 35, 32, 28, 29; D = 32 115, 91, 81, 81; D = 64 396, 321, 273, 296; D = 128 1492, 1160, 1099,
# 1159. Nowhere did fewer rows for large D win.
LANES_DOUBLE = 256
LANES_SINGLE = 512
# Lanes that count are summed in steps of this many (``significant.py``): two AVX-512 vectors of float64.
STEP = 16
# Rows in a superblock at most: `posterior` multiplies one row sum per block before it takes a logarithm.
MAX_ROWS = 8192


def superblock_rows(multiply_adds: int) -> int:
    """Rows in a superblock: about 2^20 multiply-adds, given those of a row, but between 1024 and 8192 rows.

    Work of this length (about 100 microseconds) hides the start of a thread and the fold of a slab, and leaves
    hundreds of superblocks to share out among threads at a million rows.
    """
    rows = MAX_ROWS
    while rows > 1024 and rows * multiply_adds > 2**20:
        rows //= 2
    return rows


def slab_pitch(length: int) -> int:
    """Round the length of a component's sums up to 16 float64, which is 128 bytes."""
    return -(-length // 16) * 16


def lanes(array):
    """Rows in a block of the dtype of `array`.

    Compiled it is a constant, which spares every loop over a block the code for an odd end: a tile of 2 x 4
    multiply-adds went from 0.72 to 0.79 of the peak by it.
    """
    return LANES_SINGLE if array.itemsize == 4 else LANES_DOUBLE


@replaces(lanes, "float64")
def _lanes_double(array):
    return 256


@replaces(lanes, "float32")
def _lanes_single(array):
    return 512


@entry
def load_block(x, start, n_rows, origin, block):
    """Transpose rows ``x[start:start + n_rows]`` (N, D), less `origin` (D,), into ``block[:D]``; other lanes get 0.

    A value takes as long as 7 multiply-adds, 3 and 4 where the distance of rows is known to be 1 or 2; eight features
    together took 13, an explicit 4 x 4 transposition 8. One feature of 64 rows at a time: of all rows it was 27 at
    D = 64, where rows are a power of two apart and evict each other from the first-level cache, and 10 % slower at
    D = 8.

    Not put in line: a first fit with k-means would compile it five times, for 3 of 25 seconds, and a call a block
    costs nothing that could be measured.
    """
    rows = x[start : start + n_rows]
    if x.shape[1] == 1:
        for b in range(n_rows):
            block[0, b] = rows[b, 0] - origin[0]
    elif x.shape[1] == 2:
        for b in range(n_rows):
            block[0, b] = rows[b, 0] - origin[0]
            block[1, b] = rows[b, 1] - origin[1]
    elif x.shape[1] == 3:
        for b in range(n_rows):
            block[0, b] = rows[b, 0] - origin[0]
            block[1, b] = rows[b, 1] - origin[1]
            block[2, b] = rows[b, 2] - origin[2]
    else:
        for a in range(0, n_rows, 64):
            load_features(rows[a : a + 64], origin, block[:, a:])
    clear_lanes(n_rows, block)


@kernel
def load_features(rows, origin, block):
    """Transpose `rows`, less `origin`, into `block`, one feature after another."""
    for d in range(rows.shape[1]):
        # Views, which spare every element the test of a negative index.
        values, out, o = rows[:, d], block[d], origin[d]
        for b in range(rows.shape[0]):
            out[b] = values[b] - o


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


@kernel
def buffer(x, n_rows):
    """Return an array (n_rows, B) in the dtype of `x`; it is not filled."""
    return np.empty((n_rows, lanes(x)), x.dtype)


@kernel
def new_block(x, n_rows):
    """Return a `buffer` of zeros: `load_block` does not write the rows that pad the features."""
    return np.zeros((n_rows, lanes(x)), x.dtype)


@entry
def fold(slabs, accumulator):
    """Add ``slabs`` (S, K + 1, pitch) to ``accumulator`` (K + 1, pitch) in row order, in place."""
    for s in range(slabs.shape[0]):
        for k in range(slabs.shape[1]):
            for i in range(slabs.shape[2]):
                accumulator[k, i] += slabs[s, k, i]
