"""What kernels work on: named tuples of arrays, one for each owner, and the codes that they return.

Every *task*, a function that a launch runs over superblocks, components or rows of sums, takes a pointer to all of
them,

    task(context, worker, first, end) -> code,

does the items `first` to `end`, and writes to nothing that another worker writes to. So one parallel driver
(``launch.py``) serves every pass there is and is compiled once per dtype. An array that a task has no use for has
length 0.
"""

from typing import Any, NamedTuple

import numpy as np

# Behind an address Numba prints an exception and returns 0: so success is not 0.
# FAR_ROWS: done, and the densities of some rows underflow for every component. NARROW: covariances are to be raised
# to their floor first. CANCELS: what is left of the total scatter has lost its digits, and moments are to be summed.
# MORE: the M step is long, and to be launched again.
BROKEN, OK, WRONG_SCRATCH, FAR_ROWS, NARROW, CANCELS, MORE = 0, np.int64(1), 2, 3, 4, 5, np.int64(6)
# Integers of NumPy's where they are arguments: Numba compiles a function once more for a constant of Python's.
ZERO = np.int64(0)
# A code from here on names the component that failed.
COMPONENT = 16


# Workers sit so many places of a scratch array apart, and one is left at its end: prefetching beyond the end of a
# buffer fetches lines that the owner of what follows is writing. Of two workers side by side at 200000 x 16, K = 16
# one took 9.7 ms for its half of a round and the other 10.1, or 13.1 for seconds on end; so it was without a place at
# the end. Now both take 9.6.
SPREAD = 2


class Rows(NamedTuple):
    """What goes along with the rows `x` (N, D) of a launch; every array has N rows or none.

    weights
        (N,) float64: how often each row counts.
    labels
        (N,) int64: components, given or to be written.
    responsibilities
        (N, K) in the dtype of `x`, given or to be written.
    values
        (N,) in the dtype of `x`: log-densities to be written, or squared distances to the nearest centre so far.
    """

    weights: Any
    labels: Any
    responsibilities: Any
    values: Any


class Model(NamedTuple):
    """Parameters in the form that densities want, in the dtype of the rows.

    Lengths are in units of a power of two for each feature (``densities/kinds.py``), so that products stay among the
    normal numbers whatever the unit of the data.

    scales
        (D,): one over the unit of each feature.
    origin
        (P,): what is subtracted from every row on its way into a block, so that nothing is lost to data far from
        zero; like the means padded with zeros up to the P rows of a block.
    means
        (K, P): component means less the origin.
    unit
        (2,) float64: a power of two u, about the standard deviation of the first feature, in which lengths are
        measured before their logarithm is taken, and what that and the factor (2 pi)^(-D/2) leave out of each row's
        log-density. So rows times a power of two give the same responsibilities to the last bit.
    factors, offsets, constants
        (., ., .), (K, .), (K,): see the densities.
    """

    scales: Any
    origin: Any
    means: Any
    unit: Any
    factors: Any
    offsets: Any
    constants: Any


class State(NamedTuple):
    """Parameters, statistics and the course of a run, all float64; `covariances` are (K or 1, D or 1, D or 1).

    weights (K,), means (K, D), covariances
        The parameters.
    centers (K, D), sums (K,), first (K, D), second
        Statistics of a pass: what moments are taken about, N_k, sum r z, and sum r z z^T in the shape of
        `covariances`.
    added (D,), floor (D,)
        What the M step adds to the variance of each feature, and what covariances do not fall below, see
        ``densities/floor.py``.
    held (K,) int64
        Directions in which the floor holds a component up, of those that share a covariance the first.
    spread (D,)
        Standard deviation of each feature over all rows, where nothing is known of the components yet.
    scatter (D + 1, D) or (0, D)
        Sum z z^T of all rows, z = x - mean, and below it that mean, for moments that follow from it.
    numbers, counts
        Scalars, float64 and int64, see ``slots.py``.
    trace
        Mean log-likelihoods since they were last taken out.
    """

    weights: Any
    means: Any
    covariances: Any
    centers: Any
    sums: Any
    first: Any
    second: Any
    added: Any
    floor: Any
    held: Any
    spread: Any
    scatter: Any
    numbers: Any
    counts: Any
    trace: Any


class Scratch(NamedTuple):
    """Buffers of W workers, `SPREAD` apart; contents mean nothing between tasks, but `block` is padded with zeros.

    block (W, P, B), spare (W, R, B), half_logs (W, K, B), maxima and row_sums (W, B)
        In the dtype of the rows.
    products (W, B) float64, index (W, B) int64
    matrices (W, 2, D, D) float64
    """

    block: Any
    spare: Any
    half_logs: Any
    maxima: Any
    row_sums: Any
    products: Any
    index: Any
    matrices: Any


class Sums(NamedTuple):
    """Where tasks leave their sums: `slabs` (S, R, pitch) and the `accumulator` (R, pitch) that they are folded into.

    rows
        Rows in a superblock.
    codes (W,) int64
        What each worker returned.
    """

    slabs: Any
    accumulator: Any
    rows: int
    codes: Any


class Tasks(NamedTuple):
    """Addresses of the tasks of a run of EM."""

    prepare: Any
    sweep: Any
    fold: Any
    unpack: Any
    maximize: Any


X, ROWS, MODEL, STATE, SCRATCH, SUMS = range(6)


class Work(NamedTuple):
    """All that a task works on: rows `x` (N, D) and what goes with them, what they are held against, and buffers."""

    x: Any
    rows: Rows
    model: Model
    state: State
    scratch: Scratch
    sums: Sums
