"""``python -m bench.many``: many small fits in one call, beside loops over scikit-learn's and `fastgmm.fit`.

Answers first: problems are held against `fastgmm.fit` to the bit, and their log-likelihoods against scikit-learn's.
Then times, all of one run, and what a million problems take of memory, in a process of its own. Exit code 1 if an
answer is wrong; bars that are missed are said to be.
"""

import json
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastgmm

RULE = {"tol": 1e-3, "reg_covar": 1e-6}
N_ALONE = 1000  # problems of the loops
N_VERIFIED = 200
MEMORY_BAR = 100e6
MEMORY = """
import json, resource, sys
import numpy as np
import fastgmm
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
X = np.random.default_rng(0).normal(size=({n_problems}, 200, 1))
X[:, :100] += 4.0
fastgmm.fit_many(X[:1000], 2)
before = peak()
result = fastgmm.fit_many(X, 2)
arrays = [*vars(result).values(), *result._traces]
kept = sum(each.nbytes for each in arrays if isinstance(each, np.ndarray))
print(json.dumps([X.nbytes, kept, peak() - before]))
"""


class Case(NamedTuple):
    """`n_problems` of N rows, D features and K components; `bar` times as fast as scikit-learn they ought to be."""

    n_problems: int
    n_samples: int
    n_features: int
    n_components: int
    bar: float


CASES = (Case(100_000, 200, 1, 2, 600.0), Case(10_000, 300, 2, 3, 150.0))


def problems_of(case: Case) -> NDArray[np.float64]:
    """Rows around normal means, some of them close to each other."""
    generator = np.random.default_rng(0)
    means = 2.5 * generator.normal(size=(case.n_problems, case.n_components, case.n_features))
    labels = generator.integers(case.n_components, size=(case.n_problems, case.n_samples, 1))
    X = generator.normal(size=(case.n_problems, case.n_samples, case.n_features))
    X += np.take_along_axis(means, labels, 1)
    return X


def seconds(call: Callable[[], object], turns: int = 3) -> float:
    """Return the least time of a call."""
    times = []
    for _ in range(turns):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def is_right(case: Case, X: NDArray[np.float64]) -> bool:
    """Hold the first problems against `fastgmm.fit`, to the bit, and against scikit-learn."""
    from sklearn.mixture import GaussianMixture

    result = fastgmm.fit_many(X[:N_VERIFIED], case.n_components, **RULE)
    as_high = 0
    for b in range(N_VERIFIED):
        alone = fastgmm.fit(X[b], case.n_components, random_state=fastgmm.stream(0, b), **RULE)
        if not np.array_equal(result.means[b], alone.mixture.means):
            print(f"Error: problem {b} is not the fit of its rows alone")
            return False
        theirs = GaussianMixture(case.n_components, random_state=b, **RULE).fit(X[b]).score(X[b])
        as_high += result.log_likelihood[b] / case.n_samples > theirs - 0.01
    print(f"  {N_VERIFIED} problems are fastgmm.fit's to the bit, {as_high} as high as scikit-learn's")
    return as_high >= 0.9 * N_VERIFIED


def both_at_once(X: NDArray[np.float64], n_components: int) -> None:
    """Fit both halves at the same time, each in one thread that knows nothing of the other."""
    halves = [
        threading.Thread(target=fastgmm.fit_many, args=(half, n_components), kwargs={**RULE, "n_threads": 1})
        for half in np.array_split(X, 2)
    ]
    for half in halves:
        half.start()
    for half in halves:
        half.join()


def measure(case: Case) -> bool:
    """Verify a case and print its times; return whether its answers are right."""
    from sklearn.mixture import GaussianMixture

    k = case.n_components
    print(f"{case.n_problems} x {case.n_samples} x {case.n_features}, K = {k}")
    X = problems_of(case)
    if not is_right(case, X):
        return False
    one, two = (seconds(lambda n=n: fastgmm.fit_many(X, k, n_threads=n, **RULE)) for n in (1, 2))  # type: ignore[misc]
    apart = seconds(lambda: both_at_once(X, k))
    loop = seconds(lambda: [fastgmm.fit(X[b], k, **RULE) for b in range(N_ALONE)], 1) / N_ALONE
    theirs = (
        seconds(lambda: [GaussianMixture(k, random_state=0, **RULE).fit(X[b]) for b in range(N_ALONE)], 1) / N_ALONE
    )
    each = two / case.n_problems
    print(f"  microseconds a problem: {1e6 * each:.2f}, in one thread {1e6 * one / case.n_problems:.2f}")
    print(f"  fastgmm.fit in a loop {1e6 * loop:.1f}, {loop / each:.1f} times as long")
    missed = "" if theirs / each >= case.bar else f", which misses the bar of {case.bar:.0f}"
    print(f"  scikit-learn in a loop {1e6 * theirs:.0f}, {theirs / each:.0f} times as long{missed}")
    print(f"  two threads: {one / two:.2f} times one; two calls at once: {one / apart:.2f} times one")
    return True


def memory(n_problems: int) -> None:
    """Print what so many problems take beside their data and results."""
    program = MEMORY.format(n_problems=n_problems)
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    data, kept, more = json.loads(done.stdout)
    beside = more - kept
    missed = "" if beside <= MEMORY_BAR else f", which misses the bar of {MEMORY_BAR / 1e6:.0f}"
    sizes = f"data {data / 1e6:.0f} MB, results {kept / 1e6:.0f}, beside these {beside / 1e6:.0f}"
    print(f"{n_problems} problems: {sizes}{missed}")


def main() -> int:
    """Verify, then time; return the exit code."""
    warnings.simplefilter("ignore")  # scikit-learn's, of fits that have not converged, and of degenerate components
    right = [measure(case) for case in CASES]
    memory(1_000_000)
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
