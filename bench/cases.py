"""One registry of problems and one of implementations, for whatever is timed or compared.

The slow original and the plain loops are rungs of the ladder (``bench/ladder``).

An implementation does a number of EM rounds from an explicit start and returns the parameters. Rounds are timed
by the difference of a long and a short run, which leaves out validation, set-up and a last E step for all alike.
"""

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import fastgmm
from fastgmm import MixtureParameters

REG_COVAR = 1e-6


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
        """Size, and what differs from full covariances of float64 in C order."""
        defaults = {"covariance_type": "full", "dtype": "float64", "order": "C"}
        special = [getattr(self, field) for field, default in defaults.items() if getattr(self, field) != default]
        if self.separation < 1.0:
            special.append("overlapping")
        return f"{self.n_samples:g} x {self.n_features}, K = {self.n_components}" + "".join(
            ", Fortran order" if each == "F" else f", {each}" for each in special
        )

    def problem(self, n_samples: int | None = None) -> tuple[np.ndarray, MixtureParameters]:
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
        start = MixtureParameters(
            np.full(k, 1.0 / k), means + 0.3 * generator.normal(size=(k, d)), covariances, self.covariance_type
        )
        X = means[generator.integers(k, size=n)] + generator.normal(size=(n, d))
        return np.asarray(X, order=self.order, dtype=self.dtype), start


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
        # Here every row counts for every component, and nothing is left out (fastgmm/kernels/significant.py).
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
        ``run(X, start, n_rounds)`` returns `MixtureParameters`.
    rounds : (int, int)
        The short and the long run whose difference is timed; far enough apart that a stall of the machine
        during the short one does not turn the difference negative.
    regularised : bool
        Whether it adds `REG_COVAR` to the covariances; decides what it is verified against.
    applies : callable
        Whether it can do a case, and in a bearable time.
    """

    name: str
    run: Callable[[np.ndarray, MixtureParameters, int], MixtureParameters]
    rounds: tuple[int, int]
    regularised: bool = True
    applies: Callable[[Case], bool] = lambda case: True


def run_fastgmm(X, start, n_rounds, reg_covar=REG_COVAR):
    # With tol=0 no change is below the tolerance, so the rounds are exactly n_rounds.
    return fastgmm.fit(
        X,
        start.n_components,
        covariance_type=start.covariance_type,
        init=start,
        tol=0.0,
        max_iter=n_rounds,
        reg_covar=reg_covar,
    ).parameters


def run_scikit_learn(X, start, n_rounds):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    matrices = start.covariance_type in ("full", "tied")
    mixture = GaussianMixture(
        start.n_components,
        covariance_type=start.covariance_type,
        # In the dtype of the rows: a start in double would make it compute float32 rows in double.
        weights_init=start.weights.astype(X.dtype),
        means_init=start.means.astype(X.dtype),
        precisions_init=(np.linalg.inv(start.covariances) if matrices else 1.0 / start.covariances).astype(X.dtype),
        tol=0.0,
        reg_covar=REG_COVAR,
        max_iter=n_rounds,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(X)
    return MixtureParameters(mixture.weights_, mixture.means_, mixture.covariances_, start.covariance_type)


def run_onedal(X, start, n_rounds):
    import daal4py

    diagonal = start.covariance_type == "diag"
    result = daal4py.em_gmm(
        nComponents=start.n_components,
        maxIterations=n_rounds,
        accuracyThreshold=0.0,
        covarianceStorage="diagonal" if diagonal else "full",
        regularizationFactor=0.0,
    ).compute(
        X,
        start.weights[np.newaxis],
        start.means,
        [np.ascontiguousarray(np.atleast_2d(covariance)) for covariance in start.covariances],
    )
    covariances = np.reshape([np.asarray(each) for each in result.covariances], start.covariances.shape)
    return MixtureParameters(np.ravel(result.weights), result.means, covariances, start.covariance_type)


def onedal_applies(case):
    # oneDAL is an optional peer (scikit-learn-intelex), with two of the structures; float32 would be converted.
    found = importlib.util.find_spec("daal4py") is not None
    return found and case.covariance_type in ("full", "diag") and case.dtype == "float64" and case.order == "C"


IMPLEMENTATIONS = (
    Implementation("fastgmm", run_fastgmm, rounds=(2, 12)),
    Implementation("scikit-learn", run_scikit_learn, rounds=(1, 3)),
    Implementation("oneDAL", run_onedal, rounds=(1, 4), regularised=False, applies=onedal_applies),
)
