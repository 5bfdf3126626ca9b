"""How rows are cut, and how long what a pass leaves of them is.

* A *block* is the 256 rows (512 in single precision) whose features lie in one P x B buffer, features outer and
  rows inner, so that rows are the SIMD lanes and everything a block needs stays in the first or second cache level.
* A *superblock* is the unit of parallel work: a fixed number of rows, a function of the structure, K and D alone. It
  sums into a slab of its own. Slabs are folded into the accumulator in row order, so neither the number of
  threads nor the way the rows arrived changes a bit of the sums.

A slab, like the accumulator, is a float64 array whatever the rows are. Row k < K holds N_k, then what the structure
sums by component; row K holds the log-likelihood. Its pitch is a multiple of a cache line, which threads that write
neighbouring slabs so do not share. Not of two lines: folding reads all slabs again, and at D = 1 or 2 they would be
twice as long.
"""

from .._numba.options import replaces

# Rows in a block: 2 kB of each feature. Shorter loops pay for their start and for the sum over SIMD lanes at their
# end (45 to 115 cycles, as much as 40 to 100 rows of a register tile); longer ones leave the caches. One AVX2 core
# with 512 kB of second-level cache, nanoseconds per row and component for 64, 128, 256, 512 rows: D = 8 14.2, 12.8,
# 13.6, 13.3; D = 16 35, 32, 28, 29; D = 32 115, 91, 81, 81; D = 64 396, 321, 273, 296; D = 128 1492, 1160, 1099,
# 1159. Nowhere did fewer rows for large D win.
LANES_DOUBLE = 256
LANES_SINGLE = 512
# Lanes that count are summed in steps of this many (``blocks/significant.py``): two AVX-512 vectors of float64.
STEP = 16
# Rows in a superblock at most: `collect` multiplies one row sum per block before it takes a logarithm.
MAX_ROWS = 8192
# Multiply-adds of a superblock: about 5 microseconds with AVX-512, and beyond them 1024 rows up to 0.15 s, a block
# from there on. Compiled code cannot be interrupted, so the second bounds what Ctrl-C waits for. With four times as
# many a round of 2 features, K = 4 on two threads took 13 microseconds instead of 10 at 6000 rows, 34 instead of 30
# at 20000, and as long at a million.
SUPERBLOCK_WORK = 2**18
LONGEST_WORK = 3 * 10**9


def superblock_rows(multiply_adds: int, lanes_of_dtype: int = LANES_SINGLE) -> int:
    """Rows in a superblock, given the multiply-adds of a row: about `SUPERBLOCK_WORK`, but from 1024 to 8192 rows.

    Work of this length hides the fold of a slab, and leaves something to share out among threads at a few thousand
    rows. Only where 1024 rows would take more than `LONGEST_WORK` are there fewer, down to one block.
    """
    rows = MAX_ROWS
    while rows > 1024 and rows * multiply_adds > SUPERBLOCK_WORK:
        rows //= 2
    while rows > lanes_of_dtype and rows * multiply_adds > LONGEST_WORK:
        rows //= 2
    return rows


def slab_pitch(length: int) -> int:
    """Round the length of a component's sums up to 8 float64, which is a cache line."""
    return -(-length // 8) * 8


def tiled(n_features: int) -> int:
    """Return P, the features that the tiles of full covariances compute for D >= 4, and D = 1, 2, 3 are stored as.

    A single feature after whole tiles of four has tiles of its own: D = 5 is not computed as 6.
    """
    return n_features if n_features % 4 == 1 and n_features > 4 else n_features + n_features % 2


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
