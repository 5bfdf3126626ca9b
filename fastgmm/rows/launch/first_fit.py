"""The first fit of its kind: while its start is compiled, another process compiles its rounds."""

from __future__ import annotations

from typing import Any

from ..._numba.addresses import entry_point, is_kept
from ...kernels.k_means import plus_plus
from ...model.plan import Plan, plan_of
from ...model.rounds import em as rounds
from . import beside, threads
from .work import driver_of, example, packed_work, tasks_like, tasks_of

_seen: dict[Any, object] = {}


def compile_rounds_beside(plan: Plan, layout: str, n_threads: int | None) -> None:
    """Have another process compile what rounds take, if neither that nor the start has been; `tasks_of` waits for it.

    The first default fit of two features takes 11 s so on two cores of a Zen 4, and 16 s by itself.
    """
    key = plan.kernels.sweep, plan.dtype, layout
    if key in _seen or _seen.setdefault(key, mine := object()) is not mine:  # in two threads at once one is the first
        return
    if threads.at_most(n_threads) < 2 or not beside.is_of_use():
        return
    arguments = packed_work(example(plan.dtype, layout)), 0, 0, 0
    # Where the start is there already, to wait for another process takes longer than to compile.
    if not (is_kept(plus_plus.potential, *arguments) or is_kept(plan.kernels.sweep, *arguments)):
        rounds_of = plan.covariance_type, plan.n_features, plan.dtype.name, layout
        beside.begin(key, f"from {__name__} import compile_rounds; compile_rounds{rounds_of!r}")


def compile_rounds(covariance_type: str, n_features: int, dtype: str, layout: str) -> None:
    """Compile what rounds take: first what all structures have in common, which may be asked for first."""
    plan = plan_of(covariance_type, 1, n_features, dtype)
    key = plan.dtype, layout
    drive, work, cut = driver_of(*key, False), packed_work(example(*key)), plan.cut(1, 1, 1.0, 1.0)
    entry_point(rounds.advance, drive, tasks_like(*key), work, cut, 1, 1.0)
    tasks_of(plan.kernels, plan.kernels.sweep, *key)
