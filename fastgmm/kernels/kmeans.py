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
# Up to so many clusters times features, sums by mask. Nanoseconds a row of a round by mask and by cluster on one AVX2
# core: D = 2, K = 4 3.8 and 8.8; D = 4, K = 8 11.9 and 14.5; D = 8, K = 8 21.3 and 18.7.
MASKED = 32


@entry
def potential_superblock(x, origin, centers, closest, sums):
    """Take the first of `centers` (1 + L, D) as a centre of k-means++, the others as candidates for the next.

    `closest` (S,), squared distances of the rows to their nearest centre, takes the new one into account; `sums`
    (1 + L,) becomes its sum, and for each candidate the sum of min(closest, distance^2). To do so twice changes
    nothing.
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
        total = 0.0
        for b in range(n_rows):
            # A loop, because the check of an array assignment compiles two seconds of string formatting.
            nearest[b] = held[b]
            total += held[b]
        sums[0] += total
        for c in range(1, centers.shape[0]):
            total = 0.0
            for b in range(n_rows):
                total += min(held[b], distances[c, b])
            sums[c] += total


@driver
def potential_parallel(run, x, rows, origin, centers, closest, sums):
    """Write the k-means++ potentials of each superblock, `sums` (S, 1 + L), in parallel.

    `run` is `potential_superblock`, `by_address`.
    """
    for s in prange(sums.shape[0]):
        a, b = s * rows, (s + 1) * rows
        run(x[a:b], origin, centers, closest[a:b], sums[s])


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
def add_by_cluster(rows, origin, label, slab):
    """Add 1 and x - origin of each of `rows` to row `label` of `slab`."""
    for b in range(rows.shape[0]):
        row, out = rows[b], slab[np.int64(label[b])]
        out[0] += 1.0
        for d in range(rows.shape[1]):
            out[1 + d] += row[d] - origin[d]


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


@entry
def lloyd_superblock(x, origin, centers, labels, closest, slab):
    """Assign rows to their nearest centre and sum counts and x - centre by cluster, and |x - centre|^2 over all.

    Row k < K of `slab` is (count, sums (D)), row K begins with the sum of squares. `labels` (S,) and the squared
    distances `closest` (S,) are written unless their length is 0.
    """
    n_components, n_features = centers.shape
    block = new_block(x, n_features)
    scratch = buffer(x, 6)
    slab[:, :] = 0.0
    for start in range(0, x.shape[0], lanes(x)):
        n_rows = min(lanes(x), x.shape[0] - start)
        load_block(x, start, n_rows, origin, block)
        nearest, label = assign(block, centers, n_features, scratch)
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
        if n_components * n_features <= MASKED:
            add_by_mask(block, n_rows, label, slab)
        else:
            add_by_cluster(x[start : start + n_rows], origin, label, slab)
    for k in range(n_components):
        for d in range(n_features):
            # As in `weighted_sums`, of no more digits than the new centre, an offset from the same origin, can hold.
            slab[k, 1 + d] -= slab[k, 0] * np.float64(centers[k, d])


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
def draw_row(target, closest):
    """Return the first row at which the running sum of `closest` (S,) exceeds `target`, else the last that adds."""
    last = 0
    before = 0.0
    for i in range(closest.shape[0]):
        if closest[i] > 0.0:
            last = i
            before += closest[i]
            if before > target:
                break
    return last


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
    """Give each empty cluster one row of the largest, where duplicates left it without any; return how many."""
    n_filled = 0
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
            n_filled += 1
    return n_filled
