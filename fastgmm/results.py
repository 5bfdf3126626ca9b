"""Plain data: what a fit shows while it runs and what it returns."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .kernels.convergence import remaining
from .parameters import Mixture

Array = NDArray[np.float64]


class Status(enum.StrEnum):
    """Why a fit stopped."""

    CONVERGED = "converged"
    MAX_ITER = "max_iter"
    STOPPED = "stopped by callback"


@dataclass(frozen=True, eq=False)
class IterationState:
    """What a callback sees after each round.

    Attributes
    ----------
    restart : int
        Which of the ``n_init`` starts, from 0.
    iteration : int
        Round of EM within the restart, from 1.
    mean_log_likelihood : float
        Mean log-likelihood per row, in nats, that this round's E step saw.
    change : float
        Its change since the round before; ``inf`` in the first.
    parameters : Mixture
        The parameters after this round's M step.
    """

    restart: int
    iteration: int
    mean_log_likelihood: float
    change: float
    parameters: Mixture


Callback = Callable[[IterationState], object]


@dataclass(frozen=True, eq=False)
class FitResult:
    """The best of a fit's restarts.

    Attributes
    ----------
    mixture : Mixture
        The fitted mixture.
    log_likelihood : float
        Total log-likelihood of the rows under `mixture`, in nats.
    trace : (n_iter,) float64
        Mean log-likelihood per row that each round's E step saw. The last entry, which decides
        convergence, belongs to the parameters before the last M step, as in scikit-learn.
    status : Status
        Why the restart stopped.
    failures : tuple of str
        The errors of the restarts that were set aside.
    degenerate_components : tuple of int
        Components without rows, or with a variance that is mostly the regulariser's.
    """

    mixture: Mixture
    log_likelihood: float
    trace: Array = field(repr=False)
    status: Status
    failures: tuple[str, ...] = ()
    degenerate_components: tuple[int, ...] = ()

    @property
    def n_iter(self) -> int:
        """Rounds of EM done."""
        return len(self.trace)

    @property
    def n_failed(self) -> int:
        """Restarts that ended in an error and were set aside."""
        return len(self.failures)

    @property
    def remaining(self) -> float:
        """Estimated distance of the mean log-likelihood to its limit, in nats, by Aitken's extrapolation.

        From the last three rounds: NaN if there were fewer, infinite while changes do not shrink.
        """
        if len(self.trace) < 3:
            return math.nan
        before, change = np.diff(self.trace[-3:]).tolist()
        return float(remaining(change, before))

    @property
    def converged(self) -> bool:
        """Whether EM stopped by itself."""
        return self.status is Status.CONVERGED
