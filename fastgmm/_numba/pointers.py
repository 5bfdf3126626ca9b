"""Many arrays as one argument: a pointer to a tuple of tuples of arrays.

A function that takes thirty arrays takes three hundred numbers, which every call of it and every entry point packs
and unpacks, and counts references to: half of the time of a first fit went there. Behind a pointer they are one, and
what a function does not ask for costs it nothing.

The arrays are *borrowed*: nobody counts references to them, so that threads which slice one do not wait for each
other, and none may outlive the tuple that Python keeps. Interpreted, a pointer is the tuple itself, and so it is
where Numba lacks what a `Context` is made of.
"""

from __future__ import annotations

from typing import Any

from numba import config, types
from numba.extending import intrinsic

from .private import NO_ADDRESS, has_all, held

__all__ = [
    "emptied",
    "kind_of",
    "member",
    "packed",
    "placed",
    "pointer_to",
    "read_only",
    "repacked",
    "view",
    "waiting",
]

_AVAILABLE = not config.DISABLE_JIT and has_all(NO_ADDRESS)
if _AVAILABLE:
    from . import context_type


def kind_of(example: Any) -> Any:
    """Return the kind of contexts of tuples like `example`, which takes too long to be found out for each of them."""
    return context_type.Kind(example) if _AVAILABLE else None


def packed(values: Any, kind: Any) -> Any:
    """Return a context of a tuple that Python keeps, for many calls of compiled code."""
    return context_type.Context(values, kind) if _AVAILABLE else values


def repacked(context: Any, values: Any) -> Any:
    """Return the context of a tuple from an earlier one, of which no more than the first two members differ."""
    return context.repack(values) if _AVAILABLE else values


def waiting(context: Any, values: Any) -> Any:
    """Return the context of a tuple from an earlier one, in which compiled code is to place what differs."""
    if _AVAILABLE:
        context.values = values
        return context
    return values


def emptied(context: Any) -> Any:
    """Return a context that keeps nothing alive, and is of no use before it is `repacked`."""
    if _AVAILABLE:
        context.values = None
        return context
    return None


def _intrinsic(interpreted: Any) -> Any:
    """Make an intrinsic of a function, in place of which interpreted code calls another."""
    return lambda function: interpreted if config.DISABLE_JIT else intrinsic(function)


@_intrinsic(lambda values, index: values[index])
def member(typing_context: Any, pointer: Any, index: Any) -> Any:
    """Return a member of the tuple behind a pointer, by its constant index."""
    if not isinstance(index, types.IntegerLiteral):
        return None
    position = index.literal_value
    behind = isinstance(pointer, types.CPointer)
    members = pointer.dtype.types if behind else pointer.types

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if behind:
            value = builder.load(context_type.address_in(context, builder, arguments[0], position))
            return context_type.borrowed(context, builder, signature.return_type, value)
        return held(context, builder, signature.return_type, builder.extract_value(arguments[0], position))

    return members[position](pointer, index), generate


@_intrinsic(lambda values, index: values[index])
def view(typing_context: Any, pointer: Any, index: Any) -> Any:
    """Return a named tuple in the tuple behind a pointer without a copy: its attributes are read when asked for.

    For what is not done row by row. To copy fourteen arrays where a function wants one of them took a tenth of the
    time of a first fit. But passes over rows need the copy: with views LLVM no longer fills SIMD lanes there, even if
    every array is read before the loop, and rounds were up to four times as slow.
    """
    if not isinstance(index, types.IntegerLiteral):
        return None
    position = index.literal_value
    behind = isinstance(pointer, types.CPointer)
    kind = context_type.ContextType(pointer.dtype.types[position]) if behind else pointer.types[position]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if behind:
            return context_type.address_in(context, builder, arguments[0], position)
        return held(context, builder, kind, builder.extract_value(arguments[0], position))

    return kind(pointer, index), generate


@_intrinsic(lambda pointer, first: type(pointer)(*first, *pointer[len(first) :]))
def placed(typing_context: Any, pointer: Any, first: Any) -> Any:
    """Return a pointer to the tuple behind another with other first members, in whose place these are written."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, members = arguments
        if isinstance(pointer, types.CPointer):
            context_type.store_borrowed(context, builder, signature.args[1], members, value)
            return value
        for i in range(len(first.types)):
            value = builder.insert_value(value, builder.extract_value(members, i), i)
        return held(context, builder, signature.return_type, value)

    return pointer(pointer, first), generate


@_intrinsic(lambda values: values)
def pointer_to(typing_context: Any, values: Any) -> Any:
    """Return a pointer to a tuple, which is valid until the calling function returns."""
    if not _AVAILABLE:
        return values(values), lambda context, builder, signature, arguments: held(
            context, builder, signature.return_type, arguments[0]
        )

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        with builder.goto_entry_block():
            slot = builder.alloca(arguments[0].type)
        builder.store(arguments[0], slot)
        return builder.bitcast(slot, context.get_value_type(signature.return_type))

    return context_type.ContextType(values)(values), generate


@_intrinsic(lambda array: array)
def read_only(typing_context: Any, array: Any) -> Any:
    """Return an array as one that compiled code does not write to, which is a type of its own."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return held(context, builder, signature.return_type, arguments[0])

    return array.copy(readonly=True)(array), generate
