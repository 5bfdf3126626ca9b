"""Long work shows itself: the stage that runs, on standard error, and the seconds that each took."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.table import Table

from .._numba import compiling
from ..em.outcome import IterationState
from ..em.progress import Pace
from ..mixture import Mixture
from ..model.criteria import criterion_value
from ..model.structures import STRUCTURES
from ..rows.source import EM, Underway
from . import application, interrupt, report
from .tables import columns, dataset

Rows = columns.Table | dataset.Dataset
DELAY = 0.5  # seconds; shorter work shows nothing in a terminal
START, ROUNDS = "start", "iterations"


class Stages:
    """The stages of a fit, one inside another.

    In a terminal the stage that runs is a line that changes; elsewhere each is a line when it first begins.
    `seconds` has what was spent in a stage and in none inside it, by name; the first is what the processor did until
    there was anything to show.
    """

    def __init__(self, n_init: int, max_iter: int) -> None:
        self.seconds = {"importing": time.process_time()}
        self.highest: dict[tuple[int, str], IterationState] = {}  # iterations, by number of components and structure
        self._of = n_init, max_iter
        self._running: list[str] = []
        self._since = 0.0
        self._status: Status | None = None
        self._pace = Pace()
        self.n_samples = 0
        self._round = ""

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the stages inside, and those of the compiler."""
        console = Console(stderr=True, markup=False, emoji=False, highlight=False)
        with compiling.watched(self._compile, self.leave):
            if not console.is_terminal:
                yield
                return
            self._status = Status("", console=console)
            # A timer, because nobody calls while compiled code runs.
            timer = threading.Timer(DELAY, self._status.start)
            timer.start()
            try:
                yield
            finally:
                timer.cancel()
                timer.join()  # a line that begins while it is being stopped would stay on the screen
                self._status.stop()

    @contextmanager
    def stage(self, name: str, of: object = "") -> Iterator[None]:
        """Count the time inside as that of a stage, which is at work on `of`."""
        self.enter(name, of)
        try:
            yield
        finally:
            self.leave()

    def enter(self, name: str, of: object = "", said: str = "") -> None:
        """Begin a stage inside the one that runs."""
        self._count()
        self._running.append(name)
        self._begin(name, said or f"{name} {of}".rstrip())

    def leave(self) -> None:
        """End the stage that runs."""
        self._count()
        self._running.pop()
        if self._status is not None and self._running:
            self._status.update(self._running[-1])

    def underway(self, seen: Underway) -> None:
        """Count what has just been done, and show what goes on before the first round."""
        self.n_samples = seen.n_samples
        stage = ROUNDS if seen.stage == EM else START
        if self._status is None:
            self._begin(stage, stage)
        self._running[-1] = stage
        self._count()
        if self._pace.begins(seen):
            self._pace.pass_over(seen.stage)
        said = self._pace.take(seen)
        if self._status is not None and stage == START:
            self._status.update(said)
        elif self._status is not None and said.endswith("left"):  # a round that takes long
            self._status.update(f"{self._round}{said}")

    def round_done(self, state: IterationState) -> None:
        """Count an iteration of EM."""
        self._count()
        kind = state.parameters.n_components, state.parameters.covariance_type
        if kind not in self.highest or state.mean_log_likelihood > self.highest[kind].mean_log_likelihood:
            self.highest[kind] = state
        if self._status is not None:
            self._status.update(self._described(state))
            self._round = f"{self._described(state)}; "

    @contextmanager
    def telling(self, rows: Rows, criterion: str) -> Iterator[None]:
        """Print the highest iterations when what is inside is interrupted."""

        def tell() -> None:
            if self._status is not None:
                self._status.stop()
            if not self.highest:
                application.say("Interrupted before the first iteration was done; nothing is written")
                return
            if isinstance(rows, dataset.Dataset):
                rows.total_weight = self.n_samples
            states = sorted(self.highest.values(), key=lambda state: _criterion(criterion, state, rows))
            best = Mixture._trusted(states[0].parameters, rows.feature_names)
            report.print_tables(_reached(states, rows, criterion), report.parameters_table(best))

        try:
            with interrupt.last_act(tell):
                yield
        except KeyboardInterrupt:
            interrupt.arrived.set()
            tell()
            raise

    def table(self) -> Table:
        """Tabulate the seconds."""
        table = Table.grid(padding=(0, 2), pad_edge=True)
        table.add_row("seconds", f"{sum(self.seconds.values()):.3f}")
        for name, seconds in self.seconds.items():
            table.add_row(f"  {name}", f"{seconds:.3f}")
        return table

    def _compile(self) -> None:
        self.enter("compiling", said=compiling.announcement())

    def _described(self, state: IterationState) -> str:
        n_init, max_iter = self._of
        return (
            f"K={state.parameters.n_components} {state.parameters.covariance_type}, "
            f"start {state.start + 1}/{n_init}, iteration {state.iteration}/{max_iter}, "
            f"{state.mean_log_likelihood:.6f} nats/row, change {state.change:.1e}"
        )

    def _count(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.seconds[self._running[-1]] = self.seconds.get(self._running[-1], 0.0) + now - self._since
        self._since = now

    def _begin(self, name: str, text: str) -> None:
        if self._status is not None:
            self._status.update(text)
        elif name not in self.seconds:
            application.say(text)
        self.seconds.setdefault(name, 0.0)


def _reached(states: Sequence[IterationState], rows: Rows, criterion: str) -> Table:
    """Tabulate the highest iteration of each mixture, the best first."""
    table = report.ruled_table()
    table.title, table.title_justify = "Interrupted; nothing is written. Highest iterations:", "left"
    for heading in ("K", "covariance", "start", "iteration", "nats per row", criterion.upper()):
        table.add_column(heading, justify="left" if heading == "covariance" else "right")
    for state in states:
        k, covariance_type = state.parameters.n_components, state.parameters.covariance_type
        table.add_row(
            *(str(k), covariance_type, str(state.start + 1), str(state.iteration)),
            *(f"{state.mean_log_likelihood:.6f}", f"{_criterion(criterion, state, rows):.2f}"),
        )
    return table


def _criterion(name: str, state: IterationState, rows: Rows) -> float:
    k, n_features = state.parameters.means.shape
    n_free = STRUCTURES[state.parameters.covariance_type].n_free(k, n_features)
    return criterion_value(name, state.mean_log_likelihood * rows.total_weight, n_free, rows.total_weight)
