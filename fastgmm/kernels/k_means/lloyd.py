"""Lloyd's rounds on the blocks of the mixture kernels: squared distances by differences, never by expansion.

All lengths are in the units of the model, the same power of two for every feature; centres are given less an origin.
"""

import numpy as np

from ..._numba.options import kernel, task
from ..._numba.pointers import member, view
from ..._numba.width import wide_vectors
from ..blocks.loading import clear, load_block
from ..blocks.outputs import store
from ..blocks.posterior import multiply
from ..primitives.distances import squared_distances
from ..sizes import lanes
from ..slots import AIM, ASSIGN, FAR, LABEL
from ..work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, X
from .centers import from_origin_to_centers

# What ends the rounds: so many of them, or scikit-learn's squared shift of the centres, in mean variances. Where
# clusters overlap that takes 50 to 190 rounds, 0.2 to 0.45 of the time of a round of EM each; those after the
# twentieth find 0.4 to 2 hundredths of the sum of squares, and docs/speed.md has what EM reaches without them.
MOST_ROUNDS = 20
LLOYD_TOLERANCE = 1e-4
# Up to so many clusters times features, sums by mask. Nanoseconds a row of a round by mask and by cluster on one AVX2
# core: D = 2, K = 4 3.8 and 8.8; D = 4, K = 8 11.9 and 14.5; D = 8, K = 8 21.3 and 18.7.
MASKED = 32
# Rows of scratch.
SPARE = 6


@kernel
def nearer(block, centers, k, n_features, distances, old, old_label, new, new_label):
    """Write the smallest of `old` and the squared distances to centres `k` and ``k + 1``, and the index of that.

    Two at a time, which takes the memory half as often. Everything is read before the choice, and nothing written
    where it was read: otherwise LLVM makes masked loads and stores of it, four times as slow on an AMD Zen 3. Of two
    features, distances are not written at all.
    """
    j = min(k + 1, centers.shape[0] - 1)  # where there is no other, the same again
    first, second = block.dtype.type(k), block.dtype.type(j)
    if n_features == 2:
        m0, m1, n0, n1 = centers[k, 0], centers[k, 1], centers[j, 0], centers[j, 1]
        for b in range(lanes(block)):
            x0, x1, least, label = block[0, b], block[1, b], old[b], old_label[b]
            y0, y1, z0, z1 = x0 - m0, x1 - m1, x0 - n0, x1 - n1
            distance, other_distance = y0 * y0 + y1 * y1, z0 * z0 + z1 * z1
            closer = distance < least
            least, label = distance if closer else least, first if closer else label
            closer = other_distance < least
            new[b] = other_distance if closer else least
            new_label[b] = second if closer else label
        return
    if k + 1 == centers.shape[0]:
        for b in range(lanes(block)):
            distances[1, b] = block.dtype.type(np.inf)
    squared_distances(block, centers[k : k + 2], n_features, distances)
    for b in range(lanes(block)):
        distance, other_distance, least, label = distances[0, b], distances[1, b], old[b], old_label[b]
        closer = distance < least
        least, label = distance if closer else least, first if closer else label
        closer = other_distance < least
        new[b] = other_distance if closer else least
        new_label[b] = second if closer else label


@kernel
def assign(block, centers, n_features, scratch):
    """Return the squared distance of each lane to its nearest centre, and the index of that, two rows of `scratch`.

    Labels are kept in the dtype of the rows, so that both are selected by the same masks; `scratch` is (6, B).
    """
    distances, here, here_label, there, there_label = scratch[4:], scratch[0], scratch[1], scratch[2], scratch[3]
    for b in range(lanes(block)):
        here[b] = block.dtype.type(np.inf)
        here_label[b] = block.dtype.type(0)
    for k in range(0, centers.shape[0], 4):
        nearer(block, centers, k, n_features, distances, here, here_label, there, there_label)
        if k + 2 >= centers.shape[0]:
            return there, there_label
        nearer(block, centers, k + 2, n_features, distances, there, there_label, here, here_label)
    return here, here_label


