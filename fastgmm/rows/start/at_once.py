"""Which fits are one call of compiled code, and how many threads take part."""

from __future__ import annotations

import functools
from typing import Any

from ..._numba.addresses import is_kept
from ...kernels.k_means import plus_plus
from ...model.plan import Plan
from ...model.rounds import whole
from ..launch import threads
from ..launch.threads import PARALLEL_NANOSECONDS
from ..launch.work import example, has_entry, packed_work, shared_out
from .k_means import distances_nanoseconds
from .whole import ALONE, Team, are_kept, counts_of, plans_of

# What a round takes one core at most: Ctrl-C waits for a start, which takes a dozen rounds.
MOST_NANOSECONDS = 1e6


def is_whole(plan: Plan, n_samples: int) -> bool:
    """Whether rows are few, a fit one call of one worker: no round is worth sharing out, and all buffers are kept."""
    few = plan.is_small(n_samples) and n_samples * plan.row_nanoseconds <= PARALLEL_NANOSECONDS
    return few and are_kept(plan, counts_of(plan, n_samples), ALONE)


def is_whole_for(plan: Plan, n_samples: int, n_threads: int | None) -> bool:
    """Whether a fit of so many rows by so many threads, whose start looks at all of them, is one call.

    Without few rows that call is compiled where all else was on disk before: the very first fit of two features would
    take 10.5 seconds instead of 9.5.
    """
    if is_whole(plan, n_samples):
        return True
    # Of many rows a tied fit sums no second moments.
    follows = plan.structure.without_second is not None and not plan.is_small(n_samples)
    if follows or n_samples * plan.row_nanoseconds > MOST_NANOSECONDS:
        return False
    if not are_kept(plan, counts_of(plan, n_samples), team_for(plan, n_samples, n_threads)):
        return False
    return has_entry(whole.from_k_means, (plan.dtype, "C")) or _are_calls_on_disk(plan.dtype)


@functools.cache
def _are_calls_on_disk(dtype: Any) -> bool:
    """Whether there was the code of a start when it was first asked for."""
    return is_kept(plus_plus.potential, packed_work(example(dtype, "C")), 0, 0, 0)


def team_for(plan: Plan, n_samples: int, n_threads: int | None) -> Team:
    """Return who takes part in a fit of so many rows."""
    if n_samples * plan.row_nanoseconds <= PARALLEL_NANOSECONDS:
        return ALONE
    return _team_for(plan, n_samples, threads.available(n_threads), threads.worth_sharing())


@functools.lru_cache(maxsize=256)
def _team_for(plan: Plan, n_samples: int, n_available: int, worth: float) -> Team:
    takes = None, distances_nanoseconds(plan), None
    shares = [
        shared_out(part, n_samples, n_available, each) for part, each in zip(plans_of(plan), takes, strict=True)
    ]
    n_workers = tuple([each.cut.n_workers for each in shares])
    return Team(n_workers, worth) if max(n_workers) > 1 else ALONE
