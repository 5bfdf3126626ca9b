"""Plain data of a run of EM: what it shows while it goes on, and how it ended."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model.parameters import Parameters
from ..model.regulariser import Regulariser
from ..model.rounds import state

Array = NDArray[np.float64]


class Status(enum.StrEnum):
    """Why a fit stopped; `FAILED` is what `fit_many` says of a problem without one."""

    CONVERGED = "converged"
    MAX_ITER = "max_iter"
    STOPPED = "stopped by callback"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


STATUSES = {
    state.CONVERGED: Status.CONVERGED,
    state.MAX_ITER_REACHED: Status.MAX_ITER,
    state.STOPPED: Status.STOPPED,
}


class FitFailure(ValueError):
    """A fit, or one of its starts, that ended without parameters."""


class FitWarning(RuntimeWarning):
    """Starts that failed, or components that only the regulariser keeps from vanishing."""


@dataclass(frozen=True, eq=False)
class IterationState:
    """What a callback sees after each round.

    Attributes
    ----------
    start : int
        Which of the ``n_init`` starts, from 0.
    iteration : int
        Iteration of EM from this start, from 1 on.
    mean_log_likelihood : float
        Mean log-likelihood per row, in nats, that this iteration's E step saw.
    change : float
        Its change since the iteration before; ``inf`` in the first.
    parameters : Parameters
        The parameters after this iteration's M step: plain arrays; ``fastgmm.Mixture(*parameters)`` has methods.
    """

    start: int
    iteration: int
    mean_log_likelihood: float
    change: float
    parameters: Parameters


Callback = Callable[[IterationState], object]


class Outcome(NamedTuple):
    """How a run, or the best of several, ended; see `fastgmm.FitResult` for the fields."""

    parameters: Parameters
    log_likelihood: float
    trace: Array
    status: Status
    regulariser: Regulariser
    degenerate_components: tuple[int, ...] = ()
    failures: tuple[str, ...] = ()
    n_passed_over: int = 0
    expected: float | None = None

    @property
    def n_iter(self) -> int:
        """Iterations of EM done."""
        return len(self.trace)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of a fit; `outcome` is where the start under way was after its last whole iteration.

    Of many fits it is the result, with those that were whole. It may be given as a function, called when one asks:
    to raise covariances to their floor, and to copy them, may take a second at K = 20, D = 1000, and Ctrl-C is to end
    a fit in half of that.
    """

    def __init__(self, outcome: Any) -> None:
        super().__init__()
        self._outcome = outcome

    @property
    def outcome(self) -> Any:
        """What has been reached."""
        if callable(self._outcome):
            self._outcome = self._outcome()
        return self._outcome

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is copied with the arguments of the base class: a pool of processes would break on it.
        return Interrupted, (self.outcome,)


class Failed(Exception):
    """A start that ended without parameters, and whether a callback had stopped it."""

    def __init__(self, message: str, *, stopped: bool) -> None:
        super().__init__(message)
        self.stopped = stopped
