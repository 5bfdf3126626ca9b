"""A context and its Numba type, out of names that Numba does not document: imported where `find` has all of them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import typeof, types
from numba.extending import (
    NativeValue,
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    models,
    register_model,
    unbox,
)

from .address_type import Address
from .options import exact
from .private import find, held

__all__ = ["Context", "ContextType", "Kind"]

_create_struct_proxy = find("numba.core.cgutils:create_struct_proxy")
_get_null_value = find("numba.core.cgutils:get_null_value")
_AttributeTemplate = find("numba.core.typing.templates:AttributeTemplate")


class ContextType(types.CPointer):
    """The type of a `Context`, whose address Numba reads from an attribute, and of a named tuple inside of one."""

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype)
        self.name = f"Context({dtype})"


register_model(ContextType)(models.PointerModel)


def address_in(context: Any, builder: Any, pointer: Any, position: int) -> Any:
    """Return the address of a member of the tuple behind a pointer."""
    zero, index = (context.get_constant(types.int32, number) for number in (0, position))
    return builder.gep(pointer, [zero, index], inbounds=True)


@infer_getattr
class _Attributes(_AttributeTemplate):  # type: ignore[misc, valid-type]
    """What a pointer to a named tuple has for attributes: those of the tuple."""

    key = ContextType

    def generic_resolve(self, pointer: Any, name: str) -> Any:
        fields = getattr(pointer.dtype, "fields", ())
        return pointer.dtype.types[fields.index(name)] if name in fields else None


@lower_getattr_generic(ContextType)
def _load_attribute(context: Any, builder: Any, pointer: Any, value: Any, name: str) -> Any:
    position = pointer.dtype.fields.index(name)
    loaded = builder.load(address_in(context, builder, value, position))
    return held(context, builder, pointer.dtype.types[position], loaded)


@unbox(ContextType)
def _unbox_context(kind: Any, packed: Any, c: Any) -> Any:
    integer = c.pyapi.object_getattr_string(packed, "integer")
    address = c.pyapi.long_as_voidptr(integer)
    c.pyapi.decref(integer)
    return NativeValue(c.builder.bitcast(address, c.context.get_value_type(kind)))


class Kind:
    """What contexts of tuples like `example` have in common, found out once."""

    def __init__(self, example: Any) -> None:
        self.type = ContextType(typeof(example))
        self._first = typeof(example[:2])

    @functools.cached_property
    def pack_first(self) -> Any:
        """What packs the first two members in a microsecond: a tuple of them lies where they do.

        The entry point itself, past the dispatcher, which would look at the type of each of the arrays.
        """
        return _pack.compile((self._first, types.intp))


class Context:
    """A packed tuple of a kind, whose arrays it keeps alive."""

    def __init__(self, values: Any, kind: Kind) -> None:
        self.values, self._kind = values, kind
        self._packed = np.array(_words_of(values), np.int64)
        self._numba_type_ = kind.type
        self.integer = self._packed.ctypes.data

    def repack(self, values: Any) -> Context:
        """Take other values, of which no more than the first two members differ."""
        self.values = values
        self._kind.pack_first(values[:2], self.integer)
        return self


def _words_of(value: Any) -> list[int]:
    """Return a tuple as compiled code has it in memory, in words of 64 bits; its arrays have no owner.

    Written here, because a compiled function that takes all these arrays takes the compiler half a second.
    """
    if isinstance(value, tuple):
        return [word for member in value for word in _words_of(member)]
    if isinstance(value, np.ndarray):
        return [0, 0, value.size, value.itemsize, value.ctypes.data, *value.shape, *value.strides]
    if isinstance(value, Address):
        return [value.integer, 0, 0]
    if isinstance(value, Context):
        return [value.integer]
    if isinstance(value, float):
        return [int(np.float64(value).view(np.int64))]
    if type(value) is not int:  # a flag is less than a word, others are more
        raise TypeError(f"a context holds arrays, numbers, addresses and contexts, got {type(value).__name__}")
    return [value]


def borrowed(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return a value whose arrays have no owner."""
    if isinstance(kind, types.BaseTuple):
        for i, member in enumerate(kind.types):
            inner = borrowed(context, builder, member, builder.extract_value(value, i))
            value = builder.insert_value(value, inner, i)
        return value
    if not isinstance(kind, types.Array):
        return value
    array = _create_struct_proxy(kind)(context, builder, value)
    array.meminfo = _get_null_value(array.meminfo.type)
    array.parent = _get_null_value(array.parent.type)
    return array._getvalue()


def store_borrowed(context: Any, builder: Any, kind: Any, value: Any, address: Any) -> None:
    """Write a value whose arrays lose their owner to an address."""
    value = borrowed(context, builder, kind, value)
    builder.store(value, builder.bitcast(address, value.type.as_pointer()))


@intrinsic
def _store(typing_context: Any, values: Any, address: Any) -> Any:
    """Write a tuple of borrowed arrays to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        address = builder.inttoptr(arguments[1], context.get_value_type(kind).as_pointer())
        store_borrowed(context, builder, kind, arguments[0], address)
        return context.get_dummy_value()

    return types.void(values, types.intp), generate


@exact
def _pack(values: Any, address: Any) -> None:
    _store(values, address)
