"""k-means as EM's start: greedy k-means++, then Lloyd's rounds, on the blocks that the mixture kernels use."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.k_means import lloyd, plus_plus
from ..kernels.sizes import slab_pitch
from ..kernels.work import Rows
from ..model.plan import LAUNCH_NANOSECONDS, plan_of
from ..model.rounds import k_means
from ..model.rounds.state import FINISHED, HELD, ITEM, N_ITER, PHASE
from .launch.bench import Bench, bench_for
from .launch.buffers import Sizes
from .launch.work import NO_LABELS, address_of, check, launched, layout_of, no_rows, shared_out
from .source import Partition, Underway, Watch

Array = NDArray[np.float64]


def candidates_a_step(n_components: int) -> int:
    """Candidates of a step of greedy k-means++, as in scikit-learn."""
    return 2 + int(math.log(n_components))


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
        # One unit for all features, by the largest deviation.
        self._x, self._weights, self._spread = x, weights, deviations.max()
        self._plan = plan = plan_of("spherical", n_components, x.shape[1], x.dtype)
        # About a nanosecond per row, component and feature.
        cut, self._n_slabs = shared_out(plan, len(x), n_threads, float(n_components * plan.n_features))
        self._cut, self._n_threads = cut._replace(prepared_a_launch=self._n_slabs), n_threads
        self._values = np.empty(len(x), x.dtype)
        self.n_rounds = 0
        self._watch = watch

    def seed(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return K distinct rows, spread out: greedy k-means++ with 2 + ln K candidates a step."""
        x, weights, k = self._x, self._weights, self._plan.n_components
        n_candidates = candidates_a_step(k)
        chosen, step = np.empty(k, np.int64), np.empty(1 + n_candidates, np.int64)
        if len(weights):
            cumulated = np.cumsum(weights)
            chosen[0] = np.searchsorted(cumulated, generator.random() * cumulated[-1], side="right")
        else:
            chosen[0] = generator.integers(len(x))
        uniforms = generator.random((k - 1, n_candidates))
        if k == 1:
            return chosen
        self._values.fill(np.inf)
        bench = self._bench(len(step), self._cut.n_superblocks, (1, len(step)), 1 + len(step))
        while bench.work.state.counts[PHASE] != FINISHED:
            check(self._launched(k_means.seed, plus_plus.potential, bench, uniforms, chosen, step))
            self._tell("k-means++", bench)
        bench.put_back()
        return chosen

    def fit(self, generator: np.random.Generator) -> Partition:
        """Return the cluster of each row when Lloyd's rounds have settled, and the clusters' means.

        Every cluster has a row. No means where one had to be given a row of another, which duplicates make necessary.
        """
        chosen, labels, k = self.seed(generator), np.empty(len(self._x), np.int64), self._plan.n_components
        bench = self._bench(k, self._n_slabs, (k + 1, slab_pitch(1 + self._plan.n_features)), lloyd.SPARE, labels)
        state, scales = bench.work.state, bench.work.model.scales
        while state.counts[PHASE] not in (FINISHED, HELD):
            check(self._launched(k_means.lloyd_rounds, lloyd.lloyd, bench, chosen))
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

    def _bench(
        self,
        n_centers: int,
        n_slabs: int,
        slab_shape: tuple[int, int],
        spare: int,
        labels: NDArray[np.int64] = NO_LABELS,
    ) -> Bench:
        x, plan, d = self._x, self._plan, self._plan.n_features
        n_workers = self._cut.n_workers
        sizes = Sizes(x.dtype, n_centers, d, d, plan.lanes, n_workers, n_slabs, slab_shape, plan.rows, spare)
        none = no_rows(x.dtype, plan.n_components).responsibilities
        bench = bench_for(sizes, x, Rows(self._weights, labels, none, self._values))
        bench.work.state.spread.fill(self._spread)
        return bench

    def _launched(self, function: Any, task: Any, bench: Bench, *rest: Any) -> Any:
        tasks = (address_of(task, self._x.dtype, layout_of(self._x)),)
        return launched(
            function, tasks, bench.context, self._x, self._cut, self._n_threads, *rest, LAUNCH_NANOSECONDS
        )