@kernel
def add_by_cluster(x, start, n_rows, scales, origin, label, slab):
    """Add 1 and x times `scales` less `origin` of each of ``x[start : start + n_rows]`` to row `label` of `slab`."""
    for b in range(n_rows):
        out = slab[np.int64(label[b])]
        out[0] += 1.0
        for d in range(x.shape[1]):
            out[1 + d] += x[start + b, d] * scales[d] - origin[d]


@kernel
def add_by_mask(block, n_rows, label, slab):
    """Do what `add_by_cluster` does, one cluster at a time for all rows of the block, two sums in a loop.

    A label is so loaded and compared once for two of them: D = 2, K = 8 take 1.6 nanoseconds a row and not 2.0, D = 4
    2.8 and not 3.6, on one AMD Zen 4 core. The bits are those of a sum in a loop.
    """
    zero, one = block.dtype.type(0), block.dtype.type(1)
    n_features = block.shape[0]
    for k in range(slab.shape[0] - 1):
        cluster = block.dtype.type(k)
        total = other_total = zero
        line = block[0]
        for b in range(n_rows):
            total += one if label[b] == cluster else zero
            other_total += line[b] if label[b] == cluster else zero
        slab[k, 0] += total
        slab[k, 1] += other_total
        for d in range(1, n_features - 1, 2):
            total = other_total = zero
            line, other_line = block[d], block[d + 1]
            for b in range(n_rows):
                total += line[b] if label[b] == cluster else zero
                other_total += other_line[b] if label[b] == cluster else zero
            slab[k, 1 + d] += total
            slab[k, 2 + d] += other_total
        if n_features % 2 == 0:
            total = zero
            line = block[n_features - 1]
            for b in range(n_rows):
                total += line[b] if label[b] == cluster else zero
            slab[k, n_features] += total


@kernel
def add_by_weight(x, start, n_rows, scales, origin, label, weights, slab):
    """Do what `add_by_cluster` does for rows that count as often as ``weights[start:]`` says."""
    for b in range(n_rows):
        out, weight = slab[np.int64(label[b])], weights[start + b]
        out[0] += weight
        for d in range(x.shape[1]):
            out[1 + d] += weight * (x[start + b, d] * scales[d] - origin[d])


@task
def lloyd(context, worker, first, end):
    """Task: assign rows to their nearest centre; sum counts and x - centre by cluster, and |x - centre|^2 over all.

    Row k < K of a slab is (count, sums (D)), row K begins with the sum of squares; where there are weights, each row
    counts as often as they say. ``rows.labels``, or the squared distances ``rows.values``, times the weights, are
    written where these are what the pass is for; where it is for labels alone, nothing is summed.
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
    block, spare, centers = scratch.block[worker], scratch.spare[worker], model.means
    scales, origin, weights, labels, closest = model.scales, model.origin, rows.weights, rows.labels, rows.values
    n_components, n_features = centers.shape
    aim = view(context, STATE).counts[AIM]
    for s in range(first, end):
        slab = sums.slabs[s % sums.slabs.shape[0]]
        clear(slab)
        stop = min((s + 1) * sums.rows, x.shape[0])
        for start in range(s * sums.rows, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            load_block(x, start, n_rows, scales, origin, block)
            nearest, label = assign(block, centers, n_features, spare)
            if weights.shape[0] > 0:
                multiply(nearest, weights, start, n_rows)
            total = block.dtype.type(0)
            for b in range(n_rows):
                total += nearest[b]
            slab[n_components, 0] += total
            if aim >= LABEL:
                store(label, labels[start : start + n_rows])
            if aim == FAR:
                store(nearest, closest[start : start + n_rows])
            if aim == ASSIGN:
                continue
            if weights.shape[0] > 0:
                add_by_weight(x, start, n_rows, scales, origin, label, weights, slab)
            elif n_components * n_features <= MASKED:
                add_by_mask(block, n_rows, label, slab)
            else:
                add_by_cluster(x, start, n_rows, scales, origin, label, slab)
        from_origin_to_centers(centers, slab)
    return OK
