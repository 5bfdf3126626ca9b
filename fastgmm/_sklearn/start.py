"""What the estimator's arguments mean to a fit: its options, and the parameters it starts from."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import MOST_ROUNDS, as_numbers, check_random_state
from ..em.options import ACCELERATIONS, Options
from ..em.progress import Progress
from ..mixture import Mixture
from ..model.structures import STRUCTURES, check_structure
from ..rows.launch.threads import check_n_threads
from ..rows.source import EM
from . import classes


def watch_of(model: Any) -> Progress | None:
    """Return what tells of a fit before its first iteration, from which on a callback does."""
    # A program without a console has no standard output; `print` says nothing there.
    return Progress(sys.stdout, silent=EM) if model.verbose and sys.stdout is not None else None


def options_of(model: Any, fitted: Mixture | None, n_features: int, watch: Progress | None) -> Options:
    """Return the options of a fit to rows of `n_features`, for arguments that the constructor may have.

    `fitted` is the mixture that a warm start goes on from; with another number of components the fit starts anew.

    Raises
    ------
    TypeError, ValueError
        If an initial parameter is not what it may be, or `fitted` has other features.
    """
    if fitted is not None and fitted.n_features != n_features:
        raise ValueError(
            f"warm_start goes on from a fit to {fitted.n_features} features, but X has {n_features}; set "
            "warm_start=False to start anew"
        )
    given = given_parameters(model, n_features)
    warm = fitted is not None and fitted.n_components == model.n_components
    init: Any = model.init_params
    if fitted is not None and warm:
        init = fitted.parameters
    elif len(given) == 3:
        init = Mixture(**given, covariance_type=model.covariance_type).parameters
    tol, max_iter = float(model.tol), min(int(model.max_iter), MOST_ROUNDS)
    callback = classes.Progress(model.verbose, model.verbose_interval, tol, max_iter) if model.verbose else None
    return Options(
        n_components=int(model.n_components),
        covariance_type=check_structure("covariance_type", model.covariance_type, n_features),
        init=init,
        tol=tol,
        reg_covar=float(model.reg_covar),
        max_iter=max_iter,
        n_init=int(model.n_init),
        generator=check_random_state(model.random_state),
        n_threads=check_n_threads(model.n_threads),
        callback=callback,
        watch=watch,
        short_iter=None if model.short_iter is None else int(model.short_iter),
        accelerated=model.acceleration != ACCELERATIONS[0],
        previous=model.lower_bound_ if warm else -math.inf,
        replaced=tuple(given.items()) if isinstance(init, str) else (),
    )


def given_parameters(model: Any, n_features: int) -> dict[str, Any]:
    """Return the checked ``*_init`` arguments by their names in `Mixture`."""
    k = model.n_components
    given = {}
    if model.weights_init is not None:
        given["weights"] = _weights_of(model.weights_init, k)
    if model.means_init is not None:
        given["means"] = _initial("means", model.means_init, (k, n_features))
    if model.precisions_init is not None:
        given["covariances"] = _covariances_of(model.precisions_init, model.covariance_type, (k, n_features))
    return given


def _initial(name: str, values: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = as_numbers(f"The parameter '{name}'", values)
    if array.shape != shape:
        raise ValueError(f"The parameter '{name}' should have the shape of {shape}, but got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"The parameter '{name}' should be finite, but has NaN or infinite values")
    return array


def _weights_of(values: Any, n_components: int) -> NDArray[np.float64]:
    weights = _initial("weights", values, (n_components,))
    if (weights < 0.0).any() or (weights > 1.0).any():
        raise ValueError(
            "The parameter 'weights' should be in the range [0, 1], but got max value "
            f"{weights.min():.5f}, min value {weights.max():.5f}"
        )
    single = getattr(values, "dtype", None) == np.float32
    if abs(1.0 - weights.sum()) > (1e-6 if single else 1e-8):
        raise ValueError(f"The parameter 'weights' should be normalized, but got sum(weights) = {weights.sum():.5f}")
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


def _covariances_of(values: Any, covariance_type: str, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return the covariances whose inverses are the initial precisions `values`, of K components and D features."""
    structure = STRUCTURES[check_structure("covariance_type", covariance_type)]
    precisions = _initial(f"{covariance_type} precision", values, structure.shape(*size))
    if not structure.has_matrices:
        if (precisions <= 0.0).any():
            raise ValueError(f"'{covariance_type} precision' should be positive")
        covariances = np.asarray(1.0 / precisions)
    else:
        symmetric = np.allclose(precisions, np.swapaxes(precisions, -1, -2))
        if not symmetric or not (np.linalg.eigvalsh(precisions) > 0.0).all():
            raise ValueError(f"'{covariance_type} precision' should be symmetric, positive-definite")
        inverse = np.linalg.inv(precisions)
        covariances = np.asarray(0.5 * (inverse + np.swapaxes(inverse, -1, -2)))
    if not np.isfinite(covariances).all():
        raise ValueError(f"'{covariance_type} precision' should have an inverse that float64 holds")
    return covariances
