"""Weighted first and second moments of a block, by the tiles of either number of vector registers."""

import pytest
from conftest import run

from fastgmm._numba.config import configuration

PROGRAM = """
import numpy as np
from fastgmm._numba.width import WIDE
from fastgmm.kernels.primitives.weighted import weighted_products
from fastgmm.kernels.sizes import LANES_DOUBLE, STEP

for size in (4, 5, 6, 8, 9, 10, 13, 16):
    for steps in (1, LANES_DOUBLE // STEP):
        g = np.random.default_rng(size)
        roots, block, mean = g.random(LANES_DOUBLE), g.normal(size=(size, LANES_DOUBLE)), g.normal(size=size)
        scaled, first, second = np.zeros_like(block), np.ones(size), np.ones((size, size + 1))
        weighted_products(roots, block, steps, mean, scaled, first, second.reshape(-1), size + 1)
        used = slice(STEP * steps)
        z = block[:, used] - mean[:, np.newaxis]
        np.testing.assert_allclose(scaled[:, used], roots[used] * z, rtol=1e-15)
        np.testing.assert_allclose(first, 1 + z @ roots[used] ** 2, rtol=1e-13)
        expected = 1 + np.tril((roots[used] ** 2 * z) @ z.T)
        np.testing.assert_allclose(second[:, :size], expected, rtol=1e-13, atol=1e-14)
        assert (second[:, size] == 1).all()
print(WIDE)
"""


def test_weighted_products():
    run(PROGRAM)


@pytest.mark.compiled
@pytest.mark.skipif("avx2" not in configuration()["vectors"][0].split(), reason="of processors with AVX2")
def test_weighted_products_with_16_registers(tmp_path):
    level = {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": "+sse2,+avx,+avx2,+fma,+bmi,+bmi2"}
    assert run(PROGRAM, NUMBA_CACHE_DIR=str(tmp_path), **level).split() == ["False"]
