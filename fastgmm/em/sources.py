"""What X is: the source of the rows that a fit is to."""

from __future__ import annotations

from typing import Any

from ..rows.array import ArraySource
from ..rows.check import as_rows, check_sample_weight
from ..rows.source import Source, Watch


def source_of(
    X: Any,
    *,
    feature_names: tuple[str, ...] | None = None,
    sample_weight: Any = None,
    n_threads: int | None = None,
    watch: Watch | None = None,
) -> Source:
    """Return the source of the rows of `X`, checked; of a table with names the columns `feature_names`.

    Raises
    ------
    TypeError, ValueError
        If `X` or `sample_weight` is not what it may be.
    """
    source = source_outside(X)
    if source is not None:
        return source
    rows, names = as_rows(X, feature_names=feature_names)
    return ArraySource(rows, n_threads, check_sample_weight(sample_weight, len(rows)), watch, names)


def source_outside(X: Any) -> Source | None:
    """Return the source of rows that are not in memory, None where `X` is an array or becomes one."""
    return None
