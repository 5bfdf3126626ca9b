"""A whole small fit in compiled code: a k-means start, and EM to its end.

Work of a few microseconds a round would drown in Python's loop. The steps are those that ``em.py`` and
``initialization.py`` take one by one, in the same order and with the same functions, so the bits are the same.
"""

import math

import numpy as np

from .._jit import exact
from .blocks import MAX_ROWS, fold
from .convergence import converged
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
from .passes import evaluate_superblock, superblock
from .structure import centers_of, maximize, prepare, unpack

MAX_ITER, CONVERGED, ILL_DEFINED, NOT_FINITE = 0, 1, 2, 3


@exact
def one_pass(model, x, given, rows, slabs, accumulator):
    """Run `superblock` over all rows and fold; `accumulator` is overwritten."""
    for s in range(slabs.shape[0]):
        a, b = s * rows, (s + 1) * rows
        superblock(model, x[a:b], given[a:b], slabs[s])
    accumulator[:, :] = 0.0
    fold(slabs, accumulator)


@exact
def expectation_maximization(model, x, rows, slabs, weights, means, covariances, reg_covar, tol, max_iter, trace):
    """Run EM from the parameters given, which are overwritten.

    Parameters
    ----------
    model : named tuple
        From a structure's ``allocate``; scratch.
    x : (N, D) float32 or float64, C-contiguous
        The rows.
    rows : int
        Rows in a superblock.
    slabs : (ceil(N / rows), ...) float64
        Scratch.
    weights, means, covariances : float64
        In: the start. Out: the parameters after the last M step.
    trace : (max_iter,) float64
        Mean log-likelihood that each round's E step saw.

    Returns
    -------
    status : int
        MAX_ITER, CONVERGED, ILL_DEFINED (a covariance is not positive definite) or NOT_FINITE (the log-likelihood).
    n_iter : int
        Rounds done; with the last two, the round that failed.
    component : int
        Which covariance is ill-defined, else -1.
    log_likelihood : float
        Total log-likelihood of the rows, in nats, under the final parameters.
    """
    n_components, n_features = means.shape
    accumulator = np.empty(slabs.shape[1:])
    given = np.empty((0, n_components), x.dtype)
    centers = np.empty((n_components, n_features))
    sums = np.empty(n_components)
    first = np.empty((n_components, n_features))
    second = np.empty_like(covariances)
    previous = -math.inf
    status = MAX_ITER
    n_iter = 0
    while n_iter < max_iter and status == MAX_ITER:
        n_iter += 1
        component = prepare(model, weights, means, covariances)
        if component >= 0:
            return ILL_DEFINED, n_iter, component, previous
        one_pass(model, x, given, rows, slabs, accumulator)
        mean_log_likelihood = accumulator[n_components, 0] / x.shape[0]
        trace[n_iter - 1] = mean_log_likelihood
        if not math.isfinite(mean_log_likelihood):
            return NOT_FINITE, n_iter, -1, mean_log_likelihood
        centers_of(model, centers)
        unpack(model, accumulator, sums, first, second)
        maximize(model, sums, first, second, centers, reg_covar, weights, means, covariances)
        if converged(mean_log_likelihood - previous, tol):
            status = CONVERGED
        previous = mean_log_likelihood
    component = prepare(model, weights, means, covariances)
    if component >= 0:
        return ILL_DEFINED, n_iter, component, previous
    one_pass(model, x, given, rows, slabs, accumulator)
    return status, n_iter, -1, accumulator[n_components, 0]


@exact
def fit_small(model, x, weights, means, covariances, reg_covar, tol, max_iter, trace):
    """`expectation_maximization` on rows `x` (N, D) of any length, with scratch of its own."""
    rows, n_slabs, shape = scratch_shape(model, x)
    slabs = np.empty((n_slabs, shape[0], shape[1]))
    return expectation_maximization(
        model, x, rows, slabs, weights, means, covariances, reg_covar, tol, max_iter, trace
    )


@exact
def log_density(model, x, out):
    """Write the log-density of rows `x` (N, D), in nats, under a prepared `model` into `out` (N,)."""
    nothing = np.empty((0, 0), x.dtype)
    evaluate_superblock(model, x, out, nothing, np.empty(0, np.int64))


