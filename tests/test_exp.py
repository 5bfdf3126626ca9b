"""The vector exp: its constants from the arithmetic that derives them, its error against long doubles."""

import math
import platform
import re
from decimal import Decimal, getcontext

import numpy as np
import pytest
from numba import njit

from fastgmm._numba.options import kernel
from fastgmm.kernels.primitives import exp


@kernel
def exp_of(x, out):
    for i in range(x.shape[0]):
        out[i] = exp.exp_nonpositive(x[i])


def apply(values):
    x = np.asarray(values, dtype=np.float64)
    out = np.empty_like(x)
    exp_of(x, out)
    return out


def chebyshev_coefficients(degree):
    """Interpolate (e^t - 1 - t) / t^2 at the Chebyshev nodes of |t| <= ln(2)/2, in 60 digits."""
    getcontext().prec = 60
    pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
    n = degree + 1

    def cosine(x):
        total = term = Decimal(1)
        for j in range(1, 60):
            term = -term * x * x / (2 * j * (2 * j - 1))
            total += term
        return total

    nodes = [Decimal(2).ln() / 2 * cosine(pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    # The middle one of an odd number of nodes is 0 but for rounding, where the limit is 1/2.
    differences = [(t.exp() - 1 - t) / (t * t) if abs(t) > Decimal("1e-20") else Decimal("0.5") for t in nodes]
    for j in range(1, n):
        for i in range(n - 1, j - 1, -1):
            differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - j])
    polynomial = [differences[-1]]
    for i in range(n - 2, -1, -1):
        shifted = [Decimal(0), *polynomial]
        polynomial = [a - nodes[i] * b for a, b in zip(shifted, [*polynomial, Decimal(0)], strict=True)]
        polynomial[0] += differences[i]
    return [float(c) for c in polynomial]


def test_constants_are_the_derived_ones():
    assert [getattr(exp, f"C{j}") for j in range(2, 12)] == chebyshev_coefficients(9)
    getcontext().prec = 60
    assert float(1 / Decimal(2).ln()) == exp.LOG2_E
    # LN2_HIGH times an integer below 2^21 is exact: its last 21 bits are zero. The rest is in LN2_LOW.
    assert exp.LN2_HIGH.hex().rstrip("p-1").endswith("00000")
    assert abs(Decimal(exp.LN2_HIGH) + Decimal(exp.LN2_LOW) - Decimal(2).ln()) < Decimal("2e-26")
    assert exp.ROUNDER == 1.5 * 2**52


def test_error_is_about_one_ulp():
    generator = np.random.default_rng(0)
    x = -708.0 * np.concatenate([generator.random(20_000), generator.random(20_000) ** 8])
    exact = np.exp(x.astype(np.longdouble))
    if np.finfo(np.longdouble).eps == np.finfo(np.float64).eps:
        pytest.skip("this platform has no longer double")
    ulps = np.abs(apply(x) - exact) / np.spacing(exact.astype(np.float64))
    assert ulps.max() < 1.1


def test_ends_of_the_domain():
    values = apply([0.0, -0.0, -5e-324, -708.0, np.nextafter(-708.0, -709.0), -1e308, -math.inf, math.nan])
    np.testing.assert_array_equal(values[[0, 1, 2, 4, 5, 6, 7]], [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    assert values[3] == pytest.approx(math.exp(-708.0), rel=1e-15)


@pytest.mark.parametrize(("steps", "dtype"), [(exp._exp_double, np.float64), (exp._exp_single, np.float32)])
def test_the_same_steps_in_plain_numpy(steps, dtype):
    for x in (-0.0, -1e-3, -1.5, -80.0):
        value = steps(dtype(x), dtype(-87.0))
        assert type(value) is dtype
        assert value == pytest.approx(math.exp(x), rel=2 * float(np.finfo(dtype).eps))


@pytest.mark.compiled
@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="looks for instructions of x86")
@pytest.mark.parametrize(("dtype", "shift"), [(np.float64, r"psllq\s+\$52"), (np.float32, r"pslld\s+\$23")])
def test_bits_stay_in_simd_registers(dtype, shift):
    uncached = njit(exp_of.py_func)  # code from the cache has no listing
    uncached(np.zeros(1, dtype), np.zeros(1, dtype))
    assert re.search(shift, "".join(uncached.inspect_asm().values()))
