"""The check of a mixture's parameters: what passes it, every function of the package can use."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Set
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from .._checks import as_numbers, shown
from .parameters import Array, Parameters
from .structures import STRUCTURES, Structure, check_structure


def check_parameters(weights: Any, means: Any, covariances: Any, covariance_type: Any) -> Parameters:
    """Return the parameters as C-contiguous copies: float32 if all three are float32 arrays, else float64.

    Raises
    ------
    TypeError
        If they are not numbers.
    ValueError
        If shapes do not agree, a number is not finite, weights are not probabilities, or a covariance is not
        symmetric and positive definite.
    """
    structure = STRUCTURES[check_structure("covariance_type", covariance_type)]  # before numbers of any shape
    single = all(getattr(each, "dtype", None) == np.float32 for each in (weights, means, covariances))
    dtype = np.float32 if single else np.float64
    weights = as_finite("weights", weights, dtype)
    means = as_finite("means", means, dtype)
    covariances = as_finite("covariances", covariances, dtype)
    if means.ndim != 2 or means.size == 0:
        raise ValueError(f"means must be of shape (n_components, n_features), got {means.shape}")
    k, d = means.shape
    check_structure("covariance_type", covariance_type, d)
    if weights.shape != (k,):
        raise ValueError(f"weights must be of shape ({k},) for means of shape {means.shape}, got {weights.shape}")
    expected = structure.shape(k, d)
    if covariances.shape != expected:
        raise ValueError(
            f"covariances of type {structure.name!r} must be of shape {expected} for means of shape "
            f"{means.shape}, got {covariances.shape}"
        )
    if (weights < 0.0).any() or not math.isclose(float(weights.sum(dtype=np.float64)), 1.0, abs_tol=1e-6):
        raise ValueError(f"weights must be non-negative and sum to 1, got {weights.tolist()}")
    _check_definite(covariances.astype(np.float64, copy=False), structure)
    return Parameters(weights, means, covariances, structure.name)


def check_feature_names(names: Any, n_features: int) -> tuple[str, ...] | None:
    """Return `names` as a tuple of D strings, None for None; TypeError or ValueError otherwise."""
    if names is None:
        return None
    if isinstance(names, str | Mapping | Set) or not isinstance(names, Iterable):
        raise TypeError(f"feature_names must be a list of strings, got {shown(names)}")
    listed: tuple[str, ...] = tuple(names)
    if not all(isinstance(name, str) for name in listed):
        raise TypeError(f"feature_names must be a list of strings, got {shown(list(listed))}")
    if len(listed) != n_features:
        raise ValueError(f"feature_names must name {n_features} features, got {len(listed)}")
    return listed


def as_finite(name: str, values: Any, dtype: Any = np.float64) -> NDArray[Any]:
    """Return finite `values` as a C-contiguous copy of `dtype`; TypeError or ValueError if they are not."""
    array = as_numbers(name, values, dtype)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return array


def check_symmetric(name: str, matrices: Array) -> None:
    """Raise ValueError if `matrices` (..., D, D) are not symmetric."""
    asymmetry = float(np.abs(matrices - np.swapaxes(matrices, -1, -2)).max())
    if asymmetry > 1e-8 * float(np.abs(matrices).max()):
        raise ValueError(f"{name} must be symmetric, got an asymmetry of {asymmetry:g}")


def _check_definite(covariances: Array, structure: Structure) -> None:
    """Raise ValueError if the covariances, of float64, are not symmetric and positive definite."""
    if not structure.has_matrices:
        definite = covariances > 0.0
        if not definite.all():
            _refuse(int(np.argmin(definite.reshape(len(np.atleast_1d(definite)), -1).all(axis=1))))
        return
    check_symmetric("covariances", covariances)
    if not _has_factors(covariances):
        _refuse(first_indefinite(covariances.reshape(-1, *covariances.shape[-2:])))


def factors_of(covariances: Array) -> Array:
    """Return the lower Cholesky factors of covariances (K, D, D); ValueError for the first that has none."""
    try:
        return np.asarray(np.linalg.cholesky(covariances))
    except np.linalg.LinAlgError:
        _refuse(first_indefinite(covariances))


def first_indefinite(covariances: Iterable[Array]) -> int:
    """Return the first of matrices (D, D), or of stacks of them, without a Cholesky factor; 0 if all have one."""
    return next((k for k, matrices in enumerate(covariances) if not _has_factors(matrices)), 0)


def _has_factors(matrices: Array) -> bool:
    try:
        np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        return False
    return True


def _refuse(component: int) -> NoReturn:
    raise ValueError(f"the covariance of component {component} is not positive definite")
