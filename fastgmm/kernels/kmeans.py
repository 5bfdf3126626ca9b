"""k-means on the blocks of the mixture kernels: squared distances by differences, never by expansion.

Centres are given less an `origin`, which is subtracted from every row, in the dtype of the rows (``structure.py``).
"""

import numpy as np

from .._jit import driver, entry, exact, kernel, prange
from .blocks import buffer, fold, lanes, load_block, new_block
from .distances import squared_distances

# scikit-learn's KMeans: rounds at most, and the squared shift of the centres, in mean variances, that ends it.
LLOYD_ROUNDS = 300
LLOYD_TOLERANCE = 1e-4


@entry
def potential_superblock(x, origin, candidates, closest, sums):
    """Write, for each candidate centre, the sum of min(closest, distance^2) over the rows into `sums` (L,).

    A single candidate becomes a centre: `closest` (S,) takes the minima.
    """
    block = new_block(x, x.shape[1])
    distances = buffer(x, 1)[0]
    sums[:] = 0.0
    for start in range(0, x.shape[0], lanes(x)):
        n_rows = min(lanes(x), x.shape[0] - start)
        load_block(x, start, n_rows, origin, block)
        nearest = closest[start : start + n_rows]
        for c in range(candidates.shape[0]):
            squared_distances(block, candidates[c], x.shape[1], distances)
            total = 0.0
            for b in range(n_rows):
                # Into another array: LLVM makes a slow masked store of a minimum that is stored where it was read.
                distances[b] = min(nearest[b], distances[b])
                total += distances[b]
            sums[c] += total
        if candidates.shape[0] == 1:
            # A loop, because the check of an array assignment compiles two seconds of string formatting.
            for b in range(n_rows):
                nearest[b] = distances[b]


@driver
def potential_parallel(run, x, rows, origin, candidates, closest, sums):
    """Write the k-means++ potentials of each superblock, `sums` (S, L), in parallel.

    `run` is `potential_superblock`, `by_address`.
    """
    for s in prange(sums.shape[0]):
        a, b = s * rows, (s + 1) * rows
        run(x[a:b], origin, candidates, closest[a:b], sums[s])


@kernel
def assign(block, centers, n_features, distances, nearest, label):
    """Write the squared distance to the nearest centre and its index; return the arrays that hold them.

    `nearest` (2, B) and `label` (2, B) take turns, because of the masked stores mentioned above. Labels are kept in
    the dtype of the rows, so that both are selected by the same masks.
    """
    for b in range(lanes(block)):
        nearest[0, b] = block.dtype.type(np.inf)
        label[0, b] = block.dtype.type(0)
    turn = 0
    for k in range(centers.shape[0]):
        squared_distances(block, centers[k], n_features, distances)
        old, new = nearest[turn], nearest[1 - turn]
        old_label, new_label = label[turn], label[1 - turn]
        for b in range(lanes(block)):
            nearer = distances[b] < old[b]
            new[b] = distances[b] if nearer else old[b]
            new_label[b] = block.dtype.type(k) if nearer else old_label[b]
        turn = 1 - turn
    return nearest[turn], label[turn]


@entry
def lloyd_superblock(x, origin, centers, labels, closest, slab):
    """Assign rows to their nearest centre and sum counts, x - centre and |x - centre|^2 by cluster.

    Row k of `slab` is (count, sums (D), sum of squares); `labels` and `closest` (S,) are written.
    """
    n_features = x.shape[1]
    block = new_block(x, n_features)
    distances = buffer(x, 1)[0]
    nearest_pair = buffer(x, 2)
    label_pair = buffer(x, 2)
    slab[:, :] = 0.0
    for start in range(0, x.shape[0], lanes(x)):
        n_rows = min(lanes(x), x.shape[0] - start)
        load_block(x, start, n_rows, origin, block)
        nearest, label = assign(block, centers, n_features, distances, nearest_pair, label_pair)
        for b in range(n_rows):
            k = np.int64(label[b])
            labels[start + b] = k
            closest[start + b] = nearest[b]
            slab[k, 0] += 1.0
            slab[k, 1 + n_features] += nearest[b]
        for d in range(n_features):
            for b in range(n_rows):
                k = labels[start + b]
                slab[k, 1 + d] += block[d, b] - centers[k, d]


@driver
def lloyd_parallel(run, x, rows, origin, centers, labels, closest, slabs, accumulator):
    """One round of Lloyd's algorithm, superblocks in parallel; sums are added to `accumulator` in row order.

    `run` is `lloyd_superblock`, `by_address`.
    """
    for s in prange(slabs.shape[0]):
        a, b = s * rows, (s + 1) * rows
        run(x[a:b], origin, centers, labels[a:b], closest[a:b], slabs[s])
    fold(slabs, accumulator)


@exact
def draw(uniform, sums, closest, rows):
    """Return a row drawn with probability proportional to `closest` (N,), or -1 if that is zero everywhere.

    `sums` (S,) are those of `closest` over superblocks of `rows` rows, `uniform` is from [0, 1).
    """
    total = 0.0
    for s in range(sums.shape[0]):
        total += sums[s]
    if not total > 0.0:
        return -1
    target = uniform * total
    s = 0
    before = 0.0
    while s < sums.shape[0] - 1 and before + sums[s] <= target:
        before += sums[s]
        s += 1
    # Rounding may leave the target a hair beyond the last row of positive distance.
    last = s * rows
    for i in range(s * rows, min((s + 1) * rows, closest.shape[0])):
        if closest[i] > 0.0:
            last = i
            before += closest[i]
            if before > target:
                break
    return last


@exact
def move_centers(accumulator, centers, moved):
    """Write the means of the clusters, whose sums `accumulator` holds, into `moved` (K, D); empty ones stay.

    Returns the sum of the squared shifts, and the variance of all rows averaged over features (Huygens' theorem).
    """
    n_components, n_features = centers.shape
    n = shift = scatter = 0.0
    for k in range(n_components):
        n += accumulator[k, 0]
        scatter += accumulator[k, 1 + n_features]
    for d in range(n_features):
        grand = 0.0
        for k in range(n_components):
            step = accumulator[k, 1 + d] / max(accumulator[k, 0], 1.0)
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
    """Return the row farthest from its centre, and set its `closest` to -1 so that the next call returns another."""
    row = 0
    for i in range(closest.shape[0]):
        if closest[i] > closest[row]:
            row = i
    closest[row] = -1.0
    return row


@exact
def fill_empty(labels, n_components):
    """Give each empty cluster one row of the largest, where duplicates left it without any."""
    counts = np.zeros(n_components, np.int64)
    for i in range(labels.shape[0]):
        counts[labels[i]] += 1
    for k in range(n_components):
        if counts[k] == 0:
            donor = 0
            for j in range(n_components):
                if counts[j] > counts[donor]:
                    donor = j
            i = 0
            while labels[i] != donor:
                i += 1
            labels[i] = k
            counts[donor] -= 1
            counts[k] += 1
