"""Entry points for a user's own ``@njit`` code; ``docs/primitives.md`` shows them at work.

They keep their names and arguments. Those that write into a caller's arrays check that these are large enough, and
return a code where they are not: compiled code of others is no place for an exception.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._checks import check_integer, shown
from .kernels.primitives.cholesky import cholesky, cholesky_2x2, cholesky_3x3, invert_lower
from .kernels.primitives.exp import exp_nonpositive
from .model.plan import plan_of
from .model.rounds.small import (
    CONVERGED,
    ILL_DEFINED,
    MAX_ITER,
    NOT_FINITE,
    UNSUITABLE,
    Workspace,
    fit_small,
    log_density,
    prepare,
)
from .model.structures import check_structure
from .rows.run import Run

__all__ = [
    "CONVERGED",
    "ILL_DEFINED",
    "MAX_ITER",
    "NOT_FINITE",
    "UNSUITABLE",
    "allocate",
    "cholesky",
    "cholesky_2x2",
    "cholesky_3x3",
    "exp_nonpositive",
    "fit_small",
    "invert_lower",
    "log_density",
    "prepare",
]


def allocate(covariance_type: str, n_components: int, n_features: int, dtype: Any = np.float64) -> Workspace:
    """Return an unfilled workspace, the first argument of the other functions; to be called from Python.

    Each thread needs one of its own.
    """
    k, d = check_integer("n_components", n_components, 1), check_integer("n_features", n_features, 1)
    covariance_type = check_structure("covariance_type", covariance_type, d)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {shown(dtype)}")
    return Run(plan_of(covariance_type, k, d, np.dtype(dtype)), 1).workspace()
