"""The first pass over chunks: how many rows there are, what they weigh, and in which ranges they lie."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..launch.pieces import sum_of_blocks
from ..launch.work import UNWEIGHTED
from .ahead import made_ahead
from .chunks import Chunks

Array = NDArray[np.float64]


class Ranges(NamedTuple):
    """The `least` and `largest` values (D,) of the rows with weight, and the `first` (D,) of these."""

    least: Array
    largest: Array
    first: NDArray[Any]


class Counted(NamedTuple):
    """Numbers of rows, of all and of those that count, see `check.count_rows`, and their `ranges`.

    The total weight is that of weights times two to the power of minus the exponent.
    """

    n_samples: int
    n_counted: int
    total_weight: float
    weight_exponent: int
    weighted: bool
    ranges: Ranges


def count(chunks: Chunks, tell: Callable[[int], None]) -> Counted:
    """Return what one pass over chunks tells, two where weights vanish beside the largest; `tell` of rows seen.

    Raises
    ------
    TypeError, ValueError
        If chunks are not what they may be, or there are no rows with weight.
    """
    n_samples = n_counted = exponent = 0
    total_weight, largest, least, left = 0.0, 0.0, math.inf, UNWEIGHTED
    ranges: Ranges | None = None
    with made_ahead(chunks()) as ahead:
        for X, weights in ahead:
            n_samples += len(X)
            tell(n_samples)
            if len(weights):
                largest = max(largest, float(weights.max()))
                least = float(weights.min(initial=least, where=weights > 0.0))
                total_weight, left = sum_of_blocks(np.concatenate([left, weights]), total_weight)
                X = X[weights > 0.0]
            ranges = _with(ranges, X)
            n_counted += len(X)
    if not n_samples:
        raise ValueError("X has no rows: all of its chunks are empty, or there are none")
    weighted = largest > 0.0
    if weighted:
        exponent = math.frexp(largest)[1]
        total_weight = math.ldexp(total_weight + float(left.sum()), -exponent)
        if math.ldexp(least, -exponent) / n_samples == 0.0:
            n_counted, ranges = 0, None
            with made_ahead(chunks()) as ahead:
                for X, weights in ahead:
                    weights = np.ldexp(weights, -exponent)
                    ranges = _with(ranges, X[weights > 0.0])
                    n_counted += int(np.count_nonzero(weights / n_samples))
    if ranges is None:
        raise ValueError("the weights must not be zero for every row")
    total_weight = total_weight if weighted else float(n_samples)
    return Counted(n_samples, n_counted, total_weight, exponent, weighted, ranges)


def _with(ranges: Ranges | None, X: NDArray[Any]) -> Ranges | None:
    """Return ranges that rows are in, too; None as long as there are no rows."""
    if not len(X):
        return ranges
    least, largest = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
    if ranges is None:
        return Ranges(least, largest, X[0].copy())
    return Ranges(np.minimum(ranges.least, least), np.maximum(ranges.largest, largest), ranges.first)
