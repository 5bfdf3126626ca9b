"""When a pass is pruned, by counts alone: the same on every machine, for any number of threads."""

from __future__ import annotations

from typing import NamedTuple

# Of the pairs of blocks and components: a pruned pass that evaluates more than this share of them, or in which more
# count once rows are in order, is hardly faster than a dense one. Of pairs of rows and components those that count:
# from this share on most blocks have more, in whatever order. For measurements see `LONG_ROW_WORK`.
MOST, MOST_SEEN = 0.5, 0.25
# Rounds before the first pruned one, and dense ones after one that was not worth it, at first; then twice as many.
FIRST, PAUSE = 2, 16
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
    """Which rounds are pruned, and after which of them rows are put in order."""

    def __init__(self) -> None:
        # So many rounds are dense, and so many will be after the next pass that was not worth it or is repeated.
        self.first, self._pause = FIRST, PAUSE
        self._repeats = 0
        # Share of the rows that has changed its labels since they were put in order, None before.
        self._moved: float | None = None
        # Of the passes since then: how many, the least share evaluated, and how much more all others were.
        self._n_passes, self._least, self._excess = 0, 1.0, 0.0

    def judge(self, n_iter: int, shares: Shares) -> bool:
        """Take down a pruned pass in round `n_iter`; return whether to put rows in order by its labels.

        Bounds are lost then, which costs about a dense pass: so it is done when passes have taken as much more than
        the best one since the last time.
        """
        # Whatever the order of rows, no less counts than in single rows.
        is_bad = shares.seen > MOST_SEEN
        if self._moved is None:
            if not is_bad:
                return self._put_in_order()
            self.give_up(n_iter)
            return False
        is_bad |= shares.counted > MOST
        self._n_passes += 1
        self._moved += shares.moved
        if self._n_passes > 1:  # before, bounds were not known, or loose
            self._least = min(self._least, shares.evaluated)
            self._excess += shares.evaluated - self._least
            is_bad |= shares.evaluated > MOST
        if self._n_passes > 1 and (is_bad or self._excess > 1.0) and self._moved > LEAST_MOVED:
            return self._put_in_order()
        if is_bad:
            self.give_up(n_iter)
        return False

    def goes_on(self, n_iter: int, seen: float) -> bool:
        """Return whether the pruned pass of round `n_iter` is worth going on, by what counts in its first rows."""
        if seen > MOST_SEEN:
            self.give_up(n_iter)
        return not seen > MOST_SEEN

    def give_up(self, n_iter: int) -> None:
        """Leave the rounds after `n_iter` dense for a while."""
        self.first, self._pause = n_iter + self._pause, 2 * self._pause
        # Bounds will be loose by then, of which the next pass cannot be blamed.
        self._n_passes, self._least, self._excess = 0, 1.0, 0.0

    def repeated(self, n_iter: int) -> None:
        """Take down that the pass of round `n_iter` was repeated: no round is left dense at first, then 1, 3, 7."""
        self.first, self._repeats = n_iter + self._repeats, 2 * self._repeats + 1

    def _put_in_order(self) -> bool:
        self._moved, self._n_passes, self._least, self._excess = 0.0, 0, 1.0, 0.0
        return True
