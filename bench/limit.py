"""What this machine could do at best: the yardstick of every kernel.

Three rates are measured in the same process as the kernels, compiled by the same compiler for the widest vectors of
the processor, with the same number of threads running at once (two virtual cores may share a real one) and summed
over the threads:

* multiply-adds of a register tile, from buffers in the first-level cache: the best of `TILES`; `Machine.tile` says
  which that was;
* the exponentials of ``fastgmm.kernels.primitives.exp``;
* bytes read from memory.

The limit of one EM round over N rows, D features and K components is the larger of two times,

    compute = N K (F(D) / R_fma + 1 / R_exp),    memory = N D itemsize / R_read,

with F the multiply-adds of a row and component: D (D + 1) + 2 D for full covariances (triangular product, symmetric
moments, centring, first moments), 4 D for diagonal, 3 D for spherical and tied ones; tied whitens each row besides,
which takes D (D + 1) / 2.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from fastgmm._numba.width import WIDE, wide_vectors
from fastgmm.kernels.primitives.exp import exp_nonpositive

REORDER = {"reassoc", "contract", "arcp", "nsz"}
# Rows of a block in double; twice as many in single precision, as in the kernels.
LANES = 256
# Shapes of tiles: "sums" of products of so many rows by so many, an accumulator each, as of second moments; or
# "rows", so many to which multiples of so many others are added, as of densities. One Zen 5 core, 1e9 multiply-adds a
# second in double precision: sums 56, 56, 54, 56, 55, rows 63, 62.
TILES = [
    ("sums", 4, 2),
    ("sums", 4, 3),
    ("sums", 4, 4),
    ("sums", 6, 3),
    ("sums", 6, 4),
    ("rows", 4, 4),
    ("rows", 6, 4),
]


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a measurement with the flags of the kernels, so that many threads run it at once."""
    return njit(fastmath=REORDER, error_model="numpy", nogil=True)(function)


def tile_of(kind: str, n: int, m: int) -> Callable[..., Any]:
    """Return a compiled tile of `n` rows of w by `m` of z, to be done `repeats` times; see `TILES`."""
    pairs = [(i, j) for i in range(n) for j in range(m)]
    if kind == "sums":
        before = [f"c{i}_{j} = w.dtype.type(0.0)" for i, j in pairs]
        inside = [f"c{i}_{j} += w{i} * z{j}" for i, j in pairs]
        # Stored, or the compiler would take the loop out of the loop.
        after = [f"out[{i * m + j}] += c{i}_{j}" for i, j in pairs]
        after += ["w[0, 0] = out[0] * w.dtype.type(1e-9)"]
    else:
        before = [f"a{i}_{j} = out[{i * m + j}]" for i, j in pairs]
        inside = [f"w[{i}, b] = w{i} + " + " + ".join(f"a{i}_{j} * z{j}" for j in range(m)) for i in range(n)]
        after = []
    loads = [f"w{i} = w[{i}, b]" for i in range(n)] + [f"z{j} = z[{j}, b]" for j in range(m)]
    lines = ["def tile(w, z, out, repeats):", " wide_vectors()"]
    lines += [" for _ in range(repeats):", *(f"  {line}" for line in before)]
    lines += [
        "  for b in range(z.shape[1]):",
        *(f"   {line}" for line in loads + inside),
        *(f"  {line}" for line in after),
    ]
    names: dict[str, Any] = {"wide_vectors": wide_vectors}
    exec("\n".join(lines), names)
    return compiled(names["tile"])


@compiled
def exponentials(x, out, repeats):
    """Exponentials of a row, `repeats` times."""
    wide_vectors()
    for _ in range(repeats):
        for b in range(x.shape[0]):
            out[b] = exp_nonpositive(x[b])
        x[0] = -out[1]


@compiled
def read(x):
    """Sum of x, which reads it once."""
    wide_vectors()
    total = x.dtype.type(0.0)
    for i in range(x.shape[0]):
        total += x[i]
    return total


