"""Greedy k-means++ on the blocks of the mixture kernels: potentials of candidate centres, and the draw of a row.

Centres are given less an `origin`, as in ``kmeans.py``.

Reference: Arthur & Vassilvitskii (2007), k-means++: the advantages of careful seeding, SODA, 1027-1035.
"""

import numpy as np

from .._jit import driver, entry, exact, prange
from .blocks import buffer, lanes, load_block, new_block
from .distances import squared_distances


@entry
def potential_superblock(x, origin, centers, closest, weights, sums):
    """Take the first of `centers` (1 + L, D) as a centre of k-means++, the others as candidates for the next.

    `closest` (S,), squared distances of the rows to their nearest centre, takes the new one into account; `sums`
    (1 + L,) becomes its sum, and for each candidate the sum of min(closest, distance^2), each times the row's weight
    where `weights` (S,) has rows. To do so twice changes nothing.
    """
    block = new_block(x, x.shape[1])
    distances = buffer(x, centers.shape[0])
    held = buffer(x, 1)[0]
    sums[:] = 0.0
    for start in range(0, x.shape[0], lanes(x)):
        n_rows = min(lanes(x), x.shape[0] - start)
        load_block(x, start, n_rows, origin, block)
        nearest = closest[start : start + n_rows]
        squared_distances(block, centers, x.shape[1], distances)
        for b in range(n_rows):
            # Into another array: LLVM makes a slow masked store of a minimum that is stored where it was read.
            held[b] = min(nearest[b], distances[0, b])
        for b in range(n_rows):
            # A loop, because the check of an array assignment compiles two seconds of string formatting.
            nearest[b] = held[b]
        # The sum for the new centre is a minimum with the distances to it once more.
        for c in range(centers.shape[0]):
            total = 0.0
            if weights.shape[0] > 0:
                for b in range(n_rows):
                    total += weights[start + b] * min(held[b], distances[c, b])
            else:
                for b in range(n_rows):
                    total += min(held[b], distances[c, b])
            sums[c] += total


@driver
def potential_parallel(run, x, rows, origin, centers, closest, weights, sums):
    """Write the k-means++ potentials of each superblock, `sums` (S, 1 + L), in parallel.

    `run` is `potential_superblock`, `by_address`.
    """
    for s in prange(sums.shape[0]):
        a, b = s * rows, (s + 1) * rows
        run(x[a:b], origin, centers, closest[a:b], weights[a:b], sums[s])


@exact
def draw_superblock(uniform, sums):
    """Return a superblock drawn with probability proportional to `sums` (S,), -1 if they are zero, and a target.

    The target is what the running sum in the superblock has to exceed at the row drawn, see `draw_row`; `uniform` is
    from [0, 1).
    """
    total = 0.0
    for s in range(sums.shape[0]):
        total += sums[s]
    if not total > 0.0:
        return -1, total
    target = uniform * total
    drawn = 0
    for s in range(sums.shape[0]):
        # Rounding may leave the target a hair beyond the last superblock of positive sum.
        if sums[s] > 0.0:
            drawn = s
            if target < sums[s]:
                break
            target -= sums[s]
    return drawn, target


@exact
def draw_row(target, closest, weights):
    """Return the first row at which the running sum of `closest` (S,) exceeds `target`, else the last that adds.

    It is the sum of products where `weights` (S,) has rows.
    """
    last = 0
    before = 0.0
    for i in range(closest.shape[0]):
        share = closest[i] * weights[i] if weights.shape[0] > 0 else np.float64(closest[i])
        if share > 0.0:
            last = i
            before += share
            if before > target:
                break
    return last
