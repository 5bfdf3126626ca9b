"""Between the passes of Lloyd's rounds: centres are taken, moved, and found to have settled."""

from ..._numba.options import part, resumable
from ..._numba.pointers import member, view
from ...kernels.densities.kinds import set_scales_of
from ...kernels.k_means.centers import copy_centers, farthest, fill_empty, hold_centers, move, scale_means, take_means
from ...kernels.k_means.lloyd import LLOYD_TOLERANCE
from ...kernels.slots import AIM, ASSIGN, FAR, FINISHED, HELD, ITEM, LABEL, MAX_ITER, MOVE, N_ITER, OPEN, PHASE, SWEEP
from ...kernels.work import MODEL, OK, ROWS, STATE, SUMS, X


@part
def open_pass(context, chosen):
    """Open a pass about the centres ``state.means``, which are the rows `chosen` (K,) at first."""
    model, state = view(context, MODEL), view(context, STATE)
    if state.counts[N_ITER] == 0:
        set_scales_of(model.scales, state.spread)
        if state.counts[AIM] == ASSIGN:
            scale_means(context)
        else:
            take_means(context, chosen)
    hold_centers(context)
    state.counts[PHASE], state.counts[ITEM] = SWEEP, 0


@resumable
def next_pass(context, chosen):
    """End the pass that is open, whose sums the caller has put into the accumulator, and open the next."""
    counts = view(context, STATE).counts
    if counts[PHASE] == SWEEP:
        settle(context)
    if counts[PHASE] == OPEN:
        open_pass(context, chosen)
    return OK


@part
def settle(context):
    """Move the centres after a pass, and decide what the next one is for."""
    x, rows, scales = member(context, X), view(context, ROWS), view(context, MODEL).scales
    state, accumulator = view(context, STATE), view(context, SUMS).accumulator
    counts = state.counts
    n_components = state.means.shape[0]
    if counts[AIM] == ASSIGN:
        counts[PHASE] = FINISHED
        return
    shift, variance = move(accumulator, state.means, state.centers)
    n_empty = 0
    for k in range(n_components):
        n_empty += 1 if accumulator[k, 0] == 0.0 else 0
    if counts[AIM] == LABEL:
        copy_centers(context)
        if n_empty > 0:
            fill_empty(rows.labels, rows.weights, state.sums)
        counts[PHASE] = HELD if n_empty > 0 else FINISHED
        return
    if n_empty > 0 and counts[AIM] == MOVE:
        # Once more with the same centres, for the distances of the rows.
        counts[AIM], counts[ITEM] = FAR, 0
        return
    restarted = False
    for k in range(n_components):
        if accumulator[k, 0] == 0.0:
            row = farthest(rows.values)
            if row >= 0:  # as in scikit-learn: an empty cluster restarts on a row far from its centre
                restarted = True
                for d in range(x.shape[1]):
                    state.centers[k, d] = x[row, d] * scales[d]
    copy_centers(context)
    counts[N_ITER] += 1
    settled = not restarted and shift <= LLOYD_TOLERANCE * variance
    counts[AIM] = LABEL if settled or counts[N_ITER] >= counts[MAX_ITER] else MOVE
    counts[PHASE] = OPEN
