"""Problems of few rows fitted by compiled code, in threads of Python: each takes some, until there are none left.

Compiled code holds no lock of Python's, so a thread goes on while others do, in whatever process; and between two
blocks of problems Ctrl-C has its turn.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._numba.options import JIT_ENABLED
from .._numba.pointers import kind_of, packed
from ..em.options import Options
from ..kernels.primitives.philox import N_WORDS
from ..model.plan import LAUNCH_NANOSECONDS, Plan
from ..model.regulariser import ridge
from ..model.rounds import many
from ..model.rounds.desk import UNUSUAL, Desk, Fits, Many, Problems, Rule
from ..rows.launch.threads import available
from ..rows.launch.work import entry_of, no_rows, nothing
from ..rows.source import Underway
from ..rows.start.at_once import is_whole
from ..rows.start.k_means import candidates_a_step
from ..rows.start.whole import counts_of, give_back, start_for
from .threads import LEAST_PROBLEMS, Blocks, in_threads

Indices = NDArray[np.int64]

# Bytes of traces in a block.
TRACE_BYTES = 8 << 20
# Rounds whose log-likelihoods a block has room for; a problem that takes more of them is fitted like any other.
MOST_ROUNDS = 1 << 12


class Traces(NamedTuple):
    """Traces of some problems, one behind the other in `values`; that of the i-th begins at ``starts[i]``.

    After an interrupt they are those of the problems that had been fitted.
    """

    starts: Indices
    values: NDArray[np.float64]
    interrupted: bool = False


def new_fits(plan: Plan, n_problems: int) -> Fits:
    """Return room for the fits of so many problems, none of which has been fitted."""
    k, d = plan.n_components, plan.n_features
    return Fits(
        weights=np.empty((n_problems, k)),
        means=np.empty((n_problems, k, d)),
        covariances=np.empty((n_problems, *plan.structure.core(k, d))),
        log_likelihood=np.empty(n_problems),
        n_iter=np.zeros(n_problems, np.int64),
        status=np.full(n_problems, UNUSUAL, np.int64),
        floors=np.empty((n_problems, d)),
        degenerate=np.zeros((n_problems, k), np.bool_),
        n_passed_over=np.zeros(n_problems, np.int64),
    )


def joined(traces: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return arrays one behind the other; a single one is not copied, because there may be much of it."""
    return traces[0] if len(traces) == 1 else np.concatenate([*traces, np.empty(0)])


def fit_whole(
    plan: Plan, problems: Problems, chosen: Indices, options: Options, fits: Fits, started: bool = False
) -> Traces:
    """Fit the problems `chosen` as far as compiled code alone can; the status of the others stays `UNUSUAL`.

    They start from k-means, or from the parameters in `fits` if they have `started`.
    """
    lengths = problems.offsets[chosen + 1] - problems.offsets[chosen]
    sizes, size_of = np.unique(lengths, return_inverse=True)
    # Buffers are for so many superblocks, which is one but for the longest of problems.
    sorts: dict[tuple[int, ...], list[int]] = {}
    for i, size in enumerate(sizes.tolist()):
        if is_whole(plan, size):
            sorts.setdefault(counts_of(plan, size), []).append(i)
    values, starts, n_values, n_fitted, interrupted = [], np.zeros(len(chosen), np.int64), 0, 0, False

    def told(n_more: int) -> None:
        if options.watch is not None:
            seen = n_fitted + n_more
            options.watch(Underway(f"K = {plan.n_components}", 1, seen, len(chosen), "problems"))

    for alike in sorts.values():
        places = np.flatnonzero(np.isin(size_of, alike))
        worker = functools.partial(_Worker, plan, problems, options, fits, int(sizes[alike[-1]]), started)
        traces = _shared_out(worker, chosen[places], options.n_threads, fits, told)
        starts[places] = traces.starts + n_values
        n_values += len(traces.values)
        values.append(traces.values)
        n_fitted += len(places)
        interrupted = traces.interrupted
        if interrupted:
            break
        told(0)  # the last may have been other threads'
    return Traces(starts, joined(values), interrupted)


