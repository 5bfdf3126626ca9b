"""The next items are made while this one is used."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
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
        self._asked: SimpleQueue[None] = SimpleQueue()
        self._made: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self._stopped, self._closed = False, threading.Event()
        self._end = object()
        self.busy = 0.0
        # The interpreter waits at its end for all other threads: Ctrl-C would not end a program whose reader is slow.
        threading.Thread(target=self._make, name="fastgmm-reader", daemon=True).start()

    def __iter__(self) -> Iterator[Item]:
        """Yield the items; what goes wrong in making them is raised here."""
        for _ in range(AHEAD):
            self._asked.put(None)
        while True:
            item, error = self._made.get()
            if error is not None:
                raise error
            if item is self._end:
                return
            self._asked.put(None)
            yield item

    def close(self) -> None:
        """Close what makes items, and end the thread, as soon as the item is done that it is making."""
        self._stopped = True
        self._asked.put(None)
        self._closed.wait(PATIENCE)

    def _make(self) -> None:
        while True:
            self._asked.get()
            if self._stopped:
                break
            since = time.perf_counter()
            made: tuple[Any, BaseException | None]
            try:
                made = next(self._items, self._end), None
            except BaseException as error:
                made = self._end, error
            self.busy += time.perf_counter() - since
            self._made.put(made)
            del made  # not to be held while this waits
        with suppress(BaseException):  # nobody waits for it
            self._items.close()
        self._closed.set()


@contextmanager
def made_ahead(items: Generator[Item]) -> Iterator[Ahead[Item]]:
    """Yield `items` made ahead; however the block ends, these are closed then and their thread ends."""
    ahead = Ahead(items)
    try:
        yield ahead
    finally:
        ahead.close()
