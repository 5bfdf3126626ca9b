"""How small a half logarithm may be, by precision; compiled these are constants."""

import numpy as np

from ..._numba.options import replaces


def lowest(half_logs):
    """Return the lowest number of a dtype: finite, so that l - m is -inf and not NaN when every l is -inf."""
    return half_logs.dtype.type(np.finfo(half_logs.dtype).min)


@replaces(lowest, "float64")
def _lowest_double(half_logs):
    return -1.7976931348623157e308


@replaces(lowest, "float32")
def _lowest_single(half_logs):
    return np.float32(-3.4028235e38)


def cut_off(half_logs):
    """Return the number below which a half logarithm less the row's largest counts as -inf, in its dtype.

    Squares of roots, and products of these with two lengths z in units of a component's spread, shall not be
    subnormal: an addition or multiplication that meets such a number takes over 100 cycles on many processors, and of
    well separated components most are as small as that. z is a difference of numbers around 1, and so 0 or at least
    2^-53 (2^-24 in single precision), half the rounding of 1; r z^2 is normal where r >= 2^-865 (2^-78). What is
    neglected is below 2^-865 (2^-77) of a row, far below the rounding of any sum of rows.
    """
    return np.float32(-27.0) if half_logs.itemsize == 4 else -300.0


@replaces(cut_off, "float64")
def _cut_off_double(half_logs):
    return -300.0


@replaces(cut_off, "float32")
def _cut_off_single(half_logs):
    return np.float32(-27.0)
