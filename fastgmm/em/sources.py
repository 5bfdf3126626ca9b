"""What X is: the source of the rows that a fit is to."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rows.array import ArraySource
from ..rows.check import as_rows, check_sample_weight
from ..rows.chunked.opening import chunks_of
from ..rows.chunked.source import ChunkedSource
from ..rows.source import Source, Watch


def source_of(
    X: Any,
    *,
    columns: tuple[str, ...] | None = None,
    feature_names: tuple[str, ...] | None = None,
    sample_weight: Any = None,
    n_threads: int | None = None,
    watch: Watch | None = None,
) -> Source:
    """Return the source of the rows of `X`, checked; of what names its columns, the `columns` or `feature_names`.

    Raises
    ------
    TypeError, ValueError, OSError
        If `X`, `columns` or `sample_weight` is not what it may be.
    """
    source = source_outside(
        X, sample_weight, columns=columns, feature_names=feature_names, n_threads=n_threads, watch=watch
    )
    if source is not None:
        return source
    rows, names = as_rows(X, feature_names=columns or feature_names)
    return ArraySource(rows, n_threads, check_sample_weight(sample_weight, len(rows)), watch, names)


def source_outside(
    X: Any,
    sample_weight: Any = None,
    *,
    columns: tuple[str, ...] | None = None,
    feature_names: tuple[str, ...] | None = None,
    n_threads: int | None = None,
    watch: Watch | None = None,
) -> Source | None:
    """Return the source of rows that are not in memory, None where `X` is an array or becomes one."""
    if isinstance(X, np.ndarray):
        return None
    chunks = chunks_of(X, columns, feature_names, sample_weight)
    return None if chunks is None else ChunkedSource(chunks, n_threads, watch)
