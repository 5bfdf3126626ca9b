"""M steps of matrices that share their axes: VEE, EVE, VVE. One item for all components.

What is iterated goes on from the covariances in the state, unless labels are given, or statistics alone.
"""

import math

import numpy as np

from ...._numba.options import exact_task, part
from ...._numba.pointers import view
from ....kernels.work import OK, SCRATCH, STATE, ZERO
from .common import goes_on, inverse, maximize_means, total_of
from .matrices import fit_along, rescale, scaled_moments_of, set_units, take_moments, take_volumes
from .rotations import compose, diagonalise, turn, turn_planes
from .values import begin_volumes, empty_fit

# Sweeps over all planes in a round, whose successors go on; of what is tried; and from the best of that.
ROUND_SWEEPS = 20
TRIED_SWEEPS = 24
MOST_SWEEPS = 300
# What is tried where there is nothing to go on from: the axes of so many components, and so many turned at random,
# fewer where K D^3 is large. Of 800 random sets of moments, D = 3 to 6, 2 ended higher than from the best of 20 other
# random axes; without those at random 19.
MOST_COMPONENTS = 16
MOST_RANDOM = 40
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
    or not, of the moments of each component, and some at random; one shape has no other maximum than the first.
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
        n_random = min(MOST_RANDOM, MOST_NUMBERS // (n_components * n_features**3))
        n_tried = 1 if equal_shape else 2 + min(n_components, MOST_COMPONENTS) + n_random
        best_axes, best = np.empty((n_features, n_features)), math.inf
        for trial in range(n_tried):
            mix_moments(context, units, trial, spare)
            diagonalise(spare, axes)
            loss = climb(context, units, axes, spare, fit, equal_volume, equal_shape, False, TRIED_SWEEPS)
            if trial == 0 or loss < best - CLEARLY * total_of(state.sums):
                best_axes[:], best = axes, loss
        axes[:] = best_axes
        climb(context, units, axes, spare, fit, equal_volume, equal_shape, False, MOST_SWEEPS)
    for k in range(n_components):
        compose(values[k], axes, state.covariances[k])
        rescale(state.covariances[k], units, False)


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
    random = trial - 2 - min(state.means.shape[0], MOST_COMPONENTS)
    for i in range(out.shape[0]):
        for j in range(i + 1):
            if random >= 0:
                out[i, j] = out[j, i] = math.cos(1e4 * (random + 1.0) * (i + 0.7) + 3e3 * (j + 0.3) * (j + 0.3))


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
