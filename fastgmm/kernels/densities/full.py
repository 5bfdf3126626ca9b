"""Full covariance, any D from 4 on: the product runs as the register tiles of ``primitives/tiles.py``."""

import math
from typing import Any, NamedTuple

from ..._numba.options import exact_task, implements, part
from ..._numba.pointers import view
from ..._numba.width import tile_vectors
from ..blocks.ahead import fetch
from ..primitives.cholesky import NOT_POSITIVE_DEFINITE, cholesky, invert_lower
from ..primitives.tiles import less_distance
from ..sizes import tiled
from ..work import MODEL, OK, SCRATCH, STATE
from .floor import against_floor
from .kinds import log_density, log_weight


class FullDensity(NamedTuple):
    """log(w phi(x)) / 2 = constant - |factor x + offset|^2, P as `tiled` says.

    factors (K, P, P) are A / 2 with A = L^-1 and Sigma = L L^T; offsets (K, P) are -A (mean - origin) / 2;
    constants (K,) are (log w + log det u A) / 2.
    """

    factors: Any
    offsets: Any
    constants: Any


def full_shape(n_components, n_features):
    """Rows of a block, and the shapes of factors and offsets."""
    size = tiled(n_features)
    return size, (n_components, size, size), (n_components, size)


@exact_task
def prepare_full(context, worker, first, end):
    """Task, see ``kinds``."""
    state, scratch = view(context, STATE), view(context, SCRATCH)
    factor, inverse_factor = scratch.matrices[worker, 0], scratch.matrices[worker, 1]
    code = OK
    for k in range(first, end):
        definite = cholesky(state.covariances[k], factor) != NOT_POSITIVE_DEFINITE
        if definite:
            invert_lower(factor, inverse_factor)
            store_component(context, k, inverse_factor)
        code = against_floor(context, k, definite, inverse_factor, code)
    return code


@part
def store_component(context, k, inverse_factor):
    """Write component `k` into the model, given A = L^-1 in the lower triangle of `inverse_factor` (D, D)."""
    model = view(context, MODEL)
    n_features = model.scales.shape[0]
    constant = log_weight(view(context, STATE).weights[k])
    for i in range(n_features):
        constant += math.log(inverse_factor[i, i] * model.unit[0])
        offset = 0.0
        for j in range(i + 1):
            half = 0.5 * inverse_factor[i, j] / float(model.scales[j])
            model.factors[k, i, j] = half
            offset -= half * float(model.means[k, j])
        model.offsets[k, i] = offset
    model.constants[k] = 0.5 * constant


@implements(log_density, FullDensity)
def log_density_full(density, block, spare, half_logs, ahead):
    """See ``kinds``; four rows of `spare`."""
    tile_vectors()
    for k in range(half_logs.shape[0]):
        fetch(ahead, k)
        less_distance(density.constants[k], density.factors[k], density.offsets[k], block, spare, half_logs[k])
