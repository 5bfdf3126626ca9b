"""Rows in memory, or mapped into it: an (N, D) array of any layout."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.moments.columns import DONE, column_ranges, column_sums
from ..kernels.work import Rows
from ..model.parameters import Parameters
from ..model.plan import LAUNCH_NANOSECONDS, Plan, plan_of
from ..model.regulariser import Regulariser
from ..model.rounds.columns import column_moments
from ..model.rounds.state import PHASE, TOTAL_WEIGHT
from .array_run import ArrayRun
from .check import count_rows, total_weight_of
from .evaluate import evaluate_rows
from .launch.bench import bench_for
from .launch.buffers import column_sizes
from .launch.first_fit import compile_rounds_beside
from .launch.pieces import in_place, sum_of_parts
from .launch.work import UNWEIGHTED, address_of, check, launched, layout_of, no_rows, shared_out
from .run import Run
from .source import ICL, SAMPLE, VARIANCES, Columns, Sample, Scatter, Start, Underway, Watch
from .start.at_once import team_for
from .start.k_means import draw
from .start.sample import Sampling, sample_of
from .whole_run import WholeRun

Array = NDArray[np.float64]

# Rows that are sampled before Python has its turn.
SAMPLED_AT_ONCE = 1 << 22
# Rows whose responsibilities are told of before these are summed.
EVALUATED_AT_ONCE = 1 << 20


class ArraySource:
    """An (N, D) array of float32 or float64; `weights` are (N,), or of length 0 for none.

    `watch` is told what goes on whenever Python has its turn; `feature_names` are (D,), if there are any.
    """

    def __init__(
        self,
        X: NDArray[Any],
        n_threads: int | None = None,
        weights: Array = UNWEIGHTED,
        watch: Watch | None = None,
        feature_names: tuple[str, ...] | None = None,
    ) -> None:
        # Attributes and no properties: a small fit asks for them again and again.
        self._x = in_place(X)
        self.n_samples, self.n_features = X.shape
        self.dtype: Any = X.dtype
        self._watch = watch
        self.feature_names = feature_names
        self.weight_exponent = 0
        if len(weights):
            # A power of two, so that nothing is rounded.
            self.weight_exponent = math.frexp(float(weights.max()))[1]
            weights = np.ldexp(weights, -self.weight_exponent)
        self.weights = weights
        self.total_weight = total_weight_of(len(X), weights)
        self._n_threads = n_threads
        self._columns: Columns | None = None
        self._scatter: Scatter | None = None

    @property
    def n_counted(self) -> int:
        """Number of rows with weight."""
        return count_rows(self._x, self.weights)

    def moments(self) -> Columns:
        """Return the moments of the columns; rows without weight do not count."""
        if self._columns is None:
            self._tell(VARIANCES, 0)
            self._columns = column_moments_of(self._x, self.weights, self.total_weight, self._n_threads)
            self._tell(VARIANCES, len(self._x))
        return self._columns

    def _tell(self, stage: str, n_seen: int) -> None:
        if self._watch is not None:
            self._watch(Underway(stage, 1, n_seen, len(self._x)))

    def sample(self, size: int, seed: int) -> Sample:
        """Return all rows if there are no more than `size`, else so many that count, see `start.sample.Sampling`."""
        if len(self._x) <= size:
            return Sample(self._x, self.weights, True)
        sampled = functools.partial(self._sampled, size, seed)
        return sample_of(size, len(self._x), len(self.weights) > 0, sampled)

    def _sampled(self, size: int, seed: int, bound: float) -> Sampling:
        sampling = Sampling(size, seed, self.n_features, self.dtype, bound=bound)
        for a in range(0, len(self._x), SAMPLED_AT_ONCE):
            sampling.add(self._x[a : a + SAMPLED_AT_ONCE], self.weights[a : a + SAMPLED_AT_ONCE], self._n_threads)
            self._tell(SAMPLE, min(a + SAMPLED_AT_ONCE, len(self._x)))
        return sampling

    def total_surprisal(self, parameters: Parameters) -> float:
        """Return the sum of -ln of each row's largest responsibility, with weights in the unit they were given in."""
        total = sum_of_parts(self._surprisals(parameters))
        return float(np.ldexp(total, self.weight_exponent))

    def _surprisals(self, parameters: Parameters) -> Iterator[Array]:
        self._tell(ICL, 0)
        for a in range(0, len(self._x), EVALUATED_AT_ONCE):
            b = min(a + EVALUATED_AT_ONCE, len(self._x))
            numbers = self._evaluate(self._x[a:b], parameters, "surprisal").astype(np.float64)
            yield self.weights[a:b] * numbers if len(self.weights) else numbers
            self._tell(ICL, b)

    def _evaluate(self, x: NDArray[Any], parameters: Parameters, wanted: str) -> Any:
        return evaluate_rows(x, parameters, self._n_threads, wanted)

    def begin_whole(
        self, plan: Plan, reg_covar: float | str, generator: np.random.Generator, only_few: bool
    ) -> WholeRun | None:
        """Return a run that begins with k-means and does all at once, see `Source.begin_whole`."""
        layout, n_samples, n_threads = layout_of(self._x), len(self._x), self._n_threads
        compile_rounds_beside(plan, layout, n_threads)
        team = team_for(plan, n_samples, n_threads, only_few)
        if self._watch is not None or team is None or layout != "C":  # the only layout that it is compiled for
            return None
        draws = draw(n_samples, self.weights, plan.n_components, generator)
        return WholeRun(plan, n_threads, self._x, self.weights, draws, reg_covar, team)

    def begin(self, plan: Plan, start: Start, regulariser: Regulariser) -> ArrayRun:
        """Return a run that begins from `start`, with `regulariser` in every M step."""
        kind = ArrayRun
        if plan.is_long(len(self._x)):
            # When it is wanted: all that a pruned pass is made of would take a twentieth of the package's import.
            from .pruning.run import run_for

            kind = run_for(plan)
        return kind(
            plan,
            self._n_threads,
            self._x,
            self.weights,
            start,
            n_samples=len(self._x),
            regulariser=regulariser,
            first=self._x[first_counted(self.weights)],
            spread=None if isinstance(start, Parameters) else self.moments().deviations,
            scatter=self._total_scatter,
            watch=self._watch,
        )

    def _total_scatter(self) -> Scatter:
        """Return the total scatter; summed once for all restarts."""
        if self._scatter is None:
            self._scatter = total_scatter_of(self._x, self.weights, self.moments().deviations, self._n_threads)
        return self._scatter


