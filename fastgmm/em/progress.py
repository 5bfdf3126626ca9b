"""What a long fit is at, for someone who waits: one line that changes on a terminal, a line a stage elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, TextIO

import numpy as np

from .._checks import shown
from .._numba import compiling
from ..rows.source import Underway, Watch

# Seconds between two changes of a line.
REFRESH = 0.1
# Seconds that are left of a pass which are worth telling.
LONG = 1.0


@contextlib.contextmanager
def telling(progress: Any) -> Iterator[Watch | None]:
    """Yield what is told of a fit: a function as it is; for True what tells on `sys.stderr`, and finishes its line.

    Raises
    ------
    TypeError
        If it is neither True, False nor a function.
    """
    if callable(progress):
        yield progress
    elif not isinstance(progress, bool | np.bool_):
        raise TypeError(f"progress must be True, False or a function, got {shown(progress)}")
    elif not progress or sys.stderr is None:  # a program without a console has none
        yield None
    else:
        telling_here = Progress(sys.stderr)
        try:
            with telling_here.of_compiling():
                yield telling_here
        finally:
            telling_here.close()


class Pace:
    """How fast a stage goes: rows, or problems, a second since the stage before was over."""

    def __init__(self) -> None:
        self.stage = ""
        self._end_of("")

    def begins(self, underway: Underway) -> bool:
        """Whether a stage begins; one that begins anew belongs to another start."""
        return underway.stage != self.stage or underway.number < self._number

    def take(self, underway: Underway) -> str:
        """Take down what is going on, and say it."""
        self.stage, self._number, self._unit = underway.stage, underway.number, underway.unit
        self._n_passed = (underway.number - 1) * underway.n_samples + underway.n_seen
        seconds = time.perf_counter() - self._began
        said = f"{self.stage}, pass {self._number}{self._rate(seconds)}"
        left = seconds / max(self._n_passed, 1) * (underway.n_samples - underway.n_seen)
        return f"{said}, {left:.0f} s of it left" if self._n_passed and left >= LONG else said

    def end(self) -> str:
        """End the stage, and say how it went."""
        seconds = time.perf_counter() - self._began
        passes = f"{self._number} pass{'es' * (self._number > 1)}"
        said = f"{self.stage}: {passes} in {seconds:.2f} s{self._rate(seconds)}"
        self._end_of("")
        return said

    def pass_over(self, stage: str) -> None:
        """Let a stage begin of which nothing is said."""
        self._end_of(stage)

    def _end_of(self, stage: str) -> None:
        self.stage, self._number, self._n_passed, self._began = stage, 0, 0, time.perf_counter()
        self._unit = "rows"

    def _rate(self, seconds: float) -> str:
        if not self._n_passed or not seconds > 0.0:
            return ""
        return f", {self._n_passed / seconds:.1e} {self._unit}/s".replace("e+0", "e").replace("e+", "e")


class Progress:
    """Tells on `stream` what it is called with; `close` it when the fit is over.

    Of the stage `silent` somebody else tells.
    """

    def __init__(self, stream: TextIO, silent: str = "") -> None:
        self._stream, self._live = stream, stream.isatty()
        self._silent = silent
        self._pace = Pace()
        self._width = 0
        self._shown = -REFRESH
        self._compiled = False

    def __call__(self, underway: Underway) -> None:
        """Take down what is going on, and show it if it is time to."""
        if self._pace.begins(underway):
            self.close()
        if underway.stage == self._silent:
            self._pace.pass_over(underway.stage)
            return
        said, now = self._pace.take(underway), time.perf_counter()
        if self._live and now - self._shown >= REFRESH:
            self._shown = now
            self._show(said)

    def close(self) -> None:
        """Finish the line of the last stage."""
        if self._pace.stage not in ("", self._silent):
            self._show(self._pace.end())
            self._stream.write("\n")
            self._stream.flush()
            self._width = 0

    def of_compiling(self) -> AbstractContextManager[None]:
        """Tell, once, that Numba compiles, when it begins to inside."""
        return compiling.watched(self._compile, lambda: None)

    def _compile(self) -> None:
        if not self._compiled:
            self._compiled = True
            # In the place of a line that is being changed; the stage is not over.
            self._show(compiling.announcement())
            self._stream.write("\n")
            self._stream.flush()
            self._width = 0

    def _show(self, text: str) -> None:
        self._stream.write(("\r" if self._live else "") + text.ljust(self._width if self._live else 0))
        self._stream.flush()
        self._width = len(text)
