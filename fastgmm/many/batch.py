"""What a user passed, as problems: rows one behind the other, and what is wrong with which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._checks import as_numbers, refuse_masked, shown
from ..rows import check, tables
from .groups import gathered, groups_of

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_CHUNK = 1 << 16


class Batch(NamedTuple):
    """B problems: `rows` (R, D) in C order and `weights` (R,) or (0,), from ``offsets[b]`` on those of problem b.

    keys (B,)
        Labels, or indices.
    scaled, exponents
        Weights below 1 of which ``2**exponents[b]`` times are those of problem b.
    totals, scaled_totals (B,)
        Their sums.
    n_counted (B,)
        Rows that count.
    faults
        Why a problem cannot be fitted, by its position.
    """

    rows: NDArray[Any]
    weights: Array
    offsets: Indices
    keys: NDArray[Any]
    feature_names: tuple[str, ...] | None
    scaled: Array
    exponents: Indices
    totals: Array
    scaled_totals: Array
    n_counted: Indices
    faults: dict[int, str]


def batch_of(X: Any, groups: Any, sample_weight: Any) -> Batch:
    """Return the problems of (B, N, D), of a list of arrays, or of rows with `groups`; TypeError or ValueError."""
    names, order, keys = None, None, None
    if groups is not None:
        rows, column_names = check.as_columns(X)
        names = tables.feature_names_of(column_names)
        keys, order, lengths = groups_of(groups, len(rows))
        rows = gathered(rows, order)
    elif isinstance(X, list | tuple):
        rows, lengths, names = _joined(X)
    else:
        array = X if isinstance(X, np.ndarray) else np.asarray(X)
        refuse_masked("X", array)
        if array.ndim != 3:
            raise ValueError(
                "X must be of shape (n_problems, n_samples, n_features), a list of arrays, or rows with groups, got "
                f"{array.ndim} dimensions" + ("; X[:, :, None] is of one feature" if array.ndim == 2 else "")
            )
        rows = check.as_float(array)
        lengths = np.full(len(rows), rows.shape[1], np.int64)
        rows = np.ascontiguousarray(rows).reshape(-1, rows.shape[2])
    if len(lengths) == 0 or rows.shape[1] == 0:
        raise ValueError(f"X must have at least one problem and one feature, got {len(lengths)} and {rows.shape[1]}")
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = np.ascontiguousarray(rows).view()
    rows.flags.writeable = False
    weights = _weights_of(sample_weight, X, len(rows), groups is None)
    if order is not None and len(weights):
        weights = gathered(weights, order)
    faults = _faults(rows, weights, offsets)
    keys = np.arange(len(lengths)) if keys is None else keys
    return Batch(rows, weights, offsets, keys, names, *_units(weights, offsets), faults)


def _joined(X: Sequence[Any]) -> tuple[NDArray[Any], Indices, tuple[str, ...] | None]:
    """Return the rows of arrays or tables one behind the other, how many each has, and the names of their columns."""
    arrays: list[NDArray[Any]] = []
    names = None
    for i, each in enumerate(X):
        try:
            array, column_names = check.as_columns(each)
        except (TypeError, ValueError) as error:
            raise type(error)(f"problem {i} of X: {error}") from None
        named = tables.feature_names_of(column_names)
        if i == 0:
            names = named
        if arrays and (array.shape[1] != arrays[0].shape[1] or named != names):
            raise ValueError(
                f"problem {i} of X has {array.shape[1]} features{_named(named)}, but the first has "
                f"{arrays[0].shape[1]}{_named(names)}"
            )
        arrays.append(array)
    if not arrays:
        raise ValueError("X must have at least one problem, got none")
    return np.concatenate(arrays), np.array([len(array) for array in arrays], np.int64), names


def _named(names: tuple[str, ...] | None) -> str:
    return "" if names is None else f" {shown(list(names))}"


def _weights_of(sample_weight: Any, X: Any, n_rows: int, by_problem: bool) -> Array:
    """Return weights of all rows in the shape that X has them, as (R,), or (0,) for None."""
    if sample_weight is None:
        return np.empty(0)
    if by_problem and isinstance(sample_weight, list | tuple) and isinstance(X, list | tuple):
        if len(sample_weight) != len(X):
            raise ValueError(
                f"sample_weight must have an array for each of {len(X)} problems, got {len(sample_weight)}"
            )
        each = [as_numbers("sample_weight", weights) for weights in sample_weight]
        for i, (weights, rows) in enumerate(zip(each, X, strict=True)):
            if weights.shape != (len(rows),):
                raise ValueError(f"sample_weight of problem {i} must be of shape ({len(rows)},), got {weights.shape}")
        weights = np.concatenate(each)
    else:
        weights = as_numbers("sample_weight", sample_weight)
        wanted = np.shape(X)[:2] if by_problem and not isinstance(X, list | tuple) else (n_rows,)
        if weights.shape != wanted:
            raise ValueError(f"sample_weight must be of shape {wanted}, got {weights.shape}")
    weights = np.array(weights.reshape(-1))
    if not np.isfinite(weights).all() or (weights < 0.0).any():
        raise ValueError("sample_weight must be finite and not negative")
    return weights


def _faults(rows: NDArray[Any], weights: Array, offsets: Indices) -> dict[int, str]:
    """Return what is wrong with which problem: rows that are not finite, no rows, or none that counts."""
    faults: dict[int, str] = {}
    for begin in range(0, len(rows), _CHUNK):
        chunk = rows[begin : begin + _CHUNK]
        # The sum of finite rows is finite unless it overflows, and takes half of the time of looking at each.
        if np.isfinite(chunk.sum()):
            continue
        finite = np.isfinite(chunk)
        for row in (begin + np.flatnonzero(~finite.all(axis=1))).tolist():
            b = int(np.searchsorted(offsets, row, side="right")) - 1
            faults.setdefault(b, f"X has NaN or infinite values, the first in row {row - offsets[b]} of the problem")
    for b in np.flatnonzero(np.diff(offsets) == 0).tolist():
        faults[b] = "it has no rows"
    if len(weights):
        largest = _by_problem(np.maximum, weights, offsets)
        for b in np.flatnonzero((largest == 0.0) & (np.diff(offsets) > 0)).tolist():
            faults.setdefault(b, "sample_weight is zero for every row")
    return faults


def _by_problem(ufunc: np.ufunc, values: NDArray[Any], offsets: Indices) -> NDArray[Any]:
    """Return the values of each problem reduced, 0 of those without any."""
    filled = np.flatnonzero(np.diff(offsets) > 0)
    reduced = np.zeros(len(offsets) - 1, values.dtype)
    if len(filled):
        reduced[filled] = ufunc.reduceat(values, offsets[filled])
    return reduced


def _units(weights: Array, offsets: Indices) -> tuple[Array, Indices, Array, Array, Indices]:
    """Return what `em.fitting.fit_rows` and the checks of weights do for each problem: see `Batch`."""
    lengths = np.diff(offsets)
    if not len(weights):
        total = lengths.astype(np.float64)
        return weights, np.zeros(len(lengths), np.int64), total, total, lengths
    exponents = np.frexp(_by_problem(np.maximum, weights, offsets))[1].astype(np.int64)
    scaled = np.ldexp(weights, -np.repeat(exponents, lengths))
    counts = (scaled / np.repeat(np.maximum(lengths, 1), lengths) != 0.0).astype(np.int64)
    # One by one, because `reduceat` adds in another order, and so has other bits.
    spans = list(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True))
    totals, scaled_totals = (
        np.array([check.total_weight_of(b - a, array[a:b]) for a, b in spans]) for array in (weights, scaled)
    )
    return scaled, exponents, totals, scaled_totals, _by_problem(np.add, counts, offsets)
