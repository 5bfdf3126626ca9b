"""The only file that spells Numba options: flags, error model, caching.

These decorators compile everything in the package:

* ``kernel`` and ``entry`` for arithmetic that may be reordered, ``exact`` where it may not,
* ``generic`` and ``implements`` for kernels that differ by covariance structure,
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

from numba import config, njit, prange, types
from numba.core import caching
from numba.extending import overload

__all__ = [
    "JIT_ENABLED",
    "driver",
    "entry",
    "exact",
    "generic",
    "generic_exact",
    "implements",
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
    for path in [root / "_address.py", root / "_jit.py", root / "_bits.py", *sorted(root.glob("kernels/*.py"))]:
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


def _overload_options(flags: set[str]) -> dict[str, Any]:
    """Options for functions that only compiled code calls: without the forms that C and Python would call."""
    return {
        "fastmath": flags or False,
        "error_model": "numpy",
        "no_cfunc_wrapper": True,
        "no_cpython_wrapper": True,
    }


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    dispatcher = njit(error_model="numpy", nogil=True, **options)(function)
    if JIT_ENABLED:
        # Where no location is writable, or the package is in a zip file, every process compiles for itself.
        with contextlib.suppress(RuntimeError, OSError):
            dispatcher._cache = _PackageCache(function)
    return dispatcher


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a serial kernel whose sums LLVM may reorder to fill SIMD lanes, and put it in line where it is called.

    A call costs about as much as sixty rows of a register tile, because every array is passed as a dozen numbers.
    Numba puts it in line, not LLVM, so that a chain of kernels is optimised once and not once a level.
    """
    return _compile(function, fastmath=_REORDER, inline="always", no_cfunc_wrapper=True)


def entry(function: Callable[..., Any]) -> Any:
    """Compile a `kernel` that is called once for many blocks: not put in line, and fit for `by_address`."""
    return _compile(function, fastmath=_REORDER)


def exact(function: Callable[..., Any]) -> Any:
    """Compile a function whose arithmetic stays in the order written.

    So it gives the same bits wherever it is called from: in the parts of a round that both Python and compiled
    loops do.
    """
    return _compile(function, no_cfunc_wrapper=True)


def driver(function: Callable[..., Any]) -> Any:
    """Compile a function with a `prange` over superblocks.

    Keep it to a few lines, and call kernels `by_address`: a kernel called by name is linked into a parallel
    function three times over and optimised anew each time (5 of the 30 seconds of a first fit). A `raise`, `assert`
    or early return inside the loop silently makes it serial.
    """
    return _compile(function, fastmath=_REORDER, parallel=True, no_cfunc_wrapper=True)


def replaces(interpreted: Callable[..., Any], dtype: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let compiled code run the decorated function wherever the source calls `interpreted` on a `dtype`.

    `dtype` is that of the first argument, a number or an array. For primitives that plain Python floats lack (bit
    operations) and for constants that the compiler must know: with ``NUMBA_DISABLE_JIT=1`` the body of `interpreted`
    runs.
    """
    wanted = getattr(types, dtype)

    def decorate(compiled: Callable[..., Any]) -> Callable[..., Any]:
        def choose(*arguments: Any) -> Callable[..., Any] | None:
            return compiled if getattr(arguments[0], "dtype", arguments[0]) == wanted else None

        overload(interpreted, jit_options=_overload_options(_CONTRACT), strict=False)(choose)
        return compiled

    return decorate


def generic(declaration: Callable[..., Any]) -> Any:
    """Make a function of blocks whose implementation is chosen by the type of its first argument, a named tuple.

    Compiled code chooses while it is compiled, so it pays nothing, and its callers are found in the disk cache
    again; a kernel that is passed as an argument or closed over never is.
    """
    return _generic(declaration, kernel, _REORDER)


def generic_exact(declaration: Callable[..., Any]) -> Any:
    """Make a `generic` function whose arithmetic stays in the order written, see `exact`."""
    return _generic(declaration, exact, set())


def _generic(declaration: Callable[..., Any], compile_one: Callable[..., Any], flags: set[str]) -> Any:
    implementations: dict[type, Any] = {}

    @functools.wraps(declaration)
    def call(model: Any, *arguments: Any) -> Any:
        return implementations[type(model)](model, *arguments)

    def choose(model: Any, *arguments: Any) -> Any:
        chosen = implementations.get(getattr(model, "instance_class", type(None)))
        return chosen and chosen.py_func

    overload(call, jit_options=_overload_options(flags), strict=False)(choose)
    call.implementations = implementations  # type: ignore[attr-defined]
    call.compile_one = compile_one  # type: ignore[attr-defined]
    return call


def implements(function: Any, *models: type) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function and make it the implementation of the generic `function` for these named tuples."""

    def decorate(implementation: Callable[..., Any]) -> Any:
        dispatcher = function.compile_one(implementation)
        for model in models:
            function.implementations[model] = dispatcher
        return dispatcher

    return decorate
