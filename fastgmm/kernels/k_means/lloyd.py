"""Lloyd's rounds on the blocks of the mixture kernels: squared distances by differences, never by expansion.

All lengths are in the units of the model, the same power of two for every feature; centres are given less an origin.
"""

import numpy as np

from ..._numba.options import kernel, task
from ..._numba.pointers import member, view
from ..._numba.width import wide_vectors
from ..blocks.loading import clear, load_block
from ..blocks.outputs import store
from ..blocks.posterior import multiply
from ..sizes import lanes
from ..slots import AIM, ASSIGN, FAR, LABEL
from ..work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, X
from .assigning import assign
from .centers import from_origin_to_centers

# What ends the rounds: so many of them, or scikit-learn's squared shift of the centres, in mean variances. Where
# clusters overlap that takes 50 to 190 rounds, 0.2 to 0.45 of the time of a round of EM each; those after the
# twentieth find 0.4 to 2 hundredths of the sum of squares, and docs/speed.md has what EM reaches without them.
MOST_ROUNDS = 20
LLOYD_TOLERANCE = 1e-4
# Up to so many clusters times features, sums by mask. Nanoseconds a row of a round by mask and by cluster on one AVX2
# core: D = 2, K = 4 3.8 and 8.8; D = 4, K = 8 11.9 and 14.5; D = 8, K = 8 21.3 and 18.7.
MASKED = 32
# Rows of scratch.
SPARE = 6


@kernel
def add_by_cluster(x, start, n_rows, scales, origin, label, slab):
    """Add 1 and x times `scales` less `origin` of each of ``x[start : start + n_rows]`` to row `label` of `slab`."""
    for b in range(n_rows):
        out = slab[np.int64(label[b])]
        out[0] += 1.0
        for d in range(x.shape[1]):
            out[1 + d] += x[start + b, d] * scales[d] - origin[d]


@kernel
def add_by_mask(block, n_rows, label, slab):
    """Do what `add_by_cluster` does, one cluster at a time for all rows of the block, several sums in a loop.

    A label is so loaded and compared once for two sums, or for the first five: a loop takes thirty rows' time to
    begin and to end. D = 2, K = 8 take 1.4 nanoseconds a row, and 2.0 with a loop for each sum, D = 4 2.2 and 3.6, on
    one AMD Zen 4 core.
    """
    zero, one = block.dtype.type(0), block.dtype.type(1)
    n_features = block.shape[0]
    for k in range(slab.shape[0] - 1):
        cluster = block.dtype.type(k)
        total = first = second = third = fourth = zero
        line = block[0]
        if n_features >= 4:
            line_1, line_2, line_3 = block[1], block[2], block[3]
            for b in range(n_rows):
                total += one if label[b] == cluster else zero
                first += line[b] if label[b] == cluster else zero
                second += line_1[b] if label[b] == cluster else zero
                third += line_2[b] if label[b] == cluster else zero
                fourth += line_3[b] if label[b] == cluster else zero
            slab[k, 2] += second
            slab[k, 3] += third
            slab[k, 4] += fourth
        else:
            for b in range(n_rows):
                total += one if label[b] == cluster else zero
                first += line[b] if label[b] == cluster else zero
        slab[k, 0] += total
        slab[k, 1] += first
        done = 4 if n_features >= 4 else 1
        for d in range(done, n_features - 1, 2):
            first = second = zero
            line, next_line = block[d], block[d + 1]
            for b in range(n_rows):
                first += line[b] if label[b] == cluster else zero
                second += next_line[b] if label[b] == cluster else zero
            slab[k, 1 + d] += first
            slab[k, 2 + d] += second
        if (n_features - done) % 2 == 1:
            first = zero
            line = block[n_features - 1]
            for b in range(n_rows):
                first += line[b] if label[b] == cluster else zero
            slab[k, n_features] += first


@kernel
def add_by_weight(x, start, n_rows, scales, origin, label, weights, slab):
    """Do what `add_by_cluster` does for rows that count as often as ``weights[start:]`` says."""
    for b in range(n_rows):
        out, weight = slab[np.int64(label[b])], weights[start + b]
        out[0] += weight
        for d in range(x.shape[1]):
            out[1 + d] += weight * (x[start + b, d] * scales[d] - origin[d])


@task
def lloyd(context, worker, first, end):
    """Task: assign rows to their nearest centre; sum counts and x - centre by cluster, and |x - centre|^2 over all.

    Row k < K of a slab is (count, sums (D)), row K begins with the sum of squares; where there are weights, each row
    counts as often as they say. ``rows.labels``, or the squared distances ``rows.values``, times the weights, are
    written where these are what the pass is for; where it is for labels alone, nothing is summed.
    """
    wide_vectors()
    x, rows, model, scratch, sums = (
        member(context, X),
        member(context, ROWS),
        member(context, MODEL),
        member(context, SCRATCH),
        member(context, SUMS),
    )
    if scratch.block.shape[2] != lanes(x) or scratch.spare.shape[2] != lanes(x):
        return WRONG_SCRATCH
    block, spare, centers = scratch.block[worker], scratch.spare[worker], model.means
    scales, origin, weights, labels, closest = model.scales, model.origin, rows.weights, rows.labels, rows.values
    n_components, n_features = centers.shape
    aim = view(context, STATE).counts[AIM]
    for s in range(first, end):
        slab = sums.slabs[s % sums.slabs.shape[0]]
        clear(slab)
        stop = min((s + 1) * sums.rows, x.shape[0])
        for start in range(s * sums.rows, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            load_block(x, start, n_rows, scales, origin, block)
            nearest, label = assign(block, centers, n_features, spare)
            if weights.shape[0] > 0:
                multiply(nearest, weights, start, n_rows)
            total = block.dtype.type(0)
            for b in range(n_rows):
                total += nearest[b]
            slab[n_components, 0] += total
            if aim >= LABEL:
                store(label, labels[start : start + n_rows])
            if aim == FAR:
                store(nearest, closest[start : start + n_rows])
            if aim == ASSIGN:
                continue
            if weights.shape[0] > 0:
                add_by_weight(x, start, n_rows, scales, origin, label, weights, slab)
            elif n_components * n_features <= MASKED:
                add_by_mask(block, n_rows, label, slab)
            else:
                add_by_cluster(x, start, n_rows, scales, origin, label, slab)
        from_origin_to_centers(centers, slab)
    return OK
