"""What a pass over patterns works on.

Numba knows a named tuple by its name: these are not those of ``kernels/work.py``.
"""

from typing import Any, NamedTuple

from ....kernels.work import Tasks


class Under(NamedTuple):
    """Parameters of all features, those of the density: weights (K,), means (K, D), covariances as in a `State`."""

    weights: Any
    means: Any
    covariances: Any


class Patterns(NamedTuple):
    """P patterns of which d features are observed, and what their rows are summed with.

    observed, full
        Contexts of a `Work` of d features, around no rows, and of that of all D, whose state gets the sums.
    x (n, d), weights (n,) or (0,)
        What is observed of the rows, one pattern behind the other.
    offsets (P + 1,) int64
        The rows of pattern p are ``x[offsets[p] : offsets[p + 1]]``.
    orders (P, D) int64
        The features of each pattern, the d observed ones first.
    places (P,) int64, scatters (S, d + 1, d)
        Which of the scatters, see `State`, is a pattern's, for moments that follow from it; -1 where all are summed.
    matrices (3, D, D), vectors (2, D)
        Scratch.
    nanoseconds
        What a pattern takes, but for its rows.
    tasks, apart, following, advance
        Addresses: the tasks of a pass, of one about other centres than the means of its density, and of one whose
        moments follow; and of rounds.
    """

    observed: Any
    full: Any
    under: Under
    x: Any
    weights: Any
    offsets: Any
    orders: Any
    places: Any
    scatters: Any
    matrices: Any
    vectors: Any
    nanoseconds: float
    tasks: Tasks
    apart: Tasks
    following: Tasks
    advance: Any


OBSERVED, FULL, UNDER, X, WEIGHTS, OFFSETS, ORDERS, PLACES, SCATTERS, MATRICES, VECTORS, NANOSECONDS = range(12)
TASKS, APART, FOLLOWING, ADVANCE = range(12, 16)
