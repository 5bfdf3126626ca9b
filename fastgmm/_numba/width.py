"""How wide vectors are, 512 bits where the processor has AVX-512, or half; and instructions LLVM makes of no loop.

LLVM knows processors (Intel's from Skylake to Granite Rapids) on which it would rather use half of each register, for
the sake of the integer code around a few short vector instructions. Kernels are nothing but vector instructions: with
the attribute rounds took 0.62 to 0.72 of the time for full covariances and 0.68 to 0.90 for the others (a Zen 5 that
was told to be an ``x86-64-v4``). On other processors the attribute says what LLVM does anyway.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from .stamps import does_halves, machine

__all__ = ["VECTOR_BYTES", "WIDE", "prefetch", "tile_vectors", "transpose_four", "wide_vectors"]


def _has_avx512() -> bool:
    return {"+avx512f", "+avx512vl", "+avx512dq"} <= set(machine()[1].split(","))


# Whether code is compiled for a processor with 32 vector registers of 512 bits. Kernels may branch on it: Numba drops
# the branch that is not taken before it is compiled.
WIDE = _has_avx512()
# Of the vectors that `transpose_four` writes.
VECTOR_BYTES = 64 if WIDE else 32


def _prefer(bits: int) -> Any:
    """Return an intrinsic that lets LLVM fill so many bits in the function that calls it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        attributes = builder.function.attributes
        if WIDE and isinstance(attributes, set):
            # Past `add` of llvmlite, which knows attributes without a value only.
            set.add(attributes, f'"prefer-vector-width"="{bits}"')
        return context.get_dummy_value()

    def prefer(typing_context: Any) -> Any:
        return types.void(), generate

    return (lambda: None) if config.DISABLE_JIT else intrinsic(prefer)


# Both reach kernels that Numba puts in line where they are called. What is compiled by itself and linked (an `entry`,
# what `implements`) is vectorised before and needs a call of its own.
wide_vectors = _prefer(512)
# In densities, moments and distances, but for full ones of D = 1 and 2: register tiles are faster with 256 bits where
# 512 are done in two halves. Of the time of a round with 512, a Zen 4 and two threads: full D = 3 0.89, 8 0.85, 16
# 0.78, 32 0.80, 64 0.7, 128 0.8; diagonal 1.0; tied 0.80 to 0.95; spherical 0.9; single precision 0.85 to 1.0. Full
# D = 1 and 2 take 1.12 to 1.19 of it, and k-means 0.97 to 1.02.
tile_vectors = _prefer(256 if does_halves() else 512)


def _generate_prefetch(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
    function = builder.module.declare_intrinsic("llvm.prefetch", (pointer,), kind)
    # To be read, into the second-level cache: the first is full of the block at work.
    builder.call(function, [builder.inttoptr(arguments[0], pointer), number(0), number(2), number(1)])
    return context.get_dummy_value()


def _prefetch(typing_context: Any, address: Any) -> Any:
    return types.void(types.intp), _generate_prefetch


# Ask for the cache line at an address, which need not be one that can be read.
prefetch = (lambda address: None) if config.DISABLE_JIT else intrinsic(_prefetch)


def _transpose_four(
    typing_context: Any, address: Any, pitch: Any, factors: Any, offsets: Any, out: Any, out_pitch: Any
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, pitch, factors, offsets, out, out_pitch = arguments
        element = context.get_value_type(signature.args[2].dtype)
        itemsize = signature.args[2].dtype.bitwidth // 8
        n = VECTOR_BYTES // itemsize
        whole, four = ir.VectorType(element, n), ir.VectorType(element, 4)

        def pointer(base: Any, times: int, step: Any, kind: Any) -> Any:
            place = builder.add(base, builder.mul(step, step.type(times)))
            return builder.inttoptr(place, kind.as_pointer())

        def shuffled(a: Any, b: Any, wanted: list[int]) -> Any:
            return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(wanted)), wanted))

        def chosen(a: Any, b: Any, wanted: list[Any]) -> Any:
            """Choose from two vectors, each a value beside what lies in it."""
            lying = a[1] + b[1]
            return shuffled(a[0], b[0], [lying.index(each) for each in wanted]), wanted

        def joined(rows: list[int]) -> Any:
            parts = [builder.load(pointer(address, row, pitch, four), align=itemsize) for row in rows]
            while len(parts) > 1:
                width = range(2 * parts[0].type.count)
                parts = [shuffled(a, b, list(width)) for a, b in zip(parts[::2], parts[1::2], strict=True)]
            return parts[0], [(row, feature) for row in rows for feature in range(4)]

        def splat(values: Any, feature: int) -> Any:
            nothing = ir.Constant(whole, ir.Undefined)
            first = builder.insert_element(nothing, builder.extract_value(values, feature), ir.IntType(32)(0))
            return shuffled(first, nothing, [0] * n)

        # Which rows go into one register is such that all that follows stays within 128 bits (unpack), or takes
        # every other 128 bits of two (vshuff64x2), which is one instruction each.
        near = 128 // 8 // itemsize
        rows_of = (
            [[i + 4 * j for j in range(n // 4)] for i in range(4)]
            if near == 4
            else [[i + 2 * j for j in range(n // 4)] for i in (0, 1, n // 2, n // 2 + 1)]
        )
        quarters = [joined(rows) for rows in rows_of]
        pairs = []
        for a, b in (quarters[:2], quarters[2:]):
            for half in (0, near // 2):
                places = [i + half + j for i in range(0, n, near) for j in range(near // 2)]
                pairs.append(chosen(a, b, [side[1][place] for place in places for side in (a, b)]))
        for feature in range(4):
            a, b = (pair for pair in pairs if any(lying[1] == feature for lying in pair[1]))
            values, _ = chosen(a, b, [(row, feature) for row in range(n)])
            values = builder.fmul(values, splat(factors, feature), flags=("contract",))
            values = builder.fsub(values, splat(offsets, feature), flags=("contract",))
            builder.store(values, pointer(out, feature, out_pitch, whole), align=itemsize)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, factors, offsets, types.intp, types.intp), generate


# Read four features of as many rows as `VECTOR_BYTES` hold, from an address, `pitch` bytes apart; write them times
# `factors` less `offsets` (a tuple of four each), a vector a feature, `out_pitch` bytes apart.
transpose_four = None if config.DISABLE_JIT else intrinsic(_transpose_four)
