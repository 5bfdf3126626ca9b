"""What labels by near components ask of a mixture: bounds of its matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.pruning.bounds import ROUNDED_DOWN, ROUNDED_UP
from ...kernels.work import Work

Array = NDArray[np.float64]

# Components whose rows are asked for, as the model has them.
ASKED = 16
# Numbers of the matrices that are dealt with at once; there are half a dozen copies of them.
NUMBERS = 1 << 18


def bounds_of(work: Work, margin: float = 0.0) -> tuple[Array, Array, float]:
    """Return widths and least eigenvalues of components, and which share of the pairs seems to be near.

    That is estimated for rows of some components, as the model has them: a pair is near where the bound of the second
    component exceeds the density of the first, times exp(-2 `margin`), by what three standard deviations of its slope
    are.
    """
    model, state = work.model, work.state
    d, n_components = len(model.scales), len(model.constants)
    scales = model.scales.astype(np.float64)
    cumulated = np.cumsum(state.weights)
    asked = np.searchsorted(cumulated, cumulated[-1] * (np.arange(ASKED) + 0.5) / ASKED)
    means, covariances = model.means[asked, :d].astype(np.float64), in_units(state.covariances[asked], scales)
    widths, least = np.empty(n_components), np.empty(n_components)
    n_near = 0
    step = max(1, NUMBERS // (d * d))
    for first in range(0, n_components, step):
        some = slice(first, first + step)
        factors = model.factors[some, :d, :d].astype(np.float64)
        constants, offsets = (each[some].astype(np.float64) for each in (model.constants, model.offsets[:, :d]))
        transposed = factors.transpose(0, 2, 1)
        widths[some] = np.sqrt(_norms(transposed @ factors)) * ROUNDED_UP
        least[some] = ROUNDED_DOWN / _norms(4.0 * in_units(state.covariances[some], scales))
        white = factors @ means.T + offsets[:, :, np.newaxis]
        slopes = 2.0 * transposed @ white
        rest = constants[:, np.newaxis] - np.square(white).sum(axis=1) - model.constants[asked] + 0.25 * d
        rest -= least[some, np.newaxis] * np.trace(covariances, axis1=1, axis2=2)
        for a in range(ASKED):
            spread = np.einsum("ki,ij,kj->k", slopes[:, :, a], covariances[a], slopes[:, :, a], optimize=True)
            n_near += int(np.count_nonzero(~(rest[:, a] + 3.0 * np.sqrt(spread) < -margin)))
    return widths, least, n_near / (ASKED * n_components)


def near_by(work: Work, widths: Array, least: Array) -> dict[str, NDArray[Any]]:
    """Return the fields of `Bounds` by which bounds come of where rows lie; single, as BLAS differ in last bits."""
    sizes = np.hypot.reduce(work.model.offsets.astype(np.float64), axis=1)
    return {
        "widths": (widths * ROUNDED_UP).astype(np.float32).astype(np.float64),
        "least": (least * ROUNDED_DOWN).astype(np.float32).astype(np.float64),
        "sizes": sizes,
    }


def in_units(covariances: Array, scales: Array) -> Array:
    """Return covariances (..., D, D) of rows times `scales` (D,), whose products alone may not be finite."""
    scaled: Array = covariances * scales[:, np.newaxis] * scales
    return scaled


def _norms(matrices: Array) -> Array:
    """Return bounds of the norms of symmetric matrices (K, D, D), at most a tenth above these for D up to 20.

    The largest eigenvalue of M^16 is at most its Frobenius norm, and that at most sqrt(D) times as much.
    """
    traces = np.trace(matrices, axis1=1, axis2=2)
    powers = matrices / traces[:, np.newaxis, np.newaxis]
    for _ in range(4):
        powers = powers @ powers
    norms: Array = traces * np.sqrt(np.square(powers).sum(axis=(1, 2))) ** (1.0 / 16.0)
    return norms
