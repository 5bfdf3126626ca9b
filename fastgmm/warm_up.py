"""`warmup`: everything is compiled before a measurement, or before somebody waits for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ._checks import check_choice, distinct, shown
from .api import fit
from .model.structures import STRUCTURES


def warmup(structures: str | Iterable[str] = "full", dtypes: DTypeLike | Iterable[DTypeLike] = np.float64) -> None:
    """Compile what fits and predictions run, or load it from the cache: for D = 2 and for general D.

    Both the serial and the parallel drivers, so that a later measurement meets no compiler.

    Parameters
    ----------
    structures : str or iterable of str
        Covariance structures, see `fit`.
    dtypes : dtype or iterable of dtypes
        float64, float32 or both.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it may be.
    """
    allowed = tuple(STRUCTURES)
    names = distinct("structures", structures, lambda name: check_choice("structures", name, allowed))
    for dtype in distinct("dtypes", dtypes, _check_dtype):
        for n_features in (2, 4):
            # Enough rows for every launch, those of k-means included, to run in parallel; then few enough for none.
            X = np.random.default_rng(0).normal(size=(100_000, n_features)).astype(dtype)
            for name in names:
                mixture = fit(X, 2, covariance_type=name, max_iter=1).mixture
                fit(X[:100], 2, covariance_type=name, max_iter=1)
                mixture.predict(X)
                mixture.predict(X[:100])


def _check_dtype(value: Any) -> str:
    """Return the name of the dtype `value`; ValueError if fits are not computed in it."""
    try:
        name = "" if value is None else np.dtype(value).name
    except TypeError:
        name = ""
    if name not in ("float32", "float64"):
        raise ValueError(f"dtypes must be float32 or float64, got {shown(value)}")
    return name