def _shared_out(
    new_worker: Callable[[], _Worker],
    chosen: Indices,
    n_threads: int | None,
    fits: Fits,
    told: Callable[[int], None],
) -> Traces:
    """Fit problems in as many threads as are wanted, and have this one tell how many have been."""
    n_workers = min(available(n_threads), -(-len(chosen) // LEAST_PROBLEMS)) if JIT_ENABLED else 1
    blocks = Blocks(len(chosen), n_workers)
    workers = [new_worker() for _ in range(n_workers)]
    works = [functools.partial(blocks.work, worker, chosen) for worker in workers]
    interrupted = False
    try:
        in_threads([functools.partial(works[0], told=told), *works[1:]], blocks)
    except KeyboardInterrupt:
        interrupted = True
        missing = np.full(len(chosen), True)
        for begin, (end, _) in blocks.traces.items():
            missing[begin:end] = False
        fits.status[chosen[missing]] = UNUSUAL  # a fit may have been done whose trace was not taken
    else:  # a second interrupt may have left a thread at work
        for worker in workers:
            give_back(worker.start)
    n_iter = np.where(fits.status[chosen] == UNUSUAL, 0, fits.n_iter[chosen])
    values = [blocks.traces.pop(begin)[1] for begin in sorted(blocks.traces)]
    return Traces(np.cumsum(n_iter) - n_iter, joined(values), interrupted)


class _Worker:
    """What a thread works with."""

    def __init__(
        self, plan: Plan, problems: Problems, options: Options, fits: Fits, most_rows: int, started: bool
    ) -> None:
        k, d, dtype = plan.n_components, plan.n_features, plan.dtype
        self.start = start = start_for(plan, most_rows, len(problems.weights) > 0)
        bench = start.bench
        bench.restart(nothing(d, dtype), no_rows(dtype, k))
        n_rounds = min(max(options.max_iter, 1), MOST_ROUNDS)
        self.most = max(1, TRACE_BYTES // (8 * n_rounds))
        floor = isinstance(options.reg_covar, str)
        added = ridge(0.0 if floor else options.reg_covar, d).added  # type: ignore[arg-type]
        desk = Desk(
            labels=np.empty(most_rows, np.int64),
            values=np.empty(most_rows, dtype),
            responsibilities=no_rows(dtype, k).responsibilities,
            chosen=np.empty(k, np.int64),
            uniforms=np.empty((k - 1, candidates_a_step(k))),
            generator=np.empty(N_WORDS, np.uint64),
            heights=np.empty(options.n_init),
            added=added if plan.structure.n_axes else added.mean(keepdims=True),
            degenerate=np.empty(k, np.bool_),
            trace=np.empty(n_rounds),
            traces=np.empty((self.most, n_rounds)),
        )
        rule = Rule(
            tol=options.tol,
            aitken=int(options.aitken),
            max_iter=options.max_iter,
            n_init=options.n_init,
            reg_covar=-1.0 if floor else float(options.reg_covar),
            started=int(started),
            nanoseconds=LAUNCH_NANOSECONDS,
        )
        values = Many(start.context, bench.context, bench.begins, bench.beginning, problems, rule, desk, fits)
        self._key = dtype, "many"
        self._context = packed(values, _kinds.get(dtype) or _kinds.setdefault(dtype, kind_of(values)))
        self._fits, self._traces = fits, desk.traces
        self._entry = entry_of(many.fit_each, self._key, self._context, np.empty(0, np.int64), 0, 0)

    def fit(self, chosen: Indices, begin: int, end: int) -> NDArray[np.float64]:
        """Fit the problems ``chosen[begin:end]`` and return their traces, one behind the other."""
        self._entry(self._context, chosen, begin, end)
        part = chosen[begin:end]
        n_iter = np.where(self._fits.status[part] == UNUSUAL, 0, self._fits.n_iter[part])
        most = int(n_iter.max())
        traces: NDArray[np.float64] = self._traces[: len(part), :most][np.arange(most) < n_iter[:, np.newaxis]]
        return traces


# Kinds of the contexts, by dtype.
_kinds: dict[Any, Any] = {}
