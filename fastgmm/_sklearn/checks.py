"""The estimator's checks of what a user passes, in scikit-learn's words; see ``_scikit.py`` for its classes."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _checks
from .classes import InvalidParameterError, scikit_class


def _interval(kind: Any, low: Any, text: str) -> tuple[Callable[[Any], object], str]:
    return lambda value: isinstance(value, kind) and low <= value < math.inf, f"{text} in the range [{low}, inf)"


def _choice(*options: str) -> tuple[Callable[[Any], object], str]:
    listed = ", ".join(repr(option) for option in options)
    return lambda value: isinstance(value, str) and value in options, f"a str among {{{listed}}}"


def _is_array_like(value: Any) -> bool:
    return value is None or (
        (hasattr(value, "__len__") or hasattr(value, "__array__")) and not isinstance(value, str)
    )


def _is_seed(value: Any) -> bool:
    if isinstance(value, numbers.Integral):
        return 0 <= int(value) < 2**32
    return value is None or isinstance(value, np.random.RandomState | np.random.Generator | np.random.SeedSequence)


_ARRAY_LIKE = (_is_array_like, "an array-like or None")
_COUNT = _interval(numbers.Integral, 1, "an int")
_BOOLEAN = (lambda value: isinstance(value, bool | np.bool_), "an instance of 'bool' or an instance of 'numpy.bool'")
CONSTRAINTS: Mapping[str, tuple[Callable[[Any], object], str]] = {
    "n_components": _COUNT,
    "covariance_type": _choice("full", "tied", "diag", "spherical"),
    "tol": _interval(numbers.Real, 0.0, "a float"),
    "reg_covar": _interval(numbers.Real, 0.0, "a float"),
    "max_iter": _interval(numbers.Integral, 0, "an int"),
    "n_init": _COUNT,
    "init_params": _choice("kmeans", "k-means++", "random", "random_from_data"),
    "weights_init": _ARRAY_LIKE,
    "means_init": _ARRAY_LIKE,
    "precisions_init": _ARRAY_LIKE,
    "random_state": (
        _is_seed,
        "an int in the range [0, 4294967295], an instance of 'numpy.random.mtrand.RandomState', a NumPy Generator, "
        "a SeedSequence or None",
    ),
    "warm_start": _BOOLEAN,
    "verbose": (
        lambda value: isinstance(value, np.bool_ | numbers.Integral) and int(value) >= 0,
        "an int in the range [0, inf), an instance of 'bool' or an instance of 'numpy.bool'",
    ),
    "verbose_interval": _COUNT,
    "n_threads": (
        lambda value: value is None or (isinstance(value, numbers.Integral) and int(value) >= 1),
        "an int in the range [1, inf) or None",
    ),
}


def check_constructor_arguments(estimator: Any) -> None:
    """Raise `InvalidParameterError` for the first constructor argument that is not what it may be."""
    for name, value in estimator.get_params(deep=False).items():
        allowed, description = CONSTRAINTS[name]
        if not allowed(value):
            raise scikit_class(InvalidParameterError)(
                f"The {name!r} parameter of {type(estimator).__name__} must be {description}. Got {value!r} instead."
            )


def as_rows(X: Any, name: str, min_samples: int) -> NDArray[Any]:
    """Return `X` as an (N, D) array of finite float32 or float64; errors speak of the estimator `name`."""
    if hasattr(X, "toarray"):
        raise TypeError(
            "Sparse data was passed for X, but dense data is required. Use '.toarray()' to convert to a dense numpy "
            "array."
        )
    if np.ma.is_masked(X):
        raise ValueError("Input X is a masked array with masked values; drop or impute these rows first.")
    array = np.asarray(X)
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
    for length, least, what in ((array.shape[0], min_samples, "sample(s)"), (array.shape[1], 1, "feature(s)")):
        if length < least:
            raise ValueError(
                f"Found array with {length} {what} (shape={array.shape}) while a minimum of {least} is required by "
                f"{name}."
            )
    if array.dtype.kind in "US":
        raise ValueError(
            "dtype='numeric' is not compatible with arrays of bytes/strings. Convert your data to numeric values "
            "explicitly instead."
        )
    rows = _checks.as_float(array)
    if not _checks.is_finite(rows):
        problem = "NaN" if np.isnan(rows).any() else f"infinity or a value too large for {rows.dtype!r}"
        raise ValueError(f"Input X contains {problem}.")
    return rows


def feature_names(X: Any) -> NDArray[Any] | None:
    """Return the column names of a table, (D,), if all are strings; None without names or strings among them."""
    names = _checks.column_names_of(X)
    kinds = sorted({type(name).__name__ for name in names or ()})
    if "str" not in kinds:
        return None
    if len(kinds) > 1:
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your input has "
            f"{kinds} as feature name / column name types. If you want feature names to be stored and validated, you "
            "must convert them all to strings, by using X.columns = X.columns.astype(str) for example. Otherwise "
            "you can remove feature / column names from your input data, or convert them all to a non-string data "
            "type."
        )
    return np.array(names, dtype=object)


def check_feature_names(estimator: Any, names: NDArray[Any] | None) -> None:
    """Warn if either side has no names, and raise if they differ."""
    fitted = getattr(estimator, "feature_names_in_", None)
    name = type(estimator).__name__
    if fitted is None or names is None:
        if fitted is not None:
            warnings.warn(
                f"X does not have valid feature names, but {name} was fitted with feature names", stacklevel=4
            )
        elif names is not None:
            warnings.warn(f"X has feature names, but {name} was fitted without feature names", stacklevel=4)
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


def check_initial(name: str, values: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return initial parameters as a float64 array of `shape`."""
    array = np.array(values, dtype=np.float64, order="C")
    if array.shape != shape:
        raise ValueError(f"The parameter '{name}' should have the shape of {shape}, but got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"The parameter '{name}' should be finite, but has NaN or infinite values")
    return array


def check_weights_init(values: Any, n_components: int) -> NDArray[np.float64]:
    """Return initial weights, (K,), that are probabilities."""
    weights = check_initial("weights", values, (n_components,))
    if (weights < 0.0).any() or (weights > 1.0).any():
        raise ValueError(
            "The parameter 'weights' should be in the range [0, 1], but got max value "
            f"{weights.min():.5f}, min value {weights.max():.5f}"
        )
    single = getattr(values, "dtype", None) == np.float32
    if abs(1.0 - weights.sum()) > (1e-6 if single else 1e-8):
        raise ValueError(f"The parameter 'weights' should be normalized, but got sum(weights) = {weights.sum():.5f}")
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


def covariances_of(values: Any, covariance_type: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the covariances whose inverses are the initial precisions `values`."""
    precisions = check_initial(f"{covariance_type} precision", values, shape)
    if covariance_type in ("diag", "spherical"):
        if (precisions <= 0.0).any():
            raise ValueError(f"'{covariance_type} precision' should be positive")
        return np.asarray(1.0 / precisions)
    symmetric = np.allclose(precisions, np.swapaxes(precisions, -1, -2))
    if not symmetric or not (np.linalg.eigvalsh(precisions) > 0.0).all():
        raise ValueError(f"'{covariance_type} precision' should be symmetric, positive-definite")
    covariances = np.linalg.inv(precisions)
    return np.asarray(0.5 * (covariances + np.swapaxes(covariances, -1, -2)))
