"""A guess at the most probable component of each row."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.launch import launch_items
from ...kernels.pruning.guess import FIRST, GUESSED, Guess, GuessWork, guess_labels
from ...kernels.work import Work
from ...model.plan import LAUNCH_NANOSECONDS, LONG_ROUND_WORK, Cut, Plan
from ..launch.work import address_of, check, example, launched, layout_of, packed_work
from .nearby import in_units

# Passes of so many times as much work as rounds that are pruned at all: the guess and bounds are to be short beside
# the first pass, and so is what is compiled for it.
ROUNDS = 4
# Norms of the factors, by which bounds come of where rows lie, take 9 D / N of a dense round.
ROWS_A_FEATURE = 64


def are_bounded(plan: Plan, n_samples: int) -> bool:
    """Whether bounds of so many rows come of where they lie: there is code for the density, and it is short."""
    return plan.kernels.density.name in GUESSED and n_samples >= ROWS_A_FEATURE * plan.n_features


def are_worth_it(plan: Plan, n_samples: int) -> bool:
    """Whether guesses at the labels of so many rows save more than they take: of long passes, with blocks of one."""
    is_long = plan.is_long(n_samples) and plan.work(n_samples) >= ROUNDS * LONG_ROUND_WORK
    return is_long and are_bounded(plan, n_samples) and plan.n_components * plan.lanes <= n_samples


@functools.cache
def guess_example(dtype: Any, layout: str) -> GuessWork:
    """Return what a task that guesses works on, of a dtype and a layout of x."""
    single = np.zeros((1, 1, 1), np.float32)
    return GuessWork(*example(dtype, layout), Guess(single[0], single[0, 0], np.zeros(1, np.int32), single))


class Guesser:
    """Guesses at the most probable components of rows under the model of `work`, which is prepared.

    single
        Scratch that others may use between guesses, see `Guess`.
    """

    def __init__(self, plan: Plan, work: Work, cut: Cut, n_threads: int | None) -> None:
        self._plan, self._work, self._cut, self._n_threads = plan, work, cut, n_threads
        padded = -(-plan.n_features // 4) * 4
        self._leads, self._starts = guess_by(work, padded)
        self.single = np.zeros((len(work.scratch.block), FIRST + padded, plan.lanes), np.float32)

    def guess(self, x: NDArray[Any], labels: NDArray[np.int32], first: int, end: int) -> None:
        """Write guesses at the `labels` (n,) of rows `first` to `end`, whole blocks, of `x` (n, D)."""
        lanes, cut = self._plan.lanes, self._cut
        context = packed_work(
            GuessWork(*self._work._replace(x=x), Guess(self._leads, self._starts, labels, self.single)), guess_example
        )
        # A block takes at most a tenth of what it takes a dense pass.
        nanoseconds = 0.1 * lanes * self._plan.row_nanoseconds
        tasks = (address_of(guess_labels, x.dtype, layout_of(x), guess_example),)
        n_at_once = max(cut.n_workers, int(cut.n_workers * LAUNCH_NANOSECONDS / nanoseconds))
        last = -(-end // lanes)
        for begin in range(first // lanes, last, n_at_once):
            items = begin, min(n_at_once, last - begin), nanoseconds
            check(launched(launch_items, tasks, context, x, cut, self._n_threads, *items, like=guess_example))


def guess_by(work: Work, padded: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return leads and starts, of components with the covariance that they have on average."""
    model, state = work.model, work.state
    scales, n_components = model.scales.astype(np.float64), len(model.constants)
    means = model.means[:, : len(scales)].astype(np.float64)
    leads = np.zeros((-(-n_components // 8) * 8, padded), np.float32)
    starts = np.full(len(leads), np.inf, np.float32)
    # What is no number is never the nearest.
    shared = in_units(np.einsum("k,kij->ij", state.weights, state.covariances), scales)
    slopes = np.einsum("ki,ij->kj", 0.25 * means, _inverse(np.where(np.isfinite(shared), shared, 0.0)))
    leads[:n_components, : len(scales)] = -2.0 * slopes
    starts[:n_components] = (slopes * means).sum(axis=1) - model.constants
    return leads, starts


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inverse of a covariance (D, D), zero for features that follow from those before.

    Rows are summed in the order of their guesses, and a BLAS rounds by how many threads it has (500 features, 1 and
    2 threads of OpenBLAS). So it is Gauss and Jordan's method by NumPy's own loops, 2 ms for 128 features.
    """
    inverse, follows = matrix.copy(), np.zeros(len(matrix), bool)
    for j in range(len(inverse)):
        pivot = inverse[j, j]
        follows[j] = not pivot > 1e-12 * matrix[j, j]
        if not follows[j]:
            column, row = inverse[:, j].copy(), inverse[j] / pivot
            inverse -= np.multiply.outer(column, row)
            inverse[:, j] = -column / pivot
            inverse[j], inverse[j, j] = row, 1.0 / pivot
    inverse[follows], inverse[:, follows] = 0.0, 0.0
    return inverse
