"""The nearest of several centres, for the rows of a block."""

import numpy as np

from ..._numba.options import kernel
from ..primitives.distances import squared_distances
from ..sizes import lanes


@kernel
def nearer_of_two(block, centers, n_features, distances, nearest, label):
    """Write what `nearer` does, of the first two centres, or of one; `nearest` and `label` are not read."""
    j = min(1, centers.shape[0] - 1)
    second = block.dtype.type(j)
    zero = block.dtype.type(0)
    if n_features == 2:
        m0, m1, n0, n1 = centers[0, 0], centers[0, 1], centers[j, 0], centers[j, 1]
        for b in range(lanes(block)):
            x0, x1 = block[0, b], block[1, b]
            y0, y1, z0, z1 = x0 - m0, x1 - m1, x0 - n0, x1 - n1
            distance, other = y0 * y0 + y1 * y1, z0 * z0 + z1 * z1
            nearest[b] = other if other < distance else distance
            label[b] = second if other < distance else zero
        return
    if j == 0:
        for b in range(lanes(block)):
            distances[1, b] = block.dtype.type(np.inf)
    squared_distances(block, centers[:2], n_features, distances)
    for b in range(lanes(block)):
        distance, other = distances[0, b], distances[1, b]
        nearest[b] = other if other < distance else distance
        label[b] = second if other < distance else zero


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
    distances, at = scratch[4:], 0
    nearer_of_two(block, centers, n_features, distances, scratch[0], scratch[1])
    for k in range(2, centers.shape[0], 2):
        old, old_label, new, new_label = scratch[at], scratch[at + 1], scratch[2 - at], scratch[3 - at]
        nearer(block, centers, k, n_features, distances, old, old_label, new, new_label)
        at = 2 - at
    return scratch[at], scratch[at + 1]
