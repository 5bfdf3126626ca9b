"""A sample of rows that depends on the rows and a seed alone: neither on how they arrive nor on what holds them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.keys import small_keys
from ...kernels.launch import launch_items
from ...kernels.slots import BOUND, FIRST, SEED
from ...model.plan import plan_of
from ..launch.bench import bench_for
from ..launch.buffers import Sizes
from ..launch.work import UNWEIGHTED, address_of, check, launched, no_rows, shared_out
from ..source import Sample
from .smallest import joined, nth, room_for

Array = NDArray[np.float64]
Places = NDArray[np.int64]

# What the key of a row takes, in nanoseconds.
KEY_NANOSECONDS = 1.0
# Numbers that the slabs of a launch have room for: few enough for a bench to keep them, enough for a sample of 32768
# of 10^5 rows. What is allocated anew costs a page fault for each 4 kB, up to two microseconds.
LAUNCH_ROOM = 90_000
NOTHING, NOWHERE = np.empty(0), np.empty(0, np.int64)


def likely_bound(size: int, n_rows: int) -> float:
    """Return what hardly ever fewer than `size` of so many keys of rows without weights are below.

    Once in a billion times.
    """
    share = (size + 6.0 * math.sqrt(size)) / n_rows
    return share if share < 1.0 else math.inf


def sample_of(size: int, n_samples: int, weighted: bool, sampled: Callable[[float], Sampling]) -> Sample:
    """Return a sample of rows that can be passed over again, ``sampled(bound)`` at a time."""
    # Of rows without weights it is known beforehand which keys are small enough, but for bad luck.
    bound = math.inf if weighted or n_samples <= size else likely_bound(size, n_samples)
    sampling = sampled(bound)
    if bound < math.inf and not sampling.is_full:
        sampling = sampled(math.inf)
    return sampling.finish()


class Sampling:
    """The `size` rows with the smallest keys of (`seed`, number of the row), see ``kernels/keys.py``, of those added.

    `first` is the number of the first row that is added. Samplings of other rows by the same seed can be merged. One
    more row than asked for is kept: its key says how likely the others were. Larger keys than `bound` are passed over
    from the beginning; whoever gives one has to see that enough rows are left, see `is_full`.
    """

    def __init__(
        self, size: int, seed: int, n_features: int, dtype: Any, first: int = 0, bound: float = math.inf
    ) -> None:
        self._size, self._seed, self._dtype, self._next = size, seed, np.dtype(dtype), first
        # Keys up to the bound are about this share of those to come.
        self._n_seen, self._bound, self._share = 0, bound, min(bound, 1.0)
        self._rows = [np.empty((0, n_features), dtype)]
        self._weights = [np.empty(0)]
        self._keys = [np.empty(0)]
        self._numbers = [np.empty(0, np.int64)]
        self._weighted = False

    def add(self, X: NDArray[Any], weights: Array = UNWEIGHTED, n_threads: int | None = None) -> None:
        """Add the next rows (n, D), any n, with weights (n,) or, of length 0, without."""
        self._weighted |= len(weights) > 0
        first, begin, found, n_found = self._next, 0, [], 0
        while begin < len(X):
            keys, places = self._small(len(X) - begin, weights[begin:], n_threads)
            places += begin
            found.append((keys, places))
            begin, n_found = self._next - first, n_found + len(keys)
            if n_found > self._size or begin == len(X):
                self._fetch(X, weights, first, *map(joined, zip(*found, strict=True)))
                found, n_found = [], 0

    def _fetch(self, X: NDArray[Any], weights: Array, first: int, keys: Array, places: Places) -> None:
        """Keep those of the rows at `places` with these keys that there is room for; `first` is row 0."""
        if len(keys) > self._size + 1 or sum(map(len, self._keys)) + len(keys) > 2 * self._size:
            keys, places = self._drop(keys, places)
        # `take`, which needs a part of the time, would copy all of an array in another order first.
        rows = X.take(places, axis=0) if X.flags.c_contiguous else X[places]
        own = weights[places] if len(weights) else np.broadcast_to(1.0, len(places))
        places += first
        for part, piece in zip(self._parts(), (np.asarray(rows, self._dtype), own, keys, places), strict=True):
            part.append(piece)

    @property
    def is_full(self) -> bool:
        """Whether there are as many rows as asked for, and one more."""
        return sum(map(len, self._keys)) > self._size

    def merge(self, other: Sampling) -> None:
        """Take over what another sampling has of other rows."""
        for mine, theirs in zip(self._parts(), other._parts(), strict=True):
            mine.extend(theirs)
        self._n_seen += other._n_seen
        self._weighted |= other._weighted
        self._bound = min(self._bound, other._bound)
        self._next = max(self._next, other._next)
        order = np.argsort(np.concatenate(self._numbers))
        for part in self._parts():
            part[:] = [np.concatenate(part)[order]]
        self._drop()

    def finish(self) -> Sample:
        """Return the sample.

        A row that weighs much is in it more often than a light one, and in return weighs less there than w / p, p
        the probability that it is: Cohen & Kaplan (2007), Summarizing data using bottom-k sketches, PODC, 225-234.
        """
        self._drop()
        (rows,), (weights,), (keys,), _ = self._parts()
        if self._n_seen <= self._size:
            return Sample(rows, weights if self._weighted else UNWEIGHTED, True)
        bound = math.inf
        if len(keys) > self._size:
            last = int(np.argmax(keys))
            bound = keys[last]
            rows = np.delete(rows, last, axis=0)
            weights = np.delete(weights, last) if self._weighted else weights
        if not self._weighted:
            return Sample(rows, UNWEIGHTED, False)
        with np.errstate(over="ignore"):
            return Sample(rows, weights / -np.expm1(-weights * bound), False)

    def _small(self, n_rows: int, weights: Array, n_threads: int | None) -> tuple[Array, Places]:
        """Pass over some of the next rows, at most so many; return those keys up to the bound, and their places."""
        plan = plan_of("diag", 1, 1, self._dtype)
        pitch = room_for(self._share, plan.rows)
        n_rows = min(n_rows, plan.rows * max(1, LAUNCH_ROOM // (2 * pitch)))
        weights = weights[:n_rows]
        # Rows without features: keys know nothing of values.
        x = np.empty((n_rows, 0), self._dtype)
        x.flags.writeable = False
        cut, _ = shared_out(plan, n_rows, n_threads, KEY_NANOSECONDS)
        sizes = Sizes(self._dtype, 1, 0, 0, plan.lanes, cut.n_workers, cut.n_superblocks, (2, pitch), plan.rows)
        bench = bench_for(sizes, x, no_rows(self._dtype, 1)._replace(weights=weights))
        state, slabs = bench.work.state, bench.work.sums.slabs
        state.numbers[BOUND], state.counts[SEED], state.counts[FIRST] = self._bound, self._seed, self._next
        task, items = (address_of(small_keys, self._dtype, "C"),), (0, cut.n_superblocks, cut.superblock_nanoseconds)
        with np.errstate(over="ignore"):  # interpreted, NumPy would tell that 64 bits overflow
            check(launched(launch_items, task, bench.context, x, cut, n_threads, *items))
        keys, places, most = slabs[:, 0, 1:], slabs[:, 1, 1:].view(np.int64), slabs[:, 0, 0].max()
        if most >= pitch:  # rows that are unlike those before; until a bound is found anew there is room for all
            bench.put_back()
            self._share = 1.0
            return self._small(n_rows, weights, n_threads)
        self._next += n_rows
        self._n_seen += n_rows
        many = slabs[:, 0, 0].sum() > self._size + 1
        kept = self._among_smallest(keys) if many else keys <= self._bound
        found = keys[kept], places[kept]
        bench.put_back()
        return found

    def _drop(self, keys: Array = NOTHING, places: Places = NOWHERE) -> tuple[Array, Places]:
        """Forget rows that are not among the smallest, and where there are more than wanted, those without weight.

        Return what is left of `keys` and `places` of rows that are not among those yet.
        """
        pieces = [*self._keys, keys]
        if self._weighted or sum(map(len, pieces)) > self._size + 1:
            kept = self._among_smallest(joined(pieces))
            ends = np.cumsum([len(piece) for piece in pieces])[:-1]
            # A mask of all takes five times as long as a slice.
            *masks, new = [slice(None) if mask.all() else mask for mask in np.split(kept, ends)]
            for part in self._parts():  # piece by piece, so that what is forgotten is not copied before
                part[:] = [piece[mask] for piece, mask in zip(part, masks, strict=True)]
            keys, places = keys[new], places[new]
        for part in self._parts():
            part[:] = [joined(part)]
        return keys, places

    def _among_smallest(self, keys: Array) -> NDArray[np.bool_]:
        """Return whether rows with these keys may be among the smallest of all; those without weight are not."""
        size = self._size
        if self._n_seen <= size:
            return np.full(keys.shape, True)
        kept = keys < math.inf
        if np.count_nonzero(kept) > size + 1:
            self._bound = bound = nth(keys, size)
            self._share = (size + 1) / self._n_seen
            kept = keys < bound
            # Of equal keys those of the first rows.
            kept.flat[np.flatnonzero(keys == bound)[: size + 1 - np.count_nonzero(kept)]] = True
        return kept

    def _parts(self) -> tuple[list[Any], ...]:
        return self._rows, self._weights, self._keys, self._numbers
