"""``python -m bench.cluster``: a round on a cluster of Dask on this machine, beside the same rows in memory.

Answers: parameters after some rounds are those of the array to 1e-10, and the same bits for one and two workers.
Then times of a round, in turns: in memory with one and two threads, on one and two workers of one thread each.
Exit code 1 if an answer is wrong; a bar that is missed is said to be.
"""

import statistics
import sys
import time
import warnings
from typing import Any

import dask.array
import numpy as np
from dask import delayed
from distributed import Client, LocalCluster
from numpy.typing import NDArray

import fastgmm

N_SAMPLES, N_FEATURES, N_COMPONENTS, N_PARTITIONS = 10_000_000, 4, 8, 16
ROUNDS, TURNS = 12, 2
# Of the time of a round in memory with two threads.
BAR = 1.25


def means() -> NDArray[np.float64]:
    """Means of overlapping components."""
    return 2.0 * np.random.default_rng(0).normal(size=(N_COMPONENTS, N_FEATURES))


def block(number: int) -> NDArray[np.float64]:
    """Rows of a partition."""
    generator, n = np.random.default_rng([1, number]), N_SAMPLES // N_PARTITIONS
    return means()[generator.integers(N_COMPONENTS, size=n)] + generator.normal(size=(n, N_FEATURES))


def rows_on_cluster() -> Any:
    """Return a Dask array of all partitions."""
    shape = N_SAMPLES // N_PARTITIONS, N_FEATURES
    blocks = [dask.array.from_delayed(delayed(block)(i), shape, np.float64) for i in range(N_PARTITIONS)]
    return dask.array.concatenate(blocks)


def start() -> fastgmm.Mixture:
    """Return parameters near those of the rows."""
    k, moved = N_COMPONENTS, means() + 0.3 * np.random.default_rng(2).normal(size=(N_COMPONENTS, N_FEATURES))
    return fastgmm.Mixture(np.full(k, 1.0 / k), moved, np.repeat(np.eye(N_FEATURES)[np.newaxis], k, axis=0))


def fitted(X: Any, n_threads: int | None = None) -> tuple[fastgmm.FitResult, float]:
    """Fit `ROUNDS` rounds; return the result and the median of the seconds a round, the first apart."""
    times: list[float] = []
    result = fastgmm.fit(
        X,
        N_COMPONENTS,
        init=start(),
        tol=0.0,
        max_iter=ROUNDS,
        n_threads=n_threads,
        callback=lambda state: times.append(time.perf_counter()),
    )
    return result, statistics.median(np.diff(times))


def idle(client: Client) -> float:
    """Return the least seconds of a round of tasks that do nothing: what Dask takes for itself."""
    times = []
    held = client.map(int, range(N_PARTITIONS))
    for turn in range(20):
        began = time.perf_counter()
        tasks = client.map(float, held, key=[f"idle-{turn}-{i}" for i in range(N_PARTITIONS)])
        client.gather(tasks)
        times.append(time.perf_counter() - began)
    return min(times)


def distance(a: fastgmm.FitResult, b: fastgmm.FitResult) -> float:
    """Largest difference of the parameters, all of order 1."""
    pairs = ((getattr(a.mixture, name), getattr(b.mixture, name)) for name in ("weights", "means", "covariances"))
    return max(float(np.abs(one - other).max()) for one, other in pairs)


def main() -> int:
    """Verify, then time; return the exit code."""
    warnings.simplefilter("ignore")
    X = np.concatenate([block(i) for i in range(N_PARTITIONS)])
    seconds: dict[str, list[float]] = {}
    results = {}
    for _ in range(TURNS):
        for n in (1, 2):
            results["array"], round_seconds = fitted(X, n)
            seconds.setdefault(f"in memory, {n} threads", []).append(round_seconds)
        for n in (1, 2):
            with (
                LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=":0") as cluster,
                Client(cluster) as client,
            ):
                results[n], round_seconds = fitted(rows_on_cluster())
                nothing = idle(client)
            seconds.setdefault(f"{n} workers", []).append(round_seconds)
    print(f"{N_SAMPLES} x {N_FEATURES}, K = {N_COMPONENTS}, {N_PARTITIONS} partitions; milliseconds a round")
    best = {name: min(each) for name, each in seconds.items()}
    for name, each in best.items():
        print(f"  {name:22}{1e3 * each:7.1f}")
    ratio = best["2 workers"] / best["in memory, 2 threads"]
    missed = "" if ratio <= BAR else f", which misses the bar of {BAR}"
    print(
        f"  two workers: {ratio:.2f} times two threads{missed}; {best['1 workers'] / best['2 workers']:.2f} times one"
    )
    print(f"  {N_PARTITIONS} tasks that do nothing: {1e3 * nothing:.1f}")
    apart, same = distance(results["array"], results[2]), distance(results[1], results[2]) == 0.0
    print(f"  parameters are the array's to {apart:.0e}; one worker and two: {'the same' if same else 'other'} bits")
    return 0 if apart < 1e-10 and same else 1


if __name__ == "__main__":
    sys.exit(main())
