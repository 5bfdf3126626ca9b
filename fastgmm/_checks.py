"""What stands at every door: checks of arguments, and the caller's NumPy settings kept out.

Errors are one sentence: what was given, what is allowed. Checks of rows and their weights are in ``rows/check.py``,
those of parameters in ``model/check.py``.
"""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Seed = int | np.random.Generator | np.random.RandomState | np.random.SeedSequence | None
Function = TypeVar("Function", bound=Callable[..., Any])


def own_error_state(function: Function) -> Function:
    """Let `function` run with NumPy's floating-point errors ignored, whatever `np.seterr` says outside.

    The package looks at results instead. An argument ``callback=`` is the caller's code and runs in the caller's
    state.
    """

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        if callable(options.get("callback")):
            options["callback"] = _in_state(options["callback"], np.geterr())
        with np.errstate(all="ignore"):
            return function(*arguments, **options)

    return cast(Function, call)


def _in_state(callback: Callable[..., Any], state: Any) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        with np.errstate(**state):
            return callback(*arguments)

    return call


def as_numbers(name: str, values: Any, dtype: Any = np.float64) -> NDArray[Any]:
    """Return `values` as a C-contiguous copy of `dtype`; TypeError if they are not real numbers."""
    try:
        array = np.asarray(values)
        # A complex number would lose a part, a string be read as a number.
        if array.dtype.kind not in "biufO":
            raise TypeError
        return np.array(array, dtype=dtype, order="C")
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} must be an array of numbers, got {type(values).__name__}") from None


def check_integer(name: str, value: Any, minimum: int) -> int:
    """Return `value` as an int of at least `minimum`; TypeError or ValueError otherwise."""
    # The type first: the tests of abstract classes cost a microsecond each, in a small fit that takes a hundred.
    if type(value) is not int and (isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")
    return int(value)


def check_nonnegative(name: str, value: Any) -> float:
    """Return `value` as a finite float >= 0; TypeError or ValueError otherwise."""
    if type(value) is not float and (isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not 0.0 <= float(value) < math.inf:
        raise ValueError(f"{name} must be finite and not negative, got {value}")
    return float(value)


def check_reg_covar(value: Any) -> float | str:
    """Return `value` if it is "auto", else as a finite float >= 0."""
    return "auto" if isinstance(value, str) and value == "auto" else check_nonnegative("reg_covar", value)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Return `value` if it is one of `choices`; ValueError otherwise."""
    if not isinstance(value, str) or value not in choices:
        allowed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be {'one of ' if len(choices) > 1 else ''}{allowed}, got {value!r}")
    return value


def check_callback(callback: Any) -> Any:
    """Return `callback` if it is None or can be called; TypeError otherwise."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function or None, got {callback!r}")
    return callback


def check_random_state(random_state: Any) -> np.random.Generator:
    """Return a Generator: seeds go to `numpy.random.default_rng`, generators are used as they are."""
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError):
        raise ValueError(
            f"random_state must be None, a non-negative integer or a NumPy random generator, got {random_state!r}"
        ) from None
