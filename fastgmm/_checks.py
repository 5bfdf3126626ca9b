"""What stands at every door: checks of arguments, and the caller's NumPy settings kept out.

Errors are one sentence: what was given, what is allowed. Checks of rows and their weights are in ``rows/check.py``,
those of parameters in ``model/check.py``.
"""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Seed = int | np.random.Generator | np.random.RandomState | np.random.SeedSequence | None
Function = TypeVar("Function", bound=Callable[..., Any])
Value = TypeVar("Value")
# Compiled code counts in 64 bits, to one more.
MOST_ROUNDS = 2**63 - 2


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


def shown(value: Any) -> str:
    """Return how `value` looks in a sentence: on one line, and short."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # Python prints no integer of more than 4300 digits
        text = f"{type(value).__name__} too long to print"
    return text if len(text) <= 80 else f"{text[:77]}..."


def refuse_masked(name: str, values: Any, way_out: str = "") -> None:
    """Raise ValueError for a masked array in which something is masked: what lies below the mask is not data."""
    if np.ma.is_masked(values):
        raise ValueError(f"{name} is a masked array with masked values; drop or impute these rows first{way_out}")


def as_numbers(name: str, values: Any, dtype: Any = np.float64) -> NDArray[Any]:
    """Return `values` as a C-contiguous copy of `dtype`; TypeError if they are not real numbers.

    What is missing becomes NaN, and an integer beyond what float64 holds infinity, for who calls it to refuse.
    """
    refuse_masked(name, values)
    given = type(values).__name__
    try:
        array = np.asarray(values)
        # A complex number would lose a part, a string be read as a number.
        if array.dtype.kind not in "biufO":
            given += f" of {array.dtype}"
            raise TypeError
        return np.array(floats_of(array) if array.dtype.kind == "O" else array, dtype=dtype, order="C")
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers, got {given}") from None


def floats_of(objects: NDArray[Any]) -> NDArray[np.float64]:
    """Return an array of Python objects as float64: missing ones as NaN, numbers beyond it as infinity.

    Raises
    ------
    NotNumbersError
        If there is anything else than real numbers, such as a string of digits, or a complex number.
    """
    # By name what would have to be imported: a Decimal is no `numbers.Real`, and NA is pandas'.
    kinds = set(map(type, objects.flat))
    # NumPy has durations among its integers.
    others = {kind for kind in kinds if not issubclass(kind, numbers.Real | np.bool_) or kind is np.timedelta64}
    missing = {kind for kind in others if kind is type(None) or kind.__name__ == "NAType"}
    wrong = {kind for kind in others - missing if kind.__name__ != "Decimal"}
    if wrong:
        raise NotNumbersError(next(i for i, value in enumerate(objects.flat) if type(value) in wrong), objects)
    if missing:
        objects = np.frompyfunc(lambda value: math.nan if type(value) in missing else value, 1, 1)(objects)
    try:
        return np.asarray(objects, np.float64)
    except (OverflowError, ValueError):
        return np.asarray(np.frompyfunc(_float_of, 1, 1)(objects), np.float64)


def _float_of(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except ValueError:  # decimal's signalling NaN
        return math.nan


class NotNumbersError(TypeError):
    """A value that is no real number: `value`, and its place in the array, `index`."""

    def __init__(self, position: int, objects: NDArray[Any]) -> None:
        self.index = tuple(int(i) for i in np.unravel_index(position, objects.shape))
        self.value = objects[self.index]
        super().__init__(f"argument must be a real number, not {shown(self.value)}")


def check_integer(name: str, value: Any, minimum: int) -> int:
    """Return `value` as an int of at least `minimum`; TypeError or ValueError otherwise."""
    # The type first: the tests of abstract classes cost a microsecond each, in a small fit that takes a hundred.
    if type(value) is not int and (isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral)):
        raise TypeError(f"{name} must be an integer, got {shown(value)}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {shown(int(value))}")
    return int(value)


def check_nonnegative(name: str, value: Any) -> float:
    """Return `value` as a finite float >= 0; TypeError or ValueError otherwise."""
    number = _real(name, value)
    if not 0.0 <= number < math.inf:
        raise ValueError(f"{name} must be finite and not negative, got {shown(number)}")
    return number


def check_finite(name: str, value: Any) -> float:
    """Return `value` as a finite float; TypeError or ValueError otherwise."""
    number = _real(name, value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {shown(number)}")
    return number


def _real(name: str, value: Any) -> float:
    if type(value) is not float and (isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real)):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    return value if type(value) is float else _float_of(value)


def check_reg_covar(value: Any) -> float | str:
    """Return `value` if it is "auto", else as a finite float >= 0."""
    return "auto" if isinstance(value, str) and value == "auto" else check_nonnegative("reg_covar", value)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Return `value` if it is one of `choices`; ValueError otherwise."""
    if not isinstance(value, str) or value not in choices:
        allowed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be {'one of ' if len(choices) > 1 else ''}{allowed}, got {shown(value)}")
    return value


def distinct(name: str, values: Any, check: Callable[[Any], Value]) -> list[Value]:
    """Return the checked values of a list or the like, at least one and none twice; a single value is one of one."""
    single = isinstance(values, str) or not isinstance(values, Iterable) or getattr(values, "ndim", 1) == 0
    checked: dict[Value, None] = {}
    for value in map(check, [values] if single else values):
        if value in checked:
            raise ValueError(f"{name} must not have a value twice, got {shown(value)} twice")
        checked[value] = None
    if not checked:
        raise ValueError(f"{name} must have at least one value, got none")
    return list(checked)


def check_callback(callback: Any) -> Any:
    """Return `callback` if it is None or can be called; TypeError otherwise."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function or None, got {shown(callback)}")
    return callback


def check_random_state(random_state: Any) -> np.random.Generator:
    """Return a Generator: seeds go to `numpy.random.default_rng`, generators are used as they are."""
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError):
        raise ValueError(
            "random_state must be None, a non-negative integer or a NumPy random generator, got "
            f"{shown(random_state)}"
        ) from None
