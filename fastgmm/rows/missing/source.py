"""Rows in memory of which values are missing, as a fit asks for them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model.parameters import Parameters, names_or_numbers
from ...model.plan import Plan
from ...model.regulariser import Regulariser
from ...model.statistics import PassSums
from ..array import ArraySource, column_moments_of, total_scatter_of
from ..check import count_rows, total_weight_of
from ..launch.pieces import in_place
from ..launch.work import UNWEIGHTED
from ..source import VARIANCES, Columns, Sample, Scatter, Start, Watch
from .evaluate import evaluate_observed
from .patterns import Pattern, patterns_of
from .run import Group, MissingRun
from .start import first_parameters

Array = NDArray[np.float64]


class MissingSource(ArraySource):
    """An (N, D) array of float32 or float64, NaN where a value is missing; the rest as for `ArraySource`.

    What is observed is held once more, sorted by pattern.

    Raises
    ------
    ValueError
        If nothing is observed of a row, or of a feature in the rows with weight.
    """

    def __init__(
        self,
        X: NDArray[Any],
        n_threads: int | None = None,
        weights: Array = UNWEIGHTED,
        watch: Watch | None = None,
        feature_names: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__(X, n_threads, weights, watch, feature_names)
        patterns = patterns_of(X)
        empty = next((pattern.places for pattern in patterns if not len(pattern.observed)), None)
        if empty is not None:
            rows = "1 row" if len(empty) == 1 else f"{len(empty)} rows"
            raise ValueError(
                f"X has {rows} without any value, the first row {empty[0]} (counted from 0); drop what says nothing"
            )
        groups = (self._group(X, pattern) for pattern in patterns)
        self._groups = [group for group in groups if not len(group.weights) or group.weights.any()]
        counted = np.zeros(self.n_features, np.bool_)
        for group in self._groups:
            counted[group.pattern.observed] = True
        if not counted.all():
            name = names_or_numbers(feature_names, self.n_features)[int(np.argmin(counted))]
            raise ValueError(f"X has no value of feature {name!r}; leave it out")

    def _group(self, X: NDArray[Any], pattern: Pattern) -> Group:
        x, weights = in_place(pattern.values(X)), self.weights[pattern.places] if len(self.weights) else self.weights

        @functools.cache
        def scatter() -> Scatter:
            return total_scatter_of(x, weights, self.moments().deviations[pattern.observed], self._n_threads)

        return Group(pattern, x, weights, scatter)

    def moments(self) -> Columns:
        """Return the moments of the columns, each over the values that are observed and count."""
        if self._columns is None:
            self._tell(VARIANCES, 0)
            each = [self._column(d) for d in range(self.n_features)]
            self._columns = Columns(*map(np.concatenate, zip(*each, strict=True)))
            self._tell(VARIANCES, self.n_samples)
        return self._columns

    def _column(self, feature: int) -> Columns:
        values = self._x[:, feature]
        seen = ~np.isnan(values)
        weights = self.weights[seen] if len(self.weights) else self.weights
        x = in_place(np.ascontiguousarray(values[seen])[:, np.newaxis])
        return column_moments_of(x, weights, total_weight_of(len(x), weights), self._n_threads)

    def sample(self, size: int, seed: int) -> Sample:
        """Return rows for a start to look at: complete ones, if they are enough for any K that asks for `size`.

        Else of any rows, whose missing values are the means of their columns. They are never all that there is to
        look at, so that k-means gives centres and no labels.
        """
        complete = self._groups[0]
        whole = not len(complete.pattern.missing)
        if whole and count_rows(complete.x, complete.weights) >= size // (self.n_features + 4):
            rows = ArraySource(complete.x, self._n_threads, complete.weights)
            return rows.sample(size, seed)._replace(whole=False)
        sample = super().sample(size, seed)
        filled = np.where(np.isnan(sample.rows), self.moments().means, sample.rows).astype(self.dtype)
        return Sample(filled, sample.weights, False, True)

    def _evaluate(self, x: NDArray[Any], parameters: Parameters, wanted: str) -> Any:
        return evaluate_observed(x, parameters, self._n_threads, wanted)

    def begin_whole(self, plan: Plan, reg_covar: float | str, generator: np.random.Generator) -> None:
        """Return None: patterns are one after the other."""

    def begin(self, plan: Plan, start: Start, regulariser: Regulariser) -> MissingRun:  # type: ignore[override]
        """Return a run that begins from `start`, with `regulariser` in every M step."""
        if not isinstance(start, Parameters):
            assert not isinstance(start, PassSums)  # no pass leaves any here
            start = first_parameters(self._x, self.weights, start, plan, self.moments(), regulariser)
        groups, threads = self._groups, self._n_threads
        return MissingRun(plan, threads, groups, start, regulariser=regulariser, watch=self._watch)
