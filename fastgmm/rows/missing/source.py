"""Rows in memory of which values are missing, as a fit asks for them."""

from __future__ import annotations

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
from ..source import VARIANCES, Columns, Sample, Start, Watch
from .evaluate import evaluate_observed
from .patterns import Alike, Scatters, alike, patterns_of
from .run import MissingRun
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
        self._alike = alike(X, self.weights, patterns)
        self._scatters: list[Scatters] | None = None
        counted = np.zeros(self.n_features, np.bool_)
        for each in self._alike:
            counted[each.orders[:, : each.x.shape[1]]] = True
        if not counted.all():
            name = names_or_numbers(feature_names, self.n_features)[int(np.argmin(counted))]
            raise ValueError(f"X has no value of feature {name!r}; leave it out")

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
        complete = next((each for each in self._alike if each.x.shape[1] == self.n_features), None)
        least = size // (self.n_features + 4)
        if complete is not None and count_rows(complete.x, complete.weights) >= least:
            rows = ArraySource(complete.x, self._n_threads, complete.weights)
            return rows.sample(size, seed)._replace(whole=False)
        sample = super().sample(size, seed)
        filled = np.where(np.isnan(sample.rows), self.moments().means, sample.rows).astype(self.dtype)
        return Sample(filled, sample.weights, False, True)

    def _evaluate(self, x: NDArray[Any], parameters: Parameters, wanted: str) -> Any:
        return evaluate_observed(x, parameters, self._n_threads, wanted)

    def begin_whole(self, plan: Plan, reg_covar: float | str, generator: np.random.Generator, only_few: bool) -> None:
        """Return None: patterns are one after the other."""

    def begin(self, plan: Plan, start: Start, regulariser: Regulariser) -> MissingRun:  # type: ignore[override]
        """Return a run that begins from `start`, with `regulariser` in every M step."""
        if not isinstance(start, Parameters):
            assert not isinstance(start, PassSums)  # no pass leaves any here
            start = first_parameters(self._x, self.weights, start, plan, self.moments(), regulariser)
        follow = plan.structure.without_second is not None and not plan.is_small(self.n_samples)
        scatters = self._total_scatters(plan.lanes) if follow else [_none_of(each) for each in self._alike]
        patterns = list(zip(self._alike, scatters, strict=True))
        return MissingRun(plan, self._n_threads, patterns, start, regulariser=regulariser, watch=self._watch)

    def _total_scatters(self, least: int) -> list[Scatters]:
        """Return the total scatters of patterns of at least so many rows: of fewer they take longer than the sums."""
        if self._scatters is None:
            self._scatters = [self._scatters_of(each, least) for each in self._alike]
        return self._scatters

    def _scatters_of(self, alike: Alike, least: int) -> Scatters:
        places, scatters = _none_of(alike)
        offsets, found = alike.offsets.tolist(), list[Array]()
        for p, order in enumerate(alike.orders):
            rows = slice(offsets[p], offsets[p + 1])
            if rows.stop - rows.start >= least:
                places[p] = len(found)
                deviations = self.moments().deviations[order[: alike.x.shape[1]]]
                found.append(
                    np.vstack(total_scatter_of(alike.x[rows], alike.weights[rows], deviations, self._n_threads))
                )
        return Scatters(places, np.array(found) if found else scatters)


def _none_of(alike: Alike) -> Scatters:
    d = alike.x.shape[1]
    return Scatters(np.full(len(alike.orders), -1), np.empty((0, d + 1, d)))
