"""A run of EM over rows that are read anew in each pass."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ...model.plan import Plan
from ...model.rounds.state import GIVEN, N_ITER, SWEEP
from ..array_run import ArrayRun, Given
from ..launch.cutter import Piece
from ..launch.threads import available
from ..launch.work import UNWEIGHTED
from ..run import Run
from ..source import ASSIGN, EM, Start

# Share of a pass in which rows are read, from which on it is worth it to leave processors to that.
WORTH_IT = 0.15


class Passes(Protocol):
    """What reads all rows again and again."""

    # Of the seconds of the last pass those in which rows were being read, as a share.
    busy: float

    def pieces(self, unit: int, stage: str, number: int) -> AbstractContextManager[Iterator[Piece]]:
        """Yield all rows in pieces of whole superblocks of `unit` rows; what goes on is told as pass `number`."""
        ...


class ChunkedRun(ArrayRun):
    """Rounds over rows that are read in `passes`, from `start`; `known` is what an `ArrayRun` needs to know."""

    def __init__(self, plan: Plan, n_threads: int | None, passes: Passes, start: Start, **known: Any) -> None:
        super().__init__(plan, n_threads, None, UNWEIGHTED, start, **known)
        self._passes, self._most = passes, n_threads
        self._seconds, self._tries, self._halved = 0.0, True, False

    def _go_on(self, last: int) -> bool:
        while Run.advance(self, last):
            if self.phase != SWEEP:
                return True
            began = time.perf_counter()
            self._sweep()
            self._share_processors(time.perf_counter() - began)
            self.added_all()
        return False

    def _sweep(self) -> None:
        """Add all rows."""
        given = self._given if self.state.counts[GIVEN] else None
        with self._pieces(self.plan.rows, EM if given is None else ASSIGN) as pieces:
            for piece in pieces:
                if given is None:
                    self.add(piece.x, piece.weights)
                else:
                    self._add_piece(given, piece)

    def _pieces(self, unit: int, stage: str) -> AbstractContextManager[Iterator[Piece]]:
        return self._passes.pieces(unit, stage, int(self.state.counts[N_ITER]) + 1)

    def _share_processors(self, seconds: float) -> None:
        """Try, from the second pass on, whether a pass takes less than these seconds with half of the threads.

        Rows are read by threads, too, and launches wait for the last of theirs: a round over 48e6 x 8 numbers of
        Parquet took 1.14 s with two threads on two processors, and 0.94 with one. No bit depends on it.
        """
        before, self._seconds = self._seconds, seconds
        if before == 0.0 or not self._tries:  # the first pass may have compiled
            return
        n_threads = available(self._n_threads)
        if self._halved and seconds > before:
            self._n_threads, self._tries = min(2 * n_threads, available(self._most)), False
        elif n_threads == 1 or self._passes.busy < WORTH_IT:
            self._tries = False
        else:
            self._n_threads, self._halved = n_threads // 2, True

    def _add_given(self, given: Given) -> None:
        self._go_on(0)

    def _add_piece(self, given: Given, piece: Piece) -> None:
        rows = self._rows_at_once(given)
        for a in range(0, len(piece.x), rows):
            self._add_with(given, piece.first + a, piece.x[a : a + rows], piece.weights[a : a + rows])
