"""A whole small fit in compiled code, from parameters or from labels of rows to EM's end.

Work of a few microseconds a round would drown in Python's loop. The steps are those that ``em.py`` takes one by one,
in the same order and with the same functions, so the bits are the same.
"""

import math

import numpy as np

from .._jit import exact, kernel
from .blocks import MAX_ROWS, fold
from .convergence import converged
from .passes import evaluate_superblock, superblock
from .structure import centers_of, maximize, prepare, unpack

MAX_ITER, CONVERGED, ILL_DEFINED, NOT_FINITE = 0, 1, 2, 3


@kernel
def one_pass(run, model, x, labels, rows, slabs, accumulator):
    """`run` `superblock` over all rows and fold; `accumulator` is overwritten."""
    given = np.empty((0, model.means.shape[0]), x.dtype)
    weights = np.empty(0, slabs.dtype)
    for s in range(slabs.shape[0]):
        a, b = s * rows, (s + 1) * rows
        run(model, x[a:b], given, labels[a:b], weights, slabs[s])
    accumulator[:, :] = 0.0
    fold(slabs, accumulator)


@exact
def expectation_maximization(
    run, model, x, labels, rows, slabs, weights, means, covariances, reg_covar, previous, tol, aitken, max_iter, trace
):
    """Run EM to its end.

    Parameters
    ----------
    run : callable
        `superblock`, `by_address`.
    model : named tuple
        From a structure's ``allocate``, as it came from there; scratch.
    x : (N, D) float32 or float64, C-contiguous
        The rows.
    labels : (N,) or (0,) int64
        The start: a component for each row, every one of them at least once; or none.
    rows : int
        Rows in a superblock.
    slabs : (ceil(N / rows), ...) float64
        Scratch.
    weights, means, covariances : float64
        In: the start where there are no labels. Out: the parameters after the last M step.
    reg_covar : (D,) float64
        Added to the diagonal of every covariance.
    previous : float
        Mean log-likelihood that the first one is compared to, -inf for none.
    tol, aitken : float, bool
        See `convergence.converged`.
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
    return run_rounds(
        run,
        model,
        x,
        labels,
        rows,
        slabs,
        weights,
        means,
        covariances,
        reg_covar,
        previous,
        tol,
        aitken,
        max_iter,
        trace,
    )


@kernel
def run_rounds(
    run, model, x, labels, rows, slabs, weights, means, covariances, reg_covar, previous, tol, aitken, max_iter, trace
):
    """See `expectation_maximization`; in line, because a caller that knows `superblock` by name is linked to it.

    All passes are turns of one loop, which is compiled once: two for labels (see `sources.statistics_given`), then
    the rounds, and one E step more.
    """
    n_components, n_features = means.shape
    accumulator = np.empty(slabs.shape[1:], slabs.dtype)
    centers = np.empty((n_components, n_features), means.dtype)
    sums = np.empty(n_components, means.dtype)
    first = np.empty((n_components, n_features), means.dtype)
    second = np.empty_like(covariances)
    turn = 0
    if labels.shape[0] > 0:
        turn = -2
        for k in range(n_components):
            for d in range(n_features):
                model.means[k, d] = x[0, d]
    n_iter = 0
    status = MAX_ITER
    change = math.inf
    while True:
        done = status == CONVERGED or n_iter == max_iter
        if turn == 0:
            labels = labels[:0]
        if turn >= 0:
            component = prepare(model, weights, means, covariances)
            if component >= 0:
                return ILL_DEFINED, n_iter if done else n_iter + 1, component, previous
        one_pass(run, model, x, labels, rows, slabs, accumulator)
        log_likelihood = accumulator[n_components, 0]
        if turn >= 0:
            if done:
                return status, n_iter, -1, log_likelihood
            mean_log_likelihood = log_likelihood / x.shape[0]
            trace[n_iter] = mean_log_likelihood
            n_iter += 1
            if not math.isfinite(mean_log_likelihood):
                return NOT_FINITE, n_iter, -1, mean_log_likelihood
            change_before, change = change, mean_log_likelihood - previous
            if converged(change, change_before, tol, aitken):
                status = CONVERGED
            previous = mean_log_likelihood
        centers_of(model, centers)
        unpack(model, accumulator, sums, first, second)
        turn += 1
        if turn == -1:
            for k in range(n_components):
                for d in range(n_features):
                    model.means[k, d] = centers[k, d] + first[k, d] / sums[k]
        else:
            maximize(model, sums, first, second, centers, reg_covar, weights, means, covariances)


@exact
def fit_small(model, x, weights, means, covariances, reg_covar, tol, max_iter, trace):
    """`expectation_maximization` on rows `x` (N, D) of any length, with scratch of its own."""
    rows, n_slabs, shape = scratch_shape(model, x)
    labels = np.empty(0, np.int64)
    slabs = np.empty((n_slabs, shape[0], shape[1]))
    added = np.empty(means.shape[1])
    for d in range(means.shape[1]):
        added[d] = reg_covar
    return run_rounds(
        superblock,
        model,
        x,
        labels,
        rows,
        slabs,
        weights,
        means,
        covariances,
        added,
        -math.inf,
        tol,
        False,
        max_iter,
        trace,
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
