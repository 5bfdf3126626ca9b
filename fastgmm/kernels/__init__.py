"""The kernels, and the one table from which Python chooses among them.

The contract that every covariance structure fulfils, with K components, D features, P = `padded(D)`:

``prepare(weights, covariances, factors, constants)``
    Bring parameters into the form the density wants: `factors` (K, P, P) and `constants` (K,), both given
    zeroed. Returns -1, or the first component whose covariance is not positive definite.
``pass_serial``, ``pass_parallel(x, given, rows, means, factors, constants, slabs, accumulator)``
    One fused E and M pass over ``x`` (N, D) in superblocks of `rows` rows;
    `slabs` (ceil(N / rows), K + 1, pitch) is scratch, `accumulator` (K + 1, pitch) is added to. Where `given`
    (N, K) has rows, these responsibilities stand in for the E step. The two give the same bits.
``evaluate_serial``, ``evaluate_parallel(x, rows, means, factors, constants, log_densities,
responsibilities, labels)``
    Fill the outputs (N,), (N, K), (N,) that are not of length 0.
``maximize(sums, first, second, centers, reg_covar, weights, means, covariances)``
    The M step; the last three are written.
``unpack(accumulator, K, D)``
    The accumulator as the arrays of `SufficientStatistics` (plain NumPy).

Arrays are C-contiguous, but x may have any strides; it is read-only, so that every C-ordered input meets one
compiled signature and every other layout a second. A compiled function
is called by name: passed as an argument or closed over, it would never be found in Numba's disk cache. That
is why each structure spells its own five-line drivers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from . import full, full_small


@dataclass(frozen=True)
class Kernels:
    """The functions of one row of the table."""

    prepare: Callable[..., int]
    pass_serial: Callable[..., None]
    pass_parallel: Callable[..., None]
    evaluate_serial: Callable[..., None]
    evaluate_parallel: Callable[..., None]
    maximize: Callable[..., None]
    unpack: Callable[..., tuple[Any, Any, Any]]


def _row(fast: ModuleType, general: ModuleType) -> Kernels:
    return Kernels(
        prepare=fast.prepare,
        pass_serial=fast.pass_serial,
        pass_parallel=fast.pass_parallel,
        evaluate_serial=fast.evaluate_serial,
        evaluate_parallel=fast.evaluate_parallel,
        maximize=general.maximize,
        unpack=general.unpack,
    )


_GENERAL = {"full": _row(full, full)}
_SMALL = {("full", 2): _row(full_small, full)}


def kernels_for(covariance_type: str, n_features: int) -> Kernels:
    """Kernels of a covariance structure: written out by hand for small D where that pays."""
    return _SMALL.get((covariance_type, n_features), _GENERAL[covariance_type])


def padded(n_features: int) -> int:
    """Features rounded up to even: the pitch of the triangular factors and of the second moments."""
    return n_features + n_features % 2
