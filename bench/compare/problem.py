"""A case as peers and the judge see it: rows on disk, the start, and how far an answer may be from the judge's."""

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.cases import Case
from bench.compare import judge
from bench.compare.client import Failure
from bench.compare.peer import Parameters

# Largest differences from the judge's answer: of the mean log-likelihood in nats per row, and of a parameter relative
# to the largest of its kind. Both, for near its maximum the likelihood hides a wrong parameter.
TOLERANCES = {"float64": (1e-6, 1e-4), "float32": (1e-3, 1e-2)}


@dataclass
class Problem:
    """A case's rows in a directory that workers read, and what the judge makes of them."""

    case: Case
    scratch: Path
    _references: dict[tuple[int, int], tuple[Parameters, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        X, start = self.case.problem()
        self.start = Parameters(start.weights, start.means, start.covariances, start.covariance_type)
        self.path = str(self.scratch / f"rows_{self.case.dtype}.npy")
        np.save(self.path, X)
        self.X = X.astype(np.float64)

    def log_likelihood(self, mixture: Parameters, n_rows: int | None = None) -> float:
        """Mean log-likelihood per row; Failure if the parameters have none."""
        with np.errstate(all="ignore"):
            try:
                value = judge.log_likelihood(self.X[:n_rows], mixture)
            except (np.linalg.LinAlgError, ValueError):
                value = math.nan
        if not math.isfinite(value):
            raise Failure("an answer that has no likelihood")
        return value

    def check(self, mixture: Parameters, n_rows: int, n_rounds: int) -> dict[str, float]:
        """Differences from the judge's answer after so many rounds of so many rows; Failure if it is another."""
        if (n_rows, n_rounds) not in self._references:
            reference = judge.reference(self.X[:n_rows], self.start, n_rounds)
            self._references[n_rows, n_rounds] = reference, judge.log_likelihood(self.X[:n_rows], reference)
        reference, expected = self._references[n_rows, n_rounds]
        if [np.shape(each) for each in mixture[:3]] != [np.shape(each) for each in reference[:3]]:
            raise Failure("an answer of other shapes")
        differences = {
            "log_likelihood_difference": abs(self.log_likelihood(mixture, n_rows) - expected),
            "parameter_difference": judge.difference(mixture, reference),
        }
        allowed = TOLERANCES[self.case.dtype]
        if not all(value <= most for value, most in zip(differences.values(), allowed, strict=True)):
            likelihood, parameter = differences.values()
            raise Failure(
                f"another answer: log-likelihood off by {likelihood:.0e} nats, parameters by {parameter:.0e}"
            )
        return differences
