"""Axes to be tried for matrices that share them, where there are none to go on from; see ``shared_axes.py``."""

import numpy as np

from ...._numba.options import part
from ...._numba.pointers import view
from ....kernels.primitives.jacobi import diagonalise
from ....kernels.primitives.philox import N_WORDS, open_stream, uniform
from ....kernels.work import STATE
from .common import inverse

# The axes of so many components are tried, and for each angle so many at random; fewer where K D^3 is large.
MOST_COMPONENTS = 16
RANDOM_AN_ANGLE = 12
MOST_RANDOM = 240
MOST_TRIED = 1 << 23
# First come the axes of the pooled moments, by weight and of equal traces, then of components, then random ones.
N_POOLED = 2


@part
def count_trials(n_components, n_features, equal_shape):
    """Return how many axes are tried; one shape has no other maximum than the first."""
    if equal_shape:
        return 1
    n_random = min(RANDOM_AN_ANGLE * (n_features * (n_features - 1) // 2), MOST_RANDOM)
    n_trials = N_POOLED + min(n_components, MOST_COMPONENTS) + n_random
    return max(1, min(n_trials, MOST_TRIED // (n_components * n_features**3)))


@part
def write_trials(context, spare, tried):
    """Write axes into `tried` (T, D, D): those of moments, then of random matrices; `spare` (D, D) is scratch."""
    n_known = N_POOLED + min(view(context, STATE).means.shape[0], MOST_COMPONENTS)
    stream = np.empty(N_WORDS, np.uint64)
    open_stream(0, 0, stream)
    for trial in range(tried.shape[0]):
        if trial < n_known:
            mix_moments(context, trial, spare)
        else:
            draw(stream, spare)
        diagonalise(spare, tried[trial])


@part
def mix_moments(context, trial, out):
    """Write a matrix whose axes are to be tried into `out` (D, D); the covariances in the state are moments."""
    state = view(context, STATE)
    out[:] = 0.0
    for k in range(state.means.shape[0]):
        matrix = state.covariances[k]
        if trial == 0:
            add(matrix, state.sums[k], out)
        elif trial == 1:
            trace = 0.0
            for d in range(out.shape[0]):
                trace += matrix[d, d]
            add(matrix, state.sums[k] * inverse(trace), out)
        elif trial == N_POOLED + k:
            add(matrix, 1.0, out)


@part
def draw(stream, out):
    """Write a symmetric matrix of random numbers into `out` (D, D), large enough on its diagonal to be definite."""
    for i in range(out.shape[0]):
        for j in range(i + 1):
            out[i, j] = out[j, i] = uniform(stream) - 0.5
        out[i, i] += 0.5 * out.shape[0]


@part
def add(matrix, factor, out):
    """Add a multiple of a matrix to `out`."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] += factor * matrix[i, j]


@part
def set_apart(losses, same, order):
    """Sort the trials in `order` by their losses, the lowest first; return how many lead elsewhere, which come first.

    Of those whose losses are the `same`, up to that, the first trial is left: which is lowest rounding decides.
    """
    for i in range(1, order.shape[0]):
        trial, j = order[i], i
        while j > 0 and losses[order[j - 1]] > losses[trial]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = trial
    n_apart, lowest = 1, losses[order[0]]
    for i in range(1, order.shape[0]):
        if losses[order[i]] > lowest + same:
            lowest = losses[order[i]]
            order[n_apart] = order[i]
            n_apart += 1
        else:
            order[n_apart - 1] = min(order[n_apart - 1], order[i])
    return n_apart
