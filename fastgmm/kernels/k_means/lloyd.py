"""Lloyd's rounds on the blocks of the mixture kernels: squared distances by differences, never by expansion.

All lengths are in the units of the model, the same power of two for every feature; centres are given less an origin.
"""

import numpy as np

from ..._numba.options import kernel, task
from ..._numba.pointers import member, view
from ..._numba.width import WIDE, wide_vectors
from ..blocks.loading import clear, load_block
from ..blocks.outputs import store
from ..blocks.posterior import multiply
from ..sizes import lanes
from ..slots import AIM, ASSIGN, FAR, LABEL
from ..work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, X
from .assigning import assign
from .centers import from_origin_to_centers

# What ends the rounds: so many of them, or scikit-learn's squared shift of the centres, in mean variances. Where
# clusters overlap that takes 50 to 190 rounds, 0.1 to 1.2 of the time of a round of EM each. What EM reaches in 20
# data sets from 80 starts, less what it reaches after 300 rounds, in thousandths of a nat a row: after 20 rounds 0.9
# with a standard error of 2.8, after 8 -0.1 and 3.5, after 5 -4.1 and 2.2; whole default fits of 6000 rows take 0.86,
# 0.79 and 0.76 of the time.
MOST_ROUNDS = 8
LLOYD_TOLERANCE = 1e-4
# By mask takes a time in proportion to K D, by cluster one in proportion to D and a row's own: by mask where (K -
# CHEAP) D <= MASKED. Nanoseconds a row by mask and by cluster on one AMD Zen 4 core: D = 8, K = 8 3.1 and 5 to 9; D =
# 16, K = 4 3.1 and 6.6; 16, 8 6.5 and 6.5; 64, 2 6.2 and 18 to 22; 64, 4 11 and 18. Of all of a round on one AVX2
# core: D = 2, K = 4 3.8 and 8.8; 4, 8 11.9 and 14.5; 8, 8 21.3 and 18.7.
CHEAP, MASKED = (5, 80) if WIDE else (0, 32)
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
    """Do what `add_by_cluster` does, for all rows of the block one cluster after another, several sums in a loop.

    A loop takes thirty rows' time to begin and to end, and what is loaded and compared serves all of its sums.
    """
    n_components, n_features = slab.shape[0] - 1, block.shape[0]
    whole = n_features - n_features % 4
    if whole > 0:
        for k in range(0, n_components, 2):
            add_two_clusters(block, n_rows, label, k, whole, slab)
    zero, one = block.dtype.type(0), block.dtype.type(1)
    for k in range(n_components):
        cluster = block.dtype.type(k)
        done = whole
        if whole == 0:
            total = first = zero
            line = block[0]
            for b in range(n_rows):
                total += one if label[b] == cluster else zero
                first += line[b] if label[b] == cluster else zero
            slab[k, 0] += total
            slab[k, 1] += first
            done = 1
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
def add_two_clusters(block, n_rows, label, k, n_features, slab):
    """Add counts and four features at a time of clusters `k` and ``k + 1`` to `slab`; `n_features` are whole fours.

    Eight sums share the loads of four features and of the labels: 16 features of two clusters take 1.5 nanoseconds a
    row, and 2.5 with four sums in a loop, on one AMD Zen 4 core.
    """
    j = min(k + 1, slab.shape[0] - 2)  # where there is no other, the same again, and not added
    zero, one = block.dtype.type(0), block.dtype.type(1)
    this, other = block.dtype.type(k), block.dtype.type(j)
    n0 = n1 = zero
    for b in range(n_rows):
        n0 += one if label[b] == this else zero
        n1 += one if label[b] == other else zero
    slab[k, 0] += n0
    if j > k:
        slab[j, 0] += n1
    for d in range(0, n_features, 4):
        line_0, line_1, line_2, line_3 = block[d], block[d + 1], block[d + 2], block[d + 3]
        s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = zero
        for b in range(n_rows):
            x0, x1, x2, x3 = line_0[b], line_1[b], line_2[b], line_3[b]
            is_this, is_other = label[b] == this, label[b] == other
            s0 += x0 if is_this else zero
            s1 += x1 if is_this else zero
            s2 += x2 if is_this else zero
            s3 += x3 if is_this else zero
            t0 += x0 if is_other else zero
            t1 += x1 if is_other else zero
            t2 += x2 if is_other else zero
            t3 += x3 if is_other else zero
        slab[k, 1 + d] += s0
        slab[k, 2 + d] += s1
        slab[k, 3 + d] += s2
        slab[k, 4 + d] += s3
        if j > k:
            slab[j, 1 + d] += t0
            slab[j, 2 + d] += t1
            slab[j, 3 + d] += t2
            slab[j, 4 + d] += t3


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
            elif (n_components - CHEAP) * n_features <= MASKED:
                add_by_mask(block, n_rows, label, slab)
            else:
                add_by_cluster(x, start, n_rows, scales, origin, label, slab)
        from_origin_to_centers(centers, slab)
    return OK
