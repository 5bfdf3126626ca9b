"""An address and its Numba type, out of names that Numba does not document: imported where `find` has all of them."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import NativeValue, register_model, typeof_impl, unbox

from .private import find

__all__ = ["Address"]

_FunctionType: Any = find("numba.core.types:FunctionType")
_create_struct_proxy = find("numba.core.cgutils:create_struct_proxy")
_get_null_value = find("numba.core.cgutils:get_null_value")


class _AddressType(_FunctionType):
    """The type of a first-class function whose address Numba reads from an attribute.

    For its own `FunctionType` it calls Python twice per call to ask for the address, 7 microseconds.
    """

    def is_precise(self) -> bool:
        return True


register_model(_AddressType)(find("numba.experimental.function_type:FunctionModel"))


@unbox(_AddressType)
def _unbox_address(kind: Any, address: Any, c: Any) -> Any:
    structure = _create_struct_proxy(kind)(c.context, c.builder)
    integer = c.pyapi.object_getattr_string(address, "integer")
    structure.c_addr = c.pyapi.long_as_voidptr(integer)
    c.pyapi.decref(integer)
    structure.py_addr = c.builder.bitcast(address, c.context.get_value_type(types.voidptr))
    structure.jit_addr = _get_null_value(structure.jit_addr.type)
    return NativeValue(structure._getvalue())


class Address:
    """Where a compiled kernel lies, which it keeps in memory."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self.integer = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
        self.kind = _AddressType(compiled.signature)
        if find("numba.core.dispatcher:Dispatcher._numba_type_"):
            self._numba_type_ = self.kind  # spares a call of `_typeof_address`


@typeof_impl.register(Address)
def _typeof_address(address: Address, _context: Any) -> Any:
    return address.kind
