"""Lloyd's rounds on the blocks of the mixture kernels: squared distances by differences, never by expansion.

Centres are given less an `origin`, which is subtracted from every row, in the dtype of the rows (``structure.py``).
"""

import numpy as np

from .._jit import driver, entry, exact, kernel, prange
from .blocks import buffer, fold, lanes, load_block, new_block
from .distances import squared_distances
from .posterior import multiply

# scikit-learn's KMeans: rounds at most, and the squared shift of the centres, in mean variances, that ends it.
LLOYD_ROUNDS = 300
LLOYD_TOLERANCE = 1e-4
# Up to so many clusters times features, sums by mask. Nanoseconds a row of a round by mask and by cluster on one AVX2
# core: D = 2, K = 4 3.8 and 8.8; D = 4, K = 8 11.9 and 14.5; D = 8, K = 8 21.3 and 18.7.
MASKED = 32


@kernel
def nearer(distances, k, old, old_label, new, new_label):
    """Write the smaller of `distances` and `old`, and `k` or `old_label`.

    Everything is read before the choice, and nothing written where it was read: otherwise LLVM makes masked loads
    and stores of it, four times as slow on an AMD Zen 3.
    """
    for b in range(lanes(distances)):
        distance, other, other_label = distances[b], old[b], old_label[b]
        closer = distance < other
        new[b] = distance if closer else other
        new_label[b] = k if closer else other_label


@kernel
def assign(block, centers, n_features, scratch):
    """Return the squared distance of each lane to its nearest centre, and the index of that, two rows of `scratch`.

    Labels are kept in the dtype of the rows, so that both are selected by the same masks; `scratch` is (6, B).
    """
    distances, here, here_label, there, there_label = scratch[4:], scratch[0], scratch[1], scratch[2], scratch[3]
    for b in range(lanes(block)):
        here[b] = block.dtype.type(np.inf)
        here_label[b] = block.dtype.type(0)
    for k in range(0, centers.shape[0], 2):
        squared_distances(block, centers[k : k + 2], n_features, distances)
        nearer(distances[0], block.dtype.type(k), here, here_label, there, there_label)
        if k + 1 == centers.shape[0]:
            return there, there_label
        nearer(distances[1], block.dtype.type(k + 1), there, there_label, here, here_label)
    return here, here_label


@kernel
def add_by_cluster(x, start, n_rows, origin, label, slab):
    """Add 1 and x - origin of each of ``x[start : start + n_rows]`` to row `label` of `slab`."""
    for b in range(n_rows):
        out = slab[np.int64(label[b])]
        out[0] += 1.0
        for d in range(x.shape[1]):
            out[1 + d] += x[start + b, d] - origin[d]


@kernel
def add_by_mask(block, n_rows, label, slab):
    """Do what `add_by_cluster` does, one cluster and feature at a time for all rows of the block."""
    zero, one = block.dtype.type(0), block.dtype.type(1)
    for k in range(slab.shape[0] - 1):
        cluster = block.dtype.type(k)
        total = zero
        for b in range(n_rows):
            total += one if label[b] == cluster else zero
        slab[k, 0] += total
        for d in range(block.shape[0]):
            total = zero
            for b in range(n_rows):
                total += block[d, b] if label[b] == cluster else zero
            slab[k, 1 + d] += total


@kernel
def add_by_weight(x, start, n_rows, origin, label, weights, slab):
    """Do what `add_by_cluster` does for rows that count as often as ``weights[start:]`` says."""
    for b in range(n_rows):
        out, weight = slab[np.int64(label[b])], weights[start + b]
        out[0] += weight
        for d in range(x.shape[1]):
            out[1 + d] += weight * (x[start + b, d] - origin[d])


