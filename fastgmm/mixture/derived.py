"""Mixtures made of a mixture: of some features, given others, with two components merged, in another order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from .._checks import check_finite, check_integer, own_error_state, shown
from ..model.check import as_finite, factors_of
from ..model.parameters import Array, names_or_numbers
from .features import position_of, positions_of
from .inference import Inference


class Derived(Inference):
    """The methods of a mixture that return another, in float64. But for `sort` its covariances are "full"."""

    def marginal(self, features: Any) -> Self:
        """Return the mixture of some features, whatever the others are.

        Parameters
        ----------
        features : str, int, or sequence of these
            Names or numbers, from 0, of the features; the new mixture has them in this order.

        Raises
        ------
        TypeError, ValueError
            If there is no such feature, or one is named twice.
        """
        weights, means, covariances = self._full()
        chosen = positions_of("features", features, self._names())
        return self._made(weights, means[:, chosen], covariances[:, chosen][:, :, chosen], chosen)

    @own_error_state
    def conditional(self, given: Mapping[Any, Any]) -> Self:
        """Return the mixture of the other features where some have the values `given`.

        The weight of a component becomes its responsibility for these values, its mean what its regression on them
        predicts, and its covariance what they leave unexplained.

        Parameters
        ----------
        given : dict
            Features, by name or by number from 0, and the value of each, in the units of the data.

        Raises
        ------
        TypeError, ValueError
            If there is no such feature, or one is named twice; if none is given, or all are; if a value is no finite
            number.
        """
        if not isinstance(given, Mapping):
            raise TypeError(f"given must be a dict of features and their values, got {shown(given)}")
        names = self._names()
        known = positions_of("features of given", list(given), names)
        others = [position for position in range(len(names)) if position not in known]
        if not others:
            raise ValueError(f"given must leave a feature free, got values of all {len(names)}")
        values = np.array([check_finite(f"given[{feature!r}]", value) for feature, value in given.items()])
        weights = self.marginal(known).responsibilities(values[np.newaxis])[0]
        _, means, covariances = self._full()
        # Of a factor with the known features first, the last block is that of what these leave unexplained.
        order, n = known + others, len(known)
        factors = factors_of(covariances[:, order][:, :, order])
        white = np.linalg.solve(factors[:, :n, :n], (values - means[:, known])[:, :, np.newaxis])
        rest = factors[:, n:, n:]
        means = means[:, others] + (factors[:, n:, :n] @ white)[:, :, 0]
        return self._made(weights, means, rest @ rest.transpose(0, 2, 1), others)

    @own_error_state
    def merge(self, i: int, j: int) -> Self:
        """Return the mixture with components `i` and `j` as one, in the place of the first of them.

        It has the weight, the mean and the covariance of the two together, so the mixture keeps its mean and its
        covariance. TypeError or ValueError if there is no such component, or both are the same.
        """
        weights, means, covariances = self._full()
        first, second = sorted(_component(name, k, len(weights)) for name, k in (("i", i), ("j", j)))
        if first == second:
            raise ValueError(f"i and j must be two components, got {first} twice")
        pair = [first, second]
        total = weights[pair].sum()
        shares = weights[pair] / total if total > 0.0 else np.full(2, 0.5)
        apart = means[second] - means[first]
        weights[first] = total
        means[first] += shares[1] * apart
        covariances[first] = np.tensordot(shares, covariances[pair], 1) + shares.prod() * np.outer(apart, apart)
        kept = np.delete(np.arange(len(weights)), second)
        return self._made(weights[kept], means[kept], covariances[kept], None)

    def sort(self, by: Any) -> Self:
        """Return the mixture with its components in another order; equal ones stay in the order they have.

        Parameters
        ----------
        by : str, int or array-like of shape (K,)
            "weights": the largest first. The name or the number, from 0, of a feature: the lowest mean first. K
            numbers: the lowest first.

        Raises
        ------
        TypeError, ValueError
            If `by` is none of these, or "weights" is the name of a feature, too.
        """
        parameters, names = self.parameters, self._names()
        if isinstance(by, str) and by == "weights":
            if by in names:
                raise ValueError(
                    "by is 'weights', which is the name of a feature, too; give -mixture.weights, or the number of "
                    "the feature"
                )
            keys = -parameters.weights
        elif isinstance(by, str) and by not in names:
            raise ValueError(f"by must be 'weights' or a feature of the mixture, {shown(list(names))}, got {by!r}")
        elif isinstance(by, str) or np.ndim(by) == 0:
            keys = parameters.means[:, position_of("by", by, names)]
        else:
            keys = as_finite("by", by)
            if keys.shape != parameters.weights.shape:
                raise ValueError(
                    f"by must have a number for each of {len(parameters.weights)} components, got an array of shape "
                    f"{keys.shape}"
                )
        order = np.argsort(keys, kind="stable")
        make: Any = type(self)
        ordered: Self = make(*parameters.components(order, parameters.weights[order]), self.feature_names)
        return ordered

    def _names(self) -> tuple[str, ...]:
        return names_or_numbers(self.feature_names, self.parameters.n_features)

    def _full(self) -> tuple[Array, Array, Array]:
        """Return weights, means and covariance matrices (K, D, D), copies in float64."""
        weights, means, covariances, _ = parameters = self.parameters
        return weights, means, np.array(parameters.structure.complete(covariances, *means.shape))

    def _made(self, weights: Array, means: Array, covariances: Array, features: list[int] | None) -> Self:
        """Return a mixture of full covariances, with the names of these `features`, or of all."""
        names = self.feature_names
        if names is not None and features is not None:
            names = tuple(names[position] for position in features)
        make: Any = type(self)
        made: Self = make(weights, means, 0.5 * (covariances + covariances.transpose(0, 2, 1)), "full", names)
        return made


def _component(name: str, value: Any, n_components: int) -> int:
    k = check_integer(name, value, 0)
    if k >= n_components:
        raise ValueError(f"{name} must be less than the number of components, {n_components}, got {k}")
    return k
