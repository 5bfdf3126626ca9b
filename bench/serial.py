"""What keeps more threads from being of use: the serial share of a round, and its superblocks.

The serial share is the part of a round, on one thread, that more threads do not share: what is between the launches,
and launches that are not worth sharing out. By Amdahl's law 64 threads do 80 % of what 64 alone would at a share of
0.4 %. Superblocks leave something, too: in the last turn there are fewer than threads.
"""

import math
import statistics
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from bench import markdown
from bench.cases import Case
from fastgmm._numba.addresses import by_address
from fastgmm._numba.pointers import pointer_to, view
from fastgmm.kernels.launch import fold
from fastgmm.kernels.work import SUMS
from fastgmm.model.plan import plan_of
from fastgmm.model.regulariser import ridge
from fastgmm.model.rounds.em import advance
from fastgmm.model.rounds.small import work_on
from fastgmm.model.rounds.state import N_ITER, N_TRACED, set_rule
from fastgmm.rows.array import ArraySource
from fastgmm.rows.launch.threads import PARALLEL_NANOSECONDS
from fastgmm.rows.launch.work import address_of, example, layout_of, packed_work

ROUNDS = 31
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


@intrinsic
def cycles(typing_context):
    """Return the cycle counter of the processor: what a call of the system's clock takes would count."""

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(64), ())
        return builder.call(builder.module.declare_intrinsic("llvm.readcyclecounter", (), kind), ())

    return types.int64(), generate


@njit
def clocked(task, context, begin, n_items, n_workers):
    """Drive a launch that is worth sharing out, in the calling thread; add to ``codes[0]`` how long it takes."""
    began = cycles()
    code = task(context, 0, begin, begin + n_items)
    view(context, SUMS).codes[0] += cycles() - began
    return code


@njit
def clock_rounds(drive, workspace, x, cut, out):
    """Do a round for each row of `out` (R, 2), and write its cycles there, and those of launches that are shared."""
    counts, codes = workspace.state.counts, workspace.sums.codes
    context = pointer_to(work_on(workspace, x, workspace.rows))
    for i in range(out.shape[0]):
        counts[N_TRACED], codes[0] = 0, 0
        began = cycles()
        advance(drive, workspace.tasks, context, cut, counts[N_ITER] + 1, math.inf)
        out[i, 0], out[i, 1] = cycles() - began, codes[0]


def measure(case: Case) -> Serial:
    """Do some rounds on one thread, cut as for many, and see what of their time is in launches that are shared."""
    X, start = case.problem()
    plan = plan_of(case.covariance_type, case.n_components, case.n_features, X.dtype)
    run = ArraySource(X, n_threads=1).begin(plan, start.parameters, ridge(0.0, case.n_features))
    set_rule(run.state, tol=0.0, aitken=False, max_iter=1000, previous=-np.inf, total_weight=float(len(X)))
    run.advance(1)  # the first round makes the total scatter
    workspace, key = run.workspace(), (X.dtype, layout_of(X))
    drive = by_address(clocked, address_of(fold, *key), packed_work(example(*key)), 0, 0, 0)
    cut = workspace.cut._replace(n_workers=THREADS, parallel_nanoseconds=PARALLEL_NANOSECONDS)
    out = np.zeros((ROUNDS, 2), np.int64)
    clock_rounds(drive, workspace, X, cut, out)
    n_superblocks = -(-len(X) // plan.rows)
    share = statistics.median(1.0 - shared / every for every, shared in out.tolist())
    return Serial(share, n_superblocks, n_superblocks / (THREADS * -(-n_superblocks // THREADS)))


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
