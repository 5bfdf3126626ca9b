"""Many fits of few rows, one after another in compiled code: those of `whole`, with random numbers for each."""

import math

from ..._numba.options import exact, part
from ..._numba.pointers import member, placed, view
from ...kernels.moments.columns import mark_held_up
from ...kernels.primitives.philox import below, open_stream, uniform
from ...kernels.work import OK, STATE, Rows
from .desk import BEGINNING, BEGINS, CONTEXT, DESK, FITS, PROBLEMS, RULE, UNUSUAL, WHOLE
from .state import (
    AITKEN,
    COMPONENT,
    CONVERGED,
    FINISHED,
    LOG_LIKELIHOOD,
    MAX_ITER,
    MAX_ITER_REACHED,
    N_ITER,
    N_TRACED,
    PHASE,
    RUNNING,
    STATUS,
    SWEEPS,
    TOLERANCE,
    TOTAL_WEIGHT,
)
from .whole import ADVANCE, CUT, DRIVE, GOES_ON, TASKS, begin_columns, copy, from_k_means, regularise


@exact
def fit_each(many, chosen, begin, end):
    """Fit the problems ``chosen[begin:end]``, as many as the desk has traces for at most."""
    status = view(many, FITS).status
    for i in range(begin, end):
        status[chosen[i]] = fit_one(many, chosen[i], i - begin)


@part
def fit_one(many, b, place):
    """Fit problem `b`, and leave the trace at a `place` of the desk; return its status."""
    rule, desk, fits, problems = view(many, RULE), view(many, DESK), view(many, FITS), view(many, PROBLEMS)
    state = view(member(many, CONTEXT), STATE)
    status, best, best_is_held = UNUSUAL, -math.inf, True
    open_stream(problems.seed[0], problems.streams[b], desk.generator)
    for start in range(rule.n_init):
        ended = run(many, b)
        if ended == UNUSUAL:
            return UNUSUAL
        n_iter = state.counts[N_ITER]
        height = desk.trace[n_iter - 1] if n_iter > 0 else state.numbers[LOG_LIKELIHOOD]
        is_held = mark_degenerate(state, desk.added, desk.degenerate) and state.floor[0] > 0.0
        desk.heights[start] = height if is_held else math.nan
        if start == 0 or (best_is_held and not is_held) or (best_is_held == is_held and height > best):
            status, best, best_is_held = ended, height, is_held
            copy(state.weights, fits.weights[b])
            copy_rows(state.means, fits.means[b])
            copy_matrices(state.covariances, fits.covariances[b])
            copy(state.floor, fits.floors[b])
            copy(desk.degenerate, fits.degenerate[b])
            copy(desk.trace[:n_iter], desk.traces[place])
            fits.log_likelihood[b], fits.n_iter[b] = state.numbers[LOG_LIKELIHOOD], n_iter
    fits.n_passed_over[b] = 0
    for start in range(rule.n_init):
        if desk.heights[start] > best:
            fits.n_passed_over[b] += 1
    return status


@part
def copy_rows(values, out):
    """Copy an array (K, D); `reshape` would be a call of Numba's, 25 nanoseconds a time."""
    for k in range(values.shape[0]):
        copy(values[k], out[k])


@part
def copy_matrices(values, out):
    """Copy an array (K or 1, D or 1, D or 1)."""
    for k in range(values.shape[0]):
        copy_rows(values[k], out[k])


@part
def mark_degenerate(state, added, degenerate):
    """Mark the components that the regulariser holds up; return whether there are any."""
    if not state.floor[0] > 0.0:
        n_marked = 0
        for k in range(degenerate.shape[0]):
            degenerate[k] = False
        if state.counts[N_ITER] > 0:
            n_marked = mark_held_up(state.weights, state.means, state.covariances, added, degenerate)
        return n_marked > 0
    marked = False
    for k in range(degenerate.shape[0]):
        held = state.held[0 if state.covariances.shape[0] == 1 else k]
        degenerate[k] = held > 0 or state.weights[k] == 0.0
        marked = marked or degenerate[k]
    return marked


