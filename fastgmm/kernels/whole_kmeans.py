"""A whole small k-means in compiled code: greedy k-means++ and Lloyd's rounds.

The steps are those of `k_means.KMeans`, in the same order and with the same functions, so the labels are the
same.
"""

import math

import numpy as np

from .._jit import exact
from .blocks import fold
from .kmeans import (
    LLOYD_ROUNDS,
    LLOYD_TOLERANCE,
    farthest,
    fill_empty,
    move_centers,
)
from .plus_plus import draw_row, draw_superblock


@exact
def kmeans_labels(potential, lloyd, x, rows, first_row, uniforms, closest, slabs, labels):
    """Write the clusters of k-means, after greedy k-means++, into `labels` (N,); see `k_means.KMeans`.

    `potential` and `lloyd` are the superblocks of these names, `by_address`, of `rows` rows each; `uniforms`
    (K - 1, L) are from [0, 1), L the candidates of a step; `closest` (N,), inf in the dtype of `x`, and `slabs`
    (S, K + 1, 1 + D) are scratch.
    """
    n_features = x.shape[1]
    n_components = slabs.shape[1] - 1
    centers = np.empty((n_components, n_features), slabs.dtype)
    plus_plus(potential, x, rows, first_row, uniforms, closest, centers)
    moved = np.empty((n_components, n_features), slabs.dtype)
    relative = np.empty((n_components, n_features), x.dtype)
    origin = np.empty(n_features, x.dtype)
    accumulator = np.empty((n_components + 1, 1 + n_features), slabs.dtype)
    for _ in range(LLOYD_ROUNDS):
        subtract_first(centers, origin, relative)
        lloyd_round(lloyd, x, rows, origin, relative, labels[:0], closest[:0], slabs, accumulator)
        shift, variance = move_centers(accumulator, centers, moved)
        refreshed = restarted = False
        for k in range(n_components):
            if accumulator[k, 0] == 0.0:
                if not refreshed:
                    lloyd_round(lloyd, x, rows, origin, relative, labels[:0], closest, slabs, accumulator)
                refreshed = True
                row = farthest(closest)
                if row >= 0:
                    restarted = True
                    for d in range(n_features):
                        moved[k, d] = x[row, d]
        centers, moved = moved, centers
        if not restarted and shift <= LLOYD_TOLERANCE * variance:
            break
    subtract_first(centers, origin, relative)
    lloyd_round(lloyd, x, rows, origin, relative, labels, closest[:0], slabs, accumulator)
    fill_empty(labels, np.empty(0, slabs.dtype), n_components)


@exact
def plus_plus(potential, x, rows, first_row, uniforms, closest, centers):
    """Write the rows that greedy k-means++ chooses into `centers` (K, D); see `kmeans_labels`."""
    n_samples, n_features = x.shape
    n_components, n_slabs = centers.shape[0], -(-n_samples // rows)
    chosen = np.zeros(n_components, np.int64)
    chosen[0] = first_row
    # The newest centre, then the candidates for the next.
    step = np.zeros(1 + uniforms.shape[1], np.int64)
    origin = np.empty(n_features, x.dtype)
    relative = np.empty((step.shape[0], n_features), x.dtype)
    sums = np.empty((n_slabs, step.shape[0]), centers.dtype)
    spare = np.empty(1, centers.dtype)
    unweighted = np.empty(0, centers.dtype)
    best = 0
    for k in range(n_components - 1):
        step[0] = chosen[k]
        take_rows(x, step[:1], origin, relative)
        if k == 0:
            potentials(potential, x, rows, origin, relative[:1], closest, sums)
        for c in range(1, step.shape[0]):
            s, target = draw_superblock(uniforms[k, c - 1], sums[:, best])
            if s < 0:
                break
            a, b = s * rows, (s + 1) * rows
            potential(x[a:b], origin, relative[:1], closest[a:b], unweighted, spare)
            step[c] = a + draw_row(target, closest[a:b], unweighted)
        if s < 0:
            fill_chosen(chosen, k + 1, n_samples)
            break
        take_rows(x, step, origin, relative)
        potentials(potential, x, rows, origin, relative, closest, sums)
        lowest = math.inf
        for c in range(1, step.shape[0]):
            total = 0.0
            for s in range(n_slabs):
                total += sums[s, c]
            if total < lowest:
                best, lowest = c, total
        chosen[k + 1] = step[best]
    for k in range(n_components):
        for d in range(n_features):
            centers[k, d] = x[chosen[k], d]


@exact
def potentials(potential, x, rows, origin, relative, closest, sums):
    """Run `potential` over all rows; `sums` is (S, L) or wider."""
    unweighted = np.empty(0, sums.dtype)
    for s in range(sums.shape[0]):
        a, b = s * rows, (s + 1) * rows
        potential(x[a:b], origin, relative, closest[a:b], unweighted, sums[s, : relative.shape[0]])


@exact
def lloyd_round(lloyd, x, rows, origin, relative, labels, closest, slabs, accumulator):
    """Run `lloyd` over all rows and fold; `accumulator` is overwritten."""
    unweighted = np.empty(0, slabs.dtype)
    for s in range(slabs.shape[0]):
        a, b = s * rows, (s + 1) * rows
        lloyd(x[a:b], origin, relative, unweighted, labels[a:b], closest[a:b], slabs[s])
    accumulator[:, :] = 0.0
    fold(slabs, accumulator)


@exact
def take_rows(x, chosen, origin, relative):
    """Split rows `chosen` of `x` like `subtract_first`."""
    for d in range(x.shape[1]):
        origin[d] = x[chosen[0], d]
        for c in range(chosen.shape[0]):
            relative[c, d] = np.float64(x[chosen[c], d]) - np.float64(origin[d])


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
