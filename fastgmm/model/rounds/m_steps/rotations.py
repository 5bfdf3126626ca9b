"""Rotations of planes: the axes of a symmetric matrix, and those that several have to share.

Axes are the rows of an orthogonal matrix A (D, D); matrices S are held in them, as A S A^T, while they turn.
"""

import math

from ...._numba.options import part

# Cosines between rows that count as 0, and sweeps over all planes, of one matrix: six to twelve do.
ORTHOGONAL = 2.0**-53
MOST_SWEEPS = 30
# The derivative of the expected log-likelihood by an angle that counts as 0, as a share of what it is made of; and
# what rounding leaves of it.
TOLERANCE = 1e-11
ROUNDING = 2.0**-51


@part
def rotate(matrix, i, j, cosine, sine):
    """Turn rows `i` and `j`: the first becomes cosine times itself and sine times the second."""
    for m in range(matrix.shape[1]):
        before = matrix[i, m]
        matrix[i, m] = cosine * before + sine * matrix[j, m]
        matrix[j, m] = cosine * matrix[j, m] - sine * before


@part
def rotate_both(matrix, i, j, cosine, sine):
    """Turn rows and columns `i` and `j` of a symmetric matrix."""
    rotate(matrix, i, j, cosine, sine)
    for m in range(matrix.shape[0]):
        before = matrix[m, i]
        matrix[m, i] = cosine * before + sine * matrix[m, j]
        matrix[m, j] = cosine * matrix[m, j] - sine * before


@part
def diagonalise(matrix, axes):
    """Turn a positive semidefinite `matrix` (D, D) into its eigenvalues, and write its eigenvectors into `axes`.

    Both from the largest eigenvalue down, by Jacobi's rotations.
    """
    n = matrix.shape[0]
    for i in range(n):
        for j in range(n):
            axes[i, j] = 1.0 if i == j else 0.0
    for _ in range(MOST_SWEEPS):
        is_done = True
        for i in range(n):
            for j in range(i + 1, n):
                size = math.sqrt(abs(matrix[i, i])) * math.sqrt(abs(matrix[j, j]))
                if not abs(matrix[i, j]) > ORTHOGONAL * size:
                    continue
                is_done = False
                zeta = (matrix[j, j] - matrix[i, i]) / (2.0 * matrix[i, j])
                tangent = -math.copysign(1.0, zeta) / (abs(zeta) + math.sqrt(1.0 + zeta * zeta))
                cosine = 1.0 / math.sqrt(1.0 + tangent * tangent)
                rotate_both(matrix, i, j, cosine, cosine * tangent)
                rotate(axes, i, j, cosine, cosine * tangent)
                matrix[i, j] = matrix[j, i] = 0.0
        if is_done:
            break
    for i in range(n):
        largest = i
        for j in range(i + 1, n):
            if matrix[j, j] > matrix[largest, largest]:
                largest = j
        if largest != i:
            matrix[i, i], matrix[largest, largest] = matrix[largest, largest], matrix[i, i]
            for m in range(n):
                axes[i, m], axes[largest, m] = axes[largest, m], axes[i, m]


@part
def turn(matrix, axes, spare):
    """Replace a symmetric `matrix` S by A S A^T, for `axes` A; `spare` (D, D) is scratch."""
    n = matrix.shape[0]
    for i in range(n):
        for j in range(n):
            spare[i, j] = 0.0
        for m in range(n):
            for j in range(n):
                spare[i, j] += axes[i, m] * matrix[m, j]
    for i in range(n):
        for j in range(i + 1):
            total = 0.0
            for m in range(n):
                total += spare[i, m] * axes[j, m]
            matrix[i, j] = matrix[j, i] = total


@part
def compose(values, axes, matrix):
    """Write sum_i values_i a_i a_i^T into `matrix` (D, D), for the rows a_i of `axes`."""
    n = matrix.shape[0]
    for p in range(n):
        for q in range(p + 1):
            total = 0.0
            for i in range(n):
                total += values[i] * axes[i, p] * axes[i, q]
            matrix[p, q] = matrix[q, p] = total


@part
def turn_planes(sums, matrices, values, axes):
    """Turn the shared `axes` plane by plane to where `matrices` (K, D, D) fit variances `values` (K, D) best.

    In a plane sum_k N_k (s_ki / v_ki + s_kj / v_kj) is P cos 2t + Q sin 2t of the angle t, and some constant, with

        u_k = N_k (1 / v_ki - 1 / v_kj),    P = sum_k u_k (s_kii - s_kjj) / 2,    Q = sum_k u_k s_kij.

    Returns whether any plane had to be turned.
    """
    n_components, n = values.shape
    has_turned = False
    for i in range(n):
        for j in range(i + 1, n):
            p = q = noise = 0.0
            for k in range(n_components):
                first, second = matrices[k, i, i], matrices[k, j, j]
                if not (values[k, i] > 0.0 and values[k, j] > 0.0):
                    continue
                u = sums[k] * (1.0 / values[k, i] - 1.0 / values[k, j])
                p += 0.5 * u * (first - second)
                q += u * matrices[k, i, j]
                size = TOLERANCE * math.sqrt(abs(first)) * math.sqrt(abs(second))
                noise += abs(u) * (size + ROUNDING * (abs(first) + abs(second)))
            if not (abs(q) > noise or p > noise):
                continue
            has_turned = True
            length = math.hypot(p, q)
            if p <= 0.0:
                cosine = math.sqrt(0.5 * (1.0 - p / length))
                sine = -0.5 * q / length / cosine
            else:
                sine = -math.copysign(math.sqrt(0.5 * (1.0 + p / length)), q)
                cosine = -0.5 * q / length / sine
            for k in range(n_components):
                rotate_both(matrices[k], i, j, cosine, sine)
            rotate(axes, i, j, cosine, sine)
    return has_turned
