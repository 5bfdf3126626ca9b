"""`warmup`: everything is compiled before a measurement, or before somebody waits for it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ._checks import distinct, shown
from .api import fit
from .em.outcome import FitWarning
from .model.structures import UNIVARIATE, check_structure

DTYPES = ("float64", "float32")
# Densities that are written out for a number of features, and one for all others.
N_FEATURES = (2, 4, 1, 3)


def warmup(structures: str | Iterable[str] = "full", dtypes: DTypeLike | Iterable[DTypeLike] = np.float64) -> None:
    """Compile what fits and predictions run, or load it from the cache: for D = 1, 2, 3 and for general D.

    Both the serial and the parallel drivers, so that a later measurement of complete rows meets no compiler.
    ``fastgmm warmup`` on the command line shows how far it is.

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
    names = distinct("structures", structures, lambda name: check_structure("structures", name))
    for dtype, path in product(distinct("dtypes", dtypes, _check_dtype), paths_of(names)):
        walk(dtype, *path)


def paths_of(names: Iterable[str]) -> list[tuple[str, int]]:
    """Return the structures with each number of features that differs in what is compiled, and that they have."""
    return [(name, d) for name, d in product(names, N_FEATURES) if d > 1 or name in UNIVARIATE]


def walk(dtype: str, name: str, n_features: int) -> None:
    """Fit and predict as people do, with a structure, for rows of a dtype and a number of features."""
    # Enough rows for a start on a sample and every launch, k-means's included, in parallel; then few enough for none.
    X = np.random.default_rng(0).normal(size=(140_000, n_features)).astype(dtype)
    mixture = fit(X, 2, covariance_type=name, max_iter=1).mixture
    fit(X[:100], 2, covariance_type=name, max_iter=1)
    mixture.predict(X)
    mixture.predict(X[:100])
    # A component on equal rows alone has to be held up, by the floor or by a number.
    X[:30] = 9.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        for reg_covar in ("auto", 1e-6):
            fit(X[:100], 2, covariance_type=name, reg_covar=reg_covar, max_iter=3)


def _check_dtype(value: Any) -> str:
    """Return the name of the dtype `value`; ValueError if fits are not computed in it."""
    try:
        name = "" if value is None else np.dtype(value).name
    except TypeError:
        name = ""
    if name not in DTYPES:
        raise ValueError(f"dtypes must be float32 or float64, got {shown(value)}")
    return name
