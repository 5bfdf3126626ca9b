"""Rounds of EM with quasi-Newton steps between them: tried, judged by the next pass, and kept or taken back."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...kernels.slots import (
    CHANGE,
    COMPONENT,
    FINISHED,
    ITEM,
    MAX_ITER,
    MAXIMIZE,
    MEAN,
    N_ITER,
    N_TRACED,
    PHASE,
    PREVIOUS,
    STATUS,
)
from ...model.parameters import Parameters
from ...model.rounds.state import CONVERGED, MAX_ITER_REACHED, RUNNING
from ...rows.source import Rounds, Source
from .coordinates import Frame, Point, point_of, ridge_share, second_moments
from .quadratic import Step, best_step

Array = NDArray[np.float64]

# Rounds that the model agrees with: with 3, 5 and 8 it took 0.17, 0.17 and 0.18 of the passes of EM, the geometric
# mean of 77 mixtures; of fits with `tol` 1e-7 13, 5 and 3 ended farther than that from the limit.
MEMORY = 5
# Where more than this share of what was expected of a bounded step has come true, the next may be twice as long; a
# step that was taken back makes it a quarter.
GOOD, LONGER, SHORTER = 0.5, 2.0, 0.25
# Rounds of EM after several tries in a row that were taken back: 0, 1, 3, ..., so that few passes are thrown away.
LONGEST_PAUSE = 32
# Rounds in a row that must be small: after one, 13 of these did.
N_SMALL = 2
# Rows of a component that is not about to die: one that is on a single row has a little less than that.
LEAST_ROWS = 0.9
# The share of a variance that `reg_covar` may add. Beyond it EM ends away from where the likelihood is highest, which
# is no judge of steps then: with a hundredth of the variance fits took up to 170 times the passes of EM.
MOST_ADDED = 1e-3
# Units in the last place of 1, or of the mean log-likelihood if that is larger, that sums over rows are good to.
NOISE = 2.0


class AcceleratedRounds:
    """What quasi-Newton steps know of a run: its last rounds, and how far a step may go.

    After each round, which is a pass over the rows, `judge` says what has come of it, and `propose` may let the next
    pass be under other parameters than those of the M step. If these lower the likelihood, the run goes on from that
    M step after all: the round counts, and the trace repeats what the run had come to. Nothing is tried while a
    component has less than a row, or the floor holds one up in some directions and not in others, or more than
    `MOST_ADDED` of a variance was added to it.
    """

    def __init__(self, going: Rounds, source: Source, tol: float) -> None:
        self._going, self._tol = going, tol
        self._n_counted, self._total_weight = source.n_counted, source.total_weight
        self._noise = NOISE * float(np.finfo(source.dtype).eps)
        self._mean, self._radius, self._n_small = -math.inf, 0.0, 0
        # Tries in a row that were taken back, and rounds for which there will be none.
        self._n_taken_back = self._pause = 0
        self.remaining = math.nan
        # Where the pass to come is, by which step, and where the last M step that counts has led to.
        self._here: Point | None = None
        self._tried: Step | None = None
        self._safe: Parameters | None = None
        # Of each round where it began and where its M step led to; what the model of the last ones proposes.
        self._rounds: list[tuple[Point, Point]] = []
        self._proposed: tuple[Frame, Step] | None = None

    def judge(self, n_iter: int) -> None:
        """Keep the round after `n_iter` others, or take it back; there was none if the run was over."""
        state, step = self._going.state, self._tried
        failed, mean = self._going.phase == FINISHED, float(state.numbers[MEAN])
        if step is not None and (failed or not mean >= self._mean - self._noise * max(1.0, abs(self._mean))):
            self._take_back(step, n_iter)
        elif not failed and state.counts[N_ITER] > n_iter:
            self._keep(step, mean)

    def propose(self) -> None:
        """Let the next pass try a step, if there is one to be tried."""
        going, state = self._going, self._going.state
        if self._proposed is None or self._safe is None or state.counts[STATUS] != RUNNING:
            return
        if self._pause > 0:
            self._pause -= 1
            return
        (frame, step), self._proposed = self._proposed, None
        mixture = frame.mixture(step.vector)
        if mixture is None:
            self._be_careful(step)
            return
        weights, means, covariances = mixture
        self._tried = step  # first, for an interrupt
        structure, shape = self._safe.structure, self._safe.covariances.shape
        # The M step adds what it adds.
        covariances = structure.add_variances(covariances.reshape(shape), -state.added)
        state.sums[:], state.centers[:] = weights * self._total_weight, means
        state.first.fill(0.0)
        state.second[:] = second_moments(structure, covariances, state.sums, means.shape, state.second.shape)
        state.counts[PHASE], state.counts[ITEM] = MAXIMIZE, 0
        going.advance(int(state.counts[N_ITER]))
        self._here = self._point_of(going.parameters())
        if self._here is None or going.phase == FINISHED:
            self.go_back()

    def go_back(self) -> None:
        """Go on from the last M step that counts, if a step was tried since; nothing is left of a pass under it."""
        if self._tried is None or self._safe is None:
            return
        counts = self._going.state.counts
        counts[STATUS], counts[COMPONENT], counts[N_TRACED] = RUNNING, -1, 0
        self._going.put(self._safe)
        self._be_careful(self._tried)
        self._here, self._tried = self._rounds[-1][1], None

    def _be_careful(self, step: Step) -> None:
        self._radius = SHORTER * step.length
        self._pause = min(2**self._n_taken_back, LONGEST_PAUSE) - 1
        self._n_taken_back += 1

    def _take_back(self, step: Step, n_iter: int) -> None:
        state = self._going.state
        self.go_back()
        state.counts[N_ITER], state.counts[N_TRACED], state.trace[0] = n_iter + 1, 1, self._mean
        state.numbers[MEAN], state.numbers[PREVIOUS], state.numbers[CHANGE] = self._mean, self._mean, 0.0
        if n_iter + 1 == state.counts[MAX_ITER]:
            state.counts[STATUS] = MAX_ITER_REACHED
        if not step.remaining < self._tol:
            self._n_small = 0

    def _keep(self, step: Step | None, mean: float) -> None:
        gain, self._mean, self._tried = mean - self._mean, mean, None
        if step is not None:
            self._n_taken_back = 0
            if step.bounded and gain > GOOD * step.gain:
                self._radius *= LONGER
        self._safe = self._going.parameters()
        if self._going.phase == FINISHED:  # the M step has left a covariance that is none
            return
        here, self._here = self._here, self._point_of(self._safe)
        left = self._look_ahead(here, self._here)
        self.remaining = max(left, 0.0) if self._rounds else math.nan
        self._n_small = self._n_small + 1 if max(abs(gain), left) < self._tol else 0
        # Of EM alone one is enough, as ever; and what rounding does to flat components hardly ever is small twice.
        if self._n_small >= (1 if self._here is None else N_SMALL):
            self._going.state.counts[STATUS] = CONVERGED

    def _look_ahead(self, here: Point | None, there: Point | None) -> float:
        """Set what is proposed after a round from `here` to `there`; return what is expected to be left to the limit.

        It is infinite where too little is known, and 0 where nothing is to be tried.
        """
        self._proposed = None
        if here is None or there is None:
            self._rounds.clear()
            return math.inf if there is not None else 0.0
        self._rounds.append((here, there))
        del self._rounds[: -MEMORY - 1]
        if len(self._rounds) == 1:
            return math.inf
        try:
            frame = Frame(here)
            ends = [(frame.vector(begin), frame.vector(end)) for begin, end in self._rounds]
            gradients = [end - begin for begin, end in ends]
            length = float(np.linalg.norm(gradients[-1]))
            if length == 0.0:
                return 0.0
            moves = [b - a for (a, _), (b, _) in pairwise(ends)]
            falls = [a - b for a, b in pairwise(gradients)]
            # A step shorter than that of EM would be no gain; in this order what is not a number does not last.
            self._radius = max(length, self._radius)
            step = best_step(moves, falls, gradients[-1], self._radius)
        except np.linalg.LinAlgError:
            return math.inf
        self._proposed = frame, step
        return step.remaining

    def _point_of(self, parameters: Parameters) -> Point | None:
        """Return the point of parameters, or None where nothing is to be tried."""
        held, structure = self._going.state.held, parameters.structure
        # Held up in all directions a component hardly moves; in some, rounding does what it wants in these.
        rounded = structure.has_matrices and ((held > 0) & (held < parameters.n_features)).any()
        if rounded or not parameters.weights.min() * self._n_counted >= LEAST_ROWS:
            return None
        point, added = point_of(parameters), self._going.state.added
        if point is not None and added.any() and not ridge_share(point, added) <= MOST_ADDED:
            return None
        return point
