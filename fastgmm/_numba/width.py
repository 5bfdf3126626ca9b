"""How wide vectors are: 512 bits wherever the processor has AVX-512.

LLVM knows processors (Intel's from Skylake to Granite Rapids) on which it would rather use half of each register, for
the sake of the integer code around a few short vector instructions. Kernels are nothing but vector instructions: with
the attribute rounds took 0.62 to 0.72 of the time for full covariances and 0.68 to 0.90 for the others (a Zen 5 that
was told to be an ``x86-64-v4``). On other processors the attribute says what LLVM does anyway.
"""

from __future__ import annotations

from typing import Any

from numba import config, types
from numba.extending import intrinsic

from .stamps import machine

__all__ = ["WIDE", "wide_vectors"]


def _has_avx512() -> bool:
    return {"+avx512f", "+avx512vl", "+avx512dq"} <= set(machine()[1].split(","))


# Whether code is compiled for a processor with 32 vector registers of 512 bits. Kernels may branch on it: Numba drops
# the branch that is not taken before it is compiled.
WIDE = _has_avx512()


def _generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    attributes = builder.function.attributes
    if WIDE and isinstance(attributes, set):
        # Past `add` of llvmlite, which knows attributes without a value only.
        set.add(attributes, '"prefer-vector-width"="512"')
    return context.get_dummy_value()


def _wide_vectors(typing_context: Any) -> Any:
    return types.void(), _generate


# Let LLVM fill 512 bits in the function that calls it, kernels included that Numba puts in line there. What is
# compiled by itself and linked (an `entry`, what `implements`) is vectorised before and needs a call of its own.
wide_vectors = (lambda: None) if config.DISABLE_JIT else intrinsic(_wide_vectors)
