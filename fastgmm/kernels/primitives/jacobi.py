"""Eigenvalues and eigenvectors of a symmetric matrix, by one-sided Jacobi rotations of its rows.

For A = V diag(l) V^T the rows of V^T A are l_i v_i: rotating pairs of rows until all are orthogonal finds them, by
loops over rows, which lie in memory as they are read (Hestenes, 1958). Of rows U with U^T U = A they are
sqrt(l_i) v_i: from a factor with pivots even the least eigenvalues of a graded matrix have their digits (Demmel &
Veselic, 1992).
"""

import math

import numpy as np

from ..._numba.options import entry, exact

CONVERGED = 0
UNFINISHED = 1
NOT_CONVERGED = 2
# Rows are orthogonal when the cosine between them is so small: what it leaves in a quadratic form is its square.
ORTHOGONAL = 1e-13
# Each sweep over all pairs squares what is left; six to twelve do.
MOST_SWEEPS = 40
# What rounding leaves of a variance that others explain, as a share of it, a feature.
ROUNDING = 2.0**-52


@entry
def orthogonalise_rows(rows, least, place, most_rows):
    """Rotate pairs of `rows` (D, D), of a symmetric positive semidefinite matrix, until they are orthogonal.

    Row i is then an eigenvector times its eigenvalue. Rows whose squared lengths together are less than `least`
    are left alone: eigenvalues below the square root of half of it are not told apart. `place` (3,) int64, zeros to
    begin with, is where it is: the next row, rotations of this sweep, and sweeps. Returns CONVERGED, NOT_CONVERGED,
    or UNFINISHED after `most_rows` rows were held against those below them; then it is to be called again.
    """
    n = rows.shape[0]
    for _ in range(most_rows):
        p = place[0]
        if p >= n - 1:
            if place[1] == 0:
                return CONVERGED
            if place[2] == MOST_SWEEPS:
                return NOT_CONVERGED
            place[0], place[1], place[2] = 0, 0, place[2] + 1
            continue
        first = rows[p]
        for q in range(p + 1, n):
            second = rows[q]
            alpha = beta = gamma = 0.0
            for i in range(n):
                alpha += first[i] * first[i]
                beta += second[i] * second[i]
                gamma += first[i] * second[i]
            if alpha + beta < least or not abs(gamma) > ORTHOGONAL * math.sqrt(alpha) * math.sqrt(beta):
                continue
            place[1] += 1
            zeta = (beta - alpha) / (2.0 * gamma)
            tangent = math.copysign(1.0, zeta) / (abs(zeta) + math.sqrt(1.0 + zeta * zeta))
            cosine = 1.0 / math.sqrt(1.0 + tangent * tangent)
            sine = cosine * tangent
            for i in range(n):
                before = first[i]
                first[i] = cosine * before - sine * second[i]
                second[i] = sine * before + cosine * second[i]
        place[0] = p + 1
    return UNFINISHED


@exact
def diagonalise(matrix, axes):
    """Turn a positive semidefinite `matrix` (D, D) into its eigenvalues, and write its eigenvectors into `axes`.

    Both from the largest eigenvalue down; other elements of the matrix then mean nothing. At D = 256 it takes 30 ms
    (AMD Zen 4, one thread), and rotations of rows and columns of the matrix itself 750: columns leave the caches.
    """
    n = matrix.shape[0]
    least, place = np.empty(n), np.zeros(3, np.int64)
    factor_rows(matrix, axes, least)
    while orthogonalise_rows(axes, 0.0, place, n) == UNFINISHED:
        pass
    n_known = normalise_rows(matrix, axes)
    complete_axes(axes, n_known, least)


@entry
def factor_rows(matrix, rows, least):
    """Write U with U^T U = A into `rows` (D, D) for a semidefinite `matrix` A, which is overwritten, as `least` (D,).

    Pivots are the largest variances that are left; rows are 0 from where no more than rounding is. No element
    of a row is beyond the root of what is left of a variance: where A is indefinite by rounding, its error over the
    root of a small pivot would be an eigenvalue without bound.
    """
    n = matrix.shape[0]
    for i in range(n):
        least[i] = ROUNDING * n * matrix[i, i]
        for j in range(n):
            rows[i, j] = 0.0
    for r in range(n):
        pivot, largest = 0, 0.0
        for i in range(n):
            if matrix[i, i] > max(largest, least[i]):
                pivot, largest = i, matrix[i, i]
        if largest == 0.0:
            return
        row, source, scale = rows[r], matrix[pivot], 1.0 / math.sqrt(largest)
        for j in range(n):
            most = math.sqrt(max(matrix[j, j], 0.0))
            row[j] = min(max(source[j] * scale, -most), most)
        for i in range(n):
            left, share = matrix[i], row[i]
            for j in range(n):
                left[j] -= share * row[j]
        matrix[pivot, pivot] = 0.0


@entry
def normalise_rows(matrix, rows):
    """Let orthogonal `rows` (D, D) be of length 1, or 0, from the longest down; return how many are not 0.

    The squares of their lengths become the diagonal of `matrix`.
    """
    n = rows.shape[0]
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += rows[i, j] * rows[i, j]
        matrix[i, i] = total
    n_known = 0
    for i in range(n):
        largest = i
        for j in range(i + 1, n):
            if matrix[j, j] > matrix[largest, largest]:
                largest = j
        value, row, longest = matrix[largest, largest], rows[i], rows[largest]
        if value > 0.0:
            n_known, scale = n_known + 1, 1.0 / math.sqrt(value)
            for j in range(n):
                before = row[j]
                row[j] = longest[j] * scale
                if largest != i:
                    longest[j] = before
        matrix[largest, largest], matrix[i, i] = matrix[i, i], value
    return n_known


@entry
def complete_axes(axes, n_known, left):
    """Write rows orthogonal to the first `n_known` of `axes` (D, D), and to each other, below them.

    Each is of the feature of which most is `left` (D,), by Gram and Schmidt twice.
    """
    n = axes.shape[0]
    for j in range(n):
        left[j] = 1.0
    for i in range(n):
        axis = axes[i]
        if i >= n_known:
            most = 0
            for j in range(n):
                most = j if left[j] > left[most] else most
                axis[j] = 0.0
            axis[most] = 1.0
            for _ in range(2):
                for p in range(i):
                    subtract_part(axis, axes[p])
            total = 0.0
            for j in range(n):
                total += axis[j] * axis[j]
            scale = 1.0 / math.sqrt(total)
            for j in range(n):
                axis[j] *= scale
        for j in range(n):
            left[j] -= axis[j] * axis[j]


@entry
def subtract_part(row, axis):
    """Make a `row` (D,) orthogonal to an `axis` of length 1."""
    total = 0.0
    for j in range(row.shape[0]):
        total += row[j] * axis[j]
    for j in range(row.shape[0]):
        row[j] -= total * axis[j]
