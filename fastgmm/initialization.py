"""Where EM starts: k-means, k-means++, random, random rows, or what the user gives.

The four named starts mean what scikit-learn's `init_params` mean. All but explicit parameters end in an M step
on responsibilities, which no start ever stores as a whole: they are made for a few thousand rows at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _checks
from .accumulation import UNWEIGHTED, Given
from .k_means import KMeans, small_k_means
from .parameters import Mixture
from .sources import ArraySource, Partition, Start
from .steps import maximize, plan_of

Array = NDArray[np.float64]

METHODS = ("kmeans", "k-means++", "random", "random_from_data")


def start(
    X: NDArray[Any],
    n_components: int,
    *,
    weights: Array,
    covariance_type: str,
    init: str | Mixture | NDArray[Any],
    reg_covar: Array,
    generator: np.random.Generator,
    n_threads: int | None,
) -> Start:
    """Return what EM starts from; every argument has been checked by `check_init`."""
    if isinstance(init, Mixture):
        return init
    if isinstance(init, np.ndarray) and init.ndim == 1:
        return _partition(X, weights, init, n_components, covariance_type, reg_covar, n_threads)
    if isinstance(init, str) and init == "kmeans":
        if plan_of(covariance_type, n_components, X.shape[1]).is_small(len(X)) and not len(weights):
            labels, means = small_k_means(X, n_components, generator), None
        else:
            labels, means = KMeans(X, n_components, n_threads, weights).fit(generator)
        return _partition(X, weights, labels, n_components, covariance_type, reg_covar, n_threads, means)
    given: Given
    if isinstance(init, np.ndarray):
        given = _rows_of(init)
    elif init == "random":
        given = _random(generator, n_components)
    else:
        if init == "k-means++":
            rows = KMeans(X, n_components, n_threads, weights).plus_plus(generator)
        else:
            chances = weights / weights.sum() if len(weights) else None
            rows = generator.choice(len(X), size=n_components, replace=False, p=chances)
        # One row a component has no spread of its own: as in scikit-learn the covariance is reg_covar I.
        X, weights, given = np.asarray(X[rows]), UNWEIGHTED, np.arange(n_components)
    return _parameters(X, weights, given, n_components, covariance_type, reg_covar, n_threads)


def _partition(
    X: NDArray[Any],
    weights: Array,
    labels: NDArray[np.int64],
    n_components: int,
    covariance_type: str,
    reg_covar: Array,
    n_threads: int | None,
    means: Array | None = None,
) -> Partition:
    def parameters() -> Mixture:
        return _parameters(X, weights, labels, n_components, covariance_type, reg_covar, n_threads, means)

    return Partition(labels, n_components, covariance_type, parameters)


def _parameters(
    X: NDArray[Any],
    weights: Array,
    given: Given,
    n_components: int,
    covariance_type: str,
    reg_covar: Array,
    n_threads: int | None,
    means: Array | None = None,
) -> Mixture:
    """Return the M step of given responsibilities or labels, whose `means` (K, D) may be known."""
    statistics = ArraySource(X, n_threads, weights).statistics_given(given, n_components, covariance_type, means)
    return maximize(statistics, reg_covar)


def check_init(
    init: Any, X: NDArray[Any], n_components: int, covariance_type: str, weights: Array
) -> str | Mixture | NDArray[Any]:
    """Return `init` in one of the forms `start` takes; TypeError or ValueError otherwise."""
    n_samples, n_features = X.shape
    if isinstance(init, str):
        return _checks.check_choice("init", init, METHODS)
    if isinstance(init, Mixture):
        parameters = _checks.check_parameters(init)
        if parameters.covariance_type != covariance_type:
            raise ValueError(
                f"init has covariance_type {parameters.covariance_type!r}, but the fit asks for {covariance_type!r}"
            )
        if (parameters.n_components, parameters.n_features) != (n_components, n_features):
            raise ValueError(
                f"init has {parameters.n_components} components and {parameters.n_features} features, but the fit "
                f"asks for {n_components} and X has {n_features}"
            )
        return parameters
    array = np.asarray(init)
    if array.ndim == 1 and array.dtype.kind in "iu":
        return _checks.check_labels(array, n_samples, n_components, weights)
    if array.ndim == 2 and array.dtype.kind == "f":
        return _checks.check_responsibilities(array, n_samples, n_components, weights)
    raise TypeError(
        "init must be one of " + ", ".join(map(repr, METHODS)) + ", Mixture, integer labels (N,) or "
        f"floating-point responsibilities (N, K), got {type(init).__name__}"
    )


def _rows_of(given: NDArray[Any]) -> Callable[[int, int], Array]:
    return lambda a, b: given[a:b]


def _random(generator: np.random.Generator, n_components: int) -> Callable[[int, int], Array]:
    """Uniform random numbers normalised per row, the same for a row whenever and wherever it is asked for."""
    seed = int(generator.integers(2**63))

    def rows(a: int, b: int) -> Array:
        # PCG64 spends one 64-bit draw on a uniform float64, so a row's numbers have a known place.
        draws = np.random.Generator(np.random.PCG64(seed).advance(a * n_components)).random((b - a, n_components))
        draws /= draws.sum(axis=1, keepdims=True)
        return draws

    return rows
