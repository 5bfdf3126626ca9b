"""Verify, warm up, time in turn: A B C, A B C, ... Ratios are taken within a turn, so drift cancels."""

import datetime
import importlib.metadata
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import fastgmm
from bench.cases import IMPLEMENTATIONS, Case, run_fastgmm

TOLERANCE = 1e-8
VERIFIED_ROUNDS = 3


def benchmark(cases: list[Case], turns: int) -> dict:
    """Run all cases; return what belongs into the JSON. RuntimeError if answers differ."""
    fastgmm.warmup()
    errors, results = {}, []
    for case in cases:
        print(f"{case.name}: verify", file=sys.stderr, flush=True)
        errors[case.name] = verify(case)
    for case in cases:
        print(f"{case.name}: time", file=sys.stderr, flush=True)
        timed = time_in_turn(case, turns, errors[case.name])
        results.append({"case": {"name": case.name, **vars(case)}, "implementations": timed})
    print("memory", file=sys.stderr, flush=True)
    return {"environment": environment(), "turns": turns, "results": results, "memory": measure_memory(cases)}


def verify(case: Case) -> dict[str, float]:
    """Largest difference of fastgmm's parameters from each other implementation's, relative to their scale."""
    errors = {}
    for other in IMPLEMENTATIONS[1:]:
        X, start = case.problem(other.rows)
        expected = other.run(X, start, VERIFIED_ROUNDS)
        actual = run_fastgmm(X, start, VERIFIED_ROUNDS, **({} if other.regularised else {"reg_covar": 0.0}))
        errors[other.name] = max(
            float(np.abs(a - b).max() / np.abs(b).max())
            for a, b in (
                (actual.weights, expected.weights),
                (actual.means, expected.means),
                (actual.covariances, expected.covariances),
            )
        )
        if not errors[other.name] < TOLERANCE:
            raise RuntimeError(
                f"{case.name}: fastgmm and {other.name} differ by {errors[other.name]:.1e} after {VERIFIED_ROUNDS} "
                f"rounds, more than {TOLERANCE:.0e}; nothing was timed"
            )
    return errors


def time_in_turn(case: Case, turns: int, errors: dict[str, float]) -> list[dict]:
    """Seconds per round and row of each implementation, and multiples of fastgmm's, over all turns."""
    problems = {other.name: case.problem(other.rows) for other in IMPLEMENTATIONS}
    per_row: dict[str, list[float]] = {other.name: [] for other in IMPLEMENTATIONS}
    for _ in range(turns):
        for other in IMPLEMENTATIONS:
            X, start = problems[other.name]
            short, long = (seconds(other.run, X, start, rounds) for rounds in other.rounds)
            per_row[other.name].append((long - short) / (other.rounds[1] - other.rounds[0]) / len(X))
    fastest = per_row[IMPLEMENTATIONS[0].name]
    return [
        {
            "name": other.name,
            "rows": len(problems[other.name][0]),
            "seconds_per_row_and_round": per_row[other.name],
            "multiple": spread([a / b for a, b in zip(per_row[other.name], fastest, strict=True)]),
            "difference": errors.get(other.name, 0.0),
        }
        for other in IMPLEMENTATIONS
    ]


def seconds(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


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
    """Machine, versions and command."""
    import numba

    fields = {}
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    flags = [flag for flag in ("avx2", "fma", "avx512f") if flag in fields.get("flags", "").split()]
    return {
        "processor": fields.get("model name", platform.processor()),
        "features": flags,
        "processors": os.cpu_count(),
        "threads": numba.get_num_threads(),
        "threading_layer": numba.threading_layer(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("fastgmm", "numba", "numpy", "scikit-learn")},
        "command": shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def write(results: dict, path: Path) -> None:
    """Write the JSON, whole or not at all."""
    scratch = path.with_name(f".{path.name}.partial")
    scratch.write_text(json.dumps(results, indent=1) + "\n")
    scratch.replace(path)
