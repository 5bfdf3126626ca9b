"""M steps of matrices that share their axes: VEE, EVE, VVE. One item for all components.

What is iterated goes on from the covariances in the state, unless labels are given, or statistics alone.
"""

import math

import numpy as np

from ...._numba.options import exact_task, part
from ...._numba.pointers import view
from ....kernels.primitives.philox import N_WORDS, open_stream, uniform
from ....kernels.work import OK, SCRATCH, STATE, ZERO
from .common import goes_on, inverse, maximize_means, total_of
from .matrices import fit_along, rescale, scaled_moments_of, set_units, take_moments, take_volumes
from .rotations import compose, diagonalise, turn, turn_planes
from .values import begin_volumes, empty_fit

# Sweeps over all planes in a round, whose successors go on; of what is tried; of the best of that; and from the best.
ROUND_SWEEPS = 20
TRIED_SWEEPS = 16
BEST_SWEEPS = 40
MOST_SWEEPS = 300
# What is tried where there is nothing to go on from: the axes of so many components, and for each angle so many at
# random, fewer where K D^3 is large; the best quarter goes on. Of 3200 random sets of moments, D = 3 to 6, K = 2 to
# 5, one ended higher than from the best of 20 other random axes; with 40 at random for any D and 24 sweeps for all,
# 3 of 1600; without those at random 19 of 800.
MOST_COMPONENTS = 16
RANDOM_AN_ANGLE = 8
MOST_RANDOM = 120
MOST_BEST = 16
MOST_NUMBERS = 1 << 20
# How much lower a loss a row has to be: many of these end in the same place, up to rounding.
CLEARLY = 1e-10


@exact_task
def maximize_vee(context, worker, first, end):
    """Task of VEE."""
    maximize_shared_axes(context, worker, False, True)
    return OK


@exact_task
def maximize_eve(context, worker, first, end):
    """Task of EVE."""
    maximize_shared_axes(context, worker, True, False)
    return OK


@exact_task
def maximize_vve(context, worker, first, end):
    """Task of VVE."""
    maximize_shared_axes(context, worker, False, False)
    return OK


@part
def maximize_shared_axes(context, worker, equal_volume, equal_shape):
    """Write the parameters of components that share their axes.

    Axes have several local maxima: without any to go on from, those of the pooled moments are tried, of equal traces
    or not, of the moments of each component, and some at random.
    """
    state, scratch = view(context, STATE), view(context, SCRATCH)
    n_components, n_features = state.means.shape
    maximize_means(context, ZERO, n_components)
    units = np.empty(n_features)
    set_units(context, equal_shape, units)
    fit = empty_fit(n_components, n_features)
    _, _, _, values, volumes = fit
    axes, spare = scratch.matrices[worker, 0], scratch.matrices[worker, 1]
    if goes_on(context):
        take_volumes(context, volumes)
        mix(context, spare)
        rescale(spare, units, True)
        diagonalise(spare, axes)
        climb(context, units, axes, spare, fit, equal_volume, equal_shape, True, ROUND_SWEEPS)
    else:
        try_axes(context, units, axes, spare, fit, equal_volume, equal_shape)
        climb(context, units, axes, spare, fit, equal_volume, equal_shape, False, MOST_SWEEPS)
    for k in range(n_components):
        compose(values[k], axes, state.covariances[k])
        rescale(state.covariances[k], units, False)


