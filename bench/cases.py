"""One registry of problems and one of implementations, for whatever is timed or compared.

An implementation does a number of EM rounds from an explicit start and returns the parameters. Rounds are timed
by the difference of a long and a short run, which leaves out validation, set-up and a last E step for all alike.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import fastgmm
from bench import pure_python
from fastgmm import MixtureParameters, naive

REG_COVAR = 1e-6


@dataclass(frozen=True)
class Case:
    """Rows drawn from a mixture with overlapping components."""

    n_samples: int
    n_features: int
    n_components: int
    order: str = "C"

    @property
    def name(self) -> str:
        """Size and, where it is not C, memory order."""
        order = "" if self.order == "C" else ", Fortran order"
        return f"{self.n_samples:g} x {self.n_features}, K = {self.n_components}{order}"

    def problem(self, n_samples: int | None = None) -> tuple[np.ndarray, MixtureParameters]:
        """Return rows of the mixture (N, D), all by default, and the start."""
        n, d, k = n_samples or self.n_samples, self.n_features, self.n_components
        generator = np.random.default_rng(0)
        means = 3.0 * generator.normal(size=(k, d))
        # The start is drawn before the rows, so that it is the same for any number of them.
        start = MixtureParameters(
            np.full(k, 1.0 / k), means + 0.3 * generator.normal(size=(k, d)), np.array([2.0 * np.eye(d)] * k)
        )
        X = means[generator.integers(k, size=n)] + generator.normal(size=(n, d))
        return np.asarray(X, order=self.order), start


CASES = {
    case.name: case
    for case in (
        Case(1_000_000, 2, 4),
        Case(1_000_000, 2, 4, "F"),
        Case(1_000_000, 8, 8),
    )
}


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
    rows : int or None
        Rows it is given, where all would take hours; times are per row.
    regularised : bool
        Whether it adds `REG_COVAR` to the covariances; decides what it is verified against.
    """

    name: str
    run: Callable[[np.ndarray, MixtureParameters, int], MixtureParameters]
    rounds: tuple[int, int]
    rows: int | None = None
    regularised: bool = True


def run_fastgmm(X, start, n_rounds, reg_covar=REG_COVAR):
    # With tol=0 no change is below the tolerance, so the rounds are exactly n_rounds.
    return fastgmm.fit(X, start.n_components, init=start, tol=0.0, max_iter=n_rounds, reg_covar=reg_covar).parameters


def run_scikit_learn(X, start, n_rounds):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(
        start.n_components,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=np.linalg.inv(start.covariances),
        init_params="random_from_data",  # the cheapest: scikit-learn runs it even with an explicit start
        tol=0.0,
        reg_covar=REG_COVAR,
        max_iter=n_rounds,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(X)
    return MixtureParameters(mixture.weights_, mixture.means_, mixture.covariances_)


def run_naive(X, start, n_rounds):
    parameters = (start.weights, start.means, start.covariances)
    for _ in range(n_rounds):
        # E and M step only: the original's second double loop, for the log-likelihood, is not held against it.
        parameters = naive.m_step(X, naive.e_step(X, *parameters))
    return MixtureParameters(*parameters)


def run_pure_python(X, start, n_rounds):
    rows = X.tolist()
    parameters = (start.weights.tolist(), start.means.tolist(), start.covariances.tolist())
    for _ in range(n_rounds):
        parameters = pure_python.em_round(rows, *parameters)
    return MixtureParameters(*map(np.array, parameters))


IMPLEMENTATIONS = (
    Implementation("fastgmm", run_fastgmm, rounds=(2, 22)),
    Implementation("scikit-learn", run_scikit_learn, rounds=(1, 4)),
    Implementation("pure Python loop", run_pure_python, rounds=(1, 7), rows=2000, regularised=False),
    Implementation("fastgmm.naive, the original", run_naive, rounds=(1, 7), rows=500, regularised=False),
)
