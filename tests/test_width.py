"""Vectors are as wide as the processor that code is compiled for has them."""

import llvmlite.binding
import pytest
from conftest import run

from fastgmm._numba.width import WIDE
from fastgmm.kernels import passes
from fastgmm.kernels.blocks.loading import load_block
from fastgmm.kernels.densities.kinds import log_density
from fastgmm.kernels.k_means.lloyd import lloyd
from fastgmm.kernels.k_means.plus_plus import potential
from fastgmm.kernels.moments.columns import column_ranges, column_sums
from fastgmm.kernels.moments.kinds import accumulate
from fastgmm.kernels.primitives.distances import squared_distances

AVX512 = ("avx512f", "avx512vl", "avx512dq")
# A loop over rows, compiled for another processor: its code is looked at, not run.
LOOP = """
import numba
from fastgmm._numba.options import entry
from fastgmm._numba.width import WIDE, wide_vectors

@entry
def total(x):
    wide_vectors()
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i] * x[i]
    return s

total.compile((numba.float64[::1],))
print(WIDE, "zmm" in "".join(total.inspect_asm().values()))
"""


def features(*missing):
    """Of an x86-64-v4, a processor on which LLVM prefers 256 bits, less those that are `missing`."""
    present = ("sse2", "sse4.2", "avx", "avx2", "fma", "bmi", "bmi2", *AVX512, "avx512bw", "avx512cd")
    return ",".join(f"-{name}" if name in missing else f"+{name}" for name in present)


@pytest.mark.compiled
@pytest.mark.skipif(not llvmlite.binding.get_default_triple().startswith("x86_64"), reason="of x86-64 processors")
@pytest.mark.parametrize(
    ("settings", "wide"),
    [
        ({"NUMBA_CPU_NAME": "x86-64-v4", "NUMBA_CPU_FEATURES": features()}, True),
        ({"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": features(*AVX512, "avx512bw", "avx512cd")}, False),
        ({"NUMBA_CPU_NAME": "generic"}, False),
    ],
)
def test_vectors_are_as_wide_as_the_processor_has_them(settings, wide, tmp_path):
    assert run(LOOP, NUMBA_CACHE_DIR=str(tmp_path), **settings).split() == [str(wide)] * 2


def test_this_process_is_compiled_for_this_processor():
    host = llvmlite.binding.get_host_cpu_features()
    assert all(host.get(name) for name in AVX512) == WIDE


@pytest.mark.parametrize(
    "function",
    [
        *log_density.implementations.values(),
        *accumulate.implementations.values(),
        *(load_block, squared_distances, passes.sweep, passes.evaluate),
        *(lloyd, potential, column_ranges, column_sums),
    ],
)
def test_whatever_is_vectorised_by_itself_asks_for_wide_vectors(function):
    assert "wide_vectors" in getattr(function, "py_func", function).__code__.co_names
