"""k-means on the blocks of the mixture kernels: squared distances by differences, never by expansion.

|x|^2 - 2 x c + |c|^2 would be a matrix product, but it cancels for data far from the origin, and here the
start is a small part of a fit.
"""

import numpy as np

from .._jit import driver, kernel, prange
from .blocks import LANES, fold, load_block


@kernel
def squared_distances(block, lanes, center, out):
    """Write |x - center|^2 of each lane into ``out[:lanes]``."""
    for b in range(lanes):
        out[b] = 0.0
    for d in range(center.shape[0]):
        c = center[d]
        for b in range(lanes):
            z = block[d, b] - c
            out[b] += z * z


@kernel
def potential_superblock(x, candidates, closest, update, sums):
    """Write, for each candidate centre, the sum of min(closest, distance^2) over the rows into `sums` (L,).

    With `update` the one candidate becomes a centre and `closest` (S,) takes the minima.
    """
    block = np.empty((x.shape[1], LANES))
    distances = np.empty(LANES)
    sums[:] = 0.0
    for start in range(0, x.shape[0], LANES):
        n = min(LANES, x.shape[0] - start)
        load_block(x, start, n, block)
        nearest = closest[start : start + n]
        for c in range(candidates.shape[0]):
            squared_distances(block, n, candidates[c], distances)
            total = 0.0
            for b in range(n):
                total += min(nearest[b], distances[b])
            sums[c] += total
        if update:
            for b in range(n):
                nearest[b] = min(nearest[b], distances[b])


@kernel
def potential_serial(x, rows, candidates, closest, update, sums):
    """k-means++ potentials per superblock, `sums` (S, L)."""
    for s in range(sums.shape[0]):
        a, b = s * rows, (s + 1) * rows
        potential_superblock(x[a:b], candidates, closest[a:b], update, sums[s])


@driver
def potential_parallel(x, rows, candidates, closest, update, sums):
    """`potential_serial`, superblocks in parallel."""
    for s in prange(sums.shape[0]):
        a, b = s * rows, (s + 1) * rows
        potential_superblock(x[a:b], candidates, closest[a:b], update, sums[s])


@kernel
def lloyd_superblock(x, centers, labels, closest, slab):
    """Assign rows to their nearest centre and sum counts, x - centre and |x - centre|^2 by cluster.

    Row k of `slab` is (count, sums (D), sum of squares); `labels` and `closest` (S,) are written.
    """
    n_features = x.shape[1]
    block = np.empty((n_features, LANES))
    distances = np.empty(LANES)
    slab[:, :] = 0.0
    for start in range(0, x.shape[0], LANES):
        n = min(LANES, x.shape[0] - start)
        load_block(x, start, n, block)
        nearest = closest[start : start + n]
        label = labels[start : start + n]
        squared_distances(block, n, centers[0], nearest)
        label[:] = 0
        for k in range(1, centers.shape[0]):
            squared_distances(block, n, centers[k], distances)
            for b in range(n):
                nearer = distances[b] < nearest[b]
                label[b] = k if nearer else label[b]
                nearest[b] = distances[b] if nearer else nearest[b]
        for b in range(n):
            k = label[b]
            slab[k, 0] += 1.0
            for d in range(n_features):
                slab[k, 1 + d] += x[start + b, d] - centers[k, d]
            slab[k, 1 + n_features] += nearest[b]


@kernel
def lloyd_serial(x, rows, centers, labels, closest, slabs, accumulator):
    """One round of Lloyd's algorithm over superblocks; sums are folded into `accumulator`."""
    for s in range(slabs.shape[0]):
        a, b = s * rows, (s + 1) * rows
        lloyd_superblock(x[a:b], centers, labels[a:b], closest[a:b], slabs[s])
    fold(slabs, accumulator)


@driver
def lloyd_parallel(x, rows, centers, labels, closest, slabs, accumulator):
    """`lloyd_serial`, superblocks in parallel."""
    for s in prange(slabs.shape[0]):
        a, b = s * rows, (s + 1) * rows
        lloyd_superblock(x[a:b], centers, labels[a:b], closest[a:b], slabs[s])
    fold(slabs, accumulator)
