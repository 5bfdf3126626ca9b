"""The only file that spells Numba options: flags, error model, wrappers.

These decorators compile everything in the package:

* ``kernel`` and ``entry`` for arithmetic that may be reordered, ``exact`` and ``part`` where it may not,
* ``task`` and ``exact_task`` for the same, called by address alone, and ``resumable`` by address, too,
* ``generic`` and ``implements`` for kernels that differ by covariance structure,
* ``replaces`` for a primitive whose order of arithmetic matters (the range reduction of exp),
* ``driver`` for the few ``parallel=True`` functions, which only share items out among workers.

Why these flags. ``nnan`` and ``ninf`` (both part of ``fastmath=True``) let LLVM assume that no NaN and no
infinity occurs, which breaks ``isnan`` and the log-sum-exp of -inf; ``afn`` does nothing without SVML. The
other four are what a sum needs to use SIMD lanes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from numba import config, njit, prange, types
from numba.extending import overload

from .cache import keep
from .compiling import QUICK
from .private import find

__all__ = [
    "JIT_ENABLED",
    "driver",
    "entry",
    "exact",
    "exact_task",
    "generic",
    "implements",
    "kernel",
    "part",
    "prange",
    "replaces",
    "resumable",
    "task",
]

JIT_ENABLED = not config.DISABLE_JIT

_REORDER = {"reassoc", "contract", "arcp", "nsz"}
_CONTRACT = {"contract"}


def _known(*names: str) -> dict[str, bool]:
    """Those options without documentation that this Numba knows, switched on."""
    return {name: True for name in names if find(f"numba.core.options:DefaultOptions.{name}")}


def _overload_options(flags: set[str]) -> dict[str, Any]:
    """Options for functions that only compiled code calls.

    LLVM must put them in line. A copy that stays a function of its own has one name in every caller, and the first
    that LLVM meets is what all run: the one optimised alone in a process that compiles, a caller's in one that loads
    from the cache. Sums that may be reordered then differ in their last bits.
    """
    return {
        "fastmath": flags or False,
        "error_model": "numpy",
        **_known("forceinline", "no_cfunc_wrapper", "no_cpython_wrapper"),
    }


def _compile(function: Callable[..., Any], kept: bool = True, **options: Any) -> Any:
    dispatcher = njit(error_model="numpy", nogil=True, **QUICK, **options)(function)
    if JIT_ENABLED and kept:
        keep(dispatcher)
    return dispatcher


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a serial kernel whose sums LLVM may reorder to fill SIMD lanes, and put it in line where it is called.

    A call costs about as much as sixty rows of a register tile, because every array is passed as a dozen numbers.
    Numba puts it in line, not LLVM, so that a chain of kernels is optimised once and not once a level.
    """
    return _compile(function, fastmath=_REORDER, inline="always", **_known("no_cfunc_wrapper"))


def entry(function: Callable[..., Any]) -> Any:
    """Compile a `kernel` that is called once for many blocks: not put in line, and callable from Python, too."""
    return _compile(function, fastmath=_REORDER, **_known("no_cfunc_wrapper"))


def exact(function: Callable[..., Any]) -> Any:
    """Compile a function whose arithmetic stays in the order written, whoever calls it."""
    return _compile(function, **_known("no_cfunc_wrapper"))


def part(function: Callable[..., Any]) -> Any:
    """Compile an `exact` function that only compiled code calls.

    Not put in line: Numba copies whole functions for that, and copies of copies (half of the time of a first fit).
    Not kept on disk either: what calls it holds its code.
    """
    return _compile(function, kept=False, **_known("no_cfunc_wrapper", "no_cpython_wrapper"))


def resumable(function: Callable[..., Any]) -> Any:
    """Compile an `exact` function that is called from Python, and `by_address` by what joins several of its kind."""
    return _compile(function)


def task(function: Callable[..., Any]) -> Any:
    """Compile a `kernel` that is called `by_address` alone."""
    return _compile(function, fastmath=_REORDER, **_known("no_cpython_wrapper"))


def exact_task(function: Callable[..., Any]) -> Any:
    """Compile an `exact` function that is called `by_address` alone."""
    return _compile(function, **_known("no_cpython_wrapper"))


def driver(function: Callable[..., Any]) -> Any:
    """Compile a function with a `prange` over superblocks, fit for `by_address`.

    Keep it to a few lines, and call kernels `by_address`: a kernel called by name is linked into a parallel
    function three times over and optimised anew each time (5 of the 30 seconds of a first fit). A `raise`, `assert`
    or early return inside the loop silently makes it serial.
    """
    return _compile(function, fastmath=_REORDER, parallel=True, **_known("no_cpython_wrapper"))


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
    implementations: dict[Any, Any] = {}

    @functools.wraps(declaration)
    def call(model: Any, *arguments: Any) -> Any:
        return implementations[type(model)](model, *arguments)

    def choose(model: Any, *arguments: Any) -> Any:
        chosen = implementations.get(_class_of(model, implementations))
        return chosen and chosen.py_func

    overload(call, jit_options=_overload_options(_REORDER), strict=False)(choose)
    call.implementations = implementations  # type: ignore[attr-defined]
    return call


def _class_of(kind: Any, classes: Iterable[type]) -> type | None:
    """Return which of these `classes` of named tuples a Numba type stands for, None for another."""
    for named in classes:
        if str(kind).startswith(f"{named.__name__}("):
            known = find("numba.core.types:NamedTuple.instance_class", kind)
            if known in (named, None):
                return named
    return None


def implements(function: Any, *models: type) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function and make it the implementation of the generic `function` for these named tuples."""

    def decorate(implementation: Callable[..., Any]) -> Any:
        dispatcher = kernel(implementation)
        for model in models:
            function.implementations[model] = dispatcher
        return dispatcher

    return decorate
