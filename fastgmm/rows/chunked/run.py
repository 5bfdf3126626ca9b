"""A run of EM over rows that are read anew in each pass."""

from __future__ import annotations

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

    def _go_on(self, last: int) -> bool:
        while Run.advance(self, last):
            if self.phase != SWEEP:
                return True
            given = self._given if self.state.counts[GIVEN] else None
            stage, number = EM if given is None else ASSIGN, int(self.state.counts[N_ITER]) + 1
            with self._passes.pieces(self.plan.rows, stage, number) as pieces:
                for piece in pieces:
                    if given is None:
                        self.add(piece.x, piece.weights)
                    else:
                        self._add_piece(given, piece)
            self._share_processors()
            self.added_all()
        return False

    def _share_processors(self) -> None:
        """Let fewer threads compute where reading is what takes time: those without work keep processors busy.

        A round over 48e6 x 8 numbers of Parquet took 1.14 s with two threads on two processors, and 0.94 with one. No
        bit depends on it.
        """
        n_threads = available(self._n_threads)
        if self._passes.busy > 0.9:
            self._n_threads = max(1, n_threads // 2)
        elif self._passes.busy < 0.6:
            self._n_threads = min(2 * n_threads, available(self._most))

    def _add_given(self, given: Given) -> None:
        self._go_on(0)

    def _add_piece(self, given: Given, piece: Piece) -> None:
        rows = self._rows_at_once(given)
        for a in range(0, len(piece.x), rows):
            self._add_with(given, piece.first + a, piece.x[a : a + rows], piece.weights[a : a + rows])
