"""A run of EM over few rows from k-means: start and rounds are one call of compiled code."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._numba.addresses import by_address
from .._numba.pointers import kind_of, packed
from ..kernels.k_means import plus_plus
from ..kernels.moments.columns import column_ranges, column_sums
from ..kernels.work import Rows
from ..model.plan import LAUNCH_NANOSECONDS, Cut, Plan, plan_of
from ..model.regulariser import last_place, rounding_of
from ..model.rounds import columns, k_means, whole
from ..model.rounds import em as rounds
from ..model.rounds.state import GIVEN
from .launch.bench import KEPT_BYTES, Bench, Kept
from .launch.buffers import Sizes, bytes_of, column_sizes, sizes_of
from .launch.threads import PARALLEL_NANOSECONDS
from .launch.work import (
    address_of,
    check,
    driver_of,
    entry_of,
    example,
    no_rows,
    nothing,
    packed_work,
    tasks_like,
    tasks_of,
)
from .run import Run
from .start.k_means import Draws, assigning, clustering_sizes, seeding_sizes

Array = NDArray[np.float64]


class WholeRun(Run):
    """Rounds over few rows `x` (N, D), as the kernels take them, weighted by `weights` (N,) or (0,), from k-means.

    `reg_covar` is added to variances, or "auto" for the floor.
    """

    def __init__(
        self,
        plan: Plan,
        n_threads: int | None,
        x: NDArray[Any],
        weights: Array,
        draws: Draws,
        reg_covar: float | str,
    ) -> None:
        n_samples = len(x)
        self._start = start = start_for(plan, n_samples, len(weights) > 0)
        none = no_rows(plan.dtype, plan.n_components).responsibilities
        start.bench.restart(x, Rows(weights, np.empty(n_samples, np.int64), none, np.empty(n_samples, plan.dtype)))
        self._use(plan, n_threads, start.cut, start.bench)
        self.state.counts[GIVEN] = 2  # until compiled code has a start, there are no parameters
        self._draws: Draws | None = draws
        self._reg_covar = -1.0 if isinstance(reg_covar, str) else reg_covar

    def advance(self, last: int) -> bool:
        """Go on until round `last` is done or the run is over, see `Run.advance`."""
        if self._draws is not None:
            draws, self._draws = self._draws, None
            start, bench = self._start, self._bench
            rule = self._reg_covar, last, LAUNCH_NANOSECONDS
            arguments = (start.context, bench.context, bench.work.x, bench.work.rows, *draws, *rule)
            code = entry_of(whole.from_k_means, (self.plan.dtype, "C"), *arguments)(*arguments)
            if code != whole.GOES_ON:
                check(code)
                self._check_status()
                return False
        return super().advance(last)

    def close(self) -> None:
        """Give back what the run works on: it ends here, and so does its state."""
        give_back(self._start)


class WholeStart(NamedTuple):
    """What a run works on. `key`: a plan, so many superblocks, whether rows are weighted; `context`: of a `Whole`."""

    key: tuple[Plan, tuple[int, ...], bool]
    context: Any
    cut: Cut
    bench: Bench


_starts: Kept[WholeStart] = Kept()


def is_whole(plan: Plan, n_samples: int) -> bool:
    """Whether a `WholeRun` is for so many rows: no round is worth sharing out, and all buffers are kept."""
    few = plan.is_small(n_samples) and n_samples * plan.row_nanoseconds <= PARALLEL_NANOSECONDS
    return few and _are_kept(plan, counts_of(plan, n_samples))


def counts_of(plan: Plan, n_samples: int) -> tuple[int, ...]:
    """Return how many superblocks so many rows are for columns, for k-means, and in a round."""
    return tuple([-(-n_samples // part.rows) for part in _plans(plan)])


@functools.lru_cache(maxsize=256)
def _are_kept(plan: Plan, counts: tuple[int, ...]) -> bool:
    return all(bytes_of(sizes) <= KEPT_BYTES for sizes in _sizes(plan, counts))


@functools.lru_cache(maxsize=256)
def _plans(plan: Plan) -> tuple[Plan, Plan, Plan]:
    """Return the plans of the moments of columns, of k-means, and of the rounds."""
    k, d, dtype = plan.n_components, plan.n_features, plan.dtype
    return plan_of("diag", 1, d, dtype), plan_of("spherical", k, d, dtype), plan


def _sizes(plan: Plan, counts: tuple[int, ...]) -> list[Sizes]:
    """Return the sizes of the buffers of all parts, for so many superblocks."""
    of_columns, of_k_means, _ = _plans(plan)
    return [
        column_sizes(of_columns, 1, counts[0]),
        seeding_sizes(of_k_means, 1, counts[1]),
        clustering_sizes(of_k_means, 1, counts[1]),
        sizes_of(plan, 1, counts[2]),
    ]


def start_for(plan: Plan, n_samples: int, are_weighted: bool) -> WholeStart:
    """Return buffers for so many rows, which are the caller's until they are given back."""
    key = plan, counts_of(plan, n_samples), are_weighted
    return _starts.take(key) or _new_start(*key)


