"""When a pass is pruned, by counts alone: the same on every machine, for any number of threads."""

from __future__ import annotations

import math
from typing import NamedTuple

# Of the pairs of blocks and components: a pruned pass that evaluates more than this share of them, or in which more
# count once rows are in order, is hardly faster than a dense one, if a row has many multiply-adds. What a row costs
# beside them takes as long as `ROW_WORK`. Of the pairs of rows and components: where more than `MOST_SEEN` count,
# more than `MOST` do of blocks, in whatever order (where 0.28 to 0.5 do, 0.75 to 0.95, K = 16 to 256).
MOST, ROW_WORK, MOST_SEEN = 0.6, 2500, 0.25
# Rounds before the first pruned one, unless labels are guessed; dense ones after one that was not worth it, at
# first, and after a look at its first rows, which costs little, while components may yet part: then twice as many.
FIRST, PAUSE, SHORT_PAUSE = 2, 16, 4
# Share of the rows that must have changed their labels before they are put in order anew.
LEAST_MOVED = 1 / 64


class Shares(NamedTuple):
    """What a pruned pass has done.

    evaluated, counted
        Of the pairs of blocks and components: those evaluated, and those that count in any row of the block.
    seen
        Of the pairs of rows and components: those that count.
    moved
        Of the rows: those with another label than before.
    """

    evaluated: float
    counted: float
    seen: float
    moved: float


class Policy:
    """Which rounds are pruned, and after which of them rows are put in order, given the multiply-adds of a row.

    Where guesses at labels are worth it (`is_guessed`), the first rounds are pruned, too, with rows in the order of
    these; where that turns out bad, it is as if there were none.
    """

    def __init__(self, row_work: float = math.inf, is_guessed: bool = False) -> None:
        self._most = MOST * (1.0 - ROW_WORK / row_work)
        # So many rounds are dense, and so many will be after the next pass that was not worth it or is repeated.
        self.first, self._pause, self._short_pause = 0 if is_guessed else FIRST, PAUSE, SHORT_PAUSE
        self._repeats, self._is_guessed = 0, is_guessed
        # Share of the rows that has changed its labels since they were put in order, None before.
        self._moved: float | None = None
        # Of the passes since then: how many, the least share evaluated, and how much more all others were.
        self._n_passes, self._least, self._excess = 0, 1.0, 0.0

    def judge(self, n_iter: int, shares: Shares) -> bool:
        """Take down a pruned pass in round `n_iter`; return whether to put rows in order by its labels.

        Bounds are lost then, which costs about a dense pass where none come of where rows lie: so it is done when
        passes have taken as much more than the best one since the last time.
        """
        # Whatever the order of rows, no less counts than in single rows.
        is_bad = shares.seen > MOST_SEEN
        if self.guesses:
            self._put_in_order()
        if self._moved is None:
            if not is_bad:
                return self._put_in_order()
            self.give_up(n_iter)
            return False
        is_bad |= shares.counted > self._most
        self._n_passes += 1
        self._moved += shares.moved
        if self._n_passes > 1:  # before, bounds were not known, or loose
            self._least = min(self._least, shares.evaluated)
            self._excess += shares.evaluated - self._least
            is_bad |= shares.evaluated > self._most
        if self._n_passes > 1 and (is_bad or self._excess > 1.0) and self._moved > LEAST_MOVED:
            return self._put_in_order()
        if is_bad:
            self.give_up(n_iter)
        return False

    @property
    def guesses(self) -> bool:
        """Whether the labels of the next pruned pass are guessed."""
        return self._is_guessed and self._moved is None

    def is_apart(self, share: float) -> bool:
        """Return whether labels are to be guessed, by the share of the pairs that seems to be near."""
        if share > self._most:
            self._forget_guesses()
        return not share > self._most

    def goes_on(self, n_iter: int, seen: float, evaluated: float) -> bool:
        """Return whether the pruned pass of round `n_iter` is worth going on, by shares of its first rows.

        Bounds of the last pass that was done to the end are lost if not.
        """
        if self.guesses and (seen > MOST_SEEN or evaluated > self._most):
            self._forget_guesses()
            return False
        if seen > MOST_SEEN:
            self.first, self._short_pause = n_iter + self._short_pause, 2 * self._short_pause
        return not seen > MOST_SEEN

    def give_up(self, n_iter: int) -> None:
        """Leave the rounds after `n_iter` dense for a while; of the first ones all that would be without guesses."""
        if self._is_guessed and n_iter <= FIRST:
            self._forget_guesses()
            return
        self.first, self._pause = n_iter + self._pause, 2 * self._pause
        # Bounds will be loose by then, of which the next pass cannot be blamed.
        self._n_passes, self._least, self._excess = 0, 1.0, 0.0

    def repeated(self, n_iter: int) -> None:
        """Take down that the pass of round `n_iter` was repeated: no round is left dense at first, then 1, 3, 7."""
        self.first, self._repeats = n_iter + self._repeats, 2 * self._repeats + 1

    def _forget_guesses(self) -> None:
        self.first, self._is_guessed, self._moved = FIRST, False, None

    def _put_in_order(self) -> bool:
        self._moved, self._n_passes, self._least, self._excess = 0.0, 0, 1.0, 0.0
        return True
