"""Where launches work: buffers around rows, kept for the next rows where these are few.

A small fit would spend more time on memory than on arithmetic: an array from NumPy takes 0.3 microseconds, a context
of all of them 4, and a fit needs a hundred arrays in four contexts.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._numba.pointers import packed, repacked
from ...kernels.work import Rows, Work
from .buffers import Sizes, new_buffers
from .work import kind_for, layout_of

# Buffers of at most so many bytes are kept, and of so many sizes.
KEPT_BYTES = 256 << 10
MOST_KEPT = 32

# Benches that nobody uses, by their sizes and the layout of their rows. Lists, because threads put theirs back.
_kept: dict[tuple[Sizes, str], list[Bench]] = {}


class Bench:
    """A `Work` and its context; take benches by `bench_for`."""

    def __init__(self, sizes: Sizes, x: NDArray[Any], rows: Rows) -> None:
        self._key = sizes, layout_of(x)
        *buffers, begins = new_buffers(sizes)
        self.work = Work(x, rows, *buffers)
        self.context = packed(self.work, kind_for(sizes.dtype, self._key[1]))
        self._begins = begins
        slabs = self.work.sums.slabs
        self._beginning = begins.copy() if begins.nbytes + slabs.nbytes <= KEPT_BYTES else None

    def put_back(self) -> None:
        """Let others use the buffers from now on; what is still needed has been copied."""
        if self._beginning is not None and len(_kept) < MOST_KEPT:
            _kept.setdefault(self._key, []).append(self)

    def _begin(self, x: NDArray[Any], rows: Rows) -> None:
        """Be as good as new."""
        assert self._beginning is not None
        np.copyto(self._begins, self._beginning)
        self.work = self.work._replace(x=x, rows=rows)
        self.context = repacked(self.context, self.work)


def bench_for(sizes: Sizes, x: NDArray[Any], rows: Rows) -> Bench:
    """Return a bench with buffers of these sizes around rows `x` (N, D), as the kernels take them."""
    waiting = _kept.get((sizes, layout_of(x)))
    try:
        bench = waiting.pop() if waiting else None
    except IndexError:  # another thread took the last
        bench = None
    if bench is None:
        return Bench(sizes, x, rows)
    bench._begin(x, rows)
    return bench
