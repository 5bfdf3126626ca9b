"""Plain data: the fits of a grid of mixtures, ordered by a criterion."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..em.outcome import Status
from ..model.structures import STRUCTURES
from ..results import FitResult
from ..summary.contents import summary_of_grid
from ..summary.layout import Summarised, Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = (
    *("n_components", "covariance_type", "n_free", "log_likelihood", "bic", "aic", "icl"),
    *("converged", "n_iter", "n_failed"),
)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A point of the grid, and how its fit went.

    Attributes
    ----------
    n_components : int
        Number of components, K.
    covariance_type : str
        The covariance structure.
    n_free : int
        Number of free parameters, p.
    log_likelihood : float
        Total log-likelihood of the rows, in nats. Without a fit this is NaN, as are the criteria.
    bic : float
        Bayesian information criterion, -2 LL + p ln N; lower is better.
    aic : float
        Akaike information criterion, -2 LL + 2 p; lower is better.
    icl : float
        Integrated completed likelihood, `bic` - 2 sum_i ln max_k r_ik; lower is better. NaN if not the criterion.
    status : Status or None
        Why the fit stopped; None without one.
    n_iter : int
        Iterations of EM of the start that was kept.
    n_failed : int
        Starts that ended in an error and were set aside.
    degenerate_components : tuple of int
        Components without rows, or with a variance that is mostly the regulariser's.
    error : str or None
        Why there is no fit.
    result : FitResult or None
        The fit.
    """

    n_components: int
    covariance_type: str
    n_free: int
    log_likelihood: float = math.nan
    bic: float = math.nan
    aic: float = math.nan
    icl: float = math.nan
    status: Status | None = None
    n_iter: int = 0
    n_failed: int = 0
    degenerate_components: tuple[int, ...] = ()
    error: str | None = None
    result: FitResult | None = field(default=None, repr=False)

    @property
    def converged(self) -> bool:
        """Whether there is a fit, and EM stopped by itself."""
        return self.status is Status.CONVERGED


def rank(candidate: Candidate, criterion: str) -> tuple[bool, float, int, int, int]:
    """Return what candidates are ordered by: whatever the order of the grid, the same one comes first."""
    value = 0.0 if candidate.result is None else getattr(candidate, criterion)
    order = tuple(STRUCTURES).index(candidate.covariance_type)
    return candidate.result is None, value, candidate.n_free, candidate.n_components, order


@dataclass(frozen=True, eq=False, repr=False)
class Selection(Summarised):
    """The fits of a grid, best first.

    Attributes
    ----------
    criterion : str
        What the candidates are ordered by, "bic", "aic" or "icl".
    candidates : tuple of Candidate
        By the criterion, of equal ones that with fewer free parameters first; those without a fit come last.
    """

    criterion: str
    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> FitResult:
        """The fit of the first candidate."""
        result = self.candidates[0].result
        assert result is not None  # `select` raises where there is no fit at all
        return result

    def table(self) -> dict[str, NDArray[Any]]:
        """Return the candidates as columns, in their order: a dict of arrays of shape (len(candidates),).

        The columns are the attributes of `Candidate`, with the number of degenerate components as ``n_degenerate``
        and "" for no error. ``pandas.DataFrame(selection.table())`` makes a data frame of it.
        """
        columns = {name: np.array([getattr(candidate, name) for candidate in self.candidates]) for name in _COLUMNS}
        columns["n_degenerate"] = np.array([len(candidate.degenerate_components) for candidate in self.candidates])
        columns["error"] = np.array([candidate.error or "" for candidate in self.candidates])
        return columns

    def summary(self) -> Summary:
        """Return the best candidates; what `print` shows."""
        return summary_of_grid(self.criterion, self.table())

    def plot(self) -> Figure:
        """Draw the criterion over the grid, a curve per covariance structure, also where it coincides with another.

        ``figure.savefig("bic.png")`` writes the figure; a notebook shows it where a cell ends in it.
        """
        from ..pictures import plot_selection

        twins = self._twins()
        table = Selection(self.criterion, (*self.candidates, *twins)).table()
        return plot_selection.plot_selection(
            self.criterion,
            table["n_components"],
            table["covariance_type"].tolist(),
            table[self.criterion],
            degenerate=table["n_degenerate"] > 0,
            structures=tuple(STRUCTURES),
        )

    def _twins(self) -> list[Candidate]:
        """Return the fits again under the names of structures that are elsewhere in the grid, and here coincide."""
        n_features = self.best.mixture.means.shape[1]
        names = {candidate.covariance_type for candidate in self.candidates}
        taken = {(candidate.n_components, candidate.covariance_type) for candidate in self.candidates}
        return [
            replace(each, covariance_type=name)
            for each in self.candidates
            if each.result is not None
            for name in names
            if (each.n_components, name) not in taken
            and STRUCTURES[name].distinct(each.n_components, n_features)
            == STRUCTURES[each.covariance_type].distinct(each.n_components, n_features)
        ]
