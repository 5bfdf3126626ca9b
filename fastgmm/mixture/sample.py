"""Rows drawn from a mixture."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import check_integer, check_random_state, own_error_state, shown
from ..model.check import factors_of
from ..model.parameters import Array, Parameters


@own_error_state
def draw(parameters: Parameters, n_samples: Any, random_state: Any) -> tuple[Array, NDArray[np.int64]]:
    """Return rows (n, D) of float64 and the component each was drawn from, (n,), see `fastgmm.Mixture.sample`."""
    n_samples = check_integer("n_samples", n_samples, 1)
    weights, means, covariances, _ = parameters
    k, d = means.shape
    # A row, its label, and the uniform number that decided about it.
    most = _memory() // (8 * (d + 2))
    if n_samples > most:
        raise ValueError(
            f"n_samples must be at most {most}, as many as the memory of this machine holds, got {shown(n_samples)}"
        )
    generator = check_random_state(random_state)
    labels = generator.choice(k, size=n_samples, p=weights / weights.sum())
    rows = generator.standard_normal((n_samples, d))
    factors = factors_of(parameters.structure.complete(covariances, k, d))
    for component in range(k):
        chosen = labels == component
        rows[chosen] = means[component] + rows[chosen] @ factors[component].T
    return rows, labels


def _memory() -> int:
    """Bytes of memory of this machine; as many as have addresses where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize
