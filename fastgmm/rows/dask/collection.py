"""What a user passes of Dask: the rows and weights of an array, a frame or a series, and what is in its columns."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np

from ..._checks import shown
from .. import tables
from ..check import as_columns


class Collection(NamedTuple):
    """Partitions of rows, and of their weights if there are any, as Delayed, and what is in them."""

    blocks: list[Any]
    weights: list[Any] | None
    n_features: int
    dtype: Any
    names: tuple[str, ...] | None


def is_dask(X: Any) -> bool:
    """Whether `X` is a collection of Dask, whatever its kind: who has one has imported Dask."""
    dask = None if isinstance(X, np.ndarray) else sys.modules.get("dask")
    return dask is not None and bool(dask.is_dask_collection(X))


def is_array(X: Any) -> bool:
    """Whether a collection of Dask is an array; else it is a frame or a series."""
    return hasattr(type(X), "rechunk")


def collection_of(
    X: Any, sample_weight: Any, columns: tuple[str, ...] | None, feature_names: tuple[str, ...] | None
) -> Collection:
    """Return what there is to know of the array, frame or series `X` of Dask without computing it.

    Of a frame with names the `columns` or, without these, the `feature_names` are taken. `sample_weight` is the name
    of a column, which is no feature unless it is asked for, or an array or series of Dask.

    Raises
    ------
    TypeError, ValueError
        If `X` or `sample_weight` is not what it may be.
    """
    wanted = columns or feature_names
    if isinstance(sample_weight, str):
        weights = _column(X, sample_weight)
        X = X if wanted else X[[name for name in X.columns if name != sample_weight]]
        sample_weight = weights
    X = rows_of(X, wanted)
    if columns is not None and is_array(X):
        raise ValueError("columns are chosen by their names, and X, a Dask array, has none")
    blocks = _blocks(X)
    weights = None if sample_weight is None else _weight_blocks(sample_weight, len(blocks))
    dtype, n_features = columns_of(X)
    names = None if is_array(X) else tables.feature_names_of(tables.column_names_of(X))
    return Collection(blocks, weights, n_features, dtype, names or feature_names)


def rows_of(X: Any, feature_names: tuple[str, ...] | None) -> Any:
    """Return `X` with rows that are in one piece, and, of a frame with names, the columns `feature_names`.

    Raises
    ------
    TypeError, ValueError
        If `X` is neither array, frame nor series, has no rows and columns, or columns that are not numeric.
    """
    if is_array(X):
        if X.ndim not in (1, 2):
            raise ValueError(f"X must be of shape (n_samples, n_features) or (n_samples,), got {X.ndim} dimensions")
        return X if X.ndim == 1 or X.numblocks[1] == 1 else X.rechunk({1: -1})
    if not hasattr(type(X), "map_partitions") or not hasattr(X, "dtypes"):
        raise TypeError(f"X must be a Dask array, frame or series, got {type(X).__name__}")
    X = tables.tabulated(X)
    return X if feature_names is None else tables.with_columns(X, feature_names)


def columns_of(X: Any) -> tuple[Any, int]:
    """Return the dtype that rows are computed in and the number of features; see `rows_of` for what is raised."""
    if is_array(X):
        wrong = [] if X.dtype.kind != "O" else [f"dtype {X.dtype}"]
        meta: Any = np.empty((0, *X.shape[1:]), X.dtype)
    else:
        names, dtypes = tables.column_names_of(X), np.ravel(np.array(X._meta.dtypes, dtype=object))
        wrong = [
            f"{name!r} ({dtype})"
            for name, dtype in zip(names or (X.name,), dtypes, strict=True)
            if not _is_real(dtype)
        ]
        meta = X._meta
    if wrong:
        raise TypeError(
            f"X must have numeric columns only, got {'; '.join(wrong[:20])}; leave these out or convert them"
        )
    meta, _ = as_columns(meta)
    if not meta.shape[1]:
        raise ValueError("X must have at least one column, got none")
    return meta.dtype, meta.shape[1]


def _is_real(dtype: Any) -> bool:
    return getattr(dtype, "kind", "O") in "biuf"


def _column(X: Any, name: str) -> Any:
    """Return the column `name` of a frame."""
    names = None if is_array(X) else tables.column_names_of(X)
    if names is None or names.count(name) != 1:
        has = "X has no names of columns" if names is None else f"the columns of X are {tables.listed(names)}"
        raise ValueError(f"sample_weight must be one column of X, got {shown(name)}; {has}")
    return X[name]


def _blocks(X: Any) -> list[Any]:
    """Return partitions, in their order, as Delayed."""
    return list(np.ravel(np.array(X.to_delayed(), dtype=object)))


def _weight_blocks(sample_weight: Any, n_partitions: int) -> list[Any]:
    if not is_dask(sample_weight) or not hasattr(type(sample_weight), "to_delayed"):
        raise TypeError(
            "sample_weight must be a Dask array or series with the partitions of X, or the name of a column, got "
            f"{type(sample_weight).__name__}"
        )
    blocks = _blocks(sample_weight)
    if len(blocks) != n_partitions:
        raise ValueError(
            f"sample_weight has {len(blocks)} partitions and X has {n_partitions}; give it those of X by rechunk or "
            "repartition"
        )
    return blocks
