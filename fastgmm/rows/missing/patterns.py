"""Patterns: rows of which the same features are observed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...model.parameters import Parameters
from ..launch.work import UNWEIGHTED

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


class Pattern(NamedTuple):
    """The rows `places` (n,) have values in the features `observed` (d,) and in no others, `missing` (D - d,)."""

    observed: Indices
    missing: Indices
    places: Indices

    def values(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return what is observed of the rows of `X` (N, D), (n, d) in C order."""
        return np.ascontiguousarray(X[self.places[:, np.newaxis], self.observed])


class Scatters(NamedTuple):
    """Total scatters (S, d + 1, d) of some patterns, see `State`, and which is that of each, `places` (P,), or -1."""

    places: Indices
    scatters: Array


class Alike(NamedTuple):
    """P patterns with equally many values a row, d, and their rows, one pattern behind the other.

    `x` (n, d) is what is observed, as the kernels take it, `weights` are (n,) or (0,); rows ``offsets[p]`` to
    ``offsets[p + 1]``, (P + 1,), are of pattern p, whose features are ``orders[p]``, (P, D), the observed ones first.
    """

    x: NDArray[Any]
    weights: Array
    offsets: Indices
    orders: Indices


def patterns_of(X: NDArray[Any]) -> list[Pattern]:
    """Return the patterns of `X` (N, D), that of complete rows first, in an order that no order of rows changes."""
    n_samples, n_features = X.shape
    # A bit for each feature, in whole words: they are sorted ten times as fast as rows of bytes.
    bits = np.zeros((n_samples, -(-n_features // 64) * 64), np.bool_)
    bits[:, :n_features] = np.isnan(X)  # NumPy 2.4 writes wrong values with AVX-512 where `out` is strided
    codes = np.packbits(bits, axis=1, bitorder="little").view("<u8")
    codes, numbers = np.unique(codes[:, 0] if codes.shape[1] == 1 else codes, axis=0, return_inverse=True)
    numbers = numbers.ravel()
    order = np.argsort(numbers, kind="stable")
    ends = np.cumsum(np.bincount(numbers, minlength=len(codes)))
    found = []
    for places in np.split(order, ends[:-1]):
        gaps = bits[places[0], :n_features]
        found.append(Pattern(np.flatnonzero(~gaps), np.flatnonzero(gaps), places))
    return found


def alike(X: NDArray[Any], weights: Array, patterns: list[Pattern]) -> list[Alike]:
    """Return rows of `X` (N, D) that are weighted by `weights` (N,) or (0,), those with equally many values together.

    Patterns without weight are left out.
    """
    by_number: dict[int, list[Pattern]] = {}
    for pattern in patterns:
        if not len(weights) or weights[pattern.places].any():
            by_number.setdefault(len(pattern.observed), []).append(pattern)
    found = []
    for d, those in by_number.items():
        offsets = np.cumsum([0, *(len(pattern.places) for pattern in those)])
        x, counts = np.empty((offsets[-1], d), X.dtype), UNWEIGHTED
        for pattern, first, end in zip(those, offsets[:-1], offsets[1:], strict=True):
            x[first:end] = X[pattern.places[:, np.newaxis], pattern.observed]
        if len(weights):
            counts = weights[np.concatenate([pattern.places for pattern in those])]
        x.flags.writeable = False
        found.append(Alike(x, counts, offsets, np.array([np.concatenate(pattern[:2]) for pattern in those])))
    return found


def marginal_of(parameters: Parameters, features: Indices) -> Parameters:
    """Return the parameters of the mixture of some `features` (d,), in the same structure."""
    covariances, n_axes = parameters.covariances, parameters.structure.n_axes
    if n_axes == 2:
        covariances = covariances[..., features[:, np.newaxis], features]
    elif n_axes == 1:
        covariances = covariances[..., features]
    return parameters._replace(means=parameters.means[:, features], covariances=covariances)
