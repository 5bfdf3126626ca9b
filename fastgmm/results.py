"""Plain data: what a fit returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ._checks import own_error_state
from .em.degenerate import degeneracy
from .em.outcome import Outcome, Status
from .mixture import Mixture
from .model.criteria import criterion_value
from .model.parameters import Array
from .model.regulariser import Regulariser
from .model.rounds.convergence import remaining
from .rows.check import check_sample_weight, total_weight_of
from .rows.criteria import total_of
from .summary.contents import counted, number
from .summary.layout import Summarised, Summary, Table, visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class FitResult(Summarised):
    """The best of a fit's restarts.

    Attributes
    ----------
    mixture : Mixture
        The fitted mixture.
    log_likelihood : float
        Total log-likelihood of the rows under `mixture`, in nats.
    trace : (n_iter,) float64
        Mean log-likelihood per row that each iteration's E step saw. The last entry, which decides
        convergence, belongs to the parameters before the last M step, as in scikit-learn.
    status : Status
        Why the start stopped.
    n_samples : int
        Number of rows, N.
    total_weight : float
        The sum of their weights; N without weights.
    seconds : float
        What the fit took, all starts and the compiler included.
    failures : tuple of str
        The errors of the starts that were set aside.
    degenerate_components : tuple of int
        Components without rows, held up by the floor of the regulariser in some direction, or with a variance that is
        mostly what it adds.
    n_passed_over : int
        Starts that ended higher, but with components that the floor holds up.
    regulariser : Regulariser
        What was added to variances, and the floor of the covariances.
    expected : float or None
        `remaining` of an accelerated fit.
    """

    mixture: Mixture
    log_likelihood: float
    trace: Array
    status: Status
    n_samples: int
    total_weight: float
    seconds: float
    failures: tuple[str, ...] = ()
    degenerate_components: tuple[int, ...] = ()
    n_passed_over: int = 0
    regulariser: Regulariser | None = None
    expected: float | None = None

    @property
    def n_iter(self) -> int:
        """Iterations of EM done."""
        return len(self.trace)

    @property
    def n_failed(self) -> int:
        """Starts that ended in an error and were set aside."""
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

        From the last three iterations: NaN if there were fewer, infinite while changes do not shrink. Of an
        accelerated fit it is what the quadratic model of the last ones expects, NaN where there was none.
        """
        if self.expected is not None:
            return self.expected
        if len(self.trace) < 3:
            return math.nan
        before, change = np.diff(self.trace[-3:]).tolist()
        return float(remaining(change, before))

    @property
    def converged(self) -> bool:
        """Whether EM stopped by itself."""
        return self.status is Status.CONVERGED

    @property
    def bic(self) -> float:
        """Bayesian information criterion of the fit, -2 LL + p ln N, with `total_weight` for N; lower is better."""
        return criterion_value("bic", self.log_likelihood, self.mixture.n_free, self.total_weight)

    @property
    def aic(self) -> float:
        """Akaike information criterion of the fit, -2 LL + 2 p; lower is better."""
        return criterion_value("aic", self.log_likelihood, self.mixture.n_free, self.total_weight)

    @own_error_state
    def summary(self, X: ArrayLike | None = None, *, sample_weight: ArrayLike | None = None) -> Summary:
        """Return how the fit went, its criteria and its components; what `print` shows.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N,), optional
            The rows of the fit. With them the summary has the integrated completed likelihood, ICL, which needs the
            responsibilities of the rows: a fit keeps neither, and does not pass over them once more for this.
        sample_weight : array-like of shape (N,), optional
            Their weights, if the fit had any.
        """
        mixture = self.mixture.summary()
        facts = {"rows": str(self.n_samples)}
        if self.total_weight != self.n_samples:
            facts["total weight"] = f"{self.total_weight:g}"
        facts |= {"n_free": str(self.mixture.n_free), "log-likelihood": number(self.log_likelihood)}
        facts |= {"BIC": number(self.bic), "AIC": number(self.aic)}
        if X is not None:
            facts["ICL"] = number(self._icl(X, sample_weight))
        outcome = "converged" if self.converged else f"not converged ({self.status})"
        parts = [
            f"{outcome} after {counted(self.n_iter, 'iteration')}, {self.seconds:.3g} s".capitalize(),
            Table([tuple(facts), tuple(facts.values())]),
            *mixture.parts,
        ]
        if self.failures:
            failed = "1 start failed and was" if self.n_failed == 1 else f"{self.n_failed} starts failed and were"
            parts.append(f"{failed} set aside; the last: {self.failures[-1]}")
        if self.n_passed_over:
            higher = counted(self.n_passed_over, "start")
            parts.append(f"{higher} ended higher, but with components that the floor of the covariances holds up.")
        if self.degeneracy:
            parts.append(f"Degenerate: {visible(self.degeneracy)}.")
        if X is None:
            parts.append("ICL needs the rows: summary(X).")
        return Summary("Fit of a Gaussian mixture", mixture.title, parts)

    @own_error_state
    def _icl(self, X: Any, sample_weight: Any) -> float:
        """Return the ICL of the rows of the fit, see `Mixture.icl`."""
        rows = self.mixture._rows(X, gaps=True)
        weights = check_sample_weight(sample_weight, len(rows))
        total_weight = total_weight_of(len(rows), weights)
        if (len(rows), total_weight) != (self.n_samples, self.total_weight):
            raise ValueError(
                f"X and sample_weight must be those of the fit, {self.n_samples} rows of total weight "
                f"{self.total_weight:g}, got {len(rows)} of {total_weight:g}"
            )
        return self.bic + 2.0 * total_of(self.mixture._evaluate(rows, None, "marginal", "surprisal"), sample_weight)

    def plot(self) -> Figure:
        """Draw the climb of the log-likelihood; ``result.mixture.plot(X)`` draws the rows.

        ``figure.savefig("climb.png")`` writes the figure; a notebook shows it where a cell ends in it.
        """
        from .pictures import plot_fit

        return plot_fit.plot_log_likelihood(self.trace, self.log_likelihood, self.status)


def result_of(
    run: Outcome, feature_names: tuple[str, ...] | None, *, n_samples: int, total_weight: float, seconds: float
) -> FitResult:
    """Return the result of a run on rows whose columns have these names."""
    mixture = Mixture._trusted(run.parameters, feature_names)
    rows, starts = (n_samples, total_weight, seconds), (run.failures, run.degenerate_components, run.n_passed_over)
    ended = mixture, run.log_likelihood, run.trace, run.status
    return FitResult(*ended, *rows, *starts, run.regulariser, run.expected)
