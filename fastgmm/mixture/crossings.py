"""Where, along one feature, a component takes over from another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# A discriminant so small beside what it is the difference of is rounding: two curves that touch.
_TOUCHING = 8.0 * np.finfo(np.float64).eps
# Roots so close, in deviations of the narrowest component, are one: that of three curves through one point.
_SAME = 1e-12


def takeovers(one: tuple[Any, Any, Any], other: tuple[Any, Any, Any]) -> Array:
    """Return where the `other` component takes over from `one`, of each weights, means and variances that broadcast.

    That is the root, downwards, of the quadratic log(w N(x | one)) - log(w N(x | other)); NaN where there is none.
    """
    (w, m, v), (w_other, m_other, v_other) = one, other
    # a u^2 - b u + c, times the variance of the other, about the mean of the one: nothing cancels far from zero.
    a, b = 0.5 * (v - v_other) / v, m_other - m
    log_weights, log_widths = _log_ratio(w, w_other), 0.5 * _log_ratio(v_other, v)
    c = v_other * (log_weights + log_widths) + 0.5 * b * b
    size = v_other * (np.abs(log_weights) + np.abs(log_widths)) + 0.5 * b * b
    discriminant = b * b - 4.0 * a * c
    root = np.sqrt(np.where(discriminant > _TOUCHING * (b * b + 4.0 * np.abs(a) * size), discriminant, np.nan))
    # Of the two forms of the root that in which nothing cancels.
    offset = np.where(b >= 0.0, 2.0 * c / (b + root), 0.5 * (b - root) / a)
    return np.asarray(np.where(np.isfinite(offset), m + offset, np.nan))


def _log_ratio(p: Any, q: Any) -> Array:
    """Return ln(p / q), with all digits where the two are almost equal."""
    return np.asarray(np.where(np.abs(p - q) < 0.5 * q, np.log1p((p - q) / q), np.log(p / q)))


def neighbours_of(weights: Array, means: Array, variances: Array) -> Array:
    """Return where components (B, K) of one feature take over from each other, (B, K - 1), by increasing means.

    NaN where one of two neighbours has the higher density everywhere, or is none.
    """
    order = np.argsort(means, axis=1)  # NaN, where there is no component, comes last
    w, m, v = (np.take_along_axis(array, order, axis=1) for array in (weights, means, variances))
    return takeovers((w[:, :-1], m[:, :-1], v[:, :-1]), (w[:, 1:], m[:, 1:], v[:, 1:]))


def crossings_of(w: Array, m: Array, v: Array) -> Array:
    """Return where the most probable of components of weights, means and variances (K,) changes, (M,), increasing."""
    # Between two of all takeovers one component has the largest density throughout: which, the middle tells.
    candidates = np.unique(takeovers((w[:, np.newaxis], m[:, np.newaxis], v[:, np.newaxis]), (w, m, v)))
    candidates = candidates[np.isfinite(candidates)]
    if not len(candidates):
        return candidates
    deviations = np.sqrt(v)
    resolution = np.maximum(_SAME * deviations.min(), 8.0 * np.spacing(np.abs(candidates)))
    candidates = candidates[np.diff(candidates, prepend=-np.inf) > resolution]
    reach = max(float(deviations.max()), float(np.abs(candidates[:, np.newaxis] - m).max()))
    between = np.concatenate(
        ([candidates[0] - reach], 0.5 * candidates[:-1] + 0.5 * candidates[1:], [candidates[-1] + reach])
    )
    highest, winners = np.full(len(between), -np.inf), np.zeros(len(between), np.int64)
    for k in range(len(w)):  # one by one, because there may be K^2 of them
        heights = np.log(w[k] / deviations[k]) - 0.5 * np.square((between - m[k]) / deviations[k])
        winners[heights > highest] = k
        highest = np.maximum(highest, heights)
    return np.asarray(candidates[winners[1:] != winners[:-1]])
