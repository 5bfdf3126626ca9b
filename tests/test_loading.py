"""Rows on their way into blocks: transposed in registers or not, and asked for beforehand."""

import numpy as np
import pytest

from fastgmm.kernels.blocks import ahead
from fastgmm.kernels.blocks.loading import load_block
from fastgmm.kernels.primitives.distances import distances_by_fours, squared_distances
from fastgmm.kernels.sizes import LANES_DOUBLE, LANES_SINGLE

# Views of a (601, 2 D) array: rows in one piece, rows that lie apart, values that lie apart.
LAYOUTS = {
    "C order": lambda wide: np.ascontiguousarray(wide[:, : wide.shape[1] // 2]),
    "a slice": lambda wide: wide[:, 1 : 1 + wide.shape[1] // 2],
    "every other column": lambda wide: wide[:, ::2],
}


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_block_holds_the_rows_to_the_bit_and_nothing_else(n_features, layout, dtype):
    generator = np.random.default_rng(n_features)
    lanes = LANES_SINGLE if dtype == "float32" else LANES_DOUBLE
    x = LAYOUTS[layout](generator.normal(size=(601, 2 * n_features)).astype(dtype))
    x.flags.writeable = False
    scales = (2.0 ** generator.integers(-3, 4, n_features)).astype(dtype)
    origin = generator.normal(size=n_features).astype(dtype)
    for n_rows in (lanes, lanes - 1, 17, 16, 3):
        block = np.full((n_features + 1, lanes), 7.0, dtype)
        load_block(x, 5, n_rows, scales, origin, block)
        np.testing.assert_array_equal(block[:n_features, :n_rows], (x[5 : 5 + n_rows] * scales - origin).T)
        assert not block[:, n_rows:].any()
        assert (block[n_features, :n_rows] == 7.0).all()


def test_all_of_the_next_block_is_asked_for_and_nothing_beyond_the_rows(monkeypatch):
    asked = []
    monkeypatch.setattr(ahead, "prefetch", asked.append)
    fetch, rows_ahead = (getattr(each, "py_func", each) for each in (ahead.fetch, ahead.rows_ahead))
    monkeypatch.setattr(ahead, "JIT_ENABLED", True)
    x = np.zeros((LANES_DOUBLE + 30, 5))
    for rows in (x, np.asfortranarray(x)):
        for start, n_parts in ((0, 14), (256, 14), (256, 400), (286, 14)):
            asked.clear()
            for part in range(n_parts):
                fetch(rows_ahead(rows, start, n_parts), part)
            block = rows[start : start + LANES_DOUBLE]
            pieces = [block] if rows is x else list(block.T)
            ends = [(piece.ctypes.data, piece.ctypes.data + piece.nbytes) for piece in pieces]
            assert all(any(begin <= each < end for begin, end in ends) for each in asked)
            assert {each // 64 for each in asked} >= {i for begin, end in ends for i in range(begin // 64, end // 64)}
    for others in (np.zeros((600, 10))[:, ::2], np.zeros((600, 10))[:, :2], x[::2]):
        assert not any(rows_ahead(others, 0, 2))


@pytest.mark.parametrize("n_features", [3, 4, 7, 8, 12, 16])
@pytest.mark.parametrize("n_centers", [1, 2, 5])
def test_squared_distances(n_features, n_centers):
    generator = np.random.default_rng(n_features)
    block, centers = generator.normal(size=(n_features, LANES_DOUBLE)), generator.normal(size=(n_centers, n_features))
    out = np.empty((n_centers, LANES_DOUBLE))
    squared_distances(block, centers, n_features, out)
    expected = ((block - centers[:, :, np.newaxis]) ** 2).sum(axis=1)
    np.testing.assert_allclose(out, expected, rtol=1e-14)


@pytest.mark.parametrize("n_features", [16, 19])
def test_distances_by_fours_have_the_same_bits(n_features):
    generator = np.random.default_rng(n_features)
    block, centers = generator.normal(size=(n_features, LANES_DOUBLE)), generator.normal(size=(8, n_features))
    out, expected = np.empty((8, LANES_DOUBLE)), np.empty((8, LANES_DOUBLE))
    distances_by_fours(block, centers, n_features, out)
    squared_distances(block, centers, n_features, expected)
    np.testing.assert_array_equal(out, expected)
