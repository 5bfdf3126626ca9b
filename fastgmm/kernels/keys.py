"""Keys by which rows are sampled: functions of a seed, the number of a row and its weight, and of nothing else.

The n rows with the smallest keys -log(1 - u) / weight are a sample without replacement, each draw in proportion to
the weights of the rows that are left: Efraimidis & Spirakis (2006), Weighted random sampling with a reservoir, Inf.
Process. Lett. 97, 181-185. Without weights u itself is the key, which has the same order. u is from SplitMix64,
whose numbers are a hash of their place: Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators,
OOPSLA, 453-472.
"""

import math

import numpy as np

from .._numba.options import exact_task, part
from .._numba.pointers import member, view
from .slots import BOUND, FIRST, SEED
from .work import OK, ROWS, SCRATCH, STATE, SUMS, X

# Of the paper: what numbers are apart, and the multipliers and shifts of the hash.
APART = np.uint64(0x9E3779B97F4A7C15)
MULTIPLIERS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
LOST = np.uint64(11)
UNIT = 2.0**-53
LARGEST = 1.7976931348623157e308
# A product may be rounded by so much.
ROOM = 1.0 + 1e-15


@part
def uniform_of(seed, row):
    """Return a number from [0, 1) for a row, both uint64."""
    bits = seed + (row + np.uint64(1)) * APART
    bits = (bits ^ (bits >> SHIFTS[0])) * MULTIPLIERS[0]
    bits = (bits ^ (bits >> SHIFTS[1])) * MULTIPLIERS[1]
    return np.float64((bits ^ (bits >> SHIFTS[2])) >> LOST) * UNIT


@part
def keys_alike(seed, first, keys, n):
    """Write the keys of rows number `first` and following, int64, that weigh the same to the first `n` of `keys`."""
    for i in range(n):
        keys[i] = uniform_of(seed, np.uint64(first + i))


@part
def keys_weighted(seed, first, weights, bound, keys, n):
    """Do so for rows with `weights`; inf stands for keys above the bound, too."""
    for i in range(n):
        u, weight, key = uniform_of(seed, np.uint64(first + i)), weights[i], math.inf
        # -log(1 - u) is at least u: few rows need the logarithm.
        if weight > 0.0 and (bound == math.inf or u <= bound * weight * ROOM):
            key = min(-math.log1p(-u) / weight, LARGEST)
        keys[i] = key


@part
def up_to(bound, keys, n, index):
    """Write which of the first `n` keys are up to the bound to `index`; return how many."""
    n_found = 0
    # Without a branch: whether a row is wanted nobody can foresee.
    for i in range(n):
        index[n_found] = i
        n_found += 1 if keys[i] <= bound else 0
    return n_found


@exact_task
def small_keys(context, worker, first, end):
    """Task: find the rows of superblocks with a key of at most ``numbers[BOUND]``.

    Row 0 of a slab (2, pitch) becomes how many there are, their keys, and NaN, row 1 from its second place on their
    places in x (N, any), int64; of more than it holds, some. ``counts[FIRST]`` is the number of the first row of x.
    Rows without weight have the key inf, and nobody else has.
    """
    x, weights, sums = member(context, X), member(context, ROWS).weights, member(context, SUMS)
    bound, counts = view(context, STATE).numbers[BOUND], view(context, STATE).counts
    seed, offset = np.uint64(counts[SEED]), counts[FIRST]
    keys, index = member(context, SCRATCH).products[worker], member(context, SCRATCH).index[worker]
    for s in range(first, end):
        slab = sums.slabs[s % sums.slabs.shape[0]]
        found, places = slab[0, 1:], slab[1, 1:].view(np.int64)
        begin, stop = s * sums.rows, min((s + 1) * sums.rows, x.shape[0])
        n_found = 0
        # A block at a time: its keys are made by SIMD, and only what is found is stored.
        for a in range(begin, stop, keys.shape[0]):
            n = min(keys.shape[0], stop - a)
            if weights.shape[0] == 0:
                keys_alike(seed, offset + a, keys, n)
            else:
                keys_weighted(seed, offset + a, weights[a : a + n], bound, keys, n)
            n_new = up_to(bound, keys, n, index)
            if n_found + n_new <= found.shape[0]:
                for i in range(n_new):
                    found[n_found + i] = keys[index[i]]
                    places[n_found + i] = a + index[i]
            n_found += n_new
        slab[0, 0] = n_found
        found[n_found:] = math.nan
    return OK
