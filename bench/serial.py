"""What keeps more threads from being of use: the serial share of a round, and its superblocks.

The serial share is the part of a round, on one thread, that more threads do not share: what is between the launches,
and launches that are not worth sharing out. By Amdahl's law 64 threads do 80 % of what 64 alone would at a share of
0.4 %. Superblocks leave something, too: in the last turn there are fewer than threads.
"""

import statistics
import time
from typing import Any, NamedTuple

import numpy as np

from bench import markdown
from bench.cases import Case
from fastgmm.model.plan import plan_of
from fastgmm.model.regulariser import ridge
from fastgmm.model.rounds.state import FINISHED, FOLD, HELD, PHASE, SWEEP, UNPACK, set_rule
from fastgmm.rows.array import ArraySource
from fastgmm.rows.launch.threads import PARALLEL_NANOSECONDS
from fastgmm.rows.run import Run

ROUNDS = 9
# Beside the phases: what a caller does that holds the statistics.
CALLER = -1
THREADS = 64


class Serial(NamedTuple):
    """The serial share of a round, the number of superblocks, and what these leave of `THREADS` threads."""

    share: float
    n_superblocks: int
    left: float

    @property
    def efficiency(self) -> float:
        """What Amdahl's law leaves of `THREADS` threads."""
        return 1.0 / (1.0 + self.share * (THREADS - 1))


class _Clocked:
    """Compiled rounds, a launch a call, with the seconds of each call and what phase it began in."""

    def __init__(self, run: Run) -> None:
        self._run, self._launches = run, run.launches
        self._returned = time.perf_counter()
        self.calls: list[tuple[int, float]] = []

    def __call__(self, sweep: Any, last: int, _: float) -> bool:
        phase, called = self._run.phase, time.perf_counter()
        if phase == HELD:  # the statistics may have been the caller's: what it did is serial
            self.calls.append((CALLER, called - self._returned))
        unfinished = self._launches(sweep, last, 0.0)
        self._returned = time.perf_counter()
        self.calls.append((phase, self._returned - called))
        if phase == SWEEP:
            self._nothing(sweep, last)
        return unfinished

    def _nothing(self, sweep: Any, last: int) -> None:
        """Enter compiled code for nothing: a sweep drives what entering takes out of the processor's caches.

        A round of a fit is entered once, and what is between its launches never leaves compiled code.
        """
        counts = self._run.state.counts
        phase, counts[PHASE] = counts[PHASE], FINISHED
        self._launches(sweep, last, 0.0)
        counts[PHASE] = phase
        self._returned = time.perf_counter()


def measure(case: Case) -> Serial:
    """Do some rounds on one thread and look at the clock before and after each launch."""
    X, start = case.problem()
    plan = plan_of(case.covariance_type, case.n_components, case.n_features, X.dtype)
    run = ArraySource(X, n_threads=1).begin(plan, start.parameters, ridge(0.0, case.n_features))
    set_rule(run.state, tol=0.0, aitken=False, max_iter=1000, previous=-np.inf, total_weight=float(len(X)))
    launches, clocked = run.launches, _Clocked(run)
    run.launches = clocked  # type: ignore[method-assign]
    rounds = []
    for n_rounds in range(1, ROUNDS + 2):
        clocked.calls = []
        run.advance(n_rounds)
        rounds.append(clocked.calls)
    run.state.counts[PHASE] = FINISHED
    nothing = []
    for _ in range(100):
        began = time.perf_counter()
        launches(plan.kernels.sweep, 0, 0.0)
        nothing.append(time.perf_counter() - began)
    # The first round compiles, and makes the total scatter.
    several = plan.structure.n_prepared(case.n_components) > 1
    share = statistics.median(_share(calls, statistics.median(nothing), several) for calls in rounds[1:])
    n_superblocks = -(-len(X) // plan.rows)
    return Serial(share, n_superblocks, n_superblocks / (THREADS * -(-n_superblocks // THREADS)))


def _share(calls: list[tuple[int, float]], entering: float, several: bool) -> float:
    """Return the serial share of a round, given what each call of compiled code takes for itself.

    `several`: whether preparing and the M step, which follows HELD, have more than one item.
    """
    serial = shared = 0.0
    for phase, seconds in calls:
        own = seconds if phase == CALLER else max(seconds - entering, 0.0)
        items = phase in (FOLD, UNPACK) or (several and phase != CALLER)
        if phase == SWEEP or (items and own >= 1e-9 * PARALLEL_NANOSECONDS):
            shared += own
        else:
            serial += own
    return serial / (serial + shared)


def table(results: dict) -> str:
    """Return a line for each case of a run."""
    header = ("rows x features, components", "serial share of a round", "leaves of 64 threads")
    header += ("superblocks", "leave of 64 threads")
    rows = []
    for result in results["results"]:
        serial = Serial(**result["serial"])
        rows.append(
            [
                result["case"]["name"],
                f"{100 * serial.share:.2f} %",
                f"{serial.efficiency:.2f}",
                str(serial.n_superblocks),
                f"{serial.left:.2f}",
            ]
        )
    return markdown.table(header, rows)
