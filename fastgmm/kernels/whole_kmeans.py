"""A whole small k-means in compiled code: greedy k-means++ and Lloyd's rounds.

The steps are those of `initialization.KMeans`, in the same order and with the same functions, so the labels are the
same.
"""

import math

import numpy as np

from .._jit import exact
from .blocks import fold
from .kmeans import (
    LLOYD_ROUNDS,
    LLOYD_TOLERANCE,
    draw,
    farthest,
    fill_empty,
    lloyd_superblock,
    move_centers,
    potential_superblock,
)


@exact
def kmeans_labels(x, rows, first_row, uniforms, closest, slabs, labels):
    """Write the clusters of k-means, after greedy k-means++, into `labels` (N,); see `initialization.KMeans`.

    `rows` are those of a superblock; `uniforms` (K - 1, L) are from [0, 1), L the candidates of a step; `closest`
    (N,), inf in the dtype of `x`, and `slabs` (S, K, 2 + D) are scratch.
    """
    n_samples, n_features = x.shape
    n_slabs, n_components = slabs.shape[:2]
    chosen = np.zeros(n_components, np.int64)
    chosen[0] = first_row
    sums = np.empty((n_slabs, uniforms.shape[1]), slabs.dtype)
    candidates = np.zeros(uniforms.shape[1], np.int64)
    potentials(x, rows, chosen[:1], closest, sums)
    for k in range(1, n_components):
        for c in range(candidates.shape[0]):
            candidates[c] = draw(uniforms[k - 1, c], sums[:, 0], closest, rows)
        if candidates[0] < 0:
            fill_chosen(chosen, k, n_samples)
            break
        potentials(x, rows, candidates, closest, sums)
        best, lowest = 0, math.inf
        for c in range(candidates.shape[0]):
            total = 0.0
            for s in range(n_slabs):
                total += sums[s, c]
            if total < lowest:
                best, lowest = c, total
        chosen[k] = candidates[best]
        potentials(x, rows, chosen[k : k + 1], closest, sums)

    centers = np.empty((n_components, n_features), slabs.dtype)
    for k in range(n_components):
        for d in range(n_features):
            centers[k, d] = x[chosen[k], d]
    moved = np.empty((n_components, n_features), slabs.dtype)
    relative = np.empty((n_components, n_features), x.dtype)
    origin = np.empty(n_features, x.dtype)
    accumulator = np.empty((n_components, 2 + n_features), slabs.dtype)
    for _ in range(LLOYD_ROUNDS):
        subtract_first(centers, origin, relative)
        for s in range(n_slabs):
            a, b = s * rows, (s + 1) * rows
            lloyd_superblock(x[a:b], origin, relative, labels[a:b], closest[a:b], slabs[s])
        accumulator[:, :] = 0.0
        fold(slabs, accumulator)
        shift, variance = move_centers(accumulator, centers, moved)
        n_empty = 0
        for k in range(n_components):
            if accumulator[k, 0] == 0.0:
                n_empty += 1
                row = farthest(closest)
                for d in range(n_features):
                    moved[k, d] = x[row, d]
        if n_empty == 0 and shift <= LLOYD_TOLERANCE * variance:
            break
        centers, moved = moved, centers
    fill_empty(labels, n_components)


@exact
def potentials(x, rows, candidates, closest, sums):
    """Run `potential_superblock` over all rows for candidate rows; `sums` (S, L)."""
    n_features = x.shape[1]
    centers = np.empty((candidates.shape[0], n_features), sums.dtype)
    for c in range(candidates.shape[0]):
        for d in range(n_features):
            centers[c, d] = x[candidates[c], d]
    origin = np.empty(n_features, x.dtype)
    relative = np.empty((candidates.shape[0], n_features), x.dtype)
    subtract_first(centers, origin, relative)
    for s in range(sums.shape[0]):
        a, b = s * rows, (s + 1) * rows
        potential_superblock(x[a:b], origin, relative, closest[a:b], sums[s, : candidates.shape[0]])


@exact
def subtract_first(centers, origin, relative):
    """Split `centers` into an `origin`, the first one, and centres `relative` to it.

    The latter become what is held.
    """
    for d in range(centers.shape[1]):
        origin[d] = centers[0, d]
        for k in range(centers.shape[0]):
            relative[k, d] = centers[k, d] - np.float64(origin[d])
            centers[k, d] = np.float64(origin[d]) + np.float64(relative[k, d])


@exact
def fill_chosen(chosen, n_chosen, n_samples):
    """Complete `chosen` (K,) by the first rows that are not in it yet."""
    row = 0
    for k in range(n_chosen, chosen.shape[0]):
        fresh = False
        while not fresh:
            fresh = True
            for j in range(k):
                if chosen[j] == row:
                    fresh = False
            if not fresh:
                row += 1
        chosen[k] = row
