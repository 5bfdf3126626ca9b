"""Full covariance at D = 1, 2, 3, written out: everything of a component sits in registers.

The general kernels of ``full.py`` fill small triangles badly and write the scaled rows to memory;
here the density is one loop over the rows of a block and the statistics are another. The factors have a closed form.
"""

import math

import numpy as np

from .._jit import implements
from .blocks import lanes
from .cholesky import OK, cholesky_2x2, cholesky_3x3
from .full import Full1, Full2, Full3, store_component
from .structure import accumulate, center, log_density, prepare, scratch_rows


@implements(prepare, Full1)
def prepare_1(model, weights, means, covariances):
    """See ``structure``."""
    center(model, means)
    a = np.empty((1, 1), covariances.dtype)
    for k in range(means.shape[0]):
        if not covariances[k, 0, 0] > 0.0:
            return k
        a[0, 0] = 1.0 / math.sqrt(covariances[k, 0, 0])
        store_component(model, k, weights[k], a)
    return -1


@implements(prepare, Full2)
def prepare_2(model, weights, means, covariances):
    """See ``structure``."""
    center(model, means)
    a = np.empty((2, 2), covariances.dtype)
    for k in range(means.shape[0]):
        s = covariances[k]
        status, l00, l10, l11 = cholesky_2x2(s[0, 0], s[1, 0], s[1, 1])
        if status != OK:
            return k
        a[0, 0], a[1, 1] = 1.0 / l00, 1.0 / l11
        a[1, 0] = -l10 * a[0, 0] * a[1, 1]
        store_component(model, k, weights[k], a)
    return -1


@implements(prepare, Full3)
def prepare_3(model, weights, means, covariances):
    """See ``structure``."""
    center(model, means)
    a = np.empty((3, 3), covariances.dtype)
    for k in range(means.shape[0]):
        s = covariances[k]
        status, l00, l10, l11, l20, l21, l22 = cholesky_3x3(s[0, 0], s[1, 0], s[1, 1], s[2, 0], s[2, 1], s[2, 2])
        if status != OK:
            return k
        a[0, 0], a[1, 1], a[2, 2] = 1.0 / l00, 1.0 / l11, 1.0 / l22
        a[1, 0] = -l10 * a[0, 0] * a[1, 1]
        a[2, 1] = -l21 * a[1, 1] * a[2, 2]
        a[2, 0] = -(l20 * a[0, 0] + l21 * a[1, 0]) * a[2, 2]
        store_component(model, k, weights[k], a)
    return -1


@implements(scratch_rows, Full1, Full2, Full3)
def scratch_rows_small(model):
    """None."""
    return 0


@implements(log_density, Full1)
def log_density_1(model, block, scratch, half_logs):
    """See ``structure``."""
    for k in range(half_logs.shape[0]):
        constant, c0, a00 = model.constants[k], model.offsets[k, 0], model.factors[k, 0, 0]
        for b in range(lanes(block)):
            y0 = c0 + a00 * block[0, b]
            half_logs[k, b] = constant - y0 * y0


@implements(accumulate, Full1)
def accumulate_1(model, block, roots, scales, scratch, index, slab):
    """See ``structure``."""
    for k in range(roots.shape[0]):
        m0 = model.means[k, 0]
        n = s0 = s00 = block.dtype.type(0.0)
        for b in range(lanes(block)):
            r = roots[k, b] * roots[k, b] * scales[b]
            z0 = block[0, b] - m0
            w0 = r * z0
            n += r
            s0 += w0
            s00 += w0 * z0
        slab[k, 0] += n
        slab[k, 1] += s0
        slab[k, 3] += s00


@implements(log_density, Full2)
def log_density_2(model, block, scratch, half_logs):
    """See ``structure``."""
    for k in range(half_logs.shape[0]):
        constant, c0, c1 = model.constants[k], model.offsets[k, 0], model.offsets[k, 1]
        a00, a10, a11 = model.factors[k, 0, 0], model.factors[k, 1, 0], model.factors[k, 1, 1]
        for b in range(lanes(block)):
            x0, x1 = block[0, b], block[1, b]
            y0 = c0 + a00 * x0
            y1 = c1 + a10 * x0 + a11 * x1
            half_logs[k, b] = constant - y0 * y0 - y1 * y1


@implements(accumulate, Full2)
def accumulate_2(model, block, roots, scales, scratch, index, slab):
    """See ``structure``."""
    for k in range(roots.shape[0]):
        m0, m1 = model.means[k, 0], model.means[k, 1]
        n = s0 = s1 = s00 = s10 = s11 = block.dtype.type(0.0)
        for b in range(lanes(block)):
            r = roots[k, b] * roots[k, b] * scales[b]
            z0, z1 = block[0, b] - m0, block[1, b] - m1
            w0, w1 = r * z0, r * z1
            n += r
            s0 += w0
            s1 += w1
            s00 += w0 * z0
            s10 += w1 * z0
            s11 += w1 * z1
        slab[k, 0] += n
        slab[k, 1] += s0
        slab[k, 2] += s1
        slab[k, 3] += s00
        slab[k, 5] += s10
        slab[k, 6] += s11


@implements(log_density, Full3)
def log_density_3(model, block, scratch, half_logs):
    """See ``structure``."""
    for k in range(half_logs.shape[0]):
        constant, offset, a = model.constants[k], model.offsets[k], model.factors[k]
        c0, c1, c2 = offset[0], offset[1], offset[2]
        a00, a10, a11, a20, a21, a22 = a[0, 0], a[1, 0], a[1, 1], a[2, 0], a[2, 1], a[2, 2]
        for b in range(lanes(block)):
            x0, x1, x2 = block[0, b], block[1, b], block[2, b]
            y0 = c0 + a00 * x0
            y1 = c1 + a10 * x0 + a11 * x1
            y2 = c2 + a20 * x0 + a21 * x1 + a22 * x2
            half_logs[k, b] = (constant - y0 * y0 - y1 * y1) - y2 * y2


@implements(accumulate, Full3)
def accumulate_3(model, block, roots, scales, scratch, index, slab):
    """See ``structure``."""
    for k in range(roots.shape[0]):
        m0, m1, m2 = model.means[k, 0], model.means[k, 1], model.means[k, 2]
        n = s0 = s1 = s2 = s00 = s10 = s11 = s20 = s21 = s22 = block.dtype.type(0.0)
        for b in range(lanes(block)):
            r = roots[k, b] * roots[k, b] * scales[b]
            z0, z1, z2 = block[0, b] - m0, block[1, b] - m1, block[2, b] - m2
            w0, w1, w2 = r * z0, r * z1, r * z2
            n += r
            s0 += w0
            s1 += w1
            s2 += w2
            s00 += w0 * z0
            s10 += w1 * z0
            s11 += w1 * z1
            s20 += w2 * z0
            s21 += w2 * z1
            s22 += w2 * z2
        slab[k, 0] += n
        slab[k, 1] += s0
        slab[k, 2] += s1
        slab[k, 3] += s2
        slab[k, 5] += s00
        slab[k, 9] += s10
        slab[k, 10] += s11
        slab[k, 13] += s20
        slab[k, 14] += s21
        slab[k, 15] += s22
