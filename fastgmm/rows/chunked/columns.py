"""Moments of the columns, summed as those of an array are, to the bit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.moments.columns import DONE, column_ranges, column_sums
from ...model.plan import LAUNCH_NANOSECONDS, plan_of
from ...model.rounds.columns import column_moments
from ...model.rounds.state import ITEM, PHASE, TOTAL_WEIGHT
from ..launch.bench import bench_for
from ..launch.buffers import column_sizes
from ..launch.cutter import Piece
from ..launch.work import address_of, check, launched, no_rows, nothing, packed_work, shared_out
from ..source import Columns

Array = NDArray[np.float64]


class ColumnMoments:
    """Passes over rows whose `least` and `largest` values (D,) are known: one about `row` (D,), perhaps one more."""

    def __init__(
        self, least: Array, largest: Array, row: NDArray[Any], total_weight: float, n_threads: int | None
    ) -> None:
        self._row, self._n_threads = row, n_threads
        self._plan = plan = plan_of("diag", 1, len(row), row.dtype)
        cut, n_slabs = shared_out(plan, 0, n_threads)
        self._cut = cut._replace(n_superblocks=0, added=1)
        rows = no_rows(row.dtype, 1)
        self._bench = bench_for(column_sizes(plan, cut.n_workers, n_slabs), nothing(len(row), row.dtype), rows)
        self._tasks = tuple(address_of(task, row.dtype, "C") for task in (column_ranges, column_sums))
        self._bench.work.state.numbers[TOTAL_WEIGHT] = total_weight
        self._bench.work.sums.accumulator[:2] = 0.0
        self._bench.work.sums.accumulator[0, : len(row)] = least
        self._bench.work.sums.accumulator[1, : len(row)] = largest
        self._end()

    def add(self, pieces: Iterable[Piece]) -> None:
        """Do a pass."""
        for piece in pieces:
            work = self._bench.work
            work = work._replace(x=piece.x, rows=work.rows._replace(weights=piece.weights))
            context, cut = packed_work(work), self._cut._replace(n_superblocks=-(-len(piece.x) // self._plan.rows))
            self._launch(context, piece.x, cut)
            while work.state.counts[ITEM]:
                self._launch(context, piece.x, cut)
        self._end()

    @property
    def are_known(self) -> bool:
        """Whether no pass is left."""
        return bool(self._bench.work.state.counts[PHASE] == DONE)

    def finish(self) -> Columns:
        """Return the moments."""
        state = self._bench.work.state
        columns = Columns(state.means[0].copy(), state.spread.copy())
        self._bench.put_back()
        return columns

    def _end(self) -> None:
        self._launch(self._bench.context, self._bench.work.x, self._cut)

    def _launch(self, context: Any, x: NDArray[Any], cut: Any) -> None:
        arguments = context, x, cut, self._n_threads, self._row, LAUNCH_NANOSECONDS
        check(launched(column_moments, self._tasks, *arguments))
