"""Cholesky factorisation by hand: 2 x 2 and 3 x 3 in closed form, D x D row by row, and the inverse of the factor.

For Sigma = L L^T and A = L^-1, both lower triangular, the Mahalanobis distance of z is |A z|^2 and
log det Sigma = -2 sum_i log A_ii. scikit-learn's ``precisions_cholesky_`` is A^T.

Functions return a status code and never raise: an exception inside a parallel loop makes the loop serial.
"""

import math

from ..._numba.options import entry, exact

OK = 0
NOT_POSITIVE_DEFINITE = 1
WRONG_SIZE = 2


@exact
def cholesky_2x2(s00, s10, s11):
    """Factor ((s00, s10), (s10, s11)); return (status, l00, l10, l11), zeros unless status is OK."""
    if not s00 > 0.0:
        return NOT_POSITIVE_DEFINITE, 0.0, 0.0, 0.0
    l00 = math.sqrt(s00)
    l10 = s10 / l00
    pivot = s11 - l10 * l10
    if not pivot > 0.0:
        return NOT_POSITIVE_DEFINITE, 0.0, 0.0, 0.0
    return OK, l00, l10, math.sqrt(pivot)


@exact
def cholesky_3x3(s00, s10, s11, s20, s21, s22):
    """Factor a symmetric matrix; return (status, l00, l10, l11, l20, l21, l22), zeros unless status is OK."""
    status, l00, l10, l11 = cholesky_2x2(s00, s10, s11)
    if status != OK:
        return status, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    l20 = s20 / l00
    l21 = (s21 - l20 * l10) / l11
    pivot = s22 - l20 * l20 - l21 * l21
    if not pivot > 0.0:
        return NOT_POSITIVE_DEFINITE, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    return OK, l00, l10, l11, l20, l21, math.sqrt(pivot)


@entry
def cholesky(matrix, factor):
    """Write the lower factor of the symmetric `matrix` (D, D) into the lower triangle of `factor`.

    Only the lower triangle of `matrix` is read, and it may be `factor` itself. Returns OK;
    NOT_POSITIVE_DEFINITE at the first pivot that is not positive (NaN included): `factor` is then unfinished;
    WRONG_SIZE if either is too small: then nothing is written.
    """
    n = matrix.shape[0]
    if matrix.shape[1] < n or factor.shape[0] < n or factor.shape[1] < n:
        return WRONG_SIZE
    for i in range(n):
        for j in range(i):
            value = matrix[i, j]
            for p in range(j):
                value -= factor[i, p] * factor[j, p]
            factor[i, j] = value / factor[j, j]
        pivot = matrix[i, i]
        for p in range(i):
            pivot -= factor[i, p] * factor[i, p]
        if not pivot > 0.0:
            return NOT_POSITIVE_DEFINITE
        factor[i, i] = math.sqrt(pivot)
    return OK


@entry
def invert_lower(factor, inverse):
    """Write the inverse of the lower triangular `factor` (D, D) into the lower triangle of `inverse`.

    Row i of A is -(sum of l_ip times row p, p < i) / l_ii, and 1 / l_ii: row by row, because columns do not fill
    SIMD lanes (9 microseconds instead of 31 at D = 64). `inverse` must not be `factor`. Returns OK, or WRONG_SIZE if
    either is too small; then nothing is written.
    """
    n = factor.shape[0]
    if factor.shape[1] < n or inverse.shape[0] < n or inverse.shape[1] < n:
        return WRONG_SIZE
    for i in range(n):
        row = inverse[i]
        for j in range(i):
            row[j] = 0.0
        for p in range(i):
            above = inverse[p]
            for j in range(p + 1):
                row[j] += factor[i, p] * above[j]
        for j in range(i):
            row[j] = -row[j] / factor[i, i]
        row[i] = 1.0 / factor[i, i]
    return OK
