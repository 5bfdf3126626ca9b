"""A run of EM over rows that are read anew in each pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from ...model.plan import Plan
from ...model.rounds.state import GIVEN, N_ITER, SWEEP
from ..array_run import ArrayRun, Given
from ..launch.cutter import Piece
from ..launch.work import UNWEIGHTED
from ..run import Run
from ..source import ASSIGN, EM, Start

# What reads all rows, in pieces of whole superblocks of so many rows; it is told of as a stage and a number.
Pass = Callable[[int, str, int], AbstractContextManager[Iterator[Piece]]]


class ChunkedRun(ArrayRun):
    """Rounds over rows that a `Pass` reads, from `start`; `known` is what an `ArrayRun` needs to know."""

    def __init__(self, plan: Plan, n_threads: int | None, pieces_of: Pass, start: Start, **known: Any) -> None:
        super().__init__(plan, n_threads, None, UNWEIGHTED, start, **known)
        self._pieces_of = pieces_of

    def _go_on(self, last: int) -> bool:
        while Run.advance(self, last):
            if self.phase != SWEEP:
                return True
            given = self._given if self.state.counts[GIVEN] else None
            number = int(self.state.counts[N_ITER]) + 1
            with self._pieces_of(self.plan.rows, EM if given is None else ASSIGN, number) as pieces:
                for piece in pieces:
                    if given is None:
                        self.add(piece.x, piece.weights)
                    else:
                        self._add_piece(given, piece)
            self.added_all()
        return False

    def _add_given(self, given: Given) -> None:
        self._go_on(0)

    def _add_piece(self, given: Given, piece: Piece) -> None:
        rows = self._rows_at_once(given)
        for a in range(0, len(piece.x), rows):
            self._add_with(given, piece.first + a, piece.x[a : a + rows], piece.weights[a : a + rows])
