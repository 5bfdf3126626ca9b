"""What a long fit is at, for someone who waits: one line that changes on a terminal, a line a stage elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from ..rows.source import Underway, Watch

# Seconds between two changes of a line.
REFRESH = 0.1


@contextlib.contextmanager
def telling(wanted: bool) -> Iterator[Watch | None]:
    """Yield what tells on `sys.stderr`, if that is wanted, and finish its line in any case."""
    if not wanted:
        yield None
        return
    progress = Progress(sys.stderr)
    try:
        yield progress
    finally:
        progress.close()


class Progress:
    """Tells on `stream` what it is called with; `close` it when the fit is over.

    Of the stage `silent` somebody else tells.
    """

    def __init__(self, stream: TextIO, silent: str = "") -> None:
        self._stream = stream
        self._silent = silent
        self._live = stream.isatty()
        self._stage = ""
        self._width = 0
        self._shown = -REFRESH
        self._number, self._n_passed, self._began = 0, 0, time.perf_counter()

    def __call__(self, underway: Underway) -> None:
        """Take down what is going on, and show it if it is time to."""
        now = time.perf_counter()
        # A stage that begins anew belongs to another start.
        if underway.stage != self._stage or underway.number < self._number:
            self.close()
            self._stage = underway.stage if underway.stage != self._silent else ""
        if not self._stage:
            self._began = now
            return
        self._number = underway.number
        self._n_passed = (underway.number - 1) * underway.n_samples + underway.n_seen
        if self._live and now - self._shown >= REFRESH:
            self._shown = now
            self._show(f"{self._stage}, pass {self._number}{self._rate(now)}")

    def close(self) -> None:
        """Finish the line of the last stage."""
        now = time.perf_counter()
        if self._stage:
            passes = f"{self._number} pass{'es' * (self._number > 1)}"
            self._show(f"{self._stage}: {passes} in {now - self._began:.2f} s{self._rate(now)}")
            self._stream.write("\n")
            self._stream.flush()
            self._stage, self._width = "", 0
            self._number, self._n_passed, self._began = 0, 0, now

    def _rate(self, now: float) -> str:
        seconds = now - self._began
        if not self._n_passed or not seconds > 0.0:
            return ""
        return f", {self._n_passed / seconds:.1e} rows/s".replace("e+0", "e").replace("e+", "e")

    def _show(self, text: str) -> None:
        self._stream.write(("\r" if self._live else "") + text.ljust(self._width if self._live else 0))
        self._stream.flush()
        self._width = len(text)
