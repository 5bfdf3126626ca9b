"""What is known of a partition where its rows are: the rows, checked, and what a fit counts of them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._checks import as_numbers, own_error_state
from ..array import column_moments_of
from ..check import as_columns, first_fault
from ..launch.pieces import in_place
from ..source import Columns

Array = NDArray[np.float64]


class Part(NamedTuple):
    """The rows `x` (n, D) of a partition in C order, and their `weights` (n,) or (0,); or what is wrong with them."""

    x: NDArray[Any]
    weights: Array
    fault: Exception | None = None


class Facts(NamedTuple):
    """What a fit wants to know of a partition: how many rows it has, weights, moments.

    All weights are below ``2 ** exponent``, the unit of `total_weight`. A partition without weight has no moments.
    """

    n_samples: int
    exponent: int
    total_weight: float
    columns: Columns | None
    fault: Exception | None


@own_error_state
def part_of(block: Any, weights: Any, number: int, n_features: int, dtype: Any) -> Part:
    """Return the rows of partition `number`, checked, and their weights."""
    try:
        rows = rows_of_block(block, n_features, dtype)
        return Part(rows, np.empty(0) if weights is None else _weights_of(weights, len(rows)))
    except (TypeError, ValueError) as error:
        # Not raised here: of several the scheduler would tell of any, and workers of each in their logs.
        kind = TypeError if isinstance(error, TypeError) else ValueError
        fault = kind(f"partition {number} of X (counted from 0): {error}")
        return Part(np.empty((0, n_features), dtype), np.empty(0), fault)


def rows_of_block(block: Any, n_features: int, dtype: Any) -> NDArray[Any]:
    """Return the rows of a partition, (n, D) in C order; TypeError or ValueError if they are not what they may be."""
    rows, names = as_columns(block)
    if len(rows) and rows.shape[1] != n_features:
        raise ValueError(f"{rows.shape[1]} columns, not {n_features}")
    wrong = first_fault(rows, names)
    if wrong is not None:
        values = f"{wrong[0]} NaN or infinite value{'s' * (wrong[0] > 1)}"
        raise ValueError(f"{values}, the first in {wrong[1]}; drop or impute these rows first")
    return np.ascontiguousarray(rows.reshape(len(rows), n_features), dtype)


def _weights_of(values: Any, n_samples: int) -> Array:
    weights = as_numbers("sample_weight", values)
    if weights.shape != (n_samples,):
        raise ValueError(f"sample_weight must be of shape ({n_samples},), got {weights.shape}")
    if not (np.isfinite(weights) & (weights >= 0.0)).all():
        raise ValueError("sample_weight must be finite and not negative")
    return weights


@own_error_state
def facts_of(part: Part) -> Facts:
    """Return what a fit wants to know of a partition."""
    x, weights = in_place(part.x), part.weights
    exponent = math.frexp(float(weights.max()))[1] if len(weights) else 0
    weights = np.ldexp(weights, -exponent)
    total_weight = float(weights.sum()) if len(weights) else float(len(x))
    columns = column_moments_of(x, weights, total_weight, 1) if total_weight > 0.0 else None
    return Facts(len(x), exponent, total_weight, columns, part.fault)


def scaled(part: Part, exponent: int) -> Part:
    """Return a partition with weights in units of ``2 ** exponent``."""
    return part._replace(weights=np.ldexp(part.weights, -exponent))


@own_error_state
def counted_of(part: Part, first: int, n_samples: int) -> int:
    """Return how many rows of a partition count among `n_samples`, with weights in the common unit.

    That is `check.count_rows` of all rows, whichever partitions they are in.
    """
    return int(np.count_nonzero(part.weights / n_samples))