def give_back(start: WholeStart) -> None:
    """Let others use these buffers from now on."""
    start.bench.let_go()
    _starts.put_back(start.key, start)


def _new_start(plan: Plan, counts: tuple[int, ...], are_weighted: bool) -> WholeStart:
    """Return buffers and addresses for so many superblocks of columns, of k-means, and of the rounds."""
    d, dtype, plans, sizes = plan.n_features, plan.dtype, _plans(plan), _sizes(plan, counts)
    *benches, bench = (Bench(each, nothing(d, dtype), no_rows(dtype, plan.n_components)) for each in sizes)
    cuts = [each.cut(n * each.rows, 1, np.inf, each.row_nanoseconds) for each, n in zip(plans, counts, strict=True)]
    cut = cuts[2]
    parts = [
        *(bench.context for bench in benches),
        tuple(bench.begins for bench in benches),
        tuple(bench.beginning for bench in benches),
        cuts[0],
        cuts[1]._replace(prepared_a_launch=counts[1]),
        cut,
        np.empty(d, dtype),
        np.empty(sizes[1].n_components, np.int64),
        int(plan.structure.n_axes == 0),
        last_place(dtype),
        rounding_of(dtype, d),
        *_addresses(dtype, assigning(plans[1], are_weighted)),
        tasks_of(plan.kernels, plan.kernels.sweep, dtype, "C"),
    ]
    values = whole.Whole(*parts)
    kind = _kinds.get(dtype) or _kinds.setdefault(dtype, kind_of(values))
    return WholeStart((plan, counts, are_weighted), packed(values, kind), cut, bench)


# Kinds of the contexts, by dtype.
_kinds: dict[Any, Any] = {}


@functools.cache
def _addresses(dtype: Any, lloyd: Any) -> tuple[Any, ...]:
    """Return the addresses in a `Whole` but those of the rounds' tasks, in their order, given Lloyd's task."""
    drive, work = driver_of(dtype, "C", False), packed_work(example(dtype, "C"))
    ranges, sums, potential, assign = (
        address_of(task, dtype, "C") for task in (column_ranges, column_sums, plus_plus.potential, lloyd)
    )
    tasks = tasks_like(dtype, "C")
    cut, row = plan_of("diag", 1, 1).cut(1, 1, 1.0, 1.0), np.empty(1, dtype)
    integers, uniforms = np.empty(1, np.int64), np.empty((1, 1))
    return (
        drive,
        by_address(columns.column_moments, drive, ranges, sums, work, cut, row, 1.0),
        by_address(k_means.seed, drive, potential, work, cut, uniforms, integers, integers, 1.0),
        by_address(k_means.lloyd_rounds, drive, assign, work, cut, integers, 1.0),
        by_address(rounds.advance, drive, tasks, work, cut, 1, 1.0),
        ranges,
        sums,
        potential,
        assign,
    )