@part
def run(many, b):
    """Fit problem `b` from the next start; return why the run ended, or `UNUSUAL`."""
    rule, desk, problems = view(many, RULE), view(many, DESK), view(many, PROBLEMS)
    whole, context = member(many, WHOLE), member(many, CONTEXT)
    state = view(context, STATE)
    counts, numbers = state.counts, state.numbers
    copy(member(many, BEGINNING), member(many, BEGINS))
    numbers[TOLERANCE], numbers[TOTAL_WEIGHT] = rule.tol, problems.totals[b]
    counts[AITKEN], counts[MAX_ITER] = rule.aitken, rule.max_iter
    counts[STATUS] = RUNNING if rule.max_iter > 0 else MAX_ITER_REACHED

    first, end = problems.offsets[b], problems.offsets[b + 1]
    n_samples = end - first
    x = problems.x[first:end]
    weights = problems.weights[first:end] if problems.weights.shape[0] > 0 else problems.weights
    rows = Rows(weights, desk.labels[:n_samples], desk.responsibilities, desk.values[:n_samples])
    last, nanoseconds = rule.max_iter + 1, rule.nanoseconds
    if rule.started != 0:
        fits = view(many, FITS)
        copy(fits.weights[b], state.weights)
        copy_rows(fits.means[b], state.means)
        copy_matrices(fits.covariances[b], state.covariances)
        code = begin_columns(whole, x, rows, problems.totals[b]) if rule.reg_covar < 0.0 else OK
        regularise(whole, state, rule.reg_covar)
    else:
        draw(desk.generator, n_samples, weights, desk.chosen, desk.uniforms)
        code = from_k_means(whole, context, x, rows, desk.chosen, desk.uniforms, rule.reg_covar, last, nanoseconds)
    if code == GOES_ON and counts[SWEEPS] > 0:  # in a long M step
        code = OK
    n_traced = take(state, 0, desk.trace)
    context = placed(context, (x, rows))
    while code == OK and counts[PHASE] != FINISHED and n_traced >= 0:
        tasks, cut = member(whole, TASKS), member(whole, CUT)
        going = member(whole, ADVANCE)(member(whole, DRIVE), tasks, context, cut, last, nanoseconds)
        code = GOES_ON if going and counts[SWEEPS] == 0 else OK
        n_traced = take(state, n_traced, desk.trace)
    ordinary = code == OK and n_traced >= 0 and counts[COMPONENT] < 0 and math.isfinite(numbers[LOG_LIKELIHOOD])
    if ordinary and (counts[STATUS] == CONVERGED or counts[STATUS] == MAX_ITER_REACHED):
        return counts[STATUS]
    return UNUSUAL


@part
def take(state, n_traced, trace):
    """Append the mean log-likelihoods of the last rounds to the first `n_traced`; return how many, -1 if too many."""
    n_more = state.counts[N_TRACED]
    state.counts[N_TRACED] = 0
    if n_traced + n_more > trace.shape[0]:
        return -1
    copy(state.trace[:n_more], trace[n_traced:])
    return n_traced + n_more


@part
def draw(generator, n_samples, weights, chosen, uniforms):
    """Draw what ``rows.start.k_means.draw`` does."""
    if weights.shape[0] > 0:
        # Sums in the order of the rows, as NumPy's `cumsum` has them.
        total = 0.0
        for i in range(n_samples):
            total += weights[i]
        target, row, reached = uniform(generator) * total, 0, weights[0]
        while not reached > target and row + 1 < n_samples:
            row += 1
            reached += weights[row]
        chosen[0] = row
    else:
        chosen[0] = below(generator, n_samples)
    for k in range(uniforms.shape[0]):
        for c in range(uniforms.shape[1]):
            uniforms[k, c] = uniform(generator)
