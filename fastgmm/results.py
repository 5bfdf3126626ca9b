"""Plain data: what a fit returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ._checks import own_error_state
from .em.degenerate import degeneracy
from .em.outcome import Outcome, Status
from .mixture import Mixture
from .model.parameters import Array
from .model.regulariser import Regulariser
from .model.rounds.convergence import remaining


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
        Components without rows, held up by the floor of the regulariser in some direction, or with a variance that is
        mostly what it adds.
    n_passed_over : int
        Restarts that ended higher, but with components that the floor holds up.
    regulariser : Regulariser
        What was added to variances, and the floor of the covariances.
    """

    mixture: Mixture
    log_likelihood: float
    trace: Array = field(repr=False)
    status: Status
    failures: tuple[str, ...] = ()
    degenerate_components: tuple[int, ...] = ()
    n_passed_over: int = 0
    regulariser: Regulariser | None = field(default=None, repr=False)

    @property
    def n_iter(self) -> int:
        """Rounds of EM done."""
        return len(self.trace)

    @property
    def n_failed(self) -> int:
        """Restarts that ended in an error and were set aside."""
        return len(self.failures)

    @property
    def degeneracy(self) -> str:
        """Which components are degenerate, where, and why; empty if none is."""
        if not self.degenerate_components or self.regulariser is None:
            return ""
        names = self.mixture.feature_names
        return degeneracy(self.mixture.parameters, self.degenerate_components, self.regulariser, names)

    @property
    @own_error_state
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


def result_of(run: Outcome, feature_names: tuple[str, ...] | None) -> FitResult:
    """Return the result of a run on rows whose columns have these names."""
    return FitResult(
        Mixture._trusted(run.parameters, feature_names),
        run.log_likelihood,
        run.trace,
        run.status,
        run.failures,
        run.degenerate_components,
        run.n_passed_over,
        run.regulariser,
    )
