"""Launches of what works on a `PrunedWork`, as ``rows/launch/work.py`` has those of a `Work`."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..._numba.addresses import by_address
from ..._numba.pointers import kind_of, packed
from ...kernels import launch as drivers
from ...kernels.pruning.bounds import Bounds, PrunedWork
from ...model.plan import Cut
from ..launch import threads
from ..launch.work import check, entry_of, example, layout_of


@functools.cache
def _example(dtype: Any, layout: str) -> PrunedWork:
    integers = np.zeros((1, 1), np.int64)
    single, double, matrices = np.zeros((1, 1), np.float32), np.zeros((1, 1)), np.zeros((1, 1, 1))
    bounds = Bounds(
        order=np.zeros(1, np.int32),
        labels=np.zeros(1, np.int32),
        lengths=single,
        shrink=single[0],
        shift=single[0],
        limits=double[0],
        cuts=double[0],
        scales=np.zeros(1, dtype),
        factors=np.zeros((1, 1, 1), dtype),
        means=double,
        variances=matrices,
        touched=integers,
        tile=np.zeros((1, 1, 1), dtype),
        row_weights=double,
        components=integers,
    )
    return PrunedWork(*example(dtype, layout), bounds)


@functools.cache
def _kind_for(dtype: Any, layout: str) -> Any:
    return kind_of(_example(dtype, layout))


def packed_pruned(work: PrunedWork) -> Any:
    """Return `work` as compiled code takes it from Python."""
    return packed(work, _kind_for(work.x.dtype, layout_of(work.x)))


@functools.cache
def _address_of(task: Any, dtype: Any, layout: str) -> Any:
    return by_address(task, packed_pruned(_example(dtype, layout)), 0, 0, 0)


@functools.cache
def _driver_of(task: Any, dtype: Any, layout: str, parallel: bool) -> Any:
    drive = drivers.in_parallel if parallel else drivers.in_series
    context = packed_pruned(_example(dtype, layout))
    return by_address(drive, _address_of(task, dtype, layout), context, 0, 0, 0)


def launch_pruned(task: Any, work: PrunedWork, context: Any, cut: Cut, n_threads: int | None, *items: Any) -> None:
    """Run a task over `items`: the first, how many, and nanoseconds of one.

    Raises
    ------
    MemoryError
        If compiled code ran out of memory.
    """
    key = work.x.dtype, layout_of(work.x)
    with threads.team(n_threads) as parallel:
        parallel = parallel and cut.n_workers > 1
        cut = cut if parallel else cut._replace(n_workers=1)
        arguments = _driver_of(task, *key, parallel), _address_of(task, *key), context, cut, *items
        check(entry_of(drivers.launch_items, (key[0], f"{key[1]} pruned"), *arguments)(*arguments))
