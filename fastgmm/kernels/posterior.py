"""From the log joint densities of a block to responsibilities and log-likelihood; the same for every structure.

With l_k = log(w_k phi_k(x)) of one row and m = max_k l_k (log-sum-exp):

    r_k = exp(l_k - m) / s,    s = sum_k exp(l_k - m),    log p(x) = m + log s.

s lies in [1, K], so the s of up to 32 rows are multiplied before one logarithm is taken: K^32 stays below
1e308 for every K below 4e9. A row whose densities all underflow to log-density -inf has s = 0: it gets no
responsibilities and a log-likelihood of -inf, which `em` reports.
"""

import math

from .._jit import kernel
from .exp import exp_nonpositive

# Finite, so that l - m is -inf and not NaN when every l is -inf.
LOWEST = -1.7976931348623157e308
SMALLEST = 2.2250738585072014e-308


@kernel
def row_maxima(log_joint, lanes, spare, maxima):
    """Write the largest of ``log_joint[:, b]`` into ``maxima[b]``; `spare` (B,) is scratch.

    Two arrays take turns because LLVM turns ``m[b] = max(m[b], l[b])`` into a masked store, which made the density
    of D = 2 three times as slow on an AMD Zen 3.
    """
    n_components = log_joint.shape[0]
    odd = n_components % 2
    for b in range(lanes):
        maxima[b] = max(LOWEST, log_joint[0, b]) if odd else LOWEST
    for k in range(odd, n_components, 2):
        for b in range(lanes):
            spare[b] = max(maxima[b], log_joint[k, b])
        for b in range(lanes):
            maxima[b] = max(spare[b], log_joint[k + 1, b])


@kernel
def exponentiate(log_joint, lanes, maxima, sums):
    """Replace l by exp(l - m) in ``log_joint[:, :lanes]`` (K, B), given m in `maxima` (B,); write their `sums`."""
    for b in range(lanes):
        sums[b] = 0.0
    for k in range(log_joint.shape[0]):
        for b in range(lanes):
            e = exp_nonpositive(log_joint[k, b] - maxima[b])
            log_joint[k, b] = e
            sums[b] += e


@kernel
def collect(maxima, sums, lanes, products):
    """Multiply `sums` into `products` (B,) and invert them in place; return the sum of `maxima`.

    ``sums[b]`` becomes 1/s, or a harmless finite number for a row without any density.
    """
    total = 0.0
    for b in range(lanes):
        total += maxima[b]
        products[b] *= sums[b]
        sums[b] = 1.0 / max(sums[b], SMALLEST)
    return total


@kernel
def log_sum(products):
    """Return the sum of the logarithms of `products` (B,); -inf if one of them is not positive."""
    total = 0.0
    for b in range(products.shape[0]):
        total += math.log(products[b]) if products[b] > 0.0 else -math.inf
    return total


@kernel
def store_labels(log_joint, lanes, maxima, labels):
    """Write the first component that attains the maximum into ``labels[:lanes]``."""
    for b in range(lanes):
        labels[b] = 0
    for k in range(log_joint.shape[0] - 1, -1, -1):
        for b in range(lanes):
            if log_joint[k, b] == maxima[b]:
                labels[b] = k


@kernel
def store_log_density(lanes, maxima, sums, out):
    """Write m + log s into ``out[:lanes]``."""
    for b in range(lanes):
        out[b] = maxima[b] + (math.log(sums[b]) if sums[b] > 0.0 else -math.inf)


@kernel
def store_responsibilities(exponentials, lanes, sums, out):
    """Write exp(l - m) / s, transposed, into ``out[:lanes]`` (B, K)."""
    for b in range(lanes):
        scale = 1.0 / max(sums[b], SMALLEST)
        for k in range(exponentials.shape[0]):
            out[b, k] = exponentials[k, b] * scale
