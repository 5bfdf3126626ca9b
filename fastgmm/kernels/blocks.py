"""How rows are cut, and where a pass leaves its sums.

* A *block* is the 256 rows whose features lie in one D x B buffer, features outer and rows inner, so
  that rows are the SIMD lanes and everything a block needs stays in the first or second cache level.
* A *superblock* is the unit of parallel work: a fixed number of rows, a function of D and K alone. It sums
  into a slab of its own. Slabs are folded into the accumulator in row order, so neither the number of
  threads nor the way the rows arrived changes a bit of the sums.

A slab, like the accumulator, is a ``(K + 1, pitch)`` array. Row k holds N_k, then the first moments, then
the second moments in whatever form the structure gives them; row K holds the log-likelihood. `pitch` is a
multiple of 128 bytes: threads that write neighbouring slabs share no cache line, nor a pair of lines that
the prefetcher moves together.
"""

from .._jit import kernel

# Rows are loaded eight features at a time: eight float64 are the cache line that a strided read pays for.
LINE = 8
# Rows in a block. Loops shorter than 128 pay for their ends, longer blocks leave the caches. One AVX2 core with
# 512 kB of second-level cache, nanoseconds per row and component for 64, 128, 256, 512 rows: D = 8 14.2, 12.8,
# 13.6, 13.3; D = 16 35, 32, 28, 29; D = 32 115, 91, 81, 81; D = 64 396, 321, 273, 296; D = 128 1492, 1160, 1099,
# 1159. Nowhere did fewer rows for large D win.
LANES = 256
# 32 blocks in a superblock at most: `posterior` multiplies one row sum per block before it takes a logarithm.
MAX_BLOCKS = 32


def superblock_rows(n_components: int, n_features: int) -> int:
    """Rows in a superblock: about 2^20 multiply-adds, but between 1024 rows and 32 blocks.

    Work of this length (about 100 microseconds) hides the start of a thread and the fold of a slab, and leaves
    hundreds of superblocks to share out among threads at a million rows.
    """
    rows = MAX_BLOCKS * LANES
    per_row = n_components * (n_features * (n_features + 3) + 32)
    while rows > 1024 and rows * per_row > 2**20:
        rows //= 2
    return rows


def slab_pitch(length: int) -> int:
    """Round the length of a component's sums up to 16 float64, which is 128 bytes."""
    return -(-length // 16) * 16


@kernel
def load_block(x, start, lanes, block):
    """Transpose rows ``x[start:start + lanes]`` (N, D) into ``block[:D, :lanes]``.

    Eight features at a time, and the rest one by one: an inner loop of variable length cost four times as much.
    """
    n_features = x.shape[1]
    whole = n_features - n_features % LINE
    for first in range(0, whole, LINE):
        for b in range(lanes):
            for d in range(LINE):
                block[first + d, b] = x[start + b, first + d]
    for d in range(whole, n_features):
        for b in range(lanes):
            block[d, b] = x[start + b, d]


@kernel
def fold(slabs, accumulator):
    """Add ``slabs`` (S, K + 1, pitch) to ``accumulator`` (K + 1, pitch) in row order, in place."""
    for s in range(slabs.shape[0]):
        for k in range(slabs.shape[1]):
            for i in range(slabs.shape[2]):
                accumulator[k, i] += slabs[s, k, i]
