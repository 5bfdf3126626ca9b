"""Providers of "the statistics of these rows under these parameters".

EM asks a provider for nothing else (`Source`), so an array in memory, chunks of a file and a cluster differ
in this file alone. What they share is `Accumulation`: one pass in progress, which takes rows in pieces of any
length and gives the same bits however they are cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import _threads
from ._address import by_address
from .kernels import STRUCTURES, blocks, passes, tied, whole
from .loading import COPY_BYTES, pieces, whole_piece
from .parameters import SHAPES, MixtureParameters, Status, SufficientStatistics
from .steps import SMALL_NANOSECONDS, Prepared, plan_of, prepare, unprepared

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Partition:
    """A start that assigns each row to one component: `labels` (N,), and the M step that makes `parameters` of it."""

    labels: NDArray[np.int64]
    n_components: int
    covariance_type: str
    parameters: Callable[[], MixtureParameters]


Start = MixtureParameters | Partition
# What replaces the E step: responsibilities of rows a to b, (b - a, K), or the component of each row, (N,).
Given = Callable[[int, int], Array] | NDArray[np.int64]


class Source(Protocol):
    """Rows that can be passed over again and again."""

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        ...

    def statistics(self, parameters: MixtureParameters) -> SufficientStatistics:
        """One pass over all rows."""
        ...

    def run_whole(self, start: Start, tol: float, reg_covar: float, max_iter: int) -> WholeRun | None:
        """Run EM to its end in one compiled call where the work is small; None where it is not."""
        ...


@dataclass(frozen=True)
class WholeRun:
    """How a run that was compiled as a whole ended, see `kernels.whole.expectation_maximization`.

    `status` is None where it failed in round `n_iter`: with the covariance of `component`, or if that is -1 with a
    `log_likelihood` that is not finite.
    """

    status: Status | None
    n_iter: int
    component: int
    log_likelihood: float
    trace: Array
    parameters: MixtureParameters


_STATUS = {whole.CONVERGED: Status.CONVERGED, whole.MAX_ITER: Status.MAX_ITER}


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
        for _, piece in pieces(X[:whole], self._launch_rows, rows, self._prepared.plan.dtype):
            self._launch(piece, self._no_responsibilities, self._no_labels)
        if whole < len(X):
            self._hold(X[whole:])

    def add_all(self, X: NDArray[Any], given: Given | None = None) -> None:
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
            self._launch(piece, responsibilities, labels)

    def finish(self) -> SufficientStatistics:
        """Return the statistics of all rows added."""
        if self._held:
            self._flush()
        return self._prepared.statistics(self._accumulator, self._n_samples)

    def _hold(self, X: NDArray[Any]) -> None:
        if not len(self._carry):
            plan = self._prepared.plan
            self._carry = np.empty((plan.rows, plan.n_features), plan.dtype)
        self._carry[self._held : self._held + len(X)] = X
        self._held += len(X)

    def _flush(self) -> None:
        for _, piece in pieces(self._carry[: self._held], len(self._carry), len(self._carry), self._carry.dtype):
            self._launch(piece, self._no_responsibilities, self._no_labels)
        self._held = 0

    def _launch(self, x: Array, given: Array, labels: NDArray[np.int64]) -> None:
        prepared, plan = self._prepared, self._prepared.plan
        n_slabs = -(-len(x) // plan.rows)
        if n_slabs > len(self._slabs):
            self._slabs = np.empty((n_slabs, *plan.slab_shape))
        # A single superblock has nothing to share out.
        work = len(x) * plan.row_nanoseconds if n_slabs > 1 else 0.0
        with _threads.team(self._n_threads, work) as parallel:
            slabs = self._slabs[:n_slabs]
            if parallel:
                run = by_address(passes.superblock, prepared.model, x, given, labels, slabs[0])
                passes.pass_parallel(run, prepared.model, x, given, labels, plan.rows, slabs, self._accumulator)
                return
            for s, (a, b) in enumerate(plan.superblocks(len(x))):
                passes.superblock(prepared.model, x[a:b], given[a:b], labels[a:b], slabs[s])
            blocks.fold(slabs, self._accumulator)


class ArraySource:
    """An (N, D) array in memory or mapped into it, in any layout."""

    def __init__(self, X: NDArray[Any], n_threads: int | None = None) -> None:
        self._X = X
        self._n_threads = n_threads
        self._scatter: SufficientStatistics | None = None

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return len(self._X)

    def statistics(self, parameters: MixtureParameters) -> SufficientStatistics:
        """One pass of the fused kernel over all rows."""
        plan = plan_of(parameters.covariance_type, *parameters.means.shape)
        if parameters.covariance_type == "tied" and not plan.is_small(self.n_samples):
            return self._tied_statistics(parameters)
        return self._pass(prepare(parameters, self._X.dtype))

    def statistics_given(
        self, given: Given, n_components: int, covariance_type: str, means: Array | None = None
    ) -> SufficientStatistics:
        """Statistics of given responsibilities or labels, centred on the means they imply.

        Where these are not known, two passes: the first, centred on one of the rows, finds them; the second takes
        the moments about them, so that nothing cancels when the components lie far apart.
        """
        if means is None:
            first_row = np.repeat(self._X[:1].astype(np.float64), n_components, axis=0)
            statistics = self._given_pass(given, first_row, covariance_type)
            means = statistics.centers + statistics.first_moments / statistics.responsibility_sums[:, np.newaxis]
        return self._given_pass(given, means, covariance_type)

    def run_whole(self, start: Start, tol: float, reg_covar: float, max_iter: int) -> WholeRun | None:
        """Run EM to its end in one compiled call where the work is small; None where it is not."""
        dtype, k, d = self._X.dtype, start.n_components, self._X.shape[1]
        plan = plan_of(start.covariance_type, k, d, dtype)
        if not plan.is_small(self.n_samples) or self.n_samples * plan.row_nanoseconds * max_iter > SMALL_NANOSECONDS:
            return None
        if isinstance(start, Partition):
            labels = start.labels
            weights, means = np.empty(k), np.empty((k, d))
            covariances = np.empty(SHAPES[plan.covariance_type].covariances(k, d))
        else:
            labels = np.empty(0, np.int64)
            weights, means = start.weights.astype(np.float64), start.means.astype(np.float64)
            covariances = start.covariances.astype(np.float64)
        trace = np.empty(max_iter)
        model = STRUCTURES[plan.covariance_type].allocate(k, d, dtype)
        x = whole_piece(self._X)
        slabs = np.empty((-(-self.n_samples // plan.rows), *plan.slab_shape))
        status, n_iter, component, log_likelihood = whole.expectation_maximization(
            by_address(passes.superblock, model, x, np.empty((0, k), dtype), labels, slabs[0]),
            model,
            x,
            labels,
            plan.rows,
            slabs,
            weights,
            means,
            covariances,
            reg_covar,
            tol,
            max_iter,
            trace,
        )
        fitted = MixtureParameters(weights, means, covariances, plan.covariance_type)
        return WholeRun(_STATUS.get(status), n_iter, component, log_likelihood, trace[:n_iter], fitted)

    def _tied_statistics(self, parameters: MixtureParameters) -> SufficientStatistics:
        """One pass without second moments: they follow from the total scatter, which is the same every round.

        Where that subtraction would cancel, a second pass sums them directly.
        """
        if self._scatter is None:
            self._scatter = self.statistics_given(lambda a, b: np.ones((b - a, 1)), 1, "tied")
        total = self._scatter
        statistics = self._pass(prepare(parameters, self._X.dtype, direct=False))
        pooled = tied.from_scatter(
            total.second_moments,
            total.centers[0],
            statistics.responsibility_sums,
            statistics.first_moments,
            statistics.centers,
        )
        if pooled is None:
            return self._pass(prepare(parameters, self._X.dtype))
        return replace(statistics, second_moments=pooled)

    def _given_pass(self, given: Given, centers: Array, covariance_type: str) -> SufficientStatistics:
        accumulation = Accumulation(unprepared(centers, covariance_type, self._X.dtype), self._n_threads)
        accumulation.add_all(self._X, given)
        return accumulation.finish()

    def _pass(self, prepared: Prepared) -> SufficientStatistics:
        accumulation = Accumulation(prepared, self._n_threads)
        accumulation.add_all(self._X)
        return accumulation.finish()
