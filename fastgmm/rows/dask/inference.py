"""What given parameters say about the rows of a Dask collection, when it is asked for."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._checks import own_error_state
from ...model.parameters import Parameters
from ..evaluate import evaluate_rows
from .collection import columns_of, is_array, rows_of
from .parts import rows_of_block


def evaluated(X: Any, parameters: Parameters, feature_names: tuple[str, ...] | None, wanted: str) -> Any:
    """Return an output of `evaluate_rows` for the rows of `X`, lazily and in the same partitions.

    Of an array it is an array; of a frame or series a series with its index, of what has K columns a frame.

    Raises
    ------
    TypeError, ValueError
        If `X` is nothing that rows can be taken from, or has other columns; what is wrong with values is raised when
        they are computed.
    """
    X = rows_of(X, feature_names)
    dtype, n_features = columns_of(X)
    if n_features != parameters.n_features:
        raise ValueError(f"X has {n_features} features, but the model has {parameters.n_features}")
    task = functools.partial(evaluate_block, parameters=parameters, dtype=dtype, wanted=wanted)
    has_columns = wanted in ("responsibilities", "component_log_density")
    shape = (0, parameters.n_components) if has_columns else (0,)
    nothing = np.empty(shape, np.int64 if wanted == "labels" else dtype)
    if not is_array(X):
        return X.map_partitions(task, meta=_indexed(nothing, X._meta))
    chunks = (X.chunks[0], *((k,) for k in shape[1:]))
    axes: dict[str, Any] = {"drop_axis": 1} if X.ndim > len(shape) else {}
    if X.ndim < len(shape):
        axes = {"new_axis": 1}
    return X.map_blocks(task, meta=nothing, dtype=nothing.dtype, chunks=chunks, token=f"fastgmm-{wanted}", **axes)


@own_error_state
def evaluate_block(block: Any, parameters: Parameters, dtype: Any, wanted: str) -> Any:
    """Return an output for the rows of a partition."""
    try:
        rows = rows_of_block(block, parameters.n_features, dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a partition of X: {error}") from None
    return _indexed(evaluate_rows(rows, parameters, 1, wanted), block)


def _indexed(values: NDArray[Any], like: Any) -> Any:
    """Return values of rows with the index of `like`, where that is a frame or a series."""
    if not hasattr(type(like), "iloc"):
        return values
    import pandas

    return (pandas.Series if values.ndim == 1 else pandas.DataFrame)(values, index=like.index)
