"""Many fits in one call: each is the fit of its rows alone, to the bit."""

import datetime

import numpy as np
import pytest

import fastgmm
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.kernels.primitives import philox


def drawn(seed, key, bounds):
    """Return integers below `bounds` and as many uniforms of a stream, as compiled code draws them."""
    state = np.empty(philox.N_WORDS, np.uint64)
    with np.errstate(over="ignore"):  # interpreted, NumPy would tell that 64 bits overflow
        philox.open_stream(np.uint64(seed), np.uint64(key), state)
        return [(philox.below(state, n), philox.uniform(state)) for n in bounds]


@pytest.mark.parametrize("seed", [0, 1, 2**63 + 11])
def test_compiled_random_numbers_are_numpys(seed):
    # Just above 2**31 nearly half of the numbers are drawn anew.
    bounds = [1, 2, 3, 7, 200, 1, 12345, 2**31 + 1, 2**31 + 1, 3_000_000_001, 2**32 - 1] * (40 if JIT_ENABLED else 2)
    for key in (0, 5, 2**64 - 1):
        generator = fastgmm.stream(seed, key)
        assert drawn(seed, key, bounds) == [(generator.integers(n), generator.random()) for n in bounds]


def test_streams_of_labels():
    def first(key, seed=0):
        return fastgmm.stream(seed, key).integers(2**63)

    labels = ["a", "b", "1", b"a", 1, -1, 2**64, 1.5, None, (1, "a"), ("1", "a"), ("1:a",), datetime.date(2024, 1, 2)]
    assert len({first(label) for label in labels}) == len(labels)
    # Equal labels have equal streams, and it is the same stream in every process.
    for same, label in [(True, 1), (1.0, 1), (np.int32(7), 7), (np.str_("a"), "a"), (np.float64(1.5), 1.5)]:
        assert first(same) == first(label)
    assert fastgmm.stream(3, 4).bit_generator.state["state"]["key"].tolist() == [3, 4]
    assert fastgmm.stream(0, "TP53").bit_generator.state["state"]["key"].tolist() == [0, 0]
    with pytest.raises(TypeError, match="a label must be a string, number"):
        fastgmm.stream(0, object())
    with pytest.raises(ValueError, match="seed must be below"):
        fastgmm.stream(2**64, 0)
