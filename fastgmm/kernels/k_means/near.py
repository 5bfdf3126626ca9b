"""Lloyd's rounds that leave out centres which can be the nearest of no row of a block.

Rows are swept in the order of their labels, so that those of a block are near each other. Of each block and centre
there is a lower bound m of the distances |x - c|. When the centre moves to c',

    |x - c'| >= |x - c| - |c' - c|,

so the bound becomes m - |c' - c|. Where none is known, as of rows in a new order, with a the centre that was the
nearest of a row and u its distance to that, at most the largest of the rows of a in the block,

    |x - c| >= |c - a| - u.

A block looks at the centres of its labels, and then at those whose bounds do not exceed the largest distance of its
rows to these; each that it has looked at has a new bound. What is computed is what ``lloyd.py`` computes: labels and
distances are the same, to the last bit, and sums are taken of them in the order of the rows.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from ..._numba.options import part
from ..sizes import lanes
from ..work import Model, Rows, Scratch, State, Sums

# Columns of `Near.counts`: pairs of a block and a centre that were looked at, and rows with another label.
EVALUATED, MOVED = 0, 1
# A bound above all bounds, the square of which is finite in single precision.
LONGEST = 1e18


class Near(NamedTuple):
    """What such rounds keep between passes, and their scratch.

    order (N,) int32
        Rows in the order in which they are swept.
    labels (N,) int32
        The nearest centre of each of these in the pass before.
    lengths (blocks, K) float32
        Lower bounds of the distances to the centres of the pass before.
    shift (K,) float32
        How far centres have moved since, rounded up.
    apart (K, K) or (0, 0) float32
        Distances of the centres from each other, rounded down, where no bounds are known.
    kept (1,) float64
        What rounding leaves of a distance.
    counts (items, 2) int64
        See `EVALUATED`.
    tile (W, B, D), pair (W, 2, P), halves (W, 2, B)
        Scratch of workers, in the dtype of the rows: rows of a block, two centres, and what is left of lanes.
    listed (W, K + 1) int64, fresh (W, K) float64, reach (W, K) float64
        Scratch: centres that are looked at, their new bounds, and the largest squared distances to a centre.
    """

    order: Any
    labels: Any
    lengths: Any
    shift: Any
    apart: Any
    kept: Any
    counts: Any
    tile: Any
    pair: Any
    halves: Any
    listed: Any
    fresh: Any
    reach: Any


NEAR = 6


class NearWork(NamedTuple):
    """`Work`, and what rounds keep that look at near centres only."""

    x: Any
    rows: Rows
    model: Model
    state: State
    scratch: Scratch
    sums: Sums
    near: Near


@part
def gather(x, order, start, n_rows, tile):
    """Copy rows ``order[start:start + n_rows]`` into `tile` (B, D); other lanes repeat the last of them.

    So every lane bears on bounds as a row does.
    """
    for b in range(tile.shape[0]):
        i = order[start + min(b, n_rows - 1)]
        for d in range(x.shape[1]):
            tile[b, d] = x[i, d]


@part
def list_own(labels, start, n_rows, lengths, listed):
    """List the labels of the rows from `start` on; return how many they are; their bounds become -1."""
    n = 0
    for b in range(start, start + n_rows):
        k = labels[b]
        if lengths[k] >= 0.0:
            lengths[k] = -1.0
            listed[n] = k
            n += 1
    return n


@part
def list_near(lengths, farthest, n, listed):
    """List behind `n` centres those whose bounds do not exceed `farthest`; return how many there are then."""
    limit = lengths.dtype.type(farthest)
    for k in range(lengths.shape[0]):
        listed[n] = k
        n += 1 if 0.0 <= lengths[k] <= limit else 0
    return n


@part
def move_lengths(lengths, shift):
    """Turn bounds (K,) of the distances to the centres before into those to these."""
    zero = lengths.dtype.type(0.0)
    for k in range(lengths.shape[0]):
        lengths[k] = max(lengths[k] - shift[k], zero)


@part
def bound_by_centers(apart, nearest, label, kept, lengths, listed, reach):
    """Bound the distances of rows to all centres by those of centres from the ones `listed`.

    `nearest` (B,) are squared distances of rows to one of these, `label` (B,).
    """
    for j in range(listed.shape[0]):
        reach[listed[j]] = -LONGEST
    for b in range(lanes(nearest)):
        k = np.int64(label[b])
        reach[k] = max(reach[k], float(nearest[b]))
    for k in range(lengths.shape[0]):
        lengths[k] = LONGEST if lengths[k] >= 0.0 else lengths[k]
    for j in range(listed.shape[0]):
        if reach[listed[j]] >= 0.0:
            farthest, row = lengths.dtype.type(math.sqrt(reach[listed[j]]) / kept), apart[listed[j]]
            for k in range(lengths.shape[0]):
                lengths[k] = min(lengths[k], max(row[k] - farthest, lengths.dtype.type(0.0)))
