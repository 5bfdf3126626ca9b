"""A run of EM over rows that are read anew in each pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model.parameters import Parameters
from ...model.plan import Plan
from ...model.rounds.state import GIVEN, N_ITER, SWEEP
from ..array_run import ArrayRun
from ..launch.cutter import Piece
from ..launch.pieces import COPY_BYTES
from ..launch.work import UNWEIGHTED
from ..run import Run
from ..source import EM, Partition, Start

# What reads all rows, in pieces of whole superblocks of so many rows; it is told of as a stage and a number.
Pass = Callable[[int, str, int], AbstractContextManager[Iterator[Piece]]]


class ChunkedRun(ArrayRun):
    """Rounds over rows that a `Pass` reads, from `start`; `known` is what an `ArrayRun` needs to know."""

    def __init__(self, plan: Plan, n_threads: int | None, pieces_of: Pass, start: Start, **known: Any) -> None:
        super().__init__(plan, n_threads, None, UNWEIGHTED, start, **known)
        self._pieces_of = pieces_of
        self._given = None if isinstance(start, Parameters) else start

    def _go_on(self, last: int) -> bool:
        while Run.advance(self, last):
            if self.phase != SWEEP:
                return True
            with self._pieces_of(self.plan.rows, EM, int(self.state.counts[N_ITER]) + 1) as pieces:
                for piece in pieces:
                    self._add(piece)
            self.added_all()
        return False

    def _add(self, piece: Piece) -> None:
        given = self._given
        if not self.state.counts[GIVEN] or given is None:
            self.add(piece.x, piece.weights)
        elif isinstance(given, Partition):
            labels = given.labels[piece.first : piece.first + len(piece.x)]
            self.add(piece.x, piece.weights, labels=labels)
        else:
            unit = self.plan.rows
            rows = max(1, COPY_BYTES // (8 * self.plan.n_components * unit)) * unit
            for a in range(0, len(piece.x), rows):
                b = min(a + rows, len(piece.x))
                responsibilities: NDArray[Any] = np.array(given(piece.first + a, piece.first + b), self.plan.dtype)
                self.add(piece.x[a:b], piece.weights[a:b], responsibilities=responsibilities)
