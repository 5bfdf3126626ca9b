"""The state of a run: parameters, the statistics of its last pass, and how far it is.

Allocated in one place; compiled code holds arrays only (``kernels/work.py`` says which).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernels.slots import (
    AITKEN,
    CHANGE,
    CHANGE_BEFORE,
    COMPONENT,
    FILLED,
    FINISHED,
    FOLD,
    GIVEN,
    HELD,
    ITEM,
    LEAST,
    LOG_LIKELIHOOD,
    MAX_ITER,
    MAXIMIZE,
    MEAN,
    N_ITER,
    N_TRACED,
    OPEN,
    PHASE,
    PREPARE,
    PREVIOUS,
    REPEATED,
    STATUS,
    SWEEP,
    TOLERANCE,
    TOTAL_WEIGHT,
    UNPACK,
)
from ...kernels.work import State

Array = NDArray[np.float64]

RUNNING, CONVERGED, MAX_ITER_REACHED, STOPPED, ILL_DEFINED, NOT_FINITE, BROKEN = range(7)

__all__ = [
    "AITKEN",
    "BROKEN",
    "CHANGE",
    "CHANGE_BEFORE",
    "COMPONENT",
    "CONVERGED",
    "FILLED",
    "FINISHED",
    "FOLD",
    "GIVEN",
    "HELD",
    "ILL_DEFINED",
    "ITEM",
    "LEAST",
    "LOG_LIKELIHOOD",
    "MAXIMIZE",
    "MAX_ITER",
    "MAX_ITER_REACHED",
    "MEAN",
    "NOT_FINITE",
    "N_ITER",
    "N_TRACED",
    "OPEN",
    "PHASE",
    "PREPARE",
    "PREVIOUS",
    "REPEATED",
    "RUNNING",
    "STATUS",
    "STOPPED",
    "SWEEP",
    "TOLERANCE",
    "TOTAL_WEIGHT",
    "TRACE_BLOCK",
    "UNPACK",
    "allocate_state",
    "set_rule",
    "take_trace",
]

# Rounds whose log-likelihoods are held before they are taken out.
TRACE_BLOCK = 128


def allocate_state(n_components: int, n_features: int, core: tuple[int, int, int], least: float = 0.0) -> State:
    """Return an unfilled state for covariances of shape `core`, about to begin its first round; `least` is LEAST."""
    k, d = n_components, n_features
    numbers, counts = np.zeros(8), np.zeros(11, np.int64)
    counts[COMPONENT] = -1
    numbers[PREVIOUS], numbers[CHANGE], numbers[LEAST] = -np.inf, np.inf, least
    return State(
        weights=np.empty(k),
        means=np.empty((k, d)),
        covariances=np.empty(core),
        centers=np.empty((k, d)),
        sums=np.empty(k),
        first=np.empty((k, d)),
        second=np.empty(core),
        added=np.zeros(d),
        spread=np.ones(d),
        numbers=numbers,
        counts=counts,
        trace=np.empty(TRACE_BLOCK),
    )


def set_rule(state: State, *, tol: float, aitken: bool, max_iter: int, previous: float, total_weight: float) -> None:
    """Set when a run ends, see `convergence.converged`; `previous` is what its first round is compared to."""
    state.numbers[TOLERANCE], state.numbers[PREVIOUS], state.numbers[TOTAL_WEIGHT] = tol, previous, total_weight
    state.counts[AITKEN], state.counts[MAX_ITER] = aitken, max_iter
    state.counts[STATUS] = RUNNING if max_iter else MAX_ITER_REACHED


def take_trace(state: State) -> Array:
    """Return the mean log-likelihoods of the rounds since the last call."""
    n = int(state.counts[N_TRACED])
    state.counts[N_TRACED] = 0
    taken: Array = state.trace[:n].copy()
    return taken
