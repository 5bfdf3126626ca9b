"""By which rule a component is left out that can be the most probable one of no row of a block.

A guess at the label of each row, in single precision, takes all components for as wide as each other, so that it is
a product of D numbers; rows are put in the order of their guesses, and those of a block have the same, a. Let a
component's half log joint density be l_k = c_k - |y|^2, y = H (x - mu) as in ``densities/full.py``, z = x - mu_a and
y_k that of component k at mu_a. Then

    |y|^2 = |y_k|^2 + 2 y_k . H z + |H z|^2 >= |y_k|^2 + g . z + s |z|^2,    g = 2 H^T y_k,

where s is no more than the least eigenvalue of H^T H, and

    |y| >= |y_k| - w |z|,

where w is no less than the norm of H. A component is left out where by the second, of the largest |z| of the block,
or by the first, of each row, l_k is below l_a in all of its rows. The first takes D multiply-adds in single precision
where a density takes D^2 / 2, and is exact for components that are round and as wide as each other.

So labels are those of `passes.evaluate`, as long as what is left out is so by more than the rounding of densities: a
length |H x + o| is as good as D roundings of |o| and of the largest that the absolute values of H and x can make,
sqrt(D) w |x|, which is more than what a factor rounded to single precision adds to s |z|^2; and the sum of D + 2
numbers in single precision as D + 8 roundings of the largest they can be.
"""

from typing import Any, NamedTuple

from ..work import Model, Rows, Scratch, State, Sums

# Rows of `Nearby.single` before those of a block.
FIRST = 8
# What is larger is left to the densities: its square would not be finite in single precision.
LARGEST = 1e15
# Rounding of a sum in single precision, and a length above all whose squares are 0 or subnormal there.
SINGLE, TINY = 2.0**-23, 1e-18


class Nearby(NamedTuple):
    """What finds the labels of rows near whose components there are few others.

    leads (M, P), starts (M,) float32
        The guess at the label of a row x, in units of the model, is the k of the least starts[k] + leads[k] . x; M
        and P are K and D rounded up to a multiple of 8 and of 4, and starts beyond K infinite.
    guesses (N,) int32
        Of each row, then in the order of `order`.
    order (N,) int32
        Rows in the order of their guesses.
    places, ends (blocks,) int64
        Where in `order` a block begins and ends.
    owners (blocks,) int64
        The guess that rows of a block have in common.
    widths, least (K,) float64
        w and s, see above.
    sizes (K,) float64
        Lengths of the offsets of the density.
    counts (blocks,) int64
        Components that were evaluated.
    tile (W, B, D)
        Scratch of workers, in the dtype of the rows: rows of a block.
    single (W, FIRST + P, B) float32
        Scratch: rows of intermediate results, then a block, D rounded up to a multiple of four.
    slopes (W, K, P) float32, lengths (W, K)
        Scratch: g and |y_k| for the owner of a block.
    components (W, K) int64
        Scratch: those that are evaluated.
    """

    leads: Any
    starts: Any
    guesses: Any
    order: Any
    places: Any
    ends: Any
    owners: Any
    widths: Any
    least: Any
    sizes: Any
    counts: Any
    tile: Any
    single: Any
    slopes: Any
    lengths: Any
    components: Any


NEARBY = 6


class NearbyWork(NamedTuple):
    """`Work`, and what finds labels of many components."""

    x: Any
    rows: Rows
    model: Model
    state: State
    scratch: Scratch
    sums: Sums
    nearby: Nearby
