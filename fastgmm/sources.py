"""Providers of "the statistics of these rows under these parameters".

EM asks a provider for nothing else (`Source`), so an array in memory, chunks of a file and a cluster differ
in this file alone. What they share is `Accumulation`: one pass in progress, which takes rows in pieces of any
length and gives the same bits however they are cut.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import _threads
from .loading import COPY_BYTES, pieces
from .parameters import MixtureParameters, SufficientStatistics
from .steps import Prepared, prepare, unprepared

Array = NDArray[np.float64]


class Source(Protocol):
    """Rows that can be passed over again and again."""

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        ...

    def statistics(self, parameters: MixtureParameters) -> SufficientStatistics:
        """One pass over all rows."""
        ...


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
        self._not_given = np.empty((0, plan.n_components))
        self._carry = np.empty((0, plan.n_features))
        self._held = 0
        self._n_samples = 0

    def add(self, X: NDArray[Any]) -> None:
        """Add the rows of a chunk, (n, D), any n."""
        rows = self._prepared.plan.rows
        self._n_samples += len(X)
        if self._held:
            filling = X[: rows - self._held]
            self._hold(filling)
            X = X[len(filling) :]
            if self._held == rows:
                self._flush()
        whole = len(X) - len(X) % rows
        for _, piece in pieces(X[:whole], self._launch_rows, rows):
            self._launch(piece, self._not_given)
        if whole < len(X):
            self._hold(X[whole:])

    def add_given(self, X: NDArray[Any], responsibilities: Callable[[int, int], Array]) -> None:
        """Add all rows of `X` with given responsibilities: ``responsibilities(a, b)`` is (b - a, K)."""
        plan = self._prepared.plan
        self._n_samples += len(X)
        # Responsibilities exist for one piece at a time, so their memory is bounded like that of a copy.
        most = max(1, COPY_BYTES // (8 * plan.n_components * plan.rows)) * plan.rows
        for start, piece in pieces(X, min(self._launch_rows, most), plan.rows):
            # A copy, because a read-only or strided array would be a second signature to compile.
            given = np.array(responsibilities(start, start + len(piece)), np.float64, order="C")
            self._launch(piece, given)

    def finish(self) -> SufficientStatistics:
        """Return the statistics of all rows added."""
        if self._held:
            self._flush()
        prepared, plan = self._prepared, self._prepared.plan
        sums, first, second = prepared.kernels.unpack(self._accumulator, plan.n_components, plan.n_features)
        return SufficientStatistics(
            covariance_type=prepared.parameters.covariance_type,
            centers=prepared.parameters.means,
            n_samples=self._n_samples,
            log_likelihood=float(self._accumulator[plan.n_components, 0]),
            responsibility_sums=sums,
            first_moments=first,
            second_moments=second,
        )

    def _hold(self, X: NDArray[Any]) -> None:
        if not len(self._carry):
            self._carry = np.empty((self._prepared.plan.rows, self._prepared.plan.n_features))
        self._carry[self._held : self._held + len(X)] = X
        self._held += len(X)

    def _flush(self) -> None:
        for _, piece in pieces(self._carry[: self._held], len(self._carry), len(self._carry)):
            self._launch(piece, self._not_given)
        self._held = 0

    def _launch(self, x: Array, given: Array) -> None:
        prepared, plan = self._prepared, self._prepared.plan
        n_slabs = -(-len(x) // plan.rows)
        if n_slabs > len(self._slabs):
            self._slabs = np.empty((n_slabs, *plan.slab_shape))
        # A single superblock has nothing to share out.
        work = len(x) * plan.row_nanoseconds if n_slabs > 1 else 0.0
        with _threads.team(self._n_threads, work) as parallel:
            launch = prepared.kernels.pass_parallel if parallel else prepared.kernels.pass_serial
            launch(
                x,
                given,
                plan.rows,
                prepared.parameters.means,
                prepared.factors,
                prepared.constants,
                self._slabs[:n_slabs],
                self._accumulator,
            )


class ArraySource:
    """An (N, D) array in memory or mapped into it, in any layout."""

    def __init__(self, X: NDArray[Any], n_threads: int | None = None) -> None:
        self._X = X
        self._n_threads = n_threads

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return len(self._X)

    def statistics(self, parameters: MixtureParameters) -> SufficientStatistics:
        """One pass of the fused kernel over all rows."""
        accumulation = Accumulation(prepare(parameters), self._n_threads)
        accumulation.add(self._X)
        return accumulation.finish()

    def statistics_given(
        self, responsibilities: Callable[[int, int], Array], n_components: int, covariance_type: str
    ) -> SufficientStatistics:
        """Statistics of given responsibilities, centred on the means they imply.

        Two passes: the first, centred on one of the rows, finds the means; the second takes the moments about
        them, so that nothing cancels when the components lie far apart.
        """
        centers = np.repeat(self._X[:1].astype(np.float64), n_components, axis=0)
        for _ in range(2):
            accumulation = Accumulation(unprepared(centers, covariance_type), self._n_threads)
            accumulation.add_given(self._X, responsibilities)
            statistics = accumulation.finish()
            shift = statistics.first_moments / statistics.responsibility_sums[:, np.newaxis]
            centers = statistics.centers + shift
        return statistics
