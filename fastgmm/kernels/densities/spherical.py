"""Spherical covariance, one variance a component: squared distances."""

import math
from typing import Any, NamedTuple

from ..._numba.options import exact_task, implements
from ..._numba.pointers import view
from ..._numba.width import tile_vectors
from ..primitives.distances import GROUP, distances_of_group
from ..sizes import lanes
from ..work import MODEL, OK, STATE
from .floor import variances_against_floor
from .kinds import log_density, log_weight


class SphericalDensity(NamedTuple):
    """log(w phi(x)) / 2 - unit[1] / 2 = constant - factor |x - mean|^2.

    offsets (K, D) are the means less the origin, of features in the same unit; factors (K, 1, 1) are 1 / (4
    variance); constants (K,) are (log w - D log(sd / u)) / 2. It leaves |x - mean|^2 in the first K rows of the
    scratch.
    """

    offsets: Any
    factors: Any
    constants: Any


def spherical_shape(n_components, n_features):
    """Rows of a block, and the shapes of factors and offsets."""
    return n_features, (n_components, 1, 1), (n_components, n_features)


@exact_task
def prepare_spherical(context, worker, first, end):
    """Task, see ``kinds``."""
    model, state = view(context, MODEL), view(context, STATE)
    n_features = model.scales.shape[0]
    scale = float(model.scales[0])
    code = OK
    for k in range(first, end):
        code = variances_against_floor(context, k, code)
        if code != OK:
            continue
        variance = state.covariances[k, 0, 0]
        model.factors[k, 0, 0] = 0.25 / (variance * scale * scale)
        for d in range(n_features):
            model.offsets[k, d] = model.means[k, d]
        logarithm = math.log(1.0 / math.sqrt(variance) * model.unit[0])
        model.constants[k] = 0.5 * (log_weight(state.weights[k]) + n_features * logarithm)
    return code


@implements(log_density, SphericalDensity)
def log_density_spherical(density, block, spare, half_logs, ahead):
    """See ``kinds``."""
    tile_vectors()
    n_components = half_logs.shape[0]
    for first in range(0, n_components, GROUP):
        last = min(first + GROUP, n_components)
        distances_of_group(block, density.offsets[first:last], block.shape[0], spare[first:])
        for k in range(first, last):
            constant, factor = density.constants[k], density.factors[k, 0, 0]
            for b in range(lanes(block)):
                half_logs[k, b] = constant - factor * spare[k, b]
