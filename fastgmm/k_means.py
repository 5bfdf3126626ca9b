"""k-means as EM's start: greedy k-means++, then Lloyd's rounds, on the blocks that the mixture kernels use."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _threads
from ._address import by_address
from .accumulation import UNWEIGHTED
from .kernels import blocks, kmeans, plus_plus, whole_kmeans
from .loading import pieces, whole_piece
from .steps import plan_of

Array = NDArray[np.float64]

_NO_LABELS = np.empty(0, np.int64)


def candidates_a_step(n_components: int) -> int:
    """Candidates of a step of greedy k-means++, as in scikit-learn."""
    return 2 + int(math.log(n_components))


class KMeans:
    """k-means++ seeding and Lloyd's rounds over the blocks that the mixture kernels use.

    It holds 16 bytes per row: the label of each row and its squared distance to the nearest centre. `weights` are
    (N,), or of length 0 for rows that count once.
    """

    def __init__(
        self, X: NDArray[Any], n_components: int, n_threads: int | None, weights: Array = UNWEIGHTED
    ) -> None:
        self._X = X
        self._weights = weights
        self._k = n_components
        self._n_threads = n_threads
        self._plan = plan_of("spherical", n_components, X.shape[1], X.dtype)
        self._rows = self._plan.rows
        self._launch_rows = self._plan.launch_rows(_threads.available(n_threads))
        # About a nanosecond per row, component and feature.
        self._row_nanoseconds = float(n_components * X.shape[1])
        self._closest = np.full(len(X), np.inf, X.dtype)

    def fit(self, generator: np.random.Generator) -> tuple[NDArray[np.int64], Array | None]:
        """Return the cluster of each row, (N,), when Lloyd's rounds have settled, and the clusters' means, (K, D).

        Every cluster has a row. No means where one had to be given a row of another, which duplicates make necessary.
        """
        centers = self._X[self.plus_plus(generator)].astype(np.float64)
        moved = np.empty_like(centers)
        for _ in range(kmeans.LLOYD_ROUNDS):
            held, accumulator = self._lloyd_round(centers)
            shift, variance = kmeans.move_centers(accumulator, held, moved)
            empty = np.flatnonzero(accumulator[: self._k, 0] == 0)
            if len(empty):
                self._lloyd_round(centers, closest=self._closest)
            restarted = False
            for k in empty:
                row = kmeans.farthest(self._closest)
                if row >= 0:  # as in scikit-learn: an empty cluster restarts on a row far from its centre
                    moved[k] = self._X[row]
                    restarted = True
            centers, moved = moved, centers
            if not restarted and shift <= kmeans.LLOYD_TOLERANCE * variance:
                break
        labels = np.empty(len(self._X), dtype=np.int64)
        held, accumulator = self._lloyd_round(centers, labels=labels)
        kmeans.move_centers(accumulator, held, moved)
        return labels, None if kmeans.fill_empty(labels, self._weights, self._k) else moved

    def plus_plus(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return K distinct rows, spread out: greedy k-means++ with 2 + ln K candidates a step.

        A step is one pass, which takes the centre of the step before into account; rows that candidates are drawn
        from are brought up to date before.
        """
        n_candidates = candidates_a_step(self._k)
        self._closest.fill(np.inf)
        if len(self._weights):
            cumulated = np.cumsum(self._weights)
            chosen = [int(np.searchsorted(cumulated, generator.random() * cumulated[-1], side="right"))]
        else:
            chosen = [int(generator.integers(len(self._X)))]
        sums = self._potentials(chosen)[:, 0]
        for _ in range(1, self._k):
            uniforms = generator.random(n_candidates)
            candidates = [self._draw(uniform, np.ascontiguousarray(sums), chosen[-1]) for uniform in uniforms]
            if candidates[0] < 0:  # every row coincides with a centre: any other row is as good
                rows = np.flatnonzero(self._weights) if len(self._weights) else np.arange(len(self._X))
                rest = np.setdiff1d(rows, chosen)
                return np.array([*chosen, *rest[: self._k - len(chosen)]])
            potentials = self._potentials([chosen[-1], *candidates])[:, 1:]
            best = int(np.argmin(potentials.sum(axis=0)))
            chosen.append(candidates[best])
            sums = potentials[:, best]
        return np.array(chosen)

    def _draw(self, uniform: float, sums: Array, newest: int) -> int:
        """Return a row drawn with probability proportional to its squared distance to the nearest centre, or -1."""
        s, target = plus_plus.draw_superblock(uniform, sums)
        if s < 0:
            return -1
        a, b = s * self._rows, (s + 1) * self._rows
        self._potentials([newest], slice(a, b))
        return int(a + plus_plus.draw_row(target, self._closest[a:b], self._weights[a:b]))

    def _potentials(self, chosen: list[int], span: slice = slice(None)) -> Array:
        """Return the sums of `plus_plus.potential_superblock` over each superblock of the rows in `span`.

        The first of the rows `chosen` becomes a centre, the others are candidates.
        """
        origin, centers = self._relative(np.asarray(self._X[chosen], dtype=np.float64))
        X, closest, weights = self._X[span], self._closest[span], self._weights[span]
        sums = np.empty((-(-len(X) // self._rows), len(chosen)))
        for start, x in pieces(X, self._launch_rows, self._rows, X.dtype):
            first, end = start // self._rows, start + len(x)
            with _threads.team(self._n_threads, len(x) * self._row_nanoseconds) as parallel:
                out, held, w = sums[first : -(-end // self._rows)], closest[start:end], weights[start:end]
                if parallel:
                    run = by_address(plus_plus.potential_superblock, x, origin, centers, held, w, out[0])
                    plus_plus.potential_parallel(run, x, self._rows, origin, centers, held, w, out)
                    continue
                for i, (a, b) in enumerate(self._plan.superblocks(len(x))):
                    plus_plus.potential_superblock(x[a:b], origin, centers, held[a:b], w[a:b], out[i])
        return sums

    def _lloyd_round(
        self, centers: Array, *, labels: NDArray[np.int64] = _NO_LABELS, closest: NDArray[Any] | None = None
    ) -> tuple[Array, Array]:
        """Return the centres as the kernels hold them, and the sums of `kmeans.lloyd_superblock` about them.

        `labels` (N,) and `closest` (N,), squared distances times weights, are filled.
        """
        d = self._X.shape[1]
        closest = self._closest[:0] if closest is None else closest
        origin, relative = self._relative(centers)
        shape = (self._k + 1, blocks.slab_pitch(1 + d))
        accumulator = np.zeros(shape)
        for start, x in pieces(self._X, self._launch_rows, self._rows, self._X.dtype):
            end = start + len(x)
            slabs = np.empty((-(-len(x) // self._rows), *shape))
            with _threads.team(self._n_threads, len(x) * self._row_nanoseconds) as parallel:
                w, out, held = self._weights[start:end], labels[start:end], closest[start:end]
                if parallel:
                    run = by_address(kmeans.lloyd_superblock, x, origin, relative, w, out, held, slabs[0])
                    kmeans.lloyd_parallel(run, x, self._rows, origin, relative, w, out, held, slabs, accumulator)
                    continue
                for i, (a, b) in enumerate(self._plan.superblocks(len(x))):
                    kmeans.lloyd_superblock(x[a:b], origin, relative, w[a:b], out[a:b], held[a:b], slabs[i])
                blocks.fold(slabs, accumulator)
        return origin.astype(np.float64) + relative.astype(np.float64), accumulator

    def _relative(self, centers: Array) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return an origin (D,) and the centres less it, in the dtype of the rows.

        So that far rows keep their digits.
        """
        origin = centers[0].astype(self._X.dtype)
        return origin, (centers - origin.astype(np.float64)).astype(self._X.dtype)


def small_k_means(X: NDArray[Any], n_components: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return what `KMeans` would, by compiled code as a whole; it draws the same random numbers."""
    n_samples, d = X.shape
    first_row = int(generator.integers(n_samples))
    uniforms = generator.random((n_components - 1, candidates_a_step(n_components)))
    rows = plan_of("spherical", n_components, d, X.dtype).rows
    closest = np.full(n_samples, np.inf, X.dtype)
    slabs = np.empty((-(-n_samples // rows), n_components + 1, 1 + d))
    labels = np.empty(n_samples, np.int64)
    x = whole_piece(X)
    potential, lloyd = _superblocks_of(X.dtype)
    whole_kmeans.kmeans_labels(potential, lloyd, x, rows, first_row, uniforms, closest, slabs, labels)
    return labels


@functools.cache
def _superblocks_of(dtype: Any) -> tuple[Any, Any]:
    """Return what `whole_kmeans.kmeans_labels` calls; kept, because small fits have no time to look it up."""
    row, centers, sums, slab = np.empty(1, dtype), np.empty((1, 1), dtype), np.empty(1), np.empty((1, 1))
    x = whole_piece(centers)
    return (
        by_address(plus_plus.potential_superblock, x, row, centers, row, sums, sums),
        by_address(kmeans.lloyd_superblock, x, row, centers, sums, _NO_LABELS, row, slab),
    )