@dataclass(frozen=True)
class Rates:
    """Per second, summed over the threads."""

    multiply_adds: float
    exponentials: float
    bytes: float

    def __str__(self) -> str:
        return (
            f"{self.multiply_adds / 1e9:.1f}e9 multiply-adds, {self.exponentials / 1e9:.2f}e9 exponentials, "
            f"{self.bytes / 1e9:.1f}e9 bytes a second"
        )


class Machine:
    """The three measurements at a dtype, to be taken between the timings of kernels.

    Each is the best of `REPEATS` that last a few milliseconds: an interruption would lower the limit and flatter us.
    `tile` names the tile that was the fastest when all were tried, which is the one that is measured from then on.
    """

    REPEATS = 3

    MULTIPLY_ADDS = 2 * 10**8
    EXPONENTIALS = 8000

    def __init__(self, dtype, n_threads: int) -> None:
        generator = np.random.default_rng(0)
        self._lanes = LANES * 8 // np.dtype(dtype).itemsize
        self._n_threads = n_threads
        self._w = [aligned(1e-3 * generator.random((10, self._lanes)), dtype) for _ in range(n_threads)]
        self._x = [aligned(-20.0 * generator.random(self._lanes), dtype) for _ in range(n_threads)]
        self._rows = [np.ones(2**26 // n_threads // np.dtype(dtype).itemsize, dtype) for _ in range(n_threads)]
        tiles = {shape: tile_of(*shape) for shape in TILES}
        speeds = {shape: self._multiply_adds(tile, shape) for shape, tile in tiles.items()}
        self._shape = max(speeds, key=speeds.__getitem__)
        self._tile = tiles[self._shape]
        kind, n, m = self._shape
        self.tile = f"{n} x {m} {kind}, {'512 bits' if WIDE else 'vectors of LLVM'}"

    def rates(self) -> Rates:
        """Measure all three."""
        powers = [(x, aligned(x, x.dtype), self.EXPONENTIALS) for x in self._x]
        return Rates(
            self._multiply_adds(self._tile, self._shape),
            self._summed(exponentials, powers, self.EXPONENTIALS * self._lanes),
            self._summed(read, [(rows,) for rows in self._rows], self._rows[0].nbytes),
        )

    def _multiply_adds(self, tile, shape) -> float:
        _, n, m = shape
        repeats = self.MULTIPLY_ADDS // (n * m * self._lanes)
        arguments = [(w[:n], w[n : n + m], np.zeros(n * m, w.dtype), repeats) for w in self._w]
        return self._summed(tile, arguments, repeats * n * m * self._lanes)

    def _summed(self, function, arguments, work: float) -> float:
        """Return the work a second of all threads, each of which does `work` with arguments of its own."""
        function(*arguments[0])
        return max(self._at_once(function, arguments, work) for _ in range(self.REPEATS))

    def _at_once(self, function, arguments, work: float) -> float:
        barrier, taken = threading.Barrier(self._n_threads), []

        def measure(values) -> None:
            barrier.wait()
            taken.append(seconds(function, *values))

        threads = [threading.Thread(target=measure, args=(values,)) for values in arguments]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(work / each for each in taken)


def aligned(values, dtype):
    """Return a copy that begins at a cache line, as the buffers of the kernels do."""
    raw = np.empty(values.size * np.dtype(dtype).itemsize + 64, np.uint8)
    copy = raw[-raw.ctypes.data % 64 :][: raw.size - 64].view(dtype).reshape(values.shape)
    copy[...] = values
    return copy


def seconds(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def multiply_adds(covariance_type: str, n_features: int, n_components: int) -> float:
    """F(D), of one row and component."""
    d = n_features
    if covariance_type == "full":
        return d * (d + 1) + 2 * d
    if covariance_type == "diag":
        return 4 * d
    whitening = d * (d + 1) / 2 / n_components if covariance_type == "tied" else 0.0
    return 3 * d + whitening


def limit(case, rates: Rates) -> float:
    """Seconds that one round of `case` takes at least."""
    pairs = case.n_samples * case.n_components
    work = multiply_adds(case.covariance_type, case.n_features, case.n_components)
    compute = pairs * (work / rates.multiply_adds + 1.0 / rates.exponentials)
    memory = case.n_samples * case.n_features * np.dtype(case.dtype).itemsize / rates.bytes
    return max(compute, memory)
