"""Bit patterns of floating-point numbers in compiled code: register moves, which fill SIMD lanes."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["bits_from_float32", "bits_from_float64", "float32_from_bits", "float64_from_bits"]


@intrinsic
def float32_from_bits(typing_context: Any, bits: Any) -> Any:
    """Reinterpret the 32 bits of an int32 as a float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def bits_from_float32(typing_context: Any, value: Any) -> Any:
    """Reinterpret the 32 bits of a float32 as an int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def float64_from_bits(typing_context: Any, bits: Any) -> Any:
    """Reinterpret the 64 bits of an int64 as a float64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def bits_from_float64(typing_context: Any, value: Any) -> Any:
    """Reinterpret the 64 bits of a float64 as an int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate
