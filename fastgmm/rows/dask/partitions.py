"""The partitions of a Dask collection: rows checked and held once, and tasks over all of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .parts import Facts, counted_of, facts_of, part_of, scaled
from .tasks import each_of

# Results that are joined at once: of more partitions than this tasks join them, group by group.
JOINED = 16


class Partitions:
    """Partitions of rows and of their weights, both Delayed, checked and held where Dask wants them.

    The current client of `distributed` runs the tasks, if there is one, else the scheduler that Dask is set to. Of
    partitions that are not empty `facts` are what is known, and `firsts` the numbers of their first rows; `n_samples`
    is how many rows there are, and `n_counted` how many of them count. Weights are held in units of
    ``2 ** exponent``.

    Whatever fails here, nothing is left on a cluster: a notebook keeps the last traceback, and that all futures.

    Raises
    ------
    TypeError, ValueError
        If the rows or the weights of a partition are not what they may be, or there are none.
    """

    def __init__(self, blocks: Sequence[Any], weights: Sequence[Any] | None, n_features: int, dtype: Any) -> None:
        self._client = _client()
        self._parts: list[Any] = []
        self._begun: list[Any] = []
        self._last: list[Any] = []
        self._groups: list[list[int]] = []
        with self._all_or_nothing():
            self._hold(blocks, weights, n_features, dtype)

    def _hold(self, blocks: Sequence[Any], weights: Sequence[Any] | None, n_features: int, dtype: Any) -> None:
        check = functools.partial(part_of, n_features=n_features, dtype=dtype)
        given = [None] * len(blocks) if weights is None else weights
        tasks = _delayed("rows", check, blocks, given, range(len(blocks)))
        self._parts = self._held(tasks)
        facts: list[Facts] = self._results(self._tasks("facts", facts_of, self._parts))
        fault = next((each.fault for each in facts if each.fault is not None), None)
        if fault is not None:
            raise fault
        kept = [number for number, each in enumerate(facts) if each.n_samples]
        self.facts, self._parts = [facts[number] for number in kept], [self._parts[number] for number in kept]
        self.firsts: list[int] = [0, *np.cumsum([each.n_samples for each in self.facts]).tolist()][:-1]
        self.n_samples = self.n_counted = sum(each.n_samples for each in self.facts)
        if not self.n_samples:
            raise ValueError("X must have at least one row, got none in any partition")
        if not any(each.total_weight for each in self.facts):
            raise ValueError("sample_weight must not be zero for every row")
        self.exponent = max(each.exponent for each in self.facts if each.total_weight)
        if self.exponent:
            scale = functools.partial(scaled, exponent=self.exponent)
            self._parts = self._held(self._tasks("weights", scale, self._parts))
        if weights is not None:
            self.n_counted = self.joined("count", functools.partial(counted_of, n_samples=self.n_samples), sum)

    def joined(
        self,
        name: str,
        task: Callable[..., Any],
        join: Callable[[Sequence[Any]], Any],
        *beside: Sequence[Any],
        together: bool = False,
    ) -> Any:
        """Return what `join` makes of the results of ``task(part, first, *beside)``, always in the same order.

        With `together` a worker does a task for several of its partitions, and all results come here to be joined.
        """
        with self._all_or_nothing():
            if together and self._client is not None:
                results = self._together(name, task, self._parts, self.firsts, *beside)
                while len(results) > JOINED:
                    results = [join(results[i : i + JOINED]) for i in range(0, len(results), JOINED)]
                return join(results)
            tasks = self._tasks(name, task, self._parts, self.firsts, *beside)
            while len(tasks) > JOINED:
                groups = [tasks[i : i + JOINED] for i in range(0, len(tasks), JOINED)]
                tasks = self._tasks("add", join, groups)
            return join(self._results(tasks))

    def _together(self, name: str, function: Callable[..., Any], *columns: Sequence[Any]) -> list[Any]:
        """Return the results of all partitions, in their order."""
        if not self._groups:
            self._groups = self._neighbours()
        grouped = [[[column[number] for number in group] for group in self._groups] for column in columns]
        results = self._results(self._tasks(name, functools.partial(each_of, function), *grouped))
        of = {
            number: each
            for group, done in zip(self._groups, results, strict=True)
            for number, each in zip(group, done, strict=True)
        }
        return [of[number] for number in range(len(self._parts))]

    def _neighbours(self) -> list[list[int]]:
        """Return the numbers of partitions that are a task: those of a worker now, a share for each of its threads.

        Between two tasks a worker waits a millisecond, and the scheduler works for as long for each of them.
        """
        holders, threads = self._client.who_has(self._parts), self._client.nthreads()
        held: dict[str, list[int]] = {}
        for number, part in enumerate(self._parts):
            held.setdefault(next(iter(holders.get(part.key, ())), ""), []).append(number)
        groups = []
        for worker, numbers in held.items():
            size = -(-len(numbers) // threads.get(worker, 1))
            groups += [numbers[i : i + size] for i in range(0, len(numbers), size)]
        return groups

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Cancel all that was begun, and what is held, if what is done meanwhile fails."""
        try:
            yield
        except BaseException:
            if self._client is not None:
                self._client.cancel([*self._parts, *self._begun, *self._last])
            raise

    def _tasks(self, name: str, function: Callable[..., Any], *columns: Sequence[Any]) -> list[Any]:
        """Return tasks of a name that the dashboard shows, one for each row of `columns`."""
        if self._client is None:
            return _delayed(name, function, *columns)
        # Not Delayed, which takes two milliseconds more for 16 tasks.
        keys = _keys(name, len(columns[0]))
        tasks = list(self._client.map(function, *columns, key=keys, pure=False))
        self._begun += tasks
        return tasks

    def _held(self, tasks: list[Any]) -> list[Any]:
        import dask

        # What the client gives back for tasks that are futures already are these.
        return list(dask.persist(*tasks) if self._client is None else self._client.compute(tasks))

    def _results(self, tasks: list[Any]) -> list[Any]:
        import dask

        if self._client is None:
            return list(dask.compute(*tasks))
        from distributed import wait

        # Those before are released now that these are under way: within 10 milliseconds of telling the scheduler of
        # the one, the client tells nothing of the other.
        self._last = tasks
        wait(tasks)  # not in `gather`, which leaves a traceback of each task that is cancelled
        results = list(self._client.gather(tasks))
        self._begun = []
        return results


def _client() -> Any:
    """Return the client that Dask would use now, None if it is to use a scheduler of its own."""
    import dask.base

    return getattr(dask.base.get_scheduler(), "__self__", None)


def _keys(name: str, n: int) -> list[Any]:
    import uuid

    token = f"fastgmm-{name}-{uuid.uuid4().hex}"
    return [(token, number) for number in range(n)]


def _delayed(name: str, function: Callable[..., Any], *columns: Sequence[Any]) -> list[Any]:
    from dask import delayed

    call, keys = delayed(function, pure=False, traverse=False), _keys(name, len(columns[0]))
    return [call(*each, dask_key_name=key) for key, each in zip(keys, zip(*columns, strict=True), strict=True)]
