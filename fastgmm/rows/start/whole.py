"""What a fit that is one call of compiled code works on: buffers of all its parts, and their addresses."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from ..._numba.addresses import by_address
from ..._numba.pointers import kind_of, packed
from ...kernels.k_means import plus_plus
from ...kernels.moments.columns import column_ranges, column_sums
from ...model.plan import Cut, Plan, plan_of
from ...model.regulariser import last_place, rounding_of
from ...model.rounds import columns, k_means, whole
from ...model.rounds import em as rounds
from ..launch.bench import KEPT_BYTES, Bench, Kept
from ..launch.buffers import Sizes, bytes_of, column_sizes, sizes_of
from ..launch.work import (
    address_of,
    driver_of,
    example,
    no_rows,
    nothing,
    packed_work,
    tasks_like,
    tasks_of,
)
from .k_means import assigning, clustering_sizes, distances_nanoseconds, seeding_sizes


class Team(NamedTuple):
    """How many workers moments of columns, k-means and rounds have, and what work is worth sharing out."""

    n_workers: tuple[int, ...]
    parallel_nanoseconds: float


ALONE = Team((1, 1, 1), math.inf)


class WholeStart(NamedTuple):
    """What a run works on.

    `key`: a plan, so many superblocks, whether rows are weighted, a team. `context` is of a `Whole` with the serial
    driver, `parallel` of one with the parallel driver, the same where nobody shares.
    """

    key: tuple[Plan, tuple[int, ...], bool, Team]
    context: Any
    parallel: Any
    cut: Cut
    bench: Bench


_starts: Kept[WholeStart] = Kept()


def counts_of(plan: Plan, n_samples: int) -> tuple[int, ...]:
    """Return how many superblocks so many rows are for columns, for k-means, and in a round."""
    return tuple([-(-n_samples // part.rows) for part in plans_of(plan)])


@functools.lru_cache(maxsize=256)
def are_kept(plan: Plan, counts: tuple[int, ...], team: Team) -> bool:
    """Whether all buffers for so many superblocks are kept: together they are as large as one bench may be."""
    return sum(bytes_of(sizes) for sizes in _sizes(plan, counts, team)) <= KEPT_BYTES


@functools.lru_cache(maxsize=256)
def plans_of(plan: Plan) -> tuple[Plan, Plan, Plan]:
    """Return the plans of the moments of columns, of k-means, and of the rounds."""
    k, d, dtype = plan.n_components, plan.n_features, plan.dtype
    return plan_of("diag", 1, d, dtype), plan_of("spherical", k, d, dtype), plan


def _sizes(plan: Plan, counts: tuple[int, ...], team: Team) -> list[Sizes]:
    """Return the sizes of the buffers of all parts, for so many superblocks and workers."""
    of_columns, of_k_means, _ = plans_of(plan)
    n_workers = team.n_workers
    return [
        column_sizes(of_columns, n_workers[0], counts[0]),
        seeding_sizes(of_k_means, n_workers[1], counts[1]),
        clustering_sizes(of_k_means, n_workers[1], counts[1]),
        sizes_of(plan, n_workers[2], counts[2]),
    ]


def start_for(plan: Plan, n_samples: int, are_weighted: bool, team: Team = ALONE) -> WholeStart:
    """Return buffers for so many rows, which are the caller's until they are given back."""
    key = plan, counts_of(plan, n_samples), are_weighted, team
    return _starts.take(key) or _new_start(*key)


def give_back(start: WholeStart) -> None:
    """Let others use these buffers from now on."""
    start.bench.let_go()
    _starts.put_back(start.key, start)


def _new_start(plan: Plan, counts: tuple[int, ...], are_weighted: bool, team: Team) -> WholeStart:
    """Return buffers and addresses for so many superblocks of columns, of k-means, and of the rounds."""
    d, dtype, plans, sizes = plan.n_features, plan.dtype, plans_of(plan), _sizes(plan, counts, team)
    *benches, bench = (Bench(each, nothing(d, dtype), no_rows(dtype, plan.n_components)) for each in sizes)
    takes = plans[0].row_nanoseconds, distances_nanoseconds(plan), plan.row_nanoseconds
    cuts = [
        each.cut(n * each.rows, n_workers, team.parallel_nanoseconds, row_nanoseconds)
        for each, n, n_workers, row_nanoseconds in zip(plans, counts, team.n_workers, takes, strict=True)
    ]
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
    context = parallel = packed(values, kind)
    if team is not ALONE:
        parallel = packed(values._replace(drive=driver_of(dtype, "C", True)), kind)
    return WholeStart((plan, counts, are_weighted, team), context, parallel, cut, bench)


# Kinds of the contexts, by dtype.
_kinds: dict[Any, Any] = {}


@functools.cache
def _addresses(dtype: Any, lloyd: Any) -> tuple[Any, ...]:
    """Return the addresses in a `Whole` but those of the rounds' tasks, in their order, given Lloyd's task."""
    work = packed_work(example(dtype, "C"))
    # The driver comes after them: of a first fit another process compiles what it takes meanwhile.
    ranges, sums, potential, assign = (
        address_of(task, dtype, "C") for task in (column_ranges, column_sums, plus_plus.potential, lloyd)
    )
    drive = driver_of(dtype, "C", False)
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
