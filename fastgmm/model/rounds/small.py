"""Mixtures fitted and evaluated inside a user's own compiled code; ``fastgmm.primitives`` hands this out."""

import math
from typing import Any, NamedTuple

from ..._numba.options import exact
from ..._numba.pointers import pointer_to, read_only
from ...kernels.slots import AITKEN, CHANGE, CHANGE_BEFORE, N_TRACED, PREVIOUS, SWEEPS, TOLERANCE, TOTAL_WEIGHT
from ...kernels.work import Rows, Work
from .em import advance, cut_to
from .state import COMPONENT, FINISHED, GIVEN, LOG_LIKELIHOOD, MEAN, N_ITER, OPEN, PHASE, REPEATED, RUNNING, STATUS
from .state import CONVERGED as HAS_CONVERGED
from .state import ILL_DEFINED as IS_ILL_DEFINED
from .state import MAX_ITER as MOST
from .state import MAX_ITER_REACHED as REACHED

MAX_ITER, CONVERGED, ILL_DEFINED, NOT_FINITE, UNSUITABLE = range(5)


class Workspace(NamedTuple):
    """A mixture of K components in kernel form, with the buffers and the addresses of its kernels."""

    drive: Any
    tasks: Any
    apart: Any
    evaluate: Any
    rows: Any
    model: Any
    state: Any
    scratch: Any
    sums: Any
    cut: Any


@exact
def suits(state, weights, means, covariances):
    """Whether parameters have the sizes of a state."""
    return (
        weights.shape[0] == state.weights.shape[0]
        and means.shape[0] == state.means.shape[0]
        and means.shape[1] == state.means.shape[1]
        and covariances.size == state.covariances.size
    )


@exact
def copy(values, out):
    """Copy an array in C order into another with as many elements."""
    flat, flat_out = values.reshape(-1), out.reshape(-1)
    for i in range(flat_out.shape[0]):
        flat_out[i] = flat[i]


@exact
def put(state, weights, means, covariances):
    """Begin a run from parameters, of which nothing has been done yet."""
    copy(weights, state.weights)
    copy(means, state.means)
    copy(covariances, state.covariances)
    counts, numbers = state.counts, state.numbers
    counts[STATUS], counts[PHASE], counts[COMPONENT], counts[N_ITER] = RUNNING, OPEN, -1, 0
    counts[N_TRACED], counts[REPEATED], counts[GIVEN], counts[AITKEN], counts[SWEEPS] = 0, 0, 0, 0, 0
    numbers[PREVIOUS], numbers[CHANGE], numbers[CHANGE_BEFORE] = -math.inf, math.inf, 0.0


@exact
def work_on(workspace, x, rows):
    """Return what tasks work on, for rows `x` and what goes along with them."""
    return Work(read_only(x), rows, workspace.model, workspace.state, workspace.scratch, workspace.sums)


@exact
def prepare(workspace, weights, means, covariances):
    """Fill a workspace from float64 parameters.

    Returns -1, the first component whose covariance is not positive definite, or -2 for parameters of other sizes.
    """
    state = workspace.state
    if not suits(state, weights, means, covariances):
        return -2
    put(state, weights, means, covariances)
    x = workspace.rows.responsibilities  # no rows, in C order
    # Without superblocks it comes back when the density is prepared.
    cut = cut_to(workspace.cut, 0)
    work = pointer_to(work_on(workspace, x, workspace.rows))
    advance(workspace.drive, workspace.tasks, work, cut, 1, math.inf)
    return state.counts[COMPONENT]


@exact
def log_density(workspace, x, out):
    """Write the log-density of rows `x` (N, D), in nats, under a prepared workspace into `out` (N,).

    Returns whether `out` and the features have the sizes for it; if not, nothing is written.
    """
    if out.shape[0] != x.shape[0] or x.shape[1] != workspace.state.means.shape[1]:
        return False
    rows, sums = workspace.rows, workspace.sums
    wanted = Rows(rows.weights, rows.labels, rows.responsibilities, out)
    n_superblocks = -(-x.shape[0] // sums.rows)
    workspace.evaluate(pointer_to(work_on(workspace, x, wanted)), 0, 0, n_superblocks)
    return True


@exact
def fit_small(workspace, x, weights, means, covariances, reg_covar, tol, max_iter, trace):
    """Run EM to its end on rows `x` (N, D), C-contiguous and in the dtype of the workspace, of any length.

    Parameters
    ----------
    weights, means, covariances : float64, C-contiguous
        In: the start. Out: the parameters after the last M step.
    reg_covar : float
        Added to the diagonal of every covariance.
    tol : float
        EM stops when the mean log-likelihood a row changes by less.
    trace : float64, at least (max_iter,)
        Mean log-likelihood that each round's E step saw.

    Returns
    -------
    status : int
        MAX_ITER, CONVERGED, ILL_DEFINED (a covariance is not positive definite), NOT_FINITE (the log-likelihood), or
        UNSUITABLE: sizes do not agree, and nothing was done.
    n_iter : int
        Rounds done; with ILL_DEFINED and NOT_FINITE, the round that failed.
    component : int
        Which covariance is ill-defined, else -1.
    log_likelihood : float
        Total log-likelihood of the rows, in nats, under the final parameters.
    """
    state = workspace.state
    counts, numbers = state.counts, state.numbers
    unsuitable = max_iter < 0 or trace.shape[0] < max_iter or x.shape[0] == 0 or x.shape[1] != state.means.shape[1]
    if unsuitable or not suits(state, weights, means, covariances):
        return UNSUITABLE, 0, -1, 0.0
    put(state, weights, means, covariances)
    state.added[:] = reg_covar
    numbers[TOLERANCE], numbers[TOTAL_WEIGHT] = tol, float(x.shape[0])
    counts[MOST] = max_iter
    if max_iter == 0:
        counts[STATUS] = REACHED
    cut = cut_to(workspace.cut, -(-x.shape[0] // workspace.sums.rows))
    work = pointer_to(work_on(workspace, x, workspace.rows))
    n_traced = 0
    while counts[PHASE] != FINISHED:
        if counts[REPEATED] != 0 and cut.fused != 0:
            advance(workspace.drive, workspace.apart, work, cut, max_iter + 1, 0.0)
        else:
            advance(workspace.drive, workspace.tasks, work, cut, max_iter + 1, math.inf)
        for i in range(counts[N_TRACED]):
            trace[n_traced] = state.trace[i]
            n_traced += 1
        counts[N_TRACED] = 0
    copy(state.weights, weights)
    copy(state.means, means)
    copy(state.covariances, covariances)
    status = counts[STATUS]
    if counts[COMPONENT] >= 0:
        n_iter = counts[N_ITER] + 1 if status == IS_ILL_DEFINED else counts[N_ITER]
        return ILL_DEFINED, n_iter, counts[COMPONENT], numbers[MEAN]
    if status == HAS_CONVERGED:
        return CONVERGED, counts[N_ITER], -1, numbers[LOG_LIKELIHOOD]
    if status == REACHED:
        return MAX_ITER, counts[N_ITER], -1, numbers[LOG_LIKELIHOOD]
    return NOT_FINITE, counts[N_ITER], -1, numbers[MEAN]
