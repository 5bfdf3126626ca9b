"""M steps of matrices that share their axes: VEE, EVE, VVE. One item for all components.

What is iterated goes on from the covariances in the state, unless labels are given, or statistics alone.
"""

import math

import numpy as np

from ...._numba.options import exact_task, part
from ...._numba.pointers import view
from ....kernels.work import OK, SCRATCH, STATE, ZERO
from .common import goes_on, inverse, maximize_means
from .matrices import moments_of, take_moments, take_volumes
from .rotations import MOST_SHARED_SWEEPS, compose, diagonalise, turn, turn_planes
from .values import begin_volumes, fit_values

# Components whose own axes are tried where shared ones have nothing to go on from.
MOST_TRIED = 16


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
    or not, and of the moments of each component; one shape has the first alone, because it has no other maximum.
    """
    state, scratch = view(context, STATE), view(context, SCRATCH)
    n_components, n_features = state.means.shape
    maximize_means(context, ZERO, n_components)
    size = (n_components, n_features)
    moments, least, values, volumes = np.empty(size), np.empty(size), np.empty(size), np.empty(n_components)
    axes, spare = scratch.matrices[worker, 0], scratch.matrices[worker, 1]
    best_axes, best_values, best = np.empty((n_features, n_features)), np.empty(size), math.inf
    has_axes = goes_on(context)
    n_tried = 1 if has_axes or equal_shape else 2 + min(n_components, MOST_TRIED)
    for trial in range(n_tried):
        if has_axes:
            take_volumes(context, volumes)
            mix(context, spare)
        else:
            mix_moments(context, trial, spare)
        diagonalise(spare, axes)
        for k in range(n_components):
            moments_of(context, k, state.covariances[k])
            turn(state.covariances[k], axes, spare)
            take_moments(context, state.covariances[k], k, moments, least)
        if not has_axes:
            begin_volumes(state.sums, moments, volumes, values)
        fit_values(state.sums, moments, least, equal_volume, equal_shape, volumes, values)
        for _ in range(MOST_SHARED_SWEEPS):
            if not turn_planes(state.sums, state.covariances, values, axes):
                break
            for k in range(n_components):
                take_moments(context, state.covariances[k], k, moments, least)
            fit_values(state.sums, moments, least, equal_volume, equal_shape, volumes, values)
        loss = loss_of(state.sums, moments, values)
        if trial == 0 or loss < best:
            best_axes[:], best_values[:], best = axes, values, loss
    for k in range(n_components):
        compose(best_values[k], best_axes, state.covariances[k])


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
def mix_moments(context, trial, out):
    """Write a matrix whose axes are to be tried into `out` (D, D)."""
    state = view(context, STATE)
    matrix = state.covariances[0]  # which means nothing yet
    out[:] = 0.0
    for k in range(state.means.shape[0]):
        moments_of(context, k, matrix)
        if trial == 0:
            add(matrix, state.sums[k], out)
        elif trial == 1:
            trace = 0.0
            for d in range(out.shape[0]):
                trace += matrix[d, d]
            add(matrix, state.sums[k] * inverse(trace), out)
        elif trial == k + 2:
            add(matrix, 1.0, out)


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
