"""k-means, compiled once and resumable like the rounds of EM: greedy k-means++, then Lloyd's rounds.

Random numbers are drawn by the caller. All lengths are in the units of the models, the same for every feature.
"""

import math

from ..._numba.options import part, resumable
from ..._numba.pointers import member, view
from ...kernels.blocks.loading import clear
from ...kernels.densities.kinds import set_scales_of
from ...kernels.k_means.plus_plus import draw_row, draw_superblock, fill_chosen, take_rows
from ...kernels.launch import add_slabs, launch
from ...kernels.slots import (
    BEST,
    CANDIDATE,
    DRAW,
    FINISHED,
    HELD,
    ITEM,
    LIVE,
    N_ITER,
    OPEN,
    PHASE,
    SWEEP,
)
from ...kernels.work import MODEL, OK, ROWS, STATE, SUMS, ZERO, X
from .settling import open_pass, settle


@resumable
def seed(drive, potential, context, cut, uniforms, chosen, step, nanoseconds):
    """Choose rows by greedy k-means++.

    Parameters
    ----------
    potential : address
        The task of this name; `sums` has a slab for every superblock.
    uniforms : (K - 1, L) float64
        From [0, 1): L candidates a step.
    chosen : (K,) int64
        The first row in, all rows out.
    step : (1 + L,) int64
        Scratch: the newest centre, then the candidates for the next.

    Returns the code of a task that failed, else OK; ``counts[PHASE]`` is FINISHED when it is. A step is one pass,
    which takes the centre of the step before into account; rows that candidates are drawn from are brought up to date
    before.
    """
    x, rows, model, state, sums = (
        member(context, X),
        view(context, ROWS),
        view(context, MODEL),
        view(context, STATE),
        view(context, SUMS),
    )
    counts, n_components = state.counts, chosen.shape[0]
    left = nanoseconds * cut.n_workers
    while counts[PHASE] != FINISHED and left > 0.0:
        k, c = counts[N_ITER], counts[CANDIDATE]
        target = 0.0
        if counts[PHASE] == OPEN:
            if counts[BEST] < 0:
                set_scales_of(model.scales, state.spread)
            step[0], c = chosen[k], 1
            take_rows(context, step[:1])
            counts[PHASE] = SWEEP if counts[BEST] < 0 else DRAW
            counts[ITEM] = 0
        begin, n_items = counts[ITEM], min(cut.n_superblocks - counts[ITEM], cut.prepared_a_launch)
        if counts[PHASE] == DRAW:
            begin, target = draw_superblock(uniforms[k, c - 1], sums.slabs[:, 0, counts[BEST]])
            if begin < 0:  # every row coincides with a centre: any other row is as good
                fill_chosen(chosen, k + 1, rows.weights)
                counts[PHASE] = FINISHED
                return OK
            n_items = 1
        # The first pass, and what brings a superblock up to date, are for the newest centre alone; so the first pass
        # has brought all of them, and the first draw the only one.
        counts[LIVE] = 1 if counts[PHASE] == DRAW or counts[BEST] < 0 else step.shape[0]
        if counts[PHASE] != DRAW or (k > 0 and (c == 1 or cut.n_superblocks > 1)):
            code = launch(drive, potential, context, begin, n_items, cut.superblock_nanoseconds, cut)
            if code != OK:
                return code
            left -= n_items * cut.superblock_nanoseconds
        if counts[PHASE] == DRAW:
            a, b = begin * sums.rows, min((begin + 1) * sums.rows, x.shape[0])
            step[c] = a + draw_row(target, rows.values[a:b], rows.weights[a:b])
            counts[CANDIDATE] = c + 1
            if c + 1 == step.shape[0]:
                take_rows(context, step)
                counts[PHASE] = SWEEP
            continue
        counts[ITEM] += n_items
        if counts[ITEM] == cut.n_superblocks:
            counts[PHASE] = OPEN
            if counts[BEST] < 0:  # the pass for the first centre alone
                counts[BEST] = 0
            else:
                counts[BEST] = best_candidate(sums.slabs, step.shape[0])
                chosen[k + 1] = step[counts[BEST]]
                counts[N_ITER] += 1
            if counts[N_ITER] == n_components - 1:
                counts[PHASE] = FINISHED
    return OK


@part
def best_candidate(slabs, n_centers):
    """Return the candidate, from 1 on, with the least potential; the first of equals."""
    best, lowest = 1, math.inf
    for c in range(1, n_centers):
        total = 0.0
        for s in range(slabs.shape[0]):
            total += slabs[s, 0, c]
        if total < lowest:
            best, lowest = c, total
    return best


@resumable
def lloyd_rounds(drive, lloyd, context, cut, chosen, nanoseconds):
    """Move centres, the rows `chosen` (K,) at first, by Lloyd's rounds until they have settled, then label the rows.

    Returns the code of a task that failed, else OK; ``counts[PHASE]`` is FINISHED when the labels are in
    ``rows.labels`` and the means of the clusters in ``state.means``, HELD if a cluster had to be given a row of
    another, which duplicates make necessary: then the means are not those of the labels. If its AIM is ASSIGN it only
    labels the rows, by the nearest of the centres ``state.means``, which come in the units of the data.
    """
    state, sums = view(context, STATE), view(context, SUMS)
    counts, accumulator, n_slabs = state.counts, sums.accumulator, sums.slabs.shape[0]
    left = nanoseconds * cut.n_workers
    while counts[PHASE] != FINISHED and counts[PHASE] != HELD and left > 0.0:
        if counts[PHASE] == OPEN:
            open_pass(context, chosen)
        if counts[ITEM] == 0:
            clear(accumulator)
        begin = counts[ITEM]
        n_items = min(cut.n_superblocks - begin, n_slabs)
        code = launch(drive, lloyd, context, begin, n_items, cut.superblock_nanoseconds, cut)
        if code != OK:
            return code
        left -= n_items * cut.superblock_nanoseconds
        add_slabs(sums.slabs, n_items, ZERO, accumulator.shape[0], accumulator)
        counts[ITEM] += n_items
        if counts[ITEM] == cut.n_superblocks:
            settle(context)
    return OK
