"""M steps of matrices that share their axes: VEE, EVE, VVE. One item for all components.

What is iterated goes on from the covariances in the state, unless labels are given, or statistics alone.
"""

import math

import numpy as np

from ...._numba.options import exact_task, part
from ...._numba.pointers import view
from ....kernels.primitives.jacobi import diagonalise
from ....kernels.slots import SWEEPS
from ....kernels.work import MORE, OK, SCRATCH, STATE, ZERO
from .common import goes_on, maximize_means, total_of
from .matrices import bound, fit_along, hide, rescale, scaled_moments_of, set_units, take_volumes
from .rotations import compose, empty_turning, turn, turn_planes
from .trials import add, count_trials, set_apart, write_trials
from .values import begin_volumes, empty_fit

# Sweeps over all planes in a round, whose successors go on; of what is tried, each time; and from the best, fewer
# where K D^3 is large. An item does as many as fit into LAUNCH_TURNED, and Ctrl-C has its turn before the next.
ROUND_SWEEPS = 20
TRIED_SWEEPS = 24
MOST_SWEEPS = 300
MOST_TURNED = MOST_SWEEPS << 22
LAUNCH_TURNED = 1 << 27
# How much higher a loss a row leads to another place: many trials end in the same.
APART = 1e-7


@exact_task
def maximize_vee(context, worker, first, end):
    """Task of VEE."""
    return maximize_shared_axes(context, worker, False, True)


@exact_task
def maximize_eve(context, worker, first, end):
    """Task of EVE."""
    return maximize_shared_axes(context, worker, True, False)


@exact_task
def maximize_vve(context, worker, first, end):
    """Task of VVE."""
    return maximize_shared_axes(context, worker, False, False)


@part
def maximize_shared_axes(context, worker, equal_volume, equal_shape):
    """Write the parameters of components that share their axes; return MORE if these are to be turned further.

    Axes have several local maxima: without any to go on from, those of the pooled moments are tried, of equal traces
    or not, of the moments of each component, and some at random. Between two launches the axes are in the scratch,
    the parameters those that have been reached, and in the counts the sweeps that are left.
    """
    state, scratch = view(context, STATE), view(context, SCRATCH)
    n_components, n_features = state.means.shape
    n_left, size = state.counts[SWEEPS], n_components * n_features**3
    maximize_means(context, ZERO, n_components)
    units, shares = np.empty(n_features), np.empty((n_components, n_features))
    set_units(context, equal_shape, units)
    fit, turning = empty_fit(n_components, n_features), empty_turning(n_components, n_features)
    _, _, _, values, volumes = fit
    axes, spare = scratch.matrices[worker, 0], scratch.matrices[worker, 1]
    has_volumes = goes_on(context) or (n_left > 0 and state.covariances[0, 0, 0] > 0.0)
    if has_volumes:
        take_volumes(context, volumes)
    if n_left == 0 and has_volumes:
        mix(context, spare)
        rescale(spare, units, True)
        diagonalise(spare, axes)
    for k in range(n_components):
        hide(context, k, units, shares[k])
        scaled_moments_of(context, k, units, state.covariances[k])
    if n_left == 0:
        n_left = ROUND_SWEEPS
        if not has_volumes:
            try_axes(context, shares, axes, spare, fit, turning, equal_volume, equal_shape)
            n_left = max(n_left, min(MOST_SWEEPS, MOST_TURNED // size))
    n_sweeps = min(n_left, max(1, LAUNCH_TURNED // size))
    n_done = climb(context, shares, axes, spare, fit, turning, equal_volume, equal_shape, has_volumes, n_sweeps)
    state.counts[SWEEPS] = n_left - n_sweeps if n_done == n_sweeps else 0
    for k in range(n_components):
        compose(values[k], axes, state.covariances[k])
        rescale(state.covariances[k], units, False)
    return OK if state.counts[SWEEPS] == 0 else MORE


@part
def try_axes(context, shares, axes, spare, fit, turning, equal_volume, equal_shape):
    """Write the best of many `axes`: again and again the better half goes on, of those that lead elsewhere.

    What rises most slowly may lead to the highest place, so that few sweeps tell too little.
    """
    n_components, n_features = fit[0].shape
    n_left = count_trials(n_components, n_features, equal_shape)
    tried, losses, order = np.empty((n_left, n_features, n_features)), np.empty(n_left), np.arange(n_left)
    write_trials(context, spare, tried)
    same = APART * total_of(view(context, STATE).sums)
    while n_left > 1:
        for trial in order[:n_left]:
            axes[:] = tried[trial]
            climb(context, shares, axes, spare, fit, turning, equal_volume, equal_shape, False, TRIED_SWEEPS)
            losses[trial] = loss_of(view(context, STATE).sums, fit[0], fit[3])
            tried[trial] = axes
        n_apart = set_apart(losses, same, order[:n_left])
        n_left = min(n_apart, (n_left + 1) // 2)
    axes[:] = tried[order[0]]


@part
def climb(context, shares, axes, spare, fit, turning, equal_volume, equal_shape, has_volumes, most_sweeps):
    """Turn `axes` and fit variances along them in turn, `most_sweeps` times at most; return how often.

    The covariances in the state are the moments of the components.
    """
    state = view(context, STATE)
    moments, _, _, values, volumes = fit
    turned = turning[0]
    for k in range(values.shape[0]):
        turn(state.covariances[k], axes, spare, k, turned)
    take_moments(context, shares, axes, turned, fit)
    if not has_volumes:
        begin_volumes(state.sums, moments, volumes, values)
    fit_along(context, fit, equal_volume, equal_shape)
    for n_done in range(most_sweeps):
        if not turn_planes(state.sums, values, axes, turning):
            return n_done
        take_moments(context, shares, axes, turned, fit)
        fit_along(context, fit, equal_volume, equal_shape)
    return most_sweeps


@part
def take_moments(context, shares, axes, turned, fit):
    """Write the moments along `axes`, and the least values, into a `fit`."""
    moments = fit[0]
    n_components, n_features = moments.shape
    for k in range(n_components):
        for i in range(n_features):
            moments[k, i] = turned[i, i, k]
        bound(context, k, axes, shares[k], fit)


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
def loss_of(sums, moments, values):
    """Return sum_k N_k sum_i (log v_ki + s_ki / v_ki), which the M step makes as small as it can."""
    total = 0.0
    for k in range(values.shape[0]):
        for i in range(values.shape[1]):
            if values[k, i] > 0.0:
                total += sums[k] * (math.log(values[k, i]) + moments[k, i] / values[k, i])
    return total
