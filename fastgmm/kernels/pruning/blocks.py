"""What a pruned pass does with a block beside densities and moments: its rows, and lists of components."""

import math

import numpy as np

from ..._numba.options import kernel, part, replaces
from ..blocks.limits import lowest
from ..sizes import lanes
from .bounds import LONGEST, ROUNDED_DOWN, SLOPE

# Odd numbers with bits all over, of Steele, Lea & Flood's SplitMix64.
SPREADING, PLACING = -0x40A7B892E31B1A47, -0x61C8864680B583EB


@part
def gather_rows(x, weights, order, window, start, n_rows, tile, row_weights):
    """Copy rows ``order[start:start + n_rows]`` and their weights, 1 without any; other lanes repeat the last row.

    So every lane bears on bounds as a row does. A repeated row has no weight.
    """
    base = start - start % window
    for b in range(tile.shape[0]):
        i = base + order[start + min(b, n_rows - 1)]
        for d in range(x.shape[1]):
            tile[b, d] = x[i, d]
        row_weights[b] = weights[i] if weights.shape[0] > 0 else 1.0
        if b >= n_rows:
            row_weights[b] = 0.0


def mark_of(words):
    """Return a number that tells `words` (W,) int64 from others, and from the same in another order.

    A sum, which needs no order, of what words and their places are mixed to. High bits come down first: products move
    them up only, and out, and of a number like 1.0 they are all there are. A product of a word and its place alone
    would not tell rows of a permutation from each other.
    """
    mixed = (words ^ (words >> 32)) * SPREADING + np.arange(len(words)) * PLACING
    return (mixed * (mixed >> 32)).sum()


@replaces(mark_of, "int64")
def _mark_of(words):
    mark = 0
    for i in range(words.shape[0]):
        mixed = (words[i] ^ (words[i] >> 32)) * SPREADING + i * PLACING
        mark += mixed * (mixed >> 32)
    return mark


@kernel
def move_lengths(lengths, shrink, shift):
    """Turn bounds (K,) under the model before into those under this one."""
    zero, longest = lengths.dtype.type(0.0), lengths.dtype.type(LONGEST)
    for k in range(lengths.shape[0]):
        lengths[k] = min(max(shrink[k] * lengths[k] - shift[k], zero), longest)


@part
def forget_lengths(lengths):
    """Let `lengths` (K,) bound nothing."""
    for k in range(lengths.shape[0]):
        lengths[k] = lengths.dtype.type(0.0)


@part
def take_labels(labels, start, n_rows, lengths, components):
    """List the labels of rows from `start` on in `components`; return how many they are; their bounds become -1."""
    n = 0
    for b in range(start, start + n_rows):
        k = labels[b]
        if k >= 0 and lengths[k] >= 0.0:
            lengths[k] = -1.0
            components[n] = k
            n += 1
    return n


@part
def take_near(lengths, limits, least, n, components):
    """List behind `n` components those whose bounds do not exclude them; return how many there are then."""
    for k in range(lengths.shape[0]):
        length = float(lengths[k])
        components[n] = k
        n += 1 if length >= 0.0 and SLOPE * length * length < limits[k] - 2.0 * least else 0
    return n


@kernel
def least_of(maxima, row_weights):
    """Return the least of `maxima` (B,) among rows with weight; of all if none has any."""
    high = maxima.dtype.type(math.inf)
    least = lightest = high
    for b in range(lanes(maxima)):
        value = maxima[b]
        lightest = min(lightest, value)
        least = min(least, value if row_weights[b] > 0.0 else high)
    return float(least if least < high else lightest)


@kernel
def take_counting(half_logs, maxima, constants, cuts, lengths, components):
    """Move together those of n components, (n, B) and in `components`, that count, and bound all of them anew.

    Returns how many count, and in how many rows.
    """
    kept = n_seen = 0
    for j in range(half_logs.shape[0]):
        k = components[j]
        values = half_logs[j]
        high = lowest(half_logs)
        cut = half_logs.dtype.type(cuts[k])
        seen = 0
        for b in range(lanes(half_logs)):
            high = max(high, values[b])
            seen += 1 if values[b] - maxima[b] > cut else 0
        square = float(constants[k]) - float(high)
        lengths[k] = min(math.sqrt(square) * ROUNDED_DOWN, LONGEST) if square > 0.0 else 0.0
        n_seen += seen
        if seen > 0:
            if kept < j:
                target = half_logs[kept]
                for b in range(lanes(half_logs)):
                    target[b] = values[b]
                components[kept] = k
            kept += 1
    return kept, n_seen


@kernel
def relabel(half_logs, maxima, components, start, n_rows, labels, index):
    """Write the first component that attains the maximum, of n (n, B), into `labels`; return how many changed."""
    for b in range(lanes(half_logs)):
        index[b] = 0
    for j in range(half_logs.shape[0] - 1, -1, -1):
        values = half_logs[j]
        for b in range(lanes(half_logs)):
            index[b] = j if values[b] == maxima[b] else index[b]
    moved = 0
    for b in range(n_rows):
        k = components[index[b]]
        moved += 1 if labels[start + b] != k else 0
        labels[start + b] = k
    return moved