@part
def try_axes(context, units, axes, spare, fit, equal_volume, equal_shape):
    """Write the best of many `axes`, as far as some sweeps tell; one shape has no other maximum than the first."""
    n_components, n_features = fit[0].shape
    n_known = 1 if equal_shape else 2 + min(n_components, MOST_COMPONENTS)
    n_random = 0 if equal_shape else RANDOM_AN_ANGLE * (n_features * (n_features - 1) // 2)
    n_random = min(n_random, MOST_RANDOM, MOST_NUMBERS // (n_components * n_features**3))
    n_tried = n_known + n_random
    tried, losses = np.empty((n_tried, n_features, n_features)), np.empty(n_tried)
    stream = np.empty(N_WORDS, np.uint64)
    open_stream(0, 0, stream)
    for trial in range(n_tried):
        if trial < n_known:
            mix_moments(context, units, trial, spare)
        else:
            draw(stream, spare)
        diagonalise(spare, axes)
        losses[trial] = climb(context, units, axes, spare, fit, equal_volume, equal_shape, False, TRIED_SWEEPS)
        tried[trial] = axes
    best, lowest = 0, math.inf
    for _ in range(min(MOST_BEST, 1 + n_tried // 4)):
        chosen = np.argmin(losses)
        losses[chosen] = math.inf
        axes[:] = tried[chosen]
        loss = climb(context, units, axes, spare, fit, equal_volume, equal_shape, False, BEST_SWEEPS)
        tried[chosen] = axes
        if loss < lowest - CLEARLY * total_of(view(context, STATE).sums):
            best, lowest = chosen, loss
    axes[:] = tried[best]


@part
def climb(context, units, axes, spare, fit, equal_volume, equal_shape, has_volumes, most_sweeps):
    """Turn `axes` and fit variances along them in turn, `most_sweeps` times at most; return the loss.

    The covariances in the state become the moments along the axes.
    """
    state = view(context, STATE)
    moments, _, _, values, volumes = fit
    for k in range(values.shape[0]):
        scaled_moments_of(context, k, units, state.covariances[k])
        turn(state.covariances[k], axes, spare)
        take_moments(context, k, units, axes, state.covariances[k], fit)
    if not has_volumes:
        begin_volumes(state.sums, moments, volumes, values)
    fit_along(context, fit, equal_volume, equal_shape)
    for _ in range(most_sweeps):
        if not turn_planes(state.sums, state.covariances, values, axes):
            break
        for k in range(values.shape[0]):
            take_moments(context, k, units, axes, state.covariances[k], fit)
        fit_along(context, fit, equal_volume, equal_shape)
    return loss_of(state.sums, moments, values)


@part
def mix(context, out):
    """Write a sum of the covariances into `out` (D, D) that has the axes that they share, told apart.

    Traces are made equal, and weights are not, so that no two axes have the same variance in it but by chance.
    """
    covariances = view(context, STATE).covariances
    out[:] = 0.0
    for k in range(covariances.shape[0]):
        trace = 0.0
        for d in range(out.shape[0]):
            trace += covariances[k, d, d]
        add(covariances[k], 1.0 / (trace * (1.0 + 0.7 * k)), out)


@part
def mix_moments(context, units, trial, out):
    """Write a matrix whose axes are to be tried into `out` (D, D)."""
    state = view(context, STATE)
    matrix = state.covariances[0]  # which means nothing yet
    out[:] = 0.0
    for k in range(state.means.shape[0]):
        scaled_moments_of(context, k, units, matrix)
        if trial == 0:
            add(matrix, state.sums[k], out)
        elif trial == 1:
            trace = 0.0
            for d in range(out.shape[0]):
                trace += matrix[d, d]
            add(matrix, state.sums[k] * inverse(trace), out)
        elif trial == k + 2 and k < MOST_COMPONENTS:
            add(matrix, 1.0, out)


@part
def draw(stream, out):
    """Write a symmetric matrix of random numbers into `out` (D, D)."""
    for i in range(out.shape[0]):
        for j in range(i + 1):
            out[i, j] = out[j, i] = uniform(stream) - 0.5


@part
def add(matrix, factor, out):
    """Add a multiple of a matrix to `out`."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] += factor * matrix[i, j]


@part
def loss_of(sums, moments, values):
    """Return sum_k N_k sum_i (log v_ki + s_ki / v_ki), which the M step makes as small as it can."""
    total = 0.0
    for k in range(values.shape[0]):
        for i in range(values.shape[1]):
            if values[k, i] > 0.0:
                total += sums[k] * (math.log(values[k, i]) + moments[k, i] / values[k, i])
    return total