def total_scatter_of(x: NDArray[Any], weights: Array, deviations: Array, n_threads: int | None) -> Scatter:
    """Return the total scatter of `x` (N, D), weighted by `weights` (N,) or (0,); `deviations` (D,) are its units."""
    plan = plan_of("tied", 1, x.shape[1], x.dtype)
    run = Run(plan, n_threads, x, weights, np.zeros(len(x), np.int64))
    run.hold()
    run.give(x[first_counted(weights)], deviations, 2)
    # The second pass is about the mean, which the first one finds.
    for _ in range(2):
        run.advance(0)
    return Scatter(run.state.second[0].copy(), run.state.centers[0].copy())


def column_moments_of(x: NDArray[Any], weights: Array, total_weight: float, n_threads: int | None) -> Columns:
    """Return the moments of the columns of `x` (N, D), as the kernels take it, weighted by `weights` (N,) or (0,)."""
    n_samples, d = x.shape
    plan = plan_of("diag", 1, d, x.dtype)
    cut, n_slabs = shared_out(plan, n_samples, n_threads)
    sizes = column_sizes(plan, cut.n_workers, n_slabs)
    _, *none = no_rows(x.dtype, 1)
    bench = bench_for(sizes, x, Rows(weights, *none))
    state, accumulator = bench.work.state, bench.work.sums.accumulator
    accumulator[0], accumulator[1] = np.inf, -np.inf
    state.numbers[TOTAL_WEIGHT] = total_weight
    key = x.dtype, layout_of(x)
    tasks = address_of(column_ranges, *key), address_of(column_sums, *key)
    row = x[first_counted(weights)].copy()
    while state.counts[PHASE] != DONE:
        check(launched(column_moments, tasks, bench.context, x, cut, n_threads, row, LAUNCH_NANOSECONDS))
    columns = Columns(state.means[0].copy(), state.spread.copy())
    bench.put_back()
    return columns


def first_counted(weights: Array) -> int:
    """Return the first row of positive weight, 0 if `weights` are of length 0."""
    return int(np.argmax(weights > 0.0)) if len(weights) else 0
