"""Rounds of EM, compiled once and used by every way to run: a pass, judge, propose.

A round is a sequence of launches, each a task over items: components are prepared, superblocks are swept and folded,
statistics unpacked, judged, and maximised. `advance` goes on where it left off, so that compiled code comes back to
Python before a tenth of a second is over, wherever it is.
"""

import math

from ..._numba.options import part, resumable
from ..._numba.pointers import view
from ...kernels.launch import add_slab, launch
from ...kernels.work import CANCELS, MORE, NARROW, OK, STATE, SUMS, ZERO
from ..plan import Cut
from .judge import conclude, fail, open_pass, settle, sweep_again
from .state import (
    FILLED,
    FINISHED,
    FOLD,
    GIVEN,
    HELD,
    ITEM,
    LOG_LIKELIHOOD,
    LOW,
    MAXIMIZE,
    N_ITER,
    N_TRACED,
    OPEN,
    PHASE,
    PREPARE,
    RAISE,
    RAISED,
    REPEATED,
    RUNNING,
    STATUS,
    SUMMED,
    SWEEP,
    UNPACK,
)

# What is done to an element of a slab, or of the second moments, takes about this long.
FOLD_NANOSECONDS = 0.3
ELEMENT_NANOSECONDS = 1.0
# A single slab of so many numbers is added without a launch, which takes longer than some dozens of them.
AT_ONCE = 1024


@resumable
def advance(drive, tasks, context, cut, last, nanoseconds):
    """Go on with a run until it has FINISHED, round `last` is done, or about so many `nanoseconds` are over.

    First come passes over given labels, two where the means they imply are not known. When the run ends by itself or
    is stopped, one more E step gives the log-likelihood of the parameters after the last M step.

    Returns whether it is in the middle of something: time was over, or what comes next is the caller's to do. So it
    is where the caller holds the statistics (``cut.held``), where rows are added from outside (``cut.added``), and
    for what takes another task: a fused pair is to be swept about other centres, moments to be summed that followed
    from the total scatter, or covariances to be raised to their floor; and between the launches of a long M step, but
    where `nanoseconds` are infinite and nobody would call again.
    """
    state, sums = view(context, STATE), view(context, SUMS)
    counts, accumulator, n_slabs = state.counts, sums.accumulator, sums.slabs.shape[0]
    left = nanoseconds * cut.n_workers
    while counts[PHASE] != FINISHED:
        phase, begin = counts[PHASE], counts[ITEM]
        task, item_nanoseconds = tasks.fold, 0.0
        n_items = every = 0
        if phase == RAISE:
            return True
        if phase == OPEN:
            open_pass(context)
            continue
        if phase == HELD:
            conclude(context)
            continue
        if phase == PREPARE:
            task, every, item_nanoseconds = tasks.prepare, cut.n_prepared, cut.prepare_nanoseconds
            n_items = min(every - begin, cut.prepared_a_launch)
        elif phase == SWEEP:
            task, every, item_nanoseconds = tasks.sweep, cut.n_superblocks, cut.superblock_nanoseconds
            n_items = min(every - begin, n_slabs)
            if n_items == 0:
                return True
        elif phase == FOLD:
            begin, n_items = 0, accumulator.shape[0]
            item_nanoseconds = FOLD_NANOSECONDS * counts[FILLED] * accumulator.shape[1]
        else:
            task, n_items = tasks.unpack, state.sums.shape[0]
            if phase == MAXIMIZE:
                task, n_items = tasks.maximize, cut.n_maximized
            item_nanoseconds = ELEMENT_NANOSECONDS * state.second.size / n_items
        # What takes long begins a call, which is as short as the longest launch then: at K = 50, D = 600 a superblock
        # takes 0.2 s, and what comes before it half of that.
        if n_items * item_nanoseconds > left and left < nanoseconds * cut.n_workers:
            return True
        code = launch(drive, task, context, begin, n_items, item_nanoseconds, cut)
        left -= n_items * item_nanoseconds
        if code != OK and code != NARROW and code != CANCELS and code != MORE:
            fail(context, code)
        elif phase == PREPARE:
            counts[ITEM] += n_items
            if code == NARROW:
                counts[RAISED] = LOW
            if counts[ITEM] == every:
                counts[PHASE], counts[ITEM] = RAISE if counts[RAISED] < 0 else SWEEP, 0
        elif phase == SWEEP and (n_items > 1 or accumulator.size > AT_ONCE):
            counts[PHASE], counts[ITEM], counts[FILLED] = FOLD, begin + n_items, n_items
        elif phase in (SWEEP, FOLD):
            if phase == SWEEP:
                counts[ITEM] = begin + 1
                add_slab(sums.slabs[0], ZERO, accumulator.shape[0], accumulator)
            counts[PHASE] = SWEEP
            if counts[ITEM] == cut.n_superblocks:
                counts[ITEM] = 0
                if cut.added != 0:
                    return True
                counts[PHASE] = UNPACK
        elif code == MORE:
            if nanoseconds < math.inf:
                return True
        elif code == CANCELS:
            counts[SUMMED] = 1
            sweep_again(context)
            return True
        elif phase == UNPACK:
            state.numbers[LOG_LIKELIHOOD] = accumulator[state.sums.shape[0], 0]
            counts[PHASE] = HELD
            if cut.held != 0:
                return True
        else:
            settle(context)
            if counts[REPEATED] != 0 and cut.fused != 0:
                return True
        full = counts[N_TRACED] == state.trace.shape[0] and counts[STATUS] == RUNNING
        if counts[PHASE] == OPEN and counts[GIVEN] == 0 and (counts[N_ITER] >= last or full):
            return False
        if left <= 0.0:
            return counts[PHASE] != FINISHED
    return False


@part
def cut_to(cut, n_superblocks):
    """Return the cut of launches over so many superblocks."""
    return Cut(
        cut.n_workers,
        cut.parallel_nanoseconds,
        cut.n_prepared,
        cut.prepared_a_launch,
        cut.prepare_nanoseconds,
        n_superblocks,
        cut.superblock_nanoseconds,
        cut.n_maximized,
        cut.fused,
        cut.held,
        cut.added,
    )
