"""Parameters to a fitted `sklearn.mixture.GaussianMixture` and back, and the precisions that it keeps."""

from __future__ import annotations

import importlib
import math
import zlib
from typing import Any

import numpy as np

from .._checks import own_error_state
from .check import as_finite
from .parameters import Array, Parameters
from .structures import ALIASES, STRUCTURES, check_structure


def precisions_of(parameters: Parameters) -> tuple[Array, Array]:
    """Return scikit-learn's ``precisions_cholesky_`` and ``precisions_``, in the dtype of the parameters.

    They are computed in double: the covariances of float32 rows that almost lie in a plane have inverses that single
    precision finds no factor of.

    Raises
    ------
    ValueError
        If a covariance is not positive definite, or it or its precision exceeds what the dtype holds.
    """
    covariances, dtype = parameters.covariances.astype(np.float64), parameters.covariances.dtype
    if not np.isfinite(covariances).all():
        raise ValueError(f"the covariances exceed what {dtype} holds; rescale X")
    if parameters.structure.has_matrices:
        try:
            factors = np.linalg.cholesky(covariances)
            identity = np.broadcast_to(np.eye(parameters.n_features), factors.shape)
            cholesky = np.triu(np.swapaxes(np.linalg.solve(factors, identity), -1, -2))
        except np.linalg.LinAlgError:
            raise ValueError(
                "a covariance is not positive definite, so it has no precision; increase reg_covar or rescale X"
            ) from None
        precisions = cholesky @ np.swapaxes(cholesky, -1, -2)
    else:
        cholesky = 1.0 / np.sqrt(covariances)
        precisions = cholesky**2
    cholesky, precisions = cholesky.astype(dtype), precisions.astype(dtype)
    if not np.isfinite(cholesky).all() or not np.isfinite(precisions).all():
        raise ValueError(f"the precisions exceed what {dtype} holds; increase reg_covar or rescale X")
    return cholesky, precisions


@own_error_state
def covariances_of(model: Any) -> Any:
    """Return the covariances that a model's attributes stand for, unchecked: those that its `predict` is about.

    They are `covariances_`, unless there are none, or `precisions_cholesky_` is not what a fit of ours has left:
    scikit-learn's `predict` asks for nothing else. Such factors C need not be triangular, for C C^T is the precision.

    Raises
    ------
    AttributeError
        If `model` has neither.
    TypeError, ValueError
        If `precisions_cholesky_` decides, and is no array of numbers, or has no inverse.
    """
    if not hasattr(model, "precisions_cholesky_"):
        return model.covariances_
    cholesky = model.precisions_cholesky_
    if hasattr(model, "covariances_") and getattr(model, "_checksum", None) in (None, checksum_of(cholesky)):
        return model.covariances_
    factors = as_finite("precisions_cholesky_", cholesky)
    structure = STRUCTURES[check_structure("covariance_type", fitted_structure_of(model))]
    if not structure.has_matrices:
        return 1.0 / factors**2
    try:
        inverses = np.linalg.inv(factors)
    except np.linalg.LinAlgError:
        raise ValueError("precisions_cholesky_ must be square matrices that have inverses") from None
    return np.swapaxes(inverses, -1, -2) @ inverses


def fitted_structure_of(model: Any) -> Any:
    """Return the covariance type that a model's attributes have, unchecked: the parameter may be for the next fit."""
    return getattr(model, "_fitted_covariance_type", model.covariance_type)


def checksum_of(values: Any) -> int:
    """Return a number that tells whether somebody edited an array."""
    return zlib.crc32(np.ascontiguousarray(values).tobytes())


def model_of(parameters: Parameters, feature_names: tuple[str, ...] | None) -> Any:
    """Return a fitted `sklearn.mixture.GaussianMixture`, of full covariances where it lacks the structure."""
    if parameters.covariance_type not in ALIASES.values():
        matrices = parameters.structure.complete(parameters.covariances, *parameters.means.shape)
        parameters = Parameters(parameters.weights, parameters.means, matrices, ALIASES["VVV"])
    mixture = importlib.import_module("sklearn.mixture")
    model = mixture.GaussianMixture(parameters.n_components, covariance_type=parameters.covariance_type)
    model.weights_, model.means_, model.covariances_, _ = parameters
    model.precisions_cholesky_, model.precisions_ = precisions_of(parameters)
    model.converged_, model.n_iter_, model.lower_bound_, model.lower_bounds_ = True, 0, -math.inf, []
    model.n_features_in_ = parameters.n_features
    if feature_names is not None:
        model.feature_names_in_ = np.array(feature_names, dtype=object)
    return model


def entries_of(model: Any) -> dict[str, Any]:
    """Return the parameters of a fitted mixture, unchecked, by the names they have in `fastgmm.Mixture`.

    Raises
    ------
    TypeError
        If `model` has no such attributes.
    ValueError
        If it is of an unknown structure, or its precisions decide and have no inverse.
    """
    missing = [name for name in ("weights_", "means_", "covariance_type") if not hasattr(model, name)]
    if not hasattr(model, "covariances_") and not hasattr(model, "precisions_cholesky_"):
        missing.append("covariances_")
    if missing:
        raise TypeError(
            f"model must be a fitted mixture with scikit-learn's attributes, got {type(model).__name__} without "
            f"{', '.join(missing)}"
        )
    return {
        "weights": model.weights_,
        "means": model.means_,
        "covariances": covariances_of(model),
        "covariance_type": fitted_structure_of(model),
        "feature_names": getattr(model, "feature_names_in_", None),
    }
