"""Variances of equal volume and varying shape along known axes, see ``values.py``."""

import math

from ...._numba.options import part
from .common import inverse, total_of

# Halvings of the interval of a logarithm: 1e-16 of it is left.
HALVINGS = 55
# How often the floor may follow the variances: it does by the (D - 1)th root.
MOST_RAISED = 20


@part
def share_volume(sums, moments, least, hidden, values):
    """Write variances of one product over the axes: s_ki times volume / (prod_i s_ki)^(1/D).

    The volume is the mean of these roots. One that has no rows, or spread along some axes only, has no shape.
    """
    total, n_features = total_of(sums), moments.shape[1]
    volume, is_free, has_shapes = 0.0, True, True
    for k in range(moments.shape[0]):
        root = geometric_mean(moments[k])
        volume += sums[k] / total * root
        values[k, 0] = root
        has_shapes = has_shapes and root > 0.0
    for k in range(moments.shape[0]):
        factor = volume * inverse(values[k, 0])
        for i in range(n_features):
            values[k, i] = factor * moments[k, i]
            is_free = is_free and values[k, i] >= least[k, i]
    if not is_free or (least[0, 0] > 0.0 and not has_shapes):
        for _ in range(MOST_RAISED):
            share_volume_above(sums, moments, least, values)
            if not raise_least(moments, hidden, values, least):
                break


@part
def raise_least(moments, hidden, values, least):
    """Raise `least` (K, D) to what is `hidden` of components that are wider now; return whether it was by a tenth."""
    has_risen = False
    for k in range(values.shape[0]):
        before = after = 0.0
        for i in range(values.shape[1]):
            before += moments[k, i]
            after += values[k, i]
        wider = after * inverse(before)
        for i in range(values.shape[1]):
            has_risen = has_risen or wider * hidden[k, i] > 1.1 * least[k, i]
            least[k, i] = max(least[k, i], wider * hidden[k, i])
    return has_risen


@part
def geometric_mean(moments):
    """Return (prod_i s_i)^(1/D), 0 if one of them is.

    Exponents are apart, so that a power of two in the moments is one in the mean.
    """
    n, logarithm, exponents = moments.shape[0], 0.0, 0
    for i in range(n):
        if not moments[i] > 0.0:
            return 0.0
        fraction, exponent = math.frexp(moments[i])
        logarithm += math.log(fraction)
        exponents += exponent
    whole = exponents // n
    return math.ldexp(math.exp((logarithm + (exponents - whole * n) * math.log(2.0)) / n), whole)


@part
def share_volume_above(sums, moments, least, values):
    """Do what `share_volume` does where the floor takes part.

    With L the logarithm of the product of the variances the conditions of Karush, Kuhn and Tucker are

        v_ki = max(s_ki / m_k, least_ki),    sum_i log v_ki = L,    sum_k N_k m_k = sum_k N_k.

    The multipliers m_k fall with L, which is found by halving an interval.
    """
    n_components, n_features = moments.shape
    total = total_of(sums)
    low = -math.inf
    for k in range(n_components):
        low = max(low, log_product(least[k]))
    width = 1.0
    while pull(sums, moments, least, low + width) > total:
        width *= 2.0
    lower, upper = low, low + width
    for _ in range(HALVINGS):
        middle = 0.5 * (lower + upper)
        if pull(sums, moments, least, middle) > total:
            lower = middle
        else:
            upper = middle
    for k in range(n_components):
        multiplier = multiplier_of(moments[k], least[k], upper)
        rest = math.exp((upper - log_product(least[k])) / n_features) if multiplier == 0.0 else 1.0
        for i in range(n_features):
            values[k, i] = max(moments[k, i] * inverse(multiplier), rest * least[k, i])


@part
def log_product(values):
    """Return the sum of the logarithms of positive values (D,)."""
    logarithm = 0.0
    for i in range(values.shape[0]):
        logarithm += math.log(values[i])
    return logarithm


@part
def pull(sums, moments, least, logarithm):
    """Return sum_k N_k m_k where the product of variances has this logarithm."""
    total = 0.0
    for k in range(moments.shape[0]):
        total += sums[k] * multiplier_of(moments[k], least[k], logarithm)
    return total


@part
def multiplier_of(moments, least, logarithm):
    """Return m with sum_i log max(s_i / m, least_i) = `logarithm`; 0 if all moments are.

    It grows with each axis that is found at its floor, so that no axis leaves it again.
    """
    multiplier, n_free = 0.0, moments.shape[0] + 1
    while True:
        n_before, n_free, rest = n_free, 0, -logarithm
        for i in range(moments.shape[0]):
            if moments[i] > 0.0 and moments[i] >= multiplier * least[i]:
                n_free += 1
                rest += math.log(moments[i])
            else:
                rest += math.log(least[i])
        if n_free == 0 or n_free == n_before:
            return multiplier
        multiplier = math.exp(rest / n_free)
