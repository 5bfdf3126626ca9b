"""Where EM starts: k-means, k-means++, random, random rows, or what the user gives.

The four named starts mean what scikit-learn's `init_params` mean. All but explicit parameters end in an M step
on responsibilities, which no start ever stores as a whole: they are made for a few thousand rows at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _threads, validation
from ._jit import by_address
from .kernels import blocks, kmeans, whole_kmeans
from .loading import pieces, whole_piece
from .parameters import MixtureParameters
from .sources import ArraySource, Given, Partition, Start
from .steps import maximize, plan_of

Array = NDArray[np.float64]

_NO_LABELS = np.empty(0, np.int64)

METHODS = ("kmeans", "k-means++", "random", "random_from_data")


def start(
    X: NDArray[Any],
    n_components: int,
    *,
    covariance_type: str,
    init: str | MixtureParameters | NDArray[Any],
    reg_covar: float,
    generator: np.random.Generator,
    n_threads: int | None,
) -> Start:
    """Return what EM starts from; every argument has been checked by `check_init`."""
    if isinstance(init, MixtureParameters):
        return init
    if isinstance(init, np.ndarray) and init.ndim == 1:
        return _partition(X, init, n_components, covariance_type, reg_covar, n_threads)
    if isinstance(init, str) and init == "kmeans":
        if plan_of(covariance_type, n_components, X.shape[1]).is_small(len(X)):
            labels, means = _small_kmeans(X, n_components, generator), None
        else:
            labels, means = KMeans(X, n_components, n_threads).fit(generator)
        return _partition(X, labels, n_components, covariance_type, reg_covar, n_threads, means)
    given: Given
    if isinstance(init, np.ndarray):
        given = _rows_of(init)
    elif init == "random":
        given = _random(generator, n_components)
    else:
        if init == "k-means++":
            rows = KMeans(X, n_components, n_threads).plus_plus(generator)
        else:
            rows = generator.choice(len(X), size=n_components, replace=False)
        # One row a component has no spread of its own: as in scikit-learn the covariance is reg_covar I.
        X, given = np.asarray(X[rows]), np.arange(n_components)
    return _parameters(X, given, n_components, covariance_type, reg_covar, n_threads)


def _partition(
    X: NDArray[Any],
    labels: NDArray[np.int64],
    n_components: int,
    covariance_type: str,
    reg_covar: float,
    n_threads: int | None,
    means: Array | None = None,
) -> Partition:
    def parameters() -> MixtureParameters:
        return _parameters(X, labels, n_components, covariance_type, reg_covar, n_threads, means)

    return Partition(labels, n_components, covariance_type, parameters)


def _parameters(
    X: NDArray[Any],
    given: Given,
    n_components: int,
    covariance_type: str,
    reg_covar: float,
    n_threads: int | None,
    means: Array | None = None,
) -> MixtureParameters:
    """Return the M step of given responsibilities or labels, whose `means` (K, D) may be known."""
    statistics = ArraySource(X, n_threads).statistics_given(given, n_components, covariance_type, means)
    return maximize(statistics, reg_covar)


def _small_kmeans(X: NDArray[Any], n_components: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return what `KMeans` would, by compiled code as a whole; it draws the same random numbers."""
    n_samples, d = X.shape
    first_row = int(generator.integers(n_samples))
    uniforms = generator.random((n_components - 1, candidates_a_step(n_components)))
    rows = plan_of("spherical", n_components, d, X.dtype).rows
    closest = np.full(n_samples, np.inf, X.dtype)
    slabs = np.empty((-(-n_samples // rows), n_components + 1, 1 + d))
    labels = np.empty(n_samples, np.int64)
    whole_kmeans.kmeans_labels(whole_piece(X), rows, first_row, uniforms, closest, slabs, labels)
    return labels


def check_init(
    init: Any, n_samples: int, n_features: int, n_components: int, covariance_type: str
) -> str | MixtureParameters | NDArray[Any]:
    """Return `init` in one of the forms `start` takes; TypeError or ValueError otherwise."""
    if isinstance(init, str):
        return validation.check_choice("init", init, METHODS)
    if isinstance(init, MixtureParameters):
        parameters = validation.check_parameters(init)
        if parameters.covariance_type != covariance_type:
            raise ValueError(
                f"init has covariance_type {parameters.covariance_type!r}, but the fit asks for {covariance_type!r}"
            )
        if (parameters.n_components, parameters.n_features) != (n_components, n_features):
            raise ValueError(
                f"init has {parameters.n_components} components and {parameters.n_features} features, but the fit "
                f"asks for {n_components} and X has {n_features}"
            )
        return parameters
    array = np.asarray(init)
    if array.ndim == 1 and array.dtype.kind in "iu":
        return validation.check_labels(array, n_samples, n_components)
    if array.ndim == 2 and array.dtype.kind == "f":
        return validation.check_responsibilities(array, n_samples, n_components)
    raise TypeError(
        "init must be one of " + ", ".join(map(repr, METHODS)) + ", MixtureParameters, integer labels (N,) or "
        f"floating-point responsibilities (N, K), got {type(init).__name__}"
    )


def _rows_of(given: NDArray[Any]) -> Callable[[int, int], Array]:
    return lambda a, b: given[a:b]


def _random(generator: np.random.Generator, n_components: int) -> Callable[[int, int], Array]:
    """Uniform random numbers normalised per row, the same for a row whenever and wherever it is asked for."""
    seed = int(generator.integers(2**63))

    def rows(a: int, b: int) -> Array:
        # PCG64 spends one 64-bit draw on a uniform float64, so a row's numbers have a known place.
        draws = np.random.Generator(np.random.PCG64(seed).advance(a * n_components)).random((b - a, n_components))
        draws /= draws.sum(axis=1, keepdims=True)
        return draws

    return rows


def candidates_a_step(n_components: int) -> int:
    """Candidates of a step of greedy k-means++, as in scikit-learn."""
    return 2 + int(math.log(n_components))


class KMeans:
    """k-means++ seeding and Lloyd's rounds over the blocks that the mixture kernels use.

    It holds 16 bytes per row: the label of each row and its squared distance to the nearest centre.
    """

    def __init__(self, X: NDArray[Any], n_components: int, n_threads: int | None) -> None:
        self._X = X
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
            for k in empty:
                # As in scikit-learn: an empty cluster restarts on a row far from its centre.
                moved[k] = self._X[kmeans.farthest(self._closest)]
            centers, moved = moved, centers
            if not len(empty) and shift <= kmeans.LLOYD_TOLERANCE * variance:
                break
        labels = np.empty(len(self._X), dtype=np.int64)
        held, accumulator = self._lloyd_round(centers, labels=labels)
        kmeans.move_centers(accumulator, held, moved)
        return labels, None if kmeans.fill_empty(labels, self._k) else moved

    def plus_plus(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return K distinct rows, spread out: greedy k-means++ with 2 + ln K candidates a step.

        A step is one pass, which takes the centre of the step before into account; rows that candidates are drawn
        from are brought up to date before.
        """
        n_candidates = candidates_a_step(self._k)
        self._closest.fill(np.inf)
        chosen = [int(generator.integers(len(self._X)))]
        sums = self._potentials(chosen)[:, 0]
        for _ in range(1, self._k):
            uniforms = generator.random(n_candidates)
            candidates = [self._draw(uniform, np.ascontiguousarray(sums), chosen[-1]) for uniform in uniforms]
            if candidates[0] < 0:  # every row coincides with a centre: any other row is as good
                rest = np.setdiff1d(np.arange(len(self._X)), chosen)
                return np.array([*chosen, *rest[: self._k - len(chosen)]])
            potentials = self._potentials([chosen[-1], *candidates])[:, 1:]
            best = int(np.argmin(potentials.sum(axis=0)))
            chosen.append(candidates[best])
            sums = potentials[:, best]
        return np.array(chosen)

    def _draw(self, uniform: float, sums: Array, newest: int) -> int:
        """Return a row drawn with probability proportional to its squared distance to the nearest centre, or -1."""
        s, target = kmeans.draw_superblock(uniform, sums)
        if s < 0:
            return -1
        a, b = s * self._rows, (s + 1) * self._rows
        self._potentials([newest], slice(a, b))
        return int(a + kmeans.draw_row(target, self._closest[a:b]))

    def _potentials(self, chosen: list[int], span: slice = slice(None)) -> Array:
        """Return the sums of `kmeans.potential_superblock` over each superblock of the rows in `span`.

        The first of the rows `chosen` becomes a centre, the others are candidates.
        """
        origin, centers = self._relative(np.asarray(self._X[chosen], dtype=np.float64))
        X, closest = self._X[span], self._closest[span]
        sums = np.empty((-(-len(X) // self._rows), len(chosen)))
        for start, x in pieces(X, self._launch_rows, self._rows, X.dtype):
            first, end = start // self._rows, start + len(x)
            with _threads.team(self._n_threads, len(x) * self._row_nanoseconds) as parallel:
                out, held = sums[first : -(-end // self._rows)], closest[start:end]
                if parallel:
                    run = by_address(kmeans.potential_superblock, x, origin, centers, held, out[0])
                    kmeans.potential_parallel(run, x, self._rows, origin, centers, held, out)
                    continue
                for i, (a, b) in enumerate(self._plan.superblocks(len(x))):
                    kmeans.potential_superblock(x[a:b], origin, centers, held[a:b], out[i])
        return sums

    def _lloyd_round(
        self, centers: Array, *, labels: NDArray[np.int64] = _NO_LABELS, closest: NDArray[Any] | None = None
    ) -> tuple[Array, Array]:
        """Return the centres as the kernels hold them, and the sums of `kmeans.lloyd_superblock` about them.

        `labels` (N,) and `closest` (N,) are filled.
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
                out, held = labels[start:end], closest[start:end]
                if parallel:
                    run = by_address(kmeans.lloyd_superblock, x, origin, relative, out, held, slabs[0])
                    kmeans.lloyd_parallel(run, x, self._rows, origin, relative, out, held, slabs, accumulator)
                    continue
                for i, (a, b) in enumerate(self._plan.superblocks(len(x))):
                    kmeans.lloyd_superblock(x[a:b], origin, relative, out[a:b], held[a:b], slabs[i])
                blocks.fold(slabs, accumulator)
        return origin.astype(np.float64) + relative.astype(np.float64), accumulator

    def _relative(self, centers: Array) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return an origin (D,) and the centres less it, in the dtype of the rows.

        So that far rows keep their digits.
        """
        origin = centers[0].astype(self._X.dtype)
        return origin, (centers - origin.astype(np.float64)).astype(self._X.dtype)
