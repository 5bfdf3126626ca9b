"""Rotations of planes: axes that several symmetric matrices have to share.

Axes are the rows of an orthogonal matrix A (D, D); matrices S are held in them, as A S A^T, while they turn.
"""

import math

import numpy as np

from ...._numba.options import part

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
    matrix[:] = 0.0
    for i in range(n):
        axis = axes[i]
        for p in range(n):
            row, scaled = matrix[p], values[i] * axis[p]
            for q in range(p + 1):
                row[q] += scaled * axis[q]
    for p in range(n):
        for q in range(p):
            matrix[q, p] = matrix[p, q]


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
