"""What X is chunks, and of which kind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from ..._checks import shown
from .chunks import Chunks, Part, Reading
from .datasets import dataset_of, names_to_read, reading_of

# What tells that an object is an array or a table in memory, or becomes one.
_IN_MEMORY = ("__array__", "column_names", "get_columns", "iloc", "collect_schema", "to_frame", "toarray")


def chunks_of(
    X: Any, columns: tuple[str, ...] | None, feature_names: tuple[str, ...] | None, weights: Any
) -> Chunks | None:
    """Return the chunks that `X` is, None where it is an array or a table, or becomes one.

    Chunks are a path of files, a `pyarrow.dataset.Dataset`, a function that returns an iterable of two-dimensional
    arrays or tables, or such an iterable itself, if it can be read again. `weights` is the name of a column.

    Raises
    ------
    TypeError
        If `X` can be read only once, or `weights` are no name.
    OSError, ValueError
        If there are no such files or columns.
    """
    kind = type(X)
    if any(hasattr(kind, name) for name in _IN_MEMORY):
        return None
    if isinstance(X, str | os.PathLike):
        return _chunks_of_dataset(dataset_of(X), str(X), columns or feature_names, weights, alike=True)
    if hasattr(kind, "get_fragments"):
        # Its schema says what files of several dtypes are to be.
        return _chunks_of_dataset(X, "the dataset", columns or feature_names, weights, alike=False)
    if hasattr(kind, "__next__"):
        raise TypeError(
            f"X is {shown(X)}, which can be read only once, and a fit reads its rows in each round; pass a function "
            "that makes a new one, or give the chunks to GaussianMixture.partial_fit one by one"
        )
    if not callable(X) and not _is_iterable_of_chunks(X):
        return None
    _check_weights(weights)
    return Chunks(_parts_of(X if callable(X) else lambda: X), columns, feature_names, weights)


def _chunks_of_dataset(
    dataset: Any, origin: str, columns: tuple[str, ...] | None, weights: Any, *, alike: bool
) -> Chunks:
    _check_weights(weights)
    names = names_to_read(dataset, origin, columns, weights)
    return Chunks(reading_of(dataset, origin, names, weights, alike=alike), names, None, weights)


def _check_weights(weights: Any) -> None:
    if weights is not None and not isinstance(weights, str):
        raise TypeError(f"sample_weight of chunks must be the name of a column, got {shown(type(weights))}")


def _is_iterable_of_chunks(X: Any) -> bool:
    """Whether the first of what an object holds is two-dimensional; in a list of lists it is not."""
    kind = type(X)
    can_be_iterated = hasattr(kind, "__iter__") or hasattr(kind, "__getitem__")
    return can_be_iterated and is_two_dimensional(next(iter(X), None))


def is_two_dimensional(item: Any) -> bool:
    """Whether `item` is an array or a table of rows and columns."""
    return len(getattr(item, "shape", ())) == 2


def _parts_of(make: Callable[[], Any]) -> Reading:
    """Return what reads the chunks of the iterable that `make` returns, in each pass anew."""

    def read() -> Iterator[Part]:
        made = make()
        if is_two_dimensional(made):
            raise TypeError(
                f"X is a function that returned rows, {shown(type(made))}, and must return an iterable of chunks: of "
                "these rows return a list, [X]"
            )
        lasting = isinstance(made, list | tuple)
        try:
            items = iter(made)
        except TypeError:
            raise TypeError(f"X is a function, which must return an iterable of chunks, got {shown(made)}") from None
        try:
            for number, item in enumerate(items):
                if not is_two_dimensional(item):
                    raise TypeError(
                        f"chunk {number} must be an array or a table of rows and columns, got {shown(item)}"
                    )
                yield Part(item, f"chunk {number} (counted from 0)", 0, lasting)
        finally:
            # However the pass ends: the traceback of an error would hold it, and so the files that it has opened.
            if hasattr(items, "close"):
                items.close()

    return read
