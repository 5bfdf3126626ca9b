"""The two passes over rows, for every covariance structure: one for EM, one for inference.

The unit of work is a superblock. Work that is not worth sharing out calls ``superblock`` from Python, one after
another; ``pass_parallel`` runs them in parallel. Both give the same bits. A serial driver would compile the same
code once more, and the parallel drivers are five lines each for the same reason: parallel compilation costs two to
three times the serial one. Everything is compiled anew for each kind of model, and only for those that are used.

Arrays are C-contiguous, but x may have any strides; it is read-only, so that every C-ordered input meets one
compiled signature per dtype and every other layout a second.
"""

import numpy as np

from .._jit import driver, entry, kernel, prange
from .blocks import buffer, fold, lanes, load_block, new_block
from .posterior import (
    collect,
    collect_weighted,
    exponentiate,
    load_given,
    load_labels,
    log_sum,
    multiply,
    row_maxima,
    store_labels,
    store_log_density,
    store_responsibilities,
)
from .structure import accumulate, log_density, scratch_rows


@entry
def superblock(model, x, given, labels, weights, slab):
    """One fused E and M pass over the rows `x` (S, D) into `slab`, which is overwritten.

    Where `given` (S, K) has rows, they are the responsibilities, and where `labels` (S,) has, they are the components
    that the rows belong to; then the E step is left out. Where `weights` (S,) has rows, each row counts as often as
    that says.
    """
    n_components = model.means.shape[0]
    block = new_block(x, model.means.shape[1])
    scratch = buffer(x, scratch_rows(model))
    half_logs = buffer(x, n_components)
    pair = buffer(x, 2)
    maxima, sums = pair[0], pair[1]
    products = np.empty(lanes(x), slab.dtype)
    products[:] = 1.0
    index = np.empty(lanes(x), np.int64)
    slab[:, :] = 0.0
    total = 0.0
    for start in range(0, x.shape[0], lanes(x)):
        n_rows = min(lanes(x), x.shape[0] - start)
        load_block(x, start, n_rows, model.origin, block)
        # For given responsibilities too: what it leaves in `scratch` is for `accumulate`.
        log_density(model, block, scratch, half_logs)
        if given.shape[0] + labels.shape[0] > 0:
            if given.shape[0] > 0:
                load_given(given, start, n_rows, half_logs, sums)
            else:
                load_labels(labels, start, n_rows, half_logs, sums)
            if weights.shape[0] > 0:
                multiply(sums, weights, start, n_rows)
        else:
            row_maxima(half_logs, sums, maxima)
            exponentiate(half_logs, maxima, sums)
            if weights.shape[0] > 0:
                total += collect_weighted(maxima, sums, weights, start, n_rows)
            else:
                total += collect(maxima, sums, n_rows, products)
        accumulate(model, block, half_logs, sums, scratch, index, slab)
    slab[n_components, 0] = total + log_sum(products) + model.unit[1] * counted(x, weights)


@kernel
def counted(x, weights):
    """Return the number of rows, or the sum of their `weights` if there are any."""
    if weights.shape[0] == 0:
        return np.float64(x.shape[0])
    total = 0.0
    for i in range(weights.shape[0]):
        total += weights[i]
    return total


@driver
def pass_parallel(run, model, x, given, labels, weights, rows, slabs, accumulator):
    """Run superblocks of `rows` rows of `x` (N, D) in parallel and add their sums to `accumulator` in row order.

    `run` is `superblock`, `by_address`.
    `given` (N, K) or (0, K) are responsibilities, `labels` (N,) or (0,) components, that replace the E step;
    `weights` are (N,) or (0,); `slabs` (ceil(N / rows), ...) is scratch.
    """
    for s in prange(slabs.shape[0]):
        a, b = s * rows, (s + 1) * rows
        run(model, x[a:b], given[a:b], labels[a:b], weights[a:b], slabs[s])
    fold(slabs, accumulator)


@entry
def evaluate_superblock(model, x, log_densities, responsibilities, labels):
    """Write what is wanted of each row `x` (S, D): arrays of length 0 are not."""
    block = new_block(x, model.means.shape[1])
    scratch = buffer(x, scratch_rows(model))
    half_logs = buffer(x, model.means.shape[0])
    pair = buffer(x, 2)
    maxima, sums = pair[0], pair[1]
    for start in range(0, x.shape[0], lanes(x)):
        n_rows = min(lanes(x), x.shape[0] - start)
        load_block(x, start, n_rows, model.origin, block)
        log_density(model, block, scratch, half_logs)
        row_maxima(half_logs, sums, maxima)
        if labels.shape[0] > 0:
            store_labels(half_logs, n_rows, maxima, labels[start:])
        if log_densities.shape[0] + responsibilities.shape[0] > 0:
            exponentiate(half_logs, maxima, sums)
        if log_densities.shape[0] > 0:
            store_log_density(n_rows, maxima, sums, model.unit[1], log_densities[start:])
        if responsibilities.shape[0] > 0:
            store_responsibilities(half_logs, n_rows, sums, responsibilities[start:])


@driver
def evaluate_parallel(run, model, x, rows, log_densities, responsibilities, labels):
    """Fill the outputs (N,), (N, K), (N,) that are not of length 0, superblocks in parallel.

    `run` is `evaluate_superblock`, `by_address`.
    """
    for s in prange(-(-x.shape[0] // rows)):
        a, b = s * rows, (s + 1) * rows
        run(model, x[a:b], log_densities[a:b], responsibilities[a:b], labels[a:b])
