"""The comparison: the same rounds from the same start, answers before times; then whole fits to the same likelihood.

Peers take turns, A B C, A B C, ...; one works at a time, and multiples are taken within a turn, so that drift of the
machine cancels. A peer that gives no answer or a wrong one keeps its line, with the reason in place of times.
"""

import contextlib
import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.cases import Case
from bench.compare.client import Failure, Missing, Worker
from bench.compare.grid import Grid
from bench.compare.peer import Peer
from bench.compare.problem import Problem
from bench.environment import machine
from bench.run import SETTLE, spread

# Rounds of the short and of the long run, for all peers; answers are compared after the long one.
SHORT, LONG = 1, 3
# Rows that a peer gets one after the other, the first to import and to compile, as long as the next round should take
# less than so many seconds.
LEVELS, LONGEST_ROUND = (2000, 10_000, 100_000), 2.0
# A whole fit that takes longer, in seconds, is given up.
FIT_PATIENCE = 30.0
# The first that a peer has is the one that its whole fits are made in.
DTYPES = ("float64", "float32")


@dataclass
class Contestant:
    """A peer at one problem: its process, and its entry in the results."""

    peer: Peer
    problem: Problem
    worker: Worker
    entry: dict

    def attempt(self, task: Callable[..., None], *arguments) -> None:
        """Do something with it, unless it has failed before; a failure is its own, and the others go on."""
        if self.entry["failure"] is not None:
            return
        time.sleep(SETTLE)
        try:
            task(self, *arguments)
        except (Failure, Missing) as failure:
            self.entry["failure"] = str(failure)
            self.worker.close()


@dataclass(frozen=True)
class Study:
    """Who is compared, and how."""

    peers: tuple[Peer, ...]
    n_threads: int
    turns: int
    scratch: Path

    def survey(self) -> dict[str, dict]:
        """Versions of each peer or, under "missing", why there is nothing to compare with."""
        found: dict[str, dict] = {}
        for peer in self.peers:
            with Worker(peer, self.n_threads, self.scratch) as worker:
                try:
                    found[peer.name] = {"versions": worker.ask("versions")}
                except Missing as reason:
                    found[peer.name] = {"missing": f"not installed ({reason})"}
                except Failure as reason:
                    found[peer.name] = {"missing": f"not usable ({reason})"}
        return found

    def rounds(self, case: Case) -> dict:
        """Verify, then time in turn, the same rounds of all peers that can do a case."""
        say(f"{case.name}: rounds")
        problem = Problem(case, self.scratch)
        able = [each for each in self.peers if each.rounds and each.applies(case.covariance_type, case.dtype)]
        with self._contestants([(each, problem) for each in able]) as contestants:
            for each in contestants:
                each.attempt(verify)
            for _ in range(self.turns):
                for each in contestants:
                    each.attempt(take_turn)
        return {"case": {"name": case.name, **vars(case)}, "entries": [each.entry for each in contestants]}

    def fits(self, case: Case, n_seeds: int) -> dict:
        """Fit with the defaults of every peer, each in the widest dtype that it has, seed after seed."""
        say(f"{case.name}: whole fits")
        problems = {dtype: Problem(dataclasses.replace(case, dtype=dtype), self.scratch) for dtype in DTYPES}
        able = [
            (each, problems[dtype])
            for each in self.peers
            for dtype in [dtype for dtype in DTYPES if each.applies(case.covariance_type, dtype)][:1]
        ]
        with self._contestants(able) as contestants:
            for each in contestants:
                each.attempt(warm_up)
            for seed in range(n_seeds):
                for each in contestants:
                    each.attempt(fit, seed)
        return {"case": {"name": case.name, **vars(case)}, "entries": [each.entry for each in contestants]}

    @contextlib.contextmanager
    def _contestants(self, pairs: list[tuple[Peer, Problem]]) -> Iterator[list[Contestant]]:
        """Start a worker for each; they end with the context."""
        with contextlib.ExitStack() as stack:
            contestants = []
            for peer, problem in pairs:
                entry = {"peer": peer.name, "dtype": problem.case.dtype, "failure": None}
                worker = stack.enter_context(Worker(peer, self.n_threads, self.scratch))
                contestants.append(Contestant(peer, problem, worker, entry))
            yield contestants


