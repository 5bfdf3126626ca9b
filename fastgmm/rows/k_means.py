"""k-means as EM's start: greedy k-means++, then Lloyd's rounds, on the blocks that the mixture kernels use."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.densities.kinds import set_scales_of
from ..kernels.k_means import lloyd, plus_plus
from ..kernels.sizes import slab_pitch
from ..kernels.work import Work
from ..model.plan import LAUNCH_NANOSECONDS, plan_of
from ..model.rounds import k_means
from ..model.rounds.state import FINISHED, HELD, N_ITER, PHASE, allocate_state
from .launch import threads
from .launch.buffers import new_model, new_scratch, new_sums
from .launch.work import address_of, check, driving, layout_of, no_rows, packed_work, shared_out
from .source import Partition

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
        self, x: NDArray[Any], n_components: int, n_threads: int | None, weights: Array, deviations: Array
    ) -> None:
        self._n_threads = n_threads
        self._plan = plan = plan_of("spherical", n_components, x.shape[1], x.dtype)
        k, d = n_components, plan.n_features
        rows = no_rows(x.dtype, k)._replace(weights=weights, values=np.full(len(x), np.inf, x.dtype))
        cut = plan.cut(len(x), threads.available(n_threads), threads.worth_sharing())
        # About a nanosecond per row, component and feature.
        cut = cut._replace(superblock_nanoseconds=float(min(plan.rows, len(x)) * k * d))
        cut, self._shared = shared_out(cut)
        n_workers = cut.n_workers
        self._cut = cut._replace(prepared_a_launch=plan.launch_superblocks(n_workers))
        self._n_candidates = candidates_a_step(k)
        spare = max(lloyd.SPARE, 2 + self._n_candidates)
        self._work = Work(
            x=x,
            rows=rows,
            model=new_model(k, d, d, x.dtype),
            state=allocate_state(k, d, (0, 0, 0)),
            scratch=new_scratch(n_workers, d, spare, 0, plan.lanes, x.dtype),
            sums=new_sums(1, (k + 1, slab_pitch(1 + d)), plan.rows, n_workers),
        )
        set_scales_of(self._work.model, deviations, True)
        self.n_rounds = 0

    def _address(self, task: Any) -> Any:
        return address_of(task, self._work.x.dtype, layout_of(self._work.x))

    def seed(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return K distinct rows, spread out: greedy k-means++ with 2 + ln K candidates a step."""
        work, k = self._work, self._plan.n_components
        chosen, step = np.empty(k, np.int64), np.empty(1 + self._n_candidates, np.int64)
        if len(work.rows.weights):
            cumulated = np.cumsum(work.rows.weights)
            chosen[0] = np.searchsorted(cumulated, generator.random() * cumulated[-1], side="right")
        else:
            chosen[0] = generator.integers(len(work.x))
        uniforms = generator.random((k - 1, self._n_candidates))
        work.rows.values.fill(np.inf)
        d, n_superblocks = self._plan.n_features, self._cut.n_superblocks
        seeding = work._replace(
            model=new_model(len(step), d, d, work.x.dtype)._replace(scales=work.model.scales),
            state=allocate_state(1, 1, (0, 0, 0)),
            sums=new_sums(n_superblocks, (1, len(step)), self._plan.rows, len(work.sums.codes)),
        )
        counts = seeding.state.counts
        context = packed_work(seeding)
        while k > 1 and counts[PHASE] != FINISHED:
            with driving(self._n_threads, seeding, self._cut, self._shared) as (drive, cut):
                budget = LAUNCH_NANOSECONDS * cut.n_workers
                address = self._address(plus_plus.potential)
                check(k_means.seed(drive, address, context, cut, uniforms, chosen, step, budget))
        return chosen

    def fit(self, generator: np.random.Generator) -> Partition:
        """Return the cluster of each row when Lloyd's rounds have settled, and the clusters' means.

        Every cluster has a row. No means where one had to be given a row of another, which duplicates make necessary.
        """
        scales = self._work.model.scales.astype(np.float64)
        chosen = self._work.x[self.seed(generator)].astype(np.float64)
        n_slabs = min(self._cut.n_superblocks, self._plan.launch_superblocks(self._cut.n_workers))
        work = self._work._replace(
            rows=self._work.rows._replace(labels=np.empty(len(self._work.x), np.int64)),
            sums=new_sums(n_slabs, self._work.sums.accumulator.shape, self._plan.rows, len(self._work.sums.codes)),
        )
        np.multiply(chosen, scales, out=work.state.means)
        address, counts = self._address(lloyd.lloyd), work.state.counts
        context = packed_work(work)
        while counts[PHASE] not in (FINISHED, HELD):
            with driving(self._n_threads, work, self._cut, self._shared) as (drive, cut):
                check(k_means.lloyd_rounds(drive, address, context, cut, LAUNCH_NANOSECONDS * cut.n_workers))
        self.n_rounds = int(counts[N_ITER])
        means = work.state.means / scales if counts[PHASE] == FINISHED else None
        return Partition(work.rows.labels, means)
