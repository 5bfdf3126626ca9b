"""``python -m bench.threads``: many threads on few processors, as a container with a wrong number of them has.

Rounds of EM with as many threads as there are processors, and with eight times as many, in turns and in processes of
their own. Prints the times and their ratios; exit code 1 if a bit of an answer differs, or a ratio exceeds 1.3.
"""

import hashlib
import json
import os
import statistics
import subprocess
import sys

import numpy as np

from bench.cases import CASES, IMPLEMENTATIONS
from bench.limit import seconds
from bench.run import enough_rounds

FASTGMM = IMPLEMENTATIONS[0]
NAMES = ("1e+06 x 2, K = 4", "1e+06 x 8, K = 8", "200000 x 16, K = 16", "1e+06 x 8, K = 8, tied")
TIMES_AS_MANY = 8
TURNS = 5
MOST = 1.3


def measure() -> list[tuple[float, str]]:
    """Return the seconds of a round, and a digest of the parameters after some, of each case."""
    measured = []
    for name in NAMES:
        X, start = CASES[name].problem()
        few, many = enough_rounds(FASTGMM, X, start)
        short, long = (seconds(FASTGMM.run, X, start, rounds) for rounds in (few, many))
        answer = b"".join(np.asarray(array).tobytes() for array in FASTGMM.run(X, start, few)[:3])
        measured.append(((long - short) / (many - few), hashlib.sha256(answer).hexdigest()))
    return measured


def main() -> int:
    """Print a line for each case; return 1 if a promise does not hold."""
    n_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    numbers = (n_processors, TIMES_AS_MANY * n_processors)
    turns = [[_in_a_process(number) for number in numbers] for _ in range(TURNS + 1)][1:]  # the first compiles
    holds = True
    for i, name in enumerate(NAMES):
        usual, crowded = (statistics.median(turn[which][i][0] for turn in turns) for which in (0, 1))
        same = len({timed[i][1] for turn in turns for timed in turn}) == 1
        holds = holds and same and crowded <= MOST * usual
        times = f"{usual * 1e3:7.2f} ms, {crowded * 1e3:7.2f} ms, ratio {crowded / usual:.2f}"
        print(
            f"{name:24} {numbers[0]} and {numbers[1]} threads: {times}, {'the same bits' if same else 'OTHER BITS'}"
        )
    return 0 if holds else 1


def _in_a_process(n_threads: int) -> list[tuple[float, str]]:
    command = [sys.executable, "-c", "import json; from bench.threads import measure; print(json.dumps(measure()))"]
    settings = {**os.environ, "NUMBA_NUM_THREADS": str(n_threads)}
    done = subprocess.run(command, env=settings, stdout=subprocess.PIPE, text=True, check=True)
    measured: list[tuple[float, str]] = json.loads(done.stdout)
    return measured


if __name__ == "__main__":
    sys.exit(main())
