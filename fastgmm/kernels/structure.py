"""What a covariance structure has to provide: six functions of its *model*, a named tuple of arrays.

A model holds parameters in the form the density wants, in the dtype of the rows, and is what the passes
(``passes.py``) know a structure by. Its first three fields are the same for all:

``origin`` (D,)
    What is subtracted from every row on its way into a block, so that nothing is lost to data that lie far from zero.
``means`` (K, P)
    The component means less `origin`, padded with zeros like the rows of a block.
``unit`` (2,) float64
    A power of two u, about the standard deviation of the first feature, in which lengths are measured before their
    logarithm is taken, and what that and the factor (2 pi)^(-D/2) leave out of each row's log-density. So rows times
    a power of two give the same responsibilities to the last bit.

Sums are float64 whatever the rows are. In the implementations ``half_logs`` are log(w_k phi_k(x)) / 2 but for the
constant ``unit[1] / 2``, and ``roots`` exp of them, see ``posterior.py``; ``slab`` is what ``blocks.py`` describes.
"""

import math

import numpy as np

from .._jit import exact, generic, generic_exact, kernel
from .blocks import STEP

SMALLEST = 2.2250738585072014e-308


@generic_exact
def prepare(model, weights, means, covariances):
    """Fill `model` from float64 parameters.

    Returns -1, or the first component whose covariance is not positive definite.
    """


@generic
def scratch_rows(model):
    """Rows of scratch, each of one block's length, that `log_density` and `accumulate` share."""


@generic
def log_density(model, block, scratch, half_logs):
    """Write log(w_k phi_k(x)) / 2, less ``unit[1] / 2``, of each lane of `block` (P, B) into `half_logs` (K, B).

    What it leaves in `scratch` is there when `accumulate` is called for the same block.
    """


@generic
def accumulate(model, block, roots, scales, scratch, index, slab):
    """Add the moments of the block, r = roots^2 scales, to `slab`; `roots` and `scales` are overwritten.

    `scratch` has `scratch_rows` rows of a block, `index` (B,) integers.
    """


@generic_exact
def unpack(model, sums_of_rows, sums, first, second):
    """Write N_k (K,), first (K, D) and second moments from an accumulator (K + 1, pitch) or larger."""


@generic_exact
def maximize(model, sums, first, second, centers, reg_covar, weights, means, covariances):
    """Carry out the M step; the last three arguments are written, `model` only chooses the structure.

    With delta = first / N_k,

        w_k = N_k / sum N,    mu_k = centers_k + delta,    Sigma_k = second / N_k - delta delta^T + diag(reg_covar).

    delta tends to 0 with convergence, so the subtraction does not cancel, wherever the data lie. A component
    without rows keeps its centre and gets weight 0 and covariance diag(reg_covar), `reg_covar` (D,).
    """


@exact
def center(model, means):
    """Fill the origin, the average of the `means` (K, D), and the means less it.

    The origin is a function of the parameters alone, so that it does not depend on how rows arrive.
    """
    n_components, n_features = means.shape
    for d in range(n_features):
        average = 0.0
        for k in range(n_components):
            average += (means[k, d] - average) / (k + 1)
        model.origin[d] = average
        for k in range(n_components):
            model.means[k, d] = means[k, d] - np.float64(model.origin[d])


@exact
def centers_of(model, centers):
    """Write what the moments of a pass are taken about, (K, D): the means as `model` holds them after rounding."""
    for k in range(centers.shape[0]):
        for d in range(centers.shape[1]):
            centers[k, d] = np.float64(model.origin[d]) + np.float64(model.means[k, d])


@exact
def set_unit(model, inverse_deviation):
    """Choose ``model.unit`` given 1/sd of the first component and feature."""
    exponent = math.frexp(inverse_deviation)[1]
    model.unit[0] = math.ldexp(1.0, -exponent)
    model.unit[1] = model.origin.shape[0] * (exponent * math.log(2.0) - 0.5 * math.log(2.0 * math.pi))


@exact
def inverse(value):
    """Return 1 / value, or 0 for a component that has lost all its rows."""
    return 1.0 / value if value > SMALLEST else 0.0


@exact
def log_weight(weight):
    """Return log(weight), -inf for 0 (which plain Python refuses)."""
    return math.log(weight) if weight > 0.0 else -math.inf


@exact
def maximize_means(sums, first, centers, weights, means):
    """Write weights and means of the M step, which are the same for every structure."""
    total = 0.0
    for k in range(sums.shape[0]):
        total += sums[k]
    for k in range(sums.shape[0]):
        scale = inverse(sums[k])
        weights[k] = sums[k] / total if scale > 0.0 else 0.0
        for d in range(centers.shape[1]):
            means[k, d] = centers[k, d] + first[k, d] * scale


@kernel
def first_moments(roots, block, steps, mean, scaled, row):
    """Write s = sqrt(r) z into `scaled` (P, B) and add sum_b r z to `row` (P,), given `roots` sqrt(r) (B,).

    Over 16 `steps` lanes.
    """
    zero = block.dtype.type(0.0)
    for d in range(0, block.shape[0], 2):
        m0, m1 = mean[d], mean[d + 1]
        first0 = first1 = zero
        x0, x1, s0, s1 = block[d], block[d + 1], scaled[d], scaled[d + 1]
        for b in range(STEP * steps):
            value0 = roots[b] * (x0[b] - m0)
            value1 = roots[b] * (x1[b] - m1)
            s0[b] = value0
            s1[b] = value1
            first0 += roots[b] * value0
            first1 += roots[b] * value1
        row[d] += first0
        row[d + 1] += first1
