"""Rotations of planes: the axes of a symmetric matrix, and those that several have to share.

Axes are the rows of an orthogonal matrix A (D, D); matrices S are held in them, as A S A^T, while they turn.
"""

import math

import numpy as np

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
def turn(matrix, axes, spare, k, turned):
    """Write A S A^T of a symmetric `matrix` S and `axes` A into ``turned[:, :, k]``, see `empty_turning`."""
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
            turned[j, i, k] = total


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
def empty_turning(n_components, n_features):
    """Return arrays for moments along axes that turn, (D, D, K) of which the upper half is used, and for `weigh`.

    Components lie side by side, because an angle is the same for all. Functions take the arrays one by one and index
    them: to slice one counts references, which takes longer than a plane of few features.
    """
    size = (n_features, n_components)
    return np.empty((n_features, n_features, n_components)), np.empty(size), np.empty(size)


@part
def weigh(sums, values, turned, weights, roots):
    """Write N_k / v_ki, -1 where there is no variance v_ki in `values` (K, D), and the roots of s_ki, (D, K)."""
    n_components, n = values.shape
    for i in range(n):
        for k in range(n_components):
            weights[i, k] = sums[k] / values[k, i] if values[k, i] > 0.0 else -1.0
            roots[i, k] = math.sqrt(abs(turned[i, i, k]))


@part
def turn_planes(sums, values, axes, turning):
    """Turn the shared `axes` plane by plane to where moments along them fit variances `values` (K, D) best.

    In a plane sum_k N_k (s_ki / v_ki + s_kj / v_kj) is P cos 2t + Q sin 2t of the angle t, and some constant, with

        u_k = N_k (1 / v_ki - 1 / v_kj),    P = sum_k u_k (s_kii - s_kjj) / 2,    Q = sum_k u_k s_kij.

    Returns whether any plane had to be turned.
    """
    turned, weights, roots = turning
    n = axes.shape[0]
    weigh(sums, values, turned, weights, roots)
    has_turned = False
    for i in range(n):
        for j in range(i + 1, n):
            p, q, noise = pull_of_plane(turned, weights, roots, i, j)
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
            turn_plane(turned, roots, i, j, cosine, sine)
            rotate(axes, i, j, cosine, sine)
    return has_turned


@part
def pull_of_plane(turned, weights, roots, i, j):
    """Return P and Q of a plane, see `turn_planes`, and what counts as 0."""
    p = q = noise = 0.0
    for k in range(weights.shape[1]):
        one, other = weights[i, k], weights[j, k]
        first, second = turned[i, i, k], turned[j, j, k]
        u = one - other if one >= 0.0 and other >= 0.0 else 0.0
        p += 0.5 * u * (first - second)
        q += u * turned[i, j, k]
        noise += abs(u) * (TOLERANCE * roots[i, k] * roots[j, k] + ROUNDING * (abs(first) + abs(second)))
    return p, q, noise


@part
def turn_plane(turned, roots, i, j, cosine, sine):
    """Turn axes `i` < `j` of the moments of all components, and write their roots of s_ki anew."""
    n, n_components = roots.shape
    for m in range(n):
        if m != i and m != j:
            a, b, c, d = min(i, m), max(i, m), min(j, m), max(j, m)
            for k in range(n_components):
                before = turned[a, b, k]
                turned[a, b, k] = cosine * before + sine * turned[c, d, k]
                turned[c, d, k] = cosine * turned[c, d, k] - sine * before
    for k in range(n_components):
        first, mixed, second = turned[i, i, k], turned[i, j, k], turned[j, j, k]
        upper, corner = cosine * first + sine * mixed, cosine * mixed + sine * second
        left, lower = cosine * mixed - sine * first, cosine * second - sine * mixed
        turned[i, i, k] = first = cosine * upper + sine * corner
        turned[i, j, k] = cosine * corner - sine * upper
        turned[j, j, k] = second = cosine * lower - sine * left
        roots[i, k], roots[j, k] = math.sqrt(abs(first)), math.sqrt(abs(second))
