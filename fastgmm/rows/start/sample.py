"""A sample of rows that depends on the rows and a seed alone: neither on how they arrive nor on what holds them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.keys import small_keys
from ...kernels.launch import launch_items
from ...kernels.sizes import MAX_ROWS, slab_pitch
from ...kernels.slots import BOUND, FIRST, SEED
from ...model.plan import plan_of
from ..launch.bench import bench_for
from ..launch.buffers import Sizes
from ..launch.work import UNWEIGHTED, address_of, check, launched, no_rows, shared_out
from ..source import Sample

Array = NDArray[np.float64]

# Superblocks in a launch, and what the key of a row takes.
LAUNCH_SUPERBLOCKS = 64
KEY_NANOSECONDS = 1.5


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
        self._n_seen, self._bound = 0, bound
        self._rows = [np.empty((0, n_features), dtype)]
        self._weights = [np.empty(0)]
        self._keys = [np.empty(0)]
        self._numbers = [np.empty(0, np.int64)]
        self._weighted = False

    def add(self, X: NDArray[Any], weights: Array = UNWEIGHTED, n_threads: int | None = None) -> None:
        """Add the next rows (n, D), any n, with weights (n,) or, of length 0, without."""
        self._weighted |= len(weights) > 0
        begin = 0
        while begin < len(X):
            # As long as there is no bound, all are kept.
            most = LAUNCH_SUPERBLOCKS * MAX_ROWS if self._bound < math.inf else self._size + 1
            end = min(begin + most, len(X))
            keys, places = self._small(end - begin, weights[begin:end], n_threads)
            if len(keys) > self._size + 1:  # rows that others leave no room for are not fetched
                kept = self._among_smallest(keys)
                keys, places = keys[kept], places[kept]
            self._keys.append(keys)
            self._numbers.append(self._next + places)
            places += begin
            # `take`, which needs a part of the time, would copy all of an array in another order first.
            rows = X.take(places, axis=0) if X.flags.c_contiguous else X[places]
            self._rows.append(np.asarray(rows, self._dtype))
            self._weights.append(weights[places] if len(weights) else np.ones(len(places)))
            self._next += end - begin
            self._n_seen += end - begin
            if sum(map(len, self._keys)) > 2 * self._size:
                self._drop()
            begin = end

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

    def _small(self, n_rows: int, weights: Array, n_threads: int | None) -> tuple[Array, NDArray[np.int64]]:
        """Return the keys up to the bound of the next rows, and the places of their rows among these."""
        # Rows without features: keys know nothing of values.
        x = np.empty((n_rows, 0), self._dtype)
        x.flags.writeable = False
        plan = plan_of("diag", 1, 1, self._dtype)
        cut, _ = shared_out(plan, n_rows, n_threads, KEY_NANOSECONDS)
        shape = 2, slab_pitch(1 + plan.rows)
        sizes = Sizes(self._dtype, 1, 0, 0, plan.lanes, cut.n_workers, cut.n_superblocks, shape, plan.rows)
        bench = bench_for(sizes, x, no_rows(self._dtype, 1)._replace(weights=weights))
        state, slabs = bench.work.state, bench.work.sums.slabs
        state.numbers[BOUND], state.counts[SEED], state.counts[FIRST] = self._bound, self._seed, self._next
        task, items = (address_of(small_keys, self._dtype, "C"),), (0, cut.n_superblocks, cut.superblock_nanoseconds)
        with np.errstate(over="ignore"):  # interpreted, NumPy would tell that 64 bits overflow
            check(launched(launch_items, task, bench.context, x, cut, n_threads, *items))
        found = [slab[:, 1 : 1 + int(slab[0, 0])] for slab in slabs]
        keys, places = np.concatenate(found, axis=1)
        bench.put_back()
        return keys, places.astype(np.int64)

    def _drop(self) -> None:
        """Forget rows that are not among the smallest, and where there are more than wanted, those without weight."""
        keys = np.concatenate(self._keys)
        kept = self._among_smallest(keys) if self._n_seen > self._size else np.full(len(keys), True)
        ends = np.cumsum([len(keys) for keys in self._keys])[:-1]
        # A mask of all takes five times as long as a slice.
        masks = [slice(None) if mask.all() else mask for mask in np.split(kept, ends)]
        for part in self._parts():  # piece by piece, so that what is forgotten is not copied before
            part[:] = [np.concatenate([piece[mask] for piece, mask in zip(part, masks, strict=True)])]

    def _among_smallest(self, keys: Array) -> NDArray[np.bool_]:
        """Return whether rows with these keys may be among the smallest of all; those without weight are not."""
        size = self._size
        kept = keys < math.inf
        if np.count_nonzero(kept) > size + 1:
            self._bound = bound = float(np.partition(keys, size)[size])
            kept = keys < bound
            # Of equal keys those of the first rows.
            kept[np.flatnonzero(keys == bound)[: size + 1 - np.count_nonzero(kept)]] = True
        return kept

    def _parts(self) -> tuple[list[Any], ...]:
        return self._rows, self._weights, self._keys, self._numbers
