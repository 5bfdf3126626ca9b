"""Moments of the columns of all rows, compiled once and resumable like the rounds of EM."""

from ..._numba.options import resumable
from ..._numba.pointers import view
from ...kernels.launch import add_slabs, launch
from ...kernels.moments.columns import ABOUT_MEAN, DONE, RANGES, fold_ranges, scale_by_ranges, shift_origin
from ...kernels.work import OK, STATE, SUMS, ZERO
from .state import ITEM, PHASE


@resumable
def column_moments(drive, ranges, moments, context, cut, row, nanoseconds):
    """Write means and standard deviations of the columns into ``state.means[0]`` and ``state.spread``.

    Two passes: ranges, and sums about `row` (D,), one of the rows; where that lies far out (`FARTHEST`) one more,
    about the mean that these give, so that nothing cancels. Returns the code of a task that failed, else OK;
    ``counts[PHASE]`` is DONE when it is. Where rows are added from outside (``cut.added``) it comes back when they
    have been, and ends the pass that it is at when it is called without rows.
    """
    sums = view(context, SUMS)
    counts, slabs, accumulator = view(context, STATE).counts, sums.slabs, sums.accumulator
    left = nanoseconds * cut.n_workers
    while counts[PHASE] != DONE and left > 0.0:
        begin = counts[ITEM]
        n_items = min(cut.n_superblocks - begin, slabs.shape[0])
        task = ranges if counts[PHASE] == RANGES else moments
        code = launch(drive, task, context, begin, n_items, cut.superblock_nanoseconds, cut)
        if code != OK:
            return code
        left -= n_items * cut.superblock_nanoseconds
        if counts[PHASE] == RANGES:
            fold_ranges(slabs[:n_items], accumulator)
        else:
            add_slabs(slabs, n_items, ZERO, accumulator.shape[0], accumulator)
        counts[ITEM] += n_items
        if counts[ITEM] == cut.n_superblocks:
            counts[ITEM] = 0
            if cut.added != 0 and cut.n_superblocks != 0:
                return OK
            if counts[PHASE] == RANGES:
                scale_by_ranges(context, row)
                counts[PHASE] += 1
            else:
                is_last = shift_origin(context) or counts[PHASE] == ABOUT_MEAN
                counts[PHASE] = DONE if is_last else ABOUT_MEAN
            if cut.added != 0:
                return OK
    return OK
