"""Random numbers keyed by (seed, stream): to the bit those of ``np.random.Generator(np.random.Philox(key=...))``.

Philox4x64-10 is a function of a key and a counter, so streams need no state and no order: compiled code has that of a
problem at once. Reference: Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC '11.
"""

import numpy as np

from ..._numba.options import exact, part

# Of the paper: multipliers, and what keys are bumped by.
MULTIPLIERS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
BUMPS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
ROUNDS = 10
# Where a state (9,) uint64 has the key, the counter (64 of its 256 bits: nobody draws more), four numbers of a block
# and how many of these are used, and the upper half of a number of which the lower has been used, above `HALF`.
KEY, COUNTER, BLOCK, USED, KEPT = 0, 2, 3, 7, 8
N_WORDS = 9
HALF = np.uint64(1 << 32)
LOW = np.uint64(0xFFFFFFFF)
ZERO, ONE, FOUR = np.uint64(0), np.uint64(1), np.uint64(4)
SHIFT, LOST = np.uint64(32), np.uint64(11)
UNIT = 2.0**-53


@part
def high_product(a, b):
    """Return the upper 64 bits of the product of two 64-bit integers."""
    a_low, a_high, b_low, b_high = a & LOW, a >> SHIFT, b & LOW, b >> SHIFT
    middle = a_high * b_low + (a_low * b_low >> SHIFT)
    return a_high * b_high + (middle >> SHIFT) + ((a_low * b_high + (middle & LOW)) >> SHIFT)


@exact
def open_stream(seed, stream, state):
    """Let a state (9,) uint64 be about to draw the first number of a stream."""
    state[:] = ZERO
    state[KEY], state[KEY + 1], state[USED] = seed, stream, FOUR


@part
def next_block(state):
    """Fill the block of a state with the next four numbers."""
    state[COUNTER] += ONE
    a, b, c, d = state[COUNTER], ZERO, ZERO, ZERO
    key, other = state[KEY], state[KEY + 1]
    for _ in range(ROUNDS):
        low, other_low = MULTIPLIERS[0] * a, MULTIPLIERS[1] * c
        a, c = high_product(MULTIPLIERS[1], c) ^ b ^ key, high_product(MULTIPLIERS[0], a) ^ d ^ other
        b, d = other_low, low
        key, other = key + BUMPS[0], other + BUMPS[1]
    state[BLOCK], state[BLOCK + 1], state[BLOCK + 2], state[BLOCK + 3] = a, b, c, d
    state[USED] = ZERO


@part
def next_64(state):
    """Return the next 64 bits."""
    if state[USED] == FOUR:
        next_block(state)
    state[USED] += ONE
    return state[BLOCK - 1 + np.int64(state[USED])]


@part
def next_32(state):
    """Return the next 32 bits: the lower half of a number, and then, whatever comes in between, the upper."""
    if state[KEPT] != ZERO:
        kept = state[KEPT] & LOW
        state[KEPT] = ZERO
        return kept
    both = next_64(state)
    state[KEPT] = both >> SHIFT | HALF
    return both & LOW


@exact
def uniform(state):
    """Return what ``random()`` of NumPy's generator draws: a float64 from [0, 1)."""
    return np.float64(next_64(state) >> LOST) * UNIT


@exact
def below(state, n):
    """Return what ``integers(n)`` of NumPy's generator draws, for n < 2**32.

    Reference: Lemire (2019), Fast random integer generation in an interval, ACM TOMACS 29, 3.
    """
    if n == 1:
        return np.int64(0)
    span = np.uint64(n)
    product = next_32(state) * span
    if product & LOW < span:
        threshold = (HALF - span) % span
        while product & LOW < threshold:
            product = next_32(state) * span
    return np.int64(product >> SHIFT)
