"""What a mixture of one feature says of numbers: probabilities below and above, quantiles, crossings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import as_numbers, own_error_state, shown
from ..kernels.primitives.tails import fill_points, fill_probabilities
from ..model.parameters import Array, Parameters
from .crossings import crossings_of

Components = tuple[Array, Array, Array]


class Distribution:
    """The methods of a mixture of one feature; ``mixture.marginal(feature)`` is one.

    What they are given is a number or an array of any shape, and what they return has that shape, float64.
    """

    @property
    def parameters(self) -> Parameters:
        """The parameters as plain data in float64."""
        raise NotImplementedError

    @own_error_state
    def cdf(self, x: ArrayLike) -> Any:
        """Probability below `x`; of a tiny one all digits. NaN for NaN."""
        return _each(fill_probabilities, as_numbers("x", x), self._of_one_feature("cdf"))

    @own_error_state
    def sf(self, x: ArrayLike) -> Any:
        """Probability above `x`, 1 - cdf(x); of a tiny one all digits."""
        return _each(fill_probabilities, -as_numbers("x", x), _mirrored(self._of_one_feature("sf")))

    @own_error_state
    def quantile(self, p: ArrayLike) -> Any:
        """Return the number below which lies the probability `p`: the inverse of `cdf`.

        ``cdf(quantile(p))`` is `p` but for what the rounding of the number itself makes of it. Where no component has
        rows, such as between two far apart, any number of the gap.

        ValueError if a probability is not above 0 and below 1.
        """
        probabilities, components = _checked(p), self._of_one_feature("quantile")
        return _points(probabilities, components)

    @own_error_state
    def isf(self, p: ArrayLike) -> Any:
        """Return the number above which lies the probability `p`, however small: the inverse of `sf`.

        ValueError if a probability is not above 0 and below 1.
        """
        probabilities, components = _checked(p), self._of_one_feature("isf")
        return -_points(probabilities, _mirrored(components))

    @own_error_state
    def crossings(self) -> Array:
        """Numbers at which the most probable component changes, (M,), increasing: thresholds between labels.

        A component may be the most probable in two intervals, around a narrower one, or nowhere. M is 0 where one is
        throughout.
        """
        return crossings_of(*self._of_one_feature("crossings"))

    def _of_one_feature(self, asked: str) -> Components:
        """Return weights that sum to one, means and variances of the components that have a weight."""
        weights, means, covariances, _ = parameters = self.parameters
        k, d = means.shape
        if d != 1:
            raise ValueError(
                f"{asked} is of one feature, this mixture has {d}; mixture.marginal(feature) has one of them"
            )
        there = weights > 0.0
        variances = parameters.structure.variances(covariances, k, d)[there, 0]
        return weights[there] / weights.sum(), means[there, 0], variances


def _mirrored(components: Components) -> Components:
    weights, means, variances = components
    return weights, -means, variances


def _each(fill: Callable[..., Any], values: NDArray[Any], components: Components) -> Any:
    """Return a number for each of the values, in their shape: of one a number."""
    weights, means, variances = components
    out = np.empty(values.shape)
    fill(values.ravel(), weights, means, np.sqrt(variances), out.ravel())
    return out[()]


def _checked(p: Any) -> NDArray[Any]:
    probabilities = as_numbers("p", p)
    wrong = ~((probabilities > 0.0) & (probabilities < 1.0))
    if wrong.any():
        raise ValueError(f"p must be above 0 and below 1, got {shown(float(probabilities[wrong][0]))}")
    return probabilities


def _points(probabilities: NDArray[Any], components: Components) -> Any:
    # 1 - p is exact from 1/2 on, so the upper half is as good as the lower.
    lower = probabilities <= 0.5
    points = np.empty(probabilities.shape)
    points[lower] = _each(fill_points, probabilities[lower], components)
    points[~lower] = -_each(fill_points, 1.0 - probabilities[~lower], _mirrored(components))
    return points[()]