@exact
def scratch_shape(model, x):
    """Return the rows of a superblock, the number of slabs, and the shape of one that suits every structure."""
    n_components, size = model.means.shape
    length = -(-(2 + 2 * size + size * size) // 16) * 16
    return MAX_ROWS, -(-x.shape[0] // MAX_ROWS), (n_components + 1 + size, length)


@exact
def kmeans_start(model, x, rows, slabs, kmeans_rows, first_row, uniforms, reg_covar, weights, means, covariances):
    """Write the parameters that EM starts from after k-means, see `kmeans_labels` and `start_from_labels`."""
    labels = np.empty(x.shape[0], np.int64)
    kmeans_labels(x, kmeans_rows, means.shape[0], first_row, uniforms, labels)
    start_from_labels(model, x, rows, slabs, labels, reg_covar, weights, means, covariances)


@exact
def start_from_labels(model, x, rows, slabs, labels, reg_covar, weights, means, covariances):
    """Write the M step of rows that belong to one component each, `labels` (N,); see `sources.statistics_given`."""
    n_components, n_features = means.shape
    accumulator = np.empty(slabs.shape[1:])
    given = np.zeros((x.shape[0], n_components), x.dtype)
    for i in range(x.shape[0]):
        given[i, labels[i]] = 1.0
    centers = np.empty((n_components, n_features))
    sums = np.empty(n_components)
    first = np.empty((n_components, n_features))
    second = np.empty_like(covariances)
    model.origin[:] = 0.0
    for k in range(n_components):
        for d in range(n_features):
            model.means[k, d] = x[0, d]
    for turn in range(2):
        one_pass(model, x, given, rows, slabs, accumulator)
        centers_of(model, centers)
        unpack(model, accumulator, sums, first, second)
        if turn == 0:
            for k in range(n_components):
                for d in range(n_features):
                    model.means[k, d] = centers[k, d] + first[k, d] / sums[k]
    maximize(model, sums, first, second, centers, reg_covar, weights, means, covariances)


@exact
def kmeans_labels(x, rows, n_components, first_row, uniforms, labels):
    """Write the clusters of k-means, after greedy k-means++, into `labels` (N,); see `initialization.KMeans`.

    `uniforms` (K - 1, L) are from [0, 1), L the candidates of a step.
    """
    n_samples, n_features = x.shape
    n_slabs = -(-n_samples // rows)
    closest = np.full(n_samples, np.inf).astype(x.dtype)
    chosen = np.zeros(n_components, np.int64)
    chosen[0] = first_row
    sums = np.empty((n_slabs, uniforms.shape[1]))
    candidates = np.zeros(uniforms.shape[1], np.int64)
    potentials(x, rows, chosen[:1], closest, True, sums)
    for k in range(1, n_components):
        for c in range(candidates.shape[0]):
            candidates[c] = draw(uniforms[k - 1, c], sums[:, 0], closest, rows)
        if candidates[0] < 0:
            fill_chosen(chosen, k, n_samples)
            break
        potentials(x, rows, candidates, closest, False, sums)
        best, lowest = 0, math.inf
        for c in range(candidates.shape[0]):
            total = 0.0
            for s in range(n_slabs):
                total += sums[s, c]
            if total < lowest:
                best, lowest = c, total
        chosen[k] = candidates[best]
        potentials(x, rows, chosen[k : k + 1], closest, True, sums)

    centers = np.empty((n_components, n_features))
    for k in range(n_components):
        for d in range(n_features):
            centers[k, d] = x[chosen[k], d]
    moved = np.empty_like(centers)
    relative = np.empty((n_components, n_features), x.dtype)
    origin = np.empty(n_features, x.dtype)
    slabs = np.empty((n_slabs, n_components, 2 + n_features))
    accumulator = np.empty((n_components, 2 + n_features))
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
        centers[:, :] = moved
    fill_empty(labels, n_components)


@exact
def potentials(x, rows, candidates, closest, update, sums):
    """Run `potential_superblock` over all rows for candidate rows; `sums` (S, L)."""
    n_features = x.shape[1]
    centers = np.empty((candidates.shape[0], n_features))
    for c in range(candidates.shape[0]):
        for d in range(n_features):
            centers[c, d] = x[candidates[c], d]
    origin = np.empty(n_features, x.dtype)
    relative = np.empty(centers.shape, x.dtype)
    subtract_first(centers, origin, relative)
    for s in range(sums.shape[0]):
        a, b = s * rows, (s + 1) * rows
        potential_superblock(x[a:b], origin, relative, closest[a:b], update, sums[s, : candidates.shape[0]])


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