def verify(contestant: Contestant) -> None:
    """Hold its answer, on as many rows as it does in bearable time, against the judge's."""
    n_rows, megabytes = as_many_rows(contestant.worker, contestant.problem)
    answer = contestant.worker.ask("rounds", contestant.problem.start, LONG)
    contestant.entry |= {
        "rows": n_rows,
        "megabytes": megabytes,
        **contestant.problem.check(answer.mixture, n_rows, LONG),
        "seconds_per_row_and_round": [],
    }


def as_many_rows(worker: Worker, problem: Problem) -> tuple[int, float | None]:
    """Load more and more rows while a round of the next number should not last too long, by what more rows have cost.

    Return their number, and the megabytes of the first round on them: later ones find its memory.
    """
    levels = [n for n in LEVELS if n < len(problem.X)] + [len(problem.X)]
    seconds: list[float] = []
    for i, n_rows in enumerate(levels):
        worker.ask("load", problem.path, n_rows)
        megabytes = worker.ask("rounds", problem.start, SHORT).megabytes
        # The better of two, for what a scheduler or a collector adds to one must not count as the cost of rows.
        seconds.append(min(worker.ask("rounds", problem.start, SHORT).seconds for _ in range(2)))
        if 0 < i < len(levels) - 1:
            per_row = (seconds[i] - seconds[i - 1]) / (n_rows - levels[i - 1])
            if seconds[i] + per_row * (levels[i + 1] - n_rows) > LONGEST_ROUND:
                break
    return n_rows, megabytes


def take_turn(contestant: Contestant) -> None:
    seconds = contestant.worker.ask("seconds_per_round", contestant.problem.start, SHORT, LONG)
    contestant.entry["seconds_per_row_and_round"].append(seconds / contestant.entry["rows"])


def warm_up(contestant: Contestant) -> None:
    """Import and compile on few rows, then on all, where some take other paths."""
    worker, problem = contestant.worker, contestant.problem
    task = ("whole", problem.case.n_components, problem.case.covariance_type, 0)
    worker.ask("load", problem.path, min(LEVELS[0], len(problem.X)))
    worker.ask(*task)
    worker.ask("load", problem.path, len(problem.X))
    # Twice the time, for some compile here.
    megabytes = worker.ask(*task, patience=2.0 * FIT_PATIENCE).megabytes
    contestant.entry |= {"seconds": [], "log_likelihoods": [], "megabytes": megabytes}


def fit(contestant: Contestant, seed: int) -> None:
    case, entry = contestant.problem.case, contestant.entry
    answer = contestant.worker.ask("whole", case.n_components, case.covariance_type, seed, patience=FIT_PATIENCE)
    entry["log_likelihoods"].append(contestant.problem.log_likelihood(answer.mixture))
    entry["seconds"].append(answer.seconds)


def with_multiples(result: dict, key: str) -> dict:
    """Add to each entry the spread of its multiples of fastgmm's `key`, turn by turn; none where one failed."""
    complete = [each for each in result["entries"] if each["failure"] is None]
    own = [each[key] for each in complete if each["peer"] == "fastgmm"]
    for entry in complete if own else ():
        entry["multiple"] = spread([a / b for a, b in zip(entry[key], own[0], strict=True)])
    return result


def compare(peers: dict[str, Peer], grid: Grid, turns: int, n_threads: int, required: Collection[str]) -> dict:
    """Compare peers on a grid; return what belongs into the JSON. Missing if a `required` one cannot be."""
    with tempfile.TemporaryDirectory() as scratch:
        study = Study(tuple(peers.values()), n_threads, turns, Path(scratch))
        found = study.survey()
        for name, peer in peers.items():
            reason = found[name].get("missing")
            if reason and name in required:
                raise Missing(f"{name} is {reason}: {peer.install}")
            if reason:
                say(f"{peer.title}: skipped, {reason}: {peer.install}")
        here = tuple(peer for name, peer in peers.items() if "missing" not in found[name])
        study = dataclasses.replace(study, peers=here)
        return {
            "environment": machine() | {"threads": n_threads},
            "turns": turns,
            "n_rounds": LONG,
            "n_seeds": grid.n_seeds,
            "peers": {name: describe(peer) | found[name] for name, peer in peers.items()},
            "rounds": [with_multiples(study.rounds(case), "seconds_per_row_and_round") for case in grid.rounds],
            "fits": [with_multiples(study.fits(case, grid.n_seeds), "seconds") for case in grid.fits],
        }


def describe(peer: Peer) -> dict:
    """Return what tables say of it, which are drawn without the registry."""
    return {"title": peer.title, "install": peer.install, "threads": peer.threads, "note": peer.note}


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
