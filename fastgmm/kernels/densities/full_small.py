"""Full covariance at D = 1, 2, 3, written out: everything of a component sits in registers.

The general kernels of ``full.py`` fill small triangles badly; here the density is one loop over the rows of a block.
The factors have a closed form.
"""

import math
from typing import Any, NamedTuple

from ..._numba.options import exact_task, implements
from ..._numba.pointers import view
from ..._numba.width import tile_vectors, wide_vectors
from ..blocks.ahead import fetch
from ..primitives.cholesky import OK as POSITIVE_DEFINITE
from ..primitives.cholesky import cholesky_2x2, cholesky_3x3
from ..sizes import lanes
from ..work import OK, SCRATCH, STATE
from .floor import against_floor
from .full import store_component
from .kinds import log_density


class Full1Density(NamedTuple):
    """`FullDensity` for D = 1."""

    factors: Any
    offsets: Any
    constants: Any


class Full2Density(NamedTuple):
    """`FullDensity` for D = 2."""

    factors: Any
    offsets: Any
    constants: Any


class Full3Density(NamedTuple):
    """`FullDensity` for D = 3; factors are padded to 4 x 4."""

    factors: Any
    offsets: Any
    constants: Any


@exact_task
def prepare_full_1(context, worker, first, end):
    """Task, see ``kinds``."""
    state, scratch = view(context, STATE), view(context, SCRATCH)
    a = scratch.matrices[worker, 0]
    code = OK
    for k in range(first, end):
        definite = state.covariances[k, 0, 0] > 0.0
        if definite:
            a[0, 0] = 1.0 / math.sqrt(state.covariances[k, 0, 0])
            store_component(context, k, a)
        code = against_floor(context, k, definite, a, code)
    return code


@exact_task
def prepare_full_2(context, worker, first, end):
    """Task, see ``kinds``."""
    state, scratch = view(context, STATE), view(context, SCRATCH)
    a = scratch.matrices[worker, 0]
    code = OK
    for k in range(first, end):
        s = state.covariances[k]
        status, l00, l10, l11 = cholesky_2x2(s[0, 0], s[1, 0], s[1, 1])
        if status == POSITIVE_DEFINITE:
            a[0, 0], a[1, 1] = 1.0 / l00, 1.0 / l11
            a[1, 0] = -l10 * a[0, 0] * a[1, 1]
            store_component(context, k, a)
        code = against_floor(context, k, status == POSITIVE_DEFINITE, a, code)
    return code


@exact_task
def prepare_full_3(context, worker, first, end):
    """Task, see ``kinds``."""
    state, scratch = view(context, STATE), view(context, SCRATCH)
    a = scratch.matrices[worker, 0]
    code = OK
    for k in range(first, end):
        s = state.covariances[k]
        status, l00, l10, l11, l20, l21, l22 = cholesky_3x3(s[0, 0], s[1, 0], s[1, 1], s[2, 0], s[2, 1], s[2, 2])
        if status == POSITIVE_DEFINITE:
            a[0, 0], a[1, 1], a[2, 2] = 1.0 / l00, 1.0 / l11, 1.0 / l22
            a[1, 0] = -l10 * a[0, 0] * a[1, 1]
            a[2, 1] = -l21 * a[1, 1] * a[2, 2]
            a[2, 0] = -(l20 * a[0, 0] + l21 * a[1, 0]) * a[2, 2]
            store_component(context, k, a)
        code = against_floor(context, k, status == POSITIVE_DEFINITE, a, code)
    return code


@implements(log_density, Full1Density)
def log_density_full_1(density, block, spare, half_logs, ahead):
    """See ``kinds``."""
    wide_vectors()
    for k in range(half_logs.shape[0]):
        constant, c0, a00 = density.constants[k], density.offsets[k, 0], density.factors[k, 0, 0]
        for b in range(lanes(block)):
            y0 = c0 + a00 * block[0, b]
            half_logs[k, b] = constant - y0 * y0


@implements(log_density, Full2Density)
def log_density_full_2(density, block, spare, half_logs, ahead):
    """See ``kinds``."""
    wide_vectors()
    for k in range(half_logs.shape[0]):
        fetch(ahead, k)
        constant, c0, c1 = density.constants[k], density.offsets[k, 0], density.offsets[k, 1]
        a00, a10, a11 = density.factors[k, 0, 0], density.factors[k, 1, 0], density.factors[k, 1, 1]
        for b in range(lanes(block)):
            x0, x1 = block[0, b], block[1, b]
            y0 = c0 + a00 * x0
            y1 = c1 + a10 * x0 + a11 * x1
            half_logs[k, b] = constant - y0 * y0 - y1 * y1


@implements(log_density, Full3Density)
def log_density_full_3(density, block, spare, half_logs, ahead):
    """See ``kinds``."""
    tile_vectors()
    for k in range(half_logs.shape[0]):
        fetch(ahead, k)
        constant, offset, a = density.constants[k], density.offsets[k], density.factors[k]
        c0, c1, c2 = offset[0], offset[1], offset[2]
        a00, a10, a11, a20, a21, a22 = a[0, 0], a[1, 0], a[1, 1], a[2, 0], a[2, 1], a[2, 2]
        for b in range(lanes(block)):
            x0, x1, x2 = block[0, b], block[1, b], block[2, b]
            y0 = c0 + a00 * x0
            y1 = c1 + a10 * x0 + a11 * x1
            y2 = c2 + a20 * x0 + a21 * x1 + a22 * x2
            half_logs[k, b] = (constant - y0 * y0 - y1 * y1) - y2 * y2
