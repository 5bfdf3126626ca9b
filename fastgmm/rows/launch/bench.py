"""Where launches work: buffers around rows, kept for the next rows where these are few.

A small fit would spend more time on memory than on arithmetic: an array from NumPy takes 0.3 microseconds, a context
of all of them 4, and a fit needs a hundred arrays in four contexts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..._numba.pointers import emptied, packed, repacked, waiting
from ...kernels.work import Rows, Work
from .buffers import Sizes, new_buffers
from .work import kind_for, layout_of

# Buffers of at most so many bytes are kept, and of so many sizes, those that were used last.
KEPT_BYTES = 768 << 10
MOST_KEPT = 32

Item = TypeVar("Item")


class Kept(Generic[Item]):
    """What nobody uses at the moment, by what it is good for, to be taken again."""

    def __init__(self) -> None:
        # Lists, because threads put theirs back.
        self._waiting: dict[Hashable, list[Item]] = {}

    def take(self, key: Hashable) -> Item | None:
        """Return one of these, which is the caller's now; None if there is none, or all are in use."""
        try:
            return self._waiting[key].pop()
        except (KeyError, IndexError):
            return None

    def put_back(self, key: Hashable, item: Item) -> None:
        """Let others take it from now on."""
        # Another thread that does the same may lose an item by it, which costs it a new one.
        waiting = self._waiting.pop(key, [])
        waiting.append(item)
        self._waiting[key] = waiting
        if len(self._waiting) > MOST_KEPT:
            with contextlib.suppress(RuntimeError, StopIteration):
                while len(self._waiting) > MOST_KEPT:
                    self._waiting.pop(next(iter(self._waiting)), None)


class Bench:
    """A `Work` and its context; take benches by `bench_for`."""

    def __init__(self, sizes: Sizes, x: NDArray[Any], rows: Rows) -> None:
        self._key = sizes, layout_of(x)
        self._buffers = buffers = new_buffers(sizes)
        self.work = Work(x, rows, *buffers[:4])
        self.context = packed(self.work, kind_for(sizes.dtype, self._key[1]))
        self.begins = buffers.begins
        self.beginning = buffers.begins.copy() if buffers.n_bytes <= KEPT_BYTES else None

    def put_back(self) -> None:
        """Let others use the buffers from now on; what is still needed has been copied."""
        if self.beginning is not None:
            self.let_go()
            _benches.put_back(self._key, self)

    def let_go(self) -> None:
        """Forget the rows: they are somebody else's, and may be a few out of many."""
        del self.work
        self.context = emptied(self.context)

    def begin(self, x: NDArray[Any], rows: Rows) -> None:
        """Be as good as new, around other rows."""
        self.restart(x, rows)
        self.context = repacked(self.context, self.work)

    def restart(self, x: NDArray[Any], rows: Rows) -> None:
        """Be as good as new around other rows, which compiled code is to place in the context."""
        assert self.beginning is not None
        np.copyto(self.begins, self.beginning)
        model, state, scratch, sums, _, _ = self._buffers
        self.work = Work(x, rows, model, state, scratch, sums)
        self.context = waiting(self.context, self.work)


def bench_for(sizes: Sizes, x: NDArray[Any], rows: Rows) -> Bench:
    """Return a bench with buffers of these sizes around rows `x` (N, D), as the kernels take them."""
    bench = _benches.take((sizes, layout_of(x)))
    if bench is None:
        return Bench(sizes, x, rows)
    bench.begin(x, rows)
    return bench


_benches: Kept[Bench] = Kept()
