"""Verify every rung against `fastgmm.naive`, then time them in turn, rung after rung, turn after turn."""

import functools
import re
import sys
import time

import numba
import numpy as np

from bench.cases import Case
from bench.compare.judge import largest_difference
from bench.ladder import SLOW, THREADED, Rung, rungs
from bench.limit import Machine, limit, seconds
from bench.run import SETTLE, environment, spread
from fastgmm import naive

PROBLEMS = (Case(100_000, 2, 4), Case(20_000, 16, 16))
TOLERANCE = 1e-9
# A component, so that hardly one stays without.
LEAST_ROWS = 5
# Of the first verification of a rung, nearly all of them the compiler's: a guess, for those who wait.
SECONDS_TO_COMPILE = 2.0
# Blocks of 256 and superblocks of 2048 rows both end unevenly. The slow rungs would take minutes.
VERIFIED_ROWS, VERIFIED_ROWS_SLOW = 2400, 150
# Multiplications, additions and both in one of double precision: for one number or for a register full.
ARITHMETIC = re.compile(r"\bv?(?:fn?m(?:add|sub)\d*|mul|add|sub)([ps])d\b")


def climb(cases: tuple[Case, ...], names: tuple[str, ...], turns: int, seconds_a_turn: float) -> dict:
    """Verify and time the rungs; return what belongs into the JSON. RuntimeError if an answer is wrong."""
    ladder = rungs(names)
    # Choosing the number of rows takes about as long as two turns.
    waiting = len(ladder) * SECONDS_TO_COMPILE + len(cases) * (turns + 2) * seconds_of_turn(ladder, seconds_a_turn)
    say(
        f"{len(ladder)} rungs, {' and '.join(case.name for case in cases)}: each is compiled and verified, then "
        f"timed in {turns} turns; about {waiting:.0f} seconds in all"
    )
    errors = [[verify(rung, case) for rung in ladder] for case in cases]
    problems = [
        {"n_samples": case.n_samples, "n_features": case.n_features, "n_components": case.n_components}
        | {"rungs": time_in_turn(ladder, case, turns, seconds_a_turn, error)}
        for case, error in zip(cases, errors, strict=True)
    ]
    return {"environment": environment(), "turns": turns, "problems": problems}


def verify(rung: Rung, case: Case) -> float:
    """Largest error of one round from the start, relative to the scale of each array."""
    enough = max(VERIFIED_ROWS_SLOW, LEAST_ROWS * case.n_components) if rung.name in SLOW else VERIFIED_ROWS
    rows = min(case.n_samples, enough)
    X, start = case.problem(rows)
    actual = rung.em_round(X, start.weights, start.means, start.covariances)
    error = largest_difference(actual, oracle(case, rows))
    if not error < TOLERANCE:
        raise RuntimeError(f"{rung.name} is off by {error:.1e} at {case.name}, more than {TOLERANCE:.0e}")
    say(f"{case.name}: {rung.name} is right to {error:.0e}")
    return error


@functools.cache
def oracle(case: Case, rows: int) -> tuple:
    """Return what a round has to give: new parameters and the old ones' log-likelihood."""
    X, start = case.problem(rows)
    parameters = (start.weights, start.means, start.covariances)
    return *naive.m_step(X, naive.e_step(X, *parameters)), naive.log_likelihood(X, *parameters)


def time_in_turn(
    ladder: list[Rung], case: Case, turns: int, seconds_a_turn: float, errors: list[float]
) -> list[dict]:
    """Seconds per row of each rung and their ratios, taken within a turn.

    Slow rungs get fewer rows, fast ones do all of them several times, so that a turn lasts about `seconds_a_turn`.
    """
    say(f"{case.name}: choosing how many rows a turn of each rung does")
    X, start = case.problem()
    parameters = (start.weights, start.means, start.covariances)
    machine = Machine("float64", numba.get_num_threads())
    rows = [enough_rows(rung, X, parameters, seconds_a_turn) for rung in ladder]
    waiting = turns * seconds_of_turn(ladder, seconds_a_turn)
    per_row: list[list[float]] = [[] for _ in ladder]
    at_best = []
    for turn in range(turns):
        began = time.perf_counter()
        say(f"{case.name}: turn {turn + 1} of {turns}, about {waiting:.0f} seconds to go")
        before = limit(case, machine.rates())
        for rung, n, taken in zip(ladder, rows, per_row, strict=True):
            taken.append(seconds_per_row(rung, X[:n], parameters, seconds_a_turn))
            if rung.name in THREADED:
                time.sleep(SETTLE)
        at_best.append((before + limit(case, machine.rates())) / 2 / case.n_samples)
        waiting = (turns - turn - 1) * (time.perf_counter() - began)
    return [
        {
            "name": rung.name,
            "idea": rung.idea,
            "rows": rows[i],
            "seconds_per_row": per_row[i],
            "times_before": ratios(per_row[i - 1], per_row[i]) if i else None,
            "times_first": ratios(per_row[0], per_row[i]),
            "share_of_limit": ratios(at_best, per_row[i]),
            "error": errors[i],
            "instructions": instructions(rung),
        }
        for i, rung in enumerate(ladder)
    ]


def seconds_of_turn(ladder: list[Rung], seconds_a_turn: float) -> float:
    """Return how long a turn of all rungs takes, at least."""
    return len(ladder) * seconds_a_turn + sum(rung.name in THREADED for rung in ladder) * SETTLE


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def enough_rows(rung: Rung, X: np.ndarray, parameters: tuple, enough: float) -> int:
    """Rows that take a rung about `enough` seconds, or all."""
    n_components, n_features = parameters[1].shape
    # Twice as many as features, too: a covariance of fewer is not positive definite.
    n = min(len(X), max(LEAST_ROWS, 2 * n_features) * n_components)
    # The better of two: the first may meet the compiler.
    while n < len(X) and min(seconds(rung.em_round, X[:n], *parameters) for _ in range(2)) < enough / 4:
        n = min(len(X), 2 * n)
    rung.em_round(X[:n], *parameters)
    return n


def seconds_per_row(rung: Rung, X: np.ndarray, parameters: tuple, enough: float) -> float:
    """Mean over as many rounds as take about `enough` seconds."""
    rounds, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < enough or not rounds:
        rung.em_round(X, *parameters)
        rounds += 1
    return elapsed / rounds / len(X)


def ratios(slower: list[float], faster: list[float]) -> list[float]:
    """Minimum, median and maximum of the ratios turn by turn."""
    return spread([a / b for a, b in zip(slower, faster, strict=True)])


def instructions(rung: Rung) -> dict[str, int] | None:
    """Arithmetic instructions in the machine code of the rung's loop, packed and scalar; only x86 names them so."""
    inspect = getattr(rung.loop, "inspect_asm", None)
    if inspect is None:
        return None
    kinds = ARITHMETIC.findall("".join(inspect().values()))
    return {"packed": kinds.count("p"), "scalar": kinds.count("s")} if kinds else None
