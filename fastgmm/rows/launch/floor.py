"""Covariances raised to the floor of the regulariser, where a pass has found some below it."""

from __future__ import annotations

from ...kernels import slots
from ...kernels.densities.floor import LARGE
from ...kernels.launch import launch_items
from ...kernels.work import NARROW
from ...model.plan import LAUNCH_NANOSECONDS, Cut, Plan
from .bench import Bench
from .work import address_of, check, launched, layout_of


def raise_to_floor(plan: Plan, bench: Bench, cut: Cut, n_threads: int | None) -> None:
    """Raise the covariances that are marked in the state of `bench`, and let the pass begin anew.

    Python has its turn every tenth of a second.
    """
    x, counts = bench.work.x, bench.work.state.counts
    tasks = (address_of(plan.structure.raise_, x.dtype, layout_of(x)),)
    nanoseconds = plan.raise_nanoseconds
    most = 1 if plan.n_features >= LARGE else max(1, int(LAUNCH_NANOSECONDS / nanoseconds)) * cut.n_workers
    counts[slots.RAISED] = slots.LOW  # an interrupt may have left a matrix in the middle
    for begin in range(0, cut.n_prepared, most):
        items, code = (begin, min(most, cut.n_prepared - begin), nanoseconds), NARROW
        while code == NARROW:
            code = launched(launch_items, tasks, bench.context, x, cut, n_threads, *items)
            counts[slots.RAISED] = slots.RAISING
        counts[slots.RAISED] = slots.LOW
        check(code)
    counts[slots.PHASE], counts[slots.RAISED] = slots.OPEN, slots.RAISED_NOW
