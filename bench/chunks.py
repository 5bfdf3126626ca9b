"""``python -m bench.chunks [GIGABYTES]``: rounds over Parquet that is never in memory, and over a mapped file.

Answers first: the fit of a small dataset is held against that of its rows in memory, to the bit. Then a round of
D = 8, K = 8 in float32, read from the page cache, beside what reading and computing alone take; and the peak memory
of a whole fit, in a process of its own. Exit code 1 if the answer is wrong; bars that are missed are said to be.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import fastgmm
from bench.environment import machine
from fastgmm.rows.chunked.opening import chunks_of
from fastgmm.rows.chunked.source import ChunkedSource

D = K = 8
GROUP = 1_000_000  # rows of a row group
ROUNDS = 8
MEMORY_BAR, ROUND_BAR, MAPPED_BAR = 1000.0, 1.3, 1.1
# What `getrusage` tells of a child is at least what its parent had when it began.
MEMORY = """
import json, sys, time, fastgmm
from bench.resident import watcher
began = time.perf_counter()
with watcher() as watch:
    fastgmm.fit(sys.argv[1], 8, max_iter=5, tol=0.0)
print(json.dumps([watch.peak, time.perf_counter() - began]))
"""


def seconds() -> tuple[float, float]:
    """Return the time, and what this process has had of processors."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime


def rows_of(group: int, n_rows: int) -> np.ndarray:
    """Overlapping clusters, the same for a group whenever it is asked for."""
    means = 0.8 * np.random.default_rng(0).normal(size=(K, D))
    generator = np.random.default_rng(group)
    return (means[generator.integers(K, size=n_rows)] + generator.normal(size=(n_rows, D))).astype(np.float32)


def write(directory: Path, n_groups: int, n_rows: int) -> None:
    """Write row groups, eight a file."""
    import pyarrow as pa
    from pyarrow import parquet

    for first in range(0, n_groups, 8):
        with parquet.ParquetWriter(
            directory / f"part-{first:05d}.parquet", pa.schema([(f"x{d}", pa.float32()) for d in range(D)])
        ) as writer:
            for group in range(first, min(first + 8, n_groups)):
                writer.write_table(pa.table({f"x{d}": column for d, column in enumerate(rows_of(group, n_rows).T)}))


def start() -> fastgmm.Mixture:
    means = 0.8 * np.random.default_rng(0).normal(size=(K, D))
    return fastgmm.Mixture(np.full(K, 1 / K), means, np.stack([np.eye(D)] * K))


def rounds(X: object, n_rounds: int = ROUNDS) -> tuple[float, float]:
    """Return the median of the seconds of the later rounds of a fit, and of the processors' seconds."""
    times = []
    options = {"init": start(), "reg_covar": 1e-6, "tol": 0.0, "max_iter": n_rounds}
    fastgmm.fit(X, K, callback=lambda state: times.append(seconds()), **options)
    wall, used = np.median(np.diff(np.array(times), axis=0)[n_rounds // 2 :], axis=0)
    return float(wall), float(used)


def reading(directory: Path) -> tuple[float, float]:
    """Return what a pass takes in which nothing is computed: the best of three."""
    chunks = chunks_of(str(directory), None, None, None)
    assert chunks is not None
    source, taken = ChunkedSource(chunks), []
    for number in range(3):
        before = seconds()
        with source.pieces(8192, "reading", number) as pieces:
            for _ in pieces:
                pass
        taken.append(tuple(after - first for first, after in zip(before, seconds(), strict=True)))
    return min(taken)


def main() -> int:
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 1.5
    n_groups = max(2, round(gigabytes * 1e9 / (4 * D * GROUP)))
    print(json.dumps(machine()))
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name) / "small", Path(name) / "large"
        small.mkdir()
        large.mkdir()
        write(small, 3, 50_001)
        whole = np.concatenate([rows_of(group, 50_001) for group in range(3)])
        one, other = (fastgmm.fit(each, K, max_iter=5, tol=0.0) for each in (str(small), whole))
        if not np.array_equal(one.mixture.covariances, other.mixture.covariances):
            print("WRONG: a fit of chunks is not that of the rows in memory")
            return 1
        write(large, n_groups, GROUP)
        n_rows = n_groups * GROUP
        print(f"{n_rows:.3g} x {D}, K = {K}, float32: {n_rows * D * 4 / 1e9:.2f} GB, answers agree to the bit")

        read, read_used = reading(large)
        mapped = np.lib.format.open_memmap(Path(name) / "x.npy", "w+", np.float32, (8 * GROUP, D))
        for group in range(8):
            mapped[group * GROUP : (group + 1) * GROUP] = rows_of(group, GROUP)
        mapped = np.load(Path(name) / "x.npy", mmap_mode="r")
        memory = np.array(mapped)
        in_memory, computing_used = rounds(memory)
        of_map = rounds(mapped)[0]
        of_chunks = rounds([mapped[a : a + GROUP] for a in range(0, len(mapped), GROUP)])[0]
        scale = n_rows / len(mapped)
        print(f"a round computing alone   {in_memory * scale:6.2f} s, {computing_used * scale:6.2f} of processors")
        print(f"a round reading alone     {read:6.2f} s, {read_used:6.2f} of processors")
        wall, used = rounds(str(large))
        least = max(read, in_memory * scale, (read_used + computing_used * scale) / 2)
        print(f"a round                   {wall:6.2f} s, {used:6.2f} of processors")
        said("a round, of the larger of reading, computing, half of both", wall / least, ROUND_BAR)
        said("a round of a mapped array, of one in memory", of_map / in_memory, MAPPED_BAR)
        said("a round of chunks that are arrays, of one in memory", of_chunks / in_memory, MAPPED_BAR)
        done = subprocess.run([sys.executable, "-c", MEMORY, str(large)], capture_output=True, text=True, check=True)
        peak, took = json.loads(done.stdout)
        said(f"peak memory in MB of a whole fit of 5 rounds, {took:.1f} s", peak, MEMORY_BAR)
    return 0


def said(what: str, value: float, bar: float) -> None:
    """Print a figure beside its bar."""
    print(f"{what}: {value:.2f} (bar {bar:g}{'' if value <= bar else ', MISSED'})")


if __name__ == "__main__":
    sys.exit(main())
