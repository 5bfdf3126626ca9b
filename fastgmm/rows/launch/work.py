"""The one place from which compiled code is launched: addresses of tasks, threads, codes made exceptions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._numba.addresses import by_address, entry_point
from ..._numba.pointers import kind_of, packed
from ...kernels import launch as drivers
from ...kernels.work import BROKEN, OK, Rows, Tasks, Work
from ...model.kinds import Kernels
from ...model.plan import Cut, Plan
from . import beside, threads
from .buffers import Sizes, new_buffers

UNWEIGHTED = np.empty(0)
NO_LABELS = np.empty(0, np.int64)

# Returns an example of a work, of a dtype and a layout of x: types of contexts, tasks and drivers follow from it.
Like = Callable[[Any, str], Any]


@functools.lru_cache(maxsize=256)
def nothing(n_features: int, dtype: Any) -> NDArray[Any]:
    """Return x of no rows, as the kernels take it."""
    x = np.empty((0, n_features), dtype)
    x.flags.writeable = False
    return x


@functools.lru_cache(maxsize=256)
def no_rows(dtype: Any, n_components: int) -> Rows:
    """Return rows with nothing beside them."""
    return Rows(UNWEIGHTED, NO_LABELS, np.empty((0, n_components), dtype), np.empty(0, dtype))


@functools.cache
def example(dtype: Any, layout: str) -> Work:
    """Return what a task works on, of a dtype and a layout of x."""
    x = np.zeros((3, 2), dtype)
    x = {"C": x, "F": np.asfortranarray(x), "A": np.zeros((6, 2), dtype)[::2]}[layout]
    x.flags.writeable = False
    one = (1, 1, 1)
    buffers = new_buffers(Sizes(dtype, 1, 1, 1, 1, 1, 1, (1, 1), 1, 1, 1, 1, one, one, (1, 1)))
    return Work(x, no_rows(dtype, 1), *buffers[:4])


def layout_of(x: NDArray[Any]) -> str:
    """Return "C", "F" or "A", each of which is a compiled signature."""
    return "C" if x.flags.c_contiguous else "F" if x.flags.f_contiguous else "A"


@functools.cache
def kind_for(dtype: Any, layout: str, like: Like = example) -> Any:
    """Return the kind of the contexts of what tasks work on."""
    return kind_of(like(dtype, layout))


def packed_work(work: Any, like: Like = example) -> Any:
    """Return `work` as compiled code takes it from Python, once; what is launched again and again has a `Bench`."""
    return packed(work, kind_for(work.x.dtype, layout_of(work.x), like))


@functools.cache
def address_of(task: Any, dtype: Any, layout: str, like: Like = example) -> Any:
    """Return what compiled code calls for a task; kept, because small fits have no time to look it up."""
    return by_address(task, packed_work(like(dtype, layout), like), 0, 0, 0)


def tasks_of(kernels: Kernels, sweep: Any, dtype: Any, layout: str) -> Tasks:
    """Return what compiled code calls for the tasks of a round with a pass."""
    tasks = Tasks(kernels.density.prepare, sweep, drivers.fold, kernels.moments.unpack, kernels.maximize)
    return _addresses_of(tasks, dtype, layout)


@functools.cache
def _addresses_of(tasks: Tasks, dtype: Any, layout: str) -> Tasks:
    beside.wait((tasks.sweep, dtype, layout))
    return Tasks(*(address_of(task, dtype, layout) for task in tasks))


def tasks_like(dtype: Any, layout: str) -> Tasks:
    """Return what stands for the tasks of any round where these are compiled for: all tasks are of one type."""
    return Tasks(*[address_of(drivers.fold, dtype, layout)] * len(Tasks._fields))


@functools.cache
def driver_of(dtype: Any, layout: str, parallel: bool, like: Like = example) -> Any:
    """Return the address of a driver."""
    task = address_of(drivers.fold, dtype, layout, like)
    drive = drivers.in_parallel if parallel else drivers.in_series
    return by_address(drive, task, packed_work(like(dtype, layout), like), 0, 0, 0)


class Shares(NamedTuple):
    """How launches over rows are shared out: their cut, with one worker if that is enough, and the slabs of one."""

    cut: Cut
    n_slabs: int


def shared_out(plan: Plan, n_samples: int, n_threads: int | None, row_nanoseconds: float | None = None) -> Shares:
    """Return how launches over so many rows are shared out, 0 if nobody knows how many there will be.

    A row takes as long as the plan says, and components are prepared, too, in a thread each; or it takes
    `row_nanoseconds` and there is nothing to prepare.
    """
    return shares_of(plan, n_samples, threads.available(n_threads), threads.worth_sharing(), row_nanoseconds)


@functools.lru_cache(maxsize=256)
def shares_of(plan: Plan, n_samples: int, n_available: int, worth: float, row_nanoseconds: float | None) -> Shares:
    """Do what `shared_out` does for so many threads, where so many nanoseconds are worth sharing out."""
    prepared = 0.0
    n_prepared = plan.structure.n_prepared(plan.n_components)
    if row_nanoseconds is None:
        row_nanoseconds = plan.row_nanoseconds
        prepared = n_prepared * plan.prepare_nanoseconds if n_prepared > 1 else 0.0
    cut = plan.cut(n_samples or plan.rows, n_available, worth, row_nanoseconds)
    n_slabs = plan.launch_superblocks(n_available)
    if n_samples:
        n_slabs = min(n_slabs, cut.n_superblocks)
    nanoseconds = max(n_slabs * cut.superblock_nanoseconds if n_slabs > 1 else 0.0, prepared)
    n_items = max(n_slabs, n_prepared if prepared else 0)
    return Shares(cut._replace(n_workers=min(n_available, n_items) if nanoseconds >= worth else 1), n_slabs)


def launched(
    function: Any,
    tasks: tuple[Any, ...],
    context: Any,
    x: NDArray[Any],
    cut: Cut,
    n_threads: int | None,
    *rest: Any,
    like: Like = example,
) -> Any:
    """Return what compiled code that launches tasks over rows `x` returns.

    ``function(drive, *tasks, context, cut, *rest)`` gets the driver for the threads there are, and the cut for it;
    `tasks` are addresses, or `Tasks` of them. Tasks, driver and context are for works `like` what this returns.
    """
    key = x.dtype, layout_of(x), like
    if cut.n_workers == 1:
        return _call(function, key, driver_of(*key[:2], False, like), *tasks, context, cut, *rest)
    with threads.team(n_threads) as parallel:
        cut = cut if parallel else cut._replace(n_workers=1)
        return _call(function, key, driver_of(*key[:2], parallel, like), *tasks, context, cut, *rest)


def _call(function: Any, key: tuple[Any, ...], *arguments: Any) -> Any:
    """Call a function of arguments whose types follow from the dtype and the layout of the rows."""
    return entry_of(function, key, *arguments)(*arguments)


def entry_of(function: Any, key: tuple[Any, ...], *arguments: Any) -> Any:
    """Return what Python calls for a function of such arguments."""
    entry = _entries.get((function, key))
    if entry is None:
        entry = _entries[function, key] = entry_point(function, *arguments)
    return entry


def has_entry(function: Any, key: tuple[Any, ...]) -> bool:
    """Whether this process has what Python calls for a function already."""
    return (function, key) in _entries


_entries: dict[Any, Any] = {}


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
