"""What happens between the launches of a round: a pass begins, is judged, and its M step accepted."""

import math

from ..._numba.options import part
from ..._numba.pointers import view
from ...kernels.blocks.loading import clear
from ...kernels.densities.kinds import center, is_spherical, set_scales_of
from ...kernels.work import COMPONENT as FIRST_COMPONENT
from ...kernels.work import MODEL, STATE, SUMS
from .convergence import converged
from .m_steps.common import cancels
from .state import (
    AITKEN,
    BROKEN,
    CHANGE,
    CHANGE_BEFORE,
    COMPONENT,
    CONVERGED,
    FINISHED,
    GIVEN,
    ILL_DEFINED,
    ITEM,
    LOG_LIKELIHOOD,
    MAX_ITER,
    MAX_ITER_REACHED,
    MAXIMIZE,
    MEAN,
    N_ITER,
    N_TRACED,
    NOT_FINITE,
    OPEN,
    PHASE,
    PREPARE,
    PREVIOUS,
    RAISED,
    RAISED_NOW,
    REPEATED,
    RUNNING,
    STATUS,
    SUMMED,
    SWEEP,
    TOLERANCE,
    TOTAL_WEIGHT,
)


@part
def fail(context, code):
    """Take down what a task failed of."""
    state = view(context, STATE)
    if code >= FIRST_COMPONENT:
        # A run that had ended before keeps its reason: the collapse came with the last M step.
        if state.counts[STATUS] == RUNNING:
            state.counts[STATUS] = ILL_DEFINED
        state.counts[COMPONENT] = code - FIRST_COMPONENT
    else:
        state.counts[STATUS] = BROKEN
    state.counts[PHASE] = FINISHED


@part
def open_pass(context):
    """Begin a pass: parameters less their origin; or only the centres of moments, where labels are given."""
    model, state, accumulator = view(context, MODEL), view(context, STATE), view(context, SUMS).accumulator
    counts = state.counts
    clear(accumulator)
    counts[ITEM] = 0
    # After they have been raised it begins anew, because units and the origin are those of the covariances.
    counts[RAISED] = 1 if counts[RAISED] == RAISED_NOW else 0
    if counts[GIVEN] == 0:
        center(context)
        counts[PHASE] = PREPARE
        return
    set_scales_of(model.scales, state.spread)
    # Without a density there is nothing to gain from an origin, and without one the centred rows are exact.
    for d in range(model.origin.shape[0]):
        model.origin[d] = model.origin.dtype.type(0.0)
    move_centers(context)
    if is_spherical(model):
        # Distances of a fused pair are from its offsets.
        for k in range(model.means.shape[0]):
            for d in range(model.means.shape[1]):
                model.offsets[k, d] = model.means[k, d]
    counts[PHASE] = SWEEP


@part
def move_centers(context):
    """Let moments be taken about the means in the state."""
    model, state = view(context, MODEL), view(context, STATE)
    for k in range(state.means.shape[0]):
        for d in range(state.means.shape[1]):
            scaled = state.means[k, d] * float(model.scales[d])
            model.means[k, d] = scaled - float(model.origin[d])


@part
def judge(context):
    """Take down the log-likelihood that a pass saw, and whether the run has converged.

    As in scikit-learn the log-likelihoods compared are those that E steps see, so of the parameters before an M step.
    """
    state = view(context, STATE)
    numbers, counts = state.numbers, state.counts
    numbers[MEAN] = numbers[LOG_LIKELIHOOD] / numbers[TOTAL_WEIGHT]
    counts[N_ITER] += 1
    if not math.isfinite(numbers[MEAN]):
        counts[STATUS], counts[PHASE] = NOT_FINITE, FINISHED
        return
    state.trace[counts[N_TRACED]] = numbers[MEAN]
    counts[N_TRACED] += 1
    numbers[CHANGE_BEFORE], numbers[CHANGE] = numbers[CHANGE], numbers[MEAN] - numbers[PREVIOUS]
    numbers[PREVIOUS] = numbers[MEAN]
    if converged(numbers[CHANGE], numbers[CHANGE_BEFORE], numbers[TOLERANCE], counts[AITKEN] != 0):
        counts[STATUS] = CONVERGED
    elif counts[N_ITER] == counts[MAX_ITER]:
        counts[STATUS] = MAX_ITER_REACHED


@part
def conclude(context):
    """Do what follows from the statistics of a pass: judge them and go on to the M step, or end the run."""
    state = view(context, STATE)
    counts = state.counts
    counts[PHASE] = MAXIMIZE
    if counts[GIVEN] == 2:
        for k in range(state.means.shape[0]):
            for d in range(state.means.shape[1]):
                state.means[k, d] = state.centers[k, d] + state.first[k, d] / state.sums[k]
        counts[GIVEN], counts[PHASE] = 1, OPEN
    elif counts[GIVEN] == 0 and counts[REPEATED] == 0:  # what is repeated has been judged
        if counts[STATUS] != RUNNING:
            counts[PHASE] = FINISHED
        else:
            judge(context)


@part
def sweep_again(context):
    """Begin the sums of a pass anew, with the density as it is."""
    counts = view(context, STATE).counts
    counts[PHASE], counts[ITEM] = SWEEP, 0
    clear(view(context, SUMS).accumulator)


@part
def settle(context):
    """Accept the parameters that an M step has made, and go on to the next pass.

    Where the centres of the moments were too far from the new means, these become the centres (of the same density),
    and the pass is swept once more.
    """
    counts = view(context, STATE).counts
    counts[SUMMED] = 0
    if counts[GIVEN] == 0 and counts[REPEATED] == 0 and cancels(context):
        counts[REPEATED] = 1
        sweep_again(context)
        move_centers(context)
    else:
        counts[GIVEN], counts[REPEATED], counts[PHASE] = 0, 0, OPEN
