"""A step of k-means++ over the rows of a `Sieve`: which it fetches, and what it sums."""

import numpy as np

from ..._numba.options import kernel, task
from ..._numba.pointers import member, view
from ..._numba.width import wide_vectors
from ..blocks.loading import load_block
from ..primitives.distances import distances_of_group, squared_distances
from ..sizes import lanes
from ..slots import LIVE
from ..work import MODEL, OK, ROWS, SCRATCH, STATE, SUMS, WRONG_SCRATCH, X
from .near import gather
from .plus_plus import GROUP, add_nearest
from .sieve import SIEVE, limit_of, unchanged


@kernel
def least_of(near, n_centers):
    """Write into ``near[0]`` the least of the distances in the rows of `near` (2 + C, S) from 2 on; row 1 is scratch.

    From one array into another, as ``plus_plus.potential`` does.
    """
    here, there = near[0], near[1]
    for b in range(lanes(near)):
        here[b] = near[2, b]
    for c in range(3, 2 + n_centers, 2):
        last = near[min(c + 1, 1 + n_centers)]
        for b in range(lanes(near)):
            there[b] = min(here[b], near[c, b])
        for b in range(lanes(near)):
            here[b] = min(there[b], last[b])


@kernel
def list_changed(least, limits, start, listed, n_listed):
    """List behind `n_listed` rows those from `start` on of which the distance in `least` (n,) is below the limit."""
    for a in range(0, limits.shape[0], GROUP):
        some, limit = least[a : a + GROUP], limits[a : a + GROUP]
        n_below = 0
        for b in range(limit.shape[0]):
            n_below += 1 if some[b] < limit[b] else 0
        if n_below > 0:
            for b in range(limit.shape[0]):
                listed[n_listed] = start + a + b
                n_listed += 1 if some[b] < limit[b] else 0
    return n_listed


@task
def sifted_potential(context, worker, first, end):
    """Task: do what ``plus_plus.potential`` does after its first pass, to the last bit."""
    wide_vectors()
    x, rows, model, scratch, sums, sieve = (
        member(context, X),
        member(context, ROWS),
        member(context, MODEL),
        member(context, SCRATCH),
        member(context, SUMS),
        member(context, SIEVE),
    )
    near, block = sieve.near[worker], sieve.block[worker]
    if scratch.block.shape[2] != lanes(x) or scratch.spare.shape[2] != lanes(x):
        return WRONG_SCRATCH
    if near.shape[1] != lanes(near) or block.shape[1] != lanes(near) or sieve.grid.shape[2] != lanes(near):
        return WRONG_SCRATCH
    n_features, n_centers = x.shape[1], view(context, STATE).counts[LIVE]
    centers, on_grid = model.means[:n_centers], sieve.centers[worker, :n_centers]
    for c in range(n_centers):
        for d in range(n_features):
            offset = float(model.origin[d]) - sieve.origin[d]
            on_grid[c, d] = np.float32((float(centers[c, d]) + offset) / sieve.cell[0])
    listed, limits = sieve.listed[worker], sieve.limits
    for s in range(first, end):
        sieve.counts[s] = 0
    n_listed, n_old = 0, 0
    done = start = first * sums.rows
    stop = min(end * sums.rows, x.shape[0])
    while done < stop:
        n_old = n_listed
        if start < stop:
            half = start % lanes(near)
            if half == 0:
                rows_of_block = sieve.grid[start // lanes(near)]
                for d in range(n_features):
                    for b in range(lanes(near)):
                        block[d, b] = np.float32(rows_of_block[d, b])
                distances_of_group(block, on_grid, n_features, near[2:])
                least_of(near, n_centers)
            until = min(start + lanes(x), stop)
            n_listed = list_changed(near[0, half:], limits[start:until], start, listed, n_listed)
            sieve.counts[start // sums.rows] += n_listed - n_old
        if start >= stop or n_listed > lanes(x):
            add_changed(x, rows, model, centers, scratch, sieve, sums, worker, listed[:n_old], done, min(start, stop))
            done = min(start, stop)
            for i in range(n_old, n_listed):
                listed[i - n_old] = listed[i]
            n_listed -= n_old
        start += lanes(x)
    return OK


@kernel
def add_changed(x, rows, model, centers, scratch, sieve, sums, worker, listed, begin, end):
    """Bring rows `begin` to `end` up to date, of which those that may change are `listed`, and sum their blocks."""
    block, distances, held = scratch.block[worker], scratch.spare[worker, 1:], scratch.spare[worker, 0]
    closest, tile, far = rows.values, sieve.tile[worker], sieve.far[worker]
    n_listed = listed.shape[0]
    if n_listed > 0:
        gather(x, listed, 0, n_listed, tile)
        load_block(tile, 0, n_listed, model.scales, model.origin, block)
        squared_distances(block, centers, x.shape[1], distances)
        for i in range(n_listed):
            if distances[0, i] < closest[listed[i]]:
                closest[listed[i]] = distances[0, i]
                sieve.limits[listed[i]] = limit_of(distances[0, i], sieve.cell)
    p = q = 0
    for start in range(begin, end, lanes(x)):
        n_rows = min(lanes(x), end - start)
        out = sums.slabs[start // sums.rows, 0]
        if start % sums.rows == 0:
            for c in range(centers.shape[0]):
                out[c] = 0.0
        while q < n_listed and listed[q] < start + n_rows:
            q += 1
        if q > p:
            sieve.kept[start // lanes(x)] = unchanged(rows, start, n_rows, held, far)
        for c in range(centers.shape[0]):
            n_nearer = 0
            for i in range(p, q):
                n_nearer += 1 if distances[c, i] < held[listed[i] - start] else 0
            if n_nearer > 0:
                for i in range(p, q):
                    far[listed[i] - start] = distances[c, i]
                out[c] += add_nearest(held, far, rows.weights, start, n_rows)
            else:
                out[c] += sieve.kept[start // lanes(x)]
        p = q
