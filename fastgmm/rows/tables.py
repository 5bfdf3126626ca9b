"""Tables of pandas, polars and Arrow: the names of their columns, columns by name, values as an array.

None of these libraries is imported: what a table can do its class tells, and not the table, because an attribute of a
pandas frame may be a column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import NotNumbersError, floats_of, shown

_MOST_LISTED = 20  # names in an error message


def tabulated(X: Any) -> Any:
    """Return `X`; a series of pandas or polars whose name is a string as a table of one column."""
    kind = type(X)
    is_named = hasattr(kind, "to_frame") and isinstance(getattr(X, "name", None), str) and X.name
    return X.to_frame() if is_named else X


def collected(X: Any) -> Any:
    """Return `X`; of a lazy frame of polars what it comes to."""
    kind = type(X)
    return X.collect() if hasattr(kind, "collect_schema") and hasattr(kind, "collect") else X


def column_names_of(X: Any) -> tuple[Any, ...] | None:
    """Column names of a pandas, polars or Arrow table, whatever they are; None for anything else."""
    kind = type(X)
    # Arrow first, whose `columns` are values.
    names = X.column_names if hasattr(kind, "column_names") else X.columns if hasattr(kind, "columns") else None
    return None if names is None or callable(names) else tuple(names)


def feature_names_of(names: tuple[Any, ...] | None) -> tuple[str, ...] | None:
    """Return column names if all are strings, None if none is; TypeError, in scikit-learn's words, if some are."""
    are_strings = [isinstance(name, str) for name in names or ()]
    if not any(are_strings):
        return None
    if not all(are_strings):
        kinds = sorted({type(name).__name__ for name in names or ()})
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your input has "
            f"{kinds} as feature name / column name types. If you want feature names to be stored and validated, you "
            "must convert them all to strings, by using X.columns = X.columns.astype(str) for example. Otherwise "
            "you can remove feature / column names from your input data, or convert them all to a non-string data "
            "type."
        )
    return names


def with_columns(X: Any, wanted: tuple[str, ...]) -> Any:
    """Return the columns `wanted` of a table, in this order; anything without names of strings as it is.

    Raises
    ------
    ValueError
        If columns are missing, or occur more than once and are not just those that are wanted.
    """
    names = column_names_of(X)
    if names is None or names == wanted or not any(isinstance(name, str) for name in names):
        return X
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(
            f"X lacks the column{'s' if len(missing) > 1 else ''} {listed(missing)}; its columns are {listed(names)}"
        )
    twice = next((name for name in wanted if names.count(name) > 1 or wanted.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"X cannot be matched by name, because more than one column is named {twice!r}")
    # Not by polars' `select`, to which a name may be a pattern.
    return X.select(list(wanted)) if hasattr(type(X), "column_names") else X[list(wanted)]


def listed(names: Sequence[Any]) -> str:
    """Return names as a message lists them, a long list cut."""
    some = ", ".join(map(repr, names[:_MOST_LISTED]))
    return some if len(names) <= _MOST_LISTED else f"{some} and {len(names) - _MOST_LISTED} more"


def as_array(X: Any) -> NDArray[Any]:
    """Return what is not an array as one, of numbers if it is a table; in a table what is missing is NaN.

    Raises
    ------
    TypeError
        If it is sparse, or a table with columns that are not numeric.
    ValueError
        If it is not rectangular.
    """
    if hasattr(type(X), "toarray"):
        raise TypeError(f"X must be a dense array, got a sparse {type(X).__name__}; convert it by .toarray()")
    columns = _columns_of(X)
    if columns is None:
        try:
            return _values(X)
        except (ValueError, TypeError) as error:
            raise ValueError(f"X must be a rectangular array of numbers: {error}") from None
    arrays, wrong = [], []
    for name, column in zip(column_names_of(X) or (), columns, strict=True):
        try:
            arrays.append(_numbers(column))
        except NotNumbersError as error:
            wrong.append(f"{name!r} ({shown(error.value)} in row {error.index[0]})")
        except Exception as error:  # of the library's own kind, where NumPy has nothing like its column
            wrong.append(f"{name!r} ({error})")
    if wrong:
        some = "; ".join(wrong[:_MOST_LISTED]) + (" and more" if len(wrong) > _MOST_LISTED else "")
        raise TypeError(
            f"X must have numeric columns only, got {some}; leave these out or make numbers of them (rows are "
            "counted from 0)"
        )
    if not arrays:
        return np.empty((len(X), 0))
    # `np.column_stack` takes four times as long.
    values = np.empty((len(arrays[0]), len(arrays)), np.result_type(*(array.dtype for array in arrays)))
    for position, array in enumerate(arrays):
        values[:, position] = array
    return values


def _columns_of(X: Any) -> Iterable[Any] | None:
    """Return the columns of a table that NumPy should not be left to convert as a whole; None for anything else."""
    kind = type(X)
    if hasattr(kind, "column_names"):  # Arrow
        return list(X.columns)
    if hasattr(kind, "get_columns"):  # polars
        return list(X.get_columns())
    # pandas; a frame of NumPy's numbers is an array already, or becomes one as a whole; truth values make it objects.
    if hasattr(kind, "iloc") and hasattr(kind, "columns"):
        if all(isinstance(dtype, np.dtype) and dtype.kind in "iuf" for dtype in X.dtypes):
            return None
        return [X.iloc[:, position] for position in range(len(X.columns))]
    return None


def _values(column: Any) -> NDArray[Any]:
    """Return values as an array; integers of which some are missing as floating-point numbers."""
    array = np.asarray(column)
    # Of Arrow's dictionaries NumPy gets any number where there is none.
    if array.dtype.kind in "biu" and hasattr(type(column), "is_null"):
        missing = np.asarray(column.is_null())
        if missing.any():
            array = np.where(missing, np.nan, array)
    return array


def _numbers(column: Any) -> NDArray[Any]:
    """Return a column (N,) as an array of numbers, missing ones NaN; NotNumbersError if it has others."""
    array = _values(column)
    if array.ndim != 1:
        raise TypeError(f"several values in each row, {array.shape[1]}")
    if array.dtype.kind in "biuf":
        return array
    if array.dtype.kind in "mM" and len(array):  # as objects those of nanoseconds would be integers
        raise NotNumbersError(int(np.argmin(np.isnat(array))), array)
    return floats_of(array.astype(object))
