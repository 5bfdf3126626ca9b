"""k-means as EM's start: greedy k-means++, then Lloyd's rounds, on the blocks that the mixture kernels use."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.k_means import few, lloyd, plus_plus
from ...kernels.sizes import slab_pitch
from ...kernels.slots import AIM, ASSIGN, BEST
from ...kernels.work import Rows
from ...model.plan import LAUNCH_NANOSECONDS, Plan, plan_of
from ...model.rounds import k_means
from ...model.rounds.state import FINISHED, HELD, ITEM, MAX_ITER, N_ITER, PHASE
from ..launch.bench import Bench, bench_for
from ..launch.buffers import Sizes
from ..launch.work import NO_LABELS, address_of, check, launched, layout_of, no_rows, shared_out
from ..source import Centers, Partition, Underway, Watch
from . import near, sieve

Array = NDArray[np.float64]


def candidates_a_step(n_components: int) -> int:
    """Candidates of a step of greedy k-means++, as in scikit-learn."""
    return 2 + int(math.log(n_components))


class Draws(NamedTuple):
    """The random numbers of k-means: `chosen` (K,), of which the first row has been, and `uniforms` (K - 1, L)."""

    chosen: NDArray[np.int64]
    uniforms: Array


def draw(n_samples: int, weights: Array, n_components: int, generator: np.random.Generator) -> Draws:
    """Return what greedy k-means++ with L = 2 + ln K candidates a step draws."""
    chosen = np.empty(n_components, np.int64)
    if len(weights):
        cumulated = np.cumsum(weights)
        chosen[0] = np.searchsorted(cumulated, generator.random() * cumulated[-1], side="right")
    else:
        chosen[0] = generator.integers(n_samples)
    return Draws(chosen, generator.random((n_components - 1, candidates_a_step(n_components))))


def seeding_sizes(plan: Plan, n_workers: int, n_superblocks: int) -> Sizes:
    """Return the sizes of the buffers of k-means++."""
    d, n_centers = plan.n_features, 1 + candidates_a_step(plan.n_components)
    slab_shape, spare = (1, n_centers), 1 + n_centers
    return Sizes(plan.dtype, n_centers, d, d, plan.lanes, n_workers, n_superblocks, slab_shape, plan.rows, spare)


def clustering_sizes(plan: Plan, n_workers: int, n_slabs: int) -> Sizes:
    """Return the sizes of the buffers of Lloyd's rounds."""
    k, d = plan.n_components, plan.n_features
    slab_shape = k + 1, slab_pitch(1 + d)
    return Sizes(plan.dtype, k, d, d, plan.lanes, n_workers, n_slabs, slab_shape, plan.rows, lloyd.SPARE)


def assigning(plan: Plan, are_weighted: bool) -> Any:
    """Return the task of a pass of Lloyd's."""
    if plan.n_components > few.FEW or plan.n_features > 2 or are_weighted:
        return lloyd.lloyd
    return few.lloyd_few_1 if plan.n_features == 1 else few.lloyd_few_2


def unit_of(deviations: Array) -> float:
    """Return one unit for all features, by the largest deviation (D,) of a column."""
    return float(deviations.max())


def distances_nanoseconds(plan: Plan) -> float:
    """Time of one row: about a nanosecond per component and feature."""
    return float(plan.n_components * plan.n_features)


