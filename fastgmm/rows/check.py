"""The checks of rows and of what goes with them: weights, labels, responsibilities.

Errors are one sentence: what was given, what is allowed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import as_numbers, check_integer

# Rows looked at together when searching for NaN: keeps the temporary mask in cache.
_CHUNK = 1 << 16


def as_rows(X: Any, *, n_features: int | None = None) -> NDArray[Any]:
    """Return `X` as an (N, D) array of finite float32 or float64, copying only where the dtype asks for it.

    A one-dimensional array is N samples of one feature. Anything `np.asarray` understands goes, pandas and
    Arrow tables included; the memory layout is left as it is. Other real dtypes become float64.

    Raises
    ------
    TypeError
        If the values are not real numbers.
    ValueError
        If the shape is wrong, there are no rows or columns, or values are missing or not finite.
    """
    array = X if isinstance(X, np.ndarray) else _as_array(X)
    if np.ma.isMaskedArray(array):
        if np.ma.is_masked(array):
            raise ValueError("X is a masked array with masked values; drop or impute these rows first")
        array = array.data
    array = as_float(array)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2:
        raise ValueError(f"X must be of shape (n_samples, n_features) or (n_samples,), got {array.ndim} dimensions")
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise ValueError(f"X must have at least one row and one column, got shape {array.shape}")
    if n_features is not None and array.shape[1] != n_features:
        raise ValueError(f"X has {array.shape[1]} features, but the model has {n_features}")
    _check_finite(array)
    return array


def _as_array(X: Any) -> NDArray[Any]:
    if hasattr(X, "toarray"):
        raise TypeError(f"X must be a dense array, got a sparse {type(X).__name__}; convert it by .toarray()")
    try:
        return np.asarray(X)
    except (ValueError, TypeError) as error:
        raise ValueError(f"X must be a rectangular array of numbers: {error}") from None


def as_float(array: NDArray[Any]) -> NDArray[Any]:
    """Return `array` as float32 or float64; TypeError or ValueError if its values are not real numbers."""
    if array.dtype in (np.float32, np.float64):
        return np.asarray(array)
    if array.dtype.kind == "c":
        raise ValueError("X must be real, got complex numbers")
    if array.dtype.kind not in "biufO":
        raise TypeError(f"X must hold numbers, got dtype {array.dtype}")
    try:
        # float32 and float64 of the other byte order keep their precision.
        return array.astype(np.float32 if array.dtype == np.dtype(">f4") else np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise TypeError(f"X must hold numbers only: {error}") from None


def is_finite(array: NDArray[Any]) -> bool:
    """Whether no value is NaN or infinite; a chunk at a time."""
    return all(bool(np.isfinite(array[a : a + _CHUNK]).all()) for a in range(0, len(array), _CHUNK))


def _check_finite(array: NDArray[Any]) -> None:
    n_bad, first = 0, -1
    for start in range(0, array.shape[0], _CHUNK):
        finite = np.isfinite(array[start : start + _CHUNK])
        if not finite.all():
            if first < 0:
                first = start + int(np.argmin(finite.all(axis=1)))
            n_bad += finite.size - int(np.count_nonzero(finite))
    if n_bad:
        raise ValueError(
            f"X has {n_bad} NaN or infinite value{'s' if n_bad > 1 else ''}, the first in row {first} "
            "(counted from 0); drop or impute these rows first"
        )


def feature_names_of(X: Any) -> tuple[str, ...] | None:
    """Column names of a pandas, polars or Arrow table, if all are strings; else None."""
    names = column_names_of(X)
    return names if names and all(isinstance(name, str) for name in names) else None


def column_names_of(X: Any) -> tuple[Any, ...] | None:
    """Column names of a pandas, polars or Arrow table, whatever they are; None for anything else."""
    names = getattr(X, "column_names", None)
    if names is None:
        names = getattr(X, "columns", None)
    return None if names is None or callable(names) else tuple(names)


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


def check_n_components(value: Any, n_counted: int) -> int:
    """Return `value` as an int from 1 to the number of rows that count; TypeError or ValueError otherwise."""
    n_components = check_integer("n_components", value, 1)
    if n_components > n_counted:
        raise ValueError(f"n_components must be at most the number of rows, {n_counted}, got {n_components}")
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
    counts = np.bincount(labels, weights if len(weights) else None, minlength=n_components)
    if (counts == 0).any():
        raise ValueError(f"init labels leave component {int(np.argmin(counts))} without rows; each needs one")
    return labels


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
