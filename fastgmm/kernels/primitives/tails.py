"""Probabilities below and above a point for a mixture of one feature, and the points that have a given one.

Everything is about the lower tail: the upper one is that of the mirrored mixture. No sum is taken from one, so tails
are as exact as erfc is, far below the rounding of one.
"""

import math

from ..._numba.options import exact, part

SQRT2 = math.sqrt(2.0)
SQRT2PI = math.sqrt(2.0 * math.pi)


@part
def probability_below(x, weights, means, deviations):
    """Return sum_k w_k Phi((x - m_k) / s_k), 1 where the rounding of the weights makes more of it."""
    total = 0.0
    for k in range(weights.shape[0]):
        total += weights[k] * math.erfc((means[k] - x) / (SQRT2 * deviations[k]))
    return 1.0 if total > 2.0 else 0.5 * total


@part
def density_at(x, weights, means, deviations):
    """Return sum_k w_k phi((x - m_k) / s_k) / s_k."""
    total = 0.0
    for k in range(weights.shape[0]):
        z = (x - means[k]) / deviations[k]
        total += weights[k] / deviations[k] * math.exp(-0.5 * z * z)
    return total / SQRT2PI


@exact
def fill_probabilities(points, weights, means, deviations, out):
    """Write the probability below each of `points` (N,) into `out`; `weights`, `means` and `deviations` are (K,)."""
    for i in range(points.shape[0]):
        out[i] = probability_below(points[i], weights, means, deviations)


@exact
def fill_points(probabilities, weights, means, deviations, out):
    """Write the point below which lies each of `probabilities` (N,), in (0, 0.5], into `out`; no weight is 0."""
    for i in range(probabilities.shape[0]):
        out[i] = point_below(probabilities[i], weights, means, deviations)


@part
def point_below(p, weights, means, deviations):
    """Return the number whose `probability_below` is nearest to `p`, in (0, 0.5].

    Newton's method for ln F(x) = ln p, where a tail is almost a parabola, in a bracket that each step narrows. A step
    that is longer than half of the one before gives way to a bisection.
    """
    # Phi(-t) <= exp(-t^2 / 2) / 2: no component has p below `low`, and each has half of it below `high`.
    t = math.sqrt(max(-2.0 * math.log(2.0 * p), 0.0))
    low, high = math.inf, -math.inf
    for k in range(weights.shape[0]):
        low = min(low, means[k] - t * deviations[k])
        high = max(high, means[k])
    x, last = low, high - low
    nearest, error = low, math.inf
    while True:
        reached = probability_below(x, weights, means, deviations)
        if abs(reached - p) < error:
            nearest, error = x, abs(reached - p)
        if error == 0.0:
            return nearest
        if reached < p:
            low = x
        else:
            high = x
        slope = density_at(x, weights, means, deviations)
        step = reached / slope * math.log(p / reached) if reached > 0.0 and slope > 0.0 else math.inf
        following = x + step
        if following == x:
            return nearest
        if not (low < following < high and abs(step) <= 0.5 * last):
            following = 0.5 * low + 0.5 * high
            if not low < following < high:
                return nearest
        last, x = abs(following - x), following
