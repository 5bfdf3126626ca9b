"""The next items are made while this one is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")

# Items that wait at most, and seconds that the end of a pass waits for one that is being made.
AHEAD = 2
PATIENCE = 0.3


@contextmanager
def made_ahead(items: Generator[Item]) -> Iterator[Iterator[Item]]:
    """Yield an iterator of `items`, made by another thread, at most `AHEAD` before they are asked for.

    What goes wrong there is raised here. However the block ends, `items` are closed and the thread ends, as soon as
    the item that it is making is done.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="fastgmm-reader")
    waiting: deque[Future[Any]] = deque()
    end = object()

    def taken() -> Iterator[Item]:
        waiting.extend(pool.submit(next, items, end) for _ in range(AHEAD))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(pool.submit(next, items, end))
            yield item

    try:
        yield taken()
    finally:
        for future in waiting:
            future.cancel()
        closed = pool.submit(items.close)
        pool.shutdown(wait=False)
        wait([closed], PATIENCE)
