"""Information criteria: the log-likelihood, less what the free parameters are worth."""

from __future__ import annotations

import math
from collections.abc import Callable

# What a free parameter costs, by the number of rows.
CRITERIA: dict[str, Callable[[float], float]] = {"bic": math.log, "aic": lambda n_samples: 2.0}
# What candidates may be ordered by: ICL is BIC and something of the rows, twice their surprisal.
ORDERS = (*CRITERIA, "icl")


def criterion_value(name: str, log_likelihood: float, n_free: int, n_samples: float) -> float:
    """Return -2 LL and a penalty for each free parameter; `n_samples` may be a sum of weights."""
    return -2.0 * log_likelihood + CRITERIA[name](n_samples) * n_free
