"""The state of a run: parameters, the statistics of its last pass, and how far it is.

Allocated in one place; compiled code holds arrays only (``kernels/work.py`` says which).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernels.slots import (
    AITKEN,
    BROKEN,
    CHANGE,
    CHANGE_BEFORE,
    COMPONENT,
    CONVERGED,
    FILLED,
    FINISHED,
    FOLD,
    GIVEN,
    HELD,
    ILL_DEFINED,
    ITEM,
    LEAST,
    LOG_LIKELIHOOD,
    LOW,
    MAX_ITER,
    MAX_ITER_REACHED,
    MAXIMIZE,
    MEAN,
    N_ITER,
    N_TRACED,
    NOT_FINITE,
    OPEN,
    PHASE,
    PREPARE,
    PREVIOUS,
    RAISE,
    RAISED,
    RAISED_NOW,
    REPEATED,
    RUNNING,
    STATUS,
    STOPPED,
    SUMMED,
    SWEEP,
    SWEEPS,
    TOLERANCE,
    TOTAL_WEIGHT,
    UNPACK,
)
from ...kernels.work import State

Array = NDArray[np.float64]

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
    "LOW",
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
    "RAISE",
    "RAISED",
    "RAISED_NOW",
    "REPEATED",
    "RUNNING",
    "STATUS",
    "STOPPED",
    "SUMMED",
    "SWEEP",
    "SWEEPS",
    "TOLERANCE",
    "TOTAL_WEIGHT",
    "TRACE_BLOCK",
    "UNPACK",
    "begin_state",
    "set_rule",
    "state_shapes",
    "take_trace",
]

# Rounds whose log-likelihoods are held before they are taken out.
TRACE_BLOCK = 128


def state_shapes(n_components: int, n_features: int, core: tuple[int, int, int], scattered: bool) -> State:
    """Return shape and dtype of each array, for covariances of shape `core`; `scattered`: with the total scatter."""
    k, d = n_components, n_features
    return State(
        weights=((k,), np.float64),
        means=((k, d), np.float64),
        covariances=(core, np.float64),
        centers=((k, d), np.float64),
        sums=((k,), np.float64),
        first=((k, d), np.float64),
        second=(core, np.float64),
        added=((d,), np.float64),
        floor=((d,), np.float64),
        held=((k,), np.int64),
        spread=((d,), np.float64),
        scatter=((d + 1 if scattered else 0, d), np.float64),
        numbers=((9,), np.float64),
        counts=((14,), np.int64),
        trace=((TRACE_BLOCK,), np.float64),
    )


def begin_state(state: State, least: float = 0.0) -> None:
    """Let a state of zeros be about to begin its first round; `least` is LEAST."""
    state.spread.fill(1.0)
    state.counts[COMPONENT] = -1
    state.numbers[PREVIOUS], state.numbers[CHANGE], state.numbers[LEAST] = -np.inf, np.inf, least


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
