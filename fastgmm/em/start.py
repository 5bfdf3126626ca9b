"""Where EM starts: k-means, k-means++, random, random rows, or what the user gives.

The four named starts mean what scikit-learn's `init_params` mean. All but explicit parameters end in an M step
on responsibilities, which no start ever stores as a whole: they are made for a few thousand rows at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import check_choice
from ..model.parameters import Parameters
from ..model.plan import Plan
from ..model.regulariser import Regulariser
from ..rows.array import ArraySource
from ..rows.check import check_labels, check_responsibilities
from ..rows.source import Memberships, Partition, Rounds, Source, Start
from .regulariser import of_single_rows, regularisation

Array = NDArray[np.float64]

METHODS = ("kmeans", "k-means++", "random", "random_from_data")


def begin(
    source: Source,
    plan: Plan,
    init: str | Parameters | NDArray[Any],
    reg_covar: float | str,
    generator: np.random.Generator,
) -> Rounds:
    """Return a run that begins with what is asked for, see `start`."""
    run = source.begin_whole(plan, reg_covar, generator) if isinstance(init, str) and init == "kmeans" else None
    if run is not None:
        return run
    regulariser = regularisation(reg_covar, source)
    return source.begin(plan, start(source, plan, init, regulariser, generator), regulariser)


def start(
    source: Source,
    plan: Plan,
    init: str | Parameters | NDArray[Any],
    regulariser: Regulariser,
    generator: np.random.Generator,
) -> Start:
    """Return what EM starts from: one of the `METHODS`, parameters, labels (N,) int64 or responsibilities (N, K)."""
    k = plan.n_components
    if isinstance(init, Parameters):
        return init
    if isinstance(init, np.ndarray):
        return Partition(init) if init.ndim == 1 else _rows_of(init)
    if init == "kmeans":
        return source.clusters(k, generator)
    if init == "random":
        return _random(generator, k)
    rows = source.spread_out(k, generator) if init == "k-means++" else source.draw(k, generator)
    # One row a component has no spread of its own. Its covariance is reg_covar I, as in scikit-learn, or the share of
    # the variances of all rows that scikit-learn's default is of standardised features.
    run = ArraySource(rows).begin(plan, Partition(np.arange(k)), of_single_rows(regulariser, source))
    run.advance(0)
    parameters = run.parameters()
    run.close()
    return parameters


def check_init(init: Any, source: Source, n_components: int, covariance_type: str) -> str | Parameters | NDArray[Any]:
    """Return `init`, parameters in place of a mixture, as `start` takes it; TypeError or ValueError otherwise."""
    n_samples, n_features, weights = source.n_samples, source.n_features, source.weights
    if isinstance(init, str):
        return check_choice("init", init, METHODS)
    if isinstance(init, Parameters):
        if init.covariance_type != covariance_type:
            raise ValueError(
                f"init has covariance_type {init.covariance_type!r}, but the fit asks for {covariance_type!r}"
            )
        if (init.n_components, init.n_features) != (n_components, n_features):
            raise ValueError(
                f"init has {init.n_components} components and {init.n_features} features, but the fit "
                f"asks for {n_components} and X has {n_features}"
            )
        return init
    array = np.asarray(init)
    if array.ndim == 1 and array.dtype.kind in "iu":
        return check_labels(array, n_samples, n_components, weights)
    if array.ndim == 2 and array.dtype.kind == "f":
        return check_responsibilities(array, n_samples, n_components, weights)
    raise TypeError(
        "init must be one of " + ", ".join(map(repr, METHODS)) + ", Mixture, integer labels (N,) or "
        f"floating-point responsibilities (N, K), got {type(init).__name__}"
    )


def _rows_of(given: NDArray[Any]) -> Memberships:
    return lambda a, b: given[a:b]


def _random(generator: np.random.Generator, n_components: int) -> Memberships:
    """Uniform random numbers normalised per row, the same for a row whenever and wherever it is asked for."""
    seed = int(generator.integers(2**63))

    def rows(a: int, b: int) -> Array:
        # PCG64 spends one 64-bit draw on a uniform float64, so a row's numbers have a known place.
        draws = np.random.Generator(np.random.PCG64(seed).advance(a * n_components)).random((b - a, n_components))
        draws /= draws.sum(axis=1, keepdims=True)
        return draws

    return rows
