"""Random numbers of a problem: a stream of its own, whatever the others are and in which order they come."""

from __future__ import annotations

import datetime
import hashlib
import numbers
import uuid
from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import check_integer, shown

MOST = 2**64 - 1


def stream(seed: int, key: Hashable) -> np.random.Generator:
    """Random numbers of a problem of `fit_many`: ``fit(X_b, random_state=stream(seed, key))`` is its fit.

    Parameters
    ----------
    seed : int
        From 0 to 2**64 - 1, the `random_state` of `fit_many`.
    key : hashable
        The index of the problem, or its label: a string, number, date, bytes, None, or a tuple of these.

    Returns
    -------
    numpy.random.Generator
        Over a counter-based `numpy.random.Philox`. An integer from 0 to 2**64 - 1 is the number of the stream itself;
        of any other label a hash is, which is the same in every process and on every machine.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it may be.
    """
    return generator_of(check_seed("seed", seed), number_of(key))


def generator_of(seed: int, number: int) -> np.random.Generator:
    """Return the random numbers of a stream, by its number."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, number], np.uint64)))


def streams_of(keys: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the numbers of the streams of labels (B,)."""
    if keys.dtype.kind == "u" or (keys.dtype.kind == "i" and keys.min() >= 0):
        return np.asarray(keys, np.uint64)
    return np.array([number_of(key) for key in keys], np.uint64)


def check_seed(name: str, seed: Any) -> int:
    """Return `seed` as an int below 2**64; TypeError or ValueError otherwise."""
    number: int = check_integer(name, seed, 0)
    if number > MOST:
        raise ValueError(f"{name} must be below 2**64, got {shown(number)}")
    return number


def number_of(key: Any) -> int:
    """Return the number of the stream of a label, from 0 to 2**64 - 1."""
    if isinstance(key, np.generic) and not isinstance(key, np.datetime64 | np.timedelta64):
        key = key.item()
    written = _written(key)
    number: int = int(key) if written.startswith("int:") else -1
    if not 0 <= number <= MOST:
        digest = hashlib.blake2b(written.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        number = int.from_bytes(digest)
    return number


def _written(key: Any) -> str:
    """Return a label as a text that no other label has; of equal labels it is the same."""
    if isinstance(key, str):
        return f"str:{str.__str__(key)}"
    if isinstance(key, tuple):
        # Lengths, because a text may hold anything.
        return "tuple:" + "".join(f"{len(text)}:{text}" for text in map(_written, key))
    if isinstance(key, np.datetime64 | np.timedelta64):
        return f"{type(key).__name__}:{key.astype(f'{key.dtype.kind}8[ns]')}"
    if isinstance(key, np.generic):
        key = key.item()
    if isinstance(key, numbers.Integral) or (isinstance(key, float) and key.is_integer()):
        return f"int:{int(key)}"
    if isinstance(key, datetime.date | datetime.time):
        return f"date:{key.isoformat()}"
    if isinstance(key, bytes):
        return f"bytes:{key.hex()}"
    if isinstance(key, float | uuid.UUID | None):
        return f"{type(key).__name__}:{key!r}"
    raise TypeError(
        f"a label must be a string, number, date, bytes, None or a tuple of these, got {shown(key)}: nobody "
        "knows whether others look the same in another process"
    )
