"""The next items are made while this one is used."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")

# Items that wait at most, and seconds that the end of a pass waits for one that is being made.
AHEAD = 2
PATIENCE = 0.3


class Ahead(Generic[Item]):
    """Items that another thread makes, at most `AHEAD` before they are asked for; take them from `made_ahead`.

    `busy` are the seconds for which it has been making them.
    """

    def __init__(self, items: Generator[Item]) -> None:
        self._items = items
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="fastgmm-reader")
        self._waiting: deque[Future[Any]] = deque()
        self._end = object()
        self.busy = 0.0

    def __iter__(self) -> Iterator[Item]:
        """Yield the items; what goes wrong in making them is raised here."""
        self._waiting.extend(self._pool.submit(self._make) for _ in range(AHEAD))
        while (item := self._waiting.popleft().result()) is not self._end:
            self._waiting.append(self._pool.submit(self._make))
            yield item

    def close(self) -> None:
        """Close what makes items, and end the thread, as soon as the item is done that it is making."""
        for future in self._waiting:
            future.cancel()
        closed = self._pool.submit(self._items.close)
        self._pool.shutdown(wait=False)
        wait([closed], PATIENCE)

    def _make(self) -> Any:
        since = time.perf_counter()
        item = next(self._items, self._end)
        self.busy += time.perf_counter() - since
        return item


@contextmanager
def made_ahead(items: Generator[Item]) -> Iterator[Ahead[Item]]:
    """Yield `items` made ahead; however the block ends, these are closed then and their thread ends."""
    ahead = Ahead(items)
    try:
        yield ahead
    finally:
        ahead.close()
