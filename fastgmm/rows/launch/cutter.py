"""Rows in chunks of any length, cut as if they came at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pieces import COPY_BYTES, pieces
from .work import UNWEIGHTED

Array = NDArray[np.float64]


class Piece(NamedTuple):
    """Rows `x` (n, D), as the kernels take them, from row `first` on, with weights (n,) or (0,)."""

    first: int
    x: NDArray[Any]
    weights: Array


class Cutter:
    """Cuts chunks into pieces of whole superblocks of `unit` rows, counted from the first row of the first chunk.

    Chunks of `dtype` with at least `least` rows, and a superblock, stay where they lie, but for what is left over of
    a superblock. All others are gathered in `n_buffers` buffers of about `COPY_BYTES`, used in turn: a piece is valid
    until as many others have been taken.
    """

    def __init__(self, unit: int, n_features: int, dtype: Any, *, least: int = 0, n_buffers: int = 1) -> None:
        self._unit, self._dtype, self._n_features = unit, dtype, n_features
        self._room = max(1, COPY_BYTES // (np.dtype(dtype).itemsize * n_features * unit)) * unit
        self._least = max(least, unit)
        self._buffers: list[tuple[NDArray[Any], Array] | None] = [None] * n_buffers
        self._turn = self._first = self._held = 0
        self._any_weighted = False

    def cut(self, X: NDArray[Any], weights: Array = UNWEIGHTED) -> Iterator[Piece]:
        """Yield the whole superblocks that the rows of a chunk (n, D) complete, with weights (n,) or (0,)."""
        while len(X):
            n = self._room - self._held
            if len(X) >= self._least and self._stays(X):
                n = -self._held % self._unit
                if n == 0:
                    yield from self.rest()
                    n = len(X) - len(X) % self._unit
                    for start, x in pieces(X[:n], n, self._unit, self._dtype):
                        yield Piece(self._first + start, x, weights[start : start + len(x)])
                    self._first += n
                    X, weights = X[n:], weights[n:]
                    self._hold(X, weights)
                    return
            n = min(n, len(X))
            self._hold(X[:n], weights[:n])
            X, weights = X[n:], weights[n:]
            if self._held == self._room:
                yield from self.rest()

    def _stays(self, X: NDArray[Any]) -> bool:
        # What is not in C order may be copied by `pieces`, into one buffer only.
        in_order = X.flags.c_contiguous or len(self._buffers) == 1
        return bool(X.dtype == self._dtype and X.flags.aligned and in_order)

    def rest(self) -> Iterator[Piece]:
        """Yield the rows that are held; of all but the last chunk they are whole superblocks only if so many came."""
        if not self._held:
            return
        x, weights = self._buffer()
        x, held = x[: self._held].view(), self._held
        x.flags.writeable = False
        piece = Piece(self._first, x, weights[:held] if self._any_weighted else UNWEIGHTED)
        self._first += held
        self._held, self._any_weighted = 0, False
        self._turn = (self._turn + 1) % len(self._buffers)
        yield piece

    def _hold(self, X: NDArray[Any], weights: Array) -> None:
        if not len(X):
            return
        x, held_weights = self._buffer()
        end = self._held + len(X)
        x[self._held : end] = X
        held_weights[self._held : end] = weights if len(weights) else 1.0
        self._any_weighted |= len(weights) > 0
        self._held = end

    def _buffer(self) -> tuple[NDArray[Any], Array]:
        buffer = self._buffers[self._turn]
        if buffer is None:
            buffer = np.empty((self._room, self._n_features), self._dtype), np.empty(self._room)
            self._buffers[self._turn] = buffer
        return buffer
