"""Verify, warm up, time in turn: A B C, A B C, ... Ratios are taken within a turn, so drift cancels."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np

import fastgmm
from bench import serial
from bench.cases import IMPLEMENTATIONS, MEMORY, SCALING, Case, Implementation
from bench.compare import judge
from bench.environment import machine, version_of
from bench.limit import Machine, Rates, limit, seconds
from fastgmm import Mixture
from fastgmm._files import new_file

TOLERANCE = 1e-8
SINGLE_TOLERANCE = 1e-4
VERIFIED_ROUNDS = 3
# What the long run takes longer than the short one at least, as far as a hundred times its rounds allow that.
LEAST_SECONDS = 0.1
# Before each turn: threads of OpenMP runtimes spin for up to 0.2 s after their work, and would take part in the next.
SETTLE = 0.3


def benchmark(cases: list[Case], turns: int, scaling: bool = True) -> dict:
    """Run all cases, and those of the scaling plot; return what belongs into the JSON.

    RuntimeError if answers differ.
    """
    fastgmm.warmup()
    errors, results = {}, []
    for case in cases:
        print(f"{case.name}: verify", file=sys.stderr, flush=True)
        errors[case.name] = verify(case)
    for case in cases:
        print(f"{case.name}: time", file=sys.stderr, flush=True)
        timed = time_in_turn(case, turns, errors[case.name])
        results.append(
            {
                "case": {"name": case.name, **vars(case)},
                "implementations": timed,
                "serial": serial.measure(case)._asdict(),
            }
        )
    print("memory", file=sys.stderr, flush=True)
    return {
        "environment": environment(),
        "turns": turns,
        "results": results,
        "scaling": measure_scaling() if scaling else {},
        "memory": measure_memory([case for case in cases if case in MEMORY]),
    }


def implementations_of(case: Case) -> list[Implementation]:
    """Return those that can do a case, fastgmm first."""
    return [each for each in IMPLEMENTATIONS if each.applies(case)]


def measure_scaling() -> dict:
    """Seconds per round of fastgmm and scikit-learn, and the limit, against N, D and K; three turns."""
    curves = {}
    for axis, cases in SCALING.items():
        curves[axis] = []
        for case in cases:
            print(f"scaling, {case.name}", file=sys.stderr, flush=True)
            errors = verify(case)
            timed = time_in_turn(case, 3, errors)
            point = {"at": getattr(case, axis), "limit": limit(case, Rates(**timed[0]["machine"]))}
            for entry in timed[:2]:
                point[entry["name"]] = statistics.median(entry["seconds_per_round"])
            curves[axis].append(point)
    return curves


def verify(case: Case) -> dict[str, float]:
    """Largest difference of fastgmm's parameters from each other implementation's, relative to their scale.

    float32 is compared with what the others make of the same rows in float64.
    """
    errors = {}
    tolerance = TOLERANCE if case.dtype == "float64" else SINGLE_TOLERANCE
    for other in implementations_of(case)[1:]:
        X, start = case.problem()
        expected = other.run(X.astype(np.float64), start, VERIFIED_ROUNDS)
        actual = implementations_of(case)[0].run(X, start, VERIFIED_ROUNDS)
        errors[other.name] = judge.difference(actual, expected)
        if not errors[other.name] < tolerance:
            raise RuntimeError(
                f"{case.name}: fastgmm and {other.name} differ by {errors[other.name]:.1e} after {VERIFIED_ROUNDS} "
                f"rounds, more than {tolerance:.0e}; nothing was timed"
            )
    return errors


def time_in_turn(case: Case, turns: int, errors: dict[str, float], n_threads: int | None = None) -> list[dict]:
    """Seconds per round of each implementation, multiples of fastgmm's, and its share of the limit.

    The machine's rates are measured on both sides of fastgmm's turn, so that drift cancels.
    """
    machine = Machine(case.dtype, n_threads or numba.get_num_threads())
    implementations = implementations_of(case)
    X, start = case.problem()
    taken: dict[str, list[float]] = {each.name: [] for each in implementations}
    rounds_of = {each.name: enough_rounds(each, X, start) for each in implementations}
    shares, rates = [], []
    for _ in range(turns):
        for each in implementations:
            time.sleep(SETTLE)
            before = machine.rates() if each is implementations[0] else None
            few, many = rounds_of[each.name]
            short, long = (seconds(each.run, X, start, rounds) for rounds in (few, many))
            taken[each.name].append((long - short) / (many - few))
            if before is not None:
                rates += [before, machine.rates()]
                at_best = (limit(case, rates[-2]) + limit(case, rates[-1])) / 2
                shares.append(at_best / taken[each.name][-1])
    fastest = taken[implementations[0].name]
    timed = [
        {
            "name": each.name,
            "seconds_per_round": taken[each.name],
            "multiple": spread([a / b for a, b in zip(taken[each.name], fastest, strict=True)]),
            "difference": errors.get(each.name, 0.0),
        }
        for each in implementations
    ]
    timed[0]["share_of_limit"] = spread(shares)
    timed[0]["machine"] = {
        field: statistics.median(getattr(each, field) for each in rates)
        for field in ("multiply_adds", "exponentials", "bytes")
    }
    timed[0]["tile"] = machine.tile
    return timed


def enough_rounds(implementation: Implementation, X: np.ndarray, start: Mixture) -> tuple[int, int]:
    """Return the rounds of the short and the long run: more than usual for few rows, whose set-up takes longer."""
    few, many = implementation.rounds
    usual = seconds(implementation.run, X, start, many)
    return few, many + (many - few) * min(99, int(LEAST_SECONDS / usual))


def spread(values: list[float]) -> list[float]:
    """Minimum, median and maximum."""
    return [min(values), statistics.median(values), max(values)]


def measure_memory(cases: list[Case]) -> dict[str, float]:
    """Megabytes that a default fit of each case takes beyond X, each in a fresh process; only where /proc is."""
    peaks: dict[str, float] = {}
    if not Path("/proc/self/statm").exists():
        return peaks
    for case in cases:
        shape = map(str, (case.n_samples, case.n_features, case.n_components))
        command = [sys.executable, "-m", "bench.memory", *shape, case.order]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks[case.name] = float(done.stdout)
    return peaks


def environment() -> dict:
    """Machine, threads, versions and command."""
    return {
        **machine(),
        "threads": numba.get_num_threads(),
        "threading_layer": numba.threading_layer(),
        **{name: version_of(name) for name in ("fastgmm", "numba", "numpy", "scikit-learn")},
        "oneDAL": version_of("scikit-learn-intelex"),
    }


def write(results: dict, path: Path) -> None:
    """Write the JSON, whole or not at all."""
    with new_file(path) as scratch:
        scratch.write_text(json.dumps(results, indent=1) + "\n")
