"""Tasks by address: what a launch calls without being linked to it.

A kernel called by name becomes a part of its caller and is optimised anew there; a dispatcher passed as an argument
is never found in the disk cache again. Numba's first-class functions are neither: an address of known signature.

Behind an address nobody reads an exception: Numba prints it, and the call returns zeros.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import cfunc, typeof, types

from .options import JIT_ENABLED
from .private import NO_ADDRESS, find, has_all

__all__ = ["by_address", "entry_point", "is_kept"]

_AVAILABLE = JIT_ENABLED and has_all(NO_ADDRESS)
if _AVAILABLE:
    from .address_type import Address

# Bits of `ndarray.flags.num` that Numba's types know: C order, Fortran order, writeable.
_TYPED_FLAGS = 0x1 | 0x2 | 0x400

_addresses: dict[tuple[Any, ...], Any] = {}
# Of two threads that compile at once the second would find the thresholds of the first, and leave these for good.
_compiling = threading.RLock()


def by_address(entry: Any, *arguments: Any) -> Any:
    """Return what compiled code can call: the address of `entry`, compiled for arguments like these.

    Parameters
    ----------
    entry : compiled function
        From `options.task`, `options.exact_task` or `options.driver`.
    *arguments
        Arrays, numbers, addresses, and named tuples of these, nested or not. Numba knows the type of an address by
        its name: two classes of named tuples must not share one.

    Returns
    -------
    callable
        An address; a callback of Numba's where it lacks what one is made of; with the JIT off, `entry` itself.
    """
    if not JIT_ENABLED:
        return entry
    if entry.targetoptions.get("no_cfunc_wrapper"):
        raise TypeError(f"{entry.__name__} has no address; compile it as a `task`, an `exact_task` or a `driver`")
    key = (entry, *map(_kind, arguments))
    if key not in _addresses:
        signature = tuple(map(typeof, arguments))
        if _AVAILABLE:
            with _rare_collections():
                entry.compile(signature)
            _addresses[key] = Address(find("numba.core.dispatcher:Dispatcher.overloads", entry)[signature])
        else:
            _addresses[key] = _public(entry, signature)
    return _addresses[key]


def is_kept(entry: Any, *arguments: Any) -> bool:
    """Whether the code of `entry` for arguments like these is on disk; where there is no cache it is not."""
    cache = find("numba.core.dispatcher:Dispatcher._cache", entry)
    return bool(getattr(cache, "holds", lambda signature: False)(tuple(map(typeof, arguments))))


def entry_point(function: Any, *arguments: Any) -> Any:
    """Return `function` as compiled for arguments of the types of these: of others it makes garbage.

    A dispatcher looks at the type of each argument at every call, 4 to 15 microseconds for what a round takes.
    """
    if not _AVAILABLE:
        return function
    with _rare_collections():
        return function.compile(tuple(map(typeof, arguments)))


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Let the garbage collector rest while the compiler makes millions of objects that live until it is done.

    It would look at them again and again, for a tenth of the time of a first fit; so it takes 34 MB more.
    """
    with _compiling:
        before = gc.get_threshold()
        try:
            if before[0]:
                gc.set_threshold(max(before[0], 100_000), max(before[1], 50), max(before[2], 100))
            yield
        finally:
            gc.set_threshold(*before)


def _public(entry: Any, signature: tuple[Any, ...]) -> Any:
    """Return what Numba's documentation offers instead: a callback, compiled by every process, and serial.

    Every function with an address returns an integer.
    """
    options = {name: value for name, value in entry.targetoptions.items() if name in ("fastmath", "error_model")}
    return cfunc(types.int64(*signature), **options)(entry.py_func)


def _kind(argument: Any) -> Any:
    """Return what decides the Numba type of an argument; `typeof` would take 66 microseconds for a model."""
    if isinstance(argument, np.ndarray):
        return argument.dtype, argument.ndim, argument.flags.num & _TYPED_FLAGS
    if isinstance(argument, tuple):
        return type(argument), *map(_kind, argument)
    # Addresses and contexts tell it themselves.
    return getattr(argument, "_numba_type_", type(argument))
