"""How far bounds fall when parameters move, and rows in the order of their labels.

With y = H (x - mu), H = L^-1 / 2 and Sigma = L L^T, and M = H' H^-1 for a step from H, mu to H', mu',

    |H' (x - mu')| >= |M y| - |H' (mu' - mu)| >= (1 - |I - M|) |y| - |H' (mu' - mu)|,

in any norm of matrices that is no less than the spectral one: the Frobenius norm, or the root of the largest sums of
rows and of columns, which cost D^3 / 6 and tend to 0 as EM converges. Of variances the factor is exact.
"""

import math

import numpy as np

from ..._numba.options import exact, exact_task, part
from ..._numba.pointers import view
from ..densities.kinds import variance_of
from ..work import MODEL, OK, SCRATCH, STATE
from .bounds import BOUNDS, INTERCEPT, LONGEST, NEGLIGIBLE_BITS, ROUNDED_DOWN, ROUNDED_UP, UNSEEN_BITS


@exact_task
def move_matrices(context, worker, first, end):
    """Task: what becomes of bounds, of matrices `first` to `end`; the model becomes the one before.

    Of a single matrix for all components as of one of each. Scales are taken over by who launches this.
    """
    model, bounds, scratch = view(context, MODEL), view(context, BOUNDS), view(context, SCRATCH)
    n_components, size = model.constants.shape[0], model.scales.shape[0]
    step, row = scratch.matrices[worker, 0], scratch.matrices[worker, 1, 0]
    for j in range(first, end):
        factor = model.factors[j]
        for i in range(size):
            step_row(factor[i], bounds.factors[j], i, model.scales, bounds.scales, row)
            for p in range(i + 1):
                step[i, p] = row[p]
        kept = 1.0 - norm_of(step, row)
        for k in range(n_components) if model.factors.shape[0] == 1 else range(j, j + 1):
            move = 0.0
            for i in range(size):
                value = 0.0
                for p in range(i + 1):
                    moved = (view(context, STATE).means[k, p] - bounds.means[k, p]) * float(model.scales[p])
                    value += float(factor[i, p]) * moved
                move += value * value
            set_bounds(context, k, kept, math.sqrt(move))
        for i in range(size):
            for p in range(i + 1):
                bounds.factors[j, i, p] = factor[i, p]
    return OK


@part
def step_row(new, factor, i, scales, scales_before, row):
    """Write row `i` of I - M into `row` (D,): it solves M H = H', where both are of the data, by their scales."""
    for j in range(i + 1):
        row[j] = float(new[j]) * float(scales[j])
    for j in range(i, -1, -1):
        value = row[j] / (float(factor[j, j]) * float(scales_before[j]))
        for p in range(j):
            row[p] -= value * float(factor[j, p]) * float(scales_before[p])
        row[j] = (1.0 if i == j else 0.0) - value


@part
def norm_of(matrix, columns):
    """Return a bound of the spectral norm of a lower triangular matrix (D, D); `columns` (D,) is scratch."""
    squares = largest_row = largest_column = 0.0
    size = matrix.shape[0]
    for i in range(size):
        columns[i] = 0.0
    for i in range(size):
        total = 0.0
        for j in range(i + 1):
            value = abs(matrix[i, j])
            squares += value * value
            total += value
            columns[j] += value
        largest_row = max(largest_row, total)
    for j in range(size):
        largest_column = max(largest_column, columns[j])
    return min(math.sqrt(squares), math.sqrt(largest_row * largest_column))


@exact_task
def move_variances(context, worker, first, end):
    """Task: do what `move_matrices` does, of the variances of components `first` to `end`."""
    state, bounds = view(context, STATE), view(context, BOUNDS)
    n_features = state.means.shape[1]
    for k in range(first, end):
        kept, move = math.inf, 0.0
        for d in range(n_features):
            variance = variance_of(state.covariances, k, d)
            kept = min(kept, math.sqrt(variance_of(bounds.variances, k, d) / variance))
            moved = state.means[k, d] - bounds.means[k, d]
            move += 0.25 * moved * moved / variance
        set_bounds(context, k, kept, math.sqrt(move))
        for d in range(bounds.variances.shape[2]):
            bounds.variances[k, 0, d] = state.covariances[k, 0, d]
    return OK


@part
def set_bounds(context, k, kept, move):
    """Write what becomes of bounds of component `k`, and its limit; its means become those before.

    A length |y| of the data is as good as the rounding of what it is the difference of, lengths of D numbers about as
    large as the offset of the density: that is added to each `move`, which covers the last and the next of them.
    """
    model, state, bounds = view(context, MODEL), view(context, STATE), view(context, BOUNDS)
    offset = 0.0
    for p in range(model.offsets.shape[1]):
        value = float(model.offsets[k, p])
        offset += value * value
    if model.factors.shape[1] == 1 and model.factors.shape[2] == 1:
        offset *= float(model.factors[k, 0, 0])
    epsilon = 1e-6 if model.constants.itemsize == 4 else 2e-15
    move += epsilon * model.scales.shape[0] * math.sqrt(offset)
    # What is not a number bounds nothing, and bounds are in single precision: where variances fall by more than it
    # holds, infinitely often nothing would be no number.
    known = kept > 0.0 and move < LONGEST
    bounds.shrink[k] = min(kept * ROUNDED_DOWN, LONGEST) if known else 0.0
    bounds.shift[k] = move * ROUNDED_UP if known else 0.0
    bounds.limits[k], bounds.cuts[k] = -math.inf, math.inf
    if state.weights[k] > 0.0:
        share = math.log(state.weights[k])
        bounds.limits[k] = NEGLIGIBLE_BITS * math.log(2.0) + INTERCEPT + 2.0 * float(model.constants[k]) - share
        bounds.cuts[k] = 0.5 * (share - UNSEEN_BITS * math.log(2.0))
    for d in range(state.means.shape[1]):
        bounds.means[k, d] = state.means[k, d]


@exact
def order_by_label(order, labels, n_components, by_row, starts):
    """Sort rows by their labels, and those of one label by their number.

    `order` (N,) and `labels` (N,) int32 are overwritten; `by_row` (N,) int32 and `starts` (K + 1,) int64 are scratch.
    """
    for k in range(n_components + 1):
        starts[k] = 0
    for i in range(order.shape[0]):
        by_row[order[i]] = labels[i]
        starts[labels[i] + 1] += 1
    for k in range(n_components):
        starts[k + 1] += starts[k]
    for i in range(order.shape[0]):
        k = by_row[i]
        place = starts[k]
        order[place], labels[place] = np.int32(i), k
        starts[k] = place + 1
