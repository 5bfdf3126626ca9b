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
from ..launch.work import example, has_entry, packed_work, shares_of
from .k_means import distances_nanoseconds
from .whole import ALONE, Team, are_kept, counts_of, plans_of

# What a round takes one core at most. Ctrl-C waits for a start, which takes a dozen rounds, and some seventy where
# components and features are many and covariances have no matrices.
MOST_NANOSECONDS = 1e6


def is_whole(plan: Plan, n_samples: int) -> bool:
    """Whether rows are few, a fit one call of one worker: no round is worth sharing out, and all buffers are kept."""
    few = plan.is_small(n_samples) and n_samples * plan.row_nanoseconds <= PARALLEL_NANOSECONDS
    return few and are_kept(plan, counts_of(plan, n_samples), ALONE)


def team_for(plan: Plan, n_samples: int, n_threads: int | None, only_few: bool) -> Team | None:
    """Return who takes part in a fit of so many rows that is one call; None where it is not, or rows are not few.

    The latter with `only_few`. A start looks at all rows. Where these are not few that call is compiled only if all
    else was on disk before: the very first fit of two features would take 10.5 seconds instead of 9.5.
    """
    if is_whole(plan, n_samples):
        return ALONE
    if only_few:
        return None
    # Of many rows a tied fit sums no second moments.
    follows = plan.structure.without_second is not None and not plan.is_small(n_samples)
    if follows or n_samples * plan.row_nanoseconds > MOST_NANOSECONDS:
        return None
    team = shared_among(plan, n_samples, threads.available(n_threads), threads.worth_sharing())
    if not are_kept(plan, counts_of(plan, n_samples), team):
        return None
    is_at_hand = has_entry(whole.from_k_means, (plan.dtype, "C")) or _are_calls_on_disk(plan.dtype)
    return team if is_at_hand else None


@functools.cache
def _are_calls_on_disk(dtype: Any) -> bool:
    """Whether there was the code of a start when it was first asked for."""
    return is_kept(plus_plus.potential, packed_work(example(dtype, "C")), 0, 0, 0)


@functools.lru_cache(maxsize=256)
def shared_among(plan: Plan, n_samples: int, n_available: int, worth: float) -> Team:
    """Return who takes part where so many nanoseconds are worth sharing out among so many threads."""
    takes = None, distances_nanoseconds(plan), None
    parts = zip(plans_of(plan), takes, strict=True)
    n_workers = tuple([shares_of(part, n_samples, n_available, worth, each).cut.n_workers for part, each in parts])
    return Team(n_workers, worth) if max(n_workers) > 1 else ALONE
