"""Eigenvalues and eigenvectors of a symmetric matrix, by one-sided Jacobi rotations of its rows.

For A = V diag(l) V^T the rows of V^T A are l_i v_i: rotating pairs of rows until all are orthogonal finds them, by
loops over rows, which lie in memory as they are read (Hestenes, 1958; Demmel & Veselic, 1992, for its accuracy on
graded matrices).
"""

import math

from ..._numba.options import entry

CONVERGED = 0
UNFINISHED = 1
NOT_CONVERGED = 2
# Rows are orthogonal when the cosine between them is so small: what it leaves in a quadratic form is its square.
ORTHOGONAL = 1e-13
# Each sweep over all pairs squares what is left; six to twelve do.
MOST_SWEEPS = 40


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