class KMeans:
    """k-means of the rows `x` (N, D), as the kernels take them.

    `weights` are (N,), or of length 0 for rows that count once; `deviations` (D,) are those of the columns. It holds
    16 bytes per row: the label of each row and its squared distance to the nearest centre. `n_rounds` are those of
    Lloyd's in the last fit.
    """

    def __init__(
        self,
        x: NDArray[Any],
        n_components: int,
        n_threads: int | None,
        weights: Array,
        deviations: Array,
        watch: Watch | None = None,
    ) -> None:
        self._x, self._weights, self._spread = x, weights, unit_of(deviations)
        self._plan = plan = plan_of("spherical", n_components, x.shape[1], x.dtype)
        cut, self._n_slabs = shared_out(plan, len(x), n_threads, distances_nanoseconds(plan))
        self._cut, self._n_threads = cut._replace(prepared_a_launch=self._n_slabs), n_threads
        self._values = np.empty(len(x), x.dtype)
        self.n_rounds = 0
        self._watch = watch

    def seed(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return K distinct rows, spread out: greedy k-means++."""
        plan, cut = self._plan, self._cut
        chosen, uniforms = draw(len(self._x), self._weights, plan.n_components, generator)
        if plan.n_components == 1:
            return chosen
        self._values.fill(np.inf)
        bench = self._bench(seeding_sizes(plan, cut.n_workers, cut.n_superblocks))
        counts, step = bench.work.state.counts, np.empty(1 + uniforms.shape[1], np.int64)
        is_sifted = sieve.are_worth_it(plan, len(self._x), len(step))
        while counts[PHASE] != FINISHED:
            nanoseconds = 1.0 if is_sifted else LAUNCH_NANOSECONDS  # one launch, or many
            check(self._launched(k_means.seed, plus_plus.potential, bench, uniforms, chosen, step, nanoseconds))
            self._tell("k-means++", bench)
            if is_sifted and counts[BEST] == 0:  # all rows have their distance to the first centre
                steps = sieve.SiftedSteps(plan, cut, self._n_threads, bench)
                steps.run(uniforms, chosen, step, lambda: self._tell("k-means++", bench))
                is_sifted = False
        bench.put_back()
        return chosen

    def fit(self, generator: np.random.Generator) -> Partition:
        """Return the cluster of each row when Lloyd's rounds have settled, and the clusters' means.

        Every cluster has a row. No means where one had to be given a row of another, which duplicates make necessary.
        """
        chosen, labels = self.seed(generator), np.empty(len(self._x), np.int64)
        bench = self._bench(clustering_sizes(self._plan, self._cut.n_workers, self._n_slabs), labels)
        state, scales = bench.work.state, bench.work.model.scales
        state.counts[MAX_ITER] = lloyd.MOST_ROUNDS
        if near.are_worth_it(self._plan, len(self._x)):
            rounds = near.NearRounds(self._plan, self._cut, self._n_threads, bench)
            rounds.run(chosen, lambda: self._tell("k-means", bench))
        task = assigning(self._plan, len(self._weights) > 0)
        while state.counts[PHASE] not in (FINISHED, HELD):
            check(self._launched(k_means.lloyd_rounds, task, bench, chosen, LAUNCH_NANOSECONDS))
            self._tell("k-means", bench)
        self.n_rounds = int(state.counts[N_ITER])
        means = state.means / scales if state.counts[PHASE] == FINISHED else None
        bench.put_back()
        return Partition(labels, means)

    def _tell(self, stage: str, bench: Bench) -> None:
        if self._watch is not None:
            counts, n_samples = bench.work.state.counts, len(self._x)
            n_seen = min(int(counts[ITEM]) * self._plan.rows, n_samples)
            self._watch(Underway(stage, int(counts[N_ITER]) + 1, n_seen, n_samples))

    def _bench(self, sizes: Sizes, labels: NDArray[np.int64] = NO_LABELS) -> Bench:
        none = no_rows(self._plan.dtype, self._plan.n_components).responsibilities
        bench = bench_for(sizes, self._x, Rows(self._weights, labels, none, self._values))
        bench.work.state.spread.fill(self._spread)
        return bench

    def _launched(self, function: Any, task: Any, bench: Bench, *rest: Any) -> Any:
        tasks = (address_of(task, self._x.dtype, layout_of(self._x)),)
        return launched(function, tasks, bench.context, self._x, self._cut, self._n_threads, *rest)


class Nearest:
    """What assigns rows to the nearest of `centers`, in the unit that k-means uses for columns of such `deviations`.

    The label of a row is the same, whatever rows it comes with.
    """

    def __init__(self, centers: Centers, dtype: Any, deviations: Array, n_threads: int | None) -> None:
        self._means, self._spread, self._n_threads = centers.means, unit_of(deviations), n_threads
        self._plan = plan_of("spherical", *centers.means.shape, np.dtype(dtype))
        self._labels = NO_LABELS

    def labels(self, x: NDArray[Any]) -> NDArray[np.int64]:
        """Return the index of the nearest centre of each row of `x` (n, D), as the kernels take it.

        The array is valid until the next call: new memory for every piece would take half as long as a round.
        """
        plan = self._plan
        if len(self._labels) < len(x):
            self._labels = np.empty(len(x), np.int64)
        labels = self._labels[: len(x)]
        cut, n_slabs = shared_out(plan, len(x), self._n_threads, distances_nanoseconds(plan))
        rows = no_rows(plan.dtype, plan.n_components)._replace(labels=labels)
        bench = bench_for(clustering_sizes(plan, cut.n_workers, n_slabs), x, rows)
        state, nobody = bench.work.state, np.empty(0, np.int64)
        state.spread.fill(self._spread)
        state.means[:], state.counts[AIM] = self._means, ASSIGN
        tasks = (address_of(assigning(plan, False), plan.dtype, layout_of(x)),)
        while state.counts[PHASE] != FINISHED:
            arguments = bench.context, x, cut, self._n_threads, nobody, LAUNCH_NANOSECONDS
            check(launched(k_means.lloyd_rounds, tasks, *arguments))
        bench.put_back()
        return labels
