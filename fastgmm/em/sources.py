"""What X is: the source of the rows that a fit is to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import distinct, shown
from ..rows.array import ArraySource
from ..rows.check import as_columns, as_rows, check_sample_weight
from ..rows.chunked.opening import chunks_of
from ..rows.chunked.source import ChunkedSource
from ..rows.dask.collection import collection_of, is_dask
from ..rows.dask.source import DaskSource
from ..rows.missing.options import allows_gaps, refuse_gaps_of
from ..rows.missing.source import MissingSource
from ..rows.source import Source, Watch
from ..rows.tables import collected, column_names_of, feature_names_of, listed, tabulated, with_columns


def source_of(
    X: Any,
    sample_weight: Any = None,
    *,
    columns: Sequence[str] | None = None,
    feature_names: tuple[str, ...] | None = None,
    n_threads: int | None = None,
    watch: Watch | None = None,
    missing: str = "error",
) -> Source:
    """Return the source of the rows of `X`, checked; of what names its columns, the `columns` or `feature_names`.

    Raises
    ------
    TypeError, ValueError, OSError
        If `X`, `sample_weight` or `columns` is not what it may be.
    """
    wanted = None if columns is None else check_columns(columns, feature_names)
    names = wanted or feature_names
    gaps = allows_gaps(missing)
    known: Any = {"columns": wanted, "feature_names": names, "n_threads": n_threads, "watch": watch, "gaps": gaps}
    source = source_outside(X, sample_weight, **known)
    if source is not None:
        return source
    if isinstance(sample_weight, str):
        X = tabulated(collected(X))
        rest, sample_weight = _without_weights(X, sample_weight)
        X = rest if wanted is None else X
    if wanted is not None:
        X = chosen(X, wanted)
    rows, names = as_rows(X, feature_names=names, gaps=gaps)
    return source_in_memory(rows, n_threads, check_sample_weight(sample_weight, len(rows)), watch, names, gaps)


def source_in_memory(
    rows: NDArray[Any],
    n_threads: int | None,
    weights: NDArray[np.float64],
    watch: Watch | None,
    names: tuple[str, ...] | None,
    gaps: bool,
) -> ArraySource:
    """Return the source of checked rows (N, D), in which values may be missing if `gaps`."""
    kind = MissingSource if gaps and np.isnan(rows).any() else ArraySource
    return kind(rows, n_threads, weights, watch, names)


def source_outside(
    X: Any,
    sample_weight: Any = None,
    *,
    columns: tuple[str, ...] | None = None,
    feature_names: tuple[str, ...] | None = None,
    n_threads: int | None = None,
    watch: Watch | None = None,
    gaps: bool = False,
) -> Source | None:
    """Return the source of rows that are not in memory, None where `X` is an array or becomes one."""
    if isinstance(X, np.ndarray):
        return None
    if is_dask(X):
        refuse_gaps_of(X, gaps)
        return DaskSource(collection_of(X, sample_weight, columns, feature_names), n_threads, watch)
    chunks = chunks_of(X, columns, feature_names, sample_weight)
    if chunks is None:
        return None
    refuse_gaps_of(X, gaps)
    return ChunkedSource(chunks, n_threads, watch)


def chosen(X: Any, columns: tuple[str, ...]) -> Any:
    """Return the `columns` of a table in memory; ValueError if it has no names, or not these."""
    X = tabulated(collected(X))
    if feature_names_of(column_names_of(X)) is None:
        raise ValueError(f"columns are chosen by their names, and X, {shown(type(X))}, has none")
    return with_columns(X, columns)


def _without_weights(X: Any, name: str) -> tuple[Any, Any]:
    """Return a table without its column of weights, and these (N,); ValueError if there is no such column."""
    names = column_names_of(X)
    if names is None or name not in names:
        its = "X has no names of columns" if names is None else f"the columns of X are {listed(names)}"
        raise ValueError(f"sample_weight must be weights or the name of a column, got {name!r}; {its}")
    weights = as_columns(X, (name,))[0][:, 0]
    return with_columns(X, tuple(each for each in names if each != name)), weights


def check_columns(columns: Any, feature_names: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return names of columns, each once; ValueError if others than those of the mixture that is started from."""
    names = tuple(distinct("columns", columns, _check_name))
    if feature_names is not None and names != feature_names:
        raise ValueError(f"columns must be those of the mixture in init, {list(feature_names)}, got {list(names)}")
    return names


def _check_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"columns must be names, got {shown(name)}")
    return name
