"""The estimator's checks of rows and their column names, in scikit-learn's words."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..rows import tables
from ..rows.check import as_float, first_fault
from ..rows.missing.options import MARGINAL


def as_rows(X: Any, name: str, min_samples: int, gaps: bool | None = None) -> NDArray[Any]:
    """Return `X` as an (N, D) array of finite float32 or float64, or with NaN if `gaps`, for the estimator `name`.

    `gaps` is None where an estimator has no say in it.
    """
    if hasattr(type(X), "toarray"):
        raise TypeError(
            "Sparse data was passed for X, but dense data is required. Use '.toarray()' to convert to a dense numpy "
            "array."
        )
    if np.ma.is_masked(X):
        way_out = "" if gaps is None else f" missing={MARGINAL!r} allows X.astype(float).filled(numpy.nan)."
        raise ValueError(f"Input X is a masked array with masked values; drop or impute these rows first.{way_out}")
    array = np.asarray(X) if isinstance(X, np.ndarray) else tables.as_array(X)
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{array}\n")
    if array.ndim < 2:
        kind = "scalar" if array.ndim == 0 else "1D"
        raise ValueError(
            f"Expected 2D array, got {kind} array instead:\narray={array}.\nReshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it contains a single "
            "sample."
        )
    if array.ndim > 2:
        raise ValueError(f"Found array with dim {array.ndim}, while dim <= 2 is required by {name}.")
    check_shape(array.shape, name, min_samples)
    if array.dtype.kind in "US":
        raise ValueError(
            "dtype='numeric' is not compatible with arrays of bytes/strings. Convert your data to numeric values "
            "explicitly instead."
        )
    try:
        rows = as_float(array)
    except TypeError as error:  # scikit-learn looks for these words
        raise TypeError(f"{error}: an argument must be neither string nor object, but a number") from None
    fault = first_fault(rows, tables.column_names_of(X), gaps=gaps)
    if fault:
        problem = "NaN" if not gaps and np.isnan(rows).any() else f"infinity or a value too large for {rows.dtype!r}"
        way_out = f" missing={MARGINAL!r} allows missing values." if gaps is False and "NaN" in problem else ""
        raise ValueError(f"Input X contains {problem}. The first value that is not finite is in {fault[1]}.{way_out}")
    return rows


def check_shape(shape: tuple[int, ...], name: str, min_samples: int) -> None:
    """Raise ValueError where (N, D) rows are fewer than `min_samples`, or have no features."""
    for length, least, what in ((shape[0], min_samples, "sample(s)"), (shape[1], 1, "feature(s)")):
        if length < least:
            raise ValueError(
                f"Found array with {length} {what} (shape={shape}) while a minimum of {least} is required by {name}."
            )


def feature_names(X: Any) -> NDArray[Any] | None:
    """Return the column names of a table, (D,), if they are strings; see `tables.feature_names_of`."""
    names = tables.feature_names_of(tables.column_names_of(X))
    return None if names is None else np.array(names, dtype=object)


def check_feature_names(estimator: Any, names: NDArray[Any] | None) -> None:
    """Warn if either side has no names, and raise if they differ."""
    fitted = getattr(estimator, "feature_names_in_", None)
    name = type(estimator).__name__
    if fitted is None or names is None:
        if fitted is not None:
            warnings.warn(
                f"X does not have valid feature names, but {name} was fitted with feature names", stacklevel=5
            )
        elif names is not None:
            warnings.warn(f"X has feature names, but {name} was fitted without feature names", stacklevel=5)
        return
    if list(fitted) == list(names):
        return
    message = "The feature names should match those that were passed during fit.\n"
    unseen, missing = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))
    for title, listed in (
        ("Feature names unseen at fit time:", unseen),
        ("Feature names seen at fit time, yet now missing:", missing),
    ):
        if listed:
            shown = [f"- {each}\n" for each in listed[:5]] + (["- ...\n"] if len(listed) > 5 else [])
            message += f"{title}\n{''.join(shown)}"
    if not unseen and not missing:
        message += "Feature names must be in the same order as they were in fit.\n"
    raise ValueError(message)
