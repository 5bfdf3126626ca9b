"""Lloyd's pass over one or two features and few clusters: a block is one loop.

Distances, labels, counts and sums of clusters one after another are a dozen loops, which for a block take longer to
begin and to end than to do. Nanoseconds of a pass over 300 x 2, K = 3, on one Zen 5 core: 876 so, 544 in one loop; of
two clusters of one feature ``two.py`` makes less still. Tasks of their own, because LLVM takes two seconds for the
dozen, and apart by features, so that a first fit compiles one of them.
"""

import numpy as np

from ..._numba.options import kernel, task
from ..._numba.pointers import member, view
from ..._numba.width import wide_vectors
from ..blocks.loading import clear, load_block, load_line
from ..blocks.outputs import store
from ..sizes import STEP, lanes
from ..slots import AIM, ASSIGN, FAR, LABEL
from ..work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, X
from .centers import from_origin_to_centers
from .two import label_two, sum_two

# Clusters at most; of two features their centres and sums fit into 32 vector registers.
FEW = 4


@kernel
def place(centers, k, d):
    """Return a coordinate of a centre; centres that there are not are infinitely far."""
    return centers[k, d] if k < centers.shape[0] else centers.dtype.type(np.inf)


@kernel
def count_lanes(block, n_rows):
    """Return the number of lanes in the steps that hold so many rows, in the dtype of the block."""
    return block.dtype.type(STEP * -(-n_rows // STEP))


@kernel
def assign_few_1(block, centers, n_rows, nearest, label, slab):
    """Write the squared distance of each lane to its `nearest` centre, and its `label`; add to clusters in `slab`.

    Returns the sum of the squared distances. Lanes beyond the last row are zero, as the first centre is but for
    rounding: they add nothing to sums.
    """
    m0, m1, m2, m3 = place(centers, 0, 0), place(centers, 1, 0), place(centers, 2, 0), place(centers, 3, 0)
    zero, one, two, three = block.dtype.type(0), block.dtype.type(1), block.dtype.type(2), block.dtype.type(3)
    n1 = n2 = n3 = s0 = s1 = s2 = s3 = total = zero
    for b in range(STEP * -(-n_rows // STEP)):
        x = block[0, b]
        q0, q1, q2, q3 = (x - m0) * (x - m0), (x - m1) * (x - m1), (x - m2) * (x - m2), (x - m3) * (x - m3)
        near, q = (one, q1) if q1 < q0 else (zero, q0)
        other, p = (three, q3) if q3 < q2 else (two, q2)
        near, q = (other, p) if p < q else (near, q)
        nearest[b], label[b] = q, near
        total += q
        n1 += one if near == one else zero
        n2 += one if near == two else zero
        n3 += one if near == three else zero
        s0 += x if near == zero else zero
        s1 += x if near == one else zero
        s2 += x if near == two else zero
        s3 += x if near == three else zero
    counts, sums = (count_lanes(block, n_rows) - n1 - n2 - n3, n1, n2, n3), (s0, s1, s2, s3)
    for k in range(centers.shape[0]):
        slab[k, 0] += counts[k]
        slab[k, 1] += sums[k]
    return total


@kernel
def assign_few_2(block, centers, n_rows, nearest, label, slab):
    """Do what `assign_few_1` does, for two features."""
    m0, m1, m2, m3 = place(centers, 0, 0), place(centers, 1, 0), place(centers, 2, 0), place(centers, 3, 0)
    o0, o1, o2, o3 = place(centers, 0, 1), place(centers, 1, 1), place(centers, 2, 1), place(centers, 3, 1)
    zero, one, two, three = block.dtype.type(0), block.dtype.type(1), block.dtype.type(2), block.dtype.type(3)
    n1 = n2 = n3 = s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = total = zero
    for b in range(STEP * -(-n_rows // STEP)):
        x, y = block[0, b], block[1, b]
        q0, q1 = (x - m0) * (x - m0) + (y - o0) * (y - o0), (x - m1) * (x - m1) + (y - o1) * (y - o1)
        q2, q3 = (x - m2) * (x - m2) + (y - o2) * (y - o2), (x - m3) * (x - m3) + (y - o3) * (y - o3)
        near, q = (one, q1) if q1 < q0 else (zero, q0)
        other, p = (three, q3) if q3 < q2 else (two, q2)
        near, q = (other, p) if p < q else (near, q)
        nearest[b], label[b] = q, near
        total += q
        n1 += one if near == one else zero
        n2 += one if near == two else zero
        n3 += one if near == three else zero
        s0 += x if near == zero else zero
        s1 += x if near == one else zero
        s2 += x if near == two else zero
        s3 += x if near == three else zero
        t0 += y if near == zero else zero
        t1 += y if near == one else zero
        t2 += y if near == two else zero
        t3 += y if near == three else zero
    counts, sums = (count_lanes(block, n_rows) - n1 - n2 - n3, n1, n2, n3), (s0, s1, s2, s3)
    others = t0, t1, t2, t3
    for k in range(centers.shape[0]):
        slab[k, 0] += counts[k]
        slab[k, 1] += sums[k]
        slab[k, 2] += others[k]
    return total


@task
def lloyd_few_1(context, worker, first, end):
    """Task: do what `lloyd` does for up to `FEW` clusters of one feature, where there are no weights."""
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
    block, nearest, label = scratch.block[worker], scratch.spare[worker, 0], scratch.spare[worker, 1]
    centers, n_components, aim = model.means, model.means.shape[0], view(context, STATE).counts[AIM]
    for s in range(first, end):
        slab = sums.slabs[s % sums.slabs.shape[0]]
        clear(slab)
        stop = min((s + 1) * sums.rows, x.shape[0])
        for start in range(s * sums.rows, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            if n_components == 2 and aim != FAR:
                if aim != ASSIGN:
                    sum_two(x, start, n_rows, model.scales, model.origin, centers, slab)
                if aim >= LABEL:
                    labels = rows.labels[start : start + n_rows]
                    label_two(x, start, n_rows, model.scales, model.origin, centers, labels)
                continue
            load_line(x, start, n_rows, model.scales, model.origin, block)
            slab[n_components, 0] += assign_few_1(block, centers, n_rows, nearest, label, slab)
            keep_few(rows, start, n_rows, nearest, label, aim, slab)
        from_origin_to_centers(centers, slab)
    return OK


@task
def lloyd_few_2(context, worker, first, end):
    """Task: do what `lloyd_few_1` does, for two features."""
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
    block, nearest, label = scratch.block[worker], scratch.spare[worker, 0], scratch.spare[worker, 1]
    centers, n_components, aim = model.means, model.means.shape[0], view(context, STATE).counts[AIM]
    for s in range(first, end):
        slab = sums.slabs[s % sums.slabs.shape[0]]
        clear(slab)
        stop = min((s + 1) * sums.rows, x.shape[0])
        for start in range(s * sums.rows, stop, lanes(x)):
            n_rows = min(lanes(x), stop - start)
            load_block(x, start, n_rows, model.scales, model.origin, block)
            slab[n_components, 0] += assign_few_2(block, centers, n_rows, nearest, label, slab)
            keep_few(rows, start, n_rows, nearest, label, aim, slab)
        from_origin_to_centers(centers, slab)
    return OK


@kernel
def keep_few(rows, start, n_rows, nearest, label, aim, slab):
    """Write down what a pass is for, and take the lanes beyond the last row, all of one cluster, off its count."""
    if n_rows % STEP != 0:
        slab[np.int64(label[n_rows]), 0] -= count_lanes(nearest, n_rows) - n_rows
    if aim >= LABEL:
        store(label, rows.labels[start : start + n_rows])
    if aim == FAR:
        store(nearest, rows.values[start : start + n_rows])
