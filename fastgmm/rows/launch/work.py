"""The one place from which compiled code is launched: addresses of tasks, threads, codes made exceptions."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._numba.addresses import by_address
from ..._numba.pointers import kind_of, packed
from ...kernels import launch as drivers
from ...kernels.work import BROKEN, OK, Rows, Tasks, Work
from ...model.plan import Cut
from ...model.rounds.state import allocate_state
from . import threads
from .buffers import new_model, new_scratch, new_sums

UNWEIGHTED = np.empty(0)
NO_LABELS = np.empty(0, np.int64)


def nothing(n_features: int, dtype: Any) -> NDArray[Any]:
    """Return x of no rows, as the kernels take it."""
    x = np.empty((0, n_features), dtype)
    x.flags.writeable = False
    return x


def no_rows(dtype: Any, n_components: int) -> Rows:
    """Return rows with nothing beside them."""
    return Rows(UNWEIGHTED, NO_LABELS, np.empty((0, n_components), dtype), np.empty(0, dtype))


@functools.cache
def _example(dtype: Any, layout: str) -> Work:
    """Return what a task works on, of a dtype and a layout of x."""
    x = np.zeros((3, 2), dtype)
    x = {"C": x, "F": np.asfortranarray(x), "A": np.zeros((6, 2), dtype)[::2]}[layout]
    x.flags.writeable = False
    work = (
        new_model(1, 1, 1, dtype),
        allocate_state(1, 1, (1, 1, 1)),
        new_scratch(1, 1, 1, 1, 1, dtype),
        new_sums(1, (1, 1), 1, 1),
    )
    return Work(x, no_rows(dtype, 1), *work)


def layout_of(x: NDArray[Any]) -> str:
    """Return "C", "F" or "A", each of which is a compiled signature."""
    return "C" if x.flags.c_contiguous else "F" if x.flags.f_contiguous else "A"


@functools.cache
def _kind_of(dtype: Any, layout: str) -> Any:
    return kind_of(_example(dtype, layout))


def packed_work(work: Work) -> Any:
    """Return `work` as compiled code takes it from Python; a change of what an array is takes another."""
    return packed(work, _kind_of(work.x.dtype, layout_of(work.x)))


@functools.cache
def address_of(task: Any, dtype: Any, layout: str) -> Any:
    """Return what compiled code calls for a task; kept, because small fits have no time to look it up."""
    return by_address(task, packed_work(_example(dtype, layout)), 0, 0, 0)


@functools.cache
def tasks_of(tasks: Tasks, dtype: Any, layout: str) -> Tasks:
    """Return what compiled code calls for the tasks of a round."""
    return Tasks(*(address_of(task, dtype, layout) for task in tasks))


@functools.cache
def driver_of(dtype: Any, layout: str, parallel: bool) -> Any:
    """Return the address of a driver."""
    task = address_of(drivers.fold, dtype, layout)
    drive = drivers.in_parallel if parallel else drivers.in_series
    return by_address(drive, task, packed_work(_example(dtype, layout)), 0, 0, 0)


def shared_out(cut: Cut) -> tuple[Cut, float]:
    """Return `cut` with as many threads as its superblocks are worth, and the nanoseconds of work they share."""
    shared = cut.n_superblocks * cut.superblock_nanoseconds if cut.n_superblocks > 1 else 0.0
    n_workers = min(cut.n_workers, cut.n_superblocks) if shared >= cut.parallel_nanoseconds else 1
    return cut._replace(n_workers=n_workers), shared


@contextlib.contextmanager
def driving(n_threads: int | None, work: Work, cut: Cut, nanoseconds: float) -> Iterator[tuple[Any, Cut]]:
    """Yield the driver for launches of so much work at most, and the cut for it; threads are set meanwhile."""
    with threads.team(n_threads, nanoseconds if cut.n_workers > 1 else 0.0) as parallel:
        drive = driver_of(work.x.dtype, layout_of(work.x), parallel)
        yield drive, cut if parallel else cut._replace(n_workers=1)


def check(code: int) -> None:
    """Raise if a task did not end as it should.

    Raises
    ------
    MemoryError
        If compiled code ended in an exception: it has no other to end in.
    """
    if code == BROKEN:
        raise MemoryError("compiled code ran out of memory")
    if code != OK:
        raise RuntimeError(f"a kernel refused its buffers (code {code}); this is a fault of fastgmm")
