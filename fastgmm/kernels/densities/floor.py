"""The floor of covariances: Sigma_k - F is positive semidefinite, F = diag(floor) + rounding diag(Sigma_k).

The M step under this bound is exact (Hathaway, 1985; Ingrassia & Rocci, 2007): in coordinates in which F is the
identity the eigenvalues of the moments that are below 1 become 1, and nothing else changes. So the likelihood still
rises from round to round, and where no component degenerates no number changes at all. The second term of F is what
rounding hides: 4e-15 D of a variance in double, hardly anything beside the first; 1e-6 of it where blocks are single,
where it moves with the component, and the likelihood by what single precision leaves open.

Densities test it when they prepare a component, and have the inverse of its factor at hand: F^(-1/2) Sigma F^(-1/2)
has no eigenvalue below 1 if the trace of its inverse is at most 1. That is sure but not sharp; eigenvalues decide.
"""

import math

from ..._numba.options import exact_task, part
from ..._numba.pointers import view
from ..primitives.jacobi import MOST_SWEEPS, UNFINISHED, orthogonalise_rows
from ..slots import RAISED, RAISING, ROUNDING
from ..work import COMPONENT, NARROW, OK, SCRATCH, STATE

# Matrices of this order are raised one at a time.
LARGE = 256


@part
def against_floor(context, k, definite, inverse_factor, code):
    """Hold covariance `k` against its floor, given A = L^-1 in the lower triangle of `inverse_factor` if it has one.

    Returns NARROW if it may lie below; COMPONENT + k if it is not positive definite and has no floor, or has been
    raised to it; else `code`, which is what came of the components before.
    """
    state = view(context, STATE)
    if state.counts[RAISED] > 0 or not state.floor[0] > 0.0:
        return code if definite or code >= COMPONENT else COMPONENT + k
    state.held[k] = 0
    if definite:
        rounding, covariance = state.numbers[ROUNDING], state.covariances[k]
        trace = 0.0
        for i in range(covariance.shape[0]):
            for j in range(i + 1):
                least = state.floor[j] + rounding * covariance[j, j]
                trace += least * inverse_factor[i, j] * inverse_factor[i, j]
        if not trace > 1.0:  # what is not a number is the log-likelihood's to report
            return code
    state.held[k] = 1
    return NARROW


@part
def variances_against_floor(context, k, code):
    """Hold the variances of component `k` against their floor; see `against_floor`."""
    state = view(context, STATE)
    tested = state.counts[RAISED] <= 0 and state.floor[0] > 0.0
    for d in range(state.covariances.shape[2]):
        variance = state.covariances[k, 0, d]
        if tested and variance < floor_of(context, d):
            return NARROW
        if not variance > 0.0:
            return code if code >= COMPONENT else COMPONENT + k
    if tested:
        state.held[k] = 0
    return code


@part
def floor_of(context, d):
    """Return the floor of variance `d`; one for all features has the mean of the floors."""
    state = view(context, STATE)
    if state.covariances.shape[2] == state.floor.shape[0]:
        return state.floor[d]
    total = 0.0
    for j in range(state.floor.shape[0]):
        total += state.floor[j]
    return total / state.floor.shape[0]


@exact_task
def raise_variances(context, worker, first, end):
    """Task: raise the variances of components ``first`` to ``end`` to their floor."""
    state = view(context, STATE)
    for k in range(first, end):
        state.held[k] = 0
        for d in range(state.covariances.shape[2]):
            floor = floor_of(context, d)
            if state.covariances[k, 0, d] < floor:
                state.covariances[k, 0, d] = floor
                state.held[k] += 1
    return OK


@exact_task
def raise_matrices(context, worker, first, end):
    """Task: raise the marked of the covariance matrices ``first`` to ``end`` to their floor.

    Of `LARGE` matrices it takes one at a time, and returns NARROW until it is done: it is to be called again, with
    RAISED at RAISING.
    """
    state, scratch = view(context, STATE), view(context, SCRATCH)
    rows, roots = scratch.matrices[worker, 0], scratch.matrices[worker, 1, 0]
    place, shift, n = scratch.index[worker], scratch.products[worker], rows.shape[0]
    # Of large ones what a tenth of a second is enough for.
    most_rows = 10**8 // (n * n) if n >= LARGE else n * (MOST_SWEEPS + 2)
    for k in range(first, end):
        if state.held[k] == 0:
            continue
        covariance = state.covariances[k]
        if state.counts[RAISED] != RAISING:
            scale(context, k, roots, rows)
            shift[0] = 0.0
            place[:3] = 0
        if orthogonalise_rows(rows, (1.0 + shift[0]) ** 2, place, most_rows) == UNFINISHED:
            return NARROW
        if shift[0] == 0.0 and has_negative(covariance, roots, rows):
            # Rotations find |l|, and rounding may leave l far below 0: once more, from where no l is negative.
            scale(context, k, roots, rows)
            shift[0] = move(rows)
            place[:3] = 0
            if orthogonalise_rows(rows, (1.0 + shift[0]) ** 2, place, most_rows) == UNFINISHED:
                return NARROW
        least, n_above = 1.0 + shift[0], 0
        for m in range(n):
            n_above += 1 if squared_length(rows[m]) > least * least else 0
        state.held[k] = n - n_above
        if n_above == n:
            continue
        for i in range(n):
            for j in range(i + 1):
                covariance[i, j] = 1.0 if i == j else 0.0
        # What is above 1 is told more precisely than what is below, so that the sum goes over it.
        for m in range(n):
            squared = squared_length(rows[m])
            if squared > least * least:
                share = (math.sqrt(squared) - least) / squared
                for i in range(n):
                    for j in range(i + 1):
                        covariance[i, j] += share * rows[m, i] * rows[m, j]
        for i in range(n):
            for j in range(i + 1):
                covariance[i, j] *= roots[i] * roots[j]
                covariance[j, i] = covariance[i, j]
    return OK


@part
def scale(context, k, roots, rows):
    """Write the roots of the floor F of component `k` into `roots` (D,), and F^(-1/2) Sigma F^(-1/2) into `rows`."""
    state = view(context, STATE)
    covariance = state.covariances[k]
    for i in range(roots.shape[0]):
        roots[i] = math.sqrt(state.floor[i] + state.numbers[ROUNDING] * max(covariance[i, i], 0.0))
    for i in range(roots.shape[0]):
        for j in range(roots.shape[0]):
            rows[i, j] = covariance[i, j] / roots[i] / roots[j]


@part
def has_negative(covariance, roots, rows):
    """Whether a matrix has an eigenvalue well below 0, given its eigenvectors times |l|: then sum |l| > sum l."""
    excess = 0.0
    for i in range(rows.shape[0]):
        squared = squared_length(rows[i])
        excess -= covariance[i, i] / roots[i] / roots[i]
        if squared > 1.0:
            excess += math.sqrt(squared)
    return excess > 1.0


@part
def move(rows):
    """Add to the diagonal what makes a symmetric matrix positive semidefinite, its Frobenius norm; return it."""
    total = 0.0
    for i in range(rows.shape[0]):
        total += squared_length(rows[i])
    norm = math.sqrt(total)
    for i in range(rows.shape[0]):
        rows[i, i] += norm
    return norm


@part
def squared_length(row):
    """Return the squared length of a row."""
    total = 0.0
    for i in range(row.shape[0]):
        total += row[i] * row[i]
    return total
