"""Ask for the rows of the next block while a block is at work.

A block is read in a burst, and then for some microseconds nothing is: no stream that the processor would run ahead
of. One core of a Zen 5 waited 850 ns for the 256 x 8 values of a block that came from memory, in a pass of 4000 to
6500. It is asked for a few lines at a time, because the processor drops what it has no room for: of bursts of 16
lines it took all, of 32 three quarters, of 64 less than half. Rows of D = 1 come fast enough: 2 % slower with it.
"""

from ..._numba.options import JIT_ENABLED, kernel
from ..._numba.width import prefetch
from ..sizes import lanes

LINE = 64


@kernel
def rows_ahead(x, start, n_parts):
    """Return what `fetch` takes to ask for the block of rows from `start` on, in so many parts.

    Its address, the bytes of a part, a cache line at least, and of all of a piece, the pieces and how far they are
    apart: rows in C order are one piece, in Fortran order one a feature. There is nothing to fetch of other layouts,
    some columns of a wider array among them, nor beyond the last row.
    """
    n_rows = min(lanes(x), x.shape[0] - start)
    if JIT_ENABLED and n_rows > 0:
        if x.strides[1] == x.itemsize and x.strides[0] == x.shape[1] * x.itemsize:
            n_bytes = n_rows * x.strides[0]
            return x.ctypes.data + start * x.strides[0], max(LINE, -(-n_bytes // n_parts)), n_bytes, 1, 0
        if x.strides[0] == x.itemsize:
            n_bytes = n_rows * x.itemsize
            size = max(LINE, -(-n_bytes // n_parts))
            return x.ctypes.data + start * x.itemsize, size, n_bytes, x.shape[1], x.strides[1]
    return 0, 0, 0, 0, 0


@kernel
def fetch(ahead, part):
    """Ask for one of the parts of what `rows_ahead` returned."""
    address, size, n_bytes, n_pieces, pitch = ahead
    for piece in range(n_pieces):
        for place in range(part * size, min((part + 1) * size, n_bytes), LINE):
            prefetch(address + piece * pitch + place)
