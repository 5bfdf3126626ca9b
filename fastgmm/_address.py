"""Kernels by address: what a parallel driver or a whole small fit calls without being linked to it.

A kernel called by name becomes a part of its caller and is optimised anew there; a dispatcher passed as an argument
is never found in the disk cache again. Numba's first-class functions are neither: an address of known signature.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import typeof, types
from numba.core import cgutils
from numba.experimental.function_type import FunctionModel
from numba.extending import NativeValue, register_model, unbox

from ._jit import JIT_ENABLED

__all__ = ["by_address"]


class _AddressType(types.FunctionType):
    """The type of a first-class function whose address Numba reads from an attribute.

    For its own `FunctionType` it calls Python twice per call to ask for the address, 7 microseconds.
    """

    def is_precise(self) -> bool:
        return True


register_model(_AddressType)(FunctionModel)


@unbox(_AddressType)
def _unbox_address(kind: Any, address: Any, c: Any) -> Any:
    structure = cgutils.create_struct_proxy(kind)(c.context, c.builder)
    integer = c.pyapi.object_getattr_string(address, "integer")
    structure.c_addr = c.pyapi.long_as_voidptr(integer)
    c.pyapi.decref(integer)
    structure.py_addr = c.builder.bitcast(address, c.context.get_value_type(types.voidptr))
    structure.jit_addr = cgutils.get_null_value(structure.jit_addr.type)
    return NativeValue(structure._getvalue())


class _Address:
    """Where a compiled kernel lies, which it keeps in memory; ``_numba_type_`` is what Numba asks for."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self.integer = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
        self._numba_type_ = _AddressType(compiled.signature)


_addresses: dict[tuple[Any, ...], _Address] = {}


def by_address(entry: Any, *arguments: Any) -> Any:
    """Return what a `driver` can call: the `entry`, compiled for arguments (arrays, models) like these."""
    if not JIT_ENABLED:
        return entry
    key = (entry, *map(_kind, arguments))
    if key not in _addresses:
        signature = tuple(map(typeof, arguments))
        entry.compile(signature)
        _addresses[key] = _Address(entry.overloads[signature])
    return _addresses[key]


def _kind(argument: Any) -> Any:
    """Return what decides the Numba type of an argument; `typeof` would take 66 microseconds for a model.

    A model is known by its class: its arrays have the dtype of the rows, another argument.
    """
    if isinstance(argument, np.ndarray):
        flags = argument.flags
        return argument.dtype, argument.ndim, flags.c_contiguous, flags.f_contiguous, flags.writeable
    return type(argument)
