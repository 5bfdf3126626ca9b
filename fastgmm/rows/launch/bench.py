"""Where launches work: buffers around rows, kept for the next rows where these are few.

A small fit would spend more time on memory than on arithmetic: an array from NumPy takes 0.3 microseconds, a context
of all of them 4, and a fit needs a hundred arrays in four contexts.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._numba.pointers import emptied, packed, repacked
from ...kernels.work import Rows, Work
from .buffers import Sizes, new_buffers
from .work import kind_for, layout_of

# Buffers of at most so many bytes are kept, and of so many sizes, those that were used last.
KEPT_BYTES = 512 << 10
MOST_KEPT = 32

# Benches that nobody uses, by their sizes and the layout of their rows. Lists, because threads put theirs back.
_kept: dict[tuple[Sizes, str], list[Bench]] = {}


class Bench:
    """A `Work` and its context; take benches by `bench_for`."""

    def __init__(self, sizes: Sizes, x: NDArray[Any], rows: Rows) -> None:
        self._key = sizes, layout_of(x)
        self._buffers = buffers = new_buffers(sizes)
        self.work = Work(x, rows, *buffers[:4])
        self.context = packed(self.work, kind_for(sizes.dtype, self._key[1]))
        self._beginning = buffers.begins.copy() if buffers.n_bytes <= KEPT_BYTES else None

    def put_back(self) -> None:
        """Let others use the buffers from now on; what is still needed has been copied."""
        if self._beginning is None:
            return
        # Not the rows: they are somebody else's, and may be a few out of many.
        del self.work
        self.context = emptied(self.context)
        # Another thread that does the same may lose a bench by it, which costs it a new one.
        waiting = _kept.pop(self._key, [])
        waiting.append(self)
        _kept[self._key] = waiting
        with contextlib.suppress(RuntimeError, StopIteration):
            while len(_kept) > MOST_KEPT:
                _kept.pop(next(iter(_kept)), None)

    def begin(self, x: NDArray[Any], rows: Rows) -> None:
        """Be as good as new, around other rows."""
        assert self._beginning is not None
        model, state, scratch, sums, begins, _ = self._buffers
        np.copyto(begins, self._beginning)
        self.work = Work(x, rows, model, state, scratch, sums)
        self.context = repacked(self.context, self.work)


def bench_for(sizes: Sizes, x: NDArray[Any], rows: Rows) -> Bench:
    """Return a bench with buffers of these sizes around rows `x` (N, D), as the kernels take them."""
    try:
        bench = _kept[sizes, layout_of(x)].pop()
    except (KeyError, IndexError):  # none of these sizes, or all in use
        return Bench(sizes, x, rows)
    bench.begin(x, rows)
    return bench
