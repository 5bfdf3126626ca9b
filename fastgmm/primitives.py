"""Entry points for a user's own ``@njit`` code; ``docs/primitives.md`` shows them at work.

They are compiled into the caller, and keep their names and arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .kernels import STRUCTURES
from .kernels.cholesky import cholesky, cholesky_2x2, cholesky_3x3, invert_lower
from .kernels.exp import exp_nonpositive
from .kernels.structure import prepare
from .kernels.whole import CONVERGED, ILL_DEFINED, MAX_ITER, NOT_FINITE, fit_small, log_density

__all__ = [
    "CONVERGED",
    "ILL_DEFINED",
    "MAX_ITER",
    "NOT_FINITE",
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


def allocate(covariance_type: str, n_components: int, n_features: int, dtype: Any = np.float64) -> Any:
    """Return an unfilled model, the first argument of the other functions; to be called from Python."""
    return STRUCTURES[covariance_type].allocate(n_components, n_features, dtype)
