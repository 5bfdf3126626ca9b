"""From the log joint densities of a block to responsibilities and log-likelihood; the same for every structure.

With l_k = log(w_k phi_k(x)) of one row and m = max_k l_k (log-sum-exp):

    r_k = exp(l_k - m) / s,    s = sum_k exp(l_k - m),    log p(x) = m + log s.

Everything here works on *half* logarithms l_k / 2, and so on the square roots of responsibilities:
exp((l_k - m) / 2) costs no more, its square is what the sum needs, and sqrt(r) z instead of r z beside z halves
what the second moments read (``primitives/products.py``).

s lies in [1, K], so the s of up to 32 rows are multiplied lane by lane, in double, before a logarithm is taken: K^32
stays below 1e308 for every K below 4e9. A row whose densities all underflow to log-density -inf has s = 0: it gets no
responsibilities and a log-likelihood of -inf, which ends a fit; `evaluate` says that there were such rows.
"""

import math

from ..._numba.options import kernel, part
from ..primitives.exp import exp_or_zero
from ..sizes import lanes
from .limits import cut_off, lowest

SMALLEST = 1.2e-38
# The product of two numbers below it is finite, and it is not below 2^MOST_BITS.
LARGE = 1e150
MOST_BITS = 498


@kernel
def row_maxima(half_logs, spare, maxima):
    """Write the largest of ``half_logs[:, b]`` into ``maxima[b]``; `spare` (B,) is scratch.

    Two arrays take turns because LLVM turns ``m[b] = max(m[b], l[b])`` into a masked store, which made the density
    of D = 2 three times as slow on an AMD Zen 3.
    """
    n_components = half_logs.shape[0]
    least = lowest(half_logs)
    rest = n_components % 4
    for b in range(lanes(half_logs)):
        maxima[b] = max(least, half_logs[0, b]) if rest else least
    if rest == 2:
        for b in range(lanes(half_logs)):
            maxima[b] = max(max(least, half_logs[0, b]), half_logs[1, b])
    elif rest == 3:
        for b in range(lanes(half_logs)):
            maxima[b] = max(max(max(least, half_logs[0, b]), half_logs[1, b]), half_logs[2, b])
    for k in range(rest, n_components, 4):
        for b in range(lanes(half_logs)):
            spare[b] = max(max(maxima[b], half_logs[k, b]), half_logs[k + 1, b])
        for b in range(lanes(half_logs)):
            maxima[b] = max(max(spare[b], half_logs[k + 2, b]), half_logs[k + 3, b])


@kernel
def exponentiate(half_logs, maxima, sums):
    """Replace l / 2 by exp((l - m) / 2) in `half_logs` (K, B), given m / 2 in `maxima` (B,); sum their squares.

    Four components at a time: on two threads of an AMD Zen 4, rounds of 1e6 x 2, K = 16 take 0.92 of the time that
    they take two at a time, of 1e6 x 3, K = 8 0.97, and of 3e5 x 2 with five, seven and nine 0.6, 0.9 and 0.9.
    """
    rest = half_logs.shape[0] % 4
    least = cut_off(half_logs)
    for b in range(lanes(half_logs)):
        sums[b] = half_logs.dtype.type(0.0)
    for k in range(rest):
        row = half_logs[k]
        for b in range(lanes(half_logs)):
            root = exp_or_zero(row[b] - maxima[b], least)
            row[b] = root
            sums[b] += root * root
    for k in range(rest, half_logs.shape[0], 4):
        first, second, third, fourth = half_logs[k], half_logs[k + 1], half_logs[k + 2], half_logs[k + 3]
        for b in range(lanes(half_logs)):
            largest = maxima[b]
            root0 = exp_or_zero(first[b] - largest, least)
            root1 = exp_or_zero(second[b] - largest, least)
            root2 = exp_or_zero(third[b] - largest, least)
            root3 = exp_or_zero(fourth[b] - largest, least)
            first[b] = root0
            second[b] = root1
            third[b] = root2
            fourth[b] = root3
            sums[b] += (root0 * root0 + root1 * root1) + (root2 * root2 + root3 * root3)


