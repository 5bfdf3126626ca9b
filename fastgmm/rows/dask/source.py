"""Rows in the partitions of a Dask array or frame, as a fit asks for them."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from ...model.parameters import Parameters
from ...model.plan import Plan
from ...model.regulariser import Regulariser
from ..launch.work import UNWEIGHTED
from ..source import ICL, SAMPLE, VARIANCES, Columns, Sample, Start, Underway, Watch
from .collection import Collection
from .partitions import Partitions
from .run import DaskRun
from .tasks import merged, sampling_of, surprisal_of

Array = NDArray[np.float64]


class DaskSource:
    """The rows of a `collection`, which are computed once, and held, when the source is made.

    `watch` is told what goes on whenever a task is over for all partitions.

    Raises
    ------
    TypeError, ValueError
        If rows or weights are not what they may be, or there are none.
    """

    # No array of all rows exists here.
    weights = UNWEIGHTED

    def __init__(self, collection: Collection, n_threads: int | None, watch: Watch | None) -> None:
        self._n_threads, self._watch = n_threads, watch
        self.feature_names, self.dtype, self.n_features = collection.names, collection.dtype, collection.n_features
        self._partitions = Partitions(collection.blocks, collection.weights, self.n_features, self.dtype)
        facts, self.weight_exponent = self._partitions.facts, self._partitions.exponent
        self.n_samples, self.n_counted = self._partitions.n_samples, self._partitions.n_counted
        shares = [math.ldexp(each.total_weight, each.exponent - self.weight_exponent) for each in facts]
        self.total_weight = math.fsum(shares)
        known = zip(shares, facts, strict=True)
        self._columns = joined_columns([(share, each.columns) for share, each in known if share and each.columns])
        self._said(VARIANCES)

    def moments(self) -> Columns:
        """Return the moments of the columns; rows without weight do not count."""
        return self._columns

    def sample(self, size: int, seed: int) -> Sample:
        """Return all rows if there are no more than `size`, else so many that count, see `start.sample.Sampling`."""
        task = functools.partial(sampling_of, size=size, seed=seed)
        sample: Sample = self._partitions.joined("sample", task, merged).finish()
        self._said(SAMPLE)
        return sample

    def begin_whole(self, plan: Plan, reg_covar: float | str, generator: np.random.Generator, only_few: bool) -> None:
        """Return None: a round has to be shared out."""

    def begin(self, plan: Plan, start: Start, regulariser: Regulariser) -> DaskRun:
        """Return a run that begins from `start`, with `regulariser` in every M step."""
        return DaskRun(
            plan,
            self._n_threads,
            self._partitions,
            start,
            regulariser=regulariser,
            columns=self._columns,
            watch=self._watch,
        )

    def total_surprisal(self, parameters: Parameters) -> float:
        """Return the sum of -ln of each row's largest responsibility, with weights in the unit they were given in."""
        total = self._partitions.joined("icl", functools.partial(surprisal_of, parameters=parameters), math.fsum)
        self._said(ICL)
        return math.ldexp(total, self.weight_exponent)

    def _said(self, stage: str) -> None:
        if self._watch is not None:
            self._watch(Underway(stage, 1, self.n_samples, self.n_samples))


def joined_columns(parts: list[tuple[float, Columns]]) -> Columns:
    """Return the moments of the columns of all rows from those of parts, each with its weight.

    Deviations of the parts and of their means add up: Chan, Golub & LeVeque (1983), The American Statistician 37,
    242-247.
    """
    shares = np.array([weight for weight, _ in parts])[:, np.newaxis]
    shares /= shares.sum()
    first = parts[0][1].means
    means = np.array([columns.means for _, columns in parts])
    # About one of them, so that nothing cancels, and equal means have no deviation.
    shift = (shares * (means - first)).sum(axis=0)
    within = np.array([columns.deviations for _, columns in parts])
    # By the largest, because squares of what float64 holds may not be.
    between = means - first - shift
    unit = np.maximum(np.abs(within), np.abs(between)).max(axis=0)
    unit[unit == 0.0] = 1.0
    variances = (shares * ((within / unit) ** 2 + (between / unit) ** 2)).sum(axis=0)
    return Columns(first + shift, unit * np.sqrt(variances))
