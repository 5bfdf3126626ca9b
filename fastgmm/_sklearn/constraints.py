"""What each constructor argument may be, in scikit-learn's words."""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .._checks import shown
from ..em.options import ACCELERATIONS
from ..em.start import METHODS
from ..model.structures import NAMES
from ..rows.missing.options import MISSING
from .classes import InvalidParameterError, scikit_class


def _interval(kind: Any, low: Any, text: str) -> tuple[Callable[[Any], object], str]:
    # An integer may have more digits than a float can.
    most = math.inf if kind is numbers.Integral else sys.float_info.max
    return lambda value: isinstance(value, kind) and low <= value <= most, f"{text} in the range [{low}, inf)"


def _choice(*options: str) -> tuple[Callable[[Any], object], str]:
    listed = ", ".join(repr(option) for option in options)
    return lambda value: isinstance(value, str) and value in options, f"a str among {{{listed}}}"


def _is_array_like(value: Any) -> bool:
    return value is None or (
        (hasattr(value, "__len__") or hasattr(value, "__array__")) and not isinstance(value, str)
    )


def _is_seed(value: Any) -> bool:
    if isinstance(value, numbers.Integral):
        return 0 <= int(value) < 2**32
    return value is None or isinstance(value, np.random.RandomState | np.random.Generator | np.random.SeedSequence)


_ARRAY_LIKE = (_is_array_like, "an array-like or None")
_COUNT = _interval(numbers.Integral, 1, "an int")
# Of arguments that scikit-learn does not have; of its own it takes True for 1.
_COUNT_OR_NONE = (
    lambda value: value is None or (type(value) is not bool and _COUNT[0](value)),
    "an int in the range [1, inf) or None",
)
_BOOLEAN = (lambda value: isinstance(value, bool | np.bool_), "an instance of 'bool' or an instance of 'numpy.bool'")
CONSTRAINTS: Mapping[str, tuple[Callable[[Any], object], str]] = {
    "n_components": _COUNT,
    "covariance_type": _choice(*NAMES),
    "tol": _interval(numbers.Real, 0.0, "a float"),
    "reg_covar": _interval(numbers.Real, 0.0, "a float"),
    "max_iter": _interval(numbers.Integral, 0, "an int"),
    "n_init": _COUNT,
    "init_params": _choice(*METHODS),
    "weights_init": _ARRAY_LIKE,
    "means_init": _ARRAY_LIKE,
    "precisions_init": _ARRAY_LIKE,
    "random_state": (
        _is_seed,
        "an int in the range [0, 4294967295], an instance of 'numpy.random.mtrand.RandomState', a NumPy Generator, "
        "a SeedSequence or None",
    ),
    "warm_start": _BOOLEAN,
    "verbose": (
        lambda value: isinstance(value, np.bool_ | numbers.Integral) and int(value) >= 0,
        "an int in the range [0, inf), an instance of 'bool' or an instance of 'numpy.bool'",
    ),
    "verbose_interval": _COUNT,
    "short_iter": _COUNT_OR_NONE,
    "acceleration": _choice(*ACCELERATIONS),
    "n_threads": _COUNT_OR_NONE,
    "missing": _choice(*MISSING),
}


def check_constructor_arguments(estimator: Any) -> None:
    """Raise `InvalidParameterError` for the first constructor argument that is not what it may be."""
    for name, (allowed, description) in CONSTRAINTS.items():  # and not what a subclass adds
        value = getattr(estimator, name)
        if not allowed(value):
            raise scikit_class(InvalidParameterError)(
                f"The {name!r} parameter of {type(estimator).__name__} must be {description}. Got {shown(value)} "
                "instead."
            )
