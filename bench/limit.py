"""What this machine could do at best: the yardstick of every kernel.

Three rates are measured in the same process as the kernels, compiled by the same compiler, with the same number of
threads running at once (two virtual cores may share a real one) and summed over the threads:

* multiply-adds of a register tile, twelve accumulators from buffers in the first-level cache;
* the exponentials of ``fastgmm.kernels.primitives.exp``;
* bytes read from memory.

The limit of one EM round over N rows, D features and K components is the larger of two times,

    compute = N K (F(D) / R_fma + 1 / R_exp),    memory = N D itemsize / R_read,

with F the multiply-adds of a row and component: D (D + 1) + 2 D for full covariances (triangular product, symmetric
moments, centring, first moments), 4 D for diagonal, 3 D for spherical and tied ones; tied whitens each row besides,
which takes D (D + 1) / 2.
"""

import time
from dataclasses import dataclass

import numba
import numpy as np
from numba import njit, prange

from fastgmm.kernels.primitives.exp import exp_nonpositive

REORDER = {"reassoc", "contract", "arcp", "nsz"}
# Rows of a block in double; twice as many in single precision, as in the kernels.
LANES = 256


@njit(fastmath=REORDER, error_model="numpy")
def tile(w, z, repeats):
    """Sum of `repeats` products of four rows of w by three of z."""
    total = 0.0
    for _ in range(repeats):
        c00 = c01 = c02 = c10 = c11 = c12 = c20 = c21 = c22 = c30 = c31 = c32 = w.dtype.type(0.0)
        for b in range(z.shape[1]):
            w0, w1, w2, w3 = w[0, b], w[1, b], w[2, b], w[3, b]
            z0, z1, z2 = z[0, b], z[1, b], z[2, b]
            c00 += w0 * z0
            c01 += w0 * z1
            c02 += w0 * z2
            c10 += w1 * z0
            c11 += w1 * z1
            c12 += w1 * z2
            c20 += w2 * z0
            c21 += w2 * z1
            c22 += w2 * z2
            c30 += w3 * z0
            c31 += w3 * z1
            c32 += w3 * z2
        value = ((c00 + c01) + (c02 + c10)) + ((c11 + c12) + (c20 + c21)) + ((c22 + c30) + (c31 + c32))
        w[0, 0] = value * w.dtype.type(1e-6)  # or the compiler would take the loop out of the loop
        total += value
    return total


@njit(fastmath=REORDER, error_model="numpy")
def exponentials(x, out, repeats):
    """Exponentials of a row, `repeats` times."""
    for _ in range(repeats):
        for b in range(x.shape[0]):
            out[b] = exp_nonpositive(x[b])
        x[0] = -out[1]
    return out[0]


@njit(fastmath=REORDER, error_model="numpy")
def read(x):
    """Sum of x, which reads it once."""
    total = x.dtype.type(0.0)
    for i in range(x.shape[0]):
        total += x[i]
    return total


@njit(parallel=True)
def tile_threads(w, z, repeats, out):
    for t in prange(out.shape[0]):
        out[t] = tile(w[t].copy(), z[t].copy(), repeats)


@njit(parallel=True)
def exponentials_threads(x, repeats, out):
    for t in prange(out.shape[0]):
        out[t] = exponentials(x[t].copy(), np.empty_like(x[t]), repeats)


@njit(parallel=True)
def read_threads(x, out):
    for t in prange(out.shape[0]):
        out[t] = read(x[t])


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
    """

    REPEATS = 3

    TILES = 3000
    EXPONENTIALS = 8000

    def __init__(self, dtype, n_threads: int) -> None:
        generator = np.random.default_rng(0)
        self._lanes = LANES * 8 // np.dtype(dtype).itemsize
        self._n_threads = n_threads
        self._out = np.zeros(n_threads)
        self._w = generator.random((n_threads, 4, self._lanes)).astype(dtype)
        self._z = generator.random((n_threads, 3, self._lanes)).astype(dtype)
        self._x = (-20.0 * generator.random((n_threads, self._lanes))).astype(dtype)
        self._rows = np.ones((n_threads, 2**26 // n_threads // np.dtype(dtype).itemsize), dtype)
        self.rates()

    def _best(self, function, *arguments) -> float:
        return min(seconds(function, *arguments) for _ in range(self.REPEATS))

    def rates(self) -> Rates:
        """Measure all three."""
        before = numba.get_num_threads()
        numba.set_num_threads(self._n_threads)
        try:
            tiles = self._best(tile_threads, self._w, self._z, self.TILES, self._out)
            exps = self._best(exponentials_threads, self._x, self.EXPONENTIALS, self._out)
            reading = self._best(read_threads, self._rows, self._out)
        finally:
            numba.set_num_threads(before)
        return Rates(
            self._n_threads * self.TILES * self._lanes * 12 / tiles,
            self._n_threads * self.EXPONENTIALS * self._lanes / exps,
            self._rows.nbytes / reading,
        )


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
