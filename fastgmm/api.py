"""The functions of the top level: check what the user passed, then hand it on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from . import _threads, em, initialization, steps, validation
from .parameters import SHAPES, Callback, FitResult, MixtureParameters, Seed, SufficientStatistics
from .sources import Accumulation, ArraySource


def fit(
    X: Any,
    n_components: int,
    *,
    covariance_type: str = "full",
    init: Any = "kmeans",
    tol: float = 1e-3,
    reg_covar: float = 1e-6,
    max_iter: int = 100,
    n_init: int = 1,
    random_state: Seed = None,
    n_threads: int | None = None,
    callback: Callback | None = None,
) -> FitResult:
    """Fit a Gaussian mixture by expectation-maximisation.

    Parameters
    ----------
    X : array-like of shape (N, D) or (N,)
        Rows of finite real numbers: an array of any layout, read-only or memory-mapped, a pandas or Arrow
        table with numeric columns, or anything `np.asarray` understands. float32 is computed in single precision,
        with sums in double, and gives float32 parameters; other dtypes become float64. (N,) is N samples of one
        feature.
    n_components : int
        Number of components, K; at most N.
    covariance_type : {"full", "tied", "diag", "spherical"}
        Covariance structure: a matrix for each component, one matrix for all, a variance for each component and
        feature, a variance for each component.
    init : str, MixtureParameters or array
        "kmeans", "k-means++", "random" or "random_from_data", with scikit-learn's meaning; or explicit
        parameters; or integer labels (N,); or responsibilities (N, K).
    tol : float
        EM stops when the mean log-likelihood per row, in nats, changes by less than this.
    reg_covar : float
        Added to the diagonal of every covariance, in the squared units of the data.
    max_iter : int
        Rounds of EM at most.
    n_init : int
        Number of starts; the one that ends highest is returned.
    random_state : None, int or NumPy random generator
        An integer seeds `numpy.random.default_rng`.
    n_threads : int, optional
        Threads of this call; by default Numba's current number. The result does not depend on it.
    callback : callable, optional
        Called as ``callback(state)`` with an `IterationState` after each round; a true result stops the fit
        and keeps the best restart so far.

    Returns
    -------
    FitResult

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it may be, or if every restart failed.

    Warns
    -----
    RuntimeWarning
        If some but not all restarts failed.
    """
    rows = validation.as_rows(X)
    n_samples, n_features = rows.shape
    n_components = validation.check_integer("n_components", n_components, 1)
    if n_samples < n_components:
        raise ValueError(f"n_components must be at most the number of rows, {n_samples}, got {n_components}")
    covariance_type = validation.check_choice("covariance_type", covariance_type, tuple(SHAPES))
    checked_init = initialization.check_init(init, n_samples, n_features, n_components, covariance_type)
    tol = validation.check_nonnegative("tol", tol)
    reg_covar = validation.check_nonnegative("reg_covar", reg_covar)
    max_iter = validation.check_integer("max_iter", max_iter, 0)
    n_init = validation.check_integer("n_init", n_init, 1)
    generator = validation.check_random_state(random_state)
    n_threads = _threads.check_n_threads(n_threads)

    result = em.best_of(
        ArraySource(rows, n_threads),
        lambda: initialization.start(
            rows,
            n_components,
            covariance_type=covariance_type,
            init=checked_init,
            reg_covar=reg_covar,
            generator=generator,
            n_threads=n_threads,
        ),
        # An explicit start is the same every time.
        n_init=n_init if isinstance(checked_init, str) else 1,
        tol=tol,
        reg_covar=reg_covar,
        max_iter=max_iter,
        callback=callback,
    )
    feature_names = validation.feature_names_of(X)
    if feature_names is None and rows.dtype == np.float64:
        return result
    fitted = result.parameters
    parameters = MixtureParameters(
        fitted.weights.astype(rows.dtype, copy=False),
        fitted.means.astype(rows.dtype, copy=False),
        fitted.covariances.astype(rows.dtype, copy=False),
        covariance_type,
        feature_names,
    )
    return replace(result, parameters=parameters)


def accumulate(X: Any, parameters: MixtureParameters, *, n_threads: int | None = None) -> SufficientStatistics:
    """Sufficient statistics of the rows of `X` under `parameters`: one E step.

    Statistics of different rows under the same parameters add up with ``+``.

    Parameters
    ----------
    X : array-like of shape (N, D) or (N,)
        As for `fit`.
    parameters : MixtureParameters
        The current parameters; the moments are taken about their means.
    n_threads : int, optional
        As for `fit`.

    Returns
    -------
    SufficientStatistics

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it may be, or a covariance is not positive definite.
    """
    parameters = validation.check_parameters(parameters)
    rows = validation.as_rows(X, n_features=parameters.n_features)
    accumulation = Accumulation(steps.prepare(parameters), _threads.check_n_threads(n_threads))
    accumulation.add(rows)
    return accumulation.finish()


def maximize(statistics: SufficientStatistics, *, reg_covar: float = 1e-6) -> MixtureParameters:
    """Parameters that maximise the expected log-likelihood given `statistics`: one M step.

    Parameters
    ----------
    statistics : SufficientStatistics
        From `accumulate`, or a sum of such.
    reg_covar : float
        Added to the diagonal of every covariance, in the squared units of the data.

    Returns
    -------
    MixtureParameters
    """
    if not isinstance(statistics, SufficientStatistics):
        raise TypeError(f"statistics must be SufficientStatistics, got {type(statistics).__name__}")
    return steps.maximize(statistics, validation.check_nonnegative("reg_covar", reg_covar))


def warmup() -> None:
    """Compile the default path, or load it from the cache: full covariance, D = 2 and general D.

    Both the serial and the parallel drivers, so that a later measurement meets no compiler.
    """
    for n_features in (2, 4):
        # Enough rows for every launch, those of k-means included, to run in parallel; then few enough for none.
        X = np.random.default_rng(0).normal(size=(100_000, n_features))
        parameters = fit(X, 2, max_iter=1, random_state=0).parameters
        fit(X[:100], 2, max_iter=1, random_state=0)
        parameters.predict(X)
        parameters.predict(X[:100])