@kernel
def collect(maxima, sums, n_rows, products):
    """Multiply the first `n_rows` `sums` into `products` (B,) and return the sum of their m.

    ``sums[b]`` becomes 1/s, or a harmless finite number for a row without any density; 0 in lanes without a row.
    """
    total = 0.0
    for b in range(n_rows):
        total += 2.0 * maxima[b]
        products[b] *= sums[b]
    invert(sums, n_rows)
    return total


@part
def collect_weighted(maxima, sums, weights, start, n_rows):
    """Do what `collect` does for weighted rows, by ``weights[start:]``, of which ``sums[b]`` becomes w/s.

    A logarithm for each row, because the powers s^w could be anything. Beside these a call costs nothing.
    """
    total = 0.0
    for b in range(n_rows):
        weight = weights[start + b]
        if weight > 0.0:
            total += weight * (2.0 * maxima[b] + (math.log(sums[b]) if sums[b] > 0.0 else -math.inf))
    invert(sums, n_rows)
    multiply(sums, weights, start, n_rows)
    return total


@kernel
def invert(sums, n_rows):
    """Replace s by 1/s, see `collect`."""
    smallest, one = sums.dtype.type(SMALLEST), sums.dtype.type(1.0)
    for b in range(lanes(sums)):
        sums[b] = one / max(sums[b], smallest)
    beyond = sums[n_rows:]
    for b in range(beyond.shape[0]):  # see `clear_lanes`
        beyond[b] = sums.dtype.type(0.0)


@kernel
def multiply(scales, weights, start, n_rows):
    """Multiply ``scales[:n_rows]`` by ``weights[start:]``."""
    own = weights[start : start + n_rows]
    for b in range(n_rows):
        scales[b] *= scales.dtype.type(own[b])


@kernel
def scale_roots(roots, root_scales):
    """Turn exp((l - m) / 2) into sqrt(r) in place, given sqrt(1/s) in `root_scales`; return N_k = sum_b r_b."""
    total = roots.dtype.type(0.0)
    for b in range(lanes(roots)):
        root = roots[b] * root_scales[b]
        roots[b] = root
        total += root * root
    return total


@kernel
def take_roots(values):
    """Replace `values` (B,) by their square roots."""
    for b in range(lanes(values)):
        values[b] = math.sqrt(values[b])


@kernel
def responsibilities(roots, scales):
    """Turn exp((l - m) / 2) into r in place, given 1/s in `scales`; return N_k = sum_b r_b."""
    total = roots.dtype.type(0.0)
    for b in range(lanes(roots)):
        r = roots[b] * roots[b] * scales[b]
        roots[b] = r
        total += r
    return total


@part
def log_sum(products, n_components, n_blocks):
    """Return the sum of the logarithms of `products` (B,), each of `n_blocks` s; -inf if one of them is not positive.

    Multiplies on as long as nothing can overflow, and overwrites them: a logarithm takes as long as 30
    multiplications, and one for each of 256 lanes took 5 % of a pass at D = 1. Halves at first, because lanes one
    after another wait for each other: 0.25 microseconds of a superblock's 3 at D = 2, K = 4. In the order written, so
    that it has the same bits in every caller.
    """
    # 2^bits is beyond any product.
    bits, size = n_blocks, products.shape[0]
    while 1 << (bits // n_blocks) < n_components:
        bits += n_blocks
    while 2 * bits <= MOST_BITS and size % 2 == 0:
        size //= 2
        bits *= 2
        for b in range(size):
            products[b] *= products[size + b]
    total = 0.0
    product = 1.0
    for b in range(size):
        value = products[b]
        if not value > 0.0:
            return -math.inf
        if value > LARGE:
            total += math.log(value)
        else:
            product *= value
        if product > LARGE:
            total += math.log(product)
            product = 1.0
    return total + math.log(product)
