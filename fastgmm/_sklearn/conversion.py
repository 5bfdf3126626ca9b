"""Parameters to scikit-learn's `GaussianMixture` and back, and the precisions that it keeps."""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import _checks

if TYPE_CHECKING:
    from ..parameters import Mixture

Array = NDArray[np.float64]


def precisions_of(parameters: Mixture) -> tuple[Array, Array]:
    """Return scikit-learn's ``precisions_cholesky_`` and ``precisions_``."""
    if parameters.covariance_type in ("diag", "spherical"):
        deviations = 1.0 / np.sqrt(parameters.covariances)
        return deviations, deviations**2
    factors = np.linalg.cholesky(parameters.covariances)
    identity = np.broadcast_to(np.eye(parameters.n_features, dtype=factors.dtype), factors.shape)
    cholesky = np.triu(np.swapaxes(np.linalg.solve(factors, identity), -1, -2))
    return cholesky, cholesky @ np.swapaxes(cholesky, -1, -2)


def to_sklearn(parameters: Mixture) -> Any:
    """Return a `sklearn.mixture.GaussianMixture` that is fitted with `parameters`."""
    parameters = _checks.check_parameters(parameters)
    mixture = importlib.import_module("sklearn.mixture")
    model = mixture.GaussianMixture(parameters.n_components, covariance_type=parameters.covariance_type)
    model.weights_, model.means_, model.covariances_ = parameters.weights, parameters.means, parameters.covariances
    model.precisions_cholesky_, model.precisions_ = precisions_of(parameters)
    model.converged_, model.n_iter_, model.lower_bound_, model.lower_bounds_ = True, 0, -math.inf, []
    model.n_features_in_ = parameters.n_features
    if parameters.feature_names is not None:
        model.feature_names_in_ = np.array(parameters.feature_names, dtype=object)
    return model


def from_sklearn(model: Any) -> Mixture:
    """Return the parameters of a fitted mixture; see `Mixture.from_sklearn`."""
    from ..parameters import Mixture

    missing = [name for name in ("weights_", "means_", "covariances_", "covariance_type") if not hasattr(model, name)]
    if missing:
        raise TypeError(
            f"model must be a fitted mixture with scikit-learn's attributes, got {type(model).__name__} without "
            f"{', '.join(missing)}"
        )
    names = getattr(model, "feature_names_in_", None)
    return _checks.check_parameters(
        Mixture(
            model.weights_,
            model.means_,
            model.covariances_,
            model.covariance_type,
            None if names is None else tuple(names),
        )
    )
