"""What a pruned pass keeps between rounds, and by which rule it leaves a pair of a block and a component out.

Let l_k = c_k - q_k be a row's half log joint density, q_k a quarter of its squared Mahalanobis distance y_k, and t
the least row maximum of a block, max_k l_k. A component whose q is at least Q in every row of the block has there
responsibilities r <= exp(2 (c - Q - t)), and r (2 + y) falls as y grows. It is left out where that is below
2^-56 w_k,

    2 Q - log(2 + 4 Q) >= 56 log 2 - log w_k + 2 (c_k - t),

and log(2 + 4 Q) lies below its tangent at Q = 50, so that it is enough that

    SLOPE Q >= `limits`[k] - 2 t,    limits[k] = 56 log 2 + INTERCEPT + 2 c_k - log w_k.

So what is neglected of a row's density is below 2^-57, and of N_k, of sum r z and of sum r z z^T in units of the
component below 2^-56 of w_k times the weight of all rows: below 2^-53 N_k, unless the component has lost seven
eighths of its rows by this pass, which is then repeated as a dense one (``rows/pruning``).
"""

from typing import Any, NamedTuple

from ..work import Model, Rows, Scratch, State, Sums

NEGLIGIBLE_BITS = 56
# Of the tangent 2 Q - log(2 + 4 Q) at 50, rounded to the safe side.
SLOPE = 1.98
INTERCEPT = 4.33
# What N_k may have fallen to, of w_k times the weight of all rows.
LEAST_LEFT = 0.125
# Bounds are in single precision, and so is what is done with them; this covers both roundings, and that of a quarter
# of a squared distance in single precision.
ROUNDED_DOWN = 1.0 - 2.0**-18
ROUNDED_UP = 1.0 + 2.0**-18
# Squares of bounds stay finite, and so do products of a bound and what it shrinks by.
LONGEST = 1e18
# In row K of a slab, beside the log-likelihood: pairs evaluated, those that count, in how many rows
# (of whole blocks), rows with another label.
EVALUATED, COUNTED, SEEN, MOVED = 1, 2, 3, 4
# What is evaluated counts where in any row r exceeds 2^-66 w_k, and a row where r does: distances y of up to 1000
# leave that below what is left out otherwise.
UNSEEN_BITS = 66
UNSEEN = 2.0**-UNSEEN_BITS


class Bounds(NamedTuple):
    """What a pruned pass keeps between rounds, and its scratch.

    window
        Rows, from the first on, among which these change places to be swept in another order.
    order (N,) int32
        Rows in the order in which they are swept, as numbers from the first of their window on.
    marks (blocks,) int64
        By which the rows of each block are known again: what is read anew may come in another order.
    labels (N,) int32
        The most probable component of each of these, -1 where that is not known.
    lengths (blocks, K) float32
        Lower bounds of sqrt(Q) under the model of the pass before.
    shrink, shift (K,) float32
        A bound m becomes shrink m - shift under the model of this pass.
    limits, cuts (K,) float64
        See above; half the logarithm of the responsibility from which on a component counts.
    scales (D,), factors, means (K, D) float64, variances
        The model of the pass before: `factors` like those of the model where covariances are matrices, else
        `variances` (., 1, D or 1) float64 like those of the state; what has no use is empty.
    filled (2,) int64
        From which slab on, and up to which, there are sums to be folded.
    touched (S, K) int64
        Whether a slab holds anything of a component.
    widths, least, sizes (K,) or (0,) float64
        Of the model of this pass, where bounds come of where rows lie (``segments.py``): as of ``nearby.py``.
    tile (W, B, D), row_weights (W, B) float64, components (W, K + 1) int64
        Scratch of workers: rows of a block and their weights, and components that are evaluated.
    single (W, FIRST + P, B), slopes (W, P) float32, found (W, K) float64
        Scratch of ``segments.py``: as of a `Guess`, a slope, and bounds.
    """

    window: int
    order: Any
    marks: Any
    labels: Any
    lengths: Any
    shrink: Any
    shift: Any
    limits: Any
    cuts: Any
    scales: Any
    factors: Any
    means: Any
    variances: Any
    filled: Any
    touched: Any
    widths: Any
    least: Any
    sizes: Any
    tile: Any
    row_weights: Any
    components: Any
    single: Any
    slopes: Any
    found: Any


BOUNDS = 6


class PrunedWork(NamedTuple):
    """`Work`, and the `Bounds` of a pruned pass."""

    x: Any
    rows: Rows
    model: Model
    state: State
    scratch: Scratch
    sums: Sums
    bounds: Bounds
