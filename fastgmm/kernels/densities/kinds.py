"""What a density has to provide, and what preparing one has in common.

A density is a named tuple of those arrays of a `Model` that it reads; passes know it by its type. Each file beside
this one has, for its kind,

* a task ``prepare_...`` that writes the factors, offsets and constants of components ``first`` to ``end`` from the
  parameters in the state, after `center`, and returns OK, or COMPONENT + k for a covariance that is not positive
  definite, or NARROW where some may lie below their floor (``floor.py``);
* an implementation of `log_density`;
* ``..._shape(K, D)``: the rows of a block P, and the shapes of factors and offsets;
* how many rows of scratch it takes.

Sums are float64 whatever the rows are. ``half_logs`` are log(w_k phi_k(x)) / 2 but for the constant ``unit[1] / 2``.
"""

import math

from ..._numba.options import generic, part
from ..._numba.pointers import view
from ..work import MODEL, STATE


@generic
def log_density(density, block, spare, half_logs, ahead):
    """Write log(w_k phi_k(x)) / 2, less ``unit[1] / 2``, of each lane of `block` (P, B) into `half_logs` (K, B).

    It asks for parts 0 to K - 1 of what is `ahead` (``blocks/ahead.py``) between components, where they take long
    enough. What it leaves in `spare` is there when the moments of the same block are summed: for a fused pair.
    """


@part
def center(context):
    """Fill the scales, the origin (the average of the means), the means less it, and the unit of the model.

    All are functions of the parameters alone, so that they do not depend on how rows arrive.
    """
    model, state = view(context, MODEL), view(context, STATE)
    set_scales(model.scales, state.covariances)
    n_components, n_features = state.means.shape
    means, scales, origin = state.means, model.scales, model.origin
    # By features inside, where no division waits for the one before (15 of 70 us at K = 64, D = 64), so in what the
    # pass that begins will overwrite.
    averages = state.first[0]
    for d in range(n_features):
        averages[d] = 0.0
    for k in range(n_components):
        mean = means[k]
        for d in range(n_features):
            averages[d] += (mean[d] - averages[d]) / (k + 1)
    for d in range(n_features):
        origin[d] = averages[d] * float(scales[d])
    for k in range(n_components):
        mean, centered = means[k], model.means[k]
        for d in range(n_features):
            centered[d] = mean[d] * float(scales[d]) - float(origin[d])
    if state.covariances[0, 0, 0] > 0.0:
        exponent = math.frexp(1.0 / math.sqrt(state.covariances[0, 0, 0]))[1]
        model.unit[0] = math.ldexp(1.0, -exponent)
        model.unit[1] = n_features * (exponent * math.log(2.0) - 0.5 * math.log(2.0 * math.pi))


@part
def is_spherical(model):
    """Whether a model is prepared for squared distances from its means, which moments of a fused pair read, too."""
    return model.offsets.shape == model.means.shape and model.factors.shape[1] * model.factors.shape[2] == 1


@part
def set_scales(scales, covariances):
    """Choose `scales` (D,) by the largest variance of each feature among the components."""
    for d in range(scales.shape[0]):
        variance = 0.0
        for k in range(covariances.shape[0]):
            variance = max(variance, variance_of(covariances, k, d))
        scales[d] = scale_of(scales, math.sqrt(variance))


@part
def set_scales_of(scales, spread):
    """Choose `scales` (D,) by the deviations `spread` (D,)."""
    for d in range(spread.shape[0]):
        scales[d] = scale_of(scales, spread[d])


@part
def variance_of(covariances, k, d):
    """Return the variance of component `k` and feature `d`, whatever the structure: (K or 1, D or 1, D or 1)."""
    n, rows, columns = covariances.shape
    return covariances[min(k, n - 1), min(d, rows - 1), min(d, columns - 1)]


@part
def scale_of(scales, deviation):
    """Return one over the power of two above `deviation`, within what the dtype of `scales` holds; 1 for 0 or inf."""
    if not 0.0 < deviation < math.inf:
        return 1.0
    most = 120 if scales.itemsize == 4 else 1000
    return math.ldexp(1.0, min(max(-math.frexp(deviation)[1], -most), most))


@part
def log_weight(weight):
    """Return log(weight), -inf for 0 (which plain Python refuses)."""
    return math.log(weight) if weight > 0.0 else -math.inf