@entry
def lloyd_superblock(x, origin, centers, weights, labels, closest, slab):
    """Assign rows to their nearest centre and sum counts and x - centre by cluster, and |x - centre|^2 over all.

    Row k < K of `slab` is (count, sums (D)), row K begins with the sum of squares; where `weights` (S,) has rows,
    each row counts as often as that says. `labels` (S,) and the squared distances `closest` (S,), times the weights,
    are written unless their length is 0.
    """
    n_components, n_features = centers.shape
    block = new_block(x, n_features)
    scratch = buffer(x, 6)
    slab[:, :] = 0.0
    for start in range(0, x.shape[0], lanes(x)):
        n_rows = min(lanes(x), x.shape[0] - start)
        load_block(x, start, n_rows, origin, block)
        nearest, label = assign(block, centers, n_features, scratch)
        if weights.shape[0] > 0:
            multiply(nearest, weights, start, n_rows)
        total = block.dtype.type(0)
        for b in range(n_rows):
            total += nearest[b]
        slab[n_components, 0] += total
        if labels.shape[0] > 0:
            for b in range(n_rows):
                labels[start + b] = np.int64(label[b])
        if closest.shape[0] > 0:
            for b in range(n_rows):
                closest[start + b] = nearest[b]
        if weights.shape[0] > 0:
            add_by_weight(x, start, n_rows, origin, label, weights, slab)
        elif n_components * n_features <= MASKED:
            add_by_mask(block, n_rows, label, slab)
        else:
            add_by_cluster(x, start, n_rows, origin, label, slab)
    for k in range(n_components):
        for d in range(n_features):
            # As in `weighted_sums`, of no more digits than the new centre, an offset from the same origin, can hold.
            slab[k, 1 + d] -= slab[k, 0] * np.float64(centers[k, d])


@driver
def lloyd_parallel(run, x, rows, origin, centers, weights, labels, closest, slabs, accumulator):
    """One round of Lloyd's algorithm, superblocks in parallel; sums are added to `accumulator` in row order.

    `run` is `lloyd_superblock`, `by_address`.
    """
    for s in prange(slabs.shape[0]):
        a, b = s * rows, (s + 1) * rows
        run(x[a:b], origin, centers, weights[a:b], labels[a:b], closest[a:b], slabs[s])
    fold(slabs, accumulator)


@exact
def move_centers(accumulator, centers, moved):
    """Write the means of the clusters, whose sums `accumulator` holds, into `moved` (K, D); empty ones stay.

    `centers` are those that the sums are about.

    Returns the sum of the squared shifts, and the variance of all rows averaged over features (Huygens' theorem).
    """
    n_components, n_features = centers.shape
    n = shift = 0.0
    scatter = accumulator[n_components, 0]
    for k in range(n_components):
        n += accumulator[k, 0]
    for d in range(n_features):
        grand = 0.0
        for k in range(n_components):
            step = accumulator[k, 1 + d] / accumulator[k, 0] if accumulator[k, 0] > 0.0 else 0.0
            moved[k, d] = centers[k, d] + step
            shift += step * step
            # About the first centre, so that nothing cancels far from the origin.
            grand += accumulator[k, 0] * (moved[k, d] - centers[0, d]) / n
        for k in range(n_components):
            offset = centers[k, d] - centers[0, d] - grand
            scatter += 2.0 * offset * accumulator[k, 1 + d] + accumulator[k, 0] * offset * offset
    return shift, scatter / (n * n_features)


@exact
def farthest(closest):
    """Return the row farthest from its centre, and set its `closest` to -1 so that the next call returns another.

    Returns -1 if no row is off its centre: clusters then stay empty, and another round would change nothing.
    """
    row = 0
    for i in range(closest.shape[0]):
        if closest[i] > closest[row]:
            row = i
    if not closest[row] > 0.0:
        return -1
    closest[row] = -1.0
    return row


@exact
def fill_empty(labels, weights, n_components):
    """Give each empty cluster one row of the largest, where duplicates left it without any; return how many.

    Where `weights` (N,) has rows, those of weight 0 do not count.
    """
    n_filled = 0
    counts = np.zeros(n_components, np.int64)
    for i in range(labels.shape[0]):
        if weights.shape[0] == 0 or weights[i] > 0.0:
            counts[labels[i]] += 1
    for k in range(n_components):
        if counts[k] == 0:
            donor = 0
            for j in range(n_components):
                if counts[j] > counts[donor]:
                    donor = j
            i = 0
            while labels[i] != donor or (weights.shape[0] > 0 and not weights[i] > 0.0):
                i += 1
            labels[i] = k
            counts[donor] -= 1
            counts[k] += 1
            n_filled += 1
    return n_filled
