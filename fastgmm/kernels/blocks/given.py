"""What stands in for the E step: responsibilities or labels that are given."""

from ..._numba.options import kernel
from .loading import clear_lanes, load_columns
from .posterior import take_roots


@kernel
def load_given(given, start, n_rows, roots, scales):
    """Stand in for the E step: square roots of the responsibilities ``given[start:start + n_rows]`` (N, K)."""
    load_columns(given, start, n_rows, roots)
    for k in range(roots.shape[0]):
        take_roots(roots[k])
    scales[:] = roots.dtype.type(1.0)


@kernel
def load_labels(labels, start, n_rows, roots, scales):
    """Stand in for the E step: row b belongs to component ``labels[start + b]`` alone.

    By index and not by a slice: a slice of an array that threads share is counted up and down atomically, block by
    block, even where this is not called. Two threads were no faster than one at D = 1 by it.
    """
    one, zero = roots.dtype.type(1.0), roots.dtype.type(0.0)
    for k in range(roots.shape[0]):
        lane = roots[k]
        for b in range(n_rows):
            lane[b] = one if labels[start + b] == k else zero
    clear_lanes(n_rows, roots)
    scales[:] = one
