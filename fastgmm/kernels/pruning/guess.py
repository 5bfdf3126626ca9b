"""A guess at the most probable component of each row, as if all had the same covariance."""

from typing import Any, NamedTuple

import numpy as np

from ..._numba.options import kernel, task
from ..._numba.pointers import member
from ..._numba.width import wide_vectors
from ..blocks.loading import load_block
from ..sizes import lanes
from ..work import MODEL, OK, SCRATCH, WRONG_SCRATCH, Model, Rows, Scratch, State, Sums, X

# Densities of which components are guessed, and bounded by where rows lie.
GUESSED = frozenset({"full"})
# Rows of `Guess.single`, and of other scratch in single precision, before those of a block.
FIRST = 8


class Guess(NamedTuple):
    """What a guess is made by, and where to.

    leads (M, P), starts (M,) float32
        The guess at the label of a row x, in units of the model, is the k of the least starts[k] + leads[k] . x; M
        and P are K and D rounded up to a multiple of 8 and of 4, and starts beyond K infinite.
    guesses (N,) int32
        Of each row.
    single (W, FIRST + P, B) float32
        Scratch: rows of intermediate results, then a block, D rounded up to a multiple of four.
    """

    leads: Any
    starts: Any
    guesses: Any
    single: Any


GUESS = 6


class GuessWork(NamedTuple):
    """`Work`, and what guesses labels."""

    x: Any
    rows: Rows
    model: Model
    state: State
    scratch: Scratch
    sums: Sums
    guess: Guess


@kernel
def scores_of_four(starts, leads, k, x, block, out):
    """Write ``starts + leads . x`` of components `k` to k + 3 into ``out[:4]``; lanes are those of `block`."""
    c0, c1, c2, c3 = starts[k], starts[k + 1], starts[k + 2], starts[k + 3]
    for b in range(lanes(block)):
        out[0, b] = c0
        out[1, b] = c1
        out[2, b] = c2
        out[3, b] = c3
    for d in range(0, x.shape[0], 4):
        k0, k1, k2, k3 = leads[k, d], leads[k, d + 1], leads[k, d + 2], leads[k, d + 3]
        m0, m1, m2, m3 = leads[k + 1, d], leads[k + 1, d + 1], leads[k + 1, d + 2], leads[k + 1, d + 3]
        n0, n1, n2, n3 = leads[k + 2, d], leads[k + 2, d + 1], leads[k + 2, d + 2], leads[k + 2, d + 3]
        p0, p1, p2, p3 = leads[k + 3, d], leads[k + 3, d + 1], leads[k + 3, d + 2], leads[k + 3, d + 3]
        for b in range(lanes(block)):
            x0, x1, x2, x3 = x[d, b], x[d + 1, b], x[d + 2, b], x[d + 3, b]
            out[0, b] += (k0 * x0 + k1 * x1) + (k2 * x2 + k3 * x3)
            out[1, b] += (m0 * x0 + m1 * x1) + (m2 * x2 + m3 * x3)
            out[2, b] += (n0 * x0 + n1 * x1) + (n2 * x2 + n3 * x3)
            out[3, b] += (p0 * x0 + p1 * x1) + (p2 * x2 + p3 * x3)


@kernel
def nearest_of_four(out, k, block, old, old_label, new, new_label):
    """Write the least of ``out[:4]`` and `old`, and its component, `k` to k + 3 or `old_label`.

    Everything is read before it is chosen from, as in `nearer` of ``k_means/lloyd.py``.
    """
    k0, k1, k2, k3 = np.float32(k), np.float32(k + 1), np.float32(k + 2), np.float32(k + 3)
    for b in range(lanes(block)):
        value, label = old[b], old_label[b]
        v0, v1, v2, v3 = out[0, b], out[1, b], out[2, b], out[3, b]
        label = k0 if v0 < value else label
        value = v0 if v0 < value else value
        label = k1 if v1 < value else label
        value = v1 if v1 < value else value
        label = k2 if v2 < value else label
        value = v2 if v2 < value else value
        label = k3 if v3 < value else label
        value = v3 if v3 < value else value
        new[b] = value
        new_label[b] = label


@task
def guess_labels(context, worker, first, end):
    """Task: write a guess at the label of each row of blocks `first` to `end`."""
    wide_vectors()
    x, model, guess = member(context, X), member(context, MODEL), member(context, GUESS)
    block, single = member(context, SCRATCH).block[worker], guess.single[worker]
    if block.shape[1] != lanes(x) or single.shape[1] != lanes(x):
        return WRONG_SCRATCH
    leads, starts, guesses = guess.leads, guess.starts, guess.guesses
    here, here_label, there, there_label = single[4], single[5], single[6], single[7]
    for start in range(first * lanes(x), min(end * lanes(x), x.shape[0]), lanes(x)):
        n_rows = min(lanes(x), x.shape[0] - start)
        load_block(x, start, n_rows, model.scales, model.origin, block)
        for d in range(x.shape[1]):
            for b in range(lanes(x)):
                single[FIRST + d, b] = block[d, b]
        for b in range(lanes(x)):
            here[b] = np.float32(np.inf)
            here_label[b] = np.float32(0.0)
        for k in range(0, leads.shape[0], 8):
            scores_of_four(starts, leads, k, single[FIRST:], block, single)
            nearest_of_four(single, k, block, here, here_label, there, there_label)
            scores_of_four(starts, leads, k + 4, single[FIRST:], block, single)
            nearest_of_four(single, k + 4, block, there, there_label, here, here_label)
        for b in range(n_rows):
            guesses[start + b] = np.int32(here_label[b])
    return OK
