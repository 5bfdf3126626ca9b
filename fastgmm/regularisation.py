"""What is added to the diagonal of every covariance: a number, or a share of the variance of each feature."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .accumulation import first_counted
from .kernels import variances
from .kernels.blocks import MAX_ROWS
from .loading import pieces, whole_piece
from .parameters import Mixture

Array = NDArray[np.float64]

# Of a feature's variance: on standardised features what scikit-learn's default adds.
SHARE = 1e-6
# No smaller regulariser has a reciprocal that leaves room for sums.
LEAST = 1e-290
# Rows summed by one call of compiled code, which Ctrl-C has to wait for.
_PIECE = 1 << 20
# Values that are summed in a single call of compiled code.
_SMALL = 1 << 14


def regularisation(reg_covar: float | str, X: NDArray[Any], weights: Array) -> Array:
    """Return what is added to the variance of each feature, (D,); `weights` are (N,) or of length 0.

    "auto" is `SHARE` of each feature's variance. A constant feature, or one whose variance underflows, takes the
    smallest variance of the others; without others the square of the largest mean; and for rows of zeros 1.
    """
    n_features = X.shape[1]
    if not isinstance(reg_covar, str):
        return np.full(n_features, reg_covar)
    added = np.empty(n_features)
    if X.size <= _SMALL and not len(weights):
        variances.regularise_small(whole_piece(X), SHARE, LEAST, added)
        return added
    total = float(weights.sum()) if len(weights) else len(X)
    origin = X[first_counted(weights)].copy()
    sums, moments = np.zeros((2, n_features)), np.empty((2, n_features))
    # The second pass is about the mean, so that nothing cancels.
    for _ in range(2):
        for start, x in pieces(X, _PIECE, MAX_ROWS, X.dtype):
            variances.column_sums(x, weights[start : start + len(x)], origin, sums)
        variances.shift_origin(sums, total, origin, moments[0], moments[1])
    variances.share_of_variances(moments[0], moments[1], SHARE, LEAST, added)
    return added


def widened_by_rounding(parameters: Mixture) -> Mixture:
    """Return `parameters` with variances larger by the square of two units in the last place of the means."""
    added = (2.0 * np.finfo(np.float64).eps * parameters.means) ** 2
    covariances = parameters.covariances
    if parameters.covariance_type == "full":
        covariances = covariances + added[:, :, np.newaxis] * np.eye(parameters.n_features)
    elif parameters.covariance_type == "tied":
        covariances = covariances + np.diag(added.min(axis=0))
    else:
        covariances = covariances + (added if parameters.covariance_type == "diag" else added.mean(axis=1))
    return replace(parameters, covariances=covariances)
