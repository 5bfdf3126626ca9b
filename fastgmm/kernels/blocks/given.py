"""What stands in for the E step: responsibilities or labels that are given."""

from ..._numba.options import kernel, part
from ..sizes import lanes
from .loading import clear_lanes, load_columns
from .posterior import multiply, take_roots


@part
def load_memberships(rows, start, n_rows, roots, scales):
    """Stand in for the E step: square roots of responsibilities into `roots` (K, B), and what to multiply by.

    Not put in line: a fit does one or two passes of this, and every pass that held it compiled half a second longer.
    """
    if rows.responsibilities.shape[0] > 0:
        load_given(rows.responsibilities, start, n_rows, roots, scales)
    else:
        load_labels(rows.labels, start, n_rows, roots, scales)
    if rows.weights.shape[0] > 0:
        multiply(scales, rows.weights, start, n_rows)


@kernel
def load_given(given, start, n_rows, roots, scales):
    """Stand in for the E step: square roots of the responsibilities ``given[start:start + n_rows]`` (N, K)."""
    load_columns(given, start, n_rows, roots)
    for k in range(roots.shape[0]):
        take_roots(roots[k])
    for b in range(lanes(scales)):
        scales[b] = roots.dtype.type(1.0)


@kernel
def load_labels(labels, start, n_rows, roots, scales):
    """Stand in for the E step: row b belongs to component ``labels[start + b]`` alone.

    Of a slice, which LLVM loads and does not gather; nobody counts references to what is behind a context.
    """
    own = labels[start : start + n_rows]
    one, zero = roots.dtype.type(1.0), roots.dtype.type(0.0)
    for k in range(roots.shape[0]):
        lane = roots[k]
        for b in range(n_rows):
            lane[b] = one if own[b] == k else zero
    clear_lanes(n_rows, roots)
    for b in range(lanes(scales)):
        scales[b] = one
