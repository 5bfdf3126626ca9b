"""A pass over patterns, one after another in compiled code: rounds of their own until the statistics are held.

A pattern is a mixture of fewer features, and its rows take the pass that any rows take. Around it Python takes fifty
microseconds, as long as two thousand rows.
"""

from ...._numba.options import exact, part
from ...._numba.pointers import member, placed, view
from ....kernels.slots import (
    COMPONENT,
    FINISHED,
    HELD,
    LOG_LIKELIHOOD,
    OPEN,
    PHASE,
    PREPARE,
    RUNNING,
    STATUS,
    SUMMED,
    SWEEP,
)
from ....kernels.work import COMPONENT as FIRST_COMPONENT
from ....kernels.work import OK, ROWS, STATE, SUMS, Rows
from ..em import cut_to
from ..judge import move_centers
from .completion import add_completed
from .desk import (
    ADVANCE,
    APART,
    FOLLOWING,
    FULL,
    MATRICES,
    NANOSECONDS,
    OBSERVED,
    OFFSETS,
    ORDERS,
    PLACES,
    SCATTERS,
    TASKS,
    UNDER,
    VECTORS,
    WEIGHTS,
    X,
)

FAILED = -1


@exact
def sweep_patterns(drive, patterns, cut, begin, repeated, nanoseconds):
    """Add the sums of patterns from `begin` on, for about so many `nanoseconds`; return which is next.

    That is P when all are done, and `FAILED` where a component has, which the counts of the observed name. What is
    `repeated` is about the means in the state, which are not those of the density then. Between calls in the middle
    of a pattern its run is, too, which is to sum moments now where they would have cancelled; else it has FINISHED.
    """
    state = view(member(patterns, OBSERVED), STATE)
    offsets, left = member(patterns, OFFSETS), nanoseconds
    n_patterns = offsets.shape[0] - 1
    for p in range(begin, n_patterns):
        if left <= 0.0:
            return p
        n_rows = offsets[p + 1] - offsets[p]
        n_superblocks = -(-n_rows // view(member(patterns, OBSERVED), SUMS).rows)
        n_workers = min(cut.n_workers, n_superblocks)
        left -= member(patterns, NANOSECONDS) + n_superblocks * cut.superblock_nanoseconds / n_workers
        sweep_pattern(drive, patterns, cut_to(cut, n_superblocks), p, repeated, nanoseconds)
        if state.counts[PHASE] == FINISHED:
            return FAILED
        if state.counts[PHASE] != HELD:
            return p
        state.counts[PHASE] = FINISHED
        full = view(member(patterns, FULL), STATE)
        under, order = view(patterns, UNDER), member(patterns, ORDERS)[p]
        code = add_completed(full, under, order, state, member(patterns, MATRICES), member(patterns, VECTORS))
        if code != OK:
            state.counts[COMPONENT] = code - FIRST_COMPONENT
            return FAILED
        full.numbers[LOG_LIKELIHOOD] += state.numbers[LOG_LIKELIHOOD]
    return n_patterns


@part
def sweep_pattern(drive, patterns, cut, p, repeated, nanoseconds):
    """Go on with the pass over pattern `p`, from its beginning if no other is under way, until its sums are HELD."""
    first, end = member(patterns, OFFSETS)[p], member(patterns, OFFSETS)[p + 1]
    observed, weights = member(patterns, OBSERVED), member(patterns, WEIGHTS)
    x, beside = member(patterns, X)[first:end], view(observed, ROWS)
    weights = weights[first:end] if weights.shape[0] > 0 else weights
    work = placed(observed, (x, Rows(weights, beside.labels, beside.responsibilities, beside.values)))
    state, order = view(work, STATE), member(patterns, ORDERS)[p]
    counts, advance = state.counts, member(patterns, ADVANCE)
    if counts[PHASE] == FINISHED:
        take_marginal(view(patterns, UNDER), order, state)
        take_scatter(member(patterns, SCATTERS), member(patterns, PLACES)[p], state)
        counts[PHASE], counts[STATUS] = OPEN, RUNNING  # whatever has become of the pass before
    tasks = member(patterns, APART) if repeated != 0 else member(patterns, TASKS)
    if counts[SUMMED] == 0:
        tasks = member(patterns, FOLLOWING)
    if counts[PHASE] == OPEN or counts[PHASE] == PREPARE:
        advance(drive, tasks, work, cut_to(cut, 0), 1, nanoseconds)
        if counts[PHASE] == SWEEP and repeated != 0:
            full = view(member(patterns, FULL), STATE)
            for k in range(state.means.shape[0]):
                for i in range(state.means.shape[1]):
                    state.means[k, i] = full.means[k, order[i]]
            move_centers(work)
    if counts[PHASE] != FINISHED and counts[PHASE] != PREPARE:
        advance(drive, tasks, work, cut, 1, nanoseconds)


@part
def take_scatter(scatters, place, state):
    """Write the total scatter that moments follow from into a `state`, or have them summed where `place` is -1."""
    state.counts[SUMMED] = 1 if place < 0 else 0
    for i in range(state.scatter.shape[0]):
        for j in range(state.scatter.shape[1]):
            state.scatter[i, j] = scatters[place, i, j] if place >= 0 else 0.0


@part
def take_marginal(under, order, state):
    """Write the parameters of the features that are observed into a `state` of these, in the same structure."""
    n_features = under.means.shape[1]
    _, rows, columns = under.covariances.shape
    for k in range(state.means.shape[0]):
        state.weights[k] = under.weights[k]
        for i in range(state.means.shape[1]):
            state.means[k, i] = under.means[k, order[i]]
    covariances = state.covariances
    for c in range(covariances.shape[0]):
        for i in range(covariances.shape[1]):
            row = order[i] if rows == n_features else 0
            for j in range(covariances.shape[2]):
                column = order[j] if columns == n_features else 0
                covariances[c, i, j] = under.covariances[c, row, column]
