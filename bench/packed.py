"""``python -m bench.packed WHEEL``: rounds of EM by a pack's machine code and by code compiled for this processor.

Both run in turns in the same installation, from the same start, and the shortest time of each counts. Prints the
ratios, which should be at most 1.05, and how far apart the log-likelihoods are.
"""

import json
import sys
import tempfile
from pathlib import Path

from bench.first_fit import Installation

MACHINE = "import json; from fastgmm._numba.stamps import level, machine; print(json.dumps([level(), *machine()]))"
ROUNDS = """
import json, time
import numpy as np
import fastgmm
from fastgmm._numba.cache import LOADED, PACKS
CASES = [
    (1_000_000, 2, 4, "full", "float64"), (1_000_000, 8, 8, "full", "float64"), (200_000, 16, 16, "full", "float64"),
    (100_000, 32, 32, "full", "float64"), (50_000, 64, 16, "full", "float64"), (1_000_000, 8, 8, "diag", "float64"),
    (1_000_000, 8, 8, "full", "float32"),
]
measured = []
for n, d, k, structure, dtype in CASES:
    rng = np.random.default_rng(0)
    centers = 2.0 * rng.normal(size=(k, d))
    X = (centers[rng.integers(k, size=n)] + rng.normal(size=(n, d))).astype(dtype)
    labels = np.arange(n) % k
    start = fastgmm.fit(X, k, init=labels, covariance_type=structure, max_iter=1).mixture
    times = []
    for _ in range(3):
        began = time.perf_counter()
        result = fastgmm.fit(X, k, init=start, covariance_type=structure, max_iter=6, tol=0.0)
        times.append(time.perf_counter() - began)
    measured.append([f"{n} x {d}, K = {k}, {structure}, {dtype}", min(times), result.log_likelihood])
print(json.dumps([sum(path.is_relative_to(PACKS) for path in LOADED), measured]))
"""
TURNS = 3


def main(wheel: str) -> int:
    """Print a line for each case; return 1 if the installation used no pack, or a host's code came from one."""
    with tempfile.TemporaryDirectory() as scratch:
        installed = Installation(Path(scratch) / "environment", wheel)
        level, name, features = json.loads(installed.run(MACHINE))
        cache = {"NUMBA_CACHE_DIR": str(Path(scratch) / "cache")}
        host = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features} | cache  # named, so that no pack is used
        installed.run(ROUNDS, **host)  # compiles
        turns = [[json.loads(installed.run(ROUNDS, **which)) for which in (cache, host)] for _ in range(TURNS)]
    used = [(packed[0], compiled[0]) for packed, compiled in turns]
    print(f"pack {level} against {name}, {used[0][0]} files from the pack")
    for cells in zip(*(zip(packed[1], compiled[1], strict=True) for packed, compiled in turns), strict=True):
        (case, _, answer), (_, _, other) = cells[0]
        packed, compiled = (min(cell[which][1] for cell in cells) for which in (0, 1))
        times = f"{packed * 1e3:7.1f} ms, {compiled * 1e3:7.1f} ms, ratio {packed / compiled:.3f}"
        print(f"{case:36} {times}, {abs(answer - other) / abs(other):.0e}")
    return 0 if all(packed and not compiled for packed, compiled in used) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
