"""Mean and variance of each feature over all rows, and the share of it that regularises covariances."""

import numpy as np

from .._jit import entry, exact
from .blocks import lanes, load_block, new_block

EPSILON = 2.220446049250313e-16


@entry
def column_sums(x, weights, origin, sums):
    """Add sum z and sum z^2 of each feature, z = x - origin, over the rows `x` (N, D) to `sums` (2, D).

    Where `weights` (N,) has rows, each row counts as often as that says.
    """
    n_features = x.shape[1]
    block = new_block(x, n_features)
    for start in range(0, x.shape[0], lanes(x)):
        n_rows = min(lanes(x), x.shape[0] - start)
        load_block(x, start, n_rows, origin, block)
        for d in range(n_features):
            first = second = block.dtype.type(0.0)
            if weights.shape[0] > 0:
                for b in range(n_rows):
                    w = block.dtype.type(weights[start + b])
                    first += w * block[d, b]
                    second += w * block[d, b] * block[d, b]
            else:
                for b in range(lanes(block)):
                    first += block[d, b]
                    second += block[d, b] * block[d, b]
            sums[0, d] += np.float64(first)
            sums[1, d] += np.float64(second)


@exact
def shift_origin(sums, total, origin, means, variances):
    """Turn `sums` about `origin` into `means` and `variances` (D,), and move the origin to the means."""
    for d in range(origin.shape[0]):
        shift = sums[0, d] / total
        means[d] = np.float64(origin[d]) + shift
        variances[d] = sums[1, d] / total - shift * shift
        origin[d] = means[d]
        sums[0, d] = sums[1, d] = 0.0


@exact
def share_of_variances(means, variances, share, least, out):
    """Write `share` of the `variances` into `out` (D,), at least `least`; see `regularisation.regularisation`."""
    smallest = np.inf
    largest_mean = 0.0
    for d in range(variances.shape[0]):
        largest_mean = max(largest_mean, abs(means[d]))
        if variances[d] > 0.0:
            smallest = min(smallest, variances[d])
    if not smallest < np.inf:
        smallest = largest_mean * largest_mean
        if smallest == 0.0:
            smallest = 1.0
    for d in range(variances.shape[0]):
        out[d] = max(share * (variances[d] if variances[d] > 0.0 else smallest), least)


@exact
def regularise_small(x, share, least, out):
    """Write what `share_of_variances` makes of unweighted rows `x` (N, D) into `out` (D,)."""
    n_features = x.shape[1]
    origin = x[0].copy()
    sums = np.zeros((2, n_features), out.dtype)
    means = np.empty(n_features, out.dtype)
    variances = np.empty(n_features, out.dtype)
    nothing = np.empty(0, out.dtype)
    for _ in range(2):
        column_sums(x, nothing, origin, sums)
        shift_origin(sums, x.shape[0], origin, means, variances)
    share_of_variances(means, variances, share, least, out)


@exact
def count_held_up(weights, means, covariances, step, reg_covar, held_up):
    """Mark the components without weight, or with a variance of which half or more is the regulariser; count them.

    So are those with a variance that the rounding of the rows could have made. `held_up` (K,) is written. Row k of
    `covariances` holds the variances of component k, `step` apart; a single row those of all.
    """
    count = 0
    for k in range(weights.shape[0]):
        row = min(k, covariances.shape[0] - 1)
        held_up[k] = weights[k] == 0.0
        for d in range(reg_covar.shape[0]):
            rounding = (4.0 * EPSILON * means[k, d]) ** 2
            if not covariances[row, d * step] > 2.0 * reg_covar[d] + rounding:
                held_up[k] = True
        if held_up[k]:
            count += 1
    return count
