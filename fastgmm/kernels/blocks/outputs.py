"""What is told of each row: its label, its log-density, its responsibilities."""

import math

import numpy as np

from ..._numba.options import kernel
from ..sizes import lanes

# Above the numbers of all components.
MOST = np.int64(2**62)


@kernel
def store(values, out):
    """Write as many of `values` as `out` has room for, in its dtype; of a slice nothing is scattered."""
    for b in range(out.shape[0]):
        out[b] = out.dtype.type(values[b])


@kernel
def store_labels(half_logs, n_rows, maxima, labels):
    """Write the first component that attains the maximum into ``labels[:n_rows]``, -1 where none does."""
    for b in range(n_rows):
        labels[b] = -1
    for k in range(half_logs.shape[0] - 1, -1, -1):
        for b in range(n_rows):
            if half_logs[k, b] == maxima[b]:
                labels[b] = k


@kernel
def store_first(half_logs, n_rows, maxima, components, index, labels, order):
    """Write the first component that attains the maximum into the `labels` of rows `order`, -1 where none does.

    Returns in how many rows none does.
    """
    for b in range(lanes(half_logs)):
        index[b] = MOST
    for j in range(half_logs.shape[0]):
        k, values = components[j], half_logs[j]
        for b in range(lanes(half_logs)):
            index[b] = k if (values[b] == maxima[b]) & (k < index[b]) else index[b]
    n_far = 0
    for b in range(n_rows):
        n_far += 1 if index[b] == MOST else 0
        labels[order[b]] = -1 if index[b] == MOST else index[b]
    return n_far


@kernel
def store_log_density(n_rows, maxima, sums, shift, out):
    """Write m + log s + `shift` into ``out[:n_rows]``, -inf for a row without any density."""
    for b in range(n_rows):
        out[b] = shift + 2.0 * maxima[b] + math.log(sums[b]) if sums[b] > 0.0 else -math.inf


@kernel
def store_responsibilities(roots, n_rows, sums, out):
    """Write exp(l - m) / s, transposed, into ``out[:n_rows]`` (B, K); 0 for a row without any density."""
    zero, one = roots.dtype.type(0.0), roots.dtype.type(1.0)
    for b in range(n_rows):
        there = sums[b] > zero
        scale = one / sums[b] if there else zero
        for k in range(roots.shape[0]):
            out[b, k] = roots[k, b] * roots[k, b] * scale if there else zero
