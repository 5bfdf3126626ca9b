"""Where launches work: buffers around rows, kept for the next rows where these are few.

A small fit would spend more time on memory than on arithmetic: an array from NumPy takes 0.3 microseconds, a context
of all of them 4, and a fit needs a hundred arrays in four contexts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._numba.pointers import packed, repacked
from ...kernels.work import Rows, Work
from .buffers import Sizes, new_buffers
from .work import kind_for, layout_of, no_rows, nothing

# Buffers of at most so many bytes are kept, and of so many sizes.
KEPT_BYTES = 256 << 10
MOST_KEPT = 32

# Benches that nobody uses, by their sizes and the layout of their rows. Lists, because threads put theirs back.
_kept: dict[tuple[Sizes, str], list[Bench]] = {}


class Bench:
    """A `Work` and its context; take benches by `bench_for`."""

    def __init__(self, sizes: Sizes, x: NDArray[Any], rows: Rows) -> None:
        self._key = sizes, layout_of(x)
        model, state, scratch, sums, begins = new_buffers(sizes)
        self.work = Work(x, rows, model, state, scratch, sums)
        self.context = packed(self.work, kind_for(sizes.dtype, self._key[1]))
        self._begins = begins
        self._beginning = begins.copy() if begins.nbytes + sums.slabs.nbytes <= KEPT_BYTES else None

    def put_back(self) -> None:
        """Let others use the buffers from now on; what is still needed has been copied."""
        if self._beginning is None:
            return
        sizes = self._key[0]
        # Not the rows: they are somebody else's, and may be a few out of many.
        self._place(nothing(sizes.n_features, sizes.dtype), no_rows(sizes.dtype, sizes.n_components))
        _kept.setdefault(self._key, []).append(self)
        if len(_kept) > MOST_KEPT:
            _kept.pop(next(iter(_kept)), None)

    def begin(self, x: NDArray[Any], rows: Rows) -> None:
        """Be as good as new, around other rows."""
        assert self._beginning is not None
        np.copyto(self._begins, self._beginning)
        self._place(x, rows)

    def _place(self, x: NDArray[Any], rows: Rows) -> None:
        self.work = self.work._replace(x=x, rows=rows)
        self.context = repacked(self.context, self.work)


def bench_for(sizes: Sizes, x: NDArray[Any], rows: Rows) -> Bench:
    """Return a bench with buffers of these sizes around rows `x` (N, D), as the kernels take them."""
    try:
        bench = _kept[sizes, layout_of(x)].pop()
    except (KeyError, IndexError):  # none of these sizes, or all in use
        return Bench(sizes, x, rows)
    bench.begin(x, rows)
    return bench
