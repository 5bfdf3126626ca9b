"""Which components the floor of the default regulariser holds up, of structures whose M steps keep above it.

To raise covariances one by one would lead out of the structure. So these M steps are maxima above the floor, and
where a density asks for covariances to be raised (``kernels/densities/floor.py``), directions are counted.
"""

from ...._numba.options import exact_task
from ...._numba.pointers import view
from ....kernels.densities.floor import scale, squared_length
from ....kernels.primitives.jacobi import MOST_SWEEPS, orthogonalise_rows
from ....kernels.work import OK, SCRATCH, STATE

# M steps keep above this share of the floor, so that what is at it lies below the floor for a density, whatever
# rounding does. Of what rounding hides of the moments a quarter: there may be less of it of the covariance.
ALMOST = 0.999
HIDDEN = 0.25


@exact_task
def mark_variances(context, worker, first, end):
    """Task: count the features in which the floor holds components ``first`` to ``end`` up."""
    state = view(context, STATE)
    for k in range(first, end):
        state.held[k] = 0
        for d in range(state.floor.shape[0]):
            if state.covariances[k, 0, d] < state.floor[d]:
                state.held[k] += 1
    return OK


@exact_task
def mark_matrices(context, worker, first, end):
    """Task: count the directions in which the floor holds the marked of the components ``first`` to ``end`` up."""
    state, scratch = view(context, STATE), view(context, SCRATCH)
    rows, roots, place = scratch.matrices[worker, 0], scratch.matrices[worker, 1, 0], scratch.index[worker]
    n = rows.shape[0]
    for k in range(first, end):
        if state.held[k] == 0:
            continue
        scale(context, k, roots, rows)
        place[:3] = 0
        orthogonalise_rows(rows, 1.0, place, n * (MOST_SWEEPS + 2))
        state.held[k] = 0
        for i in range(n):
            state.held[k] += 0 if squared_length(rows[i]) > 1.0 else 1
    return OK
