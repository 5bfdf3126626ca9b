"""A pruned pass: its buffers, and its launches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels import slots
from ...kernels.launch import launch_items
from ...kernels.pruning.bounds import COUNTED, EVALUATED, LEAST_LEFT, MOVED, SEEN, PrunedWork
from ...kernels.pruning.moves import order_by_label
from ...kernels.pruning.passes import fold_pruned
from ...kernels.pruning.tasks import PRUNED
from ...kernels.sizes import LONGEST_WORK
from ...kernels.work import Work
from ...model.kinds import Kernels
from ...model.plan import Cut, Plan
from ..launch.work import address_of, check, entry_of, launched, layout_of, packed_work
from .buffers import new_bounds, order_of_rows, pruned_example
from .guess import Guesser, are_bounded
from .nearby import bounds_of, near_by
from .policy import Policy, Shares

# Blocks in a superblock at most: slabs hold what is touched, so that its length costs nothing, and sixteen blocks of
# unlike cost take about as long as another sixteen. Nobody waits longer for a superblock of which all is evaluated
# than for a dense one.
BLOCKS = 16
# Rows change places within as many as these bytes hold: from memory or in pieces, their order is the same. The more
# there are, the more of a block are of one component; chunks are read in pieces of so many.
WINDOW_BYTES = 32 << 20
# After so many superblocks a pass asks whether it is worth going on.
LOOK = 4
# Of half log joint densities: where those of two components differ by as much in rows of one of them, the other is
# left out of its blocks (``kernels/pruning/bounds.py``, with t some standard deviations below their mean).
MARGIN = 25.0
# Where half of the components keep no more of their bounds than that, those by where rows lie are asked, too.
LOOSE = 0.8


class PrunedPass:
    """Pruned passes over `n_samples` rows with the buffers of `work`, from round to round.

    Bounds are about the model of the last pass that was done to the end, whatever passes there were in between.
    Rows are added in the same order in every pass, in whole windows of `window` rows; a block of rows that are others
    than before has no bounds.
    """

    def __init__(self, plan: Plan, kernels: Kernels, work: Work, cut: Cut, n_samples: int) -> None:
        self._sweep, self._move = PRUNED[kernels.density.name, kernels.moments.name]
        self._cut, self._policy = cut, Policy()
        self._n_threads: int | None = None
        self._work, self._plan = work, plan
        self._is_known = False
        self._guesser: Guesser | None = None  # where the labels of this pass are guessed
        self._near: dict[str, Any] = {}
        self.shares: Shares | None = None  # of the last pass that was done to the end
        slabs = work.sums.slabs
        # As many for each worker.
        slabs = slabs[: max(len(slabs) - len(slabs) % cut.n_workers, 1)]
        n_rows = plan.lanes * min(BLOCKS, max(1, LONGEST_WORK // plan.work(plan.lanes)))
        self.window = max(1, WINDOW_BYTES // (np.dtype(plan.dtype).itemsize * plan.n_features * n_rows)) * n_rows
        bounds = new_bounds(plan, work, n_samples, self.window, len(slabs))
        self._pruned = PrunedWork(*work._replace(sums=work.sums._replace(slabs=slabs, rows=n_rows)), bounds)
        self._context = packed_work(self._pruned, pruned_example)

    def begin(self, policy: Policy, n_threads: int | None) -> bool:
        """Begin a pass under the model that has just been prepared; return False if `policy` wants it to be dense."""
        sums, bounds = self._pruned.sums, self._pruned.bounds
        self._policy, self._n_threads = policy, n_threads
        self._guesser, self._near = None, {}
        is_guessed = policy.guesses
        if is_guessed:
            widths, least, share = bounds_of(self._work, MARGIN)
            if not policy.is_apart(share):
                return False
            self._guesser = Guesser(self._plan, self._work, self._cut, n_threads)
            bounds.order[:] = order_of_rows(len(bounds.order), self.window)
            self._is_known = False
        sums.accumulator.fill(0.0)
        is_known, self._is_known = self._is_known, False  # first, for an interrupt
        n, most, nanoseconds = self._cut.n_prepared, self._cut.prepared_a_launch, self._cut.prepare_nanoseconds
        for first in range(0, n, most):
            self._launch(self._move, self._context, self._work.x, first, min(most, n - first), nanoseconds)
        bounds.scales[:] = self._work.model.scales
        if not is_known:
            # Whatever marks say: of two passes that broke off blocks may have what is from before both.
            bounds.lengths.fill(0.0)
        if are_bounded(self._plan, len(bounds.order)) and (not is_known or np.median(bounds.shrink) < LOOSE):
            if not is_guessed:
                widths, least, _ = bounds_of(self._work)
            self._near = near_by(self._work, widths, least)
        return True

    def is_whole(self, first: int, n_rows: int) -> bool:
        """Whether rows from `first` on are whole windows: their order has places beyond the last of fewer rows."""
        return n_rows % self.window == 0 or first + n_rows == len(self._pruned.bounds.order)

    def add(
        self, first: int, x: NDArray[Any], weights: NDArray[np.float64], tell: Callable[[int], None] | None = None
    ) -> bool:
        """Sweep rows `x` (n, D), as the kernels take them, from row `first` on, with `weights` (n,) or (0,).

        How many of them have been seen is told after each launch. Returns whether the pass is worth going on.
        """
        sums, bounds, lanes = self._pruned.sums, self._pruned.bounds, self._plan.lanes
        rows, blocks = slice(first, first + len(x)), slice(first // lanes, -(-(first + len(x)) // lanes))
        here = bounds._replace(
            order=bounds.order[rows],
            labels=bounds.labels[rows],
            marks=bounds.marks[blocks],
            lengths=bounds.lengths[blocks],
            **self._near,
        )
        weighted = self._pruned.rows._replace(weights=weights)
        context = packed_work(self._pruned._replace(x=x, rows=weighted, bounds=here), pruned_example)
        k, n_superblocks, most = self._plan.n_components, -(-len(x) // sums.rows), len(sums.slabs)
        begin, look = 0, min(LOOK, self.window // sums.rows) if first == 0 else 0
        n_guessed = len(x) if self._guesser is None else 0
        while begin < n_superblocks:
            place, end = begin % most, look if begin < look else n_superblocks
            n = min(most - place, end - begin, n_superblocks - begin)
            while self._guesser is not None and n_guessed < min((begin + n) * sums.rows, len(x)):
                until = min(n_guessed + self.window, len(x))
                self._guesser.guess(x, here.labels, n_guessed, until)
                self._put_in_order(here.order[n_guessed:until], here.labels[n_guessed:until])
                n_guessed = until
            self._launch(self._sweep, context, x, begin, n, sums.rows * self._plan.row_nanoseconds)
            bounds.filled[:] = place, place + n
            self._launch(fold_pruned, context, x, 0, k + 1, 1000.0)
            begin += n
            if tell is not None:
                tell(min(begin * sums.rows, len(x)))
            if begin == look:
                seen = float(sums.accumulator[k, SEEN]) / (look * sums.rows * k)
                evaluated = float(sums.accumulator[k, EVALUATED]) / (look * sums.rows // lanes * k)
                if not self._policy.goes_on(self._n_iter, seen, evaluated):
                    sums.accumulator.fill(0.0)
                    return False
        return True

    def finish(self) -> bool:
        """Return whether the sums are good, now that all rows have been added.

        They are in the accumulator, for the run to go on from there.
        """
        state, sums, bounds = self._work.state, self._pruned.sums, self._pruned.bounds
        n_components, n_samples = self._plan.n_components, len(bounds.order)
        self._is_known = True
        counts, policy, n_iter = sums.accumulator[n_components], self._policy, self._n_iter
        n_pairs = bounds.lengths.size
        self.shares = Shares(
            evaluated=float(counts[EVALUATED]) / n_pairs,
            counted=float(counts[COUNTED]) / n_pairs,
            seen=float(counts[SEEN]) / (n_pairs * self._plan.lanes),
            moved=float(counts[MOVED]) / n_samples,
        )
        if policy.judge(n_iter, self.shares):
            self._put_in_order(bounds.order, bounds.labels)
            self._is_known = False
        least = LEAST_LEFT * state.numbers[slots.TOTAL_WEIGHT] * state.weights
        if (sums.accumulator[:n_components, 0] < least).any():
            sums.accumulator.fill(0.0)
            policy.repeated(n_iter)
            return False
        return True

    @property
    def _n_iter(self) -> int:
        return int(self._work.state.counts[slots.N_ITER]) + 1

    def _put_in_order(self, order: NDArray[np.int32], labels: NDArray[np.int32]) -> None:
        """Put rows in the order of their labels, window by window."""
        k = self._plan.n_components
        scratch = np.empty(min(self.window, len(order)), np.int32), np.empty(k + 1, np.int64)
        for first in range(0, len(order), self.window):
            rows = slice(first, first + self.window)
            arguments = order[rows], labels[rows], k, *scratch
            entry_of(order_by_label, ("int32", "C"), *arguments)(*arguments)

    def _launch(self, task: Any, context: Any, x: NDArray[Any], *items: Any) -> None:
        tasks = (address_of(task, x.dtype, layout_of(x), pruned_example),)
        arguments = context, x, self._cut, self._n_threads, *items
        check(launched(launch_items, tasks, *arguments, like=pruned_example))
