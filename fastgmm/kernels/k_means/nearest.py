"""The two passes of a round that looks at near centres only: rows in the order of their labels, and in their own."""

import math

import numpy as np

from ..._numba.options import kernel, task
from ..._numba.pointers import member, read_only, view
from ..._numba.width import wide_vectors
from ..blocks.loading import clear, load_block
from ..blocks.posterior import multiply
from ..primitives.distances import squared_distances
from ..sizes import lanes
from ..slots import AIM, FAR
from ..work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, ZERO, X
from .lloyd import add_by_cluster, add_by_weight
from .near import EVALUATED, LONGEST, MOVED, NEAR, bound_by_centers, gather, list_near, list_own, move_lengths

# Blocks in an item: enough for counts of its own, few enough that workers end together.
BLOCKS = 16


@kernel
def halved(values, spare, is_largest):
    """Return the largest of `values` (B,), or the least; `spare` (2, B) is scratch.

    By halves: LLVM makes one comparison after another of a loop over all.
    """
    size = lanes(values) // 2
    one, other = spare[0], spare[1]
    for b in range(size):
        p, q = values[b], values[size + b]
        one[b] = max(p, q) if is_largest else min(p, q)
    while size > 16:
        size //= 2
        for b in range(size):
            p, q = one[b], one[size + b]
            other[b] = max(p, q) if is_largest else min(p, q)
        one, other = other, one
    found = one[0]
    for b in range(1, size):
        found = max(found, one[b]) if is_largest else min(found, one[b])
    return float(found)


@kernel
def nearer_of_any(distances, k, old, old_label, new, new_label):
    """Do what `nearer` of ``lloyd.py`` does for centres in any order: of those as near the first is taken."""
    for b in range(lanes(distances)):
        distance, other, other_label = distances[b], old[b], old_label[b]
        closer = (distance < other) | ((distance == other) & (k < other_label))
        new[b] = distance if closer else other
        new_label[b] = k if closer else other_label


@kernel
def look_at(block, centers, n_features, listed, pair, fresh, kept, scratch, spare):
    """Take the centres `listed` (n,) into account, and write bounds of their distances into `fresh` (n,).

    The first rows of `scratch` (6, B) are nearest distances and labels so far; the others are room for the next of
    these and for distances, and so is `spare` (2, B).
    """
    distances = scratch[4:6]
    here, here_label, there, there_label = scratch[0], scratch[1], scratch[2], scratch[3]
    for j in range(0, listed.shape[0], 2):
        n = min(2, listed.shape[0] - j)
        for i in range(n):
            for d in range(centers.shape[1]):
                pair[i, d] = centers[listed[j + i], d]
        squared_distances(block, pair[:n], n_features, distances)
        for i in range(n):
            fresh[j + i] = min(math.sqrt(halved(distances[i], spare, False)) * kept, LONGEST)
        nearer_of_any(distances[0], block.dtype.type(listed[j]), here, here_label, there, there_label)
        if n == 2:
            nearer_of_any(distances[1], block.dtype.type(listed[j + 1]), there, there_label, here, here_label)
        else:
            for b in range(lanes(block)):
                here[b] = there[b]
            for b in range(lanes(block)):
                here_label[b] = there_label[b]


@task
def find_nearest(context, worker, first, end):
    """Task: write label and squared distance of the nearest centre of each row, of `BLOCKS` blocks an item."""
    wide_vectors()
    x, rows, model = member(context, X), member(context, ROWS), member(context, MODEL)
    scratch, near = member(context, SCRATCH), member(context, NEAR)
    if scratch.block.shape[2] != lanes(x) or scratch.spare.shape[2] != lanes(x) or near.tile.shape[1] != lanes(x):
        return WRONG_SCRATCH
    block, spare, centers = scratch.block[worker], scratch.spare[worker], model.means
    n_components, n_features = centers.shape
    tile, pair, listed = near.tile[worker], near.pair[worker], near.listed[worker]
    fresh, reach, halves = near.fresh[worker], near.reach[worker], near.halves[worker]
    order, own, kept = near.order, near.labels, near.kept[0]
    for s in range(first, end):
        evaluated = moved = 0
        stop = min((s + 1) * BLOCKS * lanes(x), x.shape[0])
        for start in range(s * BLOCKS * lanes(x), stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            gather(x, order, start, n_rows, tile)
            load_block(read_only(tile), ZERO, lanes(x), model.scales, model.origin, block)
            lengths = near.lengths[start // lanes(x)]
            if near.apart.shape[0] == 0:
                move_lengths(lengths, near.shift)
            else:
                for k in range(n_components):
                    lengths[k] = lengths.dtype.type(0.0)
            nearest, label = spare[0], spare[1]
            for b in range(lanes(x)):
                nearest[b] = block.dtype.type(np.inf)
                label[b] = block.dtype.type(n_components)
            n_own = list_own(own, start, n_rows, lengths, listed)
            look_at(block, centers, n_features, listed[:n_own], pair, fresh[:n_own], kept, spare, halves)
            if near.apart.shape[0] > 0:
                bound_by_centers(near.apart, nearest, label, kept, lengths, listed[:n_own], reach)
            n = list_near(lengths, math.sqrt(halved(nearest, halves, True)) / kept, n_own, listed)
            look_at(block, centers, n_features, listed[n_own:n], pair, fresh[n_own:n], kept, spare, halves)
            for j in range(n):
                lengths[listed[j]] = fresh[j]
            evaluated += n
            for b in range(n_rows):
                i, k = order[start + b], np.int32(label[b])
                moved += 1 if own[start + b] != k else 0
                own[start + b] = k
                rows.labels[i] = np.int64(k)
                rows.values[i] = nearest[b]
        near.counts[s, EVALUATED], near.counts[s, MOVED] = evaluated, moved
    return OK


@task
def add_nearest(context, worker, first, end):
    """Task: do what `lloyd` does for superblocks of rows whose labels and distances are known."""
    wide_vectors()
    x, rows, model, scratch, sums = (
        member(context, X),
        member(context, ROWS),
        member(context, MODEL),
        member(context, SCRATCH),
        member(context, SUMS),
    )
    scales, origin, weights, centers = model.scales, model.origin, rows.weights, model.means
    nearest, label = scratch.spare[worker, 0], scratch.spare[worker, 1]
    if nearest.shape[0] != lanes(x):
        return WRONG_SCRATCH
    n_components, n_features = centers.shape
    aim = view(context, STATE).counts[AIM]
    for s in range(first, end):
        slab = sums.slabs[s % sums.slabs.shape[0]]
        clear(slab)
        stop = min((s + 1) * sums.rows, x.shape[0])
        for start in range(s * sums.rows, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            for b in range(n_rows):
                nearest[b] = rows.values[start + b]
            for b in range(n_rows):
                label[b] = rows.labels[start + b]
            if weights.shape[0] > 0:
                multiply(nearest, weights, start, n_rows)
            total = nearest.dtype.type(0)
            for b in range(n_rows):
                total += nearest[b]
            slab[n_components, 0] += total
            if aim == FAR:
                for b in range(n_rows):
                    rows.values[start + b] = nearest[b]
            if weights.shape[0] > 0:
                add_by_weight(x, start, n_rows, scales, origin, label, weights, slab)
            else:
                add_by_cluster(x, start, n_rows, scales, origin, label, slab)
        for k in range(n_components):
            for d in range(n_features):
                slab[k, 1 + d] -= slab[k, 0] * float(centers[k, d])
    return OK
