"""Agglomeration of points by Ward's criterion, along chains of nearest neighbours.

A merger of clusters with weights v and w and means a and b adds v w / (v + w) |a - b|^2 to the sum of squares within
clusters. The new cluster is no closer to a third than the nearer of the two was, so two clusters that are the nearest
of each other may be merged at once, whatever is closer elsewhere: the mergers are those of the greedy method, in
another order. Time is that of about 3 n^2 distances, memory that of the points.

References: Murtagh (1983), A survey of recent advances in hierarchical clustering algorithms, The Computer Journal
26, 354-359; Müllner (2011), Modern hierarchical, agglomerative clustering algorithms, arXiv:1109.2378.
"""

import math

from .._numba.options import exact, part
from .._numba.width import wide_vectors

# Where the counts of `agglomerate` have the mergers so far, and the length of the chain.
MERGED, LENGTH = 0, 1


@exact
def agglomerate(means, weights, merged, added, floors, distances, chain, counts, most):
    """Take at most so many steps, each a look at all clusters; all n points are one when ``counts[MERGED]`` is n - 1.

    Cluster j lies in place j, which is that of a point in it. Its mean is ``means[:, j]`` (D, n), and its weight
    ``weights[j]``, above 0, or 0 where no cluster is left. Merger i is of the clusters of points ``merged[i]``, the
    first of which keeps its place, and adds ``added[i]`` to the sum of squares: never less than the mergers that made
    the two, ``floors``, as rounding might have it. ``distances`` (n,) is scratch, ``chain`` (n,) int64 the chain.
    """
    wide_vectors()
    n_features, n = means.shape
    for _ in range(most):
        if counts[MERGED] >= n - 1:
            return
        _tidy(weights, chain, counts)
        own = chain[counts[LENGTH] - 1]
        for j in range(n):
            distances[j] = 0.0
        for d in range(n_features):
            center = means[d, own]
            for j in range(n):
                distances[j] += (means[d, j] - center) * (means[d, j] - center)
        weight = weights[own]
        # The same from either side, to the bit: so along a chain distances fall, and it ends.
        for j in range(n):
            distances[j] = distances[j] * (weight * weights[j] / (weight + weights[j]))
        # The one before on the chain, unless another is nearer by more than nothing; any, where all are infinite.
        before = chain[counts[LENGTH] - 2] if counts[LENGTH] > 1 else -1
        nearest, least = before, distances[before] if before >= 0 else math.inf
        for j in range(n):
            if (nearest < 0 or distances[j] < least) and weights[j] > 0.0 and j != own:
                nearest, least = j, distances[j]
        if nearest != before:
            if counts[LENGTH] == n:  # of what rounding has left on it; a new one is no longer than there are clusters
                chain[0], counts[LENGTH] = own, 1
            chain[counts[LENGTH]] = nearest
            counts[LENGTH] += 1
            continue
        counts[LENGTH] -= 2
        _merge(means, weights, before, own)
        merged[counts[MERGED], 0], merged[counts[MERGED], 1] = before, own
        floors[before] = max(least, floors[before], floors[own])
        added[counts[MERGED]] = floors[before]
        counts[MERGED] += 1


@part
def _tidy(weights, chain, counts):
    """Take off the end of the chain what another cluster has taken up, or comes twice, as rounding may have it."""
    while counts[LENGTH] > 0:
        last = counts[LENGTH] - 1
        if weights[chain[last]] == 0.0:
            counts[LENGTH] = last
        elif last > 0 and (weights[chain[last - 1]] == 0.0 or chain[last - 1] == chain[last]):
            chain[last - 1], counts[LENGTH] = chain[last], last
        else:
            return
    first = 0
    while weights[first] == 0.0:
        first += 1
    chain[0], counts[LENGTH] = first, 1


@part
def _merge(means, weights, a, b):
    """Let cluster a take up cluster b."""
    share = weights[b] / (weights[a] + weights[b])
    for d in range(means.shape[0]):
        means[d, a] += share * (means[d, b] - means[d, a])
    weights[a] += weights[b]
    weights[b] = 0.0
