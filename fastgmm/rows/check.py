"""Checks of rows, weights, labels, responsibilities; an error is one sentence: what was given, what is allowed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import NotNumbersError, as_numbers, check_integer, floats_of, refuse_masked, shown
from . import tables
from .launch.pieces import sum_of_blocks
from .missing.options import MARGINAL

# Rows looked at together when searching for NaN: keeps the temporary mask in cache.
_CHUNK = 1 << 16


def as_rows(
    X: Any, *, feature_names: tuple[str, ...] | None = None, n_features: int | None = None, gaps: bool | None = None
) -> tuple[NDArray[Any], tuple[str, ...] | None]:
    """Return `X` as an (N, D) array of finite float32 or float64, with NaN among them if `gaps`, and column names.

    A one-dimensional array is N samples of one feature. Anything `np.asarray` understands goes, tables included; the
    memory layout is left as it is, and nothing copied unless the dtype asks for it. Other real dtypes become float64.
    Of a table with names the columns `feature_names` are taken, where these are given; they are the names of columns
    without. Names none of which is a string are no names. `gaps` is None where users have no option for NaN.

    Raises
    ------
    TypeError
        If the values are not real numbers, or some but not all names of columns are strings.
    ValueError
        If the shape is wrong, there are no rows or columns, or values are missing or not finite.
    """
    if gaps is not None and np.ma.isMaskedArray(X):
        refuse_masked("X", X, f", or pass X.astype(float).filled(numpy.nan) and missing={MARGINAL!r}")
    array, column_names = as_columns(X, feature_names)
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise ValueError(f"X must have at least one row and one column, got shape {array.shape}")
    if n_features is not None and array.shape[1] != n_features:
        raise ValueError(f"X has {array.shape[1]} features, but the model has {n_features}")
    fault = first_fault(array, column_names, gaps=gaps)
    if fault:
        n_bad, place = fault
        what = f"{'' if gaps else 'NaN or '}infinite value{'s' if n_bad > 1 else ''}"
        way_out = f", or say missing={MARGINAL!r}" if gaps is False and np.isnan(array).any() else ""
        raise ValueError(f"X has {n_bad} {what}, the first in {place}; drop or impute these rows first{way_out}")
    return array, tables.feature_names_of(column_names) or feature_names


def as_columns(X: Any, feature_names: tuple[str, ...] | None = None) -> tuple[NDArray[Any], tuple[Any, ...] | None]:
    """Return what `as_rows` does of any number of rows, finite or not; with it names of columns of any type."""
    column_names = None
    if not isinstance(X, np.ndarray):
        X = tables.tabulated(tables.collected(X))
        if feature_names is not None:
            X = tables.with_columns(X, feature_names)
        column_names = tables.column_names_of(X)
        X = tables.as_array(X)
    if np.ma.isMaskedArray(X):
        refuse_masked("X", X)
        X = X.data
    array = as_float(X)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2:
        raise ValueError(f"X must be of shape (n_samples, n_features) or (n_samples,), got {array.ndim} dimensions")
    return array, column_names


def as_float(array: NDArray[Any]) -> NDArray[Any]:
    """Return `array` as float32 or float64; TypeError or ValueError if its values are not real numbers."""
    if array.dtype in (np.float32, np.float64):
        return np.asarray(array)
    if array.dtype.kind == "c":
        raise ValueError("X must be real, got complex numbers")
    if array.dtype.kind not in "biufO":
        raise TypeError(f"X must hold numbers, got dtype {array.dtype}")
    if array.dtype.kind == "O":
        try:
            return floats_of(array)
        except NotNumbersError as error:
            raise TypeError(f"X must hold numbers only, got {shown(error.value)} at index {error.index}") from None
    # float32 and float64 of the other byte order keep their precision.
    return array.astype(np.float32 if array.dtype == np.dtype(">f4") else np.float64)


def first_fault(
    array: NDArray[Any], column_names: tuple[Any, ...] | None, begin: int = 0, *, gaps: bool | None = None
) -> tuple[int, str] | None:
    """Return how many values of (N, D) are infinite, or NaN unless `gaps`, and where the first is; None if none is.

    Rows are counted from `begin` on.
    """
    n_bad, first, is_allowed = 0, -1, (lambda values: ~np.isinf(values)) if gaps else np.isfinite
    for start in range(0, array.shape[0], _CHUNK):
        finite = is_allowed(array[start : start + _CHUNK])
        if not finite.all():
            if first < 0:
                first = start + int(np.argmin(finite.all(axis=1)))
            n_bad += finite.size - int(np.count_nonzero(finite))
    if not n_bad:
        return None
    column = int(np.argmin(is_allowed(array[first])))
    place = f"row {begin + first} (counted from 0)"
    if column_names is not None:
        place += f" of column {column_names[column]!r}"
    elif array.shape[1] > 1:
        place += f" of column {column}"
    return n_bad, place


def check_sample_weight(weights: Any, n_samples: int) -> NDArray[np.float64]:
    """Return `weights` as (N,) float64 in C order, (0,) for None; TypeError or ValueError otherwise."""
    if weights is None:
        return np.empty(0)
    array = as_numbers("sample_weight", weights)
    if array.shape != (n_samples,):
        raise ValueError(f"sample_weight must be of shape ({n_samples},), got {array.shape}")
    if not np.isfinite(array).all() or (array < 0.0).any():
        raise ValueError("sample_weight must be finite and not negative")
    if not array.any():
        raise ValueError("sample_weight must not be zero for every row")
    return array


def count_rows(rows: NDArray[Any], weights: NDArray[np.float64]) -> int:
    """Return how many of the rows count: all of them where `weights` is of length 0.

    A weight that vanishes beside the largest, such as 1e-320 beside 1e300, is none: a start may not take its row.
    """
    if not len(weights):
        return len(rows)
    shares = np.ldexp(weights, -math.frexp(float(weights.max()))[1]) / len(weights)
    return int(np.count_nonzero(shares))


def total_weight_of(n_samples: int, weights: NDArray[np.float64], largest: int = 0) -> float:
    """Return the number of rows, or the sum of their weights where there are any, checked."""
    if not len(weights):
        return float(n_samples)
    total_weight, rest = sum_of_blocks(weights)
    total_weight += float(rest.sum())
    check_total_weight(total_weight, largest)
    return total_weight


def check_total_weight(total_weight: float, largest: int) -> None:
    """Raise ValueError if there are more components, `largest`, than a criterion counts rows."""
    if total_weight < largest:
        raise ValueError(
            f"sample_weight must sum to at least the largest n_components, {largest}, because the sum counts as the "
            f"number of rows; got {total_weight:g}"
        )


def check_n_components(value: Any, n_counted: int) -> int:
    """Return `value` as an int from 1 to the number of rows that count; TypeError or ValueError otherwise."""
    n_components = check_integer("n_components", value, 1)
    if n_components > n_counted:
        raise ValueError(f"n_components must be at most the number of rows, {n_counted}, got {shown(n_components)}")
    return n_components


def check_labels(
    labels: NDArray[Any], n_samples: int, n_components: int, weights: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return `labels` as (N,) int64 in 0..K-1, with every component present, by weight where `weights` has rows."""
    if labels.shape != (n_samples,):
        raise ValueError(f"init labels must be of shape ({n_samples},), got {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"init labels must be integers, got dtype {labels.dtype}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= n_components:
        raise ValueError(f"init labels must lie in 0..{n_components - 1}, got values from {low} to {high}")
    # A copy, because a read-only or strided array would be a second signature to compile.
    labels = np.array(labels, np.int64, order="C")
    for n in (1 << 12, n_samples):  # the first have them all as a rule; to count 1e5 takes a fifth of a round
        counts = np.bincount(labels[:n], weights[:n] if len(weights) else None, minlength=n_components)
        if counts.all():
            return labels
    raise ValueError(f"init labels leave component {int(np.argmin(counts))} without rows; each needs one")


def check_responsibilities(
    values: NDArray[Any], n_samples: int, n_components: int, weights: NDArray[np.float64]
) -> NDArray[Any]:
    """Return `values` as an (N, K) array whose rows are probabilities, which give every component some weight."""
    if values.shape != (n_samples, n_components):
        raise ValueError(f"init responsibilities must be of shape ({n_samples}, {n_components}), got {values.shape}")
    if values.dtype.kind != "f":
        raise TypeError(f"init responsibilities must be floating-point, got dtype {values.dtype}")
    if not (values >= 0.0).all() or not np.allclose(values.sum(axis=1), 1.0, atol=1e-6):
        raise ValueError("init responsibilities must be non-negative, with rows that sum to 1 (to 1e-6)")
    sums = weights @ values if len(weights) else values.sum(axis=0)
    if not (sums > 0.0).all():
        raise ValueError("init responsibilities leave a component without rows; each needs one")
    return values
