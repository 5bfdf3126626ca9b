"""One pass in progress: rows in pieces of any length, the same bits however they are cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _threads
from ._address import by_address
from .kernels import blocks, passes
from .loading import COPY_BYTES, pieces
from .parameters import SufficientStatistics
from .steps import Prepared

Array = NDArray[np.float64]

UNWEIGHTED = np.empty(0)
# What replaces the E step: responsibilities of rows a to b, (b - a, K), or the component of each row, (N,).
Given = Callable[[int, int], Array] | NDArray[np.int64]


def first_counted(weights: Array) -> int:
    """Return the first row of positive weight, 0 if `weights` are of length 0."""
    return int(np.argmax(weights > 0.0)) if len(weights) else 0


class Accumulation:
    """One pass in progress.

    Rows are cut into superblocks counted from the first row ever added. Whole superblocks go to the kernels
    from where they lie; the rows left over at the end of a chunk wait in a carry buffer for the next chunk.
    The accumulator takes the superblocks in row order. So the sums depend on the rows and their order only.
    """

    def __init__(self, prepared: Prepared, n_threads: int | None = None) -> None:
        self._prepared = prepared
        self._n_threads = n_threads
        plan = prepared.plan
        self._launch_rows = plan.launch_rows(_threads.available(n_threads))
        self._accumulator = np.zeros(plan.slab_shape)
        self._slabs = np.empty((0, *plan.slab_shape))
        self._no_responsibilities = np.empty((0, plan.n_components), plan.dtype)
        self._no_labels = np.empty(0, np.int64)
        self._carry = np.empty((0, plan.n_features), plan.dtype)
        self._carried_weights = UNWEIGHTED
        self._held = 0
        self._n_samples = 0

    def add(self, X: NDArray[Any], weights: Array = UNWEIGHTED) -> None:
        """Add the rows of a chunk, (n, D), any n, with weights (n,) for all chunks or for none."""
        rows = self._prepared.plan.rows
        self._n_samples += len(X)
        if self._held:
            room = rows - self._held
            self._hold(X[:room], weights[:room])
            X, weights = X[room:], weights[room:]
            if self._held == rows:
                self._flush()
        whole = len(X) - len(X) % rows
        for start, piece in pieces(X[:whole], self._launch_rows, rows, self._prepared.plan.dtype):
            of_rows = weights[start : start + len(piece)]
            self._launch(piece, self._no_responsibilities, self._no_labels, of_rows)
        if whole < len(X):
            self._hold(X[whole:], weights[whole:])

    def add_all(self, X: NDArray[Any], weights: Array = UNWEIGHTED, given: Given | None = None) -> None:
        """Add all rows there will be: none has to wait, and those of a last, shorter superblock run in parallel."""
        plan = self._prepared.plan
        self._n_samples += len(X)
        rows = self._launch_rows
        if callable(given):
            # Responsibilities exist for one piece at a time, so their memory is bounded like that of a copy.
            rows = min(rows, max(1, COPY_BYTES // (8 * plan.n_components * plan.rows)) * plan.rows)
        responsibilities, labels = self._no_responsibilities, self._no_labels
        for start, piece in pieces(X, rows, plan.rows, plan.dtype):
            end = start + len(piece)
            if callable(given):
                # A copy, because a read-only or strided array would be a second signature to compile.
                responsibilities = np.array(given(start, end), plan.dtype, order="C")
            elif given is not None:
                labels = given[start:end]
            self._launch(piece, responsibilities, labels, weights[start:end])

    def finish(self) -> SufficientStatistics:
        """Return the statistics of all rows added."""
        if self._held:
            self._flush()
        return self._prepared.statistics(self._accumulator, self._n_samples)

    def _hold(self, X: NDArray[Any], weights: Array) -> None:
        if not len(self._carry):
            plan = self._prepared.plan
            self._carry = np.empty((plan.rows, plan.n_features), plan.dtype)
            self._carried_weights = np.empty(plan.rows if len(weights) else 0)
        self._carry[self._held : self._held + len(X)] = X
        self._carried_weights[self._held : self._held + len(weights)] = weights
        self._held += len(X)

    def _flush(self) -> None:
        for _, piece in pieces(self._carry[: self._held], len(self._carry), len(self._carry), self._carry.dtype):
            self._launch(piece, self._no_responsibilities, self._no_labels, self._carried_weights[: self._held])
        self._held = 0

    def _launch(self, x: Array, given: Array, labels: NDArray[np.int64], weights: Array) -> None:
        prepared, plan = self._prepared, self._prepared.plan
        n_slabs = -(-len(x) // plan.rows)
        if n_slabs > len(self._slabs):
            self._slabs = np.empty((n_slabs, *plan.slab_shape))
        # A single superblock has nothing to share out.
        work = len(x) * plan.row_nanoseconds if n_slabs > 1 else 0.0
        with _threads.team(self._n_threads, work) as parallel:
            slabs = self._slabs[:n_slabs]
            # Numba ignores an exception (out of memory) behind an address: what it left undone shall not look done.
            slabs[:, plan.n_components, 0] = np.nan
            if parallel:
                run = by_address(passes.superblock, prepared.model, x, given, labels, weights, slabs[0])
                passes.pass_parallel(
                    run, prepared.model, x, given, labels, weights, plan.rows, slabs, self._accumulator
                )
                return
            for s, (a, b) in enumerate(plan.superblocks(len(x))):
                passes.superblock(prepared.model, x[a:b], given[a:b], labels[a:b], weights[a:b], slabs[s])
            blocks.fold(slabs, self._accumulator)
