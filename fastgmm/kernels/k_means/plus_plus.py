"""Greedy k-means++ on the blocks of the mixture kernels: potentials of candidate centres, and the draw of a row.

Lengths and centres as in ``lloyd.py``.

Reference: Arthur & Vassilvitskii (2007), k-means++: the advantages of careful seeding, SODA, 1027-1035.
"""

import math

import numpy as np

from ..._numba.options import kernel, part, task
from ..._numba.pointers import member, view
from ..._numba.width import wide_vectors
from ..blocks.loading import load_block
from ..primitives.distances import squared_distances
from ..sizes import lanes
from ..slots import LIVE
from ..work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, X

# Rows whose sum is looked at before they are.
GROUP = 16


@task
def potential(context, worker, first, end):
    """Task: take the first of the centres (1 + L, D) as one of k-means++, the others as candidates for the next.

    ``rows.values``, squared distances of the rows to their nearest centre, take the new one into account; row 0 of a
    slab becomes their sum, and for each candidate the sum of min(closest, distance^2), each times the row's weight
    where there are weights. To do so twice changes nothing.
    """
    wide_vectors()
    x, rows, model, scratch, sums = (
        member(context, X),
        member(context, ROWS),
        member(context, MODEL),
        member(context, SCRATCH),
        member(context, SUMS),
    )
    if scratch.block.shape[2] != lanes(x) or scratch.spare.shape[2] != lanes(x):
        return WRONG_SCRATCH
    centers = model.means[: view(context, STATE).counts[LIVE]]
    block, closest, weights = scratch.block[worker], rows.values, rows.weights
    distances, held = scratch.spare[worker, 1:], scratch.spare[worker, 0]
    for s in range(first, end):
        out = sums.slabs[s, 0]
        for c in range(centers.shape[0]):
            out[c] = 0.0
        stop = min((s + 1) * sums.rows, x.shape[0])
        for start in range(s * sums.rows, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            load_block(x, start, n_rows, model.scales, model.origin, block)
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
                out[c] += add_nearest(held, distances[c], weights, start, n_rows)
    return OK


@kernel
def add_nearest(held, distances, weights, start, n_rows):
    """Return the sum of the smaller of `held` (B,) and `distances` (B,), each times its weight where there are."""
    total = 0.0
    if weights.shape[0] > 0:
        for b in range(n_rows):
            total += weights[start + b] * min(held[b], distances[b])
    else:
        for b in range(n_rows):
            total += min(held[b], distances[b])
    return total


@part
def take_rows(context, chosen):
    """Make the rows `chosen` the centres of the model, less the first of them, the origin."""
    x, model = member(context, X), view(context, MODEL)
    for d in range(x.shape[1]):
        model.origin[d] = x[chosen[0], d] * model.scales[d]
        for c in range(chosen.shape[0]):
            model.means[c, d] = float(x[chosen[c], d] * model.scales[d]) - float(model.origin[d])


@part
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


@part
def draw_row(target, closest, weights):
    """Return the first row at which the running sum of `closest` (S,) exceeds `target`, else the last that adds.

    It is the sum of products where `weights` (S,) has rows. `GROUP` rows are summed by themselves: additions one
    after the other would wait for each other, 0.2 microseconds of 200 rows.
    """
    last = start = 0
    before, reached = 0.0, False
    while start < closest.shape[0] and not reached:
        total = 0.0
        for i in range(start, min(start + GROUP, closest.shape[0])):
            total += closest[i] * weights[i] if weights.shape[0] > 0 else np.float64(closest[i])
        reached = before + total > target
        if total > 0.0:
            last = start
        if not reached:
            before += total
        start += GROUP
    if not reached:
        before = -math.inf
    row = start = last
    for i in range(start, min(start + GROUP, closest.shape[0])):
        share = closest[i] * weights[i] if weights.shape[0] > 0 else np.float64(closest[i])
        if share > 0.0:
            row = i
            before += share
            if before > target:
                break
    return row


@part
def fill_chosen(chosen, n_chosen, weights):
    """Complete `chosen` (K,) by the first rows that are not in it yet and, where there are weights, have one.

    There must be K such rows.
    """
    row = 0
    for k in range(n_chosen, chosen.shape[0]):
        fresh = False
        while not fresh:
            fresh = weights.shape[0] == 0 or weights[row] > 0.0
            for j in range(k):
                if chosen[j] == row:
                    fresh = False
            if not fresh:
                row += 1
        chosen[k] = row
