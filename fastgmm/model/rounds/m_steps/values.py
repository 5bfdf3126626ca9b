"""Volumes and shapes along known axes: variances v_ki of component k along axis i from the moments s_ki along it.

They maximise -1/2 sum_k N_k sum_i (log v_ki + s_ki / v_ki) with what is equal of

    v_ki = volume_k shape_ki,    prod_i shape_ki = 1,

and v_ki >= least_ki, the floor of the default regulariser: exactly where volumes or none or both are equal, block by
block (volumes given the shape, the shape given volumes) where the shape is.
"""

import numpy as np

from ...._numba.options import part
from .common import inverse, total_of
from .volume import share_volume

# Where blocks take turns they are done when no volume moves by more, relative to it; or after so many turns.
TOLERANCE = 1e-13
MOST_TURNS = 1000


@part
def empty_fit(n_components, n_features):
    """Return arrays for moments, least and hidden variances and values along axes, (K, D), and for volumes (K,)."""
    size = (n_components, n_features)
    return np.empty(size), np.empty(size), np.zeros(size), np.empty(size), np.empty(n_components)


@part
def fit_values(sums, moments, least, hidden, equal_volume, equal_shape, volumes, values):
    """Write variances into `values` (K, D), from `moments` (K, D), N_k in `sums` (K,) and `least` (K, D).

    `volumes` (K,), in any unit, are where equal shapes begin and end. `hidden` (K, D) is the part of `least` that
    grows with a component: what a flat one of a given volume extends to is not in its moments.
    """
    if equal_shape and equal_volume:
        pool(sums, moments, least, values)
    elif equal_shape:
        share_shape(sums, moments, least, volumes, values)
    elif equal_volume:
        share_volume(sums, moments, least, hidden, values)
    else:
        for k in range(moments.shape[0]):
            for i in range(moments.shape[1]):
                values[k, i] = max(moments[k, i], least[k, i])


@part
def pool(sums, moments, least, values):
    """Write the same variances for all components."""
    total = total_of(sums)
    for i in range(moments.shape[1]):
        value = low = 0.0
        for k in range(moments.shape[0]):
            value += sums[k] / total * moments[k, i]
            low = max(low, least[k, i])
        for k in range(moments.shape[0]):
            values[k, i] = max(value, low)


@part
def begin_volumes(sums, moments, volumes, values):
    """Write the volumes into `volumes` (K,) that are best for the shape of the pooled moments.

    They are numbers around 1, whatever the units of the axes are, and 1 where no component has any spread. `values`
    (K, D) is scratch.
    """
    total, n_features, highest = total_of(sums), moments.shape[1], 0.0
    for i in range(n_features):
        values[0, i] = 0.0
        for k in range(moments.shape[0]):
            values[0, i] += sums[k] / total * moments[k, i]
    for k in range(moments.shape[0]):
        volumes[k] = 0.0
        for i in range(n_features):
            volumes[k] += moments[k, i] * inverse(values[0, i]) / n_features
        highest = max(highest, volumes[k])
    if highest == 0.0:
        volumes[:] = 1.0


@part
def share_shape(sums, moments, least, volumes, values):
    """Write the variances volume_k shape_i: the best shape for the volumes and the best volumes for it, in turn.

    Both are maxima of a function that is concave in the logarithms, so that it rises whatever they begin with.
    """
    total, n_features = total_of(sums), moments.shape[1]
    shape = values[0]
    for _ in range(MOST_TURNS):
        for i in range(n_features):
            value = low = 0.0
            for k in range(moments.shape[0]):
                value += sums[k] / total * moments[k, i] * inverse(volumes[k])
                low = max(low, least[k, i] * inverse(volumes[k]))
            shape[i] = max(value, low)
        settled = True
        for k in range(moments.shape[0]):
            value = low = 0.0
            for i in range(n_features):
                value += moments[k, i] * inverse(shape[i])
                low = max(low, least[k, i] * inverse(shape[i]))
            volume = max(value / n_features, low)
            settled = settled and abs(volume - volumes[k]) <= TOLERANCE * volume
            volumes[k] = volume
        if settled:
            break
    for k in range(moments.shape[0] - 1, -1, -1):
        for i in range(n_features):
            values[k, i] = volumes[k] * shape[i]
