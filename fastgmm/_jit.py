"""The only file that spells Numba options: flags, error model, caching.

Three decorators compile everything in the package:

* ``kernel`` for arithmetic that may be reordered,
* ``replaces`` for a primitive whose order of arithmetic matters (the range reduction of exp),
* ``driver`` for the few ``parallel=True`` functions, which only hand superblocks to kernels.

Why these flags. ``nnan`` and ``ninf`` (both part of ``fastmath=True``) let LLVM assume that no NaN and no
infinity occurs, which breaks ``isnan`` and the log-sum-exp of -inf; ``afn`` does nothing without SVML. The
other four are what a sum needs to use SIMD lanes.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from llvmlite import ir
from numba import config, njit, prange, types
from numba.core import caching
from numba.extending import intrinsic, overload

__all__ = [
    "JIT_ENABLED",
    "bits_from_float64",
    "driver",
    "float64_from_bits",
    "kernel",
    "prange",
    "replaces",
]

JIT_ENABLED = not config.DISABLE_JIT

_REORDER = {"reassoc", "contract", "arcp", "nsz"}
_CONTRACT = {"contract"}


@functools.cache
def _package_stamp() -> str:
    """Hash of every source file that holds compiled code.

    Numba invalidates a cached function when *its own* file changes; the machine code of the helpers that
    were inlined into it stays. One stamp over all of them makes any edit, and any upgrade, count.
    """
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in [root / "_jit.py", *sorted(root.glob("kernels/*.py"))]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _stamped(locator: Any) -> Any:
    """Return a cache locator like `locator` whose files are valid for this state of the package only."""

    class StampedLocator(locator):
        def get_source_stamp(self) -> str:
            return _package_stamp()

    return StampedLocator


class _PackageCacheImpl(caching.CompileResultCacheImpl):
    _locator_classes: ClassVar = [
        _stamped(caching.UserProvidedCacheLocator),
        _stamped(caching.InTreeCacheLocator),
        _stamped(caching.UserWideCacheLocator),
    ]


class _PackageCache(caching.FunctionCache):
    _impl_class = _PackageCacheImpl


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    dispatcher = njit(error_model="numpy", nogil=True, **options)(function)
    if JIT_ENABLED:
        # Where no location is writable, or the package is in a zip file, every process compiles for itself.
        with contextlib.suppress(RuntimeError, OSError):
            dispatcher._cache = _PackageCache(function)
    return dispatcher


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a serial kernel whose sums LLVM may reorder to fill SIMD lanes."""
    return _compile(function, fastmath=_REORDER)


def driver(function: Callable[..., Any]) -> Any:
    """Compile a function with a `prange` over superblocks.

    Keep it to a few lines that call serial kernels: parallel compilation costs two to three times the serial
    one, and a `raise`, `assert` or early return inside the loop silently makes it serial.
    """
    return _compile(function, fastmath=_REORDER, parallel=True)


def replaces(interpreted: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let compiled code run the decorated function wherever the source calls `interpreted`.

    For primitives written with bit operations that plain Python floats do not have: with
    ``NUMBA_DISABLE_JIT=1`` the body of `interpreted` runs.
    """

    def decorate(compiled: Callable[..., Any]) -> Callable[..., Any]:
        overload(interpreted, jit_options={"fastmath": _CONTRACT, "error_model": "numpy"}, strict=False)(
            lambda *arguments: compiled
        )
        return compiled

    return decorate


@intrinsic
def float64_from_bits(typing_context: Any, bits: Any) -> Any:
    """Reinterpret the 64 bits of an int64 as a float64; a register move, which vectorises."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def bits_from_float64(typing_context: Any, value: Any) -> Any:
    """Reinterpret the 64 bits of a float64 as an int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate
