"""Each kernel on its own for pytest-benchmark: ``python -m pytest bench``, see ``test_speed.py``.

Blocks are as the passes take them: features down, 256 or 512 rows across, in the first or second cache level.
"""

import math

import numba
import numpy as np
import pytest

from bench.limit import REORDER
from fastgmm.kernels.k_means.assigning import assign
from fastgmm.kernels.primitives.distances import squared_distances
from fastgmm.kernels.primitives.exp import exp_nonpositive
from fastgmm.kernels.primitives.products import second_moments
from fastgmm.kernels.primitives.tiles import less_distance
from fastgmm.kernels.sizes import LANES_DOUBLE, LANES_SINGLE, STEP
from fastgmm.rows.array import ArraySource
from fastgmm.rows.launch.pieces import in_place
from fastgmm.rows.start.k_means import KMeans

DTYPES = ("float64", "float32")
FEATURES = (4, 16, 64)
# How often in a call from Python, which costs a microsecond or two.
TIMES = 100
OPTIONS = {"rounds": 30, "iterations": 3, "warmup_rounds": 2}

compiled = numba.njit(error_model="numpy", fastmath=REORDER)


@compiled
def exp_of_ours(x, out):
    for _ in range(TIMES):
        for i in range(x.shape[0]):
            out[i] = exp_nonpositive(x[i])


@compiled
def exp_of_libm(x, out):
    for _ in range(TIMES):
        for i in range(x.shape[0]):
            out[i] = math.exp(x[i])


def exp_of_numpy(x, out):
    for _ in range(TIMES):
        np.exp(x, out=out)


@compiled
def products_of_tiles(block, out):
    for _ in range(TIMES):
        second_moments(block, block.shape[1] // STEP, block.shape[0], block.shape[0], out)


def products_of_numpy(block, out):
    for _ in range(TIMES):
        np.matmul(block, block.T)


@compiled
def distances_of_tiles(constant, factor, offset, block, spare, out):
    for _ in range(TIMES):
        less_distance(constant, factor, offset, block, spare, out)


def distances_of_numpy(constant, factor, offset, block, spare, out):
    for _ in range(TIMES):
        white = factor @ block + offset[:, np.newaxis]
        np.subtract(constant, np.einsum("ij,ij->j", white, white), out=out)


@compiled
def to_centers(block, centers, out):
    for _ in range(TIMES):
        squared_distances(block, centers, block.shape[0], out)


@compiled
def to_nearest(block, centers, out):
    for _ in range(TIMES):
        assign(block, centers, block.shape[0], out)


def block_of(n_features, dtype):
    n_lanes = LANES_SINGLE if dtype == "float32" else LANES_DOUBLE
    return np.random.default_rng(0).normal(size=(n_features, n_lanes)).astype(dtype)


@pytest.mark.parametrize(
    "run", [exp_of_ours, exp_of_libm, exp_of_numpy], ids=["exp_nonpositive", "math.exp compiled", "numpy"]
)
@pytest.mark.parametrize(
    "dtype", [pytest.param(each, marks=pytest.mark.benchmark(group=f"exp of a block, {each}")) for each in DTYPES]
)
def test_exp(benchmark, dtype, run):
    x = -np.abs(block_of(1, dtype)[0])
    out = np.empty_like(x)
    benchmark.pedantic(run, (x, out), **OPTIONS)
    np.testing.assert_allclose(out, np.exp(x), rtol=1e-6)


def by_features(what):
    """Sizes of blocks, a table each."""
    return [
        pytest.param(d, dtype, marks=pytest.mark.benchmark(group=f"{what}, D = {d}, {dtype}"), id=f"{d}-{dtype}")
        for d in FEATURES
        for dtype in DTYPES
    ]


@pytest.mark.parametrize("run", [products_of_tiles, products_of_numpy], ids=["tiles", "numpy"])
@pytest.mark.parametrize(("n_features", "dtype"), by_features("second moments of a block"))
def test_second_moments(benchmark, n_features, dtype, run):
    block, out = block_of(n_features, dtype), np.zeros(n_features * n_features)
    benchmark.pedantic(run, (block, out), **OPTIONS)
    one = np.zeros_like(out)
    second_moments(block, block.shape[1] // STEP, n_features, n_features, one)
    np.testing.assert_allclose(np.tril(one.reshape(n_features, -1)), np.tril(block @ block.T), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("run", [distances_of_tiles, distances_of_numpy], ids=["tiles", "numpy"])
@pytest.mark.parametrize(("n_features", "dtype"), by_features("log-density of a block under a component"))
def test_density(benchmark, n_features, dtype, run):
    block, out = block_of(n_features, dtype), np.empty(block_of(1, dtype).shape[1], dtype)
    factor = np.tril(block[:, :n_features]) / n_features
    offset, spare = block[:, 0].copy(), np.empty((4, block.shape[1]), dtype)
    expected = np.empty_like(out)
    distances_of_numpy(0.0, factor, offset, block, spare, expected)
    benchmark.pedantic(run, (block.dtype.type(0.0), factor, offset, block, spare, out), **OPTIONS)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("run", [to_centers, to_nearest], ids=["distances", "nearest"])
@pytest.mark.parametrize(("n_features", "dtype"), by_features("distances of a block to 8 centres"))
def test_centers(benchmark, n_features, dtype, run):
    block, centers = block_of(n_features, dtype), np.ascontiguousarray(block_of(n_features, dtype)[:, :8].T)
    out = np.empty((8, block.shape[1]), dtype)
    benchmark.pedantic(run, (block, centers, out), **OPTIONS)
    to_centers(block, centers, out)
    expected = ((block.T[np.newaxis] - centers[:, np.newaxis]) ** 2).sum(axis=2)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.benchmark(group="k-means, 200 000 x 8, K = 8")
@pytest.mark.parametrize("step", ["seed", "fit"])
def test_k_means(benchmark, step):
    X = in_place(np.random.default_rng(0).normal(size=(200_000, 8)))
    columns = ArraySource(X).moments()
    k_means = KMeans(X, 8, None, np.empty(0), columns.deviations)
    answer = benchmark.pedantic(lambda: getattr(k_means, step)(np.random.default_rng(0)), rounds=5, warmup_rounds=1)
    assert len(answer if step == "seed" else answer.labels) == (8 if step == "seed" else len(X))
