"""Vectors are as wide as the processor that code is compiled for has them."""

import llvmlite.binding
import pytest
from conftest import run

from fastgmm._numba.stamps import HALVES_LEVEL, LEVELS
from fastgmm._numba.width import WIDE
from fastgmm.kernels import passes
from fastgmm.kernels.blocks.few import exponentiate_few
from fastgmm.kernels.blocks.loading import load_block
from fastgmm.kernels.densities.kinds import log_density
from fastgmm.kernels.k_means.few import lloyd_few_1, lloyd_few_2
from fastgmm.kernels.k_means.lloyd import lloyd
from fastgmm.kernels.k_means.plus_plus import potential
from fastgmm.kernels.moments.columns import column_ranges, column_sums
from fastgmm.kernels.moments.kinds import accumulate
from fastgmm.kernels.primitives.distances import squared_distances

NAMED = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")
AVX512 = ("avx512f", "avx512vl", "avx512dq")
NEWER = (*AVX512, "avx512bw", "avx512cd")
# A loop over rows of either kind, compiled for another processor: its code is looked at, not run.
LOOP = """
import numba
from fastgmm._numba.options import entry
from fastgmm._numba.width import WIDE, tile_vectors, wide_vectors

def total(prefer):
    @entry
    def squares(x):
        prefer()
        s = 0.0
        for i in range(x.shape[0]):
            s += x[i] * x[i]
        return s

    squares.compile((numba.float64[::1],))
    return "zmm" in "".join(squares.inspect_asm().values())

print(WIDE, total(wide_vectors), total(tile_vectors))
"""


def features(*missing):
    """Of an x86-64-v4, a processor on which LLVM prefers 256 bits, less those that are `missing`."""
    present = ("sse2", "sse4.2", "avx", "avx2", "fma", "bmi", "bmi2", *NEWER)
    return ",".join(f"-{name}" if name in missing else f"+{name}" for name in present)


@pytest.mark.compiled
@pytest.mark.skipif(not llvmlite.binding.get_default_triple().startswith("x86_64"), reason="of x86-64 processors")
@pytest.mark.parametrize(
    ("settings", "wide", "tiles"),
    [
        ({"NUMBA_CPU_NAME": "x86-64-v4", "NUMBA_CPU_FEATURES": features()}, True, True),
        ({"NUMBA_CPU_NAME": "znver4", "NUMBA_CPU_FEATURES": features()}, True, False),
        (
            {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": features(*AVX512, "avx512bw", "avx512cd")},
            False,
            False,
        ),
        (dict(zip(NAMED, LEVELS["x86-64-v4"], strict=True)), True, True),
        (dict(zip(NAMED, LEVELS[HALVES_LEVEL], strict=True)), True, False),
        ({"NUMBA_CPU_NAME": "generic"}, False, False),
    ],
)
def test_vectors_are_as_wide_as_the_processor_is_fastest_with(settings, wide, tiles, tmp_path):
    """The processor has them, and tiles do not take half of them at a time (`HALVES`)."""
    assert run(LOOP, NUMBA_CACHE_DIR=str(tmp_path), **settings).split() == [str(wide), str(wide), str(tiles)]


def test_this_process_is_compiled_for_this_processor():
    host = llvmlite.binding.get_host_cpu_features()
    assert all(host.get(name) for name in AVX512) == WIDE


@pytest.mark.parametrize(
    "function",
    [
        *log_density.implementations.values(),
        *accumulate.implementations.values(),
        *(load_block, squared_distances, exponentiate_few, passes.sweep, passes.evaluate),
        *(lloyd, lloyd_few_1, lloyd_few_2, potential, column_ranges, column_sums),
    ],
)
def test_whatever_is_vectorised_by_itself_says_how_wide(function):
    names = getattr(function, "py_func", function).__code__.co_names
    assert "wide_vectors" in names or "tile_vectors" in names
