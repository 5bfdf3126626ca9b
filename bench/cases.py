"""One registry of problems and one of implementations, for whatever is timed or compared.

The slow original and the plain loops are rungs of the ladder (``bench/ladder``).

An implementation does a number of EM rounds from an explicit start and returns the parameters. Rounds are timed
by the difference of a long and a short run, which leaves out validation, set-up and a last E step for all alike.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.compare.peer import Parameters
from bench.compare.peers import fastgmm, onedal, scikit_learn
from fastgmm import Mixture


@dataclass(frozen=True)
class Case:
    """Rows drawn from a mixture whose means are drawn from N(0, separation^2) in units of its standard deviation."""

    n_samples: int
    n_features: int
    n_components: int
    covariance_type: str = "full"
    dtype: str = "float64"
    order: str = "C"
    separation: float = 3.0

    @property
    def name(self) -> str:
        """Size, and what differs from full covariances of float64 in C order and the usual separation."""
        defaults = {"covariance_type": "full", "dtype": "float64", "order": "C"}
        special = [getattr(self, field) for field, default in defaults.items() if getattr(self, field) != default]
        if self.separation != 3.0:
            name = f"separation {self.separation:g}"
            special.append("overlapping" if self.separation < 1.0 else "separated" if self.separation > 5.0 else name)
        return f"{self.n_samples:g} x {self.n_features}, K = {self.n_components}" + "".join(
            ", Fortran order" if each == "F" else f", {each}" for each in special
        )

    def problem(self, n_samples: int | None = None) -> tuple[np.ndarray, Mixture]:
        """Return rows of the mixture (N, D), all by default, and the start."""
        n, d, k = n_samples or self.n_samples, self.n_features, self.n_components
        generator = np.random.default_rng(0)
        means = self.separation * generator.normal(size=(k, d))
        covariances = {
            "full": np.array([2.0 * np.eye(d)] * k),
            "tied": 2.0 * np.eye(d),
            "diag": np.full((k, d), 2.0),
            "spherical": np.full(k, 2.0),
        }[self.covariance_type]
        # The start is drawn before the rows, so that it is the same for any number of them.
        start = Mixture(
            np.full(k, 1.0 / k), means + 0.3 * generator.normal(size=(k, d)), covariances, self.covariance_type
        )
        X = means[generator.integers(k, size=n)] + generator.normal(size=(n, d))
        return np.asarray(X, order=self.order, dtype=self.dtype), start


# Two means of 8 features are sqrt(2 * 8) times as far apart.
SEPARATED = 7.5

CASES = {
    case.name: case
    for case in (
        Case(1_000_000, 1, 3),
        Case(1_000_000, 2, 4),
        Case(1_000_000, 2, 4, order="F"),
        Case(1_000_000, 2, 16),
        Case(1_000_000, 3, 8),
        Case(1_000_000, 8, 8),
        Case(200_000, 16, 16),
        Case(100_000, 32, 32),
        # Here every row counts for every component, and nothing is left out (fastgmm/kernels/blocks/significant.py).
        Case(100_000, 32, 32, separation=0.3),
        Case(50_000, 64, 16),
        Case(50_000, 128, 8),
        Case(20_000, 16, 256),
        Case(1_000_000, 8, 8, "diag"),
        Case(100_000, 64, 64, "diag"),
        Case(1_000_000, 8, 8, "tied"),
        Case(100_000, 64, 64, "tied"),
        Case(1_000_000, 8, 8, "spherical"),
        Case(100_000, 64, 64, "spherical"),
        Case(1_000_000, 8, 8, dtype="float32"),
        Case(200_000, 16, 16, dtype="float32"),
        Case(100_000, 32, 32, dtype="float32"),
        # Means about 30 standard deviations apart: the responsibilities range over all that the exponents of both
        # dtypes hold, and a product that is subnormal costs a hundred cycles on Intel processors.
        Case(1_000_000, 8, 8, separation=SEPARATED),
        Case(1_000_000, 8, 8, dtype="float32", separation=SEPARATED),
    )
}
# Seconds per round against one of N, D and K at a time, the others held.
SCALING = {
    "n_samples": [Case(n, 4, 8) for n in (1000, 10_000, 100_000, 1_000_000)],
    "n_features": [Case(20_000, d, 8) for d in (1, 2, 4, 8, 16, 32, 64, 128)],
    "n_components": [Case(20_000, 8, k) for k in (2, 4, 8, 16, 32, 64, 128, 256)],
}
# Whose whole fits are watched for memory.
MEMORY = (Case(1_000_000, 2, 4), Case(1_000_000, 8, 8))


@dataclass(frozen=True)
class Implementation:
    """Who is timed.

    Attributes
    ----------
    run : callable
        ``run(X, start, n_rounds)`` returns a `Parameters`, as in the comparison.
    rounds : (int, int)
        The short and the long run whose difference is timed; far enough apart that a stall of the machine
        during the short one does not turn the difference negative.
    applies : callable
        Whether it can do a case, and in a bearable time.
    """

    name: str
    run: Callable[[np.ndarray, Mixture, int], Parameters]
    rounds: tuple[int, int]
    applies: Callable[[Case], bool] = lambda case: True


def onedal_applies(case):
    # An optional peer; what it does not take as it is would be converted.
    found = importlib.util.find_spec("daal4py") is not None
    return found and onedal.PEER.applies(case.covariance_type, case.dtype) and case.order == "C"


IMPLEMENTATIONS = (
    Implementation("fastgmm", fastgmm.rounds, rounds=(2, 12)),
    Implementation("scikit-learn", scikit_learn.rounds, rounds=(1, 3)),
    Implementation("oneDAL", onedal.rounds, rounds=(1, 4), applies=onedal_applies),
)
