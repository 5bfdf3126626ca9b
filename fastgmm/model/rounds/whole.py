"""A fit of short rounds in one call of compiled code: moments of the columns, k-means, and rounds of EM.

Each of these has a call of its own, which goes on where it left off. Few rows take them ten microseconds, a call and
what Python does around it as many again, four times over.
"""

import math
from typing import Any, NamedTuple

from ..._numba.options import exact, part
from ..._numba.pointers import member, placed, view
from ...kernels.k_means.lloyd import MOST_ROUNDS
from ...kernels.moments.columns import floor_of
from ...kernels.slots import FINISHED, GIVEN, MAX_ITER, PHASE, ROUNDING, TOTAL_WEIGHT
from ...kernels.work import MODEL, OK, STATE, SUMS, Tasks
from ..plan import Cut

GOES_ON = -1


class Whole(NamedTuple):
    """What the parts of a fit work on, and the addresses of their calls.

    columns, seeding, clustering
        Contexts of the parts before the rounds, around no rows.
    begins, beginnings
        The bytes of each that have a value before its first launch, and these values.
    column_cut, k_means_cut, cut
        How launches over the rows are cut.
    row (D,), step (1 + L,)
        Scratch: a row that counts, and candidates, see `k_means.seed`.
    one_unit
        1 where a single variance for all features is in the unit of the largest deviation, else 0.
    last_place
        What the mean of a feature may be off by, as a share of it.
    rounding
        See `Regulariser`.
    drive, column_moments, seed, lloyd_rounds, advance
        Addresses.
    column_ranges, column_sums, potential, lloyd, tasks
        Addresses of tasks.
    """

    columns: Any
    seeding: Any
    clustering: Any
    begins: Any
    beginnings: Any
    column_cut: Cut
    k_means_cut: Cut
    cut: Cut
    row: Any
    step: Any
    one_unit: int
    last_place: float
    rounding: float
    drive: Any
    column_moments: Any
    seed: Any
    lloyd_rounds: Any
    advance: Any
    column_ranges: Any
    column_sums: Any
    potential: Any
    lloyd: Any
    tasks: Tasks


(
    COLUMNS,
    SEEDING,
    CLUSTERING,
    BEGINS,
    BEGINNINGS,
    COLUMN_CUT,
    K_MEANS_CUT,
    CUT,
    ROW,
    STEP,
    ONE_UNIT,
    LAST_PLACE,
    ROUNDING_OF,
    DRIVE,
    COLUMN_MOMENTS,
    SEED,
    LLOYD_ROUNDS,
    ADVANCE,
    COLUMN_RANGES,
    COLUMN_SUMS,
    POTENTIAL,
    LLOYD,
    TASKS,
) = range(23)


@part
def fill(values, value):
    """Fill an array (D,) with a number."""
    for d in range(values.shape[0]):
        values[d] = value


@part
def copy(values, out):
    """Copy an array into another as long."""
    for i in range(values.shape[0]):
        out[i] = values[i]


@part
def begin_columns(whole, x, rows, total_weight):
    """Take the moments of the columns, which the state of `COLUMNS` then has; return the code of a task."""
    copy(member(whole, BEGINNINGS)[0], member(whole, BEGINS)[0])
    row = member(whole, ROW)
    first = 0
    while first < rows.weights.shape[0] and not rows.weights[first] > 0.0:
        first += 1
    for d in range(row.shape[0]):
        row[d] = x[first, d]
    work = placed(member(whole, COLUMNS), (x, rows))
    columns, accumulator = view(work, STATE), view(work, SUMS).accumulator
    for d in range(accumulator.shape[1]):
        accumulator[0, d], accumulator[1, d] = math.inf, -math.inf
    columns.numbers[TOTAL_WEIGHT] = total_weight
    drive, ranges, sums = member(whole, DRIVE), member(whole, COLUMN_RANGES), member(whole, COLUMN_SUMS)
    return member(whole, COLUMN_MOMENTS)(drive, ranges, sums, work, member(whole, COLUMN_CUT), row, math.inf)


@part
def regularise(whole, state, reg_covar):
    """Let M steps add `reg_covar` to all variances, or hold covariances above a floor if it is negative."""
    if reg_covar < 0.0:
        columns = view(member(whole, COLUMNS), STATE)
        floor_of(columns.means[0], columns.spread, member(whole, LAST_PLACE), state.floor)
        state.numbers[ROUNDING] = member(whole, ROUNDING_OF)
    else:
        fill(state.added, reg_covar)


@exact
def from_k_means(whole, context, x, rows, chosen, uniforms, reg_covar, last, nanoseconds):
    """Begin with k-means on the rows of `context`, a run of EM whose rule is set, and go on to round `last`.

    Parameters
    ----------
    whole : context of a `Whole`
    context : context of a `Work`
        Its own rows do not matter.
    x, rows
        Rows, with labels and values, both of which are written.
    chosen, uniforms
        Of `k_means.seed`.
    reg_covar : float
        Added to all variances; negative for the floor of the default regulariser.

    Returns the code of a task that failed, else OK; `GOES_ON` where `advance` is in the middle of something.
    """
    context = placed(context, (x, rows))
    state = view(context, STATE)
    code = begin_columns(whole, x, rows, state.numbers[TOTAL_WEIGHT])
    if code != OK:
        return code
    begins, beginnings = member(whole, BEGINS), member(whole, BEGINNINGS)
    copy(beginnings[1], begins[1])
    copy(beginnings[2], begins[2])
    drive, row, columns = member(whole, DRIVE), member(whole, ROW), view(member(whole, COLUMNS), STATE)
    widest = 0.0
    for d in range(row.shape[0]):
        widest = max(widest, columns.spread[d])

    cut = member(whole, K_MEANS_CUT)
    if chosen.shape[0] > 1:
        for i in range(rows.values.shape[0]):
            rows.values[i] = math.inf
        work = placed(member(whole, SEEDING), (x, rows))
        fill(view(work, STATE).spread, widest)
        step = member(whole, STEP)
        code = member(whole, SEED)(drive, member(whole, POTENTIAL), work, cut, uniforms, chosen, step, math.inf)
        if code != OK:
            return code
    work = placed(member(whole, CLUSTERING), (x, rows))
    clusters, scales = view(work, STATE), view(work, MODEL).scales
    fill(clusters.spread, widest)
    clusters.counts[MAX_ITER] = MOST_ROUNDS
    code = member(whole, LLOYD_ROUNDS)(drive, member(whole, LLOYD), work, cut, chosen, math.inf)
    if code != OK:
        return code

    known = clusters.counts[PHASE] == FINISHED
    for k in range(state.means.shape[0]):
        for d in range(row.shape[0]):
            state.means[k, d] = clusters.means[k, d] / scales[d] if known else float(row[d])
    for d in range(row.shape[0]):
        state.spread[d] = widest if member(whole, ONE_UNIT) != 0 else columns.spread[d]
    state.counts[GIVEN] = 1 if known else 2
    regularise(whole, state, reg_covar)
    going = member(whole, ADVANCE)(drive, member(whole, TASKS), context, member(whole, CUT), last, nanoseconds)
    return GOES_ON if going else OK
